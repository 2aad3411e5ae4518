"""How far a sweep is: said before it begins and while it goes on, with a time estimate."""
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from ..ways_out import say
from .store import Store

LINE_SECONDS = 60.0  # between lines of progress where there is no terminal


class Progress:
    """How much is done and how long the rest will take, on standard error: a bar on a terminal, else a line a minute.

    Parameters
    ----------
    title : str
    runs : int
        To be trained.
    seconds : float
        Estimated, of one core.
    workers : int
        That share them.
    """

    def __init__(self, title: str, runs: int, seconds: float, workers: int) -> None:
        self.title, self.runs, self.done = title, runs, 0
        self._total, self._finished = seconds, 0.0
        self._begin = self._said = time.monotonic()
        workers = max(1, workers)  # a cluster may still wait for its first
        many = "1 core" if workers == 1 else f"{workers} cores"
        say(f"{title}: {runs} runs to train, about {duration(seconds / workers)} on {many}")
        self._bar = Bar(title, seconds)

    def advance(self, seconds: float) -> None:
        """Note that one run, which was estimated to take so long, is kept."""
        self.done += 1
        self._finished += seconds
        self._bar.advance(seconds)
        now = time.monotonic()
        if self._bar.progress.disable and now - self._said >= LINE_SECONDS:
            self._said = now
            left = (now - self._begin) * (self._total - self._finished) / self._finished
            say(f"{self.title}: {self.done} of {self.runs} runs, about {duration(left)} left")

    def __enter__(self) -> Any:
        self._bar.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.__exit__(*error)


def say_unused(store: Store, runs: Iterable[Mapping]) -> None:
    """Say that a store has runs of these experiments, but of other code alone: why does all begin anew?"""
    runs = list(runs)
    found = store.codes({run["experiment"] for run in runs})
    if found and not found.keys() & {run["code"] for run in runs}:
        say(f"{store.path}: its {found.total()} runs of {' and '.join(sorted({run['experiment'] for run in runs}))} were "
            "made by other code or are described otherwise; they are kept and not used")


def duration(seconds: float) -> str:
    """Return a time for people: "40 s", "25 min", "4.2 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Heedless:
    """A stream that goes on as if it had written what it cannot, such as to a terminal that was closed."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, or lose it."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is left, or lose it."""
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Bar:
    """A progress bar on standard error, or nothing when that is not a terminal."""

    def __init__(self, title: str, total: float) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.text import Text

        from nn import compiling

        class BarOrMessage(Progress):
            def get_renderables(self) -> Iterable[Any]:
                """What to show: why nothing moves while kernels are compiled, on a line of its own, else the bar."""
                said = compiling.text()
                return [Text(said, no_wrap=True, overflow="ellipsis")] if said else super().get_renderables()

        self._watched = compiling.Watched()
        console = Console(file=Heedless(sys.stderr))  # type: ignore[arg-type]  # all that rich asks of a file
        self.progress = BarOrMessage(TextColumn("{task.description}", markup=False), BarColumn(),
                                     TextColumn("{task.percentage:3.0f} %"), TimeElapsedColumn(), TimeRemainingColumn(),
                                     console=console, transient=True, disable=not console.is_terminal)
        self.task = self.progress.add_task(title, total=total)

    def advance(self, amount: float) -> None:
        """Move on by so much of the total."""
        self.progress.advance(self.task, amount)

    def __enter__(self) -> Any:
        if not self.progress.disable:
            self._watched.__enter__()
        self.progress.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.progress.stop()
        if not self.progress.disable:
            self._watched.__exit__()
