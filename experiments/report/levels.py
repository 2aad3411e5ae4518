"""One flood level for all seeds, chosen by validation: the choice, how stable it is, and the curve that it was made on."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import plots
from .measured import Measured
from .tables import Table
from .words import spread

RESAMPLES = 1000
RULE = "lowest mean validation error of all seeds, then validation loss"


@dataclass(frozen=True)
class Choice:
    """What was chosen once for all seeds.

    Attributes
    ----------
    index : int
        Of the candidate.
    share : float
        Of resamplings of the seeds (with replacement) that give the same choice: 1 is certain.
    alone : tuple of int
        How many seeds would choose each candidate by their own validation set.
    """

    index: int
    share: float
    alone: tuple[int, ...]


def choose_once(errors: Any, losses: Any) -> Choice:
    """Choose the candidate with the lowest validation error, mean over all seeds.

    The mean validation loss decides between equals, then the order. A choice for each seed would follow single samples of
    its validation set: of 300, two are 0.7 points.

    Parameters
    ----------
    errors, losses : array (candidates, seeds)
        On the validation set.
    """
    errors, losses = np.asarray(errors, dtype=float), np.asarray(losses, dtype=float)
    count, seeds = errors.shape
    index = _lowest(errors, losses)
    draws = np.random.default_rng(0).integers(0, seeds, (RESAMPLES, seeds))
    share = np.mean([_lowest(errors[:, some], losses[:, some]) == index for some in draws])
    alone = [_lowest(errors[:, [seed]], losses[:, [seed]]) for seed in range(seeds)]
    return Choice(index, float(share), tuple(int(n) for n in np.bincount(alone, minlength=count)))


def _lowest(errors: Any, losses: Any) -> int:
    # Means of the same errors in another order are equal but for rounding.
    return int(np.lexsort((losses.mean(axis=1), np.round(errors.mean(axis=1), 12)))[0])


@dataclass(frozen=True)
class Levels:
    """Finished runs at several flood levels, and the level that was chosen for all seeds.

    Attributes
    ----------
    levels : sequence of float
        Ascending.
    runs : sequence of Measured
        At each level, a run per seed, measured at the "end".
    choice : Choice
    """

    levels: Sequence[float]
    runs: Sequence[Measured]
    choice: Choice

    @classmethod
    def of(cls, levels: Sequence[float], runs: Sequence[Measured]) -> "Levels":
        """Choose among levels."""
        order = np.argsort(levels)
        runs = [runs[i] for i in order]
        errors, losses = ([one.values(f"end.val_{name}") for one in runs] for name in ("error", "loss"))
        return cls([levels[i] for i in order], runs, choose_once(errors, losses))

    @property
    def level(self) -> float:
        """The chosen one."""
        return self.levels[self.choice.index]

    @property
    def chosen(self) -> Measured:
        """Runs at the chosen level."""
        return self.runs[self.choice.index]

    @property
    def edge(self) -> str:
        """Where the chosen one has a candidate on one side only, so that a wider grid might choose another: "lowest" or
        "highest", else "".
        """
        return {0: "lowest", len(self.levels) - 1: "highest"}.get(self.choice.index, "")

    @property
    def note(self) -> str:
        """How it was chosen."""
        return f"of {len(self.levels)}: {RULE}" if len(self.levels) > 1 else "fixed"

    def table(self, title: str, plain: Measured) -> Table:
        """Return validation and test figures over the level, from the plain runs on, and how stable the choice is."""
        found = [("0", plain, ""), *((f"{level:g}", one, str(alone)) for level, one, alone in zip(
            self.levels, self.runs, self.choice.alone, strict=True))]
        rows = [(name, *(one.text(f"end.{part}_{figure}", factor) for part in ("val", "test")
                         for figure, factor in (("error", 100), ("loss", 1))), alone) for name, one, alone in found]
        return Table(f"{title}: flooding levels ({spread(len(plain.runs), 'seed')})",
                     ("level", "validation error, %", "validation loss", "test error, %", "test loss", "seeds in favour"),
                     rows, f"chosen for all seeds: {self.level:g}, {RULE}; {100 * self.choice.share:.0f} % of resamplings "
                           "of the seeds agree")

    def panel(self, figure: str, plain: Measured, axis: Any) -> None:
        """Draw "error" (in percent) or "loss" on validation and test set over the level."""
        factor = 100.0 if figure == "error" else 1.0
        plots.splits(axis, [0, *self.levels], lambda split: np.transpose(
            [one.values(f"end.{split}_{figure}", factor) for one in (plain, *self.runs)]), parts=("val", "test"),
            hue=plots.FLOODING, marker="o", ms=4)
        axis.axvline(self.level, color=plots.ink(plots.BLACK), lw=1.2, ls=":", label="level chosen for all seeds")
