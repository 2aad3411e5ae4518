"""The direction of a check's answer on tables of which theory says what it must be, and on three that everybody knows.

Where classes overlap or labels are flipped, no classifier is below the Bayes error, and a network that makes no error on the
training rows is sure of what cannot be known: its test loss must have risen. Where the classes are apart it need not.
"""
from dataclasses import replace

import numpy as np
import pytest

from experiments import data
from experiments.check.answers import answer
from experiments.check.plan import Asked, planned
from experiments.check.results import ERROR, LOSS, Results, copies_across
from experiments.check.training import Trained, train
from experiments.check.verdicts import decision
from experiments.data.tables import cut, problem_of
from experiments.report.compare import BETTER, WORSE
from experiments.report.measured import Measured
from experiments.runs.store import Store
from experiments.trainers.own_table import offered, train_fleet
from tests.own_tables import gaussians, gaussians_error, overlapping, problem_from, write

pytestmark = pytest.mark.compiled
FLIPPED = 0.2
SMALL = Asked(hidden=(64, 64), epochs=200, seeds=8, workers=1)


def checked(problem, asked, folder):
    """Train and gather, as the command does."""
    with offered(problem):
        plan = planned(problem, asked)
        return gathered(problem, plan, train(plan, Store(folder)))


def plainly(problem, asked):
    """The same of the network alone, and without a store: a third of the time."""
    with offered(problem):
        plan = planned(problem, asked)
        runs = [train_fleet([replace(plan.run, seed=seed).settings()])[0] for seed in range(plan.seeds)]
    return gathered(problem, plan, Trained(Measured(runs), Measured(runs)))


def gathered(problem, plan, trained):
    parts = tuple(cut(problem, plan.run.split, seed) for seed in range(plan.seeds))
    return Results(problem, plan, trained, parts, copies_across(problem, parts))


def above(results, rule, bound):
    """Whether the mean test error of a model is no lower than a bound, but for three standard errors of the rows tested."""
    error = float(np.nanmean(results.values(results.trained.plain, rule, ERROR)))
    return error > bound - 3 * np.sqrt(bound * (1 - bound) / results.tested())


def goes_wrong(results, bayes):
    """What theory says of uncertain labels, each with its interval: stop, by the loss; flood; none beats the Bayes error."""
    assert results.asks_zero and decision(results) == "no" and answer(results)["answer"].startswith("No, ")
    assert results.after(LOSS, "best").verdict == WORSE and results.after(ERROR, "best").verdict != BETTER
    assert results.trained.flooded is None or results.flooding(LOSS).verdict == BETTER
    assert all(above(results, rule, bayes) for rule in ("best", "zero", "end"))
    assert "stop with " in answer(results)["next"]


def stays_right(results):
    """What it says of classes that are apart: the error does not get worse, and nothing has to be stopped."""
    assert results.asks_zero and decision(results) in ("yes", "same", "unknown")
    for start in ("zero", "best"):
        assert results.after(ERROR, start).verdict != WORSE and results.after(LOSS, start).verdict != WORSE
    assert float(np.nanmean(results.values(results.trained.plain, "end", ERROR))) < 0.06


def test_with_flipped_labels_it_says_stop():
    goes_wrong(plainly(problem_from(*overlapping(300, np.random.default_rng(11), FLIPPED)), SMALL), FLIPPED)


def test_with_classes_apart_nothing_gets_worse():
    stays_right(plainly(problem_from(*overlapping(240, np.random.default_rng(13))), replace(SMALL, epochs=100, seeds=5)))


# --- the same at the size of a real table, through a file ---

@pytest.mark.slow
@pytest.mark.parametrize("name", ["flipped", "overlapping", "apart"])
def test_tables_with_a_known_bayes_error(tmp_path, name):
    rng = np.random.default_rng(21)
    x, y = {"flipped": lambda: overlapping(800, rng, FLIPPED, 20), "overlapping": lambda: gaussians(800, rng, columns=20),
            "apart": lambda: overlapping(800, rng, 0.0, 20)}[name]()
    problem = problem_of(write(tmp_path / f"{name}.csv", x, np.array(["no", "yes"])[y]), "label")
    results = checked(problem, Asked(), tmp_path)
    if name == "apart":
        stays_right(results)
    else:
        goes_wrong(results, FLIPPED if name == "flipped" else gaussians_error())


@pytest.mark.slow
@pytest.mark.parametrize("name, error", [("iris", 0.12), ("breast_cancer", 0.08), ("digits", 0.08)])
def test_tables_that_everybody_knows(tmp_path, name, error):
    """Their classes are apart but for a few rows: the error is known to be low, and training on does not raise it."""
    one = getattr(data, name)()
    x, y = (np.concatenate([getattr(getattr(one, part), axis) for part in ("train", "validation", "test")]) for axis in "xy")
    path = write(tmp_path / f"{name}.csv", x, np.array(one.classes)[y])
    results = checked(problem_of(path, "label"), Asked(seeds=5, epochs=0 if name != "digits" else 100), tmp_path)
    assert results.asks_zero and results.after(ERROR).verdict != WORSE
    assert float(np.nanmean(results.values(results.trained.plain, "end", ERROR))) < error
    assert results.confusion.trace() > 1 - error and len(results.problem) == len(y)
