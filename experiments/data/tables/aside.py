"""Columns that are no inputs and still say something: what rows belong together, what numbered them, what is there twice."""
from collections.abc import Iterable, Mapping

import numpy as np

from .numbers import number
from .problem import CATEGORY, NUMBER, Column
from .reading import Raw

MOST = 0.7  # of the rows: text with more different values than that is prose


def put_aside(columns: Mapping[str, Raw], names: Iterable[str], keep: np.ndarray) -> tuple[Column, ...]:
    """Return those of the named columns that can be looked at, as numbers or categories; `keep`: which rows, bool (N,)."""
    found = []
    for name in names:
        raw = columns[name]
        if raw.values is not None:
            found.append(Column(name, NUMBER, raw.values[keep]))
        elif raw.codes is not None and len(raw.words):
            read = [number(word, raw.decimal) for word in raw.words]
            if all(value is not None for value in read):
                table = np.append(np.array(read, dtype=np.float64), np.nan)
                found.append(Column(name, NUMBER, np.where(np.isinf(table), np.nan, table)[raw.codes][keep]))
            elif len(raw.words) <= MOST * len(keep):
                found.append(Column(name, CATEGORY, raw.codes.astype(np.int64)[keep], tuple(raw.words)))
    return tuple(found)
