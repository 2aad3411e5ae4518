"""Anybody's table: read, each column told apart, a problem made of it, and its parts made into numbers."""
from .cutting import cut
from .describing import HEADS, described
from .encoding import encoded, input_names, target_scale
from .errors import TableError
from .making import problem_of
from .problem import Column, Parts, Problem

__all__ = ["HEADS", "Column", "Parts", "Problem", "TableError", "cut", "described", "encoded", "input_names", "problem_of",
           "target_scale"]
