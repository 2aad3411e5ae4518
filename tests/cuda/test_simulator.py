"""The simulator finds each kind of mistake in a kernel that makes it, and none in kernels that make none."""
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.cuda import simulator, wrong_kernels, wrong_warps
from tests.cuda.simulator import HostAccess, OutOfBounds, Race, SimulatorError, TooLarge, simulated
from tests.cuda.wrong_kernels import THREADS

cuda = None  # the simulator's while a test runs
KERNELS = sys.modules[__name__], wrong_kernels, wrong_warps
WRONG = wrong_kernels.WRONG | wrong_warps.WRONG


@pytest.fixture
def gpu():
    with simulated(*KERNELS, warp_barriers=True) as machine:
        yield machine


def floats(gpu, *shape):
    return gpu.to_device(np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape))


# --- kernels that are right

TILE = 4


def product(C, A, B):
    """C = A B by square tiles."""
    a = cuda.shared.array((TILE, TILE), A.dtype)
    b = cuda.shared.array((TILE, TILE), A.dtype)
    x, y = cuda.threadIdx.x, cuda.threadIdx.y
    row, column = cuda.blockIdx.y * TILE + y, cuda.blockIdx.x * TILE + x
    zero = A.dtype.type(0)
    total = zero
    for start in range(0, A.shape[1], TILE):
        a[y, x] = A[row, start + x] if row < A.shape[0] and start + x < A.shape[1] else zero
        b[y, x] = B[start + y, column] if start + y < B.shape[0] and column < B.shape[1] else zero
        cuda.syncthreads()
        for k in range(TILE):
            total += a[y, k] * b[k, x]
        cuda.syncthreads()
    if row < C.shape[0] and column < C.shape[1]:
        C[row, column] = total


def tree_sum(out, x):
    """Sum by halves; a block each for THREADS numbers."""
    partial = cuda.shared.array(0, x.dtype)
    thread = cuda.threadIdx.x
    partial[thread] = x[cuda.grid(1)] if cuda.grid(1) < x.size else x.dtype.type(0)
    step = cuda.blockDim.x // 2
    while step > 0:
        cuda.syncthreads()
        if thread < step:
            partial[thread] += partial[thread + step]
        step //= 2
    if thread == 0:
        out[cuda.blockIdx.x] = partial[0]


def warp_sum(out, x):
    value = x[cuda.grid(1)]
    for bits in (16, 8, 4, 2, 1):
        value += cuda.shfl_xor_sync(0xFFFFFFFF, value, bits)
    shared = cuda.shared.array(64, x.dtype)
    shared[cuda.threadIdx.x] = value
    cuda.syncwarp()
    if cuda.laneid == 0:
        out[cuda.grid(1) // 32] = shared[cuda.threadIdx.x + 31]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 4, 4), (9, 7, 10), (3, 13, 5)])
def test_a_product_in_tiles(gpu, shape, dtype):
    m, k, n = shape
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
    C = gpu.empty((m, n), dtype)
    gpu.launch(product, (-(-n // TILE), -(-m // TILE)), (TILE, TILE), C, gpu.to_device(A), gpu.to_device(B))
    assert C.copy_to_host().dtype == dtype
    np.testing.assert_allclose(C.copy_to_host(), A @ B, rtol=1e-5, atol=1e-6)


def test_dynamic_shared_memory(gpu):
    out = gpu.empty(3, np.float32)
    gpu.launch(tree_sum, 3, THREADS, out, floats(gpu, 21), shared=4 * THREADS)
    np.testing.assert_array_equal(out.copy_to_host(), [28, 92, 90])
    with pytest.raises(OutOfBounds, match=r"thread \(7, 0, 0\) of block \(0, 0, 0\): partial\[7\]"):
        gpu.launch(tree_sum, 3, THREADS, out, floats(gpu, 21), shared=4 * THREADS - 4)


def test_shuffles_and_warp_barriers(gpu):
    out = gpu.empty(4, np.float32)
    gpu.launch(warp_sum, 2, 64, out, floats(gpu, 128))
    np.testing.assert_array_equal(out.copy_to_host(), np.arange(128).reshape(4, 32).sum(axis=1))


def test_directions_of_shuffles(gpu):
    def kernel(out, x):
        value = x[cuda.threadIdx.x]
        out[0, cuda.laneid] = cuda.shfl_up_sync(0xFFFFFFFF, value, 2)
        out[1, cuda.laneid] = cuda.shfl_down_sync(0xFFFFFFFF, value, 3)
        out[2, cuda.laneid] = cuda.shfl_sync(0xFFFFFFFF, value, 5)
    out, lanes = gpu.empty((3, 32), np.float32), np.arange(32)
    gpu.launch(kernel, 1, 32, out, floats(gpu, 32))
    expected = [np.where(lanes < 2, lanes, lanes - 2), np.where(lanes > 28, lanes, lanes + 3), np.full(32, 5)]
    np.testing.assert_array_equal(out.copy_to_host(), expected)


def test_views(gpu):
    def kernel(y, x):
        row, i = y[cuda.blockIdx.x], cuda.threadIdx.x
        row[i] = x[cuda.blockIdx.x, i] + x[1:][0][i]
    x = np.arange(12, dtype=np.float32)
    whole, y = gpu.to_device(x), gpu.zeros(10, np.float32)
    gpu.launch(kernel, 2, 3, y[2:8].reshape(2, 3), whole[6:].reshape(-1, 3))
    x = x[6:].reshape(2, 3)
    np.testing.assert_array_equal(y.copy_to_host(), [0, 0, *(x + x[1]).ravel(), 0, 0])
    y[2:5].copy_to_device(np.array([7, 8, 9], np.float32))
    y[5:8].copy_to_device(y[2:5])
    np.testing.assert_array_equal(y[1:8].copy_to_host(), [0, 7, 8, 9, 7, 8, 9])
    assert len(y) == 10 and y.ndim == 1 and y.nbytes == 40 and y.reshape((5, 2)).ravel().shape == (10,)


def test_three_dimensions(gpu):
    def kernel(out):
        t, b = cuda.threadIdx, cuda.blockIdx
        x, y, z = cuda.grid(3)
        width, height = cuda.gridsize(2)
        out[x + width * (y + height * z)] = 100 * b.x + 10 * b.y + b.z + 1000 * (t.x + 2 * t.y + 4 * t.z)
    out = gpu.empty(4 * 6 * 4, np.int32)
    gpu.launch(kernel, (2, 3, 2), (2, 2, 2), out)
    z, y, x = np.indices((4, 6, 4))
    expected = 100 * (x // 2) + 10 * (y // 2) + z // 2 + 1000 * (x % 2 + 2 * (y % 2) + 4 * (z % 2))
    np.testing.assert_array_equal(out.copy_to_host(), expected.ravel())


def test_elements_have_the_types_of_numba(gpu):
    def kernel(out, real, signed, unsigned, number):
        assert type(real[0]) is np.float32 and type(unsigned[0]) is np.uint32
        # Arithmetic with a signed integer is 64 bits wide, whatever its array holds.
        out[0] = signed[0] * signed[0] + number * number
    out = gpu.empty(1, np.int64)
    signed, unsigned = (gpu.to_device(np.array([2**30], dtype)) for dtype in (np.int32, np.uint32))
    gpu.launch(kernel, 1, 1, out, floats(gpu, 1), signed, unsigned, np.int32(2**30))
    assert out.copy_to_host() == 2**61


def test_launches_are_recorded(gpu):
    def kernel(y, x, number):
        y[0, 0] = x[0]
    for number in (1, np.float32(2), 3):
        gpu.launch(kernel, 1, 1, gpu.empty((1, 2), np.float64), gpu.zeros(1, np.int32), number)
    start = "float64[:, ::1]", "int32[::1]"
    assert gpu.launches == {kernel: {(*start, "int64"): 2, (*start, "float32"): 1}}
    with simulated(run=False) as dry:
        y = dry.empty(1, np.float32)
        dry.launch(kernel, 1, 1, y, None, True, 1.5)
        assert np.isnan(y.copy_to_host()) and dry.launches == {kernel: {("float32[::1]", "none", "boolean", "float64"): 1}}


def test_the_modules_are_as_before():
    def device_function():
        return 1

    class Compiled:
        py_func = staticmethod(device_function)
    module = sys.modules[__name__]
    module.compiled = Compiled()
    try:
        with simulated(module), pytest.raises(ZeroDivisionError):
            assert module.compiled is device_function and module.cuda is not None
            1 / 0  # noqa: B018
        assert isinstance(module.compiled, Compiled) and module.cuda is None
    finally:
        del module.compiled


# --- mistakes


@pytest.mark.parametrize("kernel", WRONG, ids=lambda kernel: kernel.__name__)
def test_mistakes_of_kernels(gpu, kernel):
    error, words = WRONG[kernel]
    y, x = gpu.empty(2 * THREADS, np.float32), floats(gpu, 2 * THREADS)
    with pytest.raises(error) as caught:
        gpu.launch(kernel, 2, THREADS, y, x)
    assert type(caught.value) is error and words in str(caught.value)
    gpu.launch(tree_sum, 1, THREADS, gpu.empty(1, np.float32), floats(gpu, 8), shared=32)  # and goes on as if nothing was


@pytest.mark.parametrize("kernel", wrong_warps.RACES, ids=lambda kernel: kernel.__name__)
def test_a_barrier_of_a_warp_is_none_for_others(gpu, kernel):
    with pytest.raises(Race) as caught:
        gpu.launch(kernel, 1, 64, gpu.empty(64, np.float32), floats(gpu, 64))
    assert wrong_warps.RACES[kernel] in str(caught.value)


@pytest.mark.parametrize("grid, block", [(0, 1), (1, 1025), (1, (32, 33)), ((1, 65536), 1), (1, (1, 1, 65)), (1.5, 1),
                                         (1, -1)])
def test_sizes_of_launches(gpu, grid, block):
    with pytest.raises(TooLarge, match="accepted"):
        gpu.launch(product, grid, block)


def test_mistakes_of_the_host(gpu):
    a, host = floats(gpu, 3, 2), np.zeros(6, np.float32)
    for touch in (lambda: a[1, 1], lambda: a[0][1], lambda: a.ravel()[5], lambda: a.__setitem__((0, 0), 1),
                  lambda: np.asarray(a), lambda: np.sum(a)):
        with pytest.raises(HostAccess):
            touch()
    for wrong in (lambda: list(a), lambda: a.copy_to_device(host), lambda: a.copy_to_device(np.zeros((3, 2))),
                  lambda: a[0:2, 1], lambda: a[::2], lambda: a[1:4], lambda: a.reshape(4, 2), lambda: gpu.to_device([1.0]),
                  lambda: gpu.empty(-1, np.float32),
                  lambda: gpu.launch(tree_sum, 1, 1, host, a), lambda: a.copy_to_host(np.zeros(5, np.float32))):
        with pytest.raises(SimulatorError):
            wrong()
    np.testing.assert_array_equal(a.copy_to_host(host.reshape(3, 2)), [[0, 1], [2, 3], [4, 5]])
    blank = gpu.empty(2, np.int32).copy_to_host()
    np.testing.assert_array_equal(blank, np.iinfo(np.int32).min)
    assert np.isnan(gpu.empty((1, 1), np.float64).copy_to_host()) and gpu.zeros((0, 3), np.float32).copy_to_host().size == 0


def test_warp_barriers_are_announced():
    with simulated(*KERNELS) as gpu, pytest.raises(SimulatorError, match="warp_barriers=True"):
        gpu.launch(warp_sum, 1, 32, gpu.empty(1, np.float32), floats(gpu, 32))


def test_infinities_can_be_allowed():
    with simulated(*KERNELS, floats="ignore") as gpu:
        y = gpu.empty(8, np.float32)
        gpu.launch(wrong_kernels.overflow, 1, 8, y, floats(gpu, 8))
        np.testing.assert_array_equal(y.copy_to_host()[2:], np.inf)
        gpu.launch(wrong_kernels.divided, 1, 8, y, floats(gpu, 8))
        assert np.isnan(y.copy_to_host()).all()


def test_host_threads_take_turns(gpu):
    """As the members of a fleet do: one copies while another one's kernel runs."""
    def add_and_copy(_):
        x, out = floats(gpu, 64), gpu.empty(1, np.float32)
        for _ in range(20):
            gpu.launch(tree_sum, 1, 64, out, gpu.to_device(x.copy_to_host()), shared=256)
        return float(out.copy_to_host()[0])
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(add_and_copy, range(3))) == [2016.0] * 3
    finally:
        sys.setswitchinterval(interval)


def test_a_race_with_an_earlier_launch_is_none(gpu):
    x = floats(gpu, 16)
    for _ in range(3):
        gpu.launch(lambda x: x.__setitem__(15 - cuda.grid(1), x[15 - cuda.grid(1)]), 2, 8, x)
        gpu.launch(lambda x: x.__setitem__(cuda.grid(1), x[cuda.grid(1)] + x.dtype.type(1)), 4, 4, x)
    np.testing.assert_array_equal(x.copy_to_host(), np.arange(3, 19))


def test_every_error_is_planted():
    kinds = {error for error, _ in WRONG.values() if error is not None} | {HostAccess}
    assert kinds == {e for e in vars(simulator).values() if isinstance(e, type) and issubclass(e, SimulatorError)}
