"""What the trained runs say, in numbers: figures of each model, changes between models, what each stopping rule returns."""
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stopping import parse, replay
from stopping.judging import PANEL

from ..data.tables import Parts, Problem
from ..report.measured import Measured, returned_check
from .changes import Change, change
from .plan import Plan, guessing
from .training import Trained

POINT, SHARE_OF_GUESSING = 0.01, 0.1
SHARE_OF_BEST, SHARES_OF_LOSS = 0.2, (0.01, 0.05)  # of the loss at the best, but within these shares of guessing's
ERROR, LOSS = "test_error", "test_loss"
RULE_OF_THREE = 3.0  # what happens to none of n rows happens to less than 3/n of all, with 95 %
COPIES = 0.005  # of the test rows, for figures without them
REACHED = 0.5  # of the divisions, for a question about zero error


@dataclass(frozen=True)
class RuleCost:
    """What a stopping rule makes of the divisions.

    Attributes
    ----------
    rule : str
    fired : int
        Divisions in which it stopped training.
    stop, returned : float
        Mean epoch of the stop where it fired, and of the model that it returns.
    loss, error : float
        Mean test loss and error of that model.
    above_best, above_end : float
        Its mean test loss above the lowest of the run, and above that of the end.
    """

    rule: str
    fired: int
    stop: float
    returned: float
    loss: float
    error: float
    above_best: float
    above_end: float


@dataclass(frozen=True)
class Results:
    """A table, what was planned and what came of it.

    Attributes
    ----------
    problem : Problem
    plan : Plan
    trained : Trained
    parts : tuple of Parts
        Of each division.
    fresh : tuple of ndarray of bool, or None
        Of each division the test rows that equal no training or validation row; None where all are.
    """

    problem: Problem
    plan: Plan
    trained: Trained
    parts: tuple[Parts, ...]
    fresh: tuple[np.ndarray, ...] | None = None

    # --- figures ---

    def values(self, runs: Measured, rule: str, figure: str, *, fresh: bool = False) -> np.ndarray:
        """One figure of the models of a rule, (divisions,); NaN where there is none. `fresh`: without copied test rows."""
        if not fresh or self.fresh is None:
            return runs.values(f"{rule}.{figure}")
        kept = zip(runs.runs, self.parts, self.fresh, strict=False)
        return np.array([_over(run, rule, figure, self.problem.y[parts.test], rows) for run, parts, rows in kept])

    @property
    def regression(self) -> bool:
        """Whether labels are numbers."""
        return not self.problem.classes

    @property
    def divisions(self) -> int:
        """Divisions that did not diverge."""
        return int(np.sum(self.trained.plain.values("diverged") == 0))

    @property
    def reached(self) -> int:
        """Divisions in which training error reached zero."""
        return int(np.sum(~np.isnan(self.trained.plain.values("zero.epoch"))))

    @property
    def asks_zero(self) -> bool:
        """Whether enough divisions reached zero error to ask what came after it."""
        return not self.regression and self.reached >= max(1, REACHED * self.plan.seeds)

    @property
    def start(self) -> str:
        """From where training on is judged: zero error, or else the lowest validation loss."""
        return "zero" if self.asks_zero else "best"

    def tested(self, *, fresh: bool = False) -> int:
        """Different rows that were tested on."""
        kept = self.fresh if fresh and self.fresh is not None else [np.full(len(one.test), True) for one in self.parts]
        return len(np.unique(np.concatenate([one.test[rows] for one, rows in zip(self.parts, kept, strict=True)])))

    @property
    def comparisons(self) -> int:
        """Intervals that are to hold at once: of the loss, and of the error where there is one, for each question.

        What training on does from the best on, and from zero error on, and what flooding does beside it; then one of the
        linear model, and one of class weights.
        """
        return (2 + self.asks_zero) * (1 if self.regression else 2) + 1 + (self.trained.weighted is not None)

    @cached_property
    def guessing(self) -> tuple[float, float]:
        """Error and loss of guessing (`plan.guessing`)."""
        return guessing(self.problem)

    def matters(self, figure: str) -> float:
        """Below what a difference makes none.

        A point of error, at most a tenth of guessing's. A fifth of the loss at the best, but at least a hundredth and at
        most a twentieth of guessing's: where nearly all is explained, less matters.
        """
        error, loss = self.guessing
        if figure.endswith("error"):
            return min(POINT, SHARE_OF_GUESSING * error)
        best = float(np.nan_to_num(self.trained.plain.mean(f"best.{LOSS}"), nan=loss))
        least, most = (share * loss for share in SHARES_OF_LOSS)
        return min(most, max(least, SHARE_OF_BEST * best))

    # --- changes ---

    def change(self, figure: str, before: str, after: str, *, runs: Measured | None = None,
               fresh: bool = False) -> Change:
        """What a figure of the plain runs becomes from one model to another (of other runs, where they are given)."""
        plain, other = self.trained.plain, runs or self.trained.plain
        a, b = (self.values(some, rule, figure, fresh=fresh) for some, rule in ((plain, before), (other, after)))
        ratio, sampling = len(self.parts[0].test) / len(self.parts[0].train), 0.0
        if self.problem.test_from is not None:
            ratio, sampling = 0.0, self._sampling(figure, before, after, plain, other)
        return change(a, b, matters=self.matters(figure), ratio=ratio, comparisons=self.comparisons,
                      sampling=sampling, least=RULE_OF_THREE / max(1, self.tested(fresh=fresh)) if figure == ERROR else 0.0)

    def _sampling(self, figure: str, before: str, after: str, plain: Measured, other: Measured) -> float:
        """Variance of a mean difference by which rows the test file has, from the rows' own mean differences."""
        differences = []
        for one, two, parts in zip(plain.runs, other.runs, self.parts, strict=False):
            y = self.problem.y[parts.test]
            rows = [_rows(run, rule, figure, y) for run, rule in ((one, before), (two, after))]
            if rows[0] is not None and rows[1] is not None:
                differences.append(rows[1] - rows[0])
        return float(np.mean(differences, axis=0).var() / len(differences[0])) if differences else 0.0

    def after(self, figure: str, start: str = "", *, fresh: bool = False) -> Change:
        """What training on did to the end, from zero error (or the best check, or from `start`)."""
        return self.change(figure, start or self.start, "end", fresh=fresh)

    def flooding(self, figure: str) -> Change | None:
        """What flooding to the end did, beside training plainly to the end."""
        flooded = self.trained.flooded
        return None if flooded is None else self.change(figure, "end", "end", runs=flooded)

    # --- rules ---

    @cached_property
    def rules(self) -> list[RuleCost]:
        """The default panel of rules, asked about every division."""
        logs = [{name.removeprefix("record."): values for name, values in run.arrays.items() if name.startswith("record.")}
                for run in self.trained.plain.runs if not run.scalars["diverged"]]
        return [self._cost(rule, logs) for rule in PANEL if logs and not (self.regression and "rror" in rule)]

    def _cost(self, rule: str, logs: list[dict[str, Any]]) -> RuleCost:
        stops: list[float] = []
        places: list[int] = []
        for log in logs:
            decision = replay(parse(rule), log)
            stops.append(math.nan if decision.stopped_epoch is None else decision.stopped_epoch)
            places.append(returned_check(decision) - 1)
        loss = np.array([log["test_loss"][place] for log, place in zip(logs, places, strict=True)])
        lowest = np.array([np.nanmin(log["test_loss"]) for log in logs])
        last = np.array([log["test_loss"][-1] for log in logs])
        fired = int(np.sum(~np.isnan(stops)))
        return RuleCost(rule, fired, float(np.nanmean(stops)) if fired else math.nan,
                        float(np.mean([log["epoch"][place] for log, place in zip(logs, places, strict=True)])),
                        float(loss.mean()), float(np.mean([log["test_error"][place] for log, place in zip(
                            logs, places, strict=True)])), float((loss - lowest).mean()), float((loss - last).mean()))

    # --- classes ---

    @cached_property
    def confusion(self) -> np.ndarray:
        """Mean share of the test rows, (K, K): true class down, predicted across, at the lowest validation loss."""
        count = len(self.problem.classes)
        total = np.zeros((count, count))
        for run, parts in zip(self.trained.plain.runs, self.parts, strict=True):
            if "best.predictions" in run.arrays:
                np.add.at(total, (self.problem.y[parts.test], run.arrays["best.predictions"]), 1)
        return total / max(1.0, float(total.sum()))


def _rows(run: Any, rule: str, figure: str, y: np.ndarray) -> np.ndarray | None:
    """Return error or loss of each test row, (N,), whose mean is the figure; None where a rule has no model."""
    if f"{rule}.losses" not in run.arrays:
        return None
    if figure == LOSS:
        return run.arrays[f"{rule}.losses"].astype(float)
    wrong = (run.arrays[f"{rule}.predictions"] != y).astype(float)
    if figure == "balanced_error":  # few rows of a rare class weigh much
        counts = np.bincount(y)
        wrong *= len(y) / (np.count_nonzero(counts) * counts[y])
    return wrong


def _over(run: Any, rule: str, figure: str, y: np.ndarray, kept: np.ndarray) -> float:
    rows = _rows(run, rule, figure, y)
    return math.nan if rows is None or not kept.any() else float(rows[kept].mean())


def copies_across(problem: Problem, parts: tuple[Parts, ...]) -> tuple[np.ndarray, ...] | None:
    """Return which test rows equal no training or validation row in all columns, per division.

    None where fewer than `COPIES` of them do. The label is no column: a row that stands on both sides with two labels is a
    copy too.
    """
    from .coded import Coded
    from .copies import known_rows

    if not problem.columns:
        return None
    coded = Coded.of(problem)
    fresh = tuple(known_rows(coded, one) < 0 for one in parts)
    return fresh if np.mean([np.mean(~rows) for rows in fresh]) >= COPIES else None
