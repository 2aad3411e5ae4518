"""zero_loss from end to end with tiny settings, and the words of its answer on made-up results."""
import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.questions import zero_loss
from experiments.questions.zero_loss import Config
from experiments.runs.store import Run, Store, StoreError
from experiments.trainers import train as trainer
from experiments.trainers.description import check_epochs

said = zero_loss.answer.__wrapped__  # sentences, before they are one text
TINY = Config(seeds=2, gaussian_noise=(0.1,), gaussian_levels=(0.32,), gaussian_train=20, gaussian_test=50,
              gaussian_hidden=(16,), gaussian_epochs=30, image_noise=(0.0,), image_levels=(0.05, 0.3),
              image_train=60, image_validation=50,
              image_hidden=(16,), image_epochs=30, learning_rate=0.01, dense=10, curve_points=40, patience=5)


# --- end to end ---

@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("results"))
    zero_loss.run(TINY, store)
    return store


def test_every_run_is_stored_once_and_complete(finished, monkeypatch):
    assert finished.count("zero_loss") == 2 * (2 + 3)
    monkeypatch.setattr(trainer, "train_fleet", lambda runs: pytest.fail("a finished run was trained again"))
    zero_loss.run(TINY, finished)
    run = finished.load(zero_loss.cases(TINY)[1].plain[0].settings())
    checks = check_epochs(30, 10, TINY.growth)
    np.testing.assert_array_equal(run.curves["epoch"], checks)
    for name in ("train_loss", "test_loss", "val_error", "margin_min", "margin_median"):
        assert run.curves[name].shape == (len(checks),) and np.all(np.isfinite(run.curves[name]))
    assert run.scalars["end.epoch"] == 30 and run.scalars["end.movement"] == run.scalars["end.changed"] == 0
    assert run.arrays["end.output_margins"].shape == (60,)
    assert run.scalars["end.margin_min"] == run.arrays["end.output_margins"].min()
    # The last check saw the same model as the final figures.
    for name in ("train_loss", "val_loss", "margin_median"):
        assert run.curves[name][-1] == pytest.approx(run.scalars[f"end.{name}"], rel=1e-4)


def test_tables_figures_and_answer_come_from_the_store(finished):
    results = zero_loss.gather(finished, TINY)
    tables = zero_loss.tables(results)
    assert len(tables) == 3
    text = "".join(table.plain() for table in tables)
    for words in ("zero error", "patience: loss", "flooding", "test error, %", "calibration error", "median margin",
                  "gradient norm", "weights still move", "± standard error", "best possible: test error 14.6 %"):
        assert words in text
    paths = zero_loss.figures(results, finished.folder)
    assert [path.name for path in paths] == ["zero_loss_curves.png", "zero_loss_margins.png", "zero_loss_levels.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    assert not list(finished.folder.glob("*.part"))
    answer = zero_loss.answer(results)
    assert answer.startswith("It depends on more than 2 seeds, which cannot tell: ")
    assert answer.endswith(".") and "clear" not in answer
    sentences = said(results)
    assert len(sentences) == 4 and " ".join(sentences) == answer


def test_figures_leave_the_users_backend_alone(finished):
    import matplotlib
    before = dict(matplotlib.rcParams)
    zero_loss.figures(zero_loss.gather(finished, TINY), finished.folder)
    assert dict(matplotlib.rcParams) == before


def test_results_do_not_depend_on_the_number_of_workers(finished, tmp_path):
    specs = zero_loss.cases(TINY)[1].plain
    for spec, run in zip(specs, trainer.train_fleet([spec.settings() for spec in specs]), strict=True):  # as one fleet
        stored = finished.load(spec.settings())
        np.testing.assert_array_equal(run.curves["test_loss"], stored.curves["test_loss"])
        assert run.scalars == pytest.approx(stored.scalars, rel=0, abs=0, nan_ok=True)
        assert run.arrays.keys() == stored.arrays.keys()


def test_an_incomplete_store_gives_no_answer(finished):
    with pytest.raises(StoreError, match="run the experiment first"):
        zero_loss.gather(finished, dataclasses.replace(TINY, seeds=3))


def test_presets_are_valid_and_differ():
    assert len({Config(), Config.quick(), Config.full()}) == 3
    runs = [sum(len(case.plain) + sum(map(len, case.flooded)) for case in zero_loss.cases(config))
            for config in (Config.quick(), Config(), Config.full())]
    assert runs == sorted(runs)


@pytest.mark.parametrize("name, value", [("seeds", 0), ("patience", 0), ("image_noise", (0.1, 0.1)),
                                         ("gaussian_levels", (0.0, 0.1)),
                                         ("image_levels", ()), ("image_train", 1500), ("growth", 1.0), ("workers", -1),
                                         ("gaussian_hidden", (0,)), ("learning_rate", math.inf)])
def test_bad_settings_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name}: got .*, accepted: "):
        Config(**{name: value})


# --- parts ---

@pytest.mark.parametrize("order", [1, -1])
def test_the_level_is_chosen_once_for_all_seeds(tmp_path, order):
    # Seed by seed it would be 0.1, 0.1 and 0.4; on average 0.2 and 0.3 have equal errors, and 0.3 the lower loss.
    figures = {0.1: ((0.1, 0.1, 0.9), 1), 0.2: ((0.2, 0.2, 0.2), 3), 0.3: ((0.15, 0.25, 0.2), 2), 0.4: ((0.5, 0.5, 0.0), 2)}
    config = Config(seeds=3, gaussian_noise=(), gaussian_levels=(), image_noise=(0.1,), image_levels=tuple(figures)[::order])
    [case], store = zero_loss.cases(config), Store(tmp_path)
    for seed in range(3):
        store.save(case.plain[seed].settings(), Run())
        for some in case.flooded:
            errors, loss = figures[some[0].loss.level]
            store.save(some[seed].settings(), Run(scalars={"end.val_error": errors[seed], "end.val_loss": loss,
                                                           "end.test_error": some[0].loss.level}))
    [found] = zero_loss.gather(store, config)
    assert found.flooding.level == 0.3 and found.flooding.choice.alone == (2, 0, 0, 1)
    np.testing.assert_array_equal(found.values("flood", "test_error"), 3 * [0.3])  # the same for every seed
    table = zero_loss.tables([found])[1]
    assert [row[0] for row in table.rows] == ["0", "0.1", "0.2", "0.3", "0.4"]
    assert "chosen for all seeds: 0.3, lowest mean validation error of all seeds, then validation loss; " in table.note


# --- the answer's words, on made-up results ---

FIRST, SECOND = "Two Gaussians, 10 % flipped labels", "Two Gaussians, 20 % flipped labels"


@dataclasses.dataclass
class Made:
    """One made-up case: test errors in percent per seed, other figures at zero error and at the end.

    zero: None where zero error was not reached. Patience ends like the end of training, unless patience says otherwise.
    """

    zero: list
    end: list
    loss: tuple = (0.5, 1.5)
    margin: tuple = (3, 12)
    changed: float = 0.05
    flood: float = 10.0
    flood_loss: float = 0.4
    patience: tuple | None = None  # test errors and test loss of patience on the validation loss


def scalars(made, seed):
    """Figures of one plain run."""
    figures = {"end": (made.end[seed], made.loss[1], 500, made.margin[1], 1e-4),
               "patience_error": (made.end[seed], made.loss[1], 9, 2, 0.4)}
    errors, loss = made.patience or (made.end, made.loss[1])
    figures["patience_loss"] = (errors[seed], loss, 9, 2, 0.4)
    if made.zero[seed] is not None:
        figures["zero"] = (made.zero[seed], made.loss[0], 20, made.margin[0], 0.1)
    found = {}
    for rule, (error, loss, epoch, margin, gradient) in figures.items():
        # A little scatter, so that standard errors are not exactly zero.
        found.update({f"{rule}.test_error": error / 100, f"{rule}.test_loss": loss + 0.001 * seed, f"{rule}.epoch": epoch,
                      f"{rule}.changed": made.changed if rule == "zero" else 0, f"{rule}.margin_median": margin,
                      f"{rule}.gradient_norm": gradient})
    return found


def sentences_for(tmp_path, *made):
    """The answer about some made-up cases: its opening, then sentences; each case with the same number of seeds."""
    noise = tuple(0.1 * (i + 1) for i in range(len(made)))
    config = Config(seeds=len(made[0].end), gaussian_noise=noise, gaussian_levels=len(made) * (0.32,), image_noise=())
    store = Store(tmp_path)
    for case, one in zip(zero_loss.cases(config), made, strict=True):
        for i in range(config.seeds):
            store.save(case.plain[i].settings(), Run(scalars=scalars(one, i)))
            flooded = {"test_error": (one.flood + 0.01 * i) / 100, "test_loss": one.flood_loss, "epoch": 500,
                       "val_error": 0.1, "val_loss": 0.4}
            store.save(case.flooded[0][i].settings(), Run(scalars={f"end.{name}": x for name, x in flooded.items()}))
    results = zero_loss.gather(store, config)
    sentences = said(results)
    assert zero_loss.answer(results) == " ".join(sentences)
    assert all(sentence.endswith(".") and len(sentence.split()) <= 55 for sentence in sentences)
    return sentences


HELPED = Made([20, 21, 22], [18, 19.1, 20.1], loss=(1.5, 0.5))
HURT = Made([18, 19, 20], [20, 21.1, 22.1])
UNDECIDED = Made([18, 19, 20], [19, 18, 20.3], loss=(1.0, 1.0), flood=19.0, flood_loss=1.001)
AFTER = "After training on from 100 % training accuracy to the end, test error was "
FLOODED = "Of the alternatives to training to the end, flooding did best: "


def test_answer_opens_plainly(tmp_path):
    def opened(name, *made):
        return sentences_for(tmp_path / name, *made)[0]

    assert opened("a", HELPED) == "Yes for the test error; yes for the test loss."
    assert opened("b", HURT, UNDECIDED) == ("No for the test error (worse in 1 of 2 cases); "
                                            "no for the test loss (worse in 1 of 2 cases).")
    assert opened("c", HELPED, HURT) == (
        "It depends on the labels for the test error: worse where 20 % are wrong, better where 10 % are wrong; for the test "
        "loss it depends on the labels: worse where 20 % are wrong, better where 10 % are wrong.")
    assert opened("d", dataclasses.replace(HELPED, loss=(0.5, 1.5))) == "Yes for the test error; no for the test loss."
    assert opened("e", dataclasses.replace(HELPED, zero=3 * [None])).startswith("It depends on more epochs: ")
    # No clear difference of three seeds is not taken for no difference.
    assert opened("f", UNDECIDED) == "It depends on more than 3 seeds, which cannot tell: the question takes 10."
    assert opened("g", dataclasses.replace(UNDECIDED, loss=(0.5, 1.5))) == (
        "No for the test loss; for the test error three seeds cannot tell.")
    many = Made(*(4 * one for one in (UNDECIDED.zero, UNDECIDED.end)), loss=(1.0, 1.0))  # twelve seeds
    assert opened("h", many) == "No: test error and test loss did not change clearly."
    assert opened("i", HURT, dataclasses.replace(HELPED, loss=(0.5, 1.5))) == (
        "No for the test loss (worse in 2 of 2 cases); for the test error it depends on the labels: worse where 10 % are "
        "wrong, better where 20 % are wrong.")


def test_labels_that_one_case_alone_has_are_named_with_its_data():
    def case(title, data, labels):
        return SimpleNamespace(title=title, case=SimpleNamespace(where=SimpleNamespace(data=data, labels=labels)))
    clean = case("Digits, labels as they are", "digits", "where they are clean")
    wrong = [case(f"{data}, 10 % flipped labels", data, "where 10 % are wrong") for data in ("Digits", "Two Gaussians")]
    assert zero_loss._groups([clean, *wrong]) == ["where they are clean (Digits)", *["where 10 % are wrong"] * 2]
    assert zero_loss._groups([clean]) == ["where they are clean"]


@pytest.mark.parametrize("seeds, words", [(1, "One seed"), (2, "Two seeds")])
def test_one_or_two_seeds_make_nothing_clear(tmp_path, seeds, words):
    """However large and alike the differences."""
    fell = Made(seeds * [18], seeds * [10], loss=(9.0, 0.1))
    opening, effect, still, best = sentences_for(tmp_path, fell, fell)
    assert opening == (f"It depends on more than {seeds} seed{'s' if seeds > 1 else ''}, which cannot tell: the question "
                       "takes 10.")
    assert effect.startswith(f"{words} cannot tell whether training on from 100 % training accuracy to the end pays; loss ")
    assert best == f"{words} cannot tell which alternative to training to the end is best."
    assert "clear" not in " ".join((opening, effect, still, best))


def test_answer_when_training_on_helps(tmp_path):
    _, effect, _, best = sentences_for(tmp_path, HELPED)
    assert effect == (f"{AFTER}clearly better and test loss clearly better; "
                      f"{FIRST}: loss 1.50 to 0.501, error 21.0 to 19.1 %.")
    assert best == (f"{FLOODED}test error was clearly better and test loss clearly better; in that case error 10.0 instead "
                    "of 19.1 %, loss 0.400 instead of 0.501.")


def test_answer_when_training_on_hurts(tmp_path):
    _, effect, _, best = sentences_for(tmp_path, HURT)
    assert effect == (f"{AFTER}clearly worse and test loss clearly worse; "
                      f"{FIRST}: loss 0.501 to 1.50, error 19.0 to 21.1 %.")
    # Stopping at zero error is as often clearly better; flooding has the lower error.
    assert best.startswith(FLOODED)


def test_answer_when_nothing_is_clear(tmp_path):
    _, effect, _, best = sentences_for(tmp_path, UNDECIDED)
    assert effect == (f"{AFTER}not clearly different and test loss not clearly different; "
                      f"{FIRST}: loss 1.00 to 1.00, error 19.0 to 19.1 %.")
    assert best == ("No alternative to training to the end was clearly better on balance; stopping at zero error came "
                    "closest: test error was not clearly different and test loss not clearly different; in that case error "
                    "19.0 instead of 19.1 %, loss 1.00 instead of 1.00.")


def test_answer_counts_the_cases_with_clear_differences(tmp_path):
    _, effect, _, best = sentences_for(tmp_path / "a", HURT, dataclasses.replace(HELPED, loss=(0.5, 1.0)), HURT, UNDECIDED)
    assert effect.startswith(f"{AFTER}clearly better in 1, worse in 2 and test loss clearly worse in 3 of 4 cases; ")
    assert "test error was clearly better in 3 and test loss clearly better in 3 of 4 cases; in that case" in best
    _, effect, _, _ = sentences_for(tmp_path / "b", UNDECIDED, UNDECIDED)
    assert effect.startswith(f"{AFTER}clearly different in none and test loss clearly different in none of 2 cases; ")


def test_answer_quotes_the_case_whose_loss_changed_most(tmp_path):
    most = Made([28, 29, 30], [31, 32.1, 33.1], loss=(0.5, 2.5), margin=(5, 9))
    _, effect, still, best = sentences_for(tmp_path / "a", HURT, most)
    assert effect.endswith(f"; loss changed by the largest factor for {SECOND}: 0.501 to 2.50, error 29.0 to 32.1 %.")
    assert "margin went from 5.00 to 9.00" in still and "error 10.0 instead of 32.1 %, loss 0.400 instead of 2.50" in best
    # The error of the quoted case is undecided, but its loss is not.
    _, effect, _, _ = sentences_for(tmp_path / "c", HURT, dataclasses.replace(UNDECIDED, loss=(0.5, 2.5)))
    assert effect.endswith(f"; loss changed by the largest factor for {SECOND}: 0.501 to 2.50, error 19.0 to 19.1 %.")
    # A fall to a quarter is more than a rise to three times.
    _, effect, _, _ = sentences_for(tmp_path / "b", HURT, dataclasses.replace(HELPED, loss=(2.0, 0.5)))
    assert effect.endswith(f"; loss changed by the largest factor for {SECOND}: 2.00 to 0.501, error 21.0 to 19.1 %.")


def test_answer_says_when_the_quoted_change_is_not_clear(tmp_path):
    """A second case where only one seed got there: its loss changed by the largest factor, but one seed cannot tell."""
    # The end of the same seed is quoted, not the mean of all.
    once = Made([18, None, None], [20, 21, 22], loss=(0.5, 9.0))
    _, effect, _, best = sentences_for(tmp_path, HURT, once)
    assert effect == (f"{AFTER}clearly worse in 1 and test loss clearly worse in 1 of 1 cases with enough seeds; "
                      f"loss changed by the largest factor, though not clearly, for {SECOND}: 0.500 to 9.00, error "
                      "18.0 to 20.0 %.")
    assert "test error was clearly better in 2 and test loss clearly better in 2 of 2 cases; in that case" in best


def test_answer_says_how_many_cases_reached_zero_error(tmp_path):
    _, effect, _, best = sentences_for(tmp_path, HURT, dataclasses.replace(HURT, zero=3 * [None], loss=(0.1, 9.0)))
    assert effect == ("After training on from 100 % training accuracy (reached in 1 of 2 cases) to the end, test error was "
                      f"clearly worse and test loss clearly worse; {FIRST}: loss 0.501 to 1.50, error 19.0 to 21.1 %.")
    assert "clearly better in 2 of 2 cases; in that case error 10.0 instead of 21.1 %" in best


def test_answer_says_whether_the_model_still_changes(tmp_path):
    def middle(name, **figures):
        return sentences_for(tmp_path / name, dataclasses.replace(HURT, **figures))[2]

    assert middle("a") == ("In that case the model went on changing after zero error: its median training margin went from "
                           "3.00 to 12.0, its gradient norm from 0.100 to 1.00e-4, and 5.00 % of its test predictions "
                           "changed.")
    assert "the model hardly changed any more after zero error: " in middle("b", margin=(3, 3.02), changed=0.004)
    assert "the model went on changing after zero error: " in middle("c", margin=(3, 2.9), changed=0.004)
    assert "the model went on changing after zero error: " in middle("d", margin=(3, 3.02), changed=0.006)


def test_answer_names_what_did_best_by_verdicts(tmp_path):
    # Patience: better in both. Flooding: the lowest error by far, but a worse loss.
    *_, best = sentences_for(tmp_path / "a", dataclasses.replace(HELPED, patience=([16, 17.1, 18], 0.3), flood_loss=0.9))
    assert best == ("Of the alternatives to training to the end, patience on the validation loss did best: test error was "
                    "clearly better and test loss clearly better; in that case error 17.0 instead of 19.1 %, loss 0.301 "
                    "instead of 0.501.")
    # All are worse, or as good as the end.
    *_, best = sentences_for(tmp_path / "b", dataclasses.replace(HELPED, flood=40.0, flood_loss=0.9))
    assert best.startswith("No alternative to training to the end was clearly better on balance; patience on the validation "
                           "loss came closest: test error was not clearly different and test loss not clearly different; ")
    # Better in error but worse in loss is no win, and both are said.
    *_, best = sentences_for(tmp_path / "c", dataclasses.replace(HELPED, flood_loss=0.9))
    assert best.startswith("No alternative to training to the end was clearly better on balance; flooding came closest: "
                           "test error was clearly better and test loss clearly worse; ")


def test_answer_without_zero_error_or_with_one_seed(tmp_path):
    (only,) = sentences_for(tmp_path / "a", dataclasses.replace(HURT, zero=3 * [None]))
    assert "no run reached zero training error" in only
    _, effect, still, best = sentences_for(tmp_path / "b", Made([18], [10]))
    assert effect == ("One seed cannot tell whether training on from 100 % training accuracy to the end pays; "
                      f"{FIRST}: loss 0.500 to 1.50, error 18.0 to 10.0 %.")
    assert "better" not in still and best == "One seed cannot tell which alternative to training to the end is best."
