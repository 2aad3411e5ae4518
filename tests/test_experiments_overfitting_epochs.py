"""overfitting_epochs from end to end with tiny settings, its words on made-up runs, and its central claim."""

import numpy as np
import pytest

from experiments.questions import overfitting_epochs
from experiments.questions.overfitting_epochs import Config
from experiments.report import plots
from experiments.report.arms import Arms
from experiments.report.compare import AGREES, BETTER, DEVIATES, UNCLEAR, UNKNOWN, WORSE, agreement, clearly_above
from experiments.report.many_epochs import Case, best_of_others, opened, product_verdicts, rise, same_products
from experiments.report.measured import Measured
from experiments.runs.store import Store
from experiments.trainers.description import describe
from experiments.trainers.learnt import effective_rank
from experiments.trainers.train import train_fleet
from tests.many_epochs import made
from tests.pages import bare

TINY = Config(seeds=1, epochs=(10, 100), rates=(0.05, 0.5), widths=(4,), train=40, test=100)
MEASURES = ("experiments.trainers.learnt:learnt",)


def trained(seeds, epochs, **how):
    """Runs of which the networks after some epochs are measured."""
    fixed = {"experiment": "claim", "data": "digits", "train": 100, "test": 500, "hidden": (32,), "optimizer": "sgd",
             "batch_size": 0, "every": min(epochs), "epochs": max(epochs), "measures": MEASURES, "noise": 0.2,
             "models": tuple((str(epoch), f"epoch {epoch}") for epoch in epochs)}
    return Measured(train_fleet([describe(seed=seed, **{**fixed, **how}).settings() for seed in range(seeds)]))


@pytest.mark.compiled
def test_from_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "page", bare)
    store = Store(tmp_path)
    overfitting_epochs.run(TINY, store)
    assert store.count("overfitting_epochs") == 4
    results = overfitting_epochs.gather(store, TINY)
    text = "".join(table.plain() for table in overfitting_epochs.tables(results))
    for words in ("with 20 % of labels flipped (1 seed)", "with true labels", "4 units, rate 0.05, 100", "directions"):
        assert words in text
    paths = overfitting_epochs.figures(results, tmp_path)
    assert [path.stem for path in paths] == ["overfitting_epochs", "overfitting_epochs_capacity"]
    answer = overfitting_epochs.answer(results)
    assert answer.startswith("It depends on more than 1 seed: at least 3 are needed") and "nan" not in answer
    assert "clearly" not in answer and "not clear" not in answer  # so few seeds
    assert "Spared" not in answer and "rose clearly" not in answer  # nothing is clear of so few


def test_settings_that_do_not_fit_are_named():
    assert Config(epochs=(50, 500)).kept == [10, 20, 50, 100, 200, 500]
    with pytest.raises(ValueError, match=r"epochs: got \(15, 50\), accepted: multiples of 10"):
        Config(epochs=(15, 50))
    with pytest.raises(ValueError, match="train: got 300, accepted: with `test` below 1797 digits"):
        Config(train=300)


# --- the measures ---

@pytest.mark.parametrize("matrix, directions", [
    (np.eye(3), 3), (np.outer([1, 2], [3, 4, 5]), 1), (np.zeros((2, 2)), 0), (np.diag([3.0, 1.0]), 4 / 3**0.75)])
def test_directions_of_a_matrix(matrix, directions):
    assert effective_rank(matrix) == pytest.approx(directions)
    assert effective_rank(7 * matrix.T) == pytest.approx(directions)


def test_distance_is_from_the_weights_that_training_began_with():
    """After ever smaller updates it is as small, and one full-batch step is rate × gradient."""
    from experiments.data import digits
    from losses import CrossEntropy
    from nn import MLP

    runs = [trained(1, [10], learning_rate=rate, train=40).runs[0].scalars for rate in (1e-5, 1e-6)]
    data = digits(40, 1, 500, noise=0.2, seed=0)
    start = MLP((64, 32, 10), seed=0)
    _, gradients = start.loss_and_gradients(data.train.x, data.train.y, CrossEntropy())
    norm = np.sqrt(sum(float(np.vdot(g, g)) for g in gradients.values()))
    assert runs[0]["10.distance"] == pytest.approx(1e-4 * norm, rel=0.02)
    assert runs[1]["10.distance"] == pytest.approx(1e-5 * norm, rel=0.05)
    assert runs[0]["10.norm"] == pytest.approx(np.linalg.norm(start.flat), rel=1e-3)
    assert runs[0]["10.fit_error"] == np.mean(start.predict(data.train.x) != data.train.y)


# --- the claim ---

@pytest.mark.compiled
def test_rate_times_epochs_overfits_wrong_labels_alone():
    """Each part with its whole 95 % interval over six seeds on its side of a bound."""
    fast, slow = trained(6, (50, 100, 1000), learning_rate=0.5), trained(6, (500,), learning_rate=0.05)
    true = trained(6, (100, 1000), learning_rate=0.5, noise=0.0)
    for figure, near in (("distance", 0.03), ("directions", 0.03)):
        assert agreement(fast.values(f"50.{figure}") / slow.values(f"500.{figure}"), 1, near) == AGREES
    assert agreement(fast.values("50.true_error") - slow.values("500.true_error"), 0, 0.04) == AGREES
    assert clearly_above(fast.values("1000.true_error") - fast.values("50.true_error"), 0.05)
    assert clearly_above(fast.values("1000.flips_learnt") - fast.values("50.flips_learnt"), 0.6)
    assert clearly_above(0.01 + true.values("100.true_error") - true.values("1000.true_error"), 0)
    for figure in ("distance", "norm", "directions"):  # which grow with true labels, too
        assert clearly_above(true.values(f"1000.{figure}") - true.values(f"100.{figure}"), 0)


# --- words ---

def test_a_rise_is_counted_from_the_epoch_that_is_best_for_the_others():
    curves = np.array([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0], [0.5, 1.2, 2.0]])
    assert best_of_others(curves).tolist() == [1, 1, 1] and rise(curves).tolist() == [1.0, 1.0, 0.8]
    assert rise(curves[2:]).tolist() == [1.5]
    noise = np.random.default_rng(0).normal(size=(500, 3, 10))  # nothing rises
    assert abs(np.mean([rise(some) for some in noise])) < 0.1


F, T = "flipped", "true"


@pytest.mark.parametrize("flipped, true, opening", [
    ([WORSE, WORSE], [WORSE], "Yes: after 500 epochs the test error on true labels was clearly above its lowest in 2 of 2"),
    ([UNCLEAR, BETTER], [UNCLEAR], "No: "), ([WORSE, UNCLEAR], [UNCLEAR], "It depends on the labels and size: "),
    ([WORSE, WORSE], [UNCLEAR, UNCLEAR], "It depends on the labels: "),
    ([WORSE, UNCLEAR], [WORSE], "It depends on size: "),
    ([UNKNOWN, UNKNOWN], [UNKNOWN], "It depends on more than 4 seeds: at least 3")])
def test_the_answer_opens_as_the_cases_say(flipped, true, opening):
    found = {F: {Case(0.2, i, 1.0): verdict for i, verdict in enumerate(flipped)},
             T: {Case(0.0, i, 1.0): verdict for i, verdict in enumerate(true)}}
    assert opened(found, 4, 500).startswith(opening)


def test_only_what_decides_is_named():
    cases = {Case(noise, width, rate): rate > 1 for noise in (0.0, 0.2) for width in (4, 32) for rate in (1.0, 2.0)}
    verdicts = {case: WORSE if rose else UNCLEAR for case, rose in cases.items()}
    assert opened({F: verdicts}, 4, 500).startswith("It depends on rate × epochs: after 500 epochs")
    verdicts[Case(0.2, 32, 1.0)] = WORSE
    assert opened({F: verdicts}, 4, 500).startswith("It depends on the labels, rate × epochs and size: ")


def test_the_answer_says_what_is_spared_and_what_has_grown():
    answer = overfitting_epochs.answer(made())
    assert answer.startswith("It depends on the labels and rate × epochs: after 2000 epochs the test error on "
                             "true labels was clearly above its lowest in 4 of 6 cases with 20 % of labels flipped and in 0 "
                             "of 6 cases with true labels.")
    assert "Spared, as far as is clear, with 20 % of labels flipped: 4 units, rate 0.01; 32 units, rate 0.01." in answer
    assert "only the product counts; this agrees: 2000 epochs at rate 0.01, 200 epochs at rate 0.1 and 20" in answer
    assert "flipped labels learnt, %, 66.67" in answer and "nan" not in answer
    assert answer.endswith("where there are wrong labels for it to take in.")
    none, all_rise = (overfitting_epochs.answer(made(slopes)) for slopes in ((0.0, 0.0), (0.1, 0.1)))
    assert none.startswith("No: ") and "error grows" not in none and "take in" not in none
    assert all_rise.endswith(" Wrong labels are taken in, and the error grows.")


def test_products_of_rate_and_epochs():
    assert same_products((0.1, 1.0), (20, 200)) == {20.0: [(0.1, 200), (1.0, 20)]}
    results = made(off=0.5)
    pairs = same_products(results.config.rates, results.config.epochs)[20.0]
    assert pairs == [(0.01, 2000), (0.1, 200), (1.0, 20)]
    assert set(product_verdicts(results, pairs)["distance"]) == {DEVIATES}
    assert "only the product counts; this disagrees" in overfitting_epochs.answer(results)
    one = Arms(results.config, {case: Measured(runs.runs[:2]) for case, runs in made().runs.items()})
    assert set(product_verdicts(one, pairs)["test error"]) == {UNKNOWN}
