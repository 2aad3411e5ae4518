"""One flood level at several batch sizes: what floods, what that changes, and by how much flooding batches differs from
flooding the whole set: the gap of Jensen's inequality, beside its formula.

|x - b| is convex. So over the batches t of an epoch, with mean losses J_t and their mean J,

    gap = mean_t |J_t - b| - |J - b|  >=  0,

and flooding batches minimises an upper bound of the flooded loss of the whole set (WaveBound, NeurIPS 2022, arXiv
2210.14303). The gap is 0 where all batches lie on one side of b, largest for batches of one sample, and its mean over random
batches never grows with their size.

If σ² is the variance of the losses of N samples, a batch of B of them, drawn without replacement, has a mean of variance
s² = σ²/B · (N - B)/(N - 1). Were that mean normal, E|J_t - b| would be the mean of a folded normal distribution, and so

    gap = 2 s (φ(u) - u Φ(-u)),  u = |J - b| / s,

with density φ and distribution function Φ of the standard normal: s·√(2/π) where the loss floats at the level, J = b.
"""
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from . import plots
from .compare import FEWEST, UNCLEAR, paired
from .measured import Measured
from .tables import Table, number
from .words import counted, means, tally, text

DRAWS = 400  # orders of the samples: the gap of their mean is then known to a few percent, also of four large batches


@dataclass(frozen=True)
class BatchSizes:
    """Runs of some methods at one level.

    Attributes
    ----------
    title : str
        Of the case.
    level : float
        For all of them, nats.
    runs : mapping of str -> (mapping of int -> Measured)
        By method and batch size, ascending; the first method is the one whose batches are flooded. Their models of the
        "end" have an array of `train_losses` (N,).
    hues : mapping of str -> str
        Of the methods.
    """

    title: str
    level: float
    runs: Mapping[str, Mapping[int, Measured]]
    hues: Mapping[str, str]

    @property
    def flooded(self) -> Mapping[int, Measured]:
        """The runs whose batches are flooded, by batch size."""
        return next(iter(self.runs.values()))

    @property
    def sizes(self) -> list[int]:
        """Batch sizes, ascending."""
        return list(self.flooded)

    def gaps(self, size: int) -> np.ndarray:
        """The gap at a batch size, of the networks trained with it, (2, seeds): measured, and as the formula has it."""
        return self._gaps[size]

    @cached_property
    def _gaps(self) -> dict[int, np.ndarray]:
        return {size: np.array([[gap(run.arrays["end.train_losses"], self.level, size) for run in runs.runs]
                                for gap in (measured_gap, predicted_gap)]) for size, runs in self.flooded.items()}

    def ratio(self, size: int) -> float:
        """Mean of the measured gaps, as a multiple of that of the formula; NaN where both are 0."""
        measured, predicted = self.gaps(size).mean(axis=1)
        return float(measured / predicted) if predicted > 0 else np.nan

    def agrees(self, size: int) -> bool:
        """Whether the paired differences between gap and formula are not clear."""
        measured, predicted = self.gaps(size)
        return paired(predicted, measured).verdict == UNCLEAR

    def small_beside_large(self, name: str) -> str:
        """Verdict on the test loss of a method with the smallest batches, compared with the largest."""
        small, large = (self.runs[name][size].values("end.test_loss") for size in (self.sizes[0], self.sizes[-1]))
        return paired(large, small).verdict

    def table(self, seeds: str) -> Table:
        """A row per batch size; `seeds` is what the title says in brackets."""
        def row(size: int) -> list[str]:
            runs = self.flooded[size]
            over = runs.values("end.train_loss") - self.level
            figures = (runs.at("end", "flooded_fraction", 100), over, *self.gaps(size))
            return [str(size), *map(text, figures), number(self.ratio(size), 2),
                    *(one[size].text("end.test_loss") for one in self.runs.values())]
        heads = ("batch size", "flooded, %", "training loss − level", "gap", "gap by formula", "ratio",
                 *(f"test loss, {name}" for name in self.runs))
        return Table(f"{self.title}: batch sizes at level {self.level:.3g} ({seeds})", heads, list(map(row, self.sizes)),
                     "flooded: samples in batches below the level, last tenth of the run; gap: mean over batches of "
                     "|J − b|, minus |J − b| of all samples; by formula: 2 s (φ(u) − u Φ(−u)), see report/batch_sizes.py")

    def gap_panel(self, axis: Any) -> None:
        """Draw gap and formula over the batch size; a gap of 0, as that of the full batch, finds no place."""
        gaps = {size: self.gaps(size) for size in self.sizes}
        shown = [size for size in self.sizes if gaps[size].min() > 0]
        hue = self.hues[next(iter(self.runs))]
        if shown:
            plots.curve(axis, shown, np.array([gaps[size][1] for size in shown]).T, "formula", hue=plots.BLACK, split="",
                        band=False, linestyle="--")
            for size in shown:
                plots.point(axis, size, gaps[size][0], "gap, measured", hue=hue, size=5)
            plots.log(axis, "y")
        self._sizes(axis)

    def panel(self, figure: str, axis: Any) -> None:
        """Draw a figure of the end of every method over the batch size."""
        for name, runs in self.runs.items():
            values = np.array([one.at("end", figure) for one in runs.values()]).T  # (seeds, sizes)
            plots.curve(axis, self.sizes, values, name, hue=self.hues[name], split="", marker="o", ms=4)
        self._sizes(axis)

    def _sizes(self, axis: Any) -> None:
        axis.set_xscale("log")
        axis.set_xlim(self.sizes[0] / 1.5, self.sizes[-1] * 1.5)
        axis.set_xticks(self.sizes, [str(size) for size in self.sizes], fontsize="small")
        axis.minorticks_off()


def batch_words(cases: Sequence[BatchSizes]) -> str:
    """What the gap was beside its formula in some cases, all with the same batch sizes, and what small batches changed."""
    sizes, count = cases[0].sizes, counted(len(cases), "case")
    first, last = sizes[0], sizes[-1]
    raised = {size: means(case.gaps(size)[0] for case in cases) for size in (first, last)}
    known = [(case, size) for case in cases for size in sizes if not np.isnan(case.ratio(size))]
    ratios = [f"{ratio:.2f}" for ratio in sorted(case.ratio(size) for case, size in known)]
    agree = (f", not clearly different from it in {sum(case.agrees(size) for case, size in known)} of {len(known)} "
             "comparisons") * (cases[0].gaps(first).shape[1] >= FEWEST)
    formula = "The formula has none either." if not known else (
        f"That is {' to '.join(dict.fromkeys((ratios[0], ratios[-1])))} times the formula's gap{agree}.")
    beside = "; ".join(f"{name} {tally([case.small_beside_large(name) for case in cases])}" for name in cases[0].runs)
    return ("At one level for all, flooding batches instead of the whole set raised the loss that is minimised by "
            f"{raised[first]} nats with batches of {first}, by {raised[last]} with {last}: the gap of Jensen's inequality. "
            f"{formula} Batches of {first} beside those of {last}, after as many updates by test loss in {count}: {beside}.")


# --- the gap ---

def measured_gap(losses: Any, level: float, batch_size: int, *, draws: int = DRAWS) -> float:
    """Mean gap over random orders of the samples.

    Parameters
    ----------
    losses : array (N,)
        Of each sample, all from one network.
    level : float
        The flood level b.
    batch_size : int
        B, which divides N, as all batches are to weigh the same.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    ValueError
        When the batches are not equal.
    """
    losses = np.asarray(losses, dtype=float)
    if batch_size < 1 or len(losses) % batch_size:
        raise ValueError(f"batch_size: got {batch_size!r}, accepted: a divisor of the {len(losses)} samples")
    rng = np.random.default_rng(0)
    gaps = []
    for _ in range(1 if batch_size in (1, len(losses)) else draws):  # else every order is the same
        apart = rng.permutation(losses).reshape(-1, batch_size).mean(axis=1) - level
        # mean|x| - |mean x| is twice the smaller one of the means of both signs, and so without cancellation.
        gaps.append(2 * min(np.maximum(apart, 0).mean(), np.maximum(-apart, 0).mean()))
    return float(np.mean(gaps))


def predicted_gap(losses: Any, level: float, batch_size: int) -> float:
    """The gap that the formula gives from mean and variance of the losses (N,) of all samples."""
    from scipy.special import ndtr  # Φ

    losses = np.asarray(losses, dtype=float)
    count = len(losses)
    s = losses.std() * math.sqrt((count - batch_size) / (count - 1) / batch_size) if count > 1 else 0.0
    if s == 0:
        return 0.0
    u = abs(losses.mean() - level) / s
    return float(2 * s * (math.exp(-u * u / 2) / math.sqrt(2 * math.pi) - u * ndtr(-u)))
