"""validation_above_training from end to end with tiny settings, its words on made-up runs, and its central claim."""
import math
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.questions import validation_above_training
from experiments.questions.validation_above_training import Config
from experiments.report import plots
from experiments.report.accuracy_parts import PARTS, Case, opened, split
from experiments.report.compare import clearly_above
from experiments.report.measured import Measured
from experiments.runs.store import Run, Store
from experiments.trainers.accuracy_gap import (
    CAUSES,
    Observed,
    Samples,
    Watch,
    easy_half,
    observed_of,
    samples_of,
    train_fleet,
)
from experiments.trainers.shares import share_above, shared_out
from tests.pages import bare

TINY = Config(seeds=2, train=40, validation=40, tiny=5, hidden=(8,), epochs=2, batch_size=20)


def observe(seeds=1, **how):
    settings = {"train": 40, "validation": 60, "tiny": 5, "hidden": (8,), "epochs": 2, **how}
    return train_fleet([Observed("claim", seed, **settings).settings() for seed in range(seeds)])


def test_from_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "page", bare)
    store = Store(tmp_path)
    validation_above_training.run(TINY, store)
    assert store.count("validation_above_training") == 2 * 8
    results = validation_above_training.gather(store, TINY)
    for case in results.cases:
        np.testing.assert_allclose(sum(case.parts().values()), case.observed, atol=1e-9, err_msg=case.title)
    text = "".join(table.plain() for table in validation_above_training.tables(results))
    for words in ("(2 seeds)", "Averaging alone", "Dropout + augmentation", "Tiny validation set", "generalisation"):
        assert words in text
    paths = validation_above_training.figures(results, tmp_path)
    assert [path.stem for path in paths] == ["validation_above_training", "validation_above_training_epochs"]
    answer = validation_above_training.answer(results)
    assert answer.startswith("It depends on more than 2 seeds: at least 3 are needed") and "nan" not in answer
    assert "clearly" not in answer and "not clear" not in answer  # so few seeds


# --- the trainer ---

@pytest.mark.parametrize("how", [{}, {"dropout": 0.5}, {"shift": 1}, {"dropout": 0.3, "shift": 2}])
def test_what_is_measured_is_what_training_sees(how):
    """The running outputs give the batch losses that `fit` records: same order, masks, augmented inputs, weights."""
    from losses import CrossEntropy
    from nn import MLP, Adam, RandomShift, fit

    run = Observed("test", 3, 50, 40, 5, (8, 6), epochs=3, batch_size=20, **how)
    parts, augment = samples_of(run), RandomShift(8, 8, run.shift) if run.shift else None
    watch, expected, seen = Watch(run, parts | {"easy": parts["tiny"]}, augment), [], []

    def check(model, row):
        watch(model, row)
        seen.append(row["train_loss_running"])
        if row["update"] < watch.updates:
            rows = watch.order[row["update"] % watch.batches * 20:][:20]
            expected.append(CrossEntropy().value(watch.outputs(model, row["update"], rows, False, False),
                                                 parts["train"].given[rows]))

    fit(MLP((64, 8, 6, 10), dropout=run.dropout, seed=run.seed), parts["train"].x, parts["train"].given, loss=CrossEntropy(),
        optimizer=Adam(1e-2), epochs=3, batch_size=20, seed=run.seed, augment=augment, progress=False, on_check=check,
        check_every=range(watch.updates + 1))
    np.testing.assert_allclose(expected, seen[1:], rtol=1e-5)


def test_parts_of_the_digits_do_not_overlap_and_flips_are_in_training_alone():
    run = Observed("test", 1, 100, 80, 10, (8,), noise=0.1)
    parts = samples_of(run)
    assert {name: len(part.y) for name, part in parts.items()} == {
        "train": 100, "others": 100, "validation": 80, "tiny": 10, "reference": 1797 - 280}
    assert (parts["train"].given != parts["train"].y).sum() == 10
    assert all((part.given == part.y).all() for name, part in parts.items() if name != "train")
    together = np.vstack([part.x for name, part in parts.items() if name != "tiny"])
    assert len(np.unique(together, axis=0)) == 1797


def test_digits_that_there_are_not_are_named():
    with pytest.raises(ValueError, match="train: got 900, accepted: at most 888, which leaves"):
        samples_of(Observed("test", 0, 900, 20, 5, (8,)))
    with pytest.raises(ValueError, match="train: got 900, accepted: with `validation` and as many others below 1797"):
        Config(train=900)
    with pytest.raises(ValueError, match="tiny: got 301, accepted: at most 300"):
        Config(tiny=301)
    with pytest.raises(ValueError, match="source: got 'all', accepted: '', 'head', 'others', 'validation'"):
        Observed("test", 0, 40, 20, 5, (8,), source="all")


def test_a_run_is_a_function_of_its_settings():
    run = Observed("claim", 1, 40, 60, 5, (8,), 0.5, 1, 0.1, "head", 2)
    assert observed_of(run.settings()) == run
    [alone], [_, together] = train_fleet([run.settings()]), train_fleet([{**run.settings(), "seed": 0}, run.settings()])
    assert all(np.array_equal(alone.curves[name], together.curves[name]) for name in alone.curves)


def test_the_easy_half_has_the_largest_margins():
    outputs = np.array([[3.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, 5.0]])
    samples = Samples(np.arange(4)[:, None], np.array([0, 0, 0, 1]), np.array([0, 0, 0, 1]))
    easy = easy_half(SimpleNamespace(forward=lambda x: outputs[x[:, 0]]), samples)
    assert easy.x[:, 0].tolist() == [3, 0] and easy.y.tolist() == [1, 0]


def test_parts_are_shared_out_over_all_orders():
    # Two causes that together give more than alone: each gets half of what is joint.
    np.testing.assert_allclose(shared_out(np.array([[0.0, 1.0], [2.0, 5.0]])), [3.0, 2.0])
    values = np.random.default_rng(0).random((2,) * 4)
    assert shared_out(values).sum() == pytest.approx(values[1, 1, 1, 1] - values[0, 0, 0, 0])
    alone = np.zeros((2, 2, 2))
    alone[:, 1] = 0.3
    np.testing.assert_allclose(shared_out(alone), [0, 0.3, 0], atol=1e-15)


@pytest.mark.parametrize("right, total, drawn, accuracy, share", [
    (2, 4, 2, 0.5, 1 / 6), (2, 4, 2, 0.4, 5 / 6), (4, 4, 2, 0.9, 1), (4, 4, 2, 1.0, 0), (9, 10, 1, 0.95, 0.9)])
def test_the_share_of_small_sets_above(right, total, drawn, accuracy, share):
    assert share_above(right, total, drawn, accuracy) == pytest.approx(share)


# --- the claim ---

@pytest.mark.compiled
def test_each_cause_puts_validation_above_and_the_remedy_tells_which_are_in_the_data():
    """The central claim, each part with its whole 95 % interval over eight seeds on its side of a bound."""
    def trained(**how):
        fixed = {"train": 200, "validation": 900, "hidden": (60,), "epochs": 8, "learning_rate": 4e-3}
        return Measured(observe(8, **fixed | how))

    plain = trained()
    cases = {cause: Case("", trained(**how) if how else plain, epoch) for cause, how, epoch in (
        ("averaging", {}, 0), ("dropout", {"dropout": 0.7}, -1), ("augmentation", {"shift": 1}, -1),
        ("labels", {"noise": 0.2}, -1))}
    last = Case("", plain, -1)
    assert clearly_above(-last.observed, 0) and clearly_above(-last.parts()["rest"], 0)
    for cause, case in cases.items():
        assert clearly_above(case.observed, 4) and clearly_above(case.parts()[cause], 8)
        assert [name for name in CAUSES[1:] if np.any(case.parts()[name])] == [cause] * (cause != "averaging")
        if cause == "labels":  # which stay wrong, however accuracy is measured
            assert clearly_above(case.remedied, 2)
        else:
            assert clearly_above(case.observed - case.remedied, 8) and clearly_above(-case.remedied, -4)
    # What is in the validation set itself stays, too: easier samples, and those that a network trained before has seen.
    easy = Case("", plain, -1, "easy")
    assert clearly_above(easy.parts()["set"], 4) and clearly_above(easy.remedied, 0)
    seen, clean = (Case("", trained(source=source, train=100, validation=300, epochs=16), 0)
                   for source in ("validation", "others"))
    assert clearly_above(seen.parts()["set"] - clean.parts()["set"], 1)
    assert clearly_above(seen.remedied - clean.remedied, 0)


# --- words ---

def made(shown, remedied, title="A", *, seeds=6, cause="dropout", generalisation=-3.0):
    """Runs with these gaps in points, of which one cause explains what the remedy takes away."""
    runs = []
    for seed in range(seeds):
        validation = 0.9 + 0.001 * (seed - 2.5)
        running = validation - shown / 100 + 0.0005 * math.cos(seed)
        frozen = validation - remedied / 100 + 0.0005 * math.sin(seed)
        curves = {name: np.zeros(2) for name in CAUSES}
        curves |= {"epoch": np.array([1.0, 2.0]), cause: np.full(2, frozen - running), "chance": np.full(2, 0.25)}
        curves |= {name: np.full(2, value) for name, value in {
            "running": running, "frozen": frozen, "true": frozen, "half": frozen - 0.01, "validation": validation,
            "reference": frozen + generalisation / 100, "tiny": validation, "easy": validation}.items()}
        runs.append(Run(curves=curves))
    return Case(title, Measured(runs), -1)


@pytest.mark.parametrize("gaps, opening", [
    (((5, -3), (4, -2)), "Yes: validation accuracy was clearly above the training accuracy shown in 2 of 2 cases; "),
    (((5, 5), (4, 3)), "No: "), (((5, -3), (4, 3)), "It depends on the cause: "),
    (((5, 0), (4, 0)), "It depends on more than 6 seeds, which cannot tell: "),
    (((-5, -5), (0, -3)), "No: validation accuracy was not clearly above training accuracy in any of 2 cases.")])
def test_the_answer_opens_as_the_remedy_leaves_it(gaps, opening):
    answer = opened([made(*gap, title) for gap, title in zip(gaps, "AB", strict=True)], 6)
    assert answer.startswith(opening), answer


def test_cases_are_named_by_what_the_remedy_leaves():
    answer = opened([made(5, -3, "A"), made(4, 3, "B"), made(4, 0, "C"), made(-5, -5, "D")], 6)
    assert answer.endswith("in 3 of 4 cases; measured alike (weights of the epoch's end, no dropout, training inputs as "
                           "they are) it was, of these, clearly below in 1 (A), still clearly above in 1 (B) and "
                           "neither in 1 (C).")
    assert opened([made(5, -3, seeds=2)], 2).startswith("It depends on more than 2 seeds: at least 3")


def test_a_gap_is_told_with_what_raises_it():
    words = split(made(5, -3))
    assert words.startswith("A 5.0 ±") and "→ -3.0 ±" in words and "(dropout 8.0 ±" in words
    assert "generalisation" not in words
    assert split(made(-5, -5, generalisation=-5)).endswith("(no part clear)")


def test_parts_have_a_name_and_a_hue_each():
    assert set(CAUSES) < set(PARTS) and len({hue for _, hue in PARTS.values()}) == len(PARTS)
