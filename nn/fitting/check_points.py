"""After which updates a run is checked, without a list of them: a run of 10⁹ epochs may stop at its second check."""
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..checks import integer, refuse_objects
from .described import digest


class CheckPoints:
    """Sorted numbers of updates: every so many and at the end, or exactly those that were asked for.

    Parameters
    ----------
    asked : None, int, or sequence of int
        The `check_every` of `fit`.
    total : int
        Updates of the whole run.
    per_epoch : int

    Attributes
    ----------
    every : int or None
        Updates between two checks; 0: only at the end; None: those of a sequence.

    Raises
    ------
    TypeError, ValueError

    """

    def __init__(self, asked: int | Sequence[int] | None, total: int, per_epoch: int) -> None:
        self.total, self._points = total, np.zeros(0, np.int64)
        self.every: Any = per_epoch if asked is None else asked
        if np.ndim(self.every) == 0:
            self.every = integer("check_every", self.every, low=0, extra=", None, or a sequence of update counts")
            return
        points = np.asarray(asked)
        refuse_objects("check_every", asked, points)
        if points.ndim != 1 or points.size == 0 or points.dtype.kind not in "iu" or points.min() < 0 or points.max() > total:
            raise ValueError(f"check_every: got {asked!r}, accepted: None, an integer >= 0, or a sequence of update counts "
                             f"from 0 to {total} (epochs x batches)")
        self._points, self.every = np.unique(points).astype(np.int64), None

    def __len__(self) -> int:
        if self.every is None:
            return len(self._points)
        return -(-self.total // self.every) if self.every else 1

    def first(self, count: int) -> np.ndarray:
        """Return the first so many of them (count,), int64."""
        if self.every is None:
            return self._points[:count]
        points = np.arange(1, min(count, len(self)) + 1) * self.every
        if count >= len(self):
            points[-1] = self.total
        return points

    def after(self, count: int) -> Iterator[int]:
        """Yield those that come after the first so many, as plain numbers."""
        if self.every is None:
            yield from self._points[count:].tolist()
            return
        for k in range(count + 1, len(self) + 1):
            yield min(k * self.every or self.total, self.total)

    def until(self, update: int) -> int:
        """Return how many of them lie at or before an update."""
        if self.every is None:
            return int(np.searchsorted(self._points, update, side="right"))
        return len(self) if update >= self.total else update // self.every if self.every else 0

    def only_ends_there(self, update: int) -> bool:
        """Return whether an update is checked because the run ends after it, where a longer run would not be checked."""
        return update == self.total and self.every is not None and bool(self.every == 0 or self.total % self.every != 0)

    def lasting(self, update: int) -> int:
        """Return how many of those at or before an update a longer run makes as well."""
        return self.until(update) - self.only_ends_there(update)

    def text_until(self, update: int) -> str:
        """Return a text for a checkpoint: the same for runs with the same checks up to this update."""
        if self.every is not None:
            return f"every {self.every} updates" if self.every else "at the end"
        made = self.first(self.until(update))
        return f"at {made.tolist()}" if len(made) < 20 else f"at {len(made)} updates, {digest(made)}"
