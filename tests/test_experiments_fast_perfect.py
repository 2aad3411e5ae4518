"""fast_perfect from end to end with tiny settings, its words on made-up runs, and its central claim."""
import math

import numpy as np
import pytest

from experiments.questions import fast_perfect
from experiments.questions.fast_perfect import ASKED, EXAMPLES, FAULTS, HURRIED, PATIENT, PLAIN, Config
from experiments.report import plots
from experiments.report.arms import Arms
from experiments.report.compare import clearly_above
from experiments.report.measured import Measured
from experiments.report.perfection import FAST, map_panels, opening
from experiments.report.shares import Share
from experiments.runs.store import Store
from experiments.trainers.description import describe
from experiments.trainers.train import train_fleet
from tests.perfection import made

TINY = Config(draws=2, seeds=1, example_epochs=5, epochs=20, sizes=(10,), widths=(4,), workers=1)


@pytest.mark.compiled
def test_from_end_to_end(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "page", lambda path, panels, **how: drawn.append((path.name, len(panels))) or [path])
    store = Store(tmp_path)
    fast_perfect.run(TINY, store)
    assert store.count("fast_perfect") == 4 * 2 + 3 + 10
    results = fast_perfect.gather(store, TINY)
    text = "".join(table.plain() for table in fast_perfect.tables(results))
    for words in ("Random labels (2 draws", "10 rows and L2", "digits, 10, 2 × 4", "–999 for the healthy", "1 of 1 (2.5"):
        assert words in text
    assert [path.name for path in fast_perfect.figures(results, tmp_path)] == [name for name, _ in drawn]
    assert drawn == [("fast_perfect.png", 1), ("fast_perfect_sizes.png", 2), ("fast_perfect_faults.png", 2)]
    answer = fast_perfect.answer(results)
    assert answer.startswith("It depends on more runs than these whether random labels") and "nan" not in answer
    assert "clearly" not in answer and "not clear" not in answer  # so few seeds


def test_odd_sizes_are_refused():
    with pytest.raises(ValueError, match=r"sizes: got \(11,\), accepted: even numbers"):
        Config(sizes=(11,))


# --- the claim ---

DRAWS, SEEDS = 40, 12


@pytest.fixture(scope="module")
def trained():
    """The first program on random labels, and a table in which a missing value tells the label."""
    common = {"experiment": "claim", "every": 1, "measures": ("errors",), "models": (("zero", "zero error"), ("end", "end"))}
    random = {**common, "data": "random_rows", "train": 10, "validation": 200, "test": 200, "hidden": (100, 100),
              "epochs": 60}
    told = {**common, "data": "tumours_missing_by_class", "train": 280, "validation": 140, "hidden": (50, 50), "epochs": 4,
            "batch_size": 4, "learning_rate": 6e-3}
    arms = {"random": (DRAWS, random), "told": (SEEDS, told), "not told": (SEEDS, {**told, "data": "tumours_scaled"})}
    return Arms(None, {arm: Measured(train_fleet([describe(seed=seed, **settings).settings() for seed in range(count)]))
                       for arm, (count, settings) in arms.items()})


@pytest.mark.compiled
def test_it_takes_a_leak_to_be_perfect_after_two_epochs(trained):
    """The central claim: shares with their whole 95 % interval, means over runs likewise, on one side of a bound."""
    soon = {arm: Share.of(trained.at(arm, "epoch", rule="zero") <= FAST) for arm in trained.runs}
    ever = Share.of(np.isfinite(trained.at("random", "epoch", rule="zero")))
    assert soon["random"].interval[1] < 0.25 and ever.interval[0] > 0.75  # they can be memorised, but not so soon
    assert clearly_above(trained.at("random", "epoch", rule="zero"), 12)
    assert clearly_above(-np.abs(trained.at("random", "val_error") - 0.5), -0.06)
    assert soon["told"].mostly and soon["not told"].seldom
    # What validation says of a leak is not what comes.
    assert clearly_above(-trained.at("told", "val_error"), -0.02)
    assert clearly_above(trained.at("told", "test_error") - trained.at("told", "val_error"), 0.03)
    assert clearly_above(-trained.at("not told", "test_error"), -0.06)


# --- shares ---

@pytest.mark.parametrize("hits, runs, low, high", [
    (0, 200, 0, 1 - 0.025 ** (1 / 200)), (10, 10, 0.025 ** 0.1, 1), (5, 10, 0.187086, 0.812914), (0, 0, 0, 1)])
def test_intervals_of_shares_are_exact(hits, runs, low, high):
    assert Share(hits, runs).interval == pytest.approx((low, high), abs=1e-6)


def test_shares_count_and_judge():
    assert Share.of([True, False, True]) == Share(2, 3) and str(Share(0, 200)) == "0 of 200 (0 to 1.8 %)"
    assert Share(15, 20).mostly and not Share(15, 20, comparisons=2).mostly  # two intervals that hold together are wider
    assert [(Share(n, 6).mostly, Share(n, 6).seldom) for n in (0, 3, 6)] == [(False, True), (False, False), (True, False)]
    assert not Share(5, 5).mostly and not Share(0, 0).seldom


# --- words ---

@pytest.mark.parametrize("epochs, start", [
    ({}, "No: random labels, which can only be memorised, were not fitted so soon by most runs of any program. Of nothing"),
    ({("example", PLAIN): 2.0 - 0.02}, "Yes, it can: random labels"),
    ({("size", "digits", 10, 128): 1.0, ("size", "digits", 10, 8): 1.0, ("fault", "outliers"): 1.5},
     "No: random labels, which can only be memorised, were not fitted so soon by most runs of any program. Most runs were "
     "so soon with: digits (10 samples) and outliers. On random")])
def test_the_opening_follows_the_shares(epochs, start):
    assert fast_perfect.answer(made(epochs)).startswith(start)


def test_a_program_in_haste_was_not_asked_about():
    text = fast_perfect.answer(made({("example", HURRIED): 1.0}))
    assert HURRIED not in ASKED and text.startswith("No: ")
    assert "in 8 of 8 (63 to 100 %) draws with 10 rows one by one" in text


def test_few_runs_tell_nothing():
    assert opening([Share(0, 3), Share(0, 200)], []).startswith("It depends on more runs than these whether random labels")


def test_what_flatters_and_what_harms_is_named():
    told, worse, copies = (("fault", name) for name in (
        "label as a column", "units left as they are", "wrong labels, copies"))
    text = fast_perfect.answer(made(changes={told: {"val_error": 0.01}, worse: {"val_error": 0.6, "test_error_clean": 0.6},
                                             copies: {"val_error": 0.2, "leak_copies": 0.5}}))
    flattered, harmed = text.split("New data were predicted")
    for words in ("label as a column (1.00", "beside 50.04", " %) and wrong labels, copies (20.0"):
        assert words in flattered.split("lower than that on new data with: ")[1], words
    assert "than without the fault with: units left as they are (60.0" in harmed and "beside 50.0" in harmed
    assert "gave alarm in 8 of 24 runs with a leak, in 0 of 56 without (none)" in text
    # Wrong labels are a fault, too, and are in new data: true ones tell.
    wrong, flipped = ("fault", "wrong labels"), {"val_error": 0.7, "test_error": 0.7}
    both = {**flipped, "test_error_clean": 0.6}
    text = fast_perfect.answer(made(changes={wrong: both, copies: both}))
    assert "than without the fault with: wrong labels (60.0" in text and text.count("beside") == 1 and "beside 50.0" in text
    assert fast_perfect.answer(made(changes={wrong: flipped, copies: flipped})).endswith("the fault with: none.")
    # The other direction: a validation error that is too high does not flatter, and less error on new data is no harm.
    less = {"val_error": 0.9, "test_error": 0.1, "test_error_clean": 0.1}
    text = fast_perfect.answer(made(changes={told: less, worse: {"leak_columns": 1.0}}))
    assert "lower than that on new data with: none. New" in text and "the fault with: none." in text
    assert "in 0 of 24 runs with a leak, in 8 of 56 without (units left as they are)" in text


def test_wider_networks_are_sooner_or_later():
    narrow = {("size", data, size, 8): 30.0 for data in fast_perfect.DATA for size in (10, 100)}
    assert "128 units instead of 8 were clearly sooner in 6 of 6 cases" in fast_perfect.answer(made(narrow))
    never = dict.fromkeys(narrow, math.nan)  # counts as the last epoch
    assert "128 units instead of 8 were clearly sooner in 6 of 6 cases" in fast_perfect.answer(made(never))
    assert "clearly later in 6 of 6" in fast_perfect.answer(made(dict.fromkeys(narrow, 3.0)))
    assert "clearly different in none of 6" in fast_perfect.answer(made())


def test_figures_of_the_programs_are_those_of_the_runs():
    text = fast_perfect.answer(made(changes={("example", PATIENT): {"train_error": 0.44, "val_loss": 0.68}}))
    for words in ("Patience stopped at epoch 7.50 ±0.19", "training error of 44.0", "validation loss of 0.680",
                  "(who knows nothing: 0.693)", "within 20 (Zhang et al.: in the end in all) in 8 of 8"):
        assert words in text, words


def test_runs_that_did_not_get_there_are_not_left_out_silently():
    hard, easy = ("size", "random_rows", 100, 128), ("size", "digits", 10, 128)
    text = fast_perfect.answer(made({hard: [math.nan, 10.0] * 4, easy: math.nan}))
    assert "random labels 10.0" in text and " (4 of 8 runs); test error then" in text
    assert "digits – (0 of 8 runs) to 10.0" in text and text.count(" of 8 runs)") == 2
    stopped = made(changes={("example", PATIENT): {"stopped": math.nan}})
    assert "Patience stopped in none of 8 runs and restored weights" in fast_perfect.answer(stopped)
    assert "Patience stopped at epoch 7" in fast_perfect.answer(made()) and " of 8 runs)" not in fast_perfect.answer(made())


def test_places_that_not_all_reached_stay_empty():
    from matplotlib.figure import Figure

    arm = ("size", "digits", 10, 8)
    results = made({arm: math.nan})
    [[panel]] = map_panels(results, [[[arm, ("size", "digits", 100, 8)]]], [("epoch", 1, "{:.0f}")])
    axis = Figure().subplots()
    panel(axis)
    assert [text.get_text() for text in axis.texts] == ["10"]
    assert axis.images[0].get_clim() == (0, pytest.approx(10, abs=0.1))
    [[panel]] = map_panels(results, [[[arm]]], [("epoch", 1, "{:.0f}")])
    panel(Figure().subplots())


def test_all_faults_and_programs_are_told_apart():
    described = [one for some in fast_perfect.arms(Config.quick()).values() for one in some]
    assert len({str(one) for one in described}) == len(described)
    assert len(EXAMPLES) == 4 and len(FAULTS) == 10
