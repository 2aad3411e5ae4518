"""Matrix products inside kernels: SciPy's BLAS, called by address.

np.dot, which Numba knows, has neither sub-matrices nor beta.

All matrices are C-contiguous. `lo:hi` selects a panel, so that threads can share one product: the
split follows from the shape alone, hence so does every bit of the result. BLAS is column-major: a
row-major matrix is its transpose there, so C = A B is computed as Cᵀ = Bᵀ Aᵀ, with the operands
swapped.
"""
import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from .compile import JIT, inner
from .cython_blas import address

# Symbols, not addresses, so that cached machine code stays valid in the next process.
for _letter in "sd":
    llvmlite.binding.add_symbol(f"afterzero_{_letter}gemm", address(f"{_letter}gemm"))

_INT, _CHAR = ir.IntType(32), ir.IntType(8)
_POINTER = _CHAR.as_pointer()
PLAIN, TRANSPOSED = ord("N"), ord("T")

# BLAS copies ("packs") its operands into an order of its own before it multiplies, which takes up
# to half of the time at batches of 16 to 100. OpenBLAS for AVX-512 does without in products of up
# to UNPACKED multiplications; a bᵀ must besides have at most UNPACKED_BT elements, each a sum of at
# least 32 products.
AVX512 = bool(llvmlite.binding.get_host_cpu_features().get("avx512f"))
UNPACKED, UNPACKED_BT = 1_000_000, 1200
PIECE = 32  # rows of a piece, where it cannot have all
SMALL = 4096  # elements of b up to which packing a bᵀ is quicker than several calls


@intrinsic
def _gemm(typing, ta, tb, m, n, k, alpha, a, a_at, lda, b, b_at, ldb, beta, c, c_at, ldc):
    """Call xgemm on the elements of a, b, c that start at the given offsets."""
    dtypes = {array.dtype for array in (a, b, c)}
    if len(dtypes) != 1 or a.dtype not in (types.float32, types.float64):
        raise TypingError(f"gemm needs three float32 or three float64 arrays, got {a}, {b}, {c}")
    real = a.dtype
    i64 = types.int64
    signature = types.void(
        i64, i64, i64, i64, i64, real, a, i64, i64, b, i64, i64, real, c, i64, i64)
    symbol = "afterzero_sgemm" if real == types.float32 else "afterzero_dgemm"

    def generate(context, builder, sig, args):
        def by_reference(value, kind):
            slot = cgutils.alloca_once(builder, kind)
            value = builder.trunc(value, kind) if isinstance(kind, ir.IntType) else value
            builder.store(value, slot)
            return builder.bitcast(slot, _POINTER)

        def data(i):
            pointer = context.make_array(sig.args[i])(context, builder, args[i]).data
            return builder.bitcast(builder.gep(pointer, [args[i + 1]]), _POINTER)

        number = context.get_value_type(real)
        values = [by_reference(args[0], _CHAR), by_reference(args[1], _CHAR),
                  *(by_reference(args[i], _INT) for i in (2, 3, 4)),
                  by_reference(args[5], number), data(6), by_reference(args[8], _INT), data(9),
                  by_reference(args[11], _INT), by_reference(args[12], number), data(13),
                  by_reference(args[15], _INT)]
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [_POINTER] * len(values)), symbol)
        builder.call(function, values)
        return context.get_dummy_value()

    return signature, generate


def unpacked(multiplications, columns):
    """Return how many of the columns to compute per call, so that BLAS packs nothing.

    A column takes `multiplications`.
    """
    width = UNPACKED // max(multiplications, 1) // 16 * 16
    return width if AVX512 and width > 0 else max(columns, 1)


def unpacked_rows(rows, K):
    """Return how many rows to compute per call: all, unless too many for 16 columns.

    K is the length of the sums.
    """
    pieces = AVX512 and PIECE * K * 16 <= UNPACKED < rows * K * 16
    return PIECE if pieces else max(rows, 1)


def product(c, a, b, lo, hi):
    """Fill columns lo:hi of c = a b.  a (M, K), b (K, N), c (M, N)."""
    one, zero = c.dtype.type(1), c.dtype.type(0)
    rows = unpacked_rows(a.shape[0], a.shape[1])
    width = unpacked(rows * a.shape[1], hi - lo)
    for j in range(lo, hi, width):
        for i in range(0, a.shape[0], rows):
            _gemm(PLAIN, PLAIN, min(width, hi - j), min(rows, a.shape[0] - i), a.shape[1], one,
                  b, j, b.shape[1], a, i * a.shape[1], a.shape[1], zero,
                  c, i * c.shape[1] + j, c.shape[1])


def product_bt(c, a, b, lo, hi):
    """Fill columns lo:hi of c = a bᵀ.  a (M, K), b (N, K), c (M, N)."""
    one, zero = c.dtype.type(1), c.dtype.type(0)
    width = unpacked(a.size, hi - lo)
    if AVX512 and b.size > SMALL and 0 < a.shape[0] <= UNPACKED_BT // 8 and a.shape[1] >= 32:
        width = min(width, UNPACKED_BT // a.shape[0] // 8 * 8)
    for j in range(lo, hi, width):
        _gemm(TRANSPOSED, PLAIN, min(width, hi - j), a.shape[0], a.shape[1], one,
              b, j * b.shape[1], b.shape[1], a, 0, a.shape[1], zero, c, j, c.shape[1])


def product_at(c, a, b, lo, hi):
    """Fill rows lo:hi of c = aᵀ b.  a (K, M), b (K, N), c (M, N)."""
    one, zero = c.dtype.type(1), c.dtype.type(0)
    width = unpacked(a.shape[0] * PIECE, b.shape[1])
    rows = unpacked(a.shape[0] * min(width, b.shape[1]), hi - lo)
    for i in range(lo, hi, rows):
        for j in range(0, b.shape[1], width):
            _gemm(PLAIN, TRANSPOSED, min(width, b.shape[1] - j), min(rows, hi - i), a.shape[0], one,
                  b, j, b.shape[1], a, i, a.shape[1], zero, c, i * c.shape[1] + j, c.shape[1])


def add_rows_product(c, c_row, a, a_row, rows, b):
    """Add a[a_row : a_row + rows] b to as many rows of c.  a (·, K), b (K, N), c (·, N)."""
    one = c.dtype.type(1)
    width = unpacked(rows * b.shape[0], b.shape[1])
    for j in range(0, b.shape[1], width):
        _gemm(PLAIN, PLAIN, min(width, b.shape[1] - j), rows, b.shape[0], one, b, j, b.shape[1],
              a, a_row * a.shape[1], a.shape[1], one, c, c_row * c.shape[1] + j, c.shape[1])


if JIT:
    unpacked, unpacked_rows = inner(unpacked), inner(unpacked_rows)
    product, product_bt, product_at = inner(product), inner(product_bt), inner(product_at)
    add_rows_product = inner(add_rows_product)
else:  # the primitives exist only compiled; these stand in for them
    def product(c, a, b, lo, hi):
        """Fill columns lo:hi of c = a b."""
        c[:, lo:hi] = np.matmul(a, b[:, lo:hi])

    def product_bt(c, a, b, lo, hi):
        """Fill columns lo:hi of c = a bᵀ."""
        c[:, lo:hi] = np.matmul(a, b[lo:hi].T)

    def product_at(c, a, b, lo, hi):
        """Fill rows lo:hi of c = aᵀ b."""
        c[lo:hi] = np.matmul(a[:, lo:hi].T, b)

    def add_rows_product(c, c_row, a, a_row, rows, b):
        """Add a[a_row : a_row + rows] b to the same number of rows of c."""
        c[c_row:c_row + rows] += np.matmul(a[a_row:a_row + rows], b)
