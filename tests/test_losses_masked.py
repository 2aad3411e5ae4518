"""Masked arrays are refused wherever numbers are taken: what a mask hides must never be counted."""
from functools import partial

import numpy as np
import pytest

import losses
from losses import AdaFlooding, BinaryCrossEntropy, CrossEntropy, Hinge, SquaredError, bayes, calibration, margins
from losses.answers import predictions
from nn import MLP, RNN, SGD, check_backward, check_gradients, check_model, fit, fit_fleet
from nn.fitting.augmentation import GaussianNoise, Mixup, RandomShift
from nn.fitting.flood_levels import adaptive_levels
from stopping import EvidenceBased, Patience, compare, replay
from stopping.without_validation import evidence

CE = CrossEntropy()
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 3)), np.arange(6) % 2
O, O1, P, ONES = X[:, :2], X[:, :1], np.full((6, 2), 0.5), np.ones(6)
STEPS = RNG.normal(size=(6, 4, 3))
LENGTHS = np.full(6, 4)


def hide(array):
    """Mask the first entry of a copy."""
    masked = np.ma.array(array)
    masked[(0,) * masked.ndim] = np.ma.masked
    return masked


def on(loss, method, outputs, y):
    return getattr(loss, method)(outputs, y)


def square(w):
    return np.sum(w**2)


def mlp(outputs=2):
    return MLP((3, 4, outputs), backend="numpy", bias=False)


def rnn():
    return RNN(3, 4, 2, backend="numpy")


def fitted(model, x, y, **more):
    return fit(model, x, y, **{"loss": CE, "optimizer": SGD(0.1), "epochs": 1, "progress": False, "batch_size": 3} | more)


def member(**more):
    return fit_fleet(mlp(), *(more.pop("data", (X, Y))), members=[{"seed": 0} | more], loss=CE, optimizer=SGD(0.1), epochs=1,
                     progress=False)


CALLS = {
    **{f"{type(loss).__name__} {method} {what}": call for loss, o, y in (
        (CE, O, Y), (CE, O, P), (BinaryCrossEntropy(), O1, Y), (BinaryCrossEntropy(), O, P), (SquaredError(), O, O),
        (SquaredError(), O, Y), (Hinge(), O, Y), (losses.Flooding(CE, 0.1), O, Y), (losses.ConfidencePenalty(CE, 0.1), O, Y),
        (losses.RelaxLoss(CE, 0.1), O, Y)) for method in ("value", "per_sample", "value_and_gradient", "wrong")
       for what, call in ((f"outputs {y.ndim}", partial(on, loss, method, hide(o), y)),
                          (f"y {y.ndim}", partial(on, loss, method, o, hide(y))))},
    "labels": lambda: losses.Loss().labels(hide(Y), 2), "answers": lambda: CE.answers(hide(Y), 2),
    "labels of BCE": lambda: BinaryCrossEntropy().labels(hide(Y), 1), "a list of rows": lambda: CE.value(list(hide(O)), Y),
    "levels": lambda: AdaFlooding(CE, hide(ONES)), "levels_from_losses": lambda: losses.levels_from_losses(hide(ONES)),
    "suggest_level": lambda: losses.suggest_level(soft_labels=hide(P)), "penalty": lambda: losses.L2(0.1).value([hide(P)]),
    **{f"{f.__name__} {i}": lambda f=f, i=i: f(*((hide(O), Y) if i == "outputs" else (O, hide(Y)))) for f in (
        margins.output_margins, margins.probability_margins, margins.log_odds_margins, margins.smoothed_output_margin,
        margins.hard_margin, calibration.fit_temperature) for i in ("outputs", "y")},
    "normalized_margin": lambda: margins.normalized_margin(mlp(), hide(X), Y),
    "smoothed_margin": lambda: margins.smoothed_margin(mlp(), X, hide(Y)),
    "probabilities": lambda: calibration.probabilities(hide(O)),
    "calibration": lambda: calibration.expected_calibration_error(hide(P), Y),
    "calibration y": lambda: calibration.expected_calibration_error(P, hide(Y)),
    "bayes.soft_labels": lambda: bayes.soft_labels(hide(P)), "bayes.entropy": lambda: bayes.entropy(hide(P)),
    "mixture means": lambda: bayes.gaussian_mixture(hide(X)),
    "mixture shares": lambda: bayes.gaussian_mixture(X[:2], shares=hide(P[0])),
    "mixture classes": lambda: bayes.gaussian_mixture(X, classes=hide(Y)),
    "mixture covariances": lambda: bayes.gaussian_mixture(X, hide(np.eye(3))),
    "predictions": lambda: predictions(hide(O)),
    **{name: lambda name=name: getattr(mlp(), name)(hide(X)) for name in ("forward", "predict", "predict_proba")},
    "encode": lambda: mlp().encode(hide(X), 1), "gradients x": lambda: mlp().loss_and_gradients(hide(X), Y, CE),
    "gradients y": lambda: mlp().loss_and_gradients(X, hide(Y), CE),
    "flat": lambda: setattr(mlp(), "flat", hide(np.ones(mlp().flat.size))),
    "parameters": lambda: mlp().parameters.__setitem__("W1", hide(np.ones((3, 4)))),
    "fit x": lambda: fitted(mlp(), hide(X), Y), "fit y": lambda: fitted(mlp(), X, hide(Y)),
    "validation x": lambda: fitted(mlp(), X, Y, validation=(hide(X), Y)),
    "test y": lambda: fitted(mlp(), X, Y, test=(X, hide(Y))),
    "augment": lambda: fitted(mlp(), X, Y, augment=lambda x, y, rng: (hide(x), y)),
    "augment y": lambda: fitted(mlp(), X, Y, augment=lambda x, y, rng: (x, hide(y))),
    "rnn x": lambda: rnn().forward(hide(STEPS)), "rnn lengths": lambda: rnn().forward(STEPS, hide(LENGTHS)),
    "fit lengths": lambda: fitted(rnn(), STEPS, Y, lengths=hide(LENGTHS)),
    "steps' y": lambda: RNN(3, 4, 2, pooling="none").loss_and_gradients(STEPS, hide(np.zeros((6, 4), int)), CE, LENGTHS),
    "fleet x": lambda: member(data=(hide(X), Y)), "fleet y": lambda: member(data=(X, hide(Y))),
    "adaptive_levels x": lambda: adaptive_levels(mlp(), hide(X), Y, loss=CE, optimizer=SGD(0.1), epochs=1, folds=2),
    "adaptive_levels y": lambda: adaptive_levels(mlp(), X, hide(Y), loss=CE, optimizer=SGD(0.1), epochs=1, folds=2),
    "Mixup x": lambda: Mixup(0.4, 2)(hide(X), Y, RNG), "Mixup y": lambda: Mixup(0.4, 2)(X, hide(Y), RNG),
    "GaussianNoise": lambda: GaussianNoise(0.1)(hide(X), Y, RNG), "RandomShift": lambda: RandomShift(1, 3)(hide(X), Y, RNG),
    "sample_weight": lambda: fitted(mlp(), X, Y, sample_weight=hide(ONES)),
    "fleet sample_weight": lambda: fit_fleet(mlp(), X, Y, members=[{}], loss=CE, optimizer=SGD(0.1), epochs=1,
                                             sample_weight=hide(ONES)),
    "class_weight": lambda: CrossEntropy(class_weight=hide(ONES[:2])),
    "check_every": lambda: fitted(mlp(), X, Y, check_every=hide(np.array([1, 2]))),
    "trace x": lambda: mlp().trace(hide(X), Y, CE), "trace y": lambda: mlp().trace(X, hide(Y), CE),
    "trace lengths": lambda: rnn().trace(STEPS, Y, CE, hide(LENGTHS)),
    "check_model x": lambda: check_model(mlp(), hide(X), Y, CE), "check_model y": lambda: check_model(mlp(), X, hide(Y), CE),
    "check_model lengths": lambda: check_model(rnn(), STEPS, Y, CE, hide(LENGTHS)),
    "check_model sample_weight": lambda: check_model(mlp(), X, Y, CE, sample_weight=hide(ONES)),
    "check_gradients theta": lambda: check_gradients(square, hide(ONES), 2 * ONES),
    "check_gradients gradient": lambda: check_gradients(square, ONES, hide(2 * ONES)),
    "check_gradients gradients": lambda: check_gradients(lambda w: square(w["w"]), {"w": ONES}, {"w": hide(2 * ONES)}),
    "check_gradients f": lambda: check_gradients(lambda w: np.ma.masked, ONES, 2 * ONES, method="central"),
    "check_gradients kinks": lambda: check_gradients(square, ONES, 2 * ONES, method="central",
                                                     kinks=lambda w: {"sign": hide(w > 0)}),
    "check_backward inputs": lambda: check_backward(np.sin, lambda d, w: d * np.cos(w), {"w": hide(ONES)}),
    "check_backward forward": lambda: check_backward(lambda w: hide(np.sin(w)), lambda d, w: d * np.cos(w), {"w": ONES}),
    "check_backward cache": lambda: check_backward(lambda w: (hide(np.sin(w)), w), lambda d, w: d * np.cos(w), {"w": ONES}),
    "check_backward backward": lambda: check_backward(np.sin, lambda d, w: hide(d * np.cos(w)), {"w": ONES}),
    "replay": lambda: replay(Patience(1), {"val_loss": hide(ONES)}),
    "compare": lambda: compare([Patience(1)], [{"val_loss": hide(ONES)}]),
    "update": lambda: Patience(1).update(val_loss=np.ma.masked), "evidence": lambda: evidence(hide(ONES), ONES, 4),
    "evidence's variance": lambda: evidence(ONES, hide(ONES), 4),
    "criterion of evidence": lambda: EvidenceBased().update(evidence=np.ma.masked),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_masked_entries_are_refused(call):
    with pytest.raises((TypeError, ValueError), match="mask"):
        call()


def test_an_array_that_masks_nothing_is_taken():
    assert CE.value(np.ma.array(O), np.ma.array(Y)) == CE.value(O, Y)
    np.testing.assert_array_equal(mlp().forward(np.ma.array(X)), mlp().forward(X))
