"""The early stopping of other libraries, written out in naive_stopping.py as documented, is a configuration of ours."""
import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stopping import Divergence, Patience, Target, after, replay
from tests import naive_stopping as naive
from tests.curves import NAN, curves

# Numbers of 11 bits, whose sums and differences with the deltas below are exact: value + delta < best and
# value < best - delta, which the libraries write differently, are then the same.
NUMBERS = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(-3, 3, width=16))
DELTAS = st.sampled_from([0.0, 0.0625, 0.25, 0.5])
MODES = st.sampled_from(["min", "max"])


def run(stop, values, name="val_loss"):
    """Feed values until it stops; return that check."""
    for value in values:
        if stop.update(**{name: value}):
            break
    return stop.stopped_step


# --- Keras: EarlyStopping(patience=p, min_delta=d) is Patience(max(p, 1), min_delta=d) & after(2) ---

@settings(max_examples=100)
@given(curves(st.one_of(NUMBERS, NUMBERS, st.just(NAN))), st.integers(0, 6), DELTAS, MODES)
def test_keras(curve, patience, min_delta, mode):
    ours = Patience(max(patience, 1), min_delta=min_delta, mode=mode)
    stopped = run(ours & after(2), curve)  # its first epoch cannot stop, NaN or not
    best = ours.improved_step or None      # its best moves only on improvements beyond min_delta
    assert (stopped, best) == naive.keras_early_stopping(curve, patience, min_delta, mode)


@settings(max_examples=100)
@given(curves(st.one_of(NUMBERS, NUMBERS, st.just(NAN))), st.integers(0, 6), st.sampled_from([-0.5, 0.0, 0.5, 1.0]), MODES)
def test_keras_with_a_baseline(curve, patience, baseline, mode):
    # An improvement that does not beat the baseline does not restart its wait, but it is not stopped at either.
    ours = Patience(max(patience, 1), baseline=baseline, mode=mode)
    stopped = run(ours & Patience(1, mode=mode) & after(2), curve)
    assert (stopped, ours.best_step) == naive.keras_early_stopping(curve, patience, 0, mode, baseline)


@given(curves(NUMBERS), st.integers(1, 6), st.integers(1, 8))
def test_keras_start_from_epoch_does_not_look_at_what_comes_before(curve, patience, start):
    ours = Patience(patience)
    stopped = run(ours, curve[start:])
    shifted = tuple(None if step is None else step + start for step in (stopped, ours.best_step))
    assert shifted == naive.keras_early_stopping(curve, patience, start_from_epoch=start)


# --- scikit-learn: n_iter_no_change=n, tol is Patience(n + 1, min_delta=tol, reference="best") ---

def ties(values, tol):
    """Does a value lie exactly tol below the best before it? For scikit-learn that is an improvement, for us not."""
    return any(v == min(values[:t]) - tol for t, v in enumerate(values) if t)


@settings(max_examples=100)
@given(curves(NUMBERS), DELTAS, st.integers(0, 5))
def test_scikit_learn_on_the_training_loss(curve, tol, n):
    assume(not ties(curve, tol))
    ours = Patience(n + 1, "train_loss", min_delta=tol, reference="best")
    assert run(ours, curve, "train_loss") == naive.sklearn_mlp(curve, tol, n)


@settings(max_examples=100)
@given(curves(NUMBERS), DELTAS, st.integers(0, 5))
def test_scikit_learn_on_a_validation_score(curve, tol, n):
    assume(not ties([-value for value in curve], tol))
    ours = Patience(n + 1, "val_accuracy", "max", min_delta=tol, reference="best")
    assert (run(ours, curve, "val_accuracy"), ours.best_step) == naive.sklearn_mlp_validation(curve, tol, n)


def test_where_scikit_learn_differs():
    assert naive.sklearn_mlp([0.5] * 99, tol=0, n_iter_no_change=2) is None                     # a tie is an improvement
    assert run(Patience(3, "train_loss", reference="best"), [0.5] * 99, "train_loss") == 4
    assert naive.sklearn_mlp([0.5, *[NAN] * 99], n_iter_no_change=2) is None                    # NaN resets its counter
    assert run(Patience(3, "train_loss", min_delta=1e-4, reference="best"), [0.5, *[NAN] * 99], "train_loss") == 4


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("early_stopping", [False, True])
def test_scikit_learn_itself(seed, early_stopping):
    neural_network = pytest.importorskip("sklearn.neural_network")
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(120, 3))
    y = (x[:, 0] + 0.5 * rng.normal(size=120) > 0).astype(int)
    net = neural_network.MLPClassifier((4,), early_stopping=early_stopping, tol=2e-3, n_iter_no_change=4, random_state=seed,
                                       max_iter=400, learning_rate_init=0.02)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.fit(x, y)
    assert net.n_iter_ < 400
    if early_stopping:
        decision = replay(Patience(5, "score", "max", 2e-3, reference="best"), {"score": net.validation_scores_})
        assert decision.best_value == net.best_validation_score_
    else:
        decision = replay(Patience(5, "loss", min_delta=2e-3, reference="best"), {"loss": net.loss_curve_})
        assert decision.best_value == net.best_loss_
    assert decision.stopped_step == net.n_iter_


# --- ignite: Patience(p, mode="max", min_delta=d, reference="best"), or "significant" for cumulative_delta ---

@settings(max_examples=100)
@given(curves(NUMBERS), st.integers(1, 5), DELTAS, st.booleans())
def test_ignite(scores, patience, min_delta, cumulative):
    ours = Patience(patience, "score", "max", min_delta, reference="significant" if cumulative else "best")
    assert run(ours, scores, "score") == naive.ignite_early_stopping(scores, patience, min_delta, cumulative)


# --- Lightning: all three thresholds are criteria of their own ---

@settings(max_examples=100)
@given(curves(st.one_of(NUMBERS, NUMBERS, NUMBERS, st.sampled_from([NAN, math.inf]))), st.integers(1, 5), DELTAS)
def test_lightning(curve, patience, min_delta):
    low, high = -0.3001, 1.7001  # no value is equal to them: its stopping_threshold must be passed, our target reached
    ours = Patience(patience, min_delta=min_delta) | Target(low, "val_loss") | Divergence(high, "val_loss")
    assert run(ours, curve) == naive.lightning_early_stopping(curve, patience, min_delta, low, high)
