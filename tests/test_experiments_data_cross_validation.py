"""Cross-validated tables: who is held out, who is trained on, whose labels are flipped, where units come from."""
import sys

import numpy as np
import pytest

from experiments.data.cross_validation import FOLDS, SAMPLES, cross_validated, fingerprint, found, whole
from experiments.data.proben1 import PROBLEMS, Problem
from experiments.trainers.data_sets import FOLDED, load_data
from experiments.trainers.description import describe

N = SAMPLES["digits"]


def rows(part):
    return {row.tobytes() for row in part.x}


@pytest.fixture(scope="module")
def folds():
    """The five folds of the second division, one in ten labels flipped."""
    return [cross_validated("digits", 200, N // FOLDS, noise=0.1, seed=FOLDS + fold) for fold in range(FOLDS)]


def test_every_sample_is_held_out_once(folds):
    held = [rows(data.validation) for data in folds]
    together = set().union(*held)
    # No two digits are equal, and folds of 359 or 360 give 359 each.
    assert sum(map(len, held)) == len(together) == N // FOLDS * FOLDS
    assert together <= rows(whole("digits").train)


def test_no_part_shares_a_sample_with_another(folds):
    for data in folds:
        parts = [rows(part) for part in (data.train, data.validation, data.test)]
        assert len(set().union(*parts)) == sum(map(len, parts)) and [len(part) for part in parts[:2]] == [200, 359]
        assert sum(map(len, parts)) in (N - 1, N)  # but for the last of 360 that are held out


def test_classes_keep_their_shares_in_every_part(folds):
    for data in folds:
        for part, room in ((data.train, 2), (data.validation, 2)):
            assert np.all(np.abs(np.bincount(part.y) - len(part) / N * np.bincount(_seen(folds))) <= room)


def _seen(folds):
    data = folds[0]
    return np.concatenate([part.y for part in (data.train, data.validation, data.test)])


def test_a_label_is_flipped_or_not_whatever_the_fold(folds):
    label = {}
    for data in folds:
        for part in (data.train, data.validation, data.test):
            for row, y, clean in zip(part.x, part.y, part.y_clean, strict=True):
                assert label.setdefault(row.tobytes(), (y, clean)) == (y, clean)
    assert sum(y != clean for y, clean in label.values()) == int(0.1 * N)


def test_fewer_samples_are_part_of_more():
    few, many = (cross_validated("digits", size, 359, seed=3) for size in (50, 400))
    assert rows(few.train) < rows(many.train) and rows(few.validation) == rows(many.validation)


def test_divisions_and_folds_differ():
    held = [rows(cross_validated("digits", 50, 100, seed=seed).validation) for seed in (0, 1, FOLDS, FOLDS + 1)]
    assert all(a != b for i, a in enumerate(held) for b in held[:i])


def test_units_are_taken_from_the_training_samples_alone():
    data = cross_validated("breast_cancer", 100, 113, seed=2)
    np.testing.assert_allclose(data.train.x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(data.train.x.std(axis=0), 1, rtol=1e-4)
    assert np.abs(data.validation.x.mean(axis=0)).max() > 0.01
    pixels = cross_validated("digits", 50, 50).train.x
    assert (pixels.min(), pixels.max()) == (0, 1)


def test_a_part_may_be_empty():
    data = cross_validated("breast_cancer", 455, 113)
    assert data.test.x.shape == (0, 30) and len(cross_validated("breast_cancer", 400, 113, 20).test) == 20


@pytest.mark.parametrize("sizes, message", [
    ((1438, 10), "train: got 1438, accepted: at most 1437 of the 1797 samples of digits"),
    ((1430, 10, 8), "train: got 1438 with test, accepted: at most 1437"),
    ((10, 360), "validation: got 360, accepted: at most 359"), ((0, 10), "train: got 0, accepted: an integer of at least 1"),
    ((10, 10, -1), "test: got -1, accepted: an integer of at least 0")])
def test_sizes_that_do_not_fit(sizes, message):
    with pytest.raises(ValueError, match=message):
        cross_validated("digits", *sizes)


def test_there_are_as_many_samples_as_is_said():
    assert {name: len(whole(name).train) for name in SAMPLES if name != "diabetes"} == {"digits": N, "breast_cancer": 569}
    assert SAMPLES["diabetes"] == PROBLEMS["diabetes"].samples and set(FOLDED.values()) == set(SAMPLES)


def test_a_table_of_files_is_found_or_not_and_another_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(PROBLEMS, "diabetes", Problem(60, 8, 2))
    monkeypatch.setattr(sys.modules["experiments.data.proben1"], "SYSTEM_FOLDER", "/nowhere")
    monkeypatch.setenv("AFTERZERO_DATA", str(tmp_path))
    whole.cache_clear()
    assert found("digits") and not found("diabetes")
    for part in ("train", "test"):
        lines = [f"{' '.join(str((k + column) % 7) for column in range(8))}\n{('1 0', '0 1')[k % 2]}\n" for k in range(30)]
        (tmp_path / f"diabetes.{part}").write_text(f"30 8 2\n{''.join(lines)}", encoding="ascii")
    try:
        assert found("diabetes") and len(fingerprint("diabetes")) == 16 and fingerprint("digits") == ""
        here = {"experiment": "t", "seed": 0, "data": "diabetes_folds", "train": 20, "validation": 12}
        assert load_data(describe(**here, files=fingerprint("diabetes")).data, 0).train.x.shape == (20, 8)
        with pytest.raises(ValueError, match=r"files: got 'others', accepted: '[0-9a-f]{16}'"):
            load_data(describe(**here, files="others").data, 0)
    finally:
        whole.cache_clear()
