"""The leakage report finds what was planted, and nothing else."""
import tracemalloc

import numpy as np
import pytest

from experiments.data import Split, digits, iris, leakage_report, neighbours, words
from experiments.data.neighbours import TREE_COLUMNS, nearest_rows


def make(n=200, columns=8, seed=0, classes=3, scale=1.0):
    rng = np.random.default_rng(seed)
    return Split(rng.standard_normal((n, columns)) * scale, (y := rng.integers(0, classes, n)), y)


def with_x(part, x, y=None):
    return Split(np.asarray(x), part.y if y is None else np.asarray(y), part.y_clean)


@pytest.fixture(params=[5, 40], ids=["few columns", "many columns"])
def pair(request):
    """Two sets that share nothing; below and above the number of columns where the search changes."""
    return make(columns=request.param), make(100, columns=request.param, seed=1)


def test_independent_sets_are_clean(pair):
    report = leakage_report(*pair)
    assert report.clean and report.samples == (200, 100) and "none found" in str(report)
    assert len(report.duplicates) == len(report.near_duplicates) == len(report.features) == len(report.shared_ids) == 0
    assert report.feature_accuracy.max() < 0.6 and 0.2 < report.majority < 0.5


def test_duplicates_are_found_with_their_rows(pair):
    train, test = pair
    x, y = test.x.copy(), test.y.copy()
    x[[3, 50, 99]] = train.x[[10, 11, 199]]
    y[[3, 50]], y[99] = train.y[[10, 11]], (train.y[199] + 1) % 3
    report = leakage_report(train, with_x(test, x, y))
    assert report.duplicates.tolist() == [[3, 10], [50, 11], [99, 199]] and report.conflicting == 1 and not report.clean
    assert len(report.near_duplicates) == 0  # each row is counted once
    assert "test rows also in training: 3 (3.00 %), 1 of them with another label: 3 = 10, 50 = 11, 99 = 199" in str(report)


def test_zeros_of_either_sign_and_other_dtypes_are_equal():
    train, test = make(20, 2), make(10, 2, seed=1)
    x, x_test = train.x + 100, test.x - 100
    x[4], x_test[7] = (0.0, 3.5), (-0.0, 3.5)
    report = leakage_report(with_x(train, x.astype(np.float32)), with_x(test, x_test))
    assert report.duplicates.tolist() == [[7, 4]]


def test_repeats_within_a_set_are_counted_but_no_leak():
    train, test = make(), make(100, seed=1)
    x, x_test = train.x.copy(), test.x.copy()
    x[[5, 6]], x_test[9] = x[0], x_test[8]
    report = leakage_report(with_x(train, x), with_x(test, x_test))
    assert (report.train_repeats, report.test_repeats) == (2, 1) and report.clean


@pytest.mark.parametrize("common_scale", [False, True])
def test_near_duplicates_are_found_up_to_the_tolerance(pair, common_scale):
    train, test = pair
    D = train.x.shape[1]
    x = test.x.copy()
    step = np.ones(D) * train.x.std(axis=0) * np.sqrt(2)  # as long as two random rows are apart
    x[20], x[30] = train.x[7] + 0.009 * step, train.x[8] + 0.02 * step
    report = leakage_report(train, with_x(test, x), common_scale=common_scale)
    assert report.near_duplicates.tolist() == [[20, 7]] and not report.clean
    assert report.near_distances == pytest.approx([0.009], rel=1e-6)
    assert len(leakage_report(train, with_x(test, x), common_scale=common_scale, tolerance=0.03).near_duplicates) == 2
    assert len(leakage_report(train, with_x(test, x), tolerance=0).near_duplicates) == 0


def test_near_duplicates_do_not_depend_on_units(pair):
    train, test = pair
    units = 10.0 ** (np.arange(train.x.shape[1]) % 7 - 3)
    x = test.x.copy()
    x[20] = train.x[7] * 1.0001
    report = leakage_report(with_x(train, train.x * units + 5), with_x(test, x * units + 5))
    assert report.near_duplicates.tolist() == [[20, 7]]


def test_a_column_constant_in_training_keeps_rows_apart():
    train, test = make(columns=4), make(100, columns=4, seed=1)
    x, x_test = train.x.copy(), test.x.copy()
    x[:, 2] = 0.1
    x_test[:, 2] = 0.1
    x_test[3] = x[5] + [1e-4, 0, 0, 0]
    x_test[4] = x[6] + [1e-4, 0, 1, 0]  # differs where training never does
    report = leakage_report(with_x(train, x), with_x(test, x_test), tolerance=5e-4)
    assert report.near_duplicates.tolist() == [[3, 5]]
    everything = np.full((200, 4), 0.1)
    assert len(leakage_report(with_x(train, everything), with_x(test, x_test)).near_duplicates) == 0  # no scale: no "near"


@pytest.mark.parametrize("column", [lambda y: y, lambda y: -2.5 * y, lambda y: (y == 1) * 100.0 + y, lambda y: y % 3 + 0.1],
                         ids=["label", "scaled", "code", "shifted"])
def test_a_column_that_is_the_label_is_found(column):
    train, test = make(), make(100, seed=1)
    leaky = [with_x(part, np.column_stack([part.x, column(part.y)])) for part in (train, test)]
    report = leakage_report(*leaky)
    assert report.features.tolist() == [8] and report.feature_accuracy[8] == 1 and not report.clean
    assert "columns that alone predict the label: 8 (best: column 8, 100.00 %" in str(report)


def test_a_noisy_copy_of_the_label_is_found_and_a_weak_hint_is_not():
    train, test = make(2000), make(1000, seed=1)
    rng = np.random.default_rng(2)
    for deviation, found in ((0.1, [8]), (1.0, [])):
        leaky = [with_x(part, np.column_stack([part.x, part.y + deviation * rng.standard_normal(len(part))]))
                 for part in (train, test)]
        assert leakage_report(*leaky).features.tolist() == found


def test_a_row_number_of_sorted_data_is_found():
    """A table sorted by class, split at random: the row number tells the class."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 500)
    x = np.column_stack([rng.standard_normal(1000), np.arange(1000)])
    order = rng.permutation(1000)
    train, test = (Split(x[part], y[part], y[part]) for part in (order[:700], order[700:]))
    assert leakage_report(train, test).features.tolist() == [1]


def test_rare_classes_do_not_make_every_column_look_good():
    """At 99 % of one class every rule that says so is right for 99 %: what counts is what is gained over that."""
    train, test = make(1000), make(1000, seed=1)
    rare = [with_x(part, part.x, np.arange(1000) % 100 == 0) for part in (train, test)]
    report = leakage_report(*rare)
    assert report.majority == 0.99 and report.feature_accuracy.max() >= 0.95 and report.clean


def test_a_column_must_gain_most_of_what_the_majority_leaves():
    """At 90 % of one class, 96 % by one column is more than nothing and less than a leak."""
    y = np.arange(1000) % 10 == 0
    hint = np.column_stack([y & (np.arange(1000) % 5 > 1) | (np.arange(1000) % 20 == 0)]).astype(float)
    plain = Split(np.zeros((1000, 1)), y.astype(int), y.astype(int))
    report = leakage_report(with_x(plain, hint), with_x(plain, hint))
    assert report.majority == 0.9 and report.feature_accuracy[0] == 0.95 and len(report.features) == 0
    assert leakage_report(with_x(plain, hint), with_x(plain, hint), skill=0.5).features.tolist() == [0]


def test_the_majority_is_that_of_the_training_set():
    train, test = make(), make(100, seed=1)
    report = leakage_report(with_x(train, train.x, np.arange(200) % 4 == 0), with_x(test, test.x, np.arange(100) % 4 > 0))
    assert report.majority == 0.25


def test_the_rule_on_a_column_is_the_most_frequent_class_of_each_interval():
    codes = np.array([0.0] * 5 + [1.0] * 5)[:, None]
    y = np.array([2, 2, 2, 0, 1, 1, 1, 1, 0, 0])
    test = Split(np.array([[0.0], [0.0], [1.0], [1.0]]), (labels := np.array([2, 0, 1, 1])), labels)
    assert leakage_report(Split(codes, y, y), test).feature_accuracy.tolist() == [0.75]


def test_an_interval_without_training_samples_gets_the_most_frequent_class():
    column = np.concatenate([np.zeros(49), np.linspace(1, 2, 33)])[:, None]  # a quantile lies between 0 and 1
    y = (np.arange(82) != 81).astype(int)
    test = Split(np.array([[0.05]]), np.array([1]), np.array([1]))
    assert leakage_report(Split(column, y, y), test).feature_accuracy.tolist() == [1.0]


def test_one_class_alone_is_no_leak():
    train, test = make(), make(100, seed=1)
    assert leakage_report(with_x(train, train.x, np.zeros(200, int)), with_x(test, test.x, np.zeros(100, int))).clean


def test_identifiers_in_both():
    train, test = make(), make(100, seed=1)
    names = [f"p{number}" for number in range(300)]
    report = leakage_report(train, test, ids=(names[:200], names[198:298]))
    assert report.shared_ids == ["p198", "p199"] and not report.clean
    assert "identifiers in both: 2: p198, p199" in str(report)
    assert leakage_report(train, test, ids=(np.arange(200), np.arange(200, 300))).clean


def test_sequences_are_compared_with_their_lengths():
    """Token 0 is a letter and the padding, too: "a" and "aa" have equal rows."""
    tokens, y = np.zeros((4, 3), np.int64), np.array([0, 1, 0, 1])
    tokens[:, 0] = [0, 1, 2, 3]
    train = Split(tokens, y, y, np.array([1, 3, 3, 3]))
    longer = Split(tokens[:1], y[:1], y[:1], np.array([2]))
    assert len(leakage_report(train, longer, tolerance=0).duplicates) == 0
    assert len(leakage_report(train, Split(tokens[:1], y[:1], y[:1], np.array([1])), tolerance=0).duplicates) == 1
    data = words(test=200)
    assert len(leakage_report(data.train, data.test).duplicates) == 0  # no word is there twice


def test_the_flower_that_is_there_twice():
    found = [leakage_report(data.train, data.test) for data in (iris(seed=seed) for seed in range(12))]
    assert {len(report.duplicates) + report.train_repeats + report.test_repeats for report in found} == {0, 1}
    assert any(len(report.duplicates) for report in found)


def test_digits_are_clean():
    data = digits()
    assert leakage_report(data.train, data.test, common_scale=True).clean


@pytest.mark.parametrize("change, error, message", [
    (lambda a, b: leakage_report(a, with_x(b, b.x[:, :3])), ValueError, r"test.x \(100, 3\), accepted: equally many inputs"),
    (lambda a, b: leakage_report(with_x(a, a.x[:5]), b), ValueError, r"train.x: got shape \(5, 8\) and train.y \(200,\)"),
    (lambda a, b: leakage_report(a, with_x(b, b.x * np.nan)), ValueError, "test.x: got NaN or infinity, .*impute"),
    (lambda a, b: leakage_report(a, with_x(b, b.x.astype(str))), TypeError, "test.x: got dtype <U32"),
    (lambda a, b: leakage_report(a, Split(b.x, b.y, b.y, np.ones(100))), ValueError, "lengths in both or neither"),
    (lambda a, b: leakage_report(a, b, tolerance=1), ValueError, r"tolerance: got 1, accepted: a number in \[0, 1\)"),
    (lambda a, b: leakage_report(a, b, skill=0), ValueError, r"skill: got 0, accepted: a number in \(0, 1\]"),
    (lambda a, b: leakage_report(a, b, ids=([1], [2])), ValueError, "ids: got lengths 1 and 1, accepted: 200 and 100")])
def test_refusals(change, error, message):
    with pytest.raises(error, match=message):
        change(make(), make(100, seed=1))


# --- the search for neighbours ---

@pytest.mark.parametrize("columns", [1, TREE_COLUMNS, TREE_COLUMNS + 1, 60])
def test_nearest_rows_are_those_of_brute_force(columns, monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", 1000)  # three queries at a time
    distance = pytest.importorskip("scipy.spatial.distance")
    rng = np.random.default_rng(0)
    rows, queries = rng.standard_normal((300, columns)), rng.standard_normal((50, columns))
    every = distance.cdist(queries, rows)
    reach = np.median(every.min(axis=1))
    nearest, distances = nearest_rows(queries, rows, reach)
    near = every.min(axis=1) <= reach
    assert np.array_equal(nearest, np.where(near, every.argmin(axis=1), -1))
    assert np.allclose(distances[near], every.min(axis=1)[near], rtol=1e-12) and np.isinf(distances[~near]).all()


@pytest.mark.parametrize("columns", [1, TREE_COLUMNS + 1])
def test_the_reach_is_inclusive(columns):
    nearest, distances = nearest_rows(np.eye(1, columns) / 2, np.zeros((3, columns)), 0.5)
    assert nearest.tolist() == [0] and distances.tolist() == [0.5]
    assert nearest_rows(np.eye(1, columns) / 2, np.zeros((3, columns)), 0.499)[0].tolist() == [-1]


def test_nearest_rows_survive_cancellation():
    """|a|² + |b|² - 2ab has an error of 1e-4 here, and the distances looked for are 1e-5: the wrong row, or none."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((100, 40))
    rows[:50] += 1e6
    queries = rows[[3, 70]] + 1e-5 / np.sqrt(40)
    nearest, distances = nearest_rows(queries, rows, 2e-5)
    assert nearest.tolist() == [3, 70] and np.allclose(distances, 1e-5, rtol=1e-3)


def test_nearest_rows_take_bounded_memory():
    rng = np.random.default_rng(0)
    rows, queries = rng.standard_normal((40_000, 20)), rng.standard_normal((1000, 20))
    tracemalloc.start()
    nearest_rows(queries, rows, 0.1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150 << 20  # the table of all distances would take 320 MB
