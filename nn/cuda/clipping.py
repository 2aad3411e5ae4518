"""The gradient as a whole: clipping it, and what is frozen. Definition: nn/reference/training.py.

The norm is found in stages (reductions.py): each block looks at a share of the vector, and blocks
of the next kernel put together what all have found. There are two passes, for squares of large
float32 overflow: each element is divided by the largest first.
"""
import math

from ._compat import blocks, cuda, device, kernel, launch, scratch
from .reductions import THREADS, largest_of_block, sum_of_block

MOST_BLOCKS = 256  # that share a vector


def larger(value, largest):
    """Return the larger one, or a NaN, which is kept once found."""
    return value if not value <= largest and largest == largest else largest


larger = device(larger)


def find_largest(found, dflat):
    """Fill found[blockIdx.x] with the largest absolute value of a block's share."""
    values = cuda.shared.array(THREADS, dflat.dtype)
    largest, thread = dflat.dtype.type(0), cuda.threadIdx.x
    for i in range(cuda.grid(1), dflat.size, cuda.gridDim.x * THREADS):
        largest = larger(abs(dflat[i]), largest)
    largest = largest_of_block(values, largest, thread)
    if thread == 0:
        found[cuda.blockIdx.x] = largest


def add_squares(squares, found, dflat):
    """Fill squares[blockIdx.x] with Σ (dflat / largest)² over a block's share."""
    values = cuda.shared.array(THREADS, dflat.dtype)
    zero, thread = dflat.dtype.type(0), cuda.threadIdx.x
    largest, value = zero, zero
    for i in range(thread, found.size, THREADS):
        largest = larger(found[i], largest)
    largest = largest_of_block(values, largest, thread)
    if largest != zero:
        for i in range(cuda.grid(1), dflat.size, cuda.gridDim.x * THREADS):
            part = dflat[i] / largest
            value += part * part
    value = sum_of_block(values, value, thread)
    if thread == 0:
        squares[cuda.blockIdx.x] = value


def scale_down(dflat, found, squares, clip_norm):
    """Scale a block's share if the whole vector, largest · √Σ squares, is longer than clip_norm."""
    values = cuda.shared.array(THREADS, dflat.dtype)
    zero, thread = dflat.dtype.type(0), cuda.threadIdx.x
    largest, value = zero, zero
    for i in range(thread, found.size, THREADS):
        largest = larger(found[i], largest)
        value += squares[i]
    largest = largest_of_block(values, largest, thread)
    root = math.sqrt(sum_of_block(values, value, thread))
    if largest * root > clip_norm:  # false for a NaN
        scale = clip_norm / largest / root  # in this order nothing overflows
        for i in range(cuda.grid(1), dflat.size, cuda.gridDim.x * THREADS):
            dflat[i] *= scale


def clear_elements(dflat, start, end):
    """Set elements start:end to 0, a thread each."""
    i = start + cuda.grid(1)
    if i < end:
        dflat[i] = dflat.dtype.type(0)


find_largest, add_squares = kernel(find_largest), kernel(add_squares)
scale_down, clear_elements = kernel(scale_down), kernel(clear_elements)


def clip_gradient(dflat, clip_norm):
    """Scale the gradient down to norm `clip_norm` if it is longer (Pascanu et al. 2013)."""
    count = min(blocks(dflat.size, THREADS), MOST_BLOCKS)
    found = scratch("largest", count, dflat.dtype)
    squares = scratch("squares", count, dflat.dtype)
    launch(find_largest, count, THREADS, found, dflat)
    launch(add_squares, count, THREADS, squares, found, dflat)
    launch(scale_down, count, THREADS, dflat, found, squares, dflat.dtype.type(clip_norm))


def clear_frozen(dflat, free):
    """Set the gradient of what is not trained, which lies between the ranges `free`, to 0."""
    end = 0
    for start, next_end in (*free.tolist(), (dflat.size, dflat.size)):
        launch(clear_elements, blocks(start - end, THREADS), THREADS, dflat, end, start)
        end = next_end
