"""The scalar loops of losses/rows.py against the NumPy classes, as plain Python and compiled."""
import functools
import inspect
import types

import numpy as np
import pytest

from losses import BinaryCrossEntropy, CrossEntropy, Hinge, SquaredError, SquaredHinge, rows
from losses.confidence import entropies
from losses.relax import posterior_flattening

FUNCTIONS = {name: f for name, f in vars(rows).items() if isinstance(f, types.FunctionType)}


# What nn/cpu compiles with. `reassoc` may reorder sums: top - label + loss, harmless as written, then loses a small loss.
FAST = frozenset({"reassoc", "contract", "nsz", "arcp"})


@functools.cache
def compiled(name, flags):
    import numba

    return numba.njit(FUNCTIONS[name], fastmath=set(flags), error_model="numpy")


@pytest.fixture(params=[None, pytest.param(frozenset(), marks=pytest.mark.compiled),
                        pytest.param(FAST, marks=pytest.mark.compiled)], ids=["python", "compiled", "fast"])
def function(request):
    """Look a function of rows.py up by name, as it is or compiled."""
    return FUNCTIONS.get if request.param is None else functools.partial(compiled, flags=request.param)


def table(K, seed=6):
    rng = np.random.default_rng([seed, K])
    outputs = rng.normal(size=(9, K)) * rng.choice([0.1, 2, 30, 1e3], size=(9, 1))
    outputs[0] = 2.5  # all tied
    outputs[1] = -1e4
    outputs[1, -1] = 1e4
    outputs[2, K // 2] = outputs[2].max()  # a tie at the top
    y = rng.integers(K, size=9)
    y[:2] = 0, K - 1
    outputs[3] = rng.normal(size=K) + 5000
    outputs[3, y[3]] += 40  # a loss of exp(-40) beside logits of 5000
    return outputs, y


def assert_rows_equal(f, loss, outputs, y, *parameters):
    """Compare losses and gradients, sample by sample, relative to each sample's own size."""
    prepared = loss.prepare(y, *outputs.shape)
    losses, dOutputs = loss.rows(outputs, prepared)
    tolerance = 8 * np.finfo(outputs.dtype).eps
    for n in range(len(outputs)):
        dz = np.full(outputs.shape[1], np.nan, dtype=outputs.dtype)
        value = f(dz, outputs[n], prepared[n], *parameters)
        assert abs(value - losses[n]) <= tolerance * abs(losses[n])
        assert dz.dtype == outputs.dtype
        np.testing.assert_allclose(dz, dOutputs[n], rtol=tolerance, atol=tolerance * np.linalg.norm(dOutputs[n]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("K", [2, 3, 10, 32, 33, 200])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_cross_entropy(function, K, smoothing, dtype):
    outputs, y = table(K)
    assert_rows_equal(function("cross_entropy"), CrossEntropy(smoothing), outputs.astype(dtype), y, smoothing)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("K", [2, 3, 33, 200])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_soft_cross_entropy(function, K, smoothing, dtype):
    outputs, y = table(K)
    loss = CrossEntropy(smoothing)
    soft = np.random.default_rng(7).dirichlet(np.full(K, 0.5), size=9)
    assert_rows_equal(function("soft_cross_entropy"), loss, outputs.astype(dtype), soft)
    assert_rows_equal(function("soft_cross_entropy"), loss, outputs.astype(dtype), np.eye(K)[y])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binary_cross_entropy(function, dtype):
    outputs = np.array([[-1e4], [-80], [-0.3], [0], [1e-3], [5], [80], [1e4]], dtype=dtype)
    for y in (np.zeros(8), np.ones(8)):
        assert_rows_equal(function("binary_cross_entropy"), BinaryCrossEntropy(), outputs, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("K", [1, 7])
def test_squared_error(function, K, dtype):
    outputs, _ = table(K)
    targets = np.random.default_rng(8).normal(size=(9, K))
    assert_rows_equal(function("squared_error"), SquaredError(), outputs.astype(dtype), targets)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("K", [1, 2, 3, 33])
def test_hinge(function, K, dtype):
    outputs, y = table(K) if K > 1 else (np.linspace(-3, 3, 9)[:, None], np.arange(9) % 2)
    outputs[4, y[4]] = np.delete(outputs[4], y[4]).max(initial=0) + 1.0  # the margin is reached exactly
    for squared in (False, True):
        for margin in (1.0, 0.3):
            loss = (SquaredHinge if squared else Hinge)(margin)
            assert_rows_equal(function("hinge"), loss, outputs.astype(dtype), y, margin, squared)


def assert_added_rows_equal(f, losses, dOutputs, outputs, *arguments, factor=1.0):
    """As assert_rows_equal, for functions that add `factor` times their derivative to dz."""
    tolerance = 16 * np.finfo(outputs.dtype).eps
    for n in range(len(outputs)):
        dz = np.ones(outputs.shape[1], dtype=outputs.dtype)
        value = f(dz, outputs[n], *(a[n] if isinstance(a, np.ndarray) else a for a in arguments))
        assert abs(value - losses[n]) <= tolerance * abs(losses[n])
        assert dz.dtype == outputs.dtype
        np.testing.assert_allclose(dz, 1 + factor * dOutputs[n], rtol=tolerance,
                                   atol=tolerance * (1 + np.linalg.norm(dOutputs[n])))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("K", [1, 2, 3, 33])
def test_confidence_penalty(function, K, dtype):
    outputs, _ = table(K) if K > 1 else (np.array([[-1e4], [-80], [-0.3], [0], [1e-3], [5], [1e4]]), None)
    H, dH = entropies(outputs.astype(dtype))
    F = np.dtype(dtype).type  # twice the entropy, negative
    assert_added_rows_equal(function("add_confidence_penalty"), -F(2) * H, -F(2) * dH, outputs.astype(dtype), 2.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("K", [1, 2, 3, 33])
@pytest.mark.parametrize("upper", [0.05, 1.0])
def test_posterior_flattening(function, upper, K, dtype):
    outputs, y = table(K) if K > 1 else (np.array([[-1e4], [-80], [-0.3], [0], [1e-3], [5], [1e4]]), np.arange(7) % 2)
    F, dF = posterior_flattening(outputs.astype(dtype), y, upper)
    assert (F == 0).any() and (F > 0).any()  # some are right, some are wrong
    assert_added_rows_equal(function("add_posterior_flattening"), F, dF, outputs.astype(dtype), y, upper, 0.25, factor=0.25)


def test_flood_weight(function):
    f = function("flood_weight")
    cases = [(rows.NO_FLOOD, 0.6, 0.9), (rows.FLOODING, 0.6, 0.5), (rows.FLOODING, 0.4, 0.5), (rows.FLOODING, 0.5, 0.5),
             (rows.FLOODING, 0.0, 0.0)]
    assert [f(kind, 0.2, mean, level, 0.0) for kind, mean, level in cases] == [1, 1, -1, 0, 1]
    for kind in rows.FLOODS.values():  # a diverged network stays visible
        assert np.isnan(f(kind, np.nan, np.nan, 0.5, 1.0)) == (kind != rows.NO_FLOOD)
        assert f(kind, 0.0, 0.0, 0.0, 1.0) == 1
    assert [f(rows.INSTANCE, l, 9.0, 0.5, 0.0) for l in (0.4, 0.5, 0.6)] == [-1, 0, 1]
    assert [f(rows.RELAX, 9.0, mean, 0.5, 0.0) for mean in (0.4, 0.5, 0.6)] == [-1, 0, 1]
    assert [f(rows.RELAXED, 9.0, mean, 0.5, 0.0) for mean in (0.4, 0.5, 0.6)] == [-1, -1, 1]
    assert [f(rows.SOFT, l, 9.0, 2.0, 4.0) for l in (5.0, 2.0, -1.0)] == [0.6, 0, -0.6]


def test_exact_beyond_saturation(function):
    dz = np.empty(3)
    assert function("cross_entropy")(dz, np.array([40.0, 0, 0]), 0, 0.0) == pytest.approx(2 * np.exp(-40), rel=1e-14, abs=0)
    np.testing.assert_allclose(dz, np.exp(-40) * np.array([-2, 1, 1]), rtol=1e-14)


def test_a_nan_stays_visible(function):
    for position in (0, 2):
        z = np.array([1.0, 2.0, 0.5])
        z[position] = np.nan
        for name, arguments in (("cross_entropy", (1, 0.0)), ("soft_cross_entropy", (np.eye(3)[1],)),
                                ("hinge", (1, 1.0, True))):
            dz = np.empty(3)
            assert np.isnan(function(name)(dz, z, *arguments))
            assert np.isnan(dz).any()


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_an_infinite_logit_stays_visible(function, smoothing):
    z = np.array([1.0, np.inf, 0.5])  # also where it is the label's: this is no loss of 0
    for label in range(3):
        dz = np.empty(3)
        with np.errstate(invalid="ignore"):
            assert not np.isfinite(function("cross_entropy")(dz, z, label, smoothing))
        assert np.isnan(dz).any()


@pytest.mark.compiled
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "flood_weight"])
def test_no_float64_in_float32_arithmetic(name):
    import numba

    row, number = numba.float32[::1], {"label": numba.int64, "squared": numba.bool_}
    number |= dict.fromkeys(("smoothing", "margin", "strength", "upper", "weight"), numba.float32)
    f = numba.njit(FUNCTIONS[name])
    f.compile(tuple(number.get(p, row) for p in inspect.signature(FUNCTIONS[name]).parameters))
    llvm = next(iter(f.inspect_llvm().values())).split("define ")[1]  # the function itself, without its wrappers
    assert " float" in llvm
    assert " double" not in llvm


@pytest.mark.parametrize("loss", [CrossEntropy(), BinaryCrossEntropy(), SquaredError(), Hinge(), SquaredHinge()])
def test_every_class_names_its_function(loss):
    function = FUNCTIONS["hinge" if loss.row == "squared_hinge" else loss.row]  # one function for both
    assert list(inspect.signature(function).parameters)[:2] == ["dz", "z"]


def test_every_function_stands_alone():
    # a compiled function cannot call an uncompiled neighbour
    for f in FUNCTIONS.values():
        assert not set(f.__code__.co_names) & FUNCTIONS.keys()
