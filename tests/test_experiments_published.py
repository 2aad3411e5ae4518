"""published_flooding from end to end with tiny settings, and the words of its answer on made-up rows."""
import math

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.data import two_gaussians
from experiments.questions import published_flooding
from experiments.questions.published_flooding import Config, cells, departures, gather, tables
from experiments.report.published import consistent_runs
from experiments.runs.store import Run, Store, StoreError
from experiments.trainers import train as trainer
from losses import CrossEntropy, Flooding
from nn import MLP, Adam, fit

sentences = published_flooding.answer.__wrapped__  # before they are one text
TINY = Config(seeds=2, noise=(0.1,), train=10, test=40, hidden=(6, 6), epochs=25, workers=1)
OPTIONS = ["--noise", "0.1", "--train", "10", "--test", "40", "--hidden", "6", "6", "--epochs", "25", "--workers", "1"]


# --- end to end ---

@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A results folder with the runs of one seed, made by the command line."""
    folder = tmp_path_factory.mktemp("results")
    assert main(["run", "published_flooding", "--seeds", "1", *OPTIONS, "--results", str(folder)]) == 0
    return folder


def test_the_command_trains_what_is_missing_and_answers(folder, capsys, monkeypatch):
    trained = []

    def spy(runs, train_fleet=trainer.train_fleet):
        trained.extend((run["level"], run["seed"]) for run in runs)
        return train_fleet(runs)

    monkeypatch.setattr(trainer, "train_fleet", spy)
    for said in ("training: 2 runs to train, about 0 s on 1 core\n", ""):
        assert main(["run", "published_flooding", "--seeds", "2", *OPTIONS, "--results", str(folder)]) == 0
        out, err = capsys.readouterr()
        assert err == said and f"figure: {folder / 'published_flooding.png'}" in out
        for words in ("Two Gaussians, published and measured (2 seeds", "accuracy, %", "test cross-entropy", "78.44",
                      "83.59", "85.45", "NOT the published protocol: train, test, hidden, epochs changed"):
            assert words in out
        opening = "It depends on the protocol, and this was not the published one (train, test, hidden, epochs changed). "
        assert out.splitlines()[-1].startswith(opening)
        assert max(map(len, out.splitlines()[:-1])) <= 125
    assert sorted(trained) == [(0.0, 1), (0.32, 1)]  # the first seed was there, and the second time everything
    assert (folder / "published_flooding.png").read_bytes().startswith(b"\x89PNG")
    assert not list(folder.glob("*.part"))


def test_an_interrupted_experiment_goes_on(tmp_path, monkeypatch):
    calls = []

    def pretend(runs):
        calls.extend(runs)
        if len(calls) == 4:  # the last one: no worker is left behind
            raise KeyboardInterrupt
        return [made_run(80.0, 0.5, 0.0) for _ in runs]

    monkeypatch.setattr(trainer, "train_fleet", pretend)
    store = Store(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        published_flooding.run(TINY, store)
    assert store.count("published_flooding") == 3
    with pytest.raises(StoreError, match="run the experiment first"):
        gather(store, TINY)
    assert not list(tmp_path.glob("*.png*"))
    published_flooding.run(TINY, store)
    assert store.count("published_flooding") == 4 and len(calls) == 5 and calls[4] == calls[3]


def test_a_run_is_the_published_protocol():
    """The same by `fit` alone: full batch, last epoch, test labels with flips, running statistics."""
    [run] = trainer.train_fleet([cells(TINY)[1].specs[1].settings()])
    data = two_gaussians(10, 1, 40, noise=0.1, seed=1)
    assert np.sum(data.test.y != data.test.y_clean) == 8 and np.sum(data.train.y != data.train.y_clean) == 2
    model = MLP([10, 6, 6, 2], batch_norm=True, init="fan_in_uniform", seed=1)
    history = fit(model, data.train.x, data.train.y, loss=Flooding(CrossEntropy(), 0.32), optimizer=Adam(1e-3), epochs=25,
                  batch_size=None, test=(data.test.x, data.test.y), check_every=0, seed=1, progress=False)
    for name in ("test_error", "train_error"):
        assert run.scalars[name] == history[name][-1]
    for name in ("test_loss", "train_loss"):
        assert run.scalars[name] == pytest.approx(history[name][-1], rel=1e-6)
    assert run.scalars["test_error_clean"] == np.mean(model.predict(data.test.x) != data.test.y_clean)
    np.testing.assert_array_equal(run.curves["epoch"], [10, 20, 25])


def test_the_defaults_are_the_published_protocol():
    for config in (Config(), Config.full(), Config.quick()):
        assert departures(config) == []
    assert Config().seeds == Config.full().seeds == 20 > Config.quick().seeds
    assert [(cell.noise, cell.level, cell.beside.published) for cell in cells(Config())] == [
        (0.01, 0.0, 90.52), (0.01, 0.17, 92.13), (0.05, 0.0, 84.79), (0.05, 0.22, 88.03), (0.10, 0.0, 78.44),
        (0.10, 0.32, 83.59)]
    specs = cells(Config())[5].specs
    for seed, spec in enumerate(specs):
        published = {"data": "two_gaussians", "noise": 0.1, "level": 0.32, "seed": seed, "train": 100, "test": 10_000,
                     "hidden": [500] * 4, "batch_norm": True, "init": "fan_in_uniform", "optimizer": "adam",
                     "learning_rate": 1e-3, "epochs": 500, "batch_size": 0, "dtype": "float32"}
        assert published.items() <= spec.settings().items() and len(specs) == 20
    settings = specs[3].settings()
    assert {"experiment", "code", "seed", "dtype"} < set(settings) and settings["seed"] == 3


@pytest.mark.parametrize("name, value", [("seeds", 0), ("noise", ()), ("noise", (0.1, 0.1)), ("noise", (0.2,)), ("train", 1),
                                         ("test", 0), ("hidden", ()), ("hidden", (0,)), ("epochs", 0), ("workers", -1),
                                         ("learning_rate", 0.0), ("learning_rate", math.nan), ("learning_rate", math.inf)])
def test_bad_settings_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name}: got .*, accepted: "):
        Config(**{name: value})


# --- the words, on made-up rows ---

def made_run(accuracy, loss, train_error):
    return Run(scalars={"test_error": 1 - accuracy / 100, "test_error_clean": 0.1, "test_loss": loss,
                        "train_error": train_error, "train_loss": 0.0})


def made(tmp_path, off=(0, 0, 0, 0, 0, 0), *, scatter=0.1, seeds=4, plain_loss=1.0, flooded_loss=0.3, wrong=0.0, **changes):
    """Results: every cell the published accuracy plus `off`, ± `scatter` from seed to seed."""
    config = Config(seeds=seeds, **changes)
    store = Store(tmp_path)
    for cell, shift in zip(cells(config), off, strict=True):
        for spec in cell.specs:
            # Not the same in both cells, so that paired differences scatter too.
            sign = (-1) ** (spec.seed // 2 if cell.level else spec.seed)
            accuracy = cell.beside.published + shift + (scatter * sign if seeds > 1 else 0)
            loss = (flooded_loss if cell.level else plain_loss) + 0.01 * spec.seed
            store.save(spec.settings(), made_run(accuracy, loss, 0.06 if cell.level else wrong))
    return gather(store, config)


def answer(tmp_path, *arguments, **options):
    found = sentences(made(tmp_path, *arguments, **options))
    assert found[0].startswith(("Yes.", "No.", "It depends on ")) and len(found) == 4
    assert all(sentence[0] == sentence[0].upper() and sentence[-1] == "." for sentence in found)
    return found


def test_a_reproduced_row(tmp_path):
    results = made(tmp_path)
    opening, first, second, third = sentences(results)
    assert opening == "Yes."
    assert first == "6 of 6 accuracies come out within 1 point of the published ones over 4 seeds."
    assert second == ("Flooding's accuracy is clearly better in 3 of 3 shares of flips (by +1.6, +3.2 and +5.2 points, "
                      "published +1.6, +3.2 and +5.2), and its test cross-entropy is below half of plain training's in 3 of "
                      "3 (0.315 against 1.01, 0.315 against 1.01 and 0.315 against 1.01).")
    assert third == ("Plain training memorised every training label, flipped ones included, flooding left 6.00, 6.00 and "
                     "6.00 % of them wrong, and flooding's accuracy differs from the best possible one by -1.3, -1.8 and "
                     "-1.9 points.")
    table = tables(results)[0]
    assert table.rows[0] == ("1 %", "plain", "90.520 ±0.058", "90.52", "+0.00", "+0.0", "1.0150 ±0.0065", "0", "93.42")
    assert table.rows[5][:3] == ("10 %", "0.32", "83.590 ±0.058") and table.rows[5][-2:] == ("6.00", "85.45")
    assert "NOT the published protocol" not in table.note


def test_a_deviating_cell_is_called_deviating(tmp_path):
    results = made(tmp_path, (0, 0, 0, 0, -1.5, 0.99))
    opening, first, _, _ = sentences(results)
    assert opening == "It depends on the cell."
    assert first == ("5 of 6 accuracies come out within 1 point of the published ones over 4 seeds; 10 % flips "
                     "without flooding deviates by -1.50 points (76.940 ±0.058 instead of 78.44, 26.0 of our standard "
                     "errors, and more than two combined ones even if the published figure is a single run).")
    assert tables(results)[0].rows[4][4:6] == ("-1.50", "-26.0")
    assert [measured.reproduced for measured in results.row] == [True, True, True, True, False, True]


def test_the_limit_itself_is_outside(tmp_path):
    results = made(tmp_path, (-1.001, 0.999, 1.001, -0.999, 0, 0))
    assert [measured.reproduced for measured in results.row] == [False, True, False, True, True, True]


def test_a_deviation_is_weighed_against_scatter(tmp_path):
    _, first, _, _ = answer(tmp_path / "a", (0, 0, 0, 0, -1.5, 0), scatter=1.0, seeds=20)
    # sd 1.026, so 2 sd sqrt(1/20 + 1/n) reaches 1.5 up to n = 2.06.
    assert first.endswith("10 % flips without flooding deviates by -1.50 points (76.94 ±0.23 instead of 78.44, 6.5 of our "
                          "standard errors, and more than two combined ones unless the published figure is a mean of at "
                          "most 2 runs).")
    _, first, _, _ = answer(tmp_path / "b", (0, 0, 0, 0, 0, 1.5), scatter=1.0, seeds=4)
    assert first.endswith("over 4 seeds; 10 % flips with flooding is off by +1.50 points (85.09 ±0.58 instead of 83.59, no "
                          "more than these seeds scatter).")


def test_deviations_at_the_edges_of_scatter(tmp_path):
    _, first, _, _ = answer(tmp_path / "a", (1.5, 0), scatter=0.0, noise=(0.1,))
    assert first.endswith("deviates by +1.50 points (79.9 instead of 78.44, and these seeds do not scatter).")
    # 1.995 standard errors: outside the t interval of 80 seeds, and nothing to be said about two combined ones.
    _, first, _, _ = answer(tmp_path / "b", (1.5, 0), scatter=6.683, seeds=80, noise=(0.1,))
    assert first.endswith("deviates by +1.50 points (79.94 ±0.75 instead of 78.44, 2.0 of our standard errors).")


def test_few_seeds_and_one_seed_give_no_verdict(tmp_path):
    # 4 seeds, ±0.62: a standard error of 0.36 and a 95 % interval of ±1.14 points; ±0.5 gives ±0.92.
    few = "It depends on more than 4 seeds: these scatter too much to tell."
    assert answer(tmp_path / "a", scatter=0.62)[:2] == [
        few, "6 of 6 accuracies come out within 1 point of the published ones over 4 seeds."]
    assert answer(tmp_path / "b", scatter=0.5)[0] == "Yes."
    assert answer(tmp_path / "c", 6 * (3,))[0] == "No."
    for seeds in (1, 2):
        found = answer(tmp_path / f"{seeds}", (2, 2, 2, 2, 2, 2), seeds=seeds, scatter=0.0)
        assert found[0] == f"It depends on more than {seeds} seed{'s' if seeds > 1 else ''}: these scatter too much to tell."
        assert "clear" not in " ".join(found) and "deviates" not in found[1]
        assert found[2].startswith(f"{'One seed' if seeds == 1 else 'Two seeds'} cannot tell whether ")
    _, first, second, _ = answer(tmp_path, (2, 2, 2, 2, 2, 2), seeds=1)
    assert first.startswith("0 of 6 accuracies come out within 1 point of the published ones with "
                            "one seed; 1 % flips without flooding is off by +2.00 points (92.5 instead of 90.52; one seed "
                            "shows no scatter); ")
    assert second.startswith("One seed cannot tell whether flooding raises accuracy (by +1.6, ")


def test_flooding_that_does_not_help_is_called_so(tmp_path):
    *_, second, third = answer(tmp_path, (9, 0, 0, 0, 5.16, 0), flooded_loss=0.6, wrong=0.02)
    assert second.startswith("Flooding's accuracy is clearly better in 1 of 3 shares of flips and clearly worse in 1 "
                             "(by -7.4, +3.2 and -0.0 points, ")
    assert "below half of plain training's in 0 of 3" in second
    assert third.startswith("Plain training left 2.00, 2.00 and 2.00 % of the training labels wrong, flooding left 6.00")


def test_other_settings_are_no_reproduction(tmp_path):
    opening, first, second, _ = answer(tmp_path, (0, 0), epochs=7, noise=(0.05,))
    assert opening == "It depends on the protocol, and this was not the published one (epochs changed)."
    assert first.startswith("2 of 2 accuracies")
    assert "in 1 of 1 share of flips (by +3.2 points, published +3.2)" in second


def test_consistent_runs_is_the_largest_number_that_explains_a_difference():
    def explained(difference, deviation, seeds, runs):
        return abs(difference) <= 2 * deviation * math.sqrt(1 / seeds + 1 / runs)

    for difference, deviation, seeds in ((-1.11, 1.52, 20), (0.8, 1.0, 20), (3.0, 1.0, 50), (0.55, 1.0, 17)):
        runs = consistent_runs(difference, deviation, seeds)
        assert not explained(difference, deviation, seeds, runs + 1)
        assert runs == 0 or explained(difference, deviation, seeds, runs)
    with pytest.raises(ValueError, match=r"difference: got 0.1, accepted: more than .* standard errors, here 0.447"):
        consistent_runs(0.1, 1.0, 20)


def test_best_possible_is_bayes():
    cell = cells(Config())[5]
    assert round(cell.best_accuracy, 2) == 85.45
    assert round(cell.best.cross_entropy, 3) == 0.391
