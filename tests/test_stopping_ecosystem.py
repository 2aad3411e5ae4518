"""The early stopping of other libraries, written out in naive_stopping.py as documented, is a configuration of ours."""
import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stopping import Divergence, Patience, Plateau, Target, after, replay
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
    assume(not math.isnan(curve[0]))
    ours = Patience(max(patience, 1), min_delta=min_delta, mode=mode)
    stopped = run(ours & after(2), curve)  # its first epoch cannot stop, infinite or not
    best = ours.improved_step or None      # its best moves only on improvements beyond min_delta
    assert (stopped, best) == naive.keras_early_stopping(curve, patience, min_delta, mode)


@settings(max_examples=100)
@given(curves(st.one_of(NUMBERS, NUMBERS, st.just(NAN))), st.integers(0, 6), st.sampled_from([-0.5, 0.0, 0.5, 1.0]), MODES)
def test_keras_with_a_baseline(curve, patience, baseline, mode):
    assume(not math.isnan(curve[0]))
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


# --- skorch: EarlyStopping(patience=p, threshold=r) is Patience(p, min_delta=r, relative=True) ---

@settings(max_examples=60)
@given(curves(st.one_of(NUMBERS.map(abs), st.just(NAN))), st.integers(1, 6), st.sampled_from([0.0, 1e-4, 0.25]),
       st.booleans(), MODES)
def test_skorch(scores, patience, threshold, relative, mode):
    ours = Patience(patience, min_delta=threshold, relative=relative, mode=mode)
    stopped = run(ours, scores)
    best = ours.improved_step or None
    assert (stopped, best) == naive.skorch_early_stopping(scores, patience, threshold, relative, mode == "min")


# --- XGBoost: EarlyStopping(rounds=r, min_delta=d) is Patience(r, min_delta=d) ---

@settings(max_examples=60)
@given(curves(st.one_of(NUMBERS, NUMBERS, st.just(NAN))), st.integers(1, 6), DELTAS, MODES)
def test_xgboost(scores, rounds, min_delta, mode):
    assume(not math.isnan(scores[0]))
    ours = Patience(rounds, min_delta=min_delta, mode=mode)
    stopped = run(ours, scores)
    # Its best_iteration counts from 0, and moves only on improvements beyond min_delta.
    assert (stopped, ours.improved_step) == naive.xgboost_early_stopping(scores, rounds, min_delta, mode == "max")


# --- LightGBM: early_stopping(r, min_delta=d) is one Patience(r, min_delta=d) for each metric of each validation set ---

@settings(max_examples=60)
@given(curves(st.one_of(NUMBERS, NUMBERS, st.just(NAN)), 2), st.integers(1, 6), DELTAS, MODES)
def test_lightgbm(columns, rounds, min_delta, mode):
    assume(not any(math.isnan(column[0]) for column in columns))
    parts = [Patience(rounds, name, mode, min_delta) for name in "ab"]
    whole = parts[0] | parts[1]
    for row in zip(*columns, strict=True):
        if whole.update(**dict(zip("ab", row, strict=True))):
            break
    stopped, best, whose = naive.lightgbm_early_stopping(columns, rounds, min_delta, mode == "max")
    assert whole.stopped_step == stopped or (stopped is None and whole.stopped_step == len(columns[0]))
    assert parts[whose].improved_step == best  # its best is that of the metric that stopped; ours of the first
    first = Patience(rounds, "a", mode, min_delta)                               # first_metric_only, one validation set
    assert (run(first, columns[0], "a"), first.improved_step) == \
        naive.lightgbm_early_stopping(columns[:1], rounds, min_delta, mode == "max")[:2]


def test_where_the_boosters_and_keras_differ():
    first_nan = [NAN, *range(9, 0, -1)]  # is their best for ever
    assert naive.xgboost_early_stopping(first_nan, 3) == naive.lightgbm_early_stopping([first_nan], 3)[:2] == (4, 1)
    assert naive.keras_early_stopping(first_nan, 3) == (4, 1)
    ours = Patience(3)
    assert run(ours, first_nan) is None and ours.best_step == 10
    small = [0.5, 0.45, 0.45]            # improvements within min_delta move our best, not theirs
    assert naive.xgboost_early_stopping(small, 2, 0.1) == naive.lightgbm_early_stopping([small], 2, 0.1)[:2] == (3, 1)
    ours = Patience(2, min_delta=0.1)
    assert run(ours, small) == 3 and ours.best_step == 2


# --- HistGradientBoosting: n_iter_no_change=n, tol=d is Plateau(d, n) ---

@settings(max_examples=60)
@given(curves(NUMBERS), DELTAS, st.integers(1, 6))
def test_hist_gradient_boosting(curve, tol, n):
    # It compares with n checks ago, ours with the best up to then: n checks after that best it compares with it, too, so
    # that neither stops first.
    theirs = naive.hist_gradient_boosting([-value for value in curve], tol, n)
    assert run(Plateau(tol, n), curve, "train_loss") == theirs


def test_hist_gradient_boosting_itself():
    ensemble = pytest.importorskip("sklearn.ensemble")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 2))
    net = ensemble.HistGradientBoostingRegressor(max_iter=200, max_leaf_nodes=3, early_stopping=True, tol=1e-2,
                                                 validation_fraction=None, n_iter_no_change=3)
    net.fit(x, np.sin(3 * x[:, 0]) + x[:, 1])
    losses = -net.train_score_
    assert net.n_iter_ < 200 and (np.diff(losses) <= 0).all()
    assert replay(Plateau(1e-2, 3), {"train_loss": losses}).stopped_step == net.n_iter_ + 1  # the first is of no tree


# --- transformers: patience p, threshold d is Patience(p, min_delta=d, warmup=1, reference="best") ---

@settings(max_examples=60)
@given(curves(st.one_of(NUMBERS, NUMBERS, st.just(NAN))), st.integers(1, 6), DELTAS, MODES)
def test_transformers(values, patience, threshold, mode):
    ours = Patience(patience, "eval_loss", mode, threshold, warmup=1, reference="best")  # its first, NaN too, is free
    stopped = run(ours, values, "eval_loss")
    assert (stopped, ours.best_step) == naive.transformers_early_stopping(values, patience, threshold, mode == "max")


# --- Ultralytics: patience=p is Patience(p, "fitness", mode="max"), with as long a warm-up as fitness is 0 ---

FITNESS = st.one_of(st.sampled_from([0.0, 0.25, 0.5]), st.floats(0, 1, width=16))


@settings(max_examples=60)
@given(curves(FITNESS), st.integers(1, 6))
def test_ultralytics(fitness, patience):
    zeros = next((n for n, value in enumerate(fitness) if value), len(fitness))
    ours = Patience(patience, "fitness", "max", warmup=zeros)
    stopped, best, saved = naive.ultralytics_early_stopping(fitness, patience)
    assert run(ours, fitness, "fitness") == stopped
    assert zeros == len(fitness) or (ours.best_step == best and fitness[saved - 1] == fitness[best - 1])


def test_where_ultralytics_differs():
    tied = [0.5, 0.25, 0.5, 0.25, 0.25]
    ours = Patience(3, "fitness", "max")
    assert run(ours, tied, "fitness") == 4 and ours.best_step == 1
    assert naive.ultralytics_early_stopping(tied, 3) == (4, 1, 3)                # best.pt is the last of the tied
    assert naive.ultralytics_early_stopping(tied, 3, ties=True) == (None, 3, 3)  # up to 8.3 a tie began the patience anew
    assert naive.ultralytics_early_stopping([0.0] * 9, 3) == (None, 9, 9)
    assert naive.ultralytics_early_stopping([0.5] * 9, 0)[0] is None             # patience 0: never
