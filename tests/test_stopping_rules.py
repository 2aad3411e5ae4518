"""The criteria of other sources against their literal definitions, and on curves worked out by hand."""
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stopping import (
    CorrelationDriven,
    Divergence,
    EvidenceBased,
    GradientNorm,
    LabelWave,
    Patience,
    Plateau,
    RunningAverage,
    Target,
    TimeBudget,
    after,
    evidence,
)
from stopping.correlation import correlation
from tests import naive_stopping as naive
from tests.curves import INF, NAN, NUMBERS, POSITIVE, SIGNED, curves, first, stops, watch

# --- without validation ---

@settings(max_examples=100)
@given(curves(SIGNED), st.sampled_from([0.0, 0.25, 0.5]), st.integers(1, 6))
def test_plateau_is_the_definition(curve, tol, checks):
    assert stops(Plateau(tol, checks), train_loss=curve) == naive.naive_plateau(curve, tol, checks, relative=False)


@settings(max_examples=100)
@given(curves(POSITIVE), st.sampled_from([0.0, 0.25, 0.5]), st.integers(1, 6))
def test_relative_plateau_is_the_definition(curve, tol, checks):
    stop = Plateau(tol, checks, relative=True)
    assert stops(stop, train_loss=curve) == naive.naive_plateau(curve, tol, checks, relative=True)


@given(curves(SIGNED), st.integers(1, 6))
def test_plateau_without_tolerance_is_patience(curve, checks):
    assert stops(Plateau(0, checks), train_loss=curve) == stops(Patience(checks, "train_loss"), train_loss=curve)


@pytest.mark.parametrize("curve, stopped", [
    ([1.0, 0.5, 0.25, 0.25, 0.1875], 5), ([NAN, NAN], 2), ([1.0, NAN, NAN], 3), ([1.0, 0.5, 0.0, -0.5], None)])
def test_plateau_on_known_curves(curve, stopped):
    assert first(Plateau(0.0625, 2), train_loss=curve) == stopped


@pytest.mark.parametrize("curve, stopped", [
    ([4.0, 2.0], 2), ([4.0, 1.75, 0.5], None), ([0.0, 0.0], 2), ([4.0, 0.0, 0.0], 3)])
def test_a_relative_tolerance_is_a_share_of_the_loss_before(curve, stopped):
    assert first(Plateau(0.5, 1, relative=True), train_loss=curve) == stopped


@settings(max_examples=100)
@given(curves(st.one_of(st.integers(0, 9).map(float), st.just(NAN))), st.integers(1, 5))
def test_label_wave_is_the_definition(counts, window):
    answers = watch(LabelWave(window), prediction_changes=counts)
    assert [(stop, step) for stop, step, _ in answers] == naive.naive_label_wave(counts, window)


@given(st.lists(st.integers(0, 20), min_size=2, max_size=30), st.integers(1, 4))
def test_label_wave_fires_first_right_after_the_first_local_minimum(counts, window):
    averages = [sum(counts[t - window:t]) for t in range(window, len(counts) + 1)]
    rises = [t for t in range(1, len(averages)) if averages[t] > averages[t - 1]]
    assert first(LabelWave(window), prediction_changes=counts) == (rises[0] + window if rises else None)


@pytest.mark.parametrize("counts, stopped", [([9, 5, 3, 1, 0, 0, 0, 0], None), ([NAN, 9, 5, 3, 2, 6], 6), ([1, 1, 1], None)])
def test_label_wave_on_known_curves(counts, stopped):
    assert first(LabelWave(2), prediction_changes=counts) == stopped


@pytest.mark.parametrize("stop, name, values, stopped", [
    (GradientNorm(0.5), "gradient_norm", [1.0, NAN, INF, 0.5], 4), (GradientNorm(0), "gradient_norm", [1e-300, 0.0], 2),
    (EvidenceBased(), "evidence", [-INF, NAN, 0.0, INF, 1e-9], 5), (EvidenceBased(), "evidence", [-1.0, -0.0], None),
    (Divergence(), "train_loss", [1e300, -5.0], None), (Divergence(), "train_loss", [1.0, INF], 2),
    (Divergence(), "train_loss", [NAN], 1), (Divergence(2, "e"), "e", [2.0, 2.5], 2), (Divergence(-1), "train_loss", [-1, 0],
     2),
    (TimeBudget(60), "seconds", [NAN, 59.9, 60.0], 3), (TimeBudget(0.5), "seconds", [INF], 1)])
def test_one_value_decides(stop, name, values, stopped):
    assert first(stop, **{name: values}) == stopped
    assert stop.best_step is None


@settings(max_examples=100)
@given(st.lists(st.lists(st.sampled_from([-2.0, -0.5, 0.0, 0.0, 0.25, 1.0, 3.0]), min_size=4, max_size=4), min_size=2,
                max_size=6))
def test_evidence_is_the_definition(gradients):
    G = np.array(gradients)  # (samples, parameters)
    variance = np.where(np.ptp(G, axis=0) > 0, G.var(axis=0, ddof=1), 0)
    assert evidence(G.mean(axis=0), variance, len(G)) == pytest.approx(naive.naive_evidence(gradients), rel=1e-12, abs=1e-12,
                                                                       nan_ok=True)


def test_evidence_leaves_out_what_has_no_variance():
    assert evidence([[0.0, 1.0]], [[0.0, 4.0]], 8) == evidence([1.0], [4.0], 8) == -1
    assert math.isnan(evidence([0.0], [0.0], 4)) and math.isnan(evidence([], [], 2))
    assert evidence([1.0], [1e-320], 2) == -INF


@pytest.mark.parametrize("arguments, message", [
    (([1.0], [1.0, 2.0], 2), "one shape"), (([1.0], [-1.0], 2), "no variance negative"), (([NAN], [1.0], 2), "finite"),
    (([1.0], [INF], 2), "finite"), (([1.0], [1.0], 1), "n: got 1, accepted: a whole number of at least 2"),
    (([1.0], [1.0], 2.5), r"n: got 2\.5, accepted: a whole number of at least 2")])
def test_evidence_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        evidence(*arguments)


# --- CorrelationDriven ---

@settings(max_examples=100)
@given(curves(st.one_of(SIGNED, NUMBERS, NUMBERS), 2), st.integers(3, 6), st.sampled_from([-0.4321, 0.1234, 0.9876]),
       st.integers(1, 3))
def test_correlation_driven_is_the_definition(pair, window, threshold, patience):
    losses, values = pair
    answers = watch(CorrelationDriven(window, threshold, patience), train_loss=losses, val_loss=values)
    assert [stop for stop, _, _ in answers] == naive.naive_correlation_driven(losses, values, window, threshold, patience)
    assert answers[-1][1:] == naive.best(values)


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=3, max_size=9))
def test_correlation_is_a_number_between_minus_one_and_one_or_none(pairs):
    r = correlation(*map(list, zip(*pairs, strict=True)))
    assert math.isnan(r) or -1 - 1e-12 <= r <= 1 + 1e-12


def test_correlation_knows_constants_and_any_unit():
    a, b = [0.3, 1.7, 0.2, 0.9], [2.0, 0.5, 1.0, 0.1]
    assert correlation(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1], rel=1e-12)
    assert correlation([1e200 * v for v in a], [1e-200 * v for v in b]) == pytest.approx(correlation(a, b), rel=1e-12)
    assert math.isnan(correlation([0.1] * 3, [1.0, 2.0, 3.0])) and math.isnan(correlation([1.0, NAN, 2.0], [1.0, 2.0, 3.0]))
    assert math.isnan(correlation([1e308, -1e308, 0.0], [1.0, 2.0, 3.0]))


# --- combining ---

def test_after_is_a_lower_and_an_upper_bound():
    curve = [0.5, 0.6, 0.7, 0.4, 0.5, 0.6, 0.7]
    assert first(Patience(2) & after(4), val_loss=curve) == 6         # fired at 3, taken back at 4: no stop at 4
    assert first(Patience(2) & after(3), val_loss=curve) == 3
    assert first(Patience(9) | after(5), val_loss=curve) == 5
    assert after(1).requires == ()


@given(curves(SIGNED))
def test_not_is_the_opposite_and_keeps_the_best(curve):
    plain, opposite = watch(Patience(2), val_loss=curve), watch(~Patience(2), val_loss=curve)
    assert opposite == [(not stop, step, value) for stop, step, value in plain]
    assert stops(~~Patience(2), val_loss=curve) == [stop for stop, _, _ in plain]


def test_patience_may_wait_for_a_target():
    curve = [0.9, 0.9, 0.9, 0.3, 0.9, 0.9]
    assert first(Patience(2) & ~Target(0.95, "val_loss", "max"), val_loss=curve) == 3
    assert repr(~(Patience(2) | after(3)) & ~Patience(1)) == "~(Patience(2) | after(3)) & ~Patience(1)"


# --- RunningAverage ---

@settings(max_examples=100)
@given(st.lists(st.floats(-3, 3, width=16), min_size=1, max_size=20), st.sampled_from([0.0, 0.25, 0.9, 0.99, 1 - 2**-30]))
def test_running_average_is_the_definition(values, decay):
    average = RunningAverage(decay)
    expected = naive.naive_running_average(values, decay)
    assert [average.update(value) for value in values] == pytest.approx(expected, abs=1e-12)


def test_running_average_of_a_constant_is_the_constant_and_its_window_is_stated():
    average = RunningAverage(0.99)
    assert {average.update(0.1) for _ in range(1000)} == {0.1}
    assert average.window == pytest.approx(100) and repr(average) == "RunningAverage(0.99)"
    assert Patience(1).update(val_loss=average) is False  # one real number, so it is a metric as it stands
    resumed = RunningAverage(0.99)
    resumed.load_state_dict(average.state_dict())
    assert resumed.update(0.7) == average.update(0.7) == float(average)
    average.reset()
    assert math.isnan(average.value) and average.update(3) == 3


def test_running_average_shows_divergence_and_saves_it():
    average = RunningAverage(0.5)
    assert average.state_dict() == {"value": "nan", "weight": 0.0}
    for value in (1.0, INF):
        average.update(value)
    resumed = RunningAverage(0.5)
    resumed.load_state_dict(average.state_dict())
    assert resumed.value == INF and resumed.update(1.0) != 1.0
    assert math.isnan(average.update(NAN)) and math.isnan(average.update(1.0))


@pytest.mark.parametrize("value", ["1", None, 1j, [1.0], np.ones(1), 10**400])
def test_running_average_refuses(value):
    average = RunningAverage(0.5)
    with pytest.raises(ValueError, match="one real number"):
        average.update(value)
    assert math.isnan(average.value) and average.weight == 0


@pytest.mark.parametrize("decay", [1, 1.5, -0.1, NAN, "0.9", True])
def test_running_average_refuses_the_decay(decay):
    with pytest.raises(ValueError, match="decay: got"):
        RunningAverage(decay)
