"""Sums over many numbers, in two stages, so that they come out the same every time.

If all blocks added what they found to one place, whoever came first would decide how the sum is
rounded. So the blocks of a first kernel each add up their own share and write it down, and those of
a second add up these partial sums. Which thread adds what, and in what order, follows from the
shape alone.
"""
from ._compat import blocks, cuda, device, kernel, launch, scratch

# A block adds up CHUNK rows of COLUMNS columns, its threads (COLUMNS, LANES) every LANES-th row.
COLUMNS, LANES, CHUNK = 32, 8, 256
SUMS = COLUMNS * LANES
THREADS = 256  # of a block that adds up a vector; a power of two
MOST_PARTS = 65535  # blocks that a grid may have along y and z; along x there may be 2³¹ - 1


def sum_of_lanes(lanes, value, column, lane):
    """Return, to each thread of a (COLUMNS, LANES) block, the sum of its column's values."""
    lanes[lane * COLUMNS + column] = value
    cuda.syncthreads()  # all have written what is read now
    total = lanes[column]
    for other in range(1, LANES):
        total += lanes[other * COLUMNS + column]
    cuda.syncthreads()  # all have read, and `lanes` is free for the next sum
    return total


def sum_of_block(values, value, thread):
    """Return, to each of THREADS threads, the sum of their values.

    In pairs that lie half as far apart each time: log2(THREADS) steps.
    """
    values[thread] = value
    apart = THREADS // 2
    while apart > 0:
        cuda.syncthreads()
        if thread < apart:
            values[thread] += values[thread + apart]
        apart //= 2
    cuda.syncthreads()
    total = values[0]
    cuda.syncthreads()
    return total


def largest_of_block(values, value, thread):
    """Return, to each of THREADS threads, the largest of their values, or NaN if there is one."""
    values[thread] = value
    apart = THREADS // 2
    while apart > 0:
        cuda.syncthreads()
        if thread < apart:
            other = values[thread + apart]
            if not other <= values[thread] and values[thread] == values[thread]:
                values[thread] = other
        apart //= 2
    cuda.syncthreads()
    largest = values[0]
    cuda.syncthreads()
    return largest


sum_of_lanes, sum_of_block = device(sum_of_lanes), device(sum_of_block)
largest_of_block = device(largest_of_block)


def sum_columns(sums, a, rows):
    """Fill row blockIdx.y of `sums` with the sum of rows blockIdx.y · rows and following of a."""
    lanes = cuda.shared.array(SUMS, a.dtype)
    column, lane = cuda.threadIdx.x, cuda.threadIdx.y
    j = cuda.blockIdx.x * COLUMNS + column
    first = cuda.blockIdx.y * rows
    value = a.dtype.type(0)
    if j < a.shape[1]:
        for n in range(first + lane, min(first + rows, a.shape[0]), LANES):
            value += a[n, j]
    total = sum_of_lanes(lanes, value, column, lane)
    if lane == 0 and j < a.shape[1]:
        sums[cuda.blockIdx.y, j] = total


sum_columns = kernel(sum_columns)


def column_sums(sums, a):
    """Fill sums (n,) with the sum of the rows of a (rows, n)."""
    rows, n = a.shape
    chunk, block = max(CHUNK, blocks(rows, MOST_PARTS)), (COLUMNS, LANES)
    parts = blocks(rows, chunk)
    if parts > 1:
        partial = scratch("column_sums", parts * n, a.dtype).reshape(parts, n)
        launch(sum_columns, (blocks(n, COLUMNS), parts), block, partial, a, chunk)
        rows, a = parts, partial
    launch(sum_columns, (blocks(n, COLUMNS), 1), block, sums.reshape(1, n), a, rows)
