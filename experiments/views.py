"""Interactive views of the page: what has to be recorded for each, and the part that shows it."""
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from .report import turning as turning_part
from .report import unrolled as unrolled_part
from .report.web_parts import Part
from .runs.store import Run, Store
from .runs.sweep import pool, train_missing
from .trainers import turning, unrolled

COMMAND, TAKES = "afterzero report --record", "15 s"


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
    about : str
        What will be seen.
    """

    name: str
    trainer: str
    recordings: Callable[[], Sequence[Any]]
    drawn: Callable[[Iterable[tuple[Any, Run]]], Part]
    about: str

    def missing(self, store: Store) -> int:
        """How many recordings the store lacks."""
        return len(store.missing([one.settings() for one in self.recordings()]))

    def run(self, store: Store, workers: int = 0) -> int:
        """Record what the store lacks, on all cores or in so many processes; return how many runs were trained."""
        with pool(workers=workers) as place:
            return train_missing(store, [one.settings() for one in self.recordings()], self.trainer, place, self.name)

    def part(self, store: Store) -> Part:
        """Return the part of the page, or what says how it is recorded."""
        wanted = self.recordings()
        found = [(one, run) for one in wanted if (run := store.load(one.settings())) is not None]
        if missing := len(wanted) - len(found):
            part = self.drawn([])
            return replace(part, html_template="view_missing.html", scripts=part.scripts[-1:], styles=(),
                           data={"missing": missing, "of": len(wanted), "command": COMMAND, "takes": TAKES}, alt=self.about)
        return self.drawn(found)


TURNING = View("turning", turning.TRAINER, turning.recordings, turning_part.part,
               "Here one will see the direction of a linear classifier turn to that of the support vector machine.")
UNROLLED = View("unrolled", unrolled.TRAINER, unrolled.recordings, unrolled_part.part,
                "Here one will see a recurrent network read a word, and the gradient go back over its letters.")
VIEWS = (TURNING, UNROLLED)
