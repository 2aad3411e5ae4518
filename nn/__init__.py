"""Networks with hand-written backprop: see nn/README.md for the formulas, `fit` for training."""
import importlib.util
from pathlib import Path

_home, _losses = Path(__file__).resolve().parents[1], importlib.util.find_spec("losses")
if _losses is not None and Path(_losses.origin or "").resolve() != _home / "losses" / "__init__.py":
    raise ImportError(f"losses: got {_losses.origin}, accepted: {_home / 'losses'}; a module of yours has the name of one "
                      "of ours: rename it, or call from another folder")

from .shared import loaded  # noqa: F401, I001  (before any other source is read)
from .archive import CheckpointError
from .constructed import constructed_network
from .fitting.augmentation import GaussianNoise, Mixup, RandomShift
from .fitting.fit import fit
from .fitting.flood_levels import adaptive_levels
from .fitting.history import History, TrainingDiverged, TrainingInterrupted
from .fleet.fit_fleet import fit_fleet
from .fleet.history import FleetHistory
from .gradcheck import GradientReport, check_backward, check_gradients, check_model
from .mlp import MLP
from .optimizers import RPROP, SGD, Adam, AdamW
from .rnn import RNN
from .saving import load, save
from .schedules import ReduceOnPlateau, constant, cosine, inverse_time, step, warmup

__version__ = "0.1.0"

__all__ = ["MLP", "RNN", "RPROP", "SGD", "Adam", "AdamW", "CheckpointError", "FleetHistory", "GaussianNoise",
           "GradientReport", "History", "Mixup", "RandomShift", "ReduceOnPlateau", "TrainingDiverged", "TrainingInterrupted",
           "adaptive_levels", "check_backward", "check_gradients", "check_model", "constant", "constructed_network",
           "cosine", "fit", "fit_fleet", "inverse_time", "load", "save", "step", "warmup"]
