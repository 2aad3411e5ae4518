"""When to stop training: criteria for any training loop, live or replayed on a recorded run. Needs NumPy alone."""
from . import entering  # noqa: F401  # Ctrl-C, before what takes its time
from .base import Criterion
from .combine import After, And, Not, Or, after
from .compare import Comparison, compare
from .correlation import CorrelationDriven
from .expression import parse
from .limits import Divergence, TimeBudget
from .logs import read_csv
from .online import RunningAverage
from .patience import AdaptivePatience, Patience
from .prechelt import GL, PQ, UP
from .replay import StopDecision, replay
from .targets import Target, ZeroError
from .without_validation import EvidenceBased, GradientNorm, LabelWave, Plateau, evidence

__all__ = ["GL", "PQ", "UP", "AdaptivePatience", "After", "And", "Comparison", "CorrelationDriven", "Criterion",
           "Divergence", "EvidenceBased", "GradientNorm", "LabelWave", "Not", "Or", "Patience", "Plateau", "RunningAverage",
           "StopDecision", "Target", "TimeBudget", "ZeroError", "after", "compare", "evidence", "parse", "read_csv",
           "replay"]
