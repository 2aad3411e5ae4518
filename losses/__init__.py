"""What is minimised, and what margins are left: losses, flooding, penalties, margins, calibration.

Losses work on any array of network outputs; nothing here knows of networks. See README.md.
"""
from . import bayes, calibration, margins
from .base import Loss
from .confidence import ConfidencePenalty
from .cross_entropy import BinaryCrossEntropy, CrossEntropy
from .flooding import AdaFlooding, Flooding, InstanceFlooding, SoftAD
from .hinge import Hinge, SquaredHinge
from .levels import levels_from_losses, suggest_level
from .penalties import L1, L2, Penalty
from .relax import RelaxLoss
from .squared_error import SquaredError

__all__ = ["L1", "L2", "AdaFlooding", "BinaryCrossEntropy", "ConfidencePenalty", "CrossEntropy", "Flooding", "Hinge",
           "InstanceFlooding", "Loss", "Penalty", "RelaxLoss", "SoftAD", "SquaredError", "SquaredHinge", "bayes",
           "calibration", "levels_from_losses", "margins", "suggest_level"]
