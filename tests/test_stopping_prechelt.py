"""GL, PQ, UP and AdaptivePatience against their literal definitions, and on curves worked out by hand."""
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stopping import GL, PQ, UP, AdaptivePatience, Plateau
from stopping.prechelt import generalization_loss, progress
from tests import naive_stopping as naive
from tests.curves import INF, NAN, POSITIVE, SIGNED, curves, first, stops, watch

# --- Prechelt ---

# A ratio may equal a round alpha exactly, and rounding would decide: these can be equal to none of the ratios.
ODD = st.sampled_from([math.pi / 10, math.e, 5 * math.sqrt(2), 0.1 / math.pi])


@settings(max_examples=100)
@given(curves(POSITIVE), st.one_of(ODD, st.sampled_from([0, 5, 25.0, 100.0])))
def test_gl_is_the_definition(curve, alpha):
    answers = watch(GL(alpha), val_loss=curve)
    assert [stop for stop, _, _ in answers] == naive.naive_gl(curve, alpha)
    assert [(step, value) for _, step, value in answers] == naive.at_every_check(naive.best, curve)


@settings(max_examples=100)
@given(curves(POSITIVE, 2), ODD, st.integers(1, 6))
def test_pq_is_the_definition(pair, alpha, strip):
    values, losses = pair
    assert stops(PQ(alpha, strip), val_loss=values, train_loss=losses) == naive.naive_pq(values, losses, alpha, strip)


@settings(max_examples=100)
@given(curves(SIGNED), st.integers(1, 4), st.integers(1, 4))
def test_up_is_the_definition(curve, successive, strip):
    answers = watch(UP(successive, strip), val_loss=curve)
    assert [stop for stop, _, _ in answers] == naive.naive_up(curve, successive, strip)
    assert answers[-1][1:] == naive.best(curve)


@settings(max_examples=100)
@given(curves(POSITIVE, 2), st.integers(1, 5), st.one_of(st.none(), ODD), st.one_of(st.none(), st.integers(1, 30)))
def test_the_fallback_is_the_definition(pair, strip, min_progress, max_checks):
    values, losses = pair
    fallback = naive.naive_fallback(losses, strip, min_progress, max_checks)
    chosen = {"strip": strip, "min_progress": min_progress, "max_checks": max_checks}
    record = {"val_loss": values, "train_loss": losses}
    for stop, alone in ((GL(5, **chosen), GL(5)), (PQ(1, **chosen), PQ(1, strip)), (UP(2, **chosen), UP(2, strip))):
        assert stops(stop, **record) == [a or b for a, b in zip(stops(alone, **record), fallback, strict=True)]


def test_a_state_of_shorter_strips_leaves_the_first_longer_one_without_an_answer():
    saved, longer = GL(5, strip=1, min_progress=0.1), GL(5, strip=3, min_progress=0.1)
    stops(saved, val_loss=[1.0] * 2, train_loss=[1.0] * 2)
    longer.load_state_dict(saved.state_dict())  # at check 3 it knows the losses of two, at check 6 of three
    assert stops(longer, val_loss=[1.0] * 4, train_loss=[1.0] * 4) == [False, False, False, True]


def test_only_what_needs_the_training_loss_asks_for_it():
    assert GL(5).requires == UP(3).requires == GL(5, max_checks=9).requires == ("val_loss",)
    for stop in (PQ(1), GL(5, min_progress=0.1), UP(3, min_progress=0.1)):
        assert stop.requires == ("val_loss", "train_loss")
    assert PQ(1, monitor="val_error", train="fit").requires == ("val_error", "fit")


@pytest.mark.parametrize("curve, alpha, stopped", [
    ([1.0, 0.8, 0.83, 0.85], 5, 4),                # 3.75 %, then 6.25 % above 0.8
    ([0.8, 0.85], 6.25, None),                     # exactly alpha is not above it
    ([1.0, 1.0, 1.0, 1.0], 0, None),               # a constant curve has no generalization loss
    ([1.0, 0.0, 0.0, 1e-300], 100, 4),             # E_opt = 0: anything above is an infinite loss, 0 is none
    ([0.0, 0.0], 0, None),
    ([NAN, 1.0, NAN, NAN, 1.01], 5, None),         # NaN says nothing
    ([INF, 1.0, INF], 1e9, 3),                     # infinity is more than any percentage, but no E_opt
    ([NAN, INF], 5, None)])
def test_gl_on_known_curves(curve, alpha, stopped):
    assert first(GL(alpha), val_loss=curve) == stopped


@pytest.mark.parametrize("train, val, alpha, stopped", [
    # strips of 2: P = 1000 (0.9/0.8 - 1) = 125 at 2, 1000 (0.7985/0.798 - 1) = 0.63 at 4, where GL = 2.2: quotient 3.5
    ([1.0, 0.8, 0.799, 0.798], [1.0, 0.9, 0.91, 0.92], 3, 4),
    ([1.0, 0.8, 0.799, 0.798], [1.0, 0.9, 0.91, 0.92], 4, None),
    ([0.5, 0.5, 0.5, 0.5], [1.0, 1.0, 1.0, 1.1], 1e9, 4),     # P = 0 with a loss: stop
    ([0.5, 0.5, 0.5, 0.5], [1.0, 1.0, 1.0, 1.0], 0, None),    # P = 0 without one: 0/0 is no reason
    ([0.5, 0.0, 0.5, 0.0], [1.0, 1.0, 1.0, 9.0], 0, None),    # P infinite
    ([0.5, NAN, 0.5, 0.5], [1.0, 9.0, 1.0, 1.0], 0, None),    # P undefined
    ([0.5, 0.5, 0.5], [1.0, 1.0, 9.0], 0, None)])             # not at an end of strip
def test_pq_on_known_curves(train, val, alpha, stopped):
    assert first(PQ(alpha, strip=2), train_loss=train, val_loss=val) == stopped


@pytest.mark.parametrize("curve, successive, strip, stopped", [
    ([5.0, 1.0, 5.0, 1.1, 5.0, 1.2], 2, 2, 6),               # ends of strips 1.0, 1.1, 1.2: what lies between does not count
    ([1.0, 1.1, 1.1, 1.2, 1.3], 2, 1, 5),                    # a tie starts the count again
    ([1.0, 1.1, NAN, 1.2, 1.3, 1.4], 2, 1, 6),               # so does NaN, and nothing rises from it
    ([-1.0, -0.9, -0.8], 2, 1, 3),                           # any sign
    ([1.0, 2.0, 0.0, 0.1, 0.2], 2, 1, 5),                    # local: it still is below all that was
    ([1.0] * 20, 1, 1, None)])
def test_up_on_known_curves(curve, successive, strip, stopped):
    assert first(UP(successive, strip), val_loss=curve) == stopped


def test_progress_of_a_constant_loss_is_exactly_zero():
    # Ten times 0.1 add up to less than 1, which would make the progress negative and turn the quotient round.
    assert sum([0.1] * 10) < 1 and progress([0.1] * 10) == 0
    assert progress([1.0, 3.0]) == 1000 and generalization_loss(1.5, 1.0) == 50


def test_a_small_generalization_loss_keeps_its_digits():
    value = math.nextafter(0.3, 1)  # value/0.3 - 1 would be a whole 2.2e-16
    exact = float(100 * (Fraction(value) / Fraction(0.3) - 1))
    assert generalization_loss(value, 0.3) == pytest.approx(exact, rel=1e-15, abs=0)


@pytest.mark.parametrize("stop, metric", [
    (GL(5), "val_loss"), (PQ(1), "val_loss"), (PQ(1), "train_loss"), (UP(2, min_progress=0.1), "train_loss"),
    (AdaptivePatience(1, threshold=0.9), "val_loss"), (Plateau(0.1, 2, relative=True), "train_loss")])
def test_ratios_refuse_negative_values_and_stay_as_they_were(stop, metric):
    row = {"val_loss": 1.0, "train_loss": 1.0}
    stop.update(**row)
    before = stop.state_dict()
    with pytest.raises(ValueError, match=rf"{metric}: got -0\.5 at check 2, accepted: .* takes ratios; use "):
        stop.update(**{**row, metric: -0.5})
    assert stop.state_dict() == before


# --- AdaptivePatience ---

@settings(max_examples=100)
@given(curves(SIGNED), st.integers(1, 9), st.sampled_from([1.25, 2, 2.5]), st.integers(0, 5),
       st.sampled_from(["min", "max"]))
def test_adaptive_patience_is_the_loop_of_the_tutorials(curve, initial, factor, minimum, mode):
    stop = AdaptivePatience(initial, factor, mode=mode, minimum=minimum)
    sign = 1 if mode == "min" else -1
    assert watch(stop, val_loss=curve) == naive.naive_theano(curve, initial, factor, 1, minimum, sign)


@settings(max_examples=100)
@given(curves(POSITIVE), st.integers(1, 9), st.sampled_from([0.5, 0.75, 0.9375]), st.sampled_from(["min", "max"]))
def test_adaptive_patience_with_a_threshold_is_the_loop_of_the_tutorials(curve, initial, threshold, mode):
    curve = [value if value not in (0.1, 1.05) else 0.125 for value in curve]  # products that floats hold exactly
    stop = AdaptivePatience(initial, 2, threshold, mode=mode)
    sign = 1 if mode == "min" else -1
    assert watch(stop, val_loss=curve) == naive.naive_theano(curve, initial, 2, threshold, 0, sign)


@pytest.mark.parametrize("curve, chosen, stopped, best", [
    ([0.9, 0.8, 0.7, 1, 1, 1, 1], {"initial": 1}, 6, 3),                   # reached in 3, stopped at 6
    ([0.9, 1.0, 0.7, 1, 1, 1, 1], {"initial": 1}, 2, 1),                   # a first check that happens to be good ...
    ([0.9, 1.0, 0.7, 1, 1, 1, 1], {"initial": 3}, 6, 3),                   # ... is why there is an initial patience
    ([0.9, 0.8, 0.7, 1, 1, 1, 1], {"initial": 1, "minimum": 4}, 7, 3),     # at least 4 after the optimum
    ([0.9, 0.8, 0.796, 1, 1], {"initial": 2, "threshold": 0.995}, 4, 3),   # 0.5 % is not below 0.995: best, no extension
    ([NAN, NAN, 0.5], {"initial": 2}, 2, None)])
def test_adaptive_patience_on_known_curves(curve, chosen, stopped, best):
    stop = AdaptivePatience(**chosen)
    for value in curve:
        if stop.update(val_loss=value):
            break
    assert (stop.stopped_step, stop.best_step) == (stopped, best)
