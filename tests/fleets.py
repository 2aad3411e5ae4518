"""What the tests of `fit_fleet` share: its lone twin, and members, data and sequences to give it."""
import threading

import numpy as np

from losses import L2, Flooding
from nn import SGD, Adam, cosine, fit, fit_fleet
from tests.fitting import CE, X_TEST, X_VAL, Y_TEST, Y_VAL, X, Y

FLOOD = Flooding(CE, 0.0)
WRONG = 1 - Y_VAL  # the validation loss rises
OPTIONS = {"loss": CE, "optimizer": SGD(0.2), "epochs": 3, "batch_size": 7, "progress": False}

LEVELS = np.linspace(0, 0.6, len(X))
MEMBERS = [{"seed": seed, "level": level} for seed in (0, 3) for level in (0.0, 0.4, 0.7)]
EVERYTHING = {"loss": FLOOD, "validation": (X_VAL, Y_VAL), "test": (X_TEST, Y_TEST), "check_every": 3, "clip_norm": 0.5,
              "metrics": ["margin_min", "gradient_norm", "update_norm", "prediction_changes"], "penalty": L2(0.01),
              "optimizer": Adam(cosine(0.05, 3), weight_decay=0.01)}
R = 3
XS = np.random.default_rng(1).normal(size=(R, *X.shape))
YS = np.array([np.roll(Y, r) for r in range(R)])
XS_VAL, YS_VAL = XS[:, :5] + 1, YS[:, :5]
N, T = 12, 5
TOKENS = np.random.default_rng(2).integers(0, 4, (R, N, T))
INPUTS = np.random.default_rng(3).normal(size=(R, N, T, 4))
LENGTHS = np.random.default_rng(4).integers(1, T + 1, (R, N))
CLASSES = np.random.default_rng(5).integers(0, 2, (R, N, T))
INTEGERS = (10 * INPUTS).astype(int)


def fleet_of(model, members, x=X, y=Y, **options):
    return fit_fleet(model, x, y, members=members, **OPTIONS | options)


def lone(template, x=X, y=Y, *, model_seed=None, **options):
    """Return (model, history) of the lone fit that fit_fleet's docstring speaks of."""
    model = type(template)(**(template.settings() | ({} if model_seed is None else {"seed": model_seed})))
    return model, fit(model, x, y, **OPTIONS | options)


def threads_left():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("afterzero-fleet")]


def assert_member(fleet, r, alone):
    model, history = alone
    mine = fleet.model(r)
    assert type(mine) is type(model)
    assert mine.settings() == model.settings()
    assert np.array_equal(mine.flat, model.flat)
    assert np.array_equal(mine.running, model.running)
    assert fleet.history(r) == history
    assert fleet.history(r).stopped_epoch == history.stopped_epoch
    assert fleet.history(r).best_epoch == history.best_epoch
    for name in history:
        expected = np.full(len(fleet.update), np.nan)
        expected[:history.checks] = history[name]
        assert np.array_equal(fleet[name][r], expected, equal_nan=True), name
