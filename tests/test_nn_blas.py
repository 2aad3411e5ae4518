"""Matrix products of the kernels, whole and in pieces, against NumPy."""
import numba
import numpy as np
import pytest
from numba.core.errors import TypingError

from nn.cpu import blas
from nn.cpu.compile import OPTIONS, inner
from tests.numerical import relative_error

# (M, K, N): small; in pieces, the last narrower (50, 130, 310), also of a transposed matrix; in pieces of rows and columns
# (90, 800, 70), of a transposed matrix (70, 300, 800); empty
SHAPES = [(1, 1, 1), (3, 5, 7), (50, 130, 310), (64, 300, 20), (160, 90, 130), (300, 200, 210), (90, 800, 70),
          (70, 300, 800), (0, 4, 3), (4, 3, 0)]
TOLERANCE = {"float64": 1e-13, "float32": 1e-5}


@pytest.fixture(params=TOLERANCE)
def dtype(request):
    return request.param


def compiled(primitive):
    """Return a function of (c, a, b, lo, hi) that Python can call."""
    if not blas.JIT:
        return primitive

    def call(c, a, b, lo, hi):
        primitive(c, a, b, lo, hi)
    return numba.njit(**OPTIONS)(call)


FORMS = {"product": (compiled(blas.product), lambda a, b: a @ b),
         "product_bt": (compiled(blas.product_bt), lambda a, b: a @ b.T),
         "product_at": (compiled(blas.product_at), lambda a, b: a.T @ b)}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("M, K, N", SHAPES)
def test_panels_of_products(form, M, K, N, dtype):
    rng, (product, definition) = np.random.default_rng(0), FORMS[form]
    a = rng.normal(size=(K, M) if form == "product_at" else (M, K)).astype(dtype)
    b = rng.normal(size=(N, K) if form == "product_bt" else (K, N)).astype(dtype)
    expected = definition(a, b)
    whole = expected.shape[0 if form == "product_at" else 1]
    for lo, hi in ((0, whole), (whole // 3, whole), (0, whole // 2), (whole // 4, whole // 2)):
        c = np.full((M, N), 7, dtype)
        product(c, a, b, lo, hi)
        panel = np.s_[lo:hi] if form == "product_at" else np.s_[:, lo:hi]
        untouched = c.copy()
        untouched[panel] = 7
        assert (untouched == 7).all()
        assert relative_error(c[panel], expected[panel]) <= TOLERANCE[dtype]


@pytest.mark.compiled
def test_width_of_the_pieces(monkeypatch):
    width = blas.unpacked.py_func
    monkeypatch.setattr(blas, "AVX512", True)
    assert width(50 * 500, 500) == 32  # 1 million / 25000 is 40; whole vectors of 16 numbers
    assert width(50 * 500, 20) == 32  # more than there are: one piece
    assert width(128 * 784, 500) == 500  # not even 16 columns could do without copies
    assert width(0, 0) >= 1
    rows = blas.unpacked_rows.py_func
    assert rows(500, 784) == 32  # 32 x 784 x 16 are below a million
    assert rows(50, 500) == 50 and rows(500, 2000) == 500 and rows(0, 3) == 1
    monkeypatch.setattr(blas, "AVX512", False)
    assert width(50 * 500, 500) == 500 and width(50 * 500, 0) == 1


@pytest.mark.compiled
def test_a_kernel_that_creates_an_array_is_refused():
    # References are not counted, so nobody would free it.
    @inner
    def creator(n):
        return np.zeros(n)[0]

    with pytest.raises(TypingError):
        numba.njit(**OPTIONS)(lambda n: creator(n))(3)
