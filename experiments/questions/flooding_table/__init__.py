"""Does flooding help where labels are wrong, and does early stopping make it needless?

The synthetic table of Ishida et al. (ICML 2020, arXiv 2002.08709): three data sets, three shares of flipped labels, with and
without early stopping, with and without flooding. The level is chosen from a grid by validation accuracy, in every trial
anew; early stopping takes the epoch of the best validation accuracy. Labels are noisy in training, validation and test.

A run is trained to the end and remembers its best validation epoch. What early stopping would have returned is a second,
shorter run with the same settings, which is the same run up to there bit for bit; it is made for the levels that were chosen
alone. So the large test set is looked at once per run.
"""
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...report.compare import UNCLEAR
from ...report.tables import Table, number
from ...report.words import counted, direction, opening, paragraph, spread, tally, too_few, unjudged
from ...trainers.flipped import TITLES
from ...trainers.flooding_grid import PUBLISHED
from .cases import COLUMNS, Case, Config, gather, run, runs  # noqa: F401 (what a question consists of)
from .drawing import figures  # noqa: F401

RUN_TIMES = {"quick": "1 min", "default": "19 min", "full": "4 h"}  # on 2 cores, compilation included


def tables(results: Sequence[Sequence[Case]]) -> list[Table]:
    """One table per data set: accuracies of the four columns, mean ± standard error over trials."""
    return [_table(cases) for cases in results]


def _table(cases: Sequence[Case]) -> Table:
    published, first = cases[0].data == "two_gaussians", cases[0].trials[0]
    heads = ["flipped", "without", "flooding", "early stop", "both", "best possible", "level", "level, both", "Bayes CE",
             *(["published: without", "flooding (level)"] if published else [])]
    rows = [[f"{100 * case.noise:g} %", *(case.runs[which].text("accuracy", 100) for which in COLUMNS),
             f"{case.best_accuracy:.1f}", *(_levels(case.levels(which)) for which in ("last", "early")),
             f"{case.best.cross_entropy:.3f}", *(_published(case.noise) if published else [])] for case in cases]
    note = (f"{first.specs[0].schedule.epochs} epochs, {len(first.specs)} levels{' (published: 500, 51)' * published}; "
            "level: mean (smallest to largest) over trials, 0 is none; CE: cross-entropy, nats")
    diverged = sum(bool(one.scalars["diverged"]) for case in cases for trial in case.trials for one in trial.runs)
    if diverged:
        note += f"\n{diverged} runs diverged and were not chosen"
    title = f"{TITLES[cases[0].data]}: accuracy in % on noisy test labels ({spread(len(cases[0].trials), 'trial')})"
    return Table(title, heads, rows, note)


def _levels(levels: np.ndarray) -> str:
    low, high = levels.min(), levels.max()
    return f"{levels.mean():.2f}" + (f" ({low:g} to {high:g})" if low < high else "")


def _published(noise: float) -> list[str]:
    level, without, flooded = PUBLISHED.get(noise, (0, 0, 0))
    return [f"{without:.2f}", f"{flooded:.2f} ({level:.2f})"] if noise in PUBLISHED else ["–", "–"]


@paragraph
def answer(results: Sequence[Sequence[Case]]) -> list[str]:
    """Return yes, no or what it depends on; then what flooding does alone and after early stopping, where its level lies,
    and how far the published row is.
    """
    cases = [case for group in results for case in group]
    alone, beside = ([case.runs[after].gain(case.runs[before]) for case in cases]
                     for before, after in (COLUMNS[:2], COLUMNS[2:]))
    count = len(cases[0].trials)
    return [_opening(alone, beside, count), _compare(alone, count, "Without early stopping, flooding"),
            _compare(beside, count, "With early stopping, flooding"), _where(cases), *_against_published(cases)]


def _opening(alone: Any, beside: Any, count: int) -> str:
    """Answer both halves of the question: does it help, and does early stopping make it needless?"""
    said = opening({"accuracy": [gain.verdict for gain in alone]}, count, "trial", "data and noise")
    if said != "Yes.":
        return said
    return {"yes": "Yes, and early stopping does not make it needless.",
            "no": "Yes, but with early stopping it gains nothing clear.",
            "depends": "Yes, and whether early stopping makes it needless depends on data and noise.",
            "unknown": "Yes; whether early stopping makes it needless cannot be judged."
            }[direction([gain.verdict for gain in beside])]


def _compare(found: Any, count: int, lead: str) -> str:
    verdicts, gains = [gain.verdict for gain in found], [gain.mean for gain in found]
    if unjudged(verdicts):
        return f"{lead} cannot be judged: {too_few(count, 'trial').lower()} cannot tell."
    clear, unclear = tally(verdicts), verdicts.count(UNCLEAR)
    if unclear and "none" not in clear:
        clear += f", with no clear difference in {unclear}"
    return (f"{lead} changed the accuracy by {number(min(gains), 2)} to {number(max(gains), 2)} points and was {clear}"
            f" of {counted(len(found), 'case')}.")


def _where(cases: Sequence[Case]) -> str:
    ratios = [(case.levels("last").mean() / case.best.cross_entropy, case.title) for case in cases
              if case.best.cross_entropy > 0]
    if not ratios:
        return "No case has noise, so no level can be set beside a Bayes cross-entropy."
    (low, a), (high, b) = min(ratios, key=lambda pair: pair[0]), max(ratios, key=lambda pair: pair[0])
    return (f"The level that validation chose was {low:.2f} ({a}) to {high:.2f} ({b}) times the Bayes cross-entropy, and "
            f"below it in {sum(ratio < 1 for ratio, _ in ratios)} of {len(ratios)}.")


def _against_published(cases: Sequence[Case]) -> list[str]:
    gaps = [case.runs[which].mean("accuracy", 100) - PUBLISHED[case.noise][i] for case in cases
            if case.data == "two_gaussians" and case.noise in PUBLISHED for which, i in (("without", 1), ("flooded", 2))]
    return [f"The {len(gaps)} accuracies of Two Gaussians without early stopping differ from the published ones by "
            f"{min(gaps):+.1f} to {max(gaps):+.1f} points."] if gaps else []
