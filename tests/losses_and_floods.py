"""Every loss and every flood, for the tests that walk them; test_losses_flood_family.py asks whether one is missing."""
import numpy as np
import pytest

from losses import (
    AdaFlooding,
    BinaryCrossEntropy,
    ConfidencePenalty,
    CrossEntropy,
    Flooding,
    Hinge,
    InstanceFlooding,
    RelaxLoss,
    SoftAD,
    SquaredError,
    SquaredHinge,
)

CE = CrossEntropy()
K = 3

# Name -> function(loss, level, levels): the loss under that flood. `levels` (N,) is one for each sample.
FLOODS = {
    "none": lambda base, level, levels: base,
    "batch": lambda base, level, levels: Flooding(base, level),
    "instance": lambda base, level, levels: InstanceFlooding(base, level),
    "soft": lambda base, level, levels: SoftAD(base, level, scale=0.5),
    "adaptive": lambda base, level, levels: AdaFlooding(base, levels),
    "relax": lambda base, level, levels: RelaxLoss(base, level, upper=0.4),
    "relaxed": lambda base, level, levels: RelaxLoss(base, level, upper=0.4).in_epoch(1),
}


def bases(y, seed=0):
    """Name -> (loss, targets, outputs), for labels y (N,) of K = 3 classes."""
    rng, two = np.random.default_rng(seed), y % 2
    return {
        "ce": (CE, y, K), "smoothed": (CrossEntropy(0.2), y, K), "confidence": (ConfidencePenalty(CE, 0.2), y, K),
        "soft": (CrossEntropy(0.1), rng.dirichlet(np.ones(K), len(y)), K), "binary": (BinaryCrossEntropy(), two, 1),
        "squared": (SquaredError(), rng.normal(size=(len(y), K)), K), "squared_ids": (SquaredError(), y, K),
        "hinge": (Hinge(), y, K), "hinge_1": (Hinge(0.5), two, 1), "perceptron": (Hinge(0.0), two, 2),
        "squared_hinge": (SquaredHinge(), y, K), "squared_hinge_1": (SquaredHinge(1.5), two, 1),
        "sure_hinge": (ConfidencePenalty(Hinge(0.5), 0.2), two, 1),
    }


def walk(losses, floods):
    """Parameters (name of a loss, name of a flood) of a test; RelaxLoss refuses real-valued targets."""
    return [pytest.param(base, flood, id=f"{base}-{flood}") for base in losses for flood in floods
            if not (base == "squared" and flood.startswith("relax"))]
