"""Interactive views of the page: what has to be recorded for each, and the part that shows it."""
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from .report import turning as turning_part
from .report import unrolled as unrolled_part
from .report.web_parts import Part
from .runs.store import Run, Store
from .runs.sweep import Threads, train_missing
from .trainers import turning, unrolled


class View(NamedTuple):
    """One view.

    Attributes
    ----------
    name : str
    trainer : str
        Name of the module that records.
    recordings : callable() -> sequence
        What is recorded, each a description of a run with its `settings()`.
    drawn : callable(pairs) -> Part
        From pairs of such a description and the run that it left.
    """

    name: str
    trainer: str
    recordings: Callable[[], Sequence[Any]]
    drawn: Callable[[Iterable[tuple[Any, Run]]], Part]

    def missing(self, store: Store) -> int:
        """How many recordings the store lacks."""
        return len(store.missing([one.settings() for one in self.recordings()]))

    def run(self, store: Store, workers: int = 0) -> int:
        """Record what the store lacks; return how many runs were trained."""
        return train_missing(store, [one.settings() for one in self.recordings()], self.trainer, Threads(workers), self.name)

    def part(self, store: Store) -> Part | None:
        """Return the part of the page; None where a recording is missing."""
        if self.missing(store):
            return None
        return self.drawn([(one, store.require(one.settings())) for one in self.recordings()])


TURNING = View("turning", turning.TRAINER, turning.recordings, turning_part.part)
UNROLLED = View("unrolled", unrolled.TRAINER, unrolled.recordings, unrolled_part.part)
VIEWS = (TURNING, UNROLLED)
