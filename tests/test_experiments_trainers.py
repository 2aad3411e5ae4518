"""The one description of a run, its way through settings, its trainer and the named measures."""
import ast
import dataclasses
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

import experiments
from experiments.data.images import READERS, read_images
from experiments.runs import identity
from experiments.trainers import description, measures, train
from experiments.trainers.data_sets import SETS, load_data
from experiments.trainers.description import Description, describe, description_of
from experiments.trainers.watching import Watcher

ROOT = Path(experiments.__file__).parent
TINY = {"experiment": "test", "seed": 3, "data": "digits", "train": 40, "validation": 30, "test": 50, "hidden": (5,),
        "epochs": 6, "batch_size": 16, "learning_rate": 0.02}


def trained(**changes):
    [run] = train.train_fleet([describe(**{**TINY, **changes}).settings()])
    return run


# --- the description ---

def test_every_field_has_a_flat_name_of_its_own_and_comes_back():
    run = describe(**TINY, level=0.1, models=(("zero", "ZeroError()"), ("end", "end")), metrics=("margin_min",))
    settings = run.settings()
    groups = [name for kind in description.GROUPS.values() for name in (field.name for field in dataclasses.fields(kind))]
    assert len(groups) == len(set(groups)) and set(settings) == {*groups, *description.ALONE, *description.CODE}
    assert settings == json.loads(identity.canonical(settings))  # plain values alone
    assert description_of(settings) == run == description_of(json.loads(identity.canonical(settings)))
    assert run.but(level=0.2) != run == run.but(level=0.2).but(level=0.1)
    assert hash(run) == hash(description_of(settings))
    assert settings["hidden"] == [5] and settings["data"] == "digits" and settings["optimizer"] == "adam"


@pytest.mark.parametrize(("change", "message"), [
    ({"levels": 0.1}, "settings: got 'levels', accepted: level"),
    ({"loss": "mse"}, "loss: got 'mse', accepted: 'cross_entropy', "),
    ({"flood": "dam"}, "flood: got 'dam', accepted: 'flooding', "),
    ({"optimizer": "lbfgs"}, "optimizer: got 'lbfgs', accepted: 'adam', "),
    ({"network": "rnn"}, "network: got 'rnn', accepted: 'mlp'"),
    ({"rate": "step"}, "rate: got 'step', accepted: 'constant'"),
    ({"measures": ("best_check",), "validation": 0}, "validation: got 0, accepted: at least 1 with"),
    ({"curves": "none"}, "curves: got 'none', accepted: 'all', 'thinned'"),
    # What another kind would not heed is refused, too.
    ({"momentum": 0.9}, "momentum: got 0.9, accepted: 0.0"), ({"margin": 2.0}, "margin: got 2.0, accepted: 1.0"),
    ({"loss": "hinge", "label_smoothing": 0.1}, "label_smoothing: got 0.1, accepted: 0.0"),
    ({"loss": "squared_error", "confidence_penalty": 0.1}, "confidence_penalty: got 0.1, accepted: 0.0"),
    ({"optimizer": "rprop", "weight_decay": 0.1}, "weight_decay: got 0.1, accepted: 0.0")])
def test_what_cannot_be_described_is_refused(change, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        describe(**{**TINY, **change})


# Of a trainer of its own: what is seen around every update, of networks trained before, of anybody's table, and what one
# moves through on a page, no Description says.
OWN = {"accuracy_gap.py": "Observed", "autoencoding.py": "Autoencoder", "frames.py": "Recording", "grokking.py": "Addition",
       "online.py": "Course", "own_table.py": "OwnRun", "regularized.py": "Regularized", "spelling.py": "Speller",
       "trajectories.py": "Trajectory", "turning.py": "Turn", "unrolled.py": "Unrolled"}


def test_there_is_one_class_that_describes_a_run_and_questions_keep_to_themselves():
    with_settings = []
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any(getattr(part, "name", "") == "settings" for part in node.body):
                with_settings.append((path.name, node.name))
            if isinstance(node, ast.ImportFrom) and path.is_relative_to(ROOT / "questions"):
                inside = path.relative_to(ROOT / "questions").parts
                assert node.level != len(inside), f"{path} imports from another question"
                assert not (node.module or "").startswith("experiments.questions"), path
    assert set(with_settings) == {("description.py", Description.__name__), *OWN.items()}


# --- training ---

@pytest.mark.parametrize("loss", description.LOSSES)
@pytest.mark.parametrize("flood", ["", *description.FLOODS])
def test_every_loss_and_flood_is_the_lone_fit_of_its_name(loss, flood):
    import losses
    from nn import MLP, Adam, adaptive_levels, fit

    bases = {"cross_entropy": losses.CrossEntropy(), "squared_error": losses.SquaredError(), "hinge": losses.Hinge(),
             "squared_hinge": losses.SquaredHinge()}
    floods = {"flooding": losses.Flooding, "instance_flooding": losses.InstanceFlooding, "softad": losses.SoftAD,
              "relax": losses.RelaxLoss}
    level = 1.0 if loss == "squared_error" else 0.5  # which it crosses
    own = {"flood": flood, "level": level} if flood else {}
    own |= {"folds": 2, "gamma": 0.5, "auxiliary_epochs": 2} if flood == "adaflood" else {}
    run = describe(**{**TINY, "epochs": 40, "every": 1, "hidden": (16,)}, loss=loss, **own)
    data, base = load_data(run.data, run.seed), bases[loss]
    model, x, y = MLP((64, 16, 10), seed=3), data.train.x, data.train.y
    if flood == "adaflood":
        base = losses.AdaFlooding(base, adaptive_levels(model, x, y, loss=base, optimizer=Adam(0.02), epochs=2, folds=2,
                                                        gamma=0.5, seed=3, batch_size=16))
    elif flood:
        base = floods[flood](base, level)
    history = fit(model, x, y, loss=base, optimizer=Adam(0.02), epochs=40, batch_size=16, seed=3, progress=False)
    [found] = train.train_fleet([run.settings()])
    np.testing.assert_array_equal(found.curves["train_loss"], history["train_loss"])
    assert (found.curves["flooded_fraction"].max() > 0) == (flood != "")
    assert found.scalars["test_loss"] == bases[loss].value(model.forward(data.test.x), data.test.y)
    assert found.scalars["test_error"] == np.mean(model.forward(data.test.x).argmax(axis=1) != data.test.y)


CHANGES = [
    {"optimizer": "sgd", "momentum": 0.9}, {"optimizer": "adamw", "weight_decay": 0.1}, {"weight_decay": 0.1}, {"l1": 1e-2},
    {"optimizer": "rprop", "batch_size": 0}, {"l2": 1e-2}, {"l1": 1e-2, "l2": 1e-2}, {"rate": "cosine"}, {"dropout": 0.3},
    {"label_smoothing": 0.2}, {"confidence_penalty": 0.2}, {"loss": "hinge"}, {"loss": "hinge", "margin": 2.0},
    {"batch_norm": True},
    {"activation": "tanh"}, {"init": "fan_in_uniform"}, {"dtype": "float64"}, {"noise": 0.2}, {"seed": 4}, {"batch_size": 1},
    {"learning_rate": 0.01}, {"epochs": 5}, {"hidden": (6,)}, {"optimizer": "sgd"}, {}]


def test_every_setting_reaches_the_training():
    """No two of these are the same run."""
    assert len({trained(**change).curves["train_loss"][-1] for change in CHANGES}) == len(CHANGES)


def test_members_of_a_fleet_have_their_own_rules_measures_and_models():
    kept = (("best", "Patience(2)"), ("early", "epoch 2"), ("late", "3 * early"), ("end", "end"))
    with pytest.raises(ValueError, match=r"models: got '3 \* early', accepted: a factor of one of best"):
        Watcher(kept)
    kept = (("best", "Patience(2)"), ("early", "epoch 2"), ("end", "end"))
    everything = tuple(name for name in measures.MEASURES if name not in ("divergence", "last_check", "final_test"))
    runs = [describe(**{**TINY, "seed": seed, "level": level}, models=kept, measures=everything, batch_norm=True)
            for seed in range(2) for level in (0.0, 2.0)]
    fleet = train.train_fleet([run.settings() for run in runs])
    for run, found in zip(runs, fleet, strict=True):
        [alone] = train.train_fleet([run.settings()])
        assert found.scalars == alone.scalars and {"early.test_error", "best.epoch", "end.margin_min"} <= set(found.scalars)
        for name, values in alone.arrays.items():
            np.testing.assert_array_equal(found.arrays[name], values)
        [shorter] = train.train_fleet([run.but(epochs=2, models=(("end", "end"),)).settings()])  # and running statistics
        for name in ("test_loss", "train_error", "margin_median", "calibration_error"):
            assert found.scalars[f"early.{name}"] == shorter.scalars[f"end.{name}"]
    assert len({found.scalars["end.train_loss"] for found in fleet}) == 4


def test_zero_error_is_the_first_epoch_without_a_training_error():
    """Whenever the checks are."""
    kept = (("zero", "zero error"), ("thrice", "3 * zero"), ("end", "end"))
    run = describe(**{**TINY, "epochs": 90, "hidden": (16,), "batch_size": 8}, dense=1, growth=3.0, models=kept, noise=0.1)
    [seen] = train.train_fleet([run.but(every=1).settings()])
    first = int(seen.curves["epoch"][np.argmax(seen.curves["train_error"] == 0)])
    assert 1 < first < 30 and {first, 3 * first}.isdisjoint(run.check_epochs())
    [found] = train.train_fleet([run.settings()])
    assert (found.scalars["zero.epoch"], found.scalars["zero.stopped"], found.scalars["thrice.epoch"]) == (
        first, first, 3 * first)
    np.testing.assert_array_equal(found.curves["epoch"], run.check_epochs())  # nothing else is measured more often
    for name, epochs in (("zero", first), ("thrice", 3 * first)):
        [shorter] = train.train_fleet([run.but(epochs=epochs, models=(("end", "end"),)).settings()])
        for figure in ("train_error", "train_loss", "test_loss", "val_error"):
            assert found.scalars[f"{name}.{figure}"] == shorter.scalars[f"end.{figure}"]
    assert found.scalars["zero.train_error"] == 0 < found.scalars["zero.train_loss"]


def test_a_run_without_zero_error_has_no_model_of_that_name():
    found = trained(models=(("zero", "zero error"), ("ten", "10 * zero"), ("end", "end")), epochs=1)
    assert {name.partition(".")[0] for name in found.scalars} == {"end"}


def test_the_first_check_is_not_taken_for_the_first_epoch():
    """No question can mean a check by the words "zero error"."""
    with pytest.raises(ValueError, match=r"models: got 'ZeroError\(\)', which would find a check, accepted: 'zero error'"):
        trained(models=(("zero", "ZeroError()"),))
    Watcher((("val", "ZeroError('val_error')"), ("zero", "zero error")))


def test_data_that_take_much_memory_are_not_stacked(monkeypatch):
    runs = [describe(**{**TINY, "seed": seed}).settings() for seed in range(3)]
    whole, sizes = train.train_fleet(runs), []
    monkeypatch.setattr(train, "FLEET_BYTES", 2 * 4 * 64 * 70)
    monkeypatch.setattr(train, "_train", lambda part, inner=train._train: sizes.append(len(part)) or inner(part))
    assert [run.scalars for run in train.train_fleet(runs)] == [run.scalars for run in whole] and sizes == [2, 1]


def test_a_run_that_diverges_is_an_error_unless_it_is_a_result():
    wild = {"optimizer": "sgd", "learning_rate": 1e30, "loss": "squared_error"}
    with pytest.raises(train.RunDiverged, match="test, seed 3, digits, level 0: training diverged"):
        trained(**wild)
    run = trained(**wild, measures=("last_check", "final_test", "divergence"))
    assert run.scalars.pop("diverged") == 1 and set(map(math.isnan, run.scalars.values())) == {True}
    assert set(run.scalars) == set(trained(measures=("last_check", "final_test")).scalars)
    named = trained(**wild, measures=("margins", "divergence"), models=(("first", "epoch 1"), ("end", "end")))
    assert named.scalars["end.diverged"] == 1 and math.isnan(named.scalars["first.margin_min"])


# --- measures ---

@pytest.mark.parametrize("name", measures.MEASURES)
def test_measures_give_the_scalars_that_they_say(name):
    run = trained(measures=(name,))
    assert set(run.scalars) == set(measures.MEASURES[name].names)
    assert all(np.isfinite(value) for value in run.scalars.values())


def test_a_run_without_validation_samples_says_nothing_of_them():
    run = trained(validation=0)
    assert not [name for name in (*run.scalars, *run.curves) if name.startswith("val_")]
    assert {"train_loss", "train_error", "test_loss", "test_error", "test_error_clean"} == set(run.scalars)
    with pytest.raises(ValueError, match="validation: got 0, accepted: at least 1 with the measure 'best_check'"):
        trained(validation=0, measures=("best_check",))


def test_a_question_has_measures_of_its_own(tmp_path, monkeypatch):
    folder = tmp_path / "somebodys"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    versions = []
    for factor in (2, 3):
        (folder / "question.py").write_text("def spread(one):\n"
                                            f"    return {{'spread': {factor} * one.outputs('test').std()}}\n")
        for name in ("somebodys", "somebodys.question"):
            sys.modules.pop(name, None)
        description.code_of.cache_clear()
        identity.code_version.cache_clear()
        run = trained(measures=("final_test", "somebodys.question:spread"))
        assert run.scalars["spread"] > 0 and "test_error" in run.scalars
        versions.append(describe(**TINY, measures=("somebodys.question:spread",)).settings()["measures_code"])
    description.code_of.cache_clear()
    assert versions[0] != versions[1] and describe(**TINY).settings()["measures_code"] == ""


@pytest.mark.parametrize("name", ["mistakes", "experiments.trainers.measures:nothing", "nowhere.at.all:f"])
def test_an_unknown_measure_is_named(name):
    with pytest.raises(ValueError, match=f"measures: got '{name}'.*accepted: .*package.module:function"):
        measures.named(name)


def test_two_measures_of_one_scalar_are_refused_before_training(monkeypatch):
    monkeypatch.setattr("nn.fit_fleet", lambda *_, **__: pytest.fail("training has begun"))
    with pytest.raises(ValueError, match="measures: got 'errors' and 'last_check', which both give 'train_error'"):
        trained(measures=("errors", "last_check"))


def test_data_sets_have_the_shape_that_estimates_count_on():
    for name in set(SETS) - {"mnist", "diabetes_folds"}:  # whose files travel with nobody
        shape, files = SETS[name], read_images(name).fingerprint if name in READERS else ""
        data = load_data(describe(**{**TINY, "data": name, "files": files}).data, 0)
        assert (data.train.x.shape, len(data.classes)) == ((shape.per_train * 40, shape.inputs), shape.classes)
        assert len(data.test) == shape.per_test * 50 and len(data.validation) == shape.per_train * 30
