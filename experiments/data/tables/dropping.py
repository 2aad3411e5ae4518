"""Columns from which nothing can be learnt: of one value, or equal to another."""
import hashlib

import numpy as np

from .errors import shown
from .problem import CATEGORY, Column


def drop_constant(columns: dict[str, Column], dropped: dict[str, str]) -> None:
    """Leave out columns with one value: not those that have it in some rows only, which says something."""
    for name, column in list(columns.items()):
        missing = column.missing
        if missing.all():
            dropped[name] = "no value in any row that has a label"
        elif not missing.any() and column.values.min() == column.values.max():
            value = column.categories[int(column.values[0])] if column.kind == CATEGORY else f"{column.values[0]:g}"
            dropped[name] = f"constant: {shown(value)} in every row"
        else:
            continue
        del columns[name]


def drop_repeated(columns: dict[str, Column], dropped: dict[str, str]) -> None:
    """Leave out columns that are equal, row by row, to one before."""
    first: dict[object, str] = {}
    for name, column in list(columns.items()):
        values = column.values + 0  # -0 becomes 0
        if values.dtype.kind == "f":
            values[np.isnan(values)] = np.nan  # one of the many bit patterns
        key = column.kind, column.categories, hashlib.sha256(values.tobytes()).digest()
        if key in first:
            dropped[name] = f"equal to {shown(first[key])} in every row"
            del columns[name]
        first.setdefault(key, name)
