"""Every activation alone: values against `math`, slopes by complex step with random upstream gradients, kinks, extremes."""
import numpy as np
import pytest

import nn.cpu.activations
import nn.reference.activations
from nn.shared.codes import ACTIVATIONS
from tests import naive
from tests.numerical import central_difference, complex_step, relative_error

BACKENDS = {"numpy": nn.reference.activations, "numba": nn.cpu.activations}
SMOOTH = [name for name in ACTIVATIONS if name != "relu"]


@pytest.fixture
def z():
    """Inputs of both signs and very different sizes, none nearer than 1e-3 to relu's kink."""
    rng = np.random.default_rng(3)
    z = rng.normal(size=(5, 7)) * rng.choice([0.05, 1, 4], size=(5, 7))
    return z + np.copysign(1e-3, z)


@pytest.fixture
def da():
    """Upstream gradients of both signs and very different sizes."""
    rng = np.random.default_rng(4)
    return rng.normal(size=(5, 7)) * rng.choice([0.1, 1, 10], size=(5, 7))


def forward(module, z, name):
    a = np.full_like(z, np.nan)
    module.activation_forward(a, z, ACTIVATIONS[name])
    return a


def backward(module, da, a, name):
    dz = np.full_like(da, np.nan)
    module.activation_backward(dz, da, a, ACTIVATIONS[name])
    return dz


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_equals_scalar_formulas(backend, name, z, da):
    module = BACKENDS[backend]
    expected = np.array([[naive.naive_activation(v, name) for v in row] for row in z])  # (5, 7, 2): f, f'
    a = forward(module, z, name)
    assert relative_error(a, expected[..., 0]) <= 1e-15
    assert relative_error(backward(module, da, a, name), da * expected[..., 1]) <= 1e-14


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_backward_by_complex_step(name, z, da):
    module = BACKENDS["numpy"]
    dz = backward(module, da, forward(module, z, name), name)
    assert relative_error(dz, complex_step(lambda z: np.sum(da * forward(module, z, name)), z)) <= 1e-13


def test_relu_by_central_difference_away_from_the_kink(backend, z, da):
    module = BACKENDS[backend]
    dz = backward(module, da, forward(module, z, "relu"), "relu")
    assert relative_error(dz, central_difference(lambda z: np.sum(da * forward(module, z, "relu")), z)) <= 1e-7


def test_relu_at_its_kink(backend):
    module, z = BACKENDS[backend], np.array([[-1.0, -0.0, 0.0, 5e-324, 1.0]])
    a = forward(module, z, "relu")
    np.testing.assert_array_equal(a, [[0.0, 0.0, 0.0, 5e-324, 1.0]])
    # The slope at exactly 0 is 0.
    np.testing.assert_array_equal(backward(module, np.full_like(z, 3.0), a, "relu"), [[0.0, 0.0, 0.0, 3.0, 3.0]])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_in_place(backend, name, z, da):
    module = BACKENDS[backend]
    a = forward(module, z, name)
    dz = backward(module, da, a, name)
    module.activation_forward(z, z, ACTIVATIONS[name])
    module.activation_backward(da, da, z, ACTIVATIONS[name])
    np.testing.assert_array_equal(z, a)
    np.testing.assert_array_equal(da, dz)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_arguments_stay(backend, name, z, da):
    module, z_before, da_before = BACKENDS[backend], z.copy(), da.copy()
    a = forward(module, z, name)
    a_before = a.copy()
    backward(module, da, a, name)
    for array, before in ((z, z_before), (da, da_before), (a, a_before)):
        np.testing.assert_array_equal(array, before)


def test_extremes(backend):
    module, z = BACKENDS[backend], np.array([[-1e4, -800.0, -40.0, 0.0, 40.0, 800.0, 1e4]])
    sigmoid = forward(module, z, "sigmoid")
    np.testing.assert_allclose(sigmoid, [[0, 0, np.exp(-40.0), 0.5, 1, 1, 1]], rtol=1e-15)
    np.testing.assert_allclose(forward(module, z, "tanh"), [[-1, -1, -1, 0, 1, 1, 1]], rtol=1e-15)
    for name in ACTIVATIONS:
        a = forward(module, z, name)
        assert np.all(np.isfinite(a))
        assert np.all(np.isfinite(backward(module, np.ones_like(z), a, name)))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_stays_nan(backend, name):
    # So that a diverged network is noticed; max(z, 0) of some libraries gives 0.
    assert np.isnan(forward(BACKENDS[backend], np.array([[np.nan]]), name))


@pytest.mark.parametrize("name", SMOOTH)
def test_float32_stays_float32_in_the_reference(name, z, da):
    module = BACKENDS["numpy"]
    a = forward(module, z.astype(np.float32), name)
    assert a.dtype == np.float32
    assert relative_error(a, forward(module, z, name)) <= 1e-6
