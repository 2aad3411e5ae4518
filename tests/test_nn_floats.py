"""exp and tanh of the kernels against 50 digits, and the processor's floating-point state: set inside, restored outside."""
import math
import threading

import mpmath
import numba
import numpy as np
import pytest

from losses import CrossEntropy
from nn import MLP, SGD, TrainingDiverged, fit
from nn.cpu import floats
from nn.cpu.compile import OPTIONS, inner

pytestmark = pytest.mark.compiled

TINY = np.finfo(np.float32).tiny


WITH_ARRAYS = OPTIONS | {"_nrt": True}  # kernels may not create any


@numba.njit(**WITH_ARRAYS)
def exps(x):
    result = np.empty_like(x)
    for i in range(x.size):
        result[i] = floats.exp(x[i])
    return result


@numba.njit(**WITH_ARRAYS)
def tanhs(x):
    result = np.empty_like(x)
    for i in range(x.size):
        result[i] = floats.tanh(x[i])
    return result


def every_exponent(low, high):
    """Random float32 between two numbers, evenly in value and in exponent, and the neighbours of powers of two."""
    rng = np.random.default_rng(8)
    powers = np.float32(2.0) ** np.arange(-149, 7)
    near = np.concatenate([powers, np.nextafter(powers, np.float32(0)), np.nextafter(powers, np.float32(np.inf))])
    x = np.concatenate([rng.uniform(low, high, 4000), np.exp(rng.uniform(-100, 5, 1000)) * rng.choice([-1, 1], 1000),
                        near, -near, np.arange(-128, 128) * math.log(2)]).astype(np.float32)
    return x[(x >= low) & (x <= high)]


def worst(values, x, exact):
    with mpmath.workdps(50):
        truth = [exact(mpmath.mpf(float(number))) for number in x]
        return max(abs(mpmath.mpf(float(value)) - t) / abs(t) for value, t in zip(values, truth, strict=True) if t != 0)


def test_exp_over_the_whole_range():
    x = every_exponent(-87.33, 88.376)
    assert worst(exps(x), x, mpmath.exp) < 3e-7
    edge = np.float32([-87.33654, 88.37626])
    assert worst(exps(edge), edge, mpmath.exp) < 3e-7
    assert exps(np.float32([-87.34, -1000, -np.inf])).tolist() == [0, 0, 0]
    assert exps(np.float32([88.38, 1000, np.inf])).tolist() == [np.inf] * 3
    assert np.isnan(exps(np.float32([np.nan]))).all() and exps(np.float32([0, -0.0])).tolist() == [1, 1]


def test_tanh_over_the_whole_range():
    x = every_exponent(-50, 50)
    x = x[np.abs(x) >= TINY]
    assert worst(tanhs(x), x, mpmath.tanh) < 3e-7
    assert tanhs(np.float32([np.inf, -np.inf, 1000])).tolist() == [1, -1, 1]
    assert np.isnan(tanhs(np.float32([np.nan]))).all() and tanhs(np.float32([0])).tolist() == [0]
    assert (np.abs(tanhs(x)) <= 1).all()


def test_float64_is_the_library_s():
    x = np.linspace(-30, 30, 1001)
    np.testing.assert_allclose(exps(x), np.exp(x), rtol=4e-16)
    np.testing.assert_allclose(tanhs(x), np.tanh(x), rtol=4e-16)


# --- flush to zero ---

CONTROL = 0xFFC0  # bits of the register that are settings; the lower ones record what has happened


@numba.njit(**OPTIONS)
def state():
    return floats.float_state() & CONTROL


def denormals_work():
    return np.float32(1e-38) * np.float32(0.01) != 0 and np.float64(1e-308) * 0.01 != 0


def run(**options):
    model = MLP([2, 3, 2])
    return fit(model, np.eye(2), [0, 1], **{"loss": CrossEntropy(), "optimizer": SGD(0.1), "epochs": 2, **options})


@pytest.mark.skipif(not floats.X86, reason="no control register on this processor")
@pytest.mark.parametrize("batch_size", [1, 2])
def test_the_state_is_restored(batch_size):
    before = state()
    assert before & floats.FLUSH_DENORMALS == 0 and denormals_work()
    run(batch_size=batch_size)
    assert state() == before and denormals_work()
    with pytest.raises(TrainingDiverged):
        run(batch_size=batch_size, optimizer=SGD(1e30), epochs=50)
    assert state() == before and denormals_work()


@pytest.mark.skipif(not floats.X86, reason="no control register on this processor")
@pytest.mark.parametrize("batch_size", [1, 2])
def test_training_flushes(batch_size):
    """The test above would pass if nothing were ever flushed."""
    model = MLP([2, 3, 2])
    model.parameters["W1"][0, 0] = 1e-40
    x = np.array([[0, 1], [0, 2]])  # the gradient of that weight is 0
    fit(model, x, [0, 1], loss=CrossEntropy(), optimizer=SGD(0.1), epochs=1, batch_size=batch_size)
    assert model.parameters["W1"][0, 0] == 0


@pytest.mark.skipif(not floats.X86, reason="no control register on this processor")
def test_what_stands_inside():
    """Flushed between the two calls alone, and another thread does not notice."""
    set_state = inner(lambda value: floats.set_float_state(value))

    @numba.njit(**OPTIONS)
    def smallest(flush, x):
        old = floats.float_state()
        set_state(old | np.uint32(flush))
        x[1] = x[0] * x[0]
        set_state(old)

    x = np.float32([1e-20, 1])
    smallest(0, x)
    assert x[1] > 0
    smallest(floats.FLUSH_DENORMALS, x)
    assert x[1] == 0
    found = []
    thread = threading.Thread(target=lambda: found.append(denormals_work()))
    thread.start()
    thread.join()
    assert found == [True]
