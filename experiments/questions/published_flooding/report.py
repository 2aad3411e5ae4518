"""What published_flooding reports: cells gathered from the store, a table, and sentences whose words follow the numbers."""
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...data import BayesFigures, two_gaussians_bayes
from ...report.compare import BETTER, UNKNOWN, WORSE, half_width, mean_and_error, paired
from ...report.tables import Table, mean_error, number
from ...report.words import counted, spread, too_few
from ...runs.store import Run
from . import TOLERANCE, Cell, Config, cells, departures

HEADS = ("flips", "level", "accuracy, %", "published", "difference", "in s.e.", "test cross-entropy", "training error, %",
         "best possible, %")


@dataclass(frozen=True)
class Measured:
    """One cell with its finished runs.

    Attributes
    ----------
    cell : Cell
        What was run, and the published accuracy.
    runs : list of Run
        One per seed.
    """

    cell: Cell
    runs: list[Run]

    def values(self, figure: str) -> np.ndarray:
        """One final figure of all seeds, shape (seeds,); "accuracy" is in %, errors are shares, losses in nats."""
        if figure == "accuracy":
            return 100 * (1 - self.values("test_error"))
        return np.array([run.scalars[figure] for run in self.runs])

    def mean(self, figure: str) -> float:
        """Mean of a figure over the seeds."""
        return float(self.values(figure).mean())

    @property
    def difference(self) -> float:
        """Measured mean accuracy minus the published one, in points."""
        return self.mean("accuracy") - self.cell.published

    @property
    def error(self) -> float:
        """Standard error of the measured mean accuracy, in points; NaN for one seed."""
        return mean_and_error(self.values("accuracy"))[1]

    @property
    def reproduced(self) -> bool:
        """Whether the mean lies within the tolerance of the published accuracy."""
        return abs(self.difference) < TOLERANCE


def gather(store, config: Config) -> list[Measured]:
    """All cells with their runs from the store.

    Raises
    ------
    StoreError
        When a run is missing: figures and answers come from complete results only.
    """
    def load(spec):
        return store.require(spec.settings())

    return [Measured(cell, [load(spec) for spec in cell.specs]) for cell in cells(config)]


def best_possible(cell: Cell) -> BayesFigures:
    """What no classifier can beat on the labels of this cell."""
    return two_gaussians_bayes(noise=cell.noise)


# --- the table ---

def row_table(row: Sequence[Measured], config: Config) -> Table:
    """The six cells, mean ± standard error over seeds, beside the published accuracies."""
    seeds = config.seeds
    note = ["accuracy, test cross-entropy: on test labels with flips, after the last epoch; best possible: Bayes",
            "in s.e.: difference / standard error of our mean alone; those of the published figures are not known to us"]
    changed = departures(config)
    if changed:
        note.append(f"NOT the published protocol: {', '.join(changed)} changed")
    return Table(f"Two Gaussians, published and measured ({spread(seeds, 'seed')})", HEADS,
                 [_line(measured) for measured in row], "\n".join(note))


def _line(measured: Measured) -> tuple[str, ...]:
    cell = measured.cell
    accuracy, loss = (mean_error(*mean_and_error(measured.values(figure))) for figure in ("accuracy", "test_loss"))
    training = mean_error(*mean_and_error(100 * measured.values("train_error")))
    return (f"{cell.noise:.0%}", f"{cell.level:g}" if cell.level else "plain", accuracy, f"{cell.published:.2f}",
            f"{measured.difference:+.2f}", _in_errors(measured, "+.1f"), loss, training,
            f"{100 * (1 - best_possible(cell).noisy_error):.2f}")


def _in_errors(measured: Measured, form: str) -> str:
    """The difference in standard errors of our mean, or a dash where these are unknown or zero."""
    return f"{measured.difference / measured.error:{form}}" if measured.error > 0 else "–"


# --- the answer ---

def sentences(row: Sequence[Measured], config: Config) -> list[str]:
    """Yes, no or what it depends on; then: are the accuracies those published, does flooding help, what was memorised."""
    pairs = list(zip(row[::2], row[1::2], strict=True))  # without and with flooding
    return [_opening(row, config), _reproduced(row, config), _flooding_helps(pairs), _memorised(pairs)]


def _opening(row: Sequence[Measured], config: Config) -> str:
    count = sum(measured.reproduced for measured in row)
    changed = departures(config)
    if changed:
        return f"It depends on the protocol, and this was not the published one ({', '.join(changed)} changed)."
    if not all(_half_width(measured) < TOLERANCE for measured in row):
        return f"It depends on more than {counted(config.seeds, 'seed')}: these scatter too much to tell."
    return "Yes." if count == len(row) else "No." if not count else "It depends on the cell."


def _reproduced(row: Sequence[Measured], config: Config) -> str:
    outside = [measured for measured in row if not measured.reproduced]
    count = len(row) - len(outside)
    seeds = f"over {config.seeds} seeds" if config.seeds > 1 else "with one seed"
    text = f"{count} of {len(row)} accuracies come out within {TOLERANCE:g} point of the published ones {seeds}"
    return "; ".join([text, *map(_deviation, outside)]) + "."


def _deviation(measured: Measured) -> str:
    """How far a cell is off, and what scatter has to do with it."""
    cell, values = measured.cell, measured.values("accuracy")
    name = f"{cell.noise:.0%} flips {'with' if cell.level else 'without'} flooding"
    text = (f"{name} {'deviates' if _clear(measured) else 'is off'} by {measured.difference:+.2f} points "
            f"({mean_error(*mean_and_error(values))} instead of {cell.published:.2f}")
    if math.isnan(measured.error):
        return f"{text}; one seed shows no scatter)"
    if not _clear(measured):
        return f"{text}, no more than these seeds scatter)"
    if measured.error == 0:
        return f"{text}, and these seeds do not scatter)"
    text = f"{text}, {_in_errors(measured, '.1f').lstrip('-')} of our standard errors"
    if abs(measured.difference) <= 2 * measured.error:  # from 61 seeds on a t interval is narrower than that
        return f"{text})"
    runs = consistent_runs(measured.difference, float(values.std(ddof=1)), len(values))
    return (f"{text}, and more than two combined ones "
            + (f"unless the published figure is a mean of at most {runs} runs)" if runs else
               "even if the published figure is a single run)"))


def _clear(measured: Measured) -> bool:
    """Whether the 95 % t interval of our mean excludes the published figure (taken as exact)."""
    return abs(measured.difference) > _half_width(measured)


def _half_width(measured: Measured) -> float:
    """Half the width of the 95 % t interval of our mean, in points; infinite below three seeds."""
    return half_width(measured.error, len(measured.runs))


def consistent_runs(difference: float, deviation: float, seeds: int) -> int:
    """Most runs behind a published mean for which a difference is within two combined standard errors.

    If published runs scatter like ours, a difference of means over `seeds` and n runs has the variance
    deviation² (1/seeds + 1/n).

    Parameters
    ----------
    difference : float
        Of the two means; beyond two standard errors of ours, otherwise any n will do.
    deviation : float
        Standard deviation from run to run, > 0, in the same unit.
    seeds : int
        Runs behind our mean.

    Returns
    -------
    int
        n, or 0 when not even a single run deviates so much.

    Raises
    ------
    ValueError
        When every n will do.
    """
    share = (difference / (2 * deviation)) ** 2 - 1 / seeds
    if share <= 0:
        raise ValueError(f"difference is {difference!r}; accepted: more than two of our own standard errors, here "
                         f"{2 * deviation / math.sqrt(seeds):g}")
    return int(1 / share)


def _flooding_helps(pairs) -> str:
    verdicts = [paired(plain.values("accuracy"), flooded.values("accuracy"), lower_is_better=False).verdict
                for plain, flooded in pairs]
    total = f"{len(pairs)} share{'s' if len(pairs) > 1 else ''} of flips"
    gains = [flooded.mean("accuracy") - plain.mean("accuracy") for plain, flooded in pairs]
    published = [flooded.cell.published - plain.cell.published for plain, flooded in pairs]
    if UNKNOWN in verdicts:
        effect = f"{too_few(len(pairs[0][0].runs), 'seed')} cannot tell whether flooding raises accuracy"
    else:
        effect = f"Flooding's accuracy is clearly better in {verdicts.count(BETTER)} of {total}"
        if WORSE in verdicts:
            effect += f" and clearly worse in {verdicts.count(WORSE)}"
    halved = sum(flooded.mean("test_loss") < plain.mean("test_loss") / 2 for plain, flooded in pairs)
    losses = [f"{number(flooded.mean('test_loss'))} against {number(plain.mean('test_loss'))}" for plain, flooded in pairs]
    return (f"{effect} (by {_list(f'{gain:+.1f}' for gain in gains)} points, published "
            f"{_list(f'{gain:+.1f}' for gain in published)}), and its test cross-entropy is below half of plain training's "
            f"in {halved} of {len(pairs)} ({_list(losses)}).")


def _memorised(pairs) -> str:
    wrong = [number(100 * flooded.mean("train_error")) for _, flooded in pairs]
    gaps = [flooded.mean("accuracy") - 100 * (1 - best_possible(flooded.cell).noisy_error) for _, flooded in pairs]
    errors = [plain.values("train_error") for plain, _ in pairs]
    plain = ("memorised every training label, flipped ones included" if not np.any(errors) else
             f"left {_list(number(100 * float(values.mean())) for values in errors)} % of the training labels wrong")
    return (f"Plain training {plain}, flooding left {_list(wrong)} % of them wrong, and flooding's accuracy differs from "
            f"the best possible one by {_list(f'{gap:+.1f}' for gap in gaps)} points.")


def _list(words) -> str:
    """Join words: "a, b and c"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
