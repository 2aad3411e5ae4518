"""Logs of any framework as histories: what a column is called, which rows are checks, and what was not measured."""
from .log import Log, Reading
from .reading import read_csv, read_logs

__all__ = ["Log", "Reading", "read_csv", "read_logs"]
