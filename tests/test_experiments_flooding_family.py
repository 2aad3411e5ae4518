"""flooding_family: tiny runs from end to end, its words on made-up results, and its central claims with noisy labels."""
import numpy as np
import pytest

from experiments.questions import flooding_family
from experiments.questions.flooding_family import BATCHES, FAMILY, PLAIN, SAMPLES, Config
from experiments.report import plots
from experiments.report.batch_sizes import BatchSizes, batch_words
from experiments.report.compare import clearly_above
from experiments.report.measured import Measured
from experiments.runs.identity import run_key
from experiments.runs.store import Run, Store
from experiments.trainers.description import describe
from experiments.trainers.measures import Subject
from experiments.trainers.plain_losses import plain_losses
from experiments.trainers.strengths import strength
from experiments.trainers.train import train_fleet
from losses.levels import levels_from_losses
from tests.pages import bare

TINY = Config(seeds=2, noise=(0.1,), train=20, hidden=(8,), epochs=10, batch_size=10, learning_rate=0.03, folds=2,
              auxiliary_epochs=2, batch_sizes=(5, 20), shares=(0.1, 0.3))


def test_from_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "page", bare)
    monkeypatch.setattr(flooding_family, "DATA", {"two_gaussians": 20})
    store = Store(tmp_path)
    flooding_family.run(TINY, store)
    assert store.count("flooding_family") == 2 * (1 + 7 * 2 + 3 * 2)
    results = flooding_family.gather(store, TINY)
    text = "".join(table.plain() for table in flooding_family.tables(results))
    for words in ("Two Gaussians, 10 % flipped (2 seeds", *FAMILY, "batch sizes at level 0.173", "20 % more", "0 of 1"):
        assert words in text
    paths = flooding_family.figures(results, tmp_path)
    assert [path.name for path in paths] == ["flooding_family.png", "flooding_family_batches.png"]
    text = flooding_family.answer(results)
    assert text.startswith("It depends on more than 2 seeds, which cannot tell: the question")
    assert "clearly" not in text and "not clear" not in text  # so few seeds
    assert "an edge of the grid, where a wider one might choose otherwise." in text and "None lies inside." in text


@pytest.mark.parametrize(("change", "message"), [
    ({"shares": (0.1, 0.6)}, r"shares: got \(0.1, 0.6\), accepted"),
    ({"batch_sizes": (3, 20)}, r"batch_sizes: got \(3, 20\), accepted: two or more different divisors of train, 20"),
    ({"batch_sizes": (20,)}, r"batch_sizes: got \(20,\), accepted"),
    ({"train": 15}, "train: got 15, accepted: an even number")])
def test_settings_that_would_be_unfair_are_refused(change, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        Config(**{"train": 20, "batch_sizes": (5, 20), **change})


def test_every_method_has_the_same_budget():
    config = Config()
    tuned, sizes = flooding_family.arms(config, flooding_family.cases(config)[1])
    assert {len(some) for name, some in tuned.items() if name != PLAIN} == {6} and [*tuned] == [PLAIN, *FAMILY]
    schedules = {run.schedule for some in tuned.values() for runs in some.values() for run in runs}
    assert schedules == {tuned[PLAIN][0.0][0].schedule}
    updates = {run.schedule.epochs * 200 // size for some in sizes.values() for size, runs in some.items() for run in runs}
    assert updates == {2000}
    for name in (BATCHES, SAMPLES, "SoftAD", "RelaxLoss"):
        levels = [run.loss.level for [run, *_] in tuned[name].values()]
        assert levels == pytest.approx(np.log(2) * np.array(config.shares), 5e-3)
    for name, some in tuned.items():
        assert name == PLAIN or np.divide([*some][1:], [*some][:-1]) == pytest.approx(2, 0.01)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_the_strongest_candidates_hold_a_sample_at_half_of_log_k(classes):
    """The optimum of each loss, found on a fine grid of the label's probability; others share what is left."""
    p = np.linspace(1e-3, 1 - 1e-4, 200_000)
    rest = (1 - p) / (classes - 1)
    smoothing, penalty = (strength(field, 0.5, classes) for field in ("label_smoothing", "confidence_penalty"))
    optima = [p[np.argmin(loss)] for loss in (
        -(1 - smoothing) * np.log(p) - smoothing / classes * (np.log(p) + (classes - 1) * np.log(rest)),
        -np.log(p) + penalty * (p * np.log(p) + (1 - p) * np.log(rest)))]
    ignorant = levels_from_losses([np.log(classes)], 1 - strength("gamma", 0.5, classes))
    assert [strength("level", 0.5, classes)] == [0.5]
    assert [*-np.log(optima), *ignorant] == pytest.approx([np.log(classes) / 2] * 3, rel=5e-3)


def test_losses_are_compared_without_smoothing_penalty_or_flood():
    from experiments.trainers.data_sets import load_data
    from experiments.trainers.watching import take
    from losses import ConfidencePenalty, CrossEntropy
    from nn import MLP

    run = describe(experiment="t", seed=1, data="two_gaussians", train=10, validation=5, test=7, noise=0.2)
    data, model = load_data(run.data, 1), MLP((10, 4, 2), seed=1)
    found = plain_losses(Subject(model, data, ConfidencePenalty(CrossEntropy(0.3), 2.0), {}, take(1.0, model)))
    for name, part in (("train", data.train), ("val", data.validation), ("test", data.test)):
        assert found[f"{name}_loss"] == pytest.approx(CrossEntropy().value(model.forward(part.x), part.y), rel=1e-6)
    assert found["train_losses"].shape == (20,) and found["train_losses"].mean() == pytest.approx(found["train_loss"])


# --- words ---

def made(figures, noise=(0.0, 0.10), seeds=3, pick=lambda name, noise: 1):
    """Made-up results: `figures(method, noise)` gives what a method's runs differ in from the usual ones; `pick(method,
    noise)` which of three candidates validation prefers.
    """
    config = Config(seeds=seeds, noise=noise, train=20, epochs=10, batch_size=10, batch_sizes=(5, 20),
                    shares=(0.1, 0.2, 0.4))
    named = {}
    for case in flooding_family.cases(config):
        for part in flooding_family.arms(config, case):
            named |= {run_key(run.settings()): ((name, case.noise), place) for name, some in part.items()
                      for place, runs in enumerate(some.values()) for run in runs}

    class Made:
        def require(self, settings):
            seed = settings["seed"]
            scatter = np.random.default_rng(seed).normal(0, 0.001)
            method, place = named[run_key(settings)]
            usual = {"test_loss": 1.0, "test_error": 0.2, "calibration_error": 0.1, "train_loss": 0.1,
                     "val_error": 0.2 + 0.1 * (place != pick(*method)), "val_loss": 1.0, "test_error_clean": 0.1}
            scalars = {name: value * (1 + scatter) for name, value in (usual | figures(*method)).items()}
            norm = scalars.pop("parameter_norm", 9.0)
            curves = {"epoch": np.array([10.0]), "flooded_fraction": np.array([0.5]), "parameter_norm": np.array([norm])}
            losses = np.random.default_rng(seed).exponential(0.25 * np.log(2), 20)
            return Run(curves, {"end.epoch": 10.0, **{f"end.{name}": value for name, value in scalars.items()}},
                       {"end.train_losses": losses})

    return flooding_family.gather(Made(), config)


def told(*what, **how):
    """The answer on what `made` makes."""
    return flooding_family.answer(made(*what, **how))


BETTER = {"test_loss": 0.5, "test_error": 0.1, "calibration_error": 0.02}
WORSE = {"test_loss": 2.0, "test_error": 0.3, "calibration_error": 0.3}


def test_it_pays():
    text = told(lambda name, noise: {} if name == PLAIN else BETTER)
    assert text.startswith("Yes for the test loss (better in 28 of 28 cases)")
    assert "yes for the test error (better in 28 of 28 cases)" in text
    assert "Calibration was clearly better in 28. Of the plain test loss were left: 0.50 (flooding of batches)" in text
    assert "All 28 choices lie inside their grids. Batches or samples? Beside flooding of batches, where both" in text
    assert "inside: without a clear difference flooding of samples (4 cases), AdaFlood (4 cases)," in text
    assert "gap: clearly different in none of 4" in text and "beside plain was clearly better in 4 of 4." in text


def test_it_does_not_pay():
    text = told(lambda name, noise: {} if name == PLAIN else WORSE)
    assert text.startswith("No for the test loss (worse in 28 of 28 cases)")
    assert "Calibration was clearly worse in 28" in text and "left: 2.0 (flooding of batches)" in text
    assert "beside plain was clearly worse in 4 of 4." in text


def test_it_depends_on_the_labels():
    text = told(lambda name, noise: {} if name == PLAIN else BETTER if noise else WORSE)
    assert text.startswith("It depends on the labels") and "worse where they are clean" in text
    assert "better where 10 % are wrong" in text
    assert "labels: where they are clean clearly worse in 14; where 10 % are wrong clearly better in 14." in text


def test_nothing_changes(monkeypatch):
    assert "cannot tell" in told(lambda name, noise: {})
    monkeypatch.setattr(flooding_family, "SEEDS", 3)
    assert told(lambda name, noise: {}).startswith("No: test loss and test error did not change clearly in any of 28 cases.")


def test_batches_samples_and_what_authors_report():
    text = told(lambda name, noise: {BATCHES: BETTER, "SoftAD": {"parameter_norm": 5.0, "train_loss": 0.9},
                                     SAMPLES: WORSE}.get(name, {}))
    assert "inside: flooding of samples by test loss clearly worse in 4 of 4 and test error clearly worse in 4 of 4;" in text
    assert "norm: clearly better in 4 of 4; the gap: clearly better in 4 of 4" in text
    text = told(lambda name, noise: {SAMPLES: BETTER, "SoftAD": {"parameter_norm": 12, "train_loss": 0}}.get(name, {}))
    assert "flooding of samples by test loss clearly better in 4 of 4 and test error clearly better in 4 of 4;" in text
    assert "norm: clearly worse in 4 of 4; the gap: clearly worse in 4 of 4" in text


def test_a_choice_at_the_edge_of_its_grid_judges_no_method():
    """Validation takes the lowest candidate of SoftAD, and of sample flooding the highest where labels are clean."""
    text = told(lambda name, noise: {BATCHES: BETTER, "SoftAD": {"train_loss": 0.9}, SAMPLES: WORSE}.get(name, {}),
                pick=lambda name, noise: {PLAIN: 0, "SoftAD": 0, SAMPLES: 1 if noise else 2}.get(name, 1))
    assert ("Of 28 choices 4 at the lowest candidate (SoftAD 4) and 2 at the highest candidate (flooding of samples 2) lie "
            "at an edge of the grid") in text
    assert "In 4 of the 4 at the lowest plain has no higher validation error. Of the other 22 test loss" in text
    assert "Of the other 22 test loss was clearly better in 4, worse in 2 and test error was clearly better in 4" in text
    assert "inside: flooding of samples by test loss clearly worse in 2 of 2 and test error clearly worse in 2 of 2;" in text
    assert "; no case of SoftAD can be judged." in text
    assert "the norm: cannot be judged; the gap: cannot be judged." in text
    assert text.startswith("It depends on the data for the test loss: clearly better in 4, worse in 4 of 28 cases")


def sizes(losses, small=1.0, large=1.0):
    """Made-up runs with batches of 10 and 200, four seeds; `losses(rng)` are those of the training samples (200,)."""
    def runs(value):
        return Measured([Run({}, {"end.test_loss": value + seed / 1000}, {
            "end.train_losses": losses(np.random.default_rng(seed))}) for seed in range(4)])
    return BatchSizes("made up", 0.5, {BATCHES: {10: runs(small), 200: runs(large)}}, {BATCHES: "hue green"})


def test_words_on_the_gap():
    normal = sizes(lambda rng: 0.5 + 0.2 * (z := rng.normal(size=200)) - 0.2 * z.mean(), small=2.0)
    text = batch_words([normal])
    assert normal.ratio(10) == pytest.approx(1, abs=0.03) and np.isnan(normal.ratio(200))
    assert "nats with batches of 10, by 0 with 200" in text and "in 1 case: flooding of batches clearly worse in 1." in text
    assert f"That is {normal.ratio(10):.2f} times the formula's gap, not clearly different from it in 1 of 1" in text
    skewed = batch_words([sizes(lambda rng: np.where(np.arange(200) == 0, 60.0 + rng.normal(), 0.3), large=2.0)])
    assert "not clearly different from it in 0 of 1 comparisons" in skewed and "clearly better in 1." in skewed
    assert "The formula has none either." in batch_words([sizes(lambda rng: np.full(200, 0.3))])


# --- the central claims, trained ---

SEEDS = 5


@pytest.mark.compiled
def test_with_wrong_labels_flooding_pays_and_batches_are_not_samples():
    """One in ten of 80 labels wrong. Each part with its whole 95 % interval over five seeds on its side of a bound."""
    def trained(**settings):
        return Measured(train_fleet([describe(
            experiment="claim", seed=seed, data="two_gaussians", train=40, noise=0.1, hidden=(32,), epochs=300, test=500,
            batch_size=20, learning_rate=0.01, every=30, models=(("end", "end"),), **settings,
            measures=("experiments.trainers.plain_losses:plain_losses",)).settings() for seed in range(SEEDS)]))

    level = 0.25
    plain, batches, samples = trained(), trained(level=level), trained(level=level, flood="instance_flooding")
    for flooded in (batches, samples):
        assert clearly_above(plain.values("end.test_loss") - flooded.values("end.test_loss"), 0.3)
        assert clearly_above(-np.abs(flooded.values("end.train_loss") - level), -0.05)
    # Batches held at the level leave their samples apart; samples held at it lie together.
    spread = {name: np.array([run.arrays["end.train_losses"].std() for run in runs.runs])
              for name, runs in (("batches", batches), ("samples", samples))}
    assert clearly_above(spread["batches"] - 2 * spread["samples"], 0)
    # So the gap of batches is about that of the formula.
    case = BatchSizes("claim", level, {BATCHES: {20: batches}}, {})
    measured, predicted = case.gaps(20)
    assert clearly_above(measured, 0.005) and abs(case.ratio(20) - 1) < 0.1
    assert clearly_above(-np.abs(measured / predicted - 1), -0.15)
