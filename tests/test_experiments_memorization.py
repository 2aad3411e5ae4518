"""memorization from end to end with tiny settings, its words on made-up results, its measures, and its central claim."""
import math

import numpy as np
import pytest

from experiments.questions import memorization
from experiments.questions.memorization import INPUTS, KINDS, OVERLAPPING, PAIR, RANDOM, REAL, TWICE, Config
from experiments.report import plots
from experiments.report.compare import clearly_above
from experiments.report.measured import Measured
from experiments.runs.store import Store
from experiments.trainers import memorizing
from experiments.trainers.data_sets import load_data
from experiments.trainers.description import describe
from experiments.trainers.measures import Subject
from experiments.trainers.train import train_fleet
from losses import CrossEntropy
from tests.pages import bare
from tests.pictures import memorized

TINY = Config(seeds=1, train=20, hidden=8, epochs=20, sizes=(10, 20), widths=(8,), levels=(0.1, 2.0))


@pytest.mark.compiled
def test_from_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "page", bare)
    store = Store(tmp_path)
    memorization.run(TINY, store)
    assert store.count("memorization") == 5 + 2 * 2 + 2 + 2 * 2
    results = memorization.gather(store, TINY)
    text = "".join(table.plain() for table in memorization.tables(results))
    for words in ("20 digits, 8 hidden units (1 seed)", "random inputs", "float32", "random labels, 20", "Two Gaussians"):
        assert words in text
    paths = memorization.figures(results, tmp_path)
    assert [path.name for path in paths] == ["memorization.png", "memorization_limits.png"]
    assert "(no verdict)" in memorization.answer(results)


# --- words and figures ---

@pytest.mark.parametrize("missing, start", [
    ((), "Yes, if equal inputs have equal labels. Zero training error was reached, of 4 runs each, by 4 on real "),
    ((RANDOM,), "It depends on the data and on training. Zero "), ((REAL, OVERLAPPING), "It depends on the data and on tr"),
    ((*KINDS, OVERLAPPING), "No. Zero training error was reached, of 4 runs each, by 0 on real labels, ")])
def test_the_opening_follows_the_counts(missing, start):
    epochs = [math.nan] * 4 if len(missing) > 2 else [10, 20, 30, math.nan]
    assert memorization.answer(memorized({data: {"zero.epoch": epochs} for data in missing})).startswith(start)


def test_a_contradiction_that_was_fitted_would_be_said():
    text = memorization.answer(memorized({TWICE: {"zero.epoch": [50, math.nan, math.nan, math.nan]}}))
    assert text.startswith("Yes. Zero") and "1 on one input, two labels" in text


@pytest.mark.parametrize("epochs, inputs, words", [
    ([80, 90, 100, 105], [41, 42, 43, 40], (" times the epochs of real ones, clearly later", "clearly sooner than random")),
    ([10, 11, 12, 10], [41, 42, 43, 40], ("ones, clearly sooner (", "fitted clearly later than")),
    ([44, 45, 46, 45], [45, 44, 46, 45], ("not clearly sooner or later (", "fitted not clearly sooner or later than"))])
def test_sooner_and_later_follow_paired_intervals(epochs, inputs, words):
    text = memorization.answer(memorized({RANDOM: {"zero.epoch": epochs}, INPUTS: {"zero.epoch": inputs}}))
    for some in words:
        assert some in text


def test_other_figures_are_those_of_the_runs():
    made = memorized()
    text = memorization.answer(made)
    for words in ("wrong on less than 10.0 %; the least error was 10.0 %", "(chance: 90 %)", "up to 9.0e+05",
                  "at most 0 % in float64, 2 % in float32", "had 2.00 and 9.00 weights per sample",
                  "up to levels of 0.1 and 0.01.", "Cross-entropy was 0.001 or more at the end of all "):
        assert words in text
    lost = memorized({}, late=1.0)
    assert "up to levels of 0 and 0." in memorization.answer(lost)
    runs = lost.runs["level", REAL, max(lost.config.levels)].runs  # where no lower level has none
    for run in runs:
        run.scalars["end.late_train_error"] = 0.0
    assert "up to levels of 0 and 0." in memorization.answer(lost)


def test_sizes_that_none_fitted_are_left_out():
    made = memorized()
    for width in made.config.widths:
        for run in made.runs["size", RANDOM, 200, width].runs:
            run.scalars.pop("zero.weights"), run.scalars.pop("zero.epoch")
    assert np.isnan(memorization.needed(made, RANDOM, 200)).all()
    assert "random labels, 200" in "".join(table.plain() for table in memorization.tables(made))


# --- measures ---

def subject(data, **settings):
    from nn import MLP
    one = load_data(describe(experiment="", seed=0, data=data, train=40, test=50, **settings).data, 0)
    return Subject(MLP((64, 16, 10), seed=3, dtype="float64", backend="numpy"), one, CrossEntropy(),
                   {"train_error": np.array([0.5, 0.2, 0.1, 0.3])}, None)


def test_distances_are_where_a_linear_network_changes_its_mind():
    one = subject(REAL)
    one.model.parameters["W1"][...] = np.abs(one.model.parameters["W1"])  # all units are on, on pixels of at least 0
    found = memorizing.distances(one)
    W = one.model.parameters["W1"] @ one.model.parameters["W2"]  # (64, 10)
    x, y = one.data.train.x, one.data.train.y
    expected = []
    for row, label in zip(x.astype(float), y, strict=True):
        outputs = row @ W
        other = int(np.argmax(np.where(np.arange(10) == label, -np.inf, outputs)))
        expected.append((outputs[label] - outputs[other]) / np.linalg.norm(W[:, label] - W[:, other]))
    assert found["distance_min"] == pytest.approx(min(expected)) and min(expected) < 0
    assert found["distance_median"] == pytest.approx(np.median(expected))


def test_what_no_function_of_the_input_can_do():
    found = memorizing.fitted(subject(TWICE, noise=0.2))
    assert found["least_error"] == pytest.approx(4 / 40) and found["least_loss"] == pytest.approx(8 / 40 * math.log(2))
    assert found["lowest_train_error"] == 0.1 and found["late_train_error"] == pytest.approx(0.2)
    assert found["weights"] == 64 * 16 + 16 + 160 + 10
    plain = memorizing.fitted(subject(RANDOM))
    assert plain["least_error"] == plain["least_loss"] == 0


def test_the_constructed_network_is_measured_where_it_changes_its_mind():
    one = subject(RANDOM)
    found = memorizing.constructed(one)
    assert found["constructed_error"] == 0 and found["constructed_off"] < 1e-8 < found["constructed_off32"]
    assert found["constructed_numbers"] == 2 * 40 + 64 and found["constructed_margin"] == pytest.approx(0.5, abs=1e-6)
    from nn import constructed_network
    x, y = one.data.train.x.astype(float), one.labels("train")
    model = constructed_network(x, y, seed=3)
    a = model.parameters["W1"][:, 0]
    order = np.argsort(x @ a)
    distances = memorizing._on_a_line(x, y, a)
    assert found["constructed_distance_median"] == pytest.approx(np.median(distances))
    steps = (distances[:, None] * a / np.linalg.norm(a))[1:-1]  # the outermost go on beyond the data
    there, labels = x[order][1:-1], y[order][1:-1]
    for share, kept in ((0.99, True), (1.01, False)):  # a step a little shorter than that, either way, and a little longer
        same = [model.predict(there + side * share * steps) == labels for side in (-1, 1)]
        assert (np.all(same, axis=0) == kept).all()


# --- the claim ---

CLAIM = {"experiment": "claim", "train": 100, "hidden": (64,), "epochs": 150, "batch_size": 25, "learning_rate": 3e-3,
         "every": 50, "models": (("zero", "zero error"), ("end", "end")), "measures": ("errors",)}
SEEDS = 6


@pytest.mark.compiled
def test_random_labels_are_fitted_later_and_mean_nothing():
    """The central claim, each part with its whole 95 % interval over six seeds on its side of a bound."""
    real, random = (Measured(train_fleet([describe(**CLAIM, data=data, seed=seed).settings() for seed in range(SEEDS)]))
                    for data in PAIR)
    epochs = [kind.at("zero", "epoch") for kind in (real, random)]
    assert np.isfinite(epochs).all()  # by every network
    assert clearly_above(epochs[1] / epochs[0], 1.5)
    assert np.all(real.at("end", "train_error") == 0) and np.all(random.at("end", "train_error") == 0)
    chance = memorization.CHANCE / 100
    assert clearly_above(-random.at("end", "test_error"), -chance - 0.04)
    assert clearly_above(random.at("end", "test_error"), chance - 0.04)
    assert clearly_above(-real.at("end", "test_error"), -0.25)


