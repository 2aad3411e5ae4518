"""What attacks found out: of runs of one kind, each the target of the others as shadow models."""
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ...report.compare import half_width, mean_and_error
from ...report.measured import Measured, load_all
from ...report.tables import mean_error
from ...report.words import flips
from ...runs.store import Store
from ...trainers.attacks import SCORES, auc, balanced_accuracy, best_threshold, likelihood_ratio, threshold_at
from ...trainers.exposure import MEMBER, OTHER
from .cases import PLAIN, TIMES, Config, arms

LIRA = "LiRA"
ATTACKS = (*SCORES, LIRA)
RATE = 0.01  # of false positives, at which what is found is found for sure
KINDS = ("auc", "caught", "balanced")


def interval(values: np.ndarray, factor: float = 1.0) -> str:
    """Return the mean of some runs with half its 95 % t interval."""
    values = factor * values[~np.isnan(values)]
    mean, error = mean_and_error(values)
    return mean_error(mean, half_width(error, len(values)))


class Attacked:
    """Models that one rule took of runs of one kind, under every attack.

    Parameters
    ----------
    measured : Measured
    rule : str
        Of the models; a run whose rule took none is left out of everything.
    """

    def __init__(self, measured: Measured, rule: str) -> None:
        self._measured, self.rule = measured, rule
        self.there = np.array([f"{rule}.odds" in run.arrays for run in measured.runs])

    def values(self, figure: str, factor: float = 1.0) -> np.ndarray:
        """A figure that was measured while training, (seeds,)."""
        return self._measured.at(self.rule, figure, factor)

    def images(self, box: str) -> np.ndarray:
        """Reconstructions (K, D) of the first run, black or white box."""
        return self._measured.runs[int(np.argmax(self.there))].arrays[f"{self.rule}.{box}_images"]

    def found(self, kind: str, attack: str) -> np.ndarray:
        """One of `KINDS` for an attack, (seeds,): NaN where there was nothing to attack or no shadow model.

        "auc": area under the ROC curve. "caught": share of members above the threshold that 1 % of all runs' non-members
        exceed. "balanced": balanced accuracy at the threshold that is best for the other runs.
        """
        return self._found[attack][kind]

    @cached_property
    def _found(self) -> Mapping[str, Mapping[str, np.ndarray]]:
        if not self.there.any():
            return {attack: dict.fromkeys(KINDS, np.full(len(self.there), np.nan)) for attack in ATTACKS}
        parts = self._stacked("parts")  # (S, N)
        odds, labels = self._stacked("odds").astype(np.float64), self._stacked("labels").astype(np.int64)
        scores = {attack: [score(one, y) for one, y in zip(odds, labels, strict=True)] for attack, score in SCORES.items()}
        scores[LIRA] = list(against_shadows(odds, labels, parts))
        return {attack: self._judged(parts, some) for attack, some in scores.items()}

    def _stacked(self, name: str) -> np.ndarray:
        return np.stack([run.arrays[f"{self.rule}.{name}"]
                         for run, there in zip(self._measured.runs, self.there, strict=True) if there])

    def _judged(self, parts: np.ndarray, scores: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Return every kind of figure for one attack's scores (N,) of each run, NaN where it has none."""
        sides = [[score[(part == side) & ~np.isnan(score)] for side in (MEMBER, OTHER)]
                 for part, score in zip(parts, scores, strict=True)]
        found = {kind: np.full(len(self.there), np.nan) for kind in KINDS}
        if not all(len(side) for both in sides for side in both):
            return found
        threshold = threshold_at(np.concatenate([others for _, others in sides]), RATE)
        for place, (run, (members, others)) in enumerate(zip(np.flatnonzero(self.there), sides, strict=True)):
            found["auc"][run] = auc(members, others)
            found["caught"][run] = np.mean(members > threshold)
            rest = [both for other, both in enumerate(sides) if other != place]
            if rest:
                best = best_threshold(*(np.concatenate(some) for some in zip(*rest, strict=True)))
                found["balanced"][run] = balanced_accuracy(members, others, best)
        return found


def against_shadows(odds: np.ndarray, labels: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """LiRA's scores (S, N) of every run's samples, the other runs its shadow models; NaN where these are too few.

    What shadow models say of each other's members never comes from the target: its own members are what is asked.

    Parameters
    ----------
    odds, labels, parts : array (S, N, K), (S, N), (S, N)
        Of all runs.
    """
    runs, samples = labels.shape
    answers = np.stack([odds[:, np.arange(samples), y] for y in labels])  # (S, S, N): to whose labels, by whom
    seen = parts == MEMBER  # (S, N)
    unseen = np.where(seen[None] | np.eye(runs, dtype=bool)[..., None], np.nan, answers)
    scores = np.full((runs, samples), np.nan)
    for target in range(runs):
        others = [run for run in range(runs) if run != target]
        counts = np.sum(~np.isnan(unseen[:, others]), axis=1)  # (S, N)
        means = np.nansum(unseen[:, others], axis=1) / np.maximum(counts, 1)
        own = [seen[run] & (counts[run] >= 2) for run in others]
        members = [np.concatenate([some[rows] for some, rows in zip(values, own, strict=True)]) if others else np.empty(0)
                   for values in (means[others], answers[others, others])]
        known = counts[target] >= 2
        if known.any() and len(members[0]) >= 3:
            scores[target, known] = likelihood_ratio(answers[target, target, known], unseen[target][others][:, known],
                                                     (members[0], members[1]))
    return scores


class Case(NamedTuple):
    """One share of flipped labels: title, number of seeds, the plain models by time, those of each defence."""

    title: str
    seeds: int
    plain: Mapping[str, Attacked]
    defences: Mapping[str, Attacked]

    @property
    def rows(self) -> dict[str, Attacked]:
        """All models that were attacked, by name."""
        return {f"{PLAIN}, {name}": self.plain[time] for time, name in TIMES.items()} | {
            f"{name}, end": one for name, one in self.defences.items()}


def case_of(noise: float, seeds: int, trained: Mapping[str, Measured]) -> Case:
    """Return the case of the runs of every arm."""
    title = f"{flips(noise)} labels" if noise else "labels as they are"
    return Case(title, seeds, {time: Attacked(trained[PLAIN], time) for time in TIMES},
                {arm: Attacked(some, "end") for arm, some in trained.items() if arm != PLAIN})


def gather(store: Store, config: Config) -> list[Case]:
    """Load everything; raises StoreError when runs are missing."""
    return [case_of(noise, config.seeds, load_all(store, arms(config, noise))) for noise in config.noise]
