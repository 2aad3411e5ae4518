"""Anybody's table: read, each column told apart, a problem made of it, and its parts made into numbers."""
from .problem import Column, Parts, Problem

__all__ = ["Column", "Parts", "Problem"]
