"""What a run that is being played has been so far: its curves, what stopping rules said, what stopping here is worth."""
import math
from collections.abc import Mapping
from typing import Any

import stopping

CURVES = ("epoch", "train_loss", "val_loss", "test_loss", "train_error", "test_error")
RULES = ("ZeroError()", "GL(5)", "PQ(0.75)", "UP(3)", "Patience(20)", "AdaptivePatience(50)", "LabelWave(5)")
METRICS = ("prediction_changes",)  # beside what every run records
MOST_ROWS = 300  # in one message


class Record:
    """The rows of one run, a row per epoch.

    Attributes
    ----------
    rows : list of tuple
        As CURVES.
    zero, best : int or None
        Rows of the first epoch without a training error, and of the lowest validation loss.
    """

    def __init__(self) -> None:
        self.rows: list[tuple[float, ...]] = []
        self.zero: int | None = None
        self.best: int | None = None
        self._rules = [(text, stopping.parse(text)) for text in RULES]
        self._sent = 0

    def add(self, row: Mapping[str, float]) -> None:
        """Take one row of a History."""
        self.rows.append(tuple(float(row[name]) for name in CURVES))
        last = len(self.rows) - 1
        if self.zero is None and row["train_error"] == 0:
            self.zero = last
        if math.isfinite(row["val_loss"]) and (
                self.best is None or row["val_loss"] < self.rows[self.best][CURVES.index("val_loss")]):
            self.best = last
        for _, rule in self._rules:
            if rule.stopped_step is None:
                rule.update(**row)

    def figures(self, place: int | None) -> dict[str, float] | None:
        """Return the curves' values at a row; None for no row."""
        return None if place is None else dict(zip(CURVES, self.rows[place], strict=True))

    def unsent(self) -> list[tuple[float | None, ...]]:
        """Return the rows since the last call, thinned where there are many; the last row is among them."""
        count = len(self.rows) - self._sent
        step = max(1, math.ceil(count / MOST_ROWS))
        chosen = self.rows[len(self.rows) - 1 - (count - 1) // step * step::step] if count else []
        self._sent = len(self.rows)
        return [tuple(map(_finite, row)) for row in chosen]

    def rules(self) -> list[dict[str, Any]]:
        """Return of each rule where it stopped, and the figures of the network that it returns."""
        said = []
        for text, rule in self._rules:
            stopped = rule.stopped_step
            returned = stopped if rule.best_step is None else rule.best_step
            said.append({"rule": text, "stopped": stopped and _sent(self.figures(stopped - 1)),
                         "returned": stopped and _sent(self.figures(returned and returned - 1))})
        return said

    def worth(self) -> dict[str, Any]:
        """Return the figures of stopping now, at zero training error, at the lowest validation loss, and what they say."""
        places = {"now": len(self.rows) - 1 if self.rows else None, "zero": self.zero, "best": self.best}
        figures = {name: self.figures(place) for name, place in places.items()}
        return {name: _sent(row) for name, row in figures.items()} | {"says": says(**figures)}


def _sent(figures: Mapping[str, float] | None) -> dict[str, float | None] | None:
    return None if figures is None else {name: _finite(value) for name, value in figures.items()}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None  # JSON has no other numbers


def says(now: Mapping[str, float] | None, zero: Mapping[str, float] | None, best: Mapping[str, float] | None) -> str:
    """Return a sentence or two on what it was worth to come this far, in this one run."""
    if now is None:
        return "Nothing has been trained yet."
    if zero is None:
        beginning = f"{_percent(now['train_error'])} of the training set is still wrong."
    elif zero["epoch"] == now["epoch"]:
        beginning = "The training error has just become zero."
    else:
        again = f"; now it is {_percent(now['train_error'])}" if now["train_error"] else ""
        beginning = (f"Since the training error was first zero (epoch {zero['epoch']:.0f}{again}) the test error went from "
                     f"{_percent(zero['test_error'])} to {_percent(now['test_error'])}, the test loss from "
                     f"{zero['test_loss']:.3g} to {now['test_loss']:.3g}.")
    if best is None:
        return beginning
    if best["epoch"] == now["epoch"]:
        return f"{beginning} The validation loss has never been lower than now."
    return (f"{beginning} The validation loss was lowest at epoch {best['epoch']:.0f}: test error "
            f"{_percent(best['test_error'])}, test loss {best['test_loss']:.3g}.")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
