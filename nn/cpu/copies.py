"""Copies of rows and matrices, compiled."""
from .compile import inner
from .views import row


def copy_row(to, source):
    """Copy a vector."""
    for j in range(to.size):
        to[j] = source[j]


copy_row = inner(copy_row)


def copy(to, source):
    """Copy a matrix, unless it is the same one."""
    if to.ctypes.data != source.ctypes.data:
        for n in range(to.shape[0]):
            copy_row(row(to, n), row(source, n))


copy = inner(copy)
