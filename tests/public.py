"""One object of every public class, for tests that walk the API."""
import functools
import inspect

import numpy as np

import losses
import nn
import stopping
from losses import CrossEntropy
from nn import MLP, RNN, SGD, TrainingDiverged, TrainingInterrupted, fit, fit_fleet
from stopping import Patience

PACKAGES = (nn, losses, stopping)
CE = CrossEntropy()
RNG = np.random.default_rng(0)
X, SEQUENCES = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 4, 3))
Y = (X[:, 0] > 0).astype(int)
QUIET = {"loss": CE, "optimizer": SGD(0.1), "epochs": 2, "progress": False}
# What some constructors have no default for. The walk fails for a new class that needs more.
ARGUMENTS = {
    "sizes": [3, 4, 2], "inputs": 3, "hidden": 4, "outputs": 2, "base": CE, "level": 0.1, "levels": np.linspace(0, 1, 20),
    "strength": 0.1, "deviation": 0.1, "alpha": 0.2, "classes": 2, "height": 1, "width": 3, "pixels": 1, "fill": 0.0,
    "patience": 3, "initial": 5, "strip": 5, "successive": 2, "threshold": 1.0, "window": 3, "value": 0.1,
    "monitor": "val_loss", "tol": 0.1, "checks": 3, "eps": 0.1, "seconds": 60.0, "decay": 0.9, "n": 2, "l1": 0.1, "l2": 0.1,
    "learning_rate": 0.1, "rate": 0.1, "left": Patience(2), "right": Patience(3), "operand": Patience(2), "warmup": 1}


def trained():
    model = MLP([3, 4, 2])
    return model, fit(model, X, Y, **QUIET)


@functools.cache
def made_otherwise():
    """Public classes that other functions return, and objects that only a class with arguments of its own can be."""
    _, history = trained()
    report = nn.check_gradients(lambda w: (w**2).sum(), np.ones(2), np.full(2, 2.0))
    replayed = stopping.replay(Patience(1), {"val_loss": [1.0, 2.0, 3.0]})
    return {"History": history, "TrainingDiverged": TrainingDiverged(history, 3, 0.1, 2.0),
            "TrainingInterrupted": TrainingInterrupted(history), "CheckpointError": nn.CheckpointError("here"),
            "GradientReport": report, "StopDecision": replayed,
            "FleetHistory": fit_fleet(MLP([3, 4, 2]), X, Y, members=[{}, {"seed": 1}], workers=1, **QUIET),
            "Comparison": stopping.compare([Patience(1)], [{"val_loss": [1.0, 2.0, 3.0]}]),
            "Loss": losses.Loss(), "Penalty": losses.L1(0.1) + losses.L2(0.2)}


def classes():
    """Public classes of the three packages that objects are made of; those that only are bases are left out."""
    found = {}
    for package in PACKAGES:
        for name in package.__all__:
            thing = getattr(package, name)
            if inspect.isclass(thing) and thing is not stopping.Criterion:
                found[f"{package.__name__}.{name}"] = thing
    return found


def made(cls):
    others = made_otherwise()
    if cls.__name__ in others:
        return others[cls.__name__]
    needed = [p.name for p in inspect.signature(cls).parameters.values() if p.default is p.empty]
    return cls(**{name: ARGUMENTS[name] for name in needed})


CLASSES = classes()
MORE = {"bidirectional": lambda: RNN(3, 4, 2, bidirectional=True, pooling="mean", dropout=0.2),
        "batch_norm": lambda: MLP([3, 4, 5, 2], batch_norm=True, dropout=0.3, dtype="float64", backend="numpy"),
        "parameters": lambda: MLP([3, 4, 2]).parameters, "statistics": lambda: MLP([3, 4, 2], batch_norm=True).statistics,
        "schedule": lambda: SGD(nn.warmup(nn.cosine(0.1, 5), 2)), "odd epoch": lambda: losses.RelaxLoss(CE, 0.3).in_epoch(1),
        "combined": lambda: (Patience(2) | stopping.GL(5)) & ~stopping.Target(0.1, "val_loss"), "parsed": lambda:
        stopping.parse("Patience(3)"), "bayes": lambda: losses.bayes.soft_labels(np.full((3, 2), 0.5))}
OBJECTS = {name: (lambda cls=cls: made(cls)) for name, cls in CLASSES.items()} | MORE
