"""Regularisers beside each other: the matrix, dropout that begins late, and who keeps the training loss at a level."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..runs.store import Run
from . import plots
from .compare import BETTER, FEWEST, UNCLEAR, UNKNOWN, WORSE, Difference, clearly_above, mean_and_error, paired
from .measured import Measured, returned_check
from .tables import Table, mean_error, number
from .tuned import Tuned, beside, verdicts
from .words import counted, listed, opening, spread, tally, unjudged

NONE, EARLY, FLOODING, DROPOUT = "none", "early stopping", "flooding", "dropout"
LATE_PLAIN, LATE_DROPOUT, AT_LEVEL = "100 %, then on", "100 %, then dropout", "stop at the level"
FIGURES = {"test error, %": ("test_error", 100.0), "test loss": ("test_loss", 1.0), "ECE, %": ("test_ece", 100.0)}
SHOWN = FIGURES | {"training loss": ("train_loss", 1.0)}
ASIDE = (NONE, LATE_PLAIN, LATE_DROPOUT)  # not asked about the level: no strength, or another start
NEEDED = 8  # seeds, from fewer of which no clear difference does not mean that there is none
NEAR = 1.5  # factor within which a level is kept
MARKERS = "osD^v"
HUES = {NONE: plots.BLACK, FLOODING: plots.BLUE, DROPOUT: plots.RED, LATE_DROPOUT: plots.RED, LATE_PLAIN: plots.BLACK}


def replayed(runs: Measured, criterion: Any) -> Measured:
    """What a stopping criterion takes of recorded runs: its best check, else where it stops, else the last."""
    from stopping import replay

    def taken(one: Run) -> Run:
        check = returned_check(replay(criterion, one.curves)) - 1
        return Run(scalars={f"end.{name}": float(values[check]) for name, values in one.curves.items()}, curves=one.curves)
    return Measured([taken(one) for one in runs.runs])


@dataclass(frozen=True)
class Results:
    """Every case's methods at the strengths chosen, and all their candidates.

    Attributes
    ----------
    level : float
        Preset for the training loss.
    seeds : int
    cases : sequence of Tuned
    grids : sequence of mapping
        Of each case: method -> strength -> runs.
    """

    level: float
    seeds: int
    cases: Sequence[Tuned]
    grids: Sequence[Mapping[str, Mapping[float, Measured]]]

    def logs(self, method: str, strength: float) -> np.ndarray:
        """Logarithm of final training loss / level (cases, seeds)."""
        return np.log(np.array([grid[method][strength].values("end.train_loss") for grid in self.grids]) / self.level)

    def nearest(self, method: str) -> float:
        """The strength whose geometric mean over cases and seeds is nearest to the level; of flooding the level itself."""
        if method == FLOODING:
            return self.level
        return min(self.grids[0][method], key=lambda one: abs(self.logs(method, one).mean()))

    def off(self, method: str, tuned: bool = False) -> np.ndarray:
        """Mean |ln(training loss / level)| over the cases, (seeds,); `tuned`: about the method's own mean instead, as if a
        strength had been found that meets the level on average.
        """
        logs = self.logs(method, self.nearest(method))
        return np.abs(logs - logs.mean() * tuned).mean(axis=0)

    @property
    def controls(self) -> list[str]:
        """Methods that are asked how well they keep a level: those that have a strength."""
        return [name for name in self.grids[0] if name not in (NONE, LATE_PLAIN, LATE_DROPOUT)]

    def kept(self, other: str) -> Difference:
        """By how much flooding is nearer to the level than another method is to its own mean."""
        return paired(self.off(other, tuned=True), self.off(FLOODING), comparisons=len(self.controls) - 1)


def matrix(results: Results) -> list[Table]:
    """A table per case: a row per method at the strength chosen."""
    note = ("Setting: chosen by clean validation samples for all seeds; of a pair its first one's. 100 %: from the first "
            "epoch without a training error, as many epochs more. ECE: expected calibration error, 15 bins. Training loss: "
            "cross-entropy of frozen weights, mean of the last checks.")
    return [case.table(SHOWN, spread(results.seeds, "seed"), note) for case in results.cases]


def level_table(results: Results) -> Table:
    """A row per method: the strength nearest to the level, the training loss it leaves in each case, and how far off."""
    rows = []
    for name in results.controls:
        logs = results.logs(name, results.nearest(name))
        rows.append([name, f"{results.nearest(name):g}",
                     *(mean_error(*mean_and_error(results.level * np.exp(some))) for some in logs),
                     number(factor(results.off(name))), number(factor(results.off(name, tuned=True))),
                     "" if name == FLOODING else results.kept(name).verdict])
    return Table(f"Final training loss about the level {results.level:g} ({spread(results.seeds, 'seed')})",
                 ("method", "setting", *(case.title for case in results.cases), "factor off", "about own mean",
                  "flooding is"), rows,
                 "Setting: of three the one with the geometric mean nearest to the level, known afterwards. Factor off: "
                 "geometric mean over runs of the larger of loss / level and level / loss. About own mean: the same, had a "
                 "strength been found that meets the level on average; flooding's factor off is judged against that one.")


def factor(logs: np.ndarray) -> float:
    """Of absolute logarithms (seeds,)."""
    return float(np.exp(np.mean(logs)))


def pages(results: Results, folder: Path) -> list[Path]:
    """Draw the matrix and the level."""
    seeds, cases = spread(results.seeds, "seed"), results.cases
    hues = {name: HUES.get(name, plots.ORANGE if " + " in name else plots.GREEN) for name in cases[0].runs}
    panels = [[partial(case.bars, figure, factor, hues, place == 0) for place, (figure, factor) in
               enumerate(FIGURES.values())] for case in cases]
    heads = [[f"{case.title}: {name}" if place == 0 else name for place, name in enumerate(FIGURES)] for case in cases]
    paths = plots.page(folder / "regularizers.png", panels, heads=heads, size=(8.4, 1 + 2.9 * len(cases)),
                       title=f"Regularisers at strengths chosen by validation ({seeds})\n* at an edge of its grid")
    title = f"Which regulariser keeps the training loss at {results.level:g}? ({counted(results.seeds, 'seed')})"
    return paths + plots.page(folder / "regularizers_level.png", [[partial(_level, results)]], size=(8.4, 5.2), legend=3,
                              title=title)


def _level(results: Results, axis: Any) -> None:
    """Every run's final training loss at the strength nearest to the level: a row per method, a marker per case."""
    hues = (plots.BLUE, plots.ORANGE, plots.GREEN, plots.RED, plots.BLACK)
    for row, name in enumerate(results.controls):
        for place, (case, logs) in enumerate(zip(results.cases, results.logs(name, results.nearest(name)), strict=True)):
            aside = row + 0.22 * (place - (len(results.cases) - 1) / 2)
            axis.plot(results.level * np.exp(logs), np.full(len(logs), aside), MARKERS[place % 5], ms=4, alpha=0.6, mew=0,
                      color=plots.ink(hues[place % 5]), label="" if row else case.title)
    axis.axvline(results.level, color=plots.ink(plots.BLACK), lw=1, ls=":", label="level")
    axis.set_yticks(range(len(results.controls)), [f"{name} {results.nearest(name):g}" for name in results.controls])
    axis.invert_yaxis()
    axis.set_xlabel("final training loss of every run, nats (log)")
    plots.log(axis, "x")


def said(results: Results) -> str:
    """Return the answer: late dropout, the level, the matrix."""
    cases = results.cases
    many = len(cases) * 2
    late = {name: verdicts(cases, LATE_PLAIN, LATE_DROPOUT, figure, comparisons=many)
            for name, figure in (("test error", "test_error"), ("test loss", "test_loss"))}
    began = [mean_and_error(grid[LATE_PLAIN][0.0].values("begun"))[0] for grid in results.grids]
    each = "; ".join(f"{case.title}, from epoch {number(epoch)}: error {_pair(case, 'test_error', 100)} %, loss "
                     f"{_pair(case, 'test_loss', 1)}" for case, epoch in zip(cases, began, strict=True))
    start = [verdicts(cases, LATE_DROPOUT, DROPOUT, figure, comparisons=many) for figure in ("test_error", "test_loss")]
    others = [name for name in cases[0].runs if name not in (*ASIDE, AT_LEVEL)]
    number_of = len(others) * len(cases) * len(FIGURES)
    return " ".join([
        _opened(late, results), "Dropout that begins after the first epoch without a training error, beside going on "
        f"without it: {', '.join(f'{name} {tally(some)}' for name, some in late.items())} of {counted(len(cases), 'case')} "
        f"({each}).", *_from_the_start(start, results.seeds), _kept(results),
        f"Of test error, loss and calibration, beside none: {beside(cases, NONE, others, FIGURES, number_of)}."])


def _opened(late: dict[str, list[str]], results: Results) -> str:
    """Yes, no or what it depends on; where too few runs came to 100 %, that."""
    reached = [int(np.isfinite(grid[LATE_PLAIN][0.0].values("begun")).sum()) for grid in results.grids]
    if results.seeds >= FEWEST > max(reached):
        return f"It depends on longer runs: at most {counted(max(reached), 'run')} of a case came to 100 % accuracy."
    clear = {verdict for some in late.values() for verdict in some} & {BETTER, WORSE}
    if results.seeds >= FEWEST and not clear and results.seeds < NEEDED:
        return f"It depends on more than {counted(results.seeds, 'seed')}, which cannot tell: the question takes {NEEDED}."
    return opening(late, results.seeds)


def _from_the_start(start: list[list[str]], seeds: int) -> list[str]:
    """Say what dropout from the start was, beside that; of too few seeds nothing."""
    if unjudged([verdict for some in start for verdict in some]):
        return ["Beside dropout from the start it cannot be judged: choices of rates lie at the edges of their grids."] * (
            seeds >= FEWEST)
    error, loss = (f"{tally(some)} of {len(some) - some.count(UNKNOWN)}" for some in start)
    return [f"Dropout from the start was, beside that, by test error {error}, by test loss {loss} that can be judged."]


def _pair(case: Tuned, figure: str, scale: float) -> str:
    """Without and with late dropout: "13.2 ±0.4 → 12.1 ±0.3"."""
    return " → ".join(mean_error(*mean_and_error(case.values(name, figure, scale))) for name in (LATE_PLAIN, LATE_DROPOUT))


def _kept(results: Results) -> str:
    """Return who controls the level: flooding beside every other method, which has the best strength after the fact."""
    others = [name for name in results.controls if name != FLOODING]
    found = {name: results.kept(name).verdict for name in others}
    own = f"at {results.level:g} it ended a factor of {number(factor(results.off(FLOODING)))} from it (geometric mean)"
    if unjudged(list(found.values())):
        return f"Which regulariser controls the training loss takes 3 seeds; flooding: {own}."
    missed = {name: f"{name} ({number(factor(results.off(name, tuned=True)))})" for name in others}
    far, near, alike = ([missed[name] for name in others if found[name] in which]
                        for which in ((BETTER,), (WORSE,), (UNCLEAR, UNKNOWN)))
    none = ", and no other one clearly better" if alike else " best"
    kept = clearly_above(np.log(NEAR) - results.off(FLOODING), 0)
    opened = (f"Flooding controls the training loss{none}" if far and not near and kept else
              f"Flooding is not clearly within a factor of {NEAR:g} of it, others are farther" if far and not near else
              "Flooding does not control the training loss best" if near else
              "No regulariser controls the training loss clearly better or worse than flooding")
    compared = (f"clearly {where} {listed(some)}" for where, some in (("farther were", far), ("nearer were", near)) if some)
    return (f"{opened}: {own}. Others, had a strength been found that meets the level on average: "
            + "; ".join([*compared, *([f"no clear difference from {listed(alike)}"] if alike else [])]) + ".")
