"""Copies of rows and matrices, compiled.

Calls of memmove: LLVM makes some 200 lines of code of a loop that copies.
"""
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from .compile import JIT, inner
from .views import elements


def copy_row(to, source):
    """Copy a vector."""
    to[:] = source[:to.size]


@intrinsic
def _copy_row(typing, to, source):
    if to.dtype != source.dtype or (to.layout, source.layout) != ("C", "C"):
        raise TypingError("copy_row needs two vectors of one dtype, in C order, "
                          f"got {to} and {source}")

    def generate(context, builder, sig, args):
        target, origin = (context.make_array(kind)(context, builder, value) for kind, value in zip(
            sig.args, args, strict=True))
        cgutils.raw_memmove(builder, target.data, origin.data, target.nitems, target.itemsize)
        return context.get_dummy_value()
    return types.void(to, source), generate


if JIT:
    copy_row = _copy_row


def copy(to, source):
    """Copy a matrix, unless it is the same one."""
    if to.ctypes.data != source.ctypes.data:
        copy_row(elements(to), elements(source))


copy = inner(copy)
