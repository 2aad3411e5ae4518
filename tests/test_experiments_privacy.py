"""privacy from end to end with tiny settings, its claim, attacks on made-up runs, and words on made-up results."""
import numpy as np
import pytest

from experiments.questions import privacy
from experiments.questions.privacy import Config
from experiments.questions.privacy.attacked import ATTACKS, Attacked, Case, against_shadows, interval
from experiments.questions.privacy.cases import SEEDS, TIMES
from experiments.questions.privacy.compared import moves
from experiments.questions.privacy.sentences import sentences
from experiments.report import plots
from experiments.report.compare import BETTER, UNCLEAR, UNKNOWN, WORSE, clearly_above
from experiments.report.measured import Measured
from experiments.runs.store import Run, Store
from experiments.trainers import exposure
from experiments.trainers.description import describe
from experiments.trainers.train import train_fleet
from tests.pages import bare

TINY = Config(seeds=3, noise=(0.1,), train=20, validation=10, hidden=(8,), epochs=40, batch_size=10, learning_rate=0.03,
              levels=(0.3,), relax=(0.5,), dropout=(0.5,))


@pytest.mark.compiled
def test_from_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "page", bare)
    monkeypatch.setattr(exposure, "STEPS", 2)
    monkeypatch.setattr(exposure, "DIRECTIONS", 2)
    store = Store(tmp_path)
    privacy.run(TINY, store)
    assert store.count("privacy") == 4 * 3
    results = privacy.gather(store, TINY)
    text = "".join(table.plain() for table in privacy.tables(results))
    for words in ("Membership, 10 % flipped labels (3 runs", "Reconstruction", "plain, early stopping", "flooding 0.3, end",
                  "RelaxLoss 0.5, end", "dropout 0.5, end", "AUC, LiRA"):
        assert words in text
    paths = privacy.figures(results, tmp_path)
    assert [path.name for path in paths] == ["privacy.png", "privacy_defences.png", "privacy_images.png"]
    assert privacy.answer(results).startswith(("Yes", "No", "It depends"))


@pytest.mark.compiled
def test_zero_loss_leaks_and_a_flood_takes_from_it():
    """The central claim, each part with its whole 95 % interval over eight seeds beyond a bound."""
    plain, flooded = (Measured(train_fleet([describe(
        experiment="claim", seed=seed, data="digits", noise=0.1, train=100, validation=100, hidden=(32,), batch_size=20,
        epochs=200, learning_rate=0.01, every=100, level=level, models=(("zero", "zero error"), ("end", "end")),
        measures=("experiments.trainers.exposure:answers",)).settings() for seed in range(8)])) for level in (0.0, 0.3))
    zero, end, flood = Attacked(plain, "zero"), Attacked(plain, "end"), Attacked(flooded, "end")
    auc = {attack: end.found("auc", attack) for attack in ATTACKS}
    assert clearly_above(auc["loss"], 0.7)
    assert clearly_above(auc["LiRA"] - auc["loss"], 0.05)
    assert clearly_above(auc["loss"] - zero.found("auc", "loss"), 0.02)  # training on from zero error
    assert clearly_above(end.found("balanced", "loss") - flood.found("balanced", "loss"), 0.05)


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="train: got 1500, accepted: at most 1487 beside 300 for validation"):
        Config(train=1500)


# --- attacks on runs ---

def test_answers_of_all_seeds_are_about_the_same_samples():
    """What is one run's member is another's shadow: a place is one sample, whatever part it is in."""
    found = train_fleet([describe(
        experiment="test", seed=seed, data="digits", train=30, validation=20, hidden=(4,), epochs=1,
        measures=("experiments.trainers.exposure:answers",)).settings() for seed in range(2)])
    labels, parts = (np.array([run.arrays[name] for run in found]) for name in ("labels", "parts"))
    np.testing.assert_array_equal(labels[0], labels[1])
    assert [np.bincount(part).tolist() for part in parts] == 2 * [[30, 20, 1747]]
    assert (parts[0] != parts[1]).sum() > 50


def made_up(seeds=6, samples=400, leak=3.0):
    """Runs with made-up answers: members' log-odds of their label are larger by `leak`."""
    runs = []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, 5])
        parts, labels = rng.integers(3, size=samples), np.arange(samples) % 2
        odds = np.random.default_rng(9).standard_normal((samples, 2)) * 3 + rng.standard_normal((samples, 2))
        odds[np.arange(samples), labels] += leak * (parts == 0)
        runs.append(Run(arrays={"end.odds": odds.astype(np.float16), "end.labels": labels.astype(np.int8),
                                "end.parts": parts.astype(np.int8)}))
    return runs


def test_a_target_is_judged_by_the_others_alone():
    """Neither its shadows' scores nor its threshold change when its own members are called otherwise."""
    runs = made_up()
    odds, labels, parts = (np.stack([run.arrays[f"end.{name}"] for run in runs]) for name in ("odds", "labels", "parts"))
    odds = odds.astype(float)
    scores = against_shadows(odds, labels, parts)
    other = parts.copy()
    other[2] = (other[2] + 1) % 3
    np.testing.assert_array_equal(against_shadows(odds, labels, other)[2], scores[2])
    assert not np.array_equal(against_shadows(odds, labels, other)[0], scores[0], equal_nan=True)


def test_figures_of_runs_with_a_leak_and_without():
    with_leak, without = (Attacked(Measured(made_up(leak=leak)), "end") for leak in (3.0, 0.0))
    for attack in ("loss", "LiRA"):
        assert clearly_above(with_leak.found("auc", attack), 0.7)
        assert clearly_above(with_leak.found("balanced", attack), 0.6)
        mean, half = map(float, interval(without.found("auc", attack)).split(" ±"))
        assert abs(mean - 0.5) <= half
    assert clearly_above(with_leak.found("caught", "LiRA") - with_leak.found("caught", "loss"), 0.1)


def test_too_few_runs_have_no_shadow_models_and_missing_models_are_left_out():
    two = Attacked(Measured(made_up(seeds=2)), "end")
    assert np.isnan(two.found("auc", "LiRA")).all() and not np.isnan(two.found("auc", "loss")).any()
    runs = made_up()
    some = Attacked(Measured([*runs[:3], Run(), *runs[3:]]), "end")
    assert np.isnan(some.found("auc", "loss")).tolist() == [False] * 3 + [True] + [False] * 3
    np.testing.assert_array_equal(some.found("auc", "LiRA")[[0, 1, 2, 4, 5, 6]],
                                  Attacked(Measured(runs), "end").found("auc", "LiRA"))


# --- words ---

class Found(Attacked):
    """Made-up figures of one kind of model: means, around which runs scatter, each figure in its own way."""

    def __init__(self, seeds=SEEDS, there=True, *, auc=0.6, lira=0.7, error=0.1, shown=0.2, scatter=0.001):
        self.there, self.scatter = np.full(seeds, there), scatter
        self._means = {"loss": auc, "LiRA": lira, "test_error": error, "white_class": shown, "black_class": shown}

    def _around(self, mean, name):
        return mean + self.scatter * np.random.default_rng(len(name)).standard_normal(len(self.there))

    def values(self, figure, factor=1.0):
        return factor * self._around(self._means.get(figure, 0.0), figure)

    def found(self, kind, attack):
        mean = self._around(self._means.get(attack, 0.55), attack)
        return np.where(self.there, mean / 10 if kind == "caught" else mean, np.nan)


def case(title="labels as they are", seeds=SEEDS, plain=None, **defences):
    """A case; `plain`: what its models at some times have."""
    plain = {time: Found(seeds, **(plain or {}).get(time, {})) for time in TIMES}
    return Case(title, seeds, plain, {name.replace("_", " "): Found(seeds, **how) for name, how in defences.items()})


def test_opening():
    none = {"end": {"auc": 0.5, "scatter": 0.1}}
    assert sentences([case(flooding_1={})])[0].startswith("Yes. At the end of plain training the loss tells")
    assert sentences([case(plain=none, flooding_1={})])[0].startswith("No. ")
    assert sentences([case(flooding_1={}), case("10 % flipped labels", plain=none, flooding_1={})])[0].startswith(
        "It depends on the labels: yes with labels as they are, not clearly with 10 % flipped labels.")
    assert sentences([case(seeds=4, plain=none, flooding_1={})])[0].startswith(
        "It depends on more than 4 runs, which cannot tell: the question takes 16.")
    assert sentences([case(seeds=2, flooding_1={})]) == [
        "It depends on more than 2 runs: at least 3 are needed for a verdict."]
    assert sentences([case(plain={"zero": {"there": False}})])[0].startswith("It depends on more epochs")


@pytest.mark.parametrize("zero, stop, words", [
    ({"auc": 0.55, "lira": 0.8}, {"auc": 0.5, "lira": 0.9}, (
        "the loss attack's AUC clearly rose (from 0.55", "LiRA's clearly fell (from 0.80",
        "early stopping, beside the end: clearly lower (0.50", "LiRA clearly higher (0.90")),
    ({"auc": 0.65, "lira": 0.7}, {"auc": 0.6, "lira": 0.7}, (
        "the loss attack's AUC clearly fell", "LiRA's did not change clearly",
        "beside the end: not clearly different", "LiRA not clearly different"))])
def test_words_on_the_length_of_training(zero, stop, words):
    said = sentences([case(plain={"zero": zero, "stop": stop}, flooding_1={})])[1]
    for some in words:
        assert some in said


def test_words_on_attacks():
    better = sentences([case(plain={"end": {"lira": 0.9}}, flooding_1={})])[2]
    assert "LiRA caught 9.0" in better and "of the members, clearly higher." in better
    worse = sentences([case(plain={"end": {"lira": 0.3}}, flooding_1={})])[2]
    assert "of the members, clearly lower." in worse


def test_words_on_defences():
    low, high = {"auc": 0.55, "lira": 0.5, "error": 0.2}, {"auc": 0.7, "lira": 0.9, "error": 0.05}
    said = sentences([case(flooding_0=high, flooding_1=low, dropout_1={}),
                      case(flooding_0=low, flooding_1=low, dropout_1=low)])
    flood, drop = said[3:5]
    assert flood.startswith(
        "Flooding (no figures are known of it; one would expect less of a leak the higher the level) beside plain training, "
        "4 comparisons: the loss attack's AUC clearly lower in 3, higher in 1, its balanced accuracy clearly lower in 3, "
        "higher in 1, LiRA's AUC clearly lower in 3, higher in 1 and test error clearly lower in 1, higher in 3; LiRA's AUC "
        "was 0.50 to 0.90, still clearly above chance in 1; the highest level beside the lowest, 2 cases: the loss attack's "
        "AUC clearly lower in 1,")
    assert drop.startswith("Dropout beside plain training, 2 comparisons: the loss attack's AUC clearly lower in 1,")
    assert "highest level" not in drop


def test_words_on_reconstruction():
    said = sentences([case(flooding_1={})])[-1]
    assert said.startswith("Reconstructed from 6 kinds of models (differences of correlations): with the white box the "
                           "class shows clearly in 6 (0.20), the mean of its members more than that of other "
                           "samples in 0")
    nothing = case(plain={time: {"shown": 0.0} for time in TIMES}, flooding_1={"shown": -0.1})
    assert "the class shows clearly in 0 (" in sentences([nothing])[-1]


def test_directions_are_counted():
    assert moves([BETTER]) == "clearly lower" and moves([WORSE]) == "clearly higher"
    assert moves([UNCLEAR]) == moves([UNKNOWN]) == "not clearly different"
    assert moves([WORSE, UNCLEAR, WORSE, BETTER]) == "clearly lower in 1, higher in 2"
    assert moves([UNCLEAR, UNKNOWN]) == "not clearly different in any"
