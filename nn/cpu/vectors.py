"""Sixteen numbers at a time: the few vector operations that batches of one are made of.

LLVM splits a vector of 16 to the width of the processor at hand, so that nothing here is particular
to one. `at` is a place in a flat array. The first `n` of 16 lanes can be asked for alone: rows of
weights are not padded.
"""
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

LANES = 16
_I1, _I32, _I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)
_LETTER = {types.float32: ("f32", ir.FloatType()), types.float64: ("f64", ir.DoubleType())}


class Vector(types.Type):
    """Sixteen float32 or float64."""

    def __init__(self, real):
        self.real = real
        super().__init__(f"Vector({real})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _llvm(kind))


def _llvm(kind):
    return ir.VectorType(_LETTER[kind.real][1], LANES)


def _pointer(context, builder, kind, array, at):
    """Return the address of array[at] as that of a vector."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), _llvm(Vector(kind.dtype)).as_pointer())


def _splat(builder, value, kind):
    empty = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, empty, _indices([0] * LANES))


def _indices(lanes):
    """Return the constant that tells shuffle_vector which lanes to take."""
    return ir.Constant(ir.VectorType(_I32, len(lanes)), lanes)


def _first_lanes(builder, n):
    """Return the mask of the first n lanes."""
    kind = ir.VectorType(_I64, LANES)
    return builder.icmp_signed("<", ir.Constant(kind, list(range(LANES))), _splat(builder, n, kind))


@intrinsic
def broadcast(typing, value):
    """Return sixteen times the same value."""
    def generate(context, builder, sig, args):
        return _splat(builder, args[0], _llvm(sig.return_type))
    return Vector(value)(value), generate


@intrinsic
def load(typing, array, at):
    """Return array[at : at + 16]."""
    def generate(context, builder, sig, args):
        value = builder.load(_pointer(context, builder, sig.args[0], *args))
        value.align = context.get_abi_sizeof(context.get_value_type(sig.args[0].dtype))
        return value
    return Vector(array.dtype)(array, types.intp), generate


@intrinsic
def get(typing, array, at):
    """Return array[at]; unlike indexing, without a look at whether `at` counts from the end."""
    def generate(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.load(builder.gep(data, [args[1]]))
    return array.dtype(array, types.intp), generate


@intrinsic
def put(typing, array, at, value):
    """Set array[at] likewise."""
    def generate(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        builder.store(args[2], builder.gep(data, [args[1]]))
        return context.get_dummy_value()
    return types.void(array, types.intp, array.dtype), generate


@intrinsic
def store(typing, array, at, value):
    """Set array[at : at + 16]."""
    def generate(context, builder, sig, args):
        instruction = builder.store(args[2], _pointer(context, builder, sig.args[0], *args[:2]))
        instruction.align = context.get_abi_sizeof(context.get_value_type(sig.args[0].dtype))
        return context.get_dummy_value()
    return types.void(array, types.intp, value), generate


@intrinsic
def multiply_add(typing, a, b, c):
    """Return a · b + c, in one rounding where the processor can."""
    def generate(context, builder, sig, args):
        kind = _llvm(sig.return_type)
        name = f"llvm.fmuladd.v{LANES}{_LETTER[sig.return_type.real][0]}"
        signature = ir.FunctionType(kind, [kind] * 3)
        return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), args)
    return a(a, a, a), generate


@intrinsic
def add(typing, a, b):
    """Return a + b."""
    def generate(context, builder, sig, args):
        return builder.fadd(*args)
    return a(a, a), generate


@intrinsic
def first(typing, a, n):
    """Return the first n lanes of a, and zeros."""
    def generate(context, builder, sig, args):
        zeros = ir.Constant(args[0].type, [0.0] * LANES)
        return builder.select(_first_lanes(builder, args[1]), args[0], zeros)
    return a(a, types.intp), generate


def _halves_added(builder, a, b, width):
    """Add the two halves of each group of `width` lanes; result groups: that of a, that of b."""
    low, high = [], []
    for group in range(0, LANES, width):
        for source in (0, LANES):
            low += [source + group + lane for lane in range(width // 2)]
            high += [source + group + width // 2 + lane for lane in range(width // 2)]
    return builder.fadd(builder.shuffle_vector(a, b, _indices(low)),
                        builder.shuffle_vector(a, b, _indices(high)))


@intrinsic
def put_totals(typing, array, at, a, b, c, d):
    """Set array[at : at + 4] to the sums over the lanes of four vectors, added pairwise."""
    def generate(context, builder, sig, args):
        ac = _halves_added(builder, args[2], args[4], 16)
        bd = _halves_added(builder, args[3], args[5], 16)
        abcd = _halves_added(builder, ac, bd, 8)  # four lanes each of a, b, c, d
        for half in (2, 1):
            swapped = [lane // 4 * 4 + (lane + half) % 4 for lane in range(LANES)]
            empty = ir.Constant(abcd.type, ir.Undefined)
            abcd = builder.fadd(abcd, builder.shuffle_vector(abcd, empty, _indices(swapped)))
        empty = ir.Constant(abcd.type, ir.Undefined)
        four = builder.shuffle_vector(abcd, empty, _indices([0, 4, 8, 12]))
        pointer = _pointer(context, builder, sig.args[0], *args[:2])
        pointer = builder.bitcast(pointer, four.type.as_pointer())
        builder.store(four, pointer).align = context.get_abi_sizeof(four.type.element)
        return context.get_dummy_value()
    return types.void(array, types.intp, a, a, a, a), generate


@intrinsic
def total(typing, a):
    """Return the sum of all lanes, added pairwise."""
    def generate(context, builder, sig, args):
        value, empty = args[0], ir.Constant(args[0].type, ir.Undefined)
        for half in (8, 4, 2, 1):
            swapped = [(lane + half) % LANES for lane in range(LANES)]
            value = builder.fadd(value, builder.shuffle_vector(value, empty, _indices(swapped)))
        return builder.extract_element(value, ir.Constant(_I32, 0))
    return a.real(a), generate
