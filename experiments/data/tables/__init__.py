"""Anybody's table: read, each column told apart, a problem made of it, and its parts made into numbers."""
from .cutting import cut
from .describing import HEADS, described
from .encoding import encoded, input_names, target_scale
from .errors import TableError, plainly
from .making import problem_of
from .problem import Column, Parts, Problem
from .size import Estimate, estimated

__all__ = ["HEADS", "Column", "Estimate", "Parts", "Problem", "TableError", "cut", "described", "encoded", "estimated",
           "input_names", "plainly", "problem_of", "target_scale"]
