"""flooding_table and level_choice from end to end with tiny settings, their choices, and their words on made-up results."""
import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.questions import flooding_table, level_choice
from experiments.questions.flooding_table import COLUMNS, Case, Config, gather, tables
from experiments.report.measured import Measured
from experiments.runs.store import Run, Store, StoreError
from experiments.trainers import flooding_grid
from experiments.trainers import train as trainer
from experiments.trainers.data_sets import SETS, load_data
from experiments.trainers.description import description_of
from experiments.trainers.flooding_grid import Trial, choose
from experiments.trainers.measures import best_check, last_check
from losses import levels_from_losses, suggest_level

# Before they are one text.
sentences, recommended = flooding_table.answer.__wrapped__, level_choice.answer.__wrapped__
TINY = Config(noise=(0.05, 0.1), levels=(0.0, 0.3, 0.15), seeds=2, train=20, validation=30, test=50, hidden=(16,), epochs=40,
              every=4, learning_rate=0.01, curve_points=40)
CHOICE = level_choice.Config(noise=(0.1,), levels=(0.0, 0.3, 0.15), coarse=(0.0, 0.3), seeds=2, train=20, validation=30,
                             test=50, hidden=(16,), epochs=40, every=4, learning_rate=0.01, auxiliary_epochs=5, folds=2)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("results"))
    flooding_table.run(TINY, store)
    level_choice.run(CHOICE, store)
    return store


# --- runs ---

def lone(spec):
    """The same run by `fit` alone, written out."""
    from losses import CrossEntropy, Flooding
    from nn import MLP, Adam, fit
    data = load_data(spec.data, spec.seed)
    model = MLP((data.train.x.shape[1], *spec.network.hidden, 2), batch_norm=True, init="fan_in_uniform", seed=spec.seed)
    history = fit(model, data.train.x, data.train.y, loss=Flooding(CrossEntropy(), spec.loss.level), optimizer=Adam(0.01),
                  epochs=spec.schedule.epochs, batch_size=None, validation=(data.validation.x, data.validation.y),
                  check_every=4, progress=False, seed=spec.seed)
    wrong = model.forward(data.test.x).argmax(axis=1)
    return history, np.mean(wrong != data.test.y), np.mean(wrong != data.test.y_clean)


@pytest.mark.parametrize("data, level", [("two_gaussians", 0.3), ("sinusoid", 0.3), ("spiral", 0.0)])
def test_a_run_is_the_lone_fit(finished, data, level):
    spec = flooding_grid.spec(TINY, data, 0.1, level, 1)
    history, noisy, clean = lone(spec)
    run = finished.load(spec.settings())
    assert (run.scalars["test_error"], run.scalars["test_error_clean"]) == (noisy, clean)
    for name in ("train_loss", "val_loss", "train_error", "val_error"):
        assert run.scalars[name] == history[name][-1]
    best = int(np.argmin(history["val_error"]))
    assert run.scalars["best_epoch"] == history["epoch"][best] and run.scalars["best_val_loss"] == history["val_loss"][best]
    assert run.scalars["lowest_val_loss"] == min(history["val_loss"]) and run.scalars["diverged"] == 0
    kept = np.isin(history["epoch"], run.curves["epoch"])
    assert kept[-1] and kept.sum() == len(run.curves["epoch"]) > 4
    np.testing.assert_array_equal(run.curves["val_loss"], np.asarray(history["val_loss"])[kept])


def test_the_first_of_equally_good_epochs_is_the_best():
    errors = np.array([0.5, 0.2, 0.3, 0.2, 0.4])
    history = {"epoch": np.arange(4.0, 24, 4), "val_error": errors, "val_loss": np.array([0.9, 0.8, 0.3, 0.4, 0.5]),
               "train_loss": errors, "train_error": errors}
    one = SimpleNamespace(history=history)
    assert best_check(one) == {"best_epoch": 8, "best_val_error": 0.2, "best_val_loss": 0.8, "lowest_val_loss": 0.3}
    assert last_check(one) == {"val_error": 0.4, "val_loss": 0.5, "train_error": 0.4, "train_loss": 0.4}


def test_the_members_of_a_fleet_do_not_depend_on_each_other(finished):
    specs = [flooding_grid.spec(TINY, "two_gaussians", noise, level, seed) for noise, level, seed in
             ((0.05, 0.3, 1), (0.1, 0.0, 0), (0.05, 0.0, 1))]
    assert finished.load(specs[0].settings()).curves["flooded_fraction"].max() > 0  # so that levels matter
    for spec, run in zip(specs, trainer.train_fleet([spec.settings() for spec in specs]), strict=True):
        stored = finished.load(spec.settings())
        assert stored.scalars == run.scalars
        np.testing.assert_array_equal(stored.curves["train_loss"], run.curves["train_loss"])


def test_early_stopping_is_the_same_run_up_to_its_best_epoch(finished):
    for cells in gather(finished, TINY):
        for cell in cells:
            for trial, run in zip(cell.trials, cell.runs["early_flooded"].runs, strict=True):
                whole = trial.runs[trial.early]
                assert run.scalars["val_error"] == whole.scalars["best_val_error"]
                assert run.scalars["val_loss"] == whole.scalars["best_val_loss"]
                assert run.scalars["train_loss"] >= 0 and run.curves["epoch"][-1] == whole.scalars["best_epoch"]


def test_followed_runs_are_the_same_runs_with_a_test_loss(finished):
    cell = gather(finished, TINY)[0][1]
    (plain,), (flooded,) = (one.runs for one in cell.curves)
    assert plain.scalars["test_loss"] == cell.runs["without"].runs[0].scalars["test_loss"]
    assert flooded.scalars["test_loss"] == cell.runs["flooded"].runs[0].scalars["test_loss"]
    assert "test_loss" in plain.curves and "test_loss" not in cell.runs["without"].runs[0].curves
    assert plain.curves["epoch"][0] == 1 and plain.curves["epoch"][-1] == TINY.epochs


def test_followed_runs_look_at_test_samples_of_both_classes():
    spec = flooding_grid.spec(TINY, "two_gaussians", 0.1, 0.0, 1).but(curve_points=40)
    data = load_data(spec.data, spec.seed)
    x, y = trainer.curve_points_of([spec], [data])
    assert x.shape == (1, 40, 10) and 5 < y.sum() < 35
    rows = {tuple(row): label for row, label in zip(data.test.x.tolist(), data.test.y.tolist(), strict=True)}
    assert [rows.pop(tuple(row)) for row in x[0].tolist()] == y[0].tolist()  # each once, with its label


def test_data_are_of_the_published_sizes():
    for data, train, test, inputs in (("two_gaussians", 200, 20_000, 10), ("sinusoid", 100, 20_000, 2),
                                      ("spiral", 200, 20_000, 2)):
        sets = load_data(flooding_grid.spec(Config(), data, 0.1, 0.0, 0).data, 0)
        assert (len(sets.train), len(sets.validation), len(sets.test)) == (train, train, test)
        assert sets.train.x.shape[1] == inputs == SETS[data].inputs
        for part in (sets.train, sets.validation, sets.test):
            assert np.mean(part.y != part.y_clean) == pytest.approx(0.1)


def test_adaflood_trains_with_the_levels_of_networks_that_did_not_see_the_sample(finished):
    from losses import AdaFlooding, CrossEntropy
    from nn import MLP, Adam, adaptive_levels, fit
    spec = level_choice.adaflood(CHOICE, "two_gaussians", 0.1, 1)
    data = load_data(spec.data, spec.seed)
    model = MLP((10, 16, 2), batch_norm=True, init="fan_in_uniform", seed=1)
    levels = adaptive_levels(model, data.train.x, data.train.y, loss=CrossEntropy(), optimizer=Adam(0.01), epochs=5, folds=2,
                             gamma=0.5, seed=1, batch_size=None)
    fit(model, data.train.x, data.train.y, loss=AdaFlooding(CrossEntropy(), levels), optimizer=Adam(0.01), epochs=40,
        batch_size=None, seed=1, progress=False)
    assert levels.min() >= 0 and levels.max() <= levels_from_losses(np.array([50.0]), 0.5)[0]
    run = finished.load(spec.settings())
    assert run.scalars["test_error"] == np.mean(model.forward(data.test.x).argmax(axis=1) != data.test.y)


def test_a_diverged_member_is_recorded_and_never_chosen():
    spec = flooding_grid.spec(TINY, "two_gaussians", 0.1, 0.0, 0).but(learning_rate=1e38)
    [run] = trainer.train_fleet([spec.settings()])
    assert run.scalars["diverged"] == 1 and math.isnan(run.scalars["test_error"])
    assert choose([run, made_up(0.4)], "") == 1 == choose([run, made_up(0.4)], "best_")


def test_specs_survive_the_way_through_settings():
    for spec in (flooding_grid.spec(TINY, "spiral", 0.1, 0.15, 1), level_choice.adaflood(CHOICE, "two_gaussians", 0.1, 0)):
        assert description_of(spec.settings()) == spec


# --- what is trained ---

def test_the_published_protocol_is_about_2300_runs():
    specs = flooding_grid.grid(Config.full())
    assert len(specs) == len(set(specs)) == 51 * 9 * 5 == 2295
    assert sorted({spec.loss.level for spec in specs}) == [step / 100 for step in range(51)]
    published = {"epochs": 500, "every": 1, "hidden": [500] * 4, "train": 100, "learning_rate": 1e-3}
    assert all(published.items() <= spec.settings().items() for spec in specs)
    quick = flooding_grid.grid(Config.quick())
    assert len(quick) == 3 * 4 * 2 and {spec.data.data for spec in quick} == {"two_gaussians"}
    assert len(flooding_grid.grid(Config())) == 12 * 9 * 5


def test_everything_is_stored_and_nothing_is_trained_twice(finished, monkeypatch):
    grid = 3 * 2 * 3 * 2
    assert finished.count("flooding_table") >= grid + 6
    before = finished.count("flooding_table"), finished.count("level_choice")
    assert before[1] == 2 * (2 + 1)  # two suggestions and AdaFlood; the grids are flooding_table's
    monkeypatch.setattr(trainer, "train_fleet", lambda runs: pytest.fail("a finished run was trained again"))
    flooding_table.run(TINY, finished)
    level_choice.run(CHOICE, finished)
    assert before == (finished.count("flooding_table"), finished.count("level_choice"))


@pytest.mark.parametrize("change, message", [
    ({"data": ("moons",)}, "data: got"), ({"noise": (0.1, 0.1)}, "noise: got"), ({"levels": (0.1, 0.2)}, "among them 0"),
    ({"levels": (0.0, -0.1)}, "levels: got"), ({"seeds": 0}, "seeds: got 0"), ({"every": 0}, "every: got 0"),
    ({"hidden": ()}, "hidden: got"), ({"learning_rate": math.nan}, "learning_rate: got nan"),
    ({"curve_seeds": 9}, "curve_seeds: got 9"), ({"workers": -1}, "workers: got -1")])
def test_settings_out_of_range_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **change)


@pytest.mark.parametrize("change, message", [
    ({"folds": 1}, "folds: got 1"), ({"gamma": 0.0}, "gamma: got 0"), ({"fraction": 1.5}, "fraction: got 1.5"),
    ({"coarse": ()}, "coarse: got"), ({"auxiliary_epochs": 0}, "auxiliary_epochs: got 0"),
    ({"levels": (0.1,)}, "among them 0")])
def test_settings_of_level_choice_out_of_range_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(CHOICE, **change)


# --- tables, figures, answers ---

def test_tables_figures_and_answer_come_from_the_store(finished):
    results, chosen = gather(finished, TINY), level_choice.gather(finished, CHOICE)
    text = "\n".join(table.plain() for table in tables(results))
    assert len(tables(results)) == 3
    for words in ("Two Gaussians", "Sinusoid", "Spiral", "early stop", "83.59 (0.32)", "0.391", "0.325", "40 epochs, 3 lev"):
        assert words in text
    assert max(map(len, text.splitlines())) < 180
    paths = [path for module, found in ((flooding_table, results), (level_choice, chosen))
             for path in module.figures(found, finished.folder)]
    assert [path.name for path in paths] == [
        "flooding_table_levels.png", "flooding_table_curves.png", "level_choice.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    [one] = level_choice.tables(chosen)
    assert [row[0] for row in one.rows] == [name for name, *_ in level_choice.METHODS.values()]
    for words in (flooding_table.answer(results), level_choice.answer(chosen)):
        assert words.startswith("It depends on more than 2 trials: at least 3 are needed for a verdict.")
        assert "clear" not in words


def test_an_incomplete_store_gives_no_answer(finished):
    with pytest.raises(StoreError, match="run the experiment first"):
        gather(finished, dataclasses.replace(TINY, seeds=3))
    with pytest.raises(StoreError, match="run the experiment first"):
        level_choice.gather(finished, dataclasses.replace(CHOICE, gamma=0.4))


def made_up(val_error, val_loss=1.0, test_error=0.5, best=None, **more):
    """A run with these figures; `best`: validation error at its best epoch."""
    return Run({}, {"val_error": val_error, "val_loss": val_loss, "test_error": test_error, "best_epoch": 4.0,
                    "diverged": 0.0, "best_val_error": val_error if best is None else best, "best_val_loss": val_loss,
                    "lowest_val_loss": 0.5} | more)


def test_the_level_is_chosen_by_validation_and_ties_by_its_loss():
    runs = [made_up(0.3, 0.5, 0.9, best=0.1), made_up(0.2, 0.9, 0.1, best=0.15), made_up(0.2, 0.8, 0.2, best=0.2)]
    assert choose(runs, "") == 2 and choose(runs, "best_") == 0
    assert choose([made_up(0.2, 0.5), made_up(0.2, 0.5)], "") == 0


def cell(noise, accuracies, levels, data="two_gaussians"):
    """A Case whose four columns have these accuracies, one per trial each."""
    columns = {name: Measured([made_up(0.1, test_error=1 - a / 100) for a in column])
               for name, column in zip(COLUMNS, accuracies, strict=True)}
    trials = []
    for seed, level in enumerate(levels):
        specs = [flooding_grid.spec(TINY, data, noise, b, seed) for b in (0.0, level)]
        trials.append(Trial(specs, [made_up(0.2), made_up(0.1)]))
    return Case(data, noise, trials, columns, [])


class Imagined:
    """A store of runs whose figures follow from their settings: the last epoch favours level 0.15, the best one 0.3."""

    @staticmethod
    def figure(level, epochs, seed, method="flooding"):
        """Test error of a run: different for all that differ."""
        return (level + seed / 100 + epochs / 10_000 + (method == "adaflood") / 1000) / 2

    def require(self, settings):
        level, seed = settings["level"], settings["seed"]
        return made_up(abs(level - 0.15), test_error=self.figure(level, settings["epochs"], seed, settings["flood"]),
                       best=abs(level - 0.3), best_epoch=4.0 + 4 * seed)

    def accuracies(self, level, epochs, **more):
        epochs = epochs if isinstance(epochs, list) else [epochs] * 2
        return pytest.approx([100 - 100 * self.figure(level, epochs[seed], seed, **more) for seed in range(2)])


def test_each_column_of_the_table_has_its_own_runs():
    cell = gather(store := Imagined(), TINY)[0][0]
    assert cell.runs["without"].values("accuracy", 100) == store.accuracies(0.0, 40)
    assert cell.runs["flooded"].values("accuracy", 100) == store.accuracies(0.15, 40)
    assert cell.runs["early"].values("accuracy", 100) == store.accuracies(0.0, [4, 8])
    assert cell.runs["early_flooded"].values("accuracy", 100) == store.accuracies(0.3, [4, 8])
    assert cell.levels("last").tolist() == [0.15, 0.15] and cell.levels("early").tolist() == [0.3, 0.3]
    assert [one.loss.level for one in cell.trials[0].specs] == [0.0, 0.15, 0.3]  # ascending: of equals the lower is chosen


def test_each_way_to_a_level_has_its_own_runs():
    [case] = level_choice.gather(store := Imagined(), CHOICE)
    assert case.runs["none"].values("accuracy", 100) == store.accuracies(0.0, 40)
    assert case.runs["grid"].values("accuracy", 100) == store.accuracies(0.15, 40)
    assert case.runs["coarse"].values("accuracy", 100) == store.accuracies(0.0, 40)  # 0 and 0.3 are equally good: the lower
    assert case.runs["noise"].values("accuracy", 100) == store.accuracies(round(suggest_level(noise=0.1), 4), 40)
    assert case.runs["held_out"].values("accuracy", 100) == store.accuracies(0.4, 40)
    assert case.runs["adaflood"].values("accuracy", 100) == store.accuracies(0.0, 40, method="adaflood")
    [case] = level_choice.gather(store, dataclasses.replace(CHOICE, coarse=(0.0, 0.2)))
    assert case.runs["coarse"].values("accuracy", 100) == store.accuracies(0.2, 40)
    assert case.levels["coarse"].tolist() == [0.2, 0.2]


def test_words_follow_the_numbers():
    better = cell(0.1, ([78, 79, 80], [84, 84.9, 86.1], [80, 81, 82], [80.1, 80.9, 82]), [0.3, 0.3, 0.36])
    opening, *text = sentences([[better]])
    assert opening == "Yes, but with early stopping it gains nothing clear."
    assert text[0] == ("Without early stopping, flooding changed the accuracy by 6.0 to 6.0 points and was clearly better "
                       "in 1 of 1 case.")
    assert "was clearly different in none of 1 case." in text[1]
    assert "0.82 (Two Gaussians, 10 % flipped)" in text[2] and "below it in 1 of 1" in text[2]
    assert "differ from the published ones by +0.6 to +1.4 points" in text[3]
    worse = cell(0.05, ([90, 91, 92], [84, 85.1, 86], [80, 81, 82], [90.1, 90.9, 92]), [0.4, 0.4, 0.4], "spiral")
    opening, *text = sentences([[worse]])
    assert opening == "No."
    assert "clearly worse in 1" in text[0] and "clearly better in 1" in text[1] and "below it in 0 of 1" in text[2]
    assert len(text) == 3  # nothing is published of the spiral
    opening, *both = sentences([[better], [worse]])
    assert opening == "It depends on data and noise: of 2 comparisons 1 gained clearly, 1 lost."
    assert "-6.0 to 6.0 points" in both[0] and "clearly better in 1, worse in 1 of 2 cases" in both[0]
    for count, words in ((1, "one trial"), (2, "two trials")):
        few = sentences([[cell(0.1, [count * [accuracy] for accuracy in (78, 84, 80, 80)], count * [0.3])]])
        assert few[0].startswith("It depends on more than ") and "clear" not in " ".join(few)
        assert few[1] == f"Without early stopping, flooding cannot be judged: {words} cannot tell."
    needed = cell(0.1, ([78, 79, 80], [84, 84.9, 86.1], [80, 81, 82], [84.1, 84.9, 86]), [0.3, 0.3, 0.36])
    assert sentences([[needed]])[0] == "Yes, and early stopping does not make it needless."


def test_the_table_says_levels_and_published_figures():
    [table] = tables([[cell(0.1, ([78, 79, 80], [84, 85, 86], [80, 81, 82], [80, 81, 82]), [0.3, 0.3, 0.36]),
                  cell(0.2, ([78, 79, 80], [84, 85, 86], [80, 81, 82], [80, 81, 82]), [0.3, 0.3, 0.3])]])
    rows = table.rows
    assert rows[0][0] == "10 %" and rows[0][1].startswith("79.0") and rows[0][6] == "0.32 (0.3 to 0.36)"
    assert rows[0][-2:] == ["78.44", "83.59 (0.32)"] and rows[1][-2:] == ["–", "–"] and rows[1][6] == "0.30"


def test_suggestions_are_those_of_the_losses_package():
    def found(lowest):
        specs = [flooding_grid.spec(CHOICE, "two_gaussians", 0.1, 0.0, 0)]
        runs = level_choice.at_levels(CHOICE, "two_gaussians", 0.1, [Trial(specs, [made_up(0.1, lowest_val_loss=lowest)])])
        return {method: one.loss.level for method, (one,) in runs.items()}

    assert found(0.5) == {"noise": round(suggest_level(noise=0.1), 4), "held_out": 0.8 * 0.5}
    assert found(math.nan)["held_out"] == 0


def test_the_recommendation_follows_the_numbers():
    def case(**accuracies):
        base = {"none": [80, 81, 82], "grid": [90, 91, 92], "coarse": [90, 91, 92], "noise": [88, 89.1, 90], "held_out":
                [89.9, 91.1, 92], "adaflood": [85, 86.1, 87]}
        costs = {"none": 1, "grid": 12, "coarse": 5, "noise": 1, "held_out": 2, "adaflood": 1.5}
        runs = {method: Measured([made_up(0.1, test_error=1 - a / 100) for a in column])
                for method, column in (base | accuracies).items()}
        return level_choice.Case("spiral", 0.1, runs, {}, costs, 250)
    opening, first, second = recommended([case()])
    assert opening == "Yes."
    assert first.startswith("Against the full grid of 12 trainings, on average over 1 case: no flooding -10.0 points for 1 "
                            "training (clearly worse in 1); coarse grid +0.0 points for 5 trainings (clearly worse in 0);")
    assert second.endswith("in no case: suggested from held-out loss, for 17 % of the cost of the grid.")
    both = recommended([case(), case(held_out=[80, 81, 82.1], noise=[91, 91, 92])])
    assert both[2].endswith("in no case: coarse grid, for 42 % of the cost of the grid.")
    bad = {method: [80, 81, 82.1] for method in ("none", "coarse", "noise", "held_out", "adaflood")}
    assert recommended([case(**bad)])[::2] == [
        "No.", "No other way can be recommended: each was clearly worse in some case, or failed."]
    for count, words in ((1, "One trial cannot tell"), (2, "Two trials cannot tell")):
        few = recommended([case(**{method: count * [90] for method in level_choice.METHODS})])
        assert few[0].startswith("It depends on more than ") and few[2].startswith(words) and "clear" not in " ".join(few)
    failed = {method: [80, 81, 82.1] for method in bad if method != "held_out"} | {"held_out": [math.nan] * 3}
    found = recommended([case(**failed)])  # what failed is not as good as the grid
    assert found[0] == "No." and "suggested from held-out loss diverged for 2 trainings" in found[1]


def test_costs_are_whole_trainings(finished):
    [case] = level_choice.gather(finished, CHOICE)
    assert case.costs == {"none": 1, "grid": 3, "coarse": 2, "noise": 1, "held_out": 2, "adaflood": 1 + 5 / 40}
    assert case.levels["noise"][0] == round(suggest_level(noise=0.1), 4) and np.isnan(case.levels["adaflood"]).all()


def test_a_coarse_grid_needs_neither_level_zero_nor_two_levels(finished):
    for coarse in ((0.3, 0.15), (0.3,)):
        [case] = level_choice.gather(finished, dataclasses.replace(CHOICE, coarse=coarse))
        assert set(case.levels["coarse"]) <= set(coarse) and case.costs["coarse"] == len(coarse)


def test_estimates_grow_with_the_work():
    one = flooding_grid.spec(Config(), "two_gaussians", 0.1, 0.1, 0)
    base = trainer.seconds(one.settings())
    assert 1 < base < 10
    for change in ({"epochs": 500}, {"every": 1}, {"curve_points": 2000}, {"train": 200}, {"test": 50_000},
                   {"folds": 5, "auxiliary_epochs": 50}):
        assert trainer.seconds(one.but(**change).settings()) > base
    total = sum(trainer.seconds(spec.settings()) for spec in flooding_grid.grid(Config.full()))
    assert 3 < total / 3600 < 20
