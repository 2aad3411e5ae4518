"""What is proved on a real GPU: each check by name, grouped in parts. test_device.py and on_device.py run them.

Nothing here needs pytest or greenlet.
"""
import functools

import numpy as np

from losses import CrossEntropy, Flooding
from nn import MLP, RNN, Adam, fit
from tests.cuda.cases import (
    NETWORK,
    NETWORKS,
    TRAININGS,
    Case,
    compare_gradient,
    compare_trained,
    losses_and_floods,
    one_layer,
    trained,
)
from tests.cuda.random_shapes import random_shapes
from tests.cuda.twins import KERNEL, TWINS, compare_twin
from tests.numerical import relative_error

EPOCHS = 7  # of three updates each: 21


def within(tolerance, errors):
    """Raise AssertionError unless all relative errors are small; a NaN is not."""
    errors = list(errors)
    assert errors and all(error <= tolerance for error in errors), f"relative errors up to {max(errors):.1e} > {tolerance}"


def kernel_checks():
    """Every function of nn/cuda, network and loss against float64."""
    for dtype in KERNEL:
        for module, name in TWINS:
            yield f"{module}.{name} {dtype}", lambda m=module, n=name, d=dtype: within(
                KERNEL[d], compare_twin(m, n, d, most=10**9))
        for name, case in NETWORKS.items():
            yield f"gradient, {name}, {dtype}", lambda c=case, d=dtype: within(NETWORK[d], compare_gradient(c, d))
        for name, loss, y, outputs in losses_and_floods():
            case = one_layer(y, outputs)
            yield f"loss, {name}, {dtype}", lambda c=case, d=dtype, f=loss: within(NETWORK[d], compare_gradient(c, d, f))
        yield f"wide gradient, {dtype}", lambda d=dtype: within(NETWORK[d], wide_gradient(d))
        yield f"wide recurrence, {dtype}", lambda d=dtype: within(NETWORK[d], wide_recurrence(d))


def wide_gradient(dtype):
    """Layers of several tiles, and a batch that is added up in parts."""
    rng = np.random.default_rng(1)
    case = Case(lambda **more: MLP([200, 150, 130, 10], activation="tanh", batch_norm=True, dropout=0.2, **more),
                rng.normal(size=(1100, 200)), rng.integers(10, size=1100))
    return compare_gradient(case, dtype)


def wide_recurrence(dtype):
    """States whose W_hh fits no shared memory, at 300 units."""
    rng = np.random.default_rng(2)
    for hidden in 40, 128, 300:
        case = Case(lambda hidden=hidden, **more: RNN(5, hidden, 3, bidirectional=True, pooling="mean", **more),
                    rng.normal(size=(9, 12, 5)), rng.integers(3, size=9), rng.integers(0, 13, size=9))
        yield from compare_gradient(case, dtype)


def fit_checks(expected=None):
    """21 updates of every kind of training against the numba backend; `expected` has its results where they are known.

    In float32 both are beside float64, which training takes away from rounding: at most 1e-5, or where the processor's
    own float32 is farther away than that, four times as far.
    """
    expected = expected or functools.partial(trained, backend="numba", epochs=EPOCHS)
    for name in TRAININGS:
        yield f"{name}, float64", lambda n=name: compare_trained(trained(n, epochs=EPOCHS), expected(n, "float64"), 1e-10)
        yield f"{name}, float32", lambda n=name: within(
            max(1e-5, 4 * relative_error(expected(n, "float32")[0], expected(n, "float64")[0])),
            [relative_error(trained(n, "float32", epochs=EPOCHS)[0], expected(n, "float64")[0])])


def repeat_checks():
    """The same seed twice gives the same bits."""
    for name in TRAININGS:
        yield name, lambda n=name: assert_same_bits(lambda: trained(n, "float32", epochs=EPOCHS))
    yield "wide, with sums in two stages", lambda: assert_same_bits(wide_training)


def wide_training():
    """Return the parameters and history of some updates of a wide network."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(3000, 100)), rng.integers(10, size=3000)
    model = MLP([100, 300, 200, 10], dropout=0.2, batch_norm=True, backend="cuda")
    history = fit(model, x, y, loss=Flooding(CrossEntropy(), 2.2), optimizer=Adam(1e-3), epochs=3, batch_size=1500,
                  clip_norm=1.0, check_every=0, progress=False)
    return np.append(model.flat, model.running), {name: history[name] for name in history}


def assert_same_bits(run):
    """Raise AssertionError where two runs differ."""
    (one, history), (two, again) = run(), run()
    np.testing.assert_array_equal(one, two)
    for name in history:
        np.testing.assert_array_equal(history[name], again[name])


def shape_checks():
    """Thousands of random shapes."""
    def check():
        counts, failed = random_shapes()
        assert not failed, f"{len(failed)} of {sum(counts.values())}: " + "; ".join(failed[:5])
        return f"{sum(counts.values())} shapes: {counts}"
    yield "random shapes", check


def tiny_fit():
    """Launch the kernels of training on little, for a tool that watches every access."""
    for name in "adamw", "adaptive flooding", "weights", "rprop", "relax":
        trained(name, "float32", epochs=1)


PARTS = {"kernels": kernel_checks, "fit": fit_checks, "same seed": repeat_checks, "shapes": shape_checks}
