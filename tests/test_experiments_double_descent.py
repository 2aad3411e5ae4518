"""double_descent: its words on made-up results, from end to end with tiny settings, and its central claim."""
import re

import numpy as np
import pytest

from experiments.questions import double_descent
from experiments.questions.double_descent import Config, answer, arms, replicated, tables
from experiments.report import plots
from experiments.report.compare import clearly_above
from experiments.report.long_runs import PLAIN, LongRuns, opening
from experiments.report.measured import Measured
from experiments.runs.store import Store
from experiments.trainers import landscape
from experiments.trainers.description import describe
from experiments.trainers.landscape import GRID
from experiments.trainers.train import train_fleet
from tests.long_runs import cases

TINY = Config(seeds=1, noise=(0.0,), train=20, hidden=(8,), epochs=20, batch_size=10, learning_rate=0.05, levels=(0.1,),
              workers=1)


@pytest.mark.parametrize("falls, seeds, starts", [
    (((0.2, 0.2), (0.3, 0.2)), 10, "Yes: with flooding the test loss descended a second time in all of 4 comparisons."),
    (((0.0, 0.0), (0.0, -0.2)), 10, "No: with flooding no second descent of the test loss was clear in 4 comparisons."),
    (((0.0, 0.0), (0.3, 0.2)), 10, "It depends on the data: with flooding the test loss clearly descended a second time on "
     "Two Gaussians, 10 % flipped (2 of 2 levels), not on Two Gaussians, 0 % flipped."),
    (((0.2, 0.0), (0.3, 0.2)), 10, "It depends on the data and the level: with flooding the test loss clearly descended a "
     "second time on Two Gaussians, 0 % flipped (1 of 2 levels) and Two Gaussians, 10 % flipped (2 of 2 levels)."),
    (((0.0, 0.0), (0.0, 0.0)), 5, "It depends on more than 5 seeds, the question takes 10: with flooding no second descent"),
    (((0.2, 0.2), (0.3, 0.2)), 2, "It depends on more than 2 seeds: at least 3 are needed for a verdict."),
], ids=["yes", "no", "data", "level", "few", "two"])
def test_how_an_answer_opens(falls, seeds, starts):
    assert answer(cases(*falls, seeds=seeds)).startswith(starts)


def test_without_zero_training_error_nothing_can_be_told():
    found = cases((0.2, 0.2))
    for run in found[0].arms[PLAIN].runs:
        del run.scalars["zero.epoch"]
    assert opening(found, 10) == "It depends on more epochs: zero training error was not reached."


def test_an_answer_gives_sizes_and_follows_intervals():
    flat, sharp = (answer(cases((0.3, 0.3), scale=scale)) for scale in (0.5, 2.0))
    assert re.search(r"the test loss had risen by 4\d % of its peak and fell by 2\d %, beyond", flat)
    assert "beyond their own noise in 10 of 10 seeds. Its second minimum was clearly worse in 2 of 2" in flat
    assert "the test error there clearly different in none" in flat
    assert "Without flooding it was there in 0 of 1 case" in flat
    assert "the fall was clearly better in 2 of 2 comparisons with flooding" in flat
    for text, word in ((flat, "better"), (sharp, "worse")):
        assert f"of the training loss clearly {word} in 2, of the test loss clearly {word} in 2." in text
        both = f"clearly {word} in 2 (training), clearly {word} in 2 (test)"
        assert f"from the flood's start to the end {both}; beside the plain network's end {both}." in text
    assert "Where it was there" not in answer(cases((0.0, 0.0)))


def test_what_a_replication_found_is_compared():
    for falls, words in ((((0.0, 0.0), (0.3, 0.0)), "so it was here"),
                         (((0.3, 0.0), (0.3, 0.0)), "here it was there from so many on, and below"),
                         (((0.0, 0.0), (0.0, 0.0)), "here it was not there from so many on, and not below"),
                         (((0.3, 0.0), (0.0, 0.0)), "here it was not there from so many on, and below")):
        assert replicated(cases(*falls)) == words
    assert replicated(cases((0.3, 0.3))) == "that takes more and fewer flips to compare"


def test_tables_have_a_row_per_arm():
    text = "".join(table.plain() for table in tables(cases((0.3, 0.0), seeds=3)))
    for words in ("Two Gaussians, 0 % flipped: plain", "flooded at 1 log K, flood's start", "3 of 3", "0 of 3"):
        assert words in text


def test_levels_are_shares_of_the_loss_of_a_network_that_knows_nothing():
    found = arms(Config(seeds=2), "digits", 0.1)
    assert [[run.seed for run in runs] for runs in found.values()] == [[0, 1]] * 3
    assert [runs[0].loss.level for runs in found.values()] == [0, 0.02 * np.log(10), 0.1 * np.log(10)]


@pytest.fixture
def coarse(monkeypatch):
    """Planes of 3 x 3 points."""
    monkeypatch.setattr(landscape, "GRID", GRID[::6])


def test_from_end_to_end(tmp_path, monkeypatch, coarse):
    drawn = []
    for data in double_descent.DATA:
        monkeypatch.setitem(double_descent.DATA, data, 20)
    monkeypatch.setattr(landscape, "DIRECTIONS", 2)
    monkeypatch.setattr(plots, "page", lambda path, panels, **how: drawn.append((path.name, len(panels))) or [path])
    store = Store(tmp_path)
    double_descent.run(TINY, store)
    assert store.count("double_descent") == 2 * 2
    results = double_descent.gather(store, TINY)
    assert "Digits, 0 % flipped: flooded at 0.1 log K" in "".join(table.plain() for table in tables(results))
    assert [path.name for path in double_descent.figures(results, tmp_path)] == [name for name, _ in drawn]
    assert answer(results).startswith("It depends on more than 1 seed: at least 3 are needed for a verdict.")


SEEDS = 5


@pytest.mark.compiled
def test_flooding_turns_the_test_loss_and_leaves_it_flatter(coarse):
    """The central claim on flipped labels: a second descent with flooding alone, and a test loss that rises less around."""
    found = LongRuns("two_gaussians", 0.2, "", {arm: Measured(train_fleet([describe(
        experiment="claim", seed=seed, data="two_gaussians", train=100, noise=0.2, hidden=(64, 64), level=level, epochs=1500,
        test=500, curve_points=1000, batch_size=50, dense=20, growth=1.1, models=(("zero", "zero error"), ("end", "end")),
        measures=("experiments.trainers.landscape:surroundings",)).settings() for seed in range(SEEDS)]))
        for arm, level in ((PLAIN, 0.0), ("flooded", 0.07))}, 2)
    assert found.there("flooded") is True and found.there(PLAIN) is False
    # Of 5 seeds each, with the whole 95 % interval.
    assert clearly_above(found.descents["flooded"].falls, 0.03)
    plain, flooded = (found.arms[arm].at("end", "rise_test") for arm in (PLAIN, "flooded"))
    assert clearly_above(plain - flooded, 0)
