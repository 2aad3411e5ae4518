"""Views into flat arrays, compiled: what nn/shared/layers.py does by slicing.

Compiled functions that count no references (see compile.py) cannot return arrays, so these are
intrinsics; besides, reshape would be a function call at every layer of every update.
"""
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from ..shared import layers as _layers
from .compile import JIT

matrix, vector = _layers.matrix, _layers.vector


def row(array, n):
    """Return the view array[n]."""
    return array[n]


def part(array, n, lo, hi):
    """Return the view array[n, lo:hi]."""
    return array[n, lo:hi]


def elements(array):
    """Return the view of a matrix as one vector."""
    return array.reshape(array.size)


def _c_order(array):
    """Raise TypingError, which names the call, unless rows lie one after another without gaps."""
    if getattr(array, "layout", None) != "C":
        raise TypingError(f"a view needs an array in C order, got {array}")


def _view(context, builder, source, kind, at, shape):
    """Return an array of C order that starts at element `at` of another one."""
    result = context.make_array(kind)(context, builder)
    item = context.get_data_type(kind.dtype)
    itemsize = context.get_constant(types.intp, context.get_abi_sizeof(item))
    strides = [itemsize]
    for size in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], size))
    populate_array(result, data=builder.gep(source.data, [at]), shape=shape, strides=strides,
                   itemsize=itemsize, meminfo=None)
    return result._getvalue()


@intrinsic
def _matrix(typing, flat, at, rows, columns):
    _c_order(flat)
    kind = types.Array(flat.dtype, 2, "C")

    def generate(context, builder, sig, args):
        source = context.make_array(sig.args[0])(context, builder, args[0])
        return _view(context, builder, source, kind, args[1], args[2:])
    return kind(flat, types.intp, types.intp, types.intp), generate


@intrinsic
def _vector(typing, flat, at, n):
    _c_order(flat)
    kind = types.Array(flat.dtype, 1, "C")

    def generate(context, builder, sig, args):
        source = context.make_array(sig.args[0])(context, builder, args[0])
        flat_size, = cgutils.unpack_tuple(builder, source.shape)
        zero = ir.Constant(args[1].type, 0)
        nothing = builder.or_(builder.icmp_signed("<", args[1], zero),
                              builder.icmp_signed("==", flat_size, zero))
        at = builder.select(nothing, zero, args[1])
        return _view(context, builder, source, kind, at, [builder.select(nothing, zero, args[2])])
    return kind(flat, types.intp, types.intp), generate


@intrinsic
def _row(typing, array, n):
    _c_order(array)
    kind = types.Array(array.dtype, 1, "C")

    def generate(context, builder, sig, args):
        source = context.make_array(sig.args[0])(context, builder, args[0])
        _, columns = cgutils.unpack_tuple(builder, source.shape)
        return _view(context, builder, source, kind, builder.mul(args[1], columns), [columns])
    return kind(array, types.intp), generate


@intrinsic
def _part(typing, array, n, lo, hi):
    _c_order(array)
    kind = types.Array(array.dtype, 1, "C")

    def generate(context, builder, sig, args):
        source = context.make_array(sig.args[0])(context, builder, args[0])
        _, columns = cgutils.unpack_tuple(builder, source.shape)
        at = builder.add(builder.mul(args[1], columns), args[2])
        return _view(context, builder, source, kind, at, [builder.sub(args[3], args[2])])
    return kind(array, types.intp, types.intp, types.intp), generate


@intrinsic
def _elements(typing, array):
    _c_order(array)
    kind = types.Array(array.dtype, 1, "C")

    def generate(context, builder, sig, args):
        source = context.make_array(sig.args[0])(context, builder, args[0])
        zero = ir.Constant(source.nitems.type, 0)
        return _view(context, builder, source, kind, zero, [source.nitems])
    return kind(array), generate


if JIT:
    matrix, vector, row, part, elements = _matrix, _vector, _row, _part, _elements
