"""Gradients against numbers that backprop had no part in: of any function, of a model, of a layer of one's own."""
from .backward import check_backward
from .gradients import check_gradients
from .model import check_model
from .report import GradientReport

__all__ = ["GradientReport", "check_backward", "check_gradients", "check_model"]
