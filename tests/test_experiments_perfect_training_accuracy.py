"""perfect_training_accuracy: its words on made-up results, from end to end with tiny settings, and its central claim."""
from dataclasses import replace

import numpy as np
import pytest

from experiments.questions import perfect_training_accuracy as question
from experiments.questions.perfect_training_accuracy import Config, arms, compared
from experiments.report import plots
from experiments.report.compare import clearly_above
from experiments.report.measured import Measured
from experiments.runs.store import Store
from experiments.trainers.train import train_fleet
from tests.test_experiments_capacity import grid

CLEAN, FLIPPED = ("digits_folds", 0.0), ("digits_folds", 0.1)


def said(*grids):
    return question.answer([replace(one, noise=noise) for one, noise in zip(grids, (0.0, 0.1), strict=False)])


def better(**how):
    return grid(**{"seeds": 6, "perfect": 0.1, "imperfect": 0.2, **how})


def worse(**how):
    return grid(**{"seeds": 6, "perfect": 0.2, "imperfect": 0.1, **how})


def test_yes_no_or_it_depends_on_the_labels():
    assert said(better(), better()).startswith("Yes for the validation error (better in 2 of 2 cases).")
    assert said(worse(), worse()).startswith("No for the validation error (worse in 2 of 2 cases).")
    assert said(better(), worse()).startswith("It depends on the labels for the validation error: worse where 10 % are "
                                              "wrong, better where they are clean.")


def test_too_few_divisions_cannot_tell():
    for seeds in (1, 2):
        assert said(better(seeds=seeds), worse(seeds=seeds)).startswith(
            f"It depends on more than {seeds} seed{'s' * (seeds > 1)}, which cannot tell: the question takes 5.")
    assert said(grid(zero=False, seeds=6)).startswith("It depends on more than 6 seeds")


def test_figures_of_the_answer_are_the_measured_ones():
    text = said(better(), worse())
    assert "had no training error in 100 % (Digits, 0 % flipped) and 0 % (Digits, 10 % flipped) of folds" in text
    for words in ("best without: -10.0", "(Digits, 0 % flipped: better)", "was only stopped, in 100 % of folds"):
        assert words in text
    assert "clearly worse in 1, better in 1 of 2 cases" in text
    assert "at most: it says nothing (1 or more) in 4 of 4 cells" in text
    assert "Skipped: Breast cancer, which is not on this machine." in text


def test_a_case_in_which_nothing_fits_is_not_judged():
    text = said(better(), grid(zero=False, seeds=6))
    assert text.startswith("Yes for the validation error (better in 1 of 1 case).")
    assert "– (Digits, 10 % flipped: cannot be judged)" in text


def test_samples_that_no_table_has_are_refused():
    with pytest.raises(ValueError, match=r"samples: got \(500,\), accepted: one of at most 455, four folds of the smallest"):
        Config(samples=(500,))
    small = arms(Config(samples=(455, 500), widths=(4, 2)))
    assert {size for _, size in small["breast_cancer_folds", 0.0]} == {455}
    assert {size for _, size in small[CLEAN]} == {455, 500}


@pytest.mark.compiled
def test_from_end_to_end(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "page", lambda path, panels, **how: drawn.append((path.name, len(panels))) or [path])
    tiny, store = Config(seeds=1, samples=(20,), widths=(4, 2), noise=(0.1,), epochs=3, workers=1), Store(tmp_path)
    question.run(tiny, store)
    results = question.gather(store, tiny)
    assert store.count("perfect_training_accuracy") == len(results) * 2 * 5 and results[0].train.shape[:4] == (2, 1, 1, 5)
    text = "".join(table.plain() for table in question.tables(results))
    assert "Digits, 10 % flipped (1 division)" in text and "Breast cancer, 10 % flipped" in text
    # What the panels draw is looked at in test_experiments_figures.py.
    assert [path.name for path in question.figures(results, tmp_path)] == [name for name, _ in drawn]
    assert drawn == [("perfect_training_accuracy.png", 1), ("perfect_training_accuracy_tables.png", len(results) - 1),
                     ("perfect_training_accuracy_best.png", len(results))]
    assert question.answer(results).startswith("It depends on more than 1 seed")


def measured(case, config):
    return question.grid_of(*case, {place: Measured(train_fleet([one.settings() for one in some]))
                                   for place, some in arms(config)[case].items()})


@pytest.mark.compiled
def test_zero_training_error_pays_where_labels_are_clean_and_costs_where_some_are_wrong():
    """The central claim, by the whole 95 % interval of four divisions into five folds: by half a point, and by one."""
    clean, flipped = (compared(measured(case, Config(seeds=4, samples=(size,), widths=(width,), epochs=100)))[
        question.GROUPS[0]][0] for case, size, width in ((CLEAN, 100, 64), (FLIPPED, 200, 128)))
    assert clearly_above(-clean, 0.5) and clearly_above(flipped, 1)
    assert np.all(np.isfinite([clean, flipped]))
