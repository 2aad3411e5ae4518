"""Cross-entropy, its gradient and all margins against 50-digit arithmetic, where floating point usually breaks.

Float64: loss and gradient within 4 (1 + |margin|) eps relative, margins within 4 eps max|logit| absolute.
"""
import mpmath
import numpy as np
import pytest

from losses import BinaryCrossEntropy, CrossEntropy, calibration, margins

EPS = np.finfo(np.float64).eps
TINY = np.finfo(np.float64).tiny  # below it floats lose digits one by one


def logits_table():
    rng = np.random.default_rng(3)
    yield "tie_2", [5.0, 5.0]
    yield "tie_3", [1e4, 1e4, -1e4]
    yield "all_tied_1000", np.full(1000, 0.3)
    yield "extreme", [1e4, -1e4, 0.0, 9999.0]
    yield "margin_40", [40.0, 0.0, 0.0]
    yield "margin_700", [700.0, 0.0, -3.5]
    yield "margin_700_shifted", [-9000.25, -9700.25]
    yield "margin_700_among_1000", np.append(np.zeros(999), 700.0)
    yield "half_tied_1000", np.repeat([1e4, -1e4], 500)
    yield "tied_runners_up", [3.0, *[1e4] * 2, *[-7.5] * 40]
    yield "ladder_1000", np.linspace(-1e4, 1e4, 1000)
    yield "near_tie", [1.0, np.nextafter(1.0, 2), 0.5]
    for K in (2, 3, 10, 100, 1000):
        for scale in (0.01, 1.0, 30.0, 1e4):
            row = rng.normal(size=K)
            yield f"random_{K}_{scale:g}", np.clip(row * scale, -1e4, 1e4)


TABLE = {name: np.array(row) for name, row in logits_table()}


def labels_of(row):
    """The largest, the next largest and the smallest output as label."""
    order = np.argsort(row, kind="stable")
    return sorted({int(order[-1]), int(order[-2]), int(order[0])})


class Exact:
    """Softmax of one row of logits in 50 digits."""

    def __init__(self, row):
        self.z = [mpmath.mpf(float(z)) for z in row]
        top = max(self.z)
        self.e = [mpmath.exp(z - top) for z in self.z]
        self.total = mpmath.fsum(self.e)
        self.lse = top + mpmath.log(self.total)

    def rest(self, y):
        return mpmath.fsum(self.e[:y] + self.e[y + 1:])  # total - e_y would lose exp(-700) even in 50 digits

    def loss(self, y):
        return mpmath.log1p(self.rest(y) / self.e[y])

    def gradient(self, y):
        return [-self.rest(y) / self.total if j == y else e / self.total for j, e in enumerate(self.e)]

    def margins(self, y):
        others = self.z[:y] + self.z[y + 1:]
        largest = max(others)
        q = self.z[y] - largest
        p = (self.e[y] - max(self.e[:y] + self.e[y + 1:])) / self.total
        log_odds = self.z[y] - largest - mpmath.log(mpmath.fsum(mpmath.exp(z - largest) for z in others))
        return q, p, log_odds


def assert_close(computed, exact, tolerance):
    """|computed - exact| <= tolerance |exact|; a value too small for a normal float must only be that small."""
    if abs(exact) < TINY:
        assert abs(computed) <= 2 * TINY
    else:
        assert abs(mpmath.mpf(float(computed)) - exact) <= tolerance * abs(exact)


def assert_gradient_close(computed, exact, margin, row):
    difference = mpmath.sqrt(mpmath.fsum((mpmath.mpf(float(c)) - x) ** 2 for c, x in zip(computed, exact, strict=True)))
    norm = mpmath.sqrt(mpmath.fsum(x * x for x in exact))
    assert difference <= 4 * (1 + abs(margin)) * EPS * norm or norm < TINY
    # Each component too, with its own distance to the top in place of the margin.
    for c, x, gap in zip(computed, exact, row.max() - row, strict=True):
        assert_close(c, x, 4 * (1 + max(abs(margin), gap)) * EPS)


@pytest.mark.parametrize("name", TABLE)
def test_cross_entropy_and_margins(name):
    row = TABLE[name]
    with mpmath.workdps(50):
        exact = Exact(row)
        for y in labels_of(row):
            q, p, log_odds = exact.margins(y)
            losses, dOutputs = CrossEntropy().rows(row[None], np.array([y]))
            assert_close(losses[0], exact.loss(y), 4 * (1 + abs(q)) * EPS)
            assert_gradient_close(dOutputs[0], exact.gradient(y), q, row)

            soft, d_soft = CrossEntropy().rows(row[None], np.eye(len(row))[[y]])
            np.testing.assert_array_equal(soft, losses)
            np.testing.assert_array_equal(d_soft, dOutputs)

            absolute = 4 * EPS * max(np.abs(row).max(), abs(float(log_odds)))
            assert abs(margins.output_margins(row[None], [y])[0] - q) <= absolute
            assert abs(margins.log_odds_margins(row[None], [y])[0] - log_odds) <= absolute
            assert_close(margins.probability_margins(row[None], [y])[0], p, 4 * (1 + abs(q)) * EPS)


@pytest.mark.parametrize("K", [2, 3, 10, 1000])
def test_mean_over_samples(K):
    # value_and_gradient is what training sees: the mean adds N roundings of numbers of one sign, and a division.
    rng = np.random.default_rng(K)
    outputs = np.clip(rng.normal(size=(7, K)) * [[0.1], [1], [10], [100], [1e3], [1e4], [1]], -1e4, 1e4)
    y = rng.integers(K, size=7)
    value, dOutputs = CrossEntropy().value_and_gradient(outputs, y)
    with mpmath.workdps(50):
        rows = [Exact(row) for row in outputs]
        margins_of = [abs(row.margins(label)[0]) for row, label in zip(rows, y, strict=True)]
        exact = mpmath.fsum(row.loss(label) for row, label in zip(rows, y, strict=True)) / 7
        assert_close(value, exact, 4 * (1 + max(margins_of)) * EPS)
        for row, label, gradient, margin, z in zip(rows, y, dOutputs, margins_of, outputs, strict=True):
            assert_gradient_close(gradient, [g / 7 for g in row.gradient(label)], margin, z)


@pytest.mark.parametrize("z", [0.0, 1e-9, 0.3, 1.0, 36.0, 40.0, 700.0, 1e4])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("y", [0, 1])
def test_binary_cross_entropy(z, sign, y):
    z = sign * z
    losses, dOutputs = BinaryCrossEntropy().rows(np.array([[z]]), np.array([[float(y)]]))
    with mpmath.workdps(50):
        u = mpmath.mpf(-z if y else z)
        assert_close(losses[0], mpmath.log1p(mpmath.exp(u)), 4 * (1 + abs(z)) * EPS)
        assert_close(dOutputs[0, 0], (-1 if y else 1) / (1 + mpmath.exp(-u)), 4 * (1 + abs(z)) * EPS)
        q = mpmath.mpf(z if y else -z)
        assert_close(margins.probability_margins([z], [y])[0], mpmath.tanh(q / 2), 4 * EPS)
        assert margins.output_margins([z], [y])[0] == margins.log_odds_margins([z], [y])[0] == q


@pytest.mark.parametrize("name", ["random_10_1", "random_100_30", "margin_40"])
def test_soft_targets_and_smoothing(name):
    row = TABLE[name]
    K = len(row)
    target = np.random.default_rng(4).dirichlet(np.full(K, 0.5))
    target[0] += 1 - target.sum()
    smoothing = 0.125  # a power of two, so that the smoothed target is exact in floats but for 1/K
    with mpmath.workdps(50):
        exact = Exact(row)
        logs = [exact.lse - z for z in exact.z]
        soft = mpmath.fsum(mpmath.mpf(float(t)) * g for t, g in zip(target, logs, strict=True))
        assert_close(CrossEntropy().rows(row[None], target[None])[0][0], soft, 8 * EPS)
        smooth = (1 - mpmath.mpf(smoothing)) * logs[1] + mpmath.mpf(smoothing) * mpmath.fsum(logs) / K
        assert_close(CrossEntropy(smoothing).rows(row[None], np.array([1]))[0][0], smooth, 8 * EPS)


def test_float32_is_exact_in_its_own_precision():
    eps = float(np.finfo(np.float32).eps)
    for row in (TABLE["random_10_1"], TABLE["margin_40"], np.array([20.0, 1.0, 2.0])):
        row = row.astype(np.float32)
        with mpmath.workdps(50):
            exact = Exact(row)
            for y in labels_of(row):
                bound = 4 * (1 + abs(exact.margins(y)[0])) * eps
                losses, dOutputs = CrossEntropy().rows(row[None], np.array([y]))
                assert losses.dtype == dOutputs.dtype == np.float32
                assert_close(losses[0], exact.loss(y), bound)
                assert_close(dOutputs[0, y], exact.gradient(y)[y], bound)


def test_known_values_beyond_saturation():
    # margin 40, 3 classes: 2 exp(-40), where clipped probabilities give 2.2e-16 and -log p gives 0
    loss, dOutputs = CrossEntropy().value_and_gradient([[40.0, 0.0, 0.0]], [0])
    assert loss == pytest.approx(2 * np.exp(-40.0), rel=1e-14, abs=0)
    assert loss == pytest.approx(8.5e-18, rel=1e-2, abs=0)
    np.testing.assert_allclose(dOutputs, np.exp(-40.0) * np.array([[-2, 1, 1]]), rtol=1e-14)


def test_probabilities():
    with mpmath.workdps(50):
        for name in ("extreme", "random_10_30", "random_1000_1", "tie_3"):
            exact = Exact(TABLE[name])
            computed = calibration.probabilities(TABLE[name][None])[0]
            for p, e, gap in zip(computed, exact.e, TABLE[name].max() - TABLE[name], strict=True):
                assert_close(p, e / exact.total, 4 * (1 + gap) * EPS)
        for z in (-1e4, -700.0, -3.0, 0.0, 3.0, 1e4):
            sigmoid = 1 / (1 + mpmath.exp(-mpmath.mpf(z)))
            assert_close(calibration.probabilities([z])[0], sigmoid, 4 * (1 + abs(z)) * EPS)
