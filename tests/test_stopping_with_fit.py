"""Criteria asked by `fit`: it computes what they require, and replay on its History stops at the same check."""
import numpy as np
import pytest

from losses import CrossEntropy
from nn import MLP, SGD, Adam, fit
from stopping import (
    GL,
    PQ,
    UP,
    AdaptivePatience,
    CorrelationDriven,
    Divergence,
    EvidenceBased,
    GradientNorm,
    LabelWave,
    Patience,
    Plateau,
    Target,
    TimeBudget,
    ZeroError,
    after,
    replay,
)

RNG = np.random.default_rng(11)
X, X_VAL = RNG.normal(size=(60, 5)), RNG.normal(size=(40, 5))
TRUTH = RNG.normal(size=5)
Y, Y_VAL = ((x @ TRUTH + RNG.normal(size=len(x)) > 0).astype(int) for x in (X, X_VAL))


def train(stopping, backend, **options):
    model = MLP([5, 16, 2], seed=1, backend=backend)
    settings = {"loss": CrossEntropy(), "optimizer": Adam(3e-2), "epochs": 120, "batch_size": 20,
                "validation": (X_VAL, Y_VAL)}
    return model, fit(model, X, Y, stopping=stopping, **(settings | options))


@pytest.mark.parametrize("make", [
    lambda: Patience(5), lambda: AdaptivePatience(3), lambda: GL(5), lambda: PQ(0.5), lambda: UP(2),
    lambda: Target(0.3, "train_loss"),
    lambda: ZeroError(), lambda: Plateau(1e-3, 3), lambda: GradientNorm(0.05), lambda: EvidenceBased(), lambda: LabelWave(2),
    lambda: CorrelationDriven(5, 0.0, 3), lambda: Divergence(10.0), lambda: GL(5) | Patience(9), lambda: after(8) & UP(1),
    lambda: ~Target(0.5, "train_loss") & after(3)], ids=lambda make: repr(make()))
def test_live_and_replayed_stop_at_the_same_check(make, backend):
    criterion = make()
    _, history = train(criterion, backend)
    decision = replay(make(), history)
    assert decision.stopped_step == criterion.stopped_step and decision.best_step == criterion.best_step
    if criterion.stopped_step is None:
        assert history.stopped_epoch is None and history.checks == 120
    else:
        assert history.stopped_epoch == decision.stopped_epoch and history.checks == decision.stopped_step
    assert history.best_epoch == decision.best_epoch


def test_only_what_is_required_is_measured(backend):
    always = set(train(None, backend, epochs=1)[1])
    assert set(train(Patience(3), backend, epochs=1)[1]) == always
    for criterion, name in ((EvidenceBased(), "evidence"), (GradientNorm(0.1), "gradient_norm"),
                            (LabelWave(2), "prediction_changes"), (TimeBudget(9.0), "seconds")):
        assert set(train(criterion, backend, epochs=1)[1]) == always | {name}


def test_time_budget_ends_a_run(backend):
    _, history = train(TimeBudget(0.2), backend, epochs=10**6)
    assert history.stopped_epoch is not None and 0.2 <= history["seconds"][-1] < 30


def test_on_line_patience_counts_checks(backend):
    """Every 15 patterns, not every epoch; the decision says where in updates and epochs."""
    criterion = Patience(4)
    model, history = train(criterion, backend, batch_size=1, check_every=15, optimizer=SGD(0.1), epochs=40)
    decision = replay(Patience(4), history)
    assert decision.stopped_step == criterion.stopped_step == history.checks
    assert decision.stopped_update == history["update"][-1] == 15 * history.checks
    assert decision.stopped_epoch == decision.stopped_update / 60
    best = history["val_loss"].argmin()
    outputs = model.forward(X_VAL)
    assert CrossEntropy().value(outputs, Y_VAL) == pytest.approx(history["val_loss"][best], rel=1e-6)


def test_the_first_pass_of_on_line_training_is_prequential(backend):
    """In the first pass each pattern's loss is taken before the network has learnt from it."""
    from stopping import RunningAverage
    model = MLP([5, 4, 2], seed=1, dtype="float64", backend=backend)
    average, before = RunningAverage(0.9), []
    twin = model.copy()
    for n in np.random.default_rng([0, 0]).permutation(60):
        loss, gradients = twin.loss_and_gradients(X[n:n + 1], Y[n:n + 1], CrossEntropy())
        before.append(loss)
        average.update(loss)
        for name, gradient in gradients.items():
            twin.parameters[name] -= 0.1 * gradient
    history = fit(model, X, Y, loss=CrossEntropy(), optimizer=SGD(0.1), epochs=1, batch_size=1)
    assert history["train_loss_running"][0] == pytest.approx(np.mean(before), rel=1e-10)
    weights = 0.9 ** np.arange(60)[::-1]
    assert average.value == pytest.approx(weights @ before / weights.sum(), rel=1e-12)


def test_a_missing_validation_set_is_named(backend):
    with pytest.raises(ValueError, match=r"accepted: with validation=\(x, y\)"):
        train(GL(5), backend, validation=None)


def test_a_criterion_is_reset_by_nothing_but_a_run(backend):
    stop = Patience(3, "train_loss")
    stop.update(train_loss=1.0)
    before = stop.state_dict()
    with pytest.raises(ValueError, match="clip_norm"):
        train(stop, backend, epochs=1, clip_norm=-1)
    assert stop.state_dict() == before
    train(stop, backend, epochs=1)
    assert stop.step == 1 and stop.best_value != 1.0
