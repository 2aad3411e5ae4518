"""Tables of one's own as files, and made-up results of checking one."""
import csv
import math

import numpy as np

from experiments.check.plan import Plan
from experiments.check.results import Results
from experiments.check.training import Trained
from experiments.data.tables import Column, Parts, Problem
from experiments.report.measured import Measured
from experiments.runs.store import Run
from experiments.trainers.own_table import OwnRun

CHECKS = 20  # of made-up runs


def write(path, x, y, names=()):
    """Write a table with the columns x0, x1, ... and label."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow([*(names or (f"x{place}" for place in range(x.shape[1]))), "label"])
        out.writerows([*(f"{value:.6g}" for value in row), label] for row, label in zip(x, y, strict=True))
    return path


def problem_from(x, y, classes=("no", "yes"), **changes):
    """Make a problem of numbers without a file."""
    columns = tuple(Column(f"x{place}", "number", np.asarray(values, dtype=float))
                    for place, values in enumerate(np.transpose(x)))
    own = {"source": "made.csv", "digest": f"digest of {x.shape} {float(np.sum(x))} {classes}", "label": "label",
           "columns": columns, "dropped": (), "y": np.asarray(y), "classes": classes}
    return Problem(**{**own, **changes})


def overlapping(rows, rng, flipped=0.0, columns=10):
    """Two classes that a line tells apart, in ten columns, then some labels flipped: Bayes error is their share."""
    x = rng.normal(size=(rows, columns))
    y = (x[:, 0] + x[:, 1] > 0).astype(np.int64)
    x[:, :2] += (2 * y[:, None] - 1) * 1.0  # apart, so that nothing but the flips is uncertain
    return x, np.where(rng.random(rows) < flipped, 1 - y, y)


def gaussians(rows, rng, distance=1.5, columns=10):
    """Two Gaussians whose means are so far apart: Bayes error Φ(-distance/2)."""
    y = rng.integers(0, 2, rows)
    x = rng.normal(size=(rows, columns))
    x[:, 0] += (y - 0.5) * distance
    return x, y


def gaussians_error(distance=1.5):
    """What no classifier can beat on them."""
    return 0.5 * math.erfc(distance / 2 / math.sqrt(2))


def made(zero=(0.2, 0.5), end=(0.2, 0.5), *, best=None, flood=None, linear=(0.3, 0.6), seeds=10, spread=0.001, rows=2000,
         regression=False, zero_epoch=8.0, test_from=None, largest=0.5, random=None, unscaled=None, diverged=0, copies=None):
    """Made-up results: (test error, test loss) of each model, with a little spread from division to division.

    `random`, `unscaled`: epoch of zero error there; `copies`: (error, loss) of the end on the test rows that are no copies.
    """
    y = (np.arange(rows) >= largest * rows).astype(np.int64)
    problem = problem_from(np.zeros((rows, 1)), y.astype(float) if regression else y, () if regression else ("no", "yes"),
                           test_from=test_from)
    test = np.arange(rows - rows // 5, rows)
    parts = tuple(Parts(np.arange(3 * rows // 5), np.arange(3 * rows // 5, 4 * rows // 5), test) for _ in range(seeds))
    wobble = spread * np.resize([1.0, -1.0, 0.5, -0.5, 0.0], seeds)

    def run(seed, models, epochs):
        if seed < diverged:
            return Run(scalars={"diverged": 1.0}, arrays={"record.test_loss": np.full(CHECKS, np.nan)})
        scalars = {"diverged": 0.0}
        arrays = {f"record.{part}_{figure}": np.full(CHECKS, 0.3) for part in ("train", "val", "test")
                  for figure in ("error", "loss")}
        arrays["record.epoch"] = np.arange(1.0, CHECKS + 1)
        arrays["record.train_error"] = np.where(arrays["record.epoch"] >= zero_epoch, 0.0, 0.1)
        for place, (name, (error, loss)) in enumerate(models.items()):
            off = wobble[seed] * (1 + place)  # of differences between models too
            scalars |= {f"{name}.test_error": error + off, f"{name}.test_loss": loss + off, f"{name}.calibration_error": 0.1,
                        f"{name}.margin_median": 2.0, f"{name}.val_loss": loss, f"{name}.val_error": error,
                        f"{name}.train_error": 0.0, f"{name}.train_loss": 0.1, f"{name}.balanced_error": error,
                        f"{name}.cooled_loss": 0.4, f"{name}.temperature": 2.0, f"{name}.epoch": epochs.get(name, 20.0)}
            wrong = np.arange(len(test)) < round(error * len(test))
            arrays[f"{name}.predictions"] = np.where(wrong, 1 - y[test], y[test])
            arrays[f"{name}.losses"] = np.full(len(test), loss + off)
        arrays["record.test_loss"] = np.linspace(models.get("best", (0, 0.5))[1], models.get("end", (0, 0.5))[1], CHECKS)
        arrays["record.val_loss"] = arrays["record.test_loss"]
        return Run(scalars=scalars, arrays=arrays, curves={name.removeprefix("record."): values
                                                           for name, values in arrays.items() if name.startswith("record.")})

    def some(models, count=seeds, **epochs):
        return Measured([run(seed, models, epochs) for seed in range(count)])

    plain = {"best": best or min(end, zero), "end": end}
    if not math.isnan(zero_epoch) and not regression:
        plain["zero"] = zero
    fresh = None
    if copies is not None:
        fresh = tuple(np.arange(len(test)) % 2 == 0 for _ in parts)
    trained = Trained(some(plain, zero=zero_epoch, best=5.0), some({"best": linear}),
                      levels=(0.1,) if flood else (), flooded=some({"end": flood}) if flood else None, level=0.1,
                      random=random and some({"zero": (0.5, 0.7)}, 5, zero=random),
                      unscaled=unscaled and some({"zero": (0.5, 0.7), "best": (0.4, 0.7)}, 5, zero=unscaled))
    plan = Plan(OwnRun(0, problem.digest, 0.2, (8, 8), 20, 32), seeds, (0.8,), False, 1, ("why",), 1.0, 1e6)
    return Results(problem, plan, trained, parts, fresh)
