"""What is trained on a table, sized to it, and why: defaults that depend on nothing but the table and the options."""
import math
from dataclasses import dataclass, replace

import numpy as np

from ..data.tables import Problem, input_names
from ..report.words import counted, listed
from ..runs.progress import duration
from ..trainers.own_table import OwnRun, seconds, weights_in

WIDTHS = (32, 64, 128)
WEIGHTS_PER_ROW = 10  # far more than rows: a network that cannot memorise them has no zero error to train on from
BATCH, LARGE_BATCH, LARGE = 32, 128, 4096  # rows
UPDATES, SHORT, SHORTEST, LONGEST = 6000, 60, 15, 1000  # SHORTEST where time demands it
SEEDS = (10, 5, 3)  # fewer than three have no interval
FRACTIONS = (0.8, 0.4, 0.2)  # of the lowest validation loss
BUDGET, CORES = 240.0, 2  # seconds of all training
IMBALANCE = 3.0  # rows of the largest class for one of the smallest
QUICKER = 4
BYTES = 3e8  # of Python, NumPy and the compiled code
FAST, FEW = 2, 5  # epochs that are suspiciously few; splits of a diagnosis


@dataclass(frozen=True)
class Asked:
    """What the options ask for; 0 and () leave it to the table."""

    split: float = 0.2
    hidden: tuple[int, ...] = ()
    epochs: int = 0
    seeds: int = 0
    workers: int = 0
    quick: bool = False


@dataclass(frozen=True)
class Plan:
    """What is trained.

    Attributes
    ----------
    run : OwnRun
        Of the first division: plain cross-entropy (or squared error).
    seeds : int
        Divisions, each with weights and order of its own.
    fractions : tuple of float
        Flood levels, as shares of the lowest validation loss.
    weighted : bool
        Whether classes are so uneven that weights are tried.
    workers : int
        Threads.
    why : tuple of str
        In words, a sentence for each choice.
    takes : float
        Seconds of one core, about, if all has to be trained.
    memory : float
        Bytes at most, about.
    """

    run: OwnRun
    seeds: int
    fractions: tuple[float, ...]
    weighted: bool
    workers: int
    why: tuple[str, ...]
    takes: float
    memory: float

    @property
    def splits(self) -> str:
        """For titles: "10 splits"."""
        return counted(self.seeds, "split")


def planned(problem: Problem, asked: Asked) -> Plan:
    """Size network, epochs and divisions to a table, which must be on offer; what is asked for is left as it is."""
    known = problem.test_from or len(problem)  # rows to train on, to choose by and, without a test file, to test on
    chosen = asked.split / (1 - asked.split if problem.test_from else 1)
    rows = max(1, round(known * (1 - chosen * (1 if problem.test_from else 2))))
    batch = BATCH if rows <= LARGE else LARGE_BATCH
    hidden = asked.hidden or _hidden(problem, rows)
    updates = -(-rows // batch)
    epochs = asked.epochs or min(LONGEST, max(SHORT, UPDATES // updates)) // (QUICKER if asked.quick else 1)
    weighted = uneven(problem) >= IMBALANCE
    run = OwnRun(0, problem.digest, asked.split, hidden, epochs, batch)
    seeds = asked.seeds or SEEDS[asked.quick]
    fractions: tuple[float, ...] = FRACTIONS[:1] if asked.quick else FRACTIONS

    def cost(run: OwnRun) -> float:
        return seconds(run.settings()) * seeds * (1 + len(fractions) + weighted) + seeds * seconds(
            {**run.settings(), "hidden": []})

    wanted = seeds, fractions, epochs
    for most, kept in ((SEEDS[1], 3), (SEEDS[1], 2), (SEEDS[1], 1), (SEEDS[2], 1)):  # what goes first
        if cost(run) > CORES * BUDGET:
            seeds, fractions = asked.seeds or min(seeds, most), fractions[:kept]
    while not asked.epochs and run.epochs > SHORTEST and cost(run) > CORES * BUDGET:
        run = replace(run, epochs=max(SHORTEST, int(0.8 * run.epochs)))
    inputs, outputs = len(input_names(problem)), len(problem.classes) or 1
    rest = f"{100 * chosen:.0f} %"
    tested = ("the test file to test" if problem.test_from else f"{rest} to test (--split)")
    why = (
        f"Network: {' × '.join(map(str, hidden))} units, {weights_in(hidden, inputs, outputs)} weights for about {rows} "
        "training rows" + (" (--hidden)." if asked.hidden else f". {WEIGHTS_PER_ROW} weights a row, as far as {WIDTHS[-1]} "
                           "units a layer have them, can memorise the rows, or the question would not arise (--hidden)."),
        f"Training: Adam, rate {run.learning_rate:g}, batches of {batch}, {run.epochs} epochs"
        + (" (--epochs)." if asked.epochs else f", about {run.epochs * updates} updates{_far(problem, asked)} (--epochs)."),
        f"Divisions: {seeds}, each with {100 * rows / known:.0f} % of the rows to train, {rest} to choose by and {tested}, "
        "and initial weights of its own (--seeds); an interval takes 3, a narrow one 10.",
        f"Flooding: {listed(f'{share:g}' for share in fractions)} times the lowest validation loss, as a level must stay "
        "below what no network can avoid" + ("; validation chooses one for all divisions." if len(fractions) > 1 else "."),
        *([f"Class weights: tried as well, as the largest class has {uneven(problem):.1f} times the rows of the smallest."]
          if weighted else []),
        *([f"Fewer divisions, levels or epochs than on small tables: all training is to take about {duration(BUDGET)} on "
           f"{CORES} cores."] if (seeds, fractions, run.epochs) != wanted else []))
    return Plan(run, seeds, fractions, weighted, asked.workers, why, cost(run), _memory(problem, inputs))


def _far(problem: Problem, asked: Asked) -> str:
    if asked.quick:
        return ": a quarter of the usual (--quick)"
    return ": far beyond zero error on most tables" if problem.classes else ": far beyond the best on most tables"


def _hidden(problem: Problem, rows: int) -> tuple[int, ...]:
    inputs, outputs = len(input_names(problem)), len(problem.classes) or 1
    return next(((width, width) for width in WIDTHS
                 if weights_in((width, width), inputs, outputs) >= WEIGHTS_PER_ROW * rows), (WIDTHS[-1], WIDTHS[-1]))


def _memory(problem: Problem, inputs: int) -> float:
    """Bytes of the table as it is read and once more as it is compared, and of some encoded divisions."""
    return BYTES + len(problem) * (4 * 8 * len(problem.columns) + 6 * 4 * inputs)


def guessing(problem: Problem) -> tuple[float, float]:
    """Error and loss of who knows the shares of the classes alone; of a regression problem NaN and 1, the variance."""
    if not problem.classes:
        return math.nan, 1.0
    shares = np.bincount(problem.y, minlength=len(problem.classes)) / len(problem)
    some = shares[shares > 0]
    return float(1 - shares.max()), float(-(some * np.log(some)).sum())


def uneven(problem: Problem) -> float:
    """Rows of the largest class for one of the smallest; 1 of a regression problem."""
    counts = np.bincount(problem.y) if problem.classes else np.ones(1)
    counts = counts[counts > 0]
    return float(counts.max() / counts.min())
