"""Histories as DataFrames and as figures; criteria asked about a DataFrame."""
import copy
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

import nn
from losses import Flooding, SquaredError
from nn import SGD, History, fit_fleet
from stopping import GL, Patience, compare, replay
from tests.fitting import CE, RNG, X_TEST, X_VAL, Y_TEST, Y_VAL, X, Y, network, train


def trained(**options):
    settings = {"validation": (X_VAL, Y_VAL), "test": (X_TEST, Y_TEST), "epochs": 12, "stopping": Patience(2)}
    return train(network("numpy"), **settings | options)


def fleet(replicas=3, **options):
    settings = {"loss": Flooding(CE, 0.0), "optimizer": SGD(0.2), "epochs": 5, "batch_size": 7, "progress": False}
    return fit_fleet(network("numpy"), X, Y, members=[{"seed": seed, "level": 0.1 * seed} for seed in range(replicas)],
                     **settings | options)


# --- DataFrames ---

def test_a_frame_has_a_row_per_check():
    pandas = pytest.importorskip("pandas")
    history = trained()
    frame = history.to_frame()
    assert list(frame.columns) == list(history) and frame.shape == (history.checks, len(history))
    assert frame["update"].dtype == np.int64 and frame["val_loss"].dtype == np.float64
    for name in history:
        np.testing.assert_array_equal(frame[name].to_numpy(), history[name])
    pandas.testing.assert_frame_equal(pandas.DataFrame(history), frame)
    pandas.testing.assert_frame_equal(pandas.DataFrame(history, columns=["epoch", "val_loss"]), frame[["epoch", "val_loss"]])
    empty = History(("update", "train_loss"))
    assert list(pandas.DataFrame(empty)) == list(empty.to_frame()) == ["update", "train_loss"] and len(empty.to_frame()) == 0


def test_a_fleets_frame_is_tidy():
    pandas = pytest.importorskip("pandas")
    found = fleet(stopping=Patience(1), validation=(X_VAL, 1 - Y_VAL))
    frame = found.to_frame()
    assert list(frame.columns) == ["member", "check", *found]
    for r in range(3):
        mine = frame[frame["member"] == r].reset_index(drop=True)
        assert list(mine["check"]) == list(range(1, found.history(r).checks + 1))
        pandas.testing.assert_frame_equal(mine[list(found)], found.history(r).to_frame())
    with pytest.raises(ValueError, match="history: got the checks of 3 members below each other, accepted: those of one"):
        replay(Patience(1), frame)
    assert replay(Patience(1), frame[frame["member"] == 1]) == replay(Patience(1), found.history(1))
    joined = frame.join(pandas.DataFrame(found.members), on="member")
    assert (joined["level"] == 0.1 * joined["member"]).all()
    with pytest.raises(TypeError, match=r"accepted: fleet\.to_frame\(\)"):
        pandas.DataFrame(found)


def test_without_pandas_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)  # what an import of a missing package looks like
    for history in (trained(), fleet()):
        with pytest.raises(ImportError, match=r"pip install -e '\.\[tables\]'"):
            history.to_frame()


def test_nn_imports_neither_pandas_nor_matplotlib():
    import subprocess
    code = "import sys, nn, stopping; sys.exit(bool({'pandas', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60,
                          cwd=Path(__file__).parents[1]).returncode == 0


# --- a record that is a dict for pandas is still a record ---

def test_a_history_is_read_only_and_reads_the_same_everywhere():
    history = trained()
    expected = {name: history[name] for name in history}

    def same(other):
        return list(other) == list(expected) and all(np.array_equal(other[name], expected[name]) for name in expected)

    assert same(dict(history)) and same({**history}) and same(history | {}) and same({} | history)
    assert same(dict(history.items())) and same(dict(zip(history.keys(), history.values(), strict=True)))
    assert (lambda **columns: same(columns))(**history)
    for other in (copy.copy(history), copy.deepcopy(history), pickle.loads(pickle.dumps(history)), history.copy()):
        assert isinstance(other, History) and same(other) and other == history and not other != history  # noqa: SIM202
        assert (other.stopped_epoch, other.best_epoch) == (history.stopped_epoch, history.best_epoch)
    assert history.get("nothing", 3) == 3 and "val_loss" in history and "nothing" not in history
    for change in (lambda: history.update({}), lambda: history.pop("update"), lambda: history.__setitem__("x", 1),
                   lambda: history.__delitem__("update"), lambda: history.setdefault("x", 1),
                   history.popitem, history.clear):
        with pytest.raises(TypeError, match="read-only"):
            change()
    assert same(history)


def test_copies_are_records_of_their_own():
    history = trained()
    twin, checks = copy.copy(history), history.checks
    twin.append(dict.fromkeys(twin, 0.0))
    assert (twin.checks, history.checks) == (checks + 1, checks)
    assert twin != history and not twin == history  # noqa: SIM201


# --- criteria on DataFrames ---

@pytest.mark.parametrize("index", [None, "epoch"])
def test_replay_takes_a_frame(index):
    pandas = pytest.importorskip("pandas")
    history = trained(epochs=20, stopping=None)
    frame = history.to_frame()
    if index:
        frame = frame.set_index(index, drop=False).iloc[::-1].iloc[::-1]
    for criterion in (Patience(2), GL(5), Patience(3) | GL(1)):
        assert replay(criterion, frame) == replay(criterion, history)
    assert compare([GL(5), Patience(2)], [frame]).rows == compare([GL(5), Patience(2)], [history]).rows
    with pytest.raises(TypeError, match=r"^histories: got .*accepted: "):
        compare([GL(5)], frame)
    with pytest.raises(ValueError, match="'val_loss'"):
        replay(Patience(2), frame.drop(columns="val_loss"))
    with pytest.raises(ValueError, match=r"history\['val_loss'\]: got 1-D of type object, accepted: a 1-D array"):
        replay(Patience(2), frame.assign(val_loss="a"))
    nullable = pandas.DataFrame({"val_loss": pandas.array([3.0, 2.0, None, 4.0, 5.0], dtype="Float64")})
    assert replay(Patience(2), nullable) == replay(Patience(2), {"val_loss": [3.0, 2.0, np.nan, 4.0, 5.0]})
    class Older(dict):  # how pandas 2 hands its nullable numbers over
        class Column:
            dtype = type("Float64", (), {"kind": "f"})

            def __array__(self, dtype=None, copy=None):
                return np.array([3.0, 2.0, pandas.NA, 4.0, 5.0], dtype=object)

            def to_numpy(self, dtype, na_value):
                return np.array([3.0, 2.0, na_value, 4.0, 5.0], dtype)

    assert replay(Patience(2), Older(val_loss=Older.Column())) == replay(Patience(2), nullable)
    for other in ([1.0], frame["val_loss"], type(frame), 3):
        with pytest.raises(TypeError, match="mapping of metric names to arrays, or a DataFrame"):
            replay(Patience(2), other)


# --- figures ---

def lines_of(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_the_figure_shows_curves_stop_and_best(tmp_path):
    history = trained(validation=(X_VAL, 1 - Y_VAL), epochs=30)
    assert history.stopped_epoch is not None
    figure = history.plot()
    for axes, measure, factor in zip(figure.axes, ("loss", "error"), (1, 100), strict=True):
        lines = lines_of(axes)
        for split, word in (("train", "training"), ("val", "validation"), ("test", "test")):
            np.testing.assert_array_equal(lines[word].get_xdata(), history["epoch"])
            np.testing.assert_array_equal(lines[word].get_ydata(), factor * history[f"{split}_{measure}"])
        assert lines[f"stopped at {history.stopped_epoch:g}"].get_xdata()[0] == history.stopped_epoch
        best = int(np.flatnonzero(history["epoch"] == history.best_epoch)[0])
        assert lines[f"best at {history.best_epoch:g}"].get_data() == (
            [history.best_epoch], [factor * history[f"val_{measure}"][best]])
    assert figure._repr_png_().startswith(b"\x89PNG")  # a notebook asks for this
    assert history.plot(tmp_path / "a.svg") is not figure and b"<svg" in (tmp_path / "a.svg").read_bytes()


@pytest.mark.parametrize("make", [trained, fleet, lambda: fleet(9)])
def test_figures_are_the_same_files_and_leave_nothing_open(make, tmp_path):
    import matplotlib
    from matplotlib import pyplot
    before, history = dict(matplotlib.rcParams), make()
    for ending in ("png", "svg"):
        for name in "ab":
            history.plot(str(tmp_path / f"{name}.{ending}"))
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()
    assert pyplot.get_fignums() == [] and dict(matplotlib.rcParams) == before
    with pytest.raises(ValueError, match=r"path: got .*a\.gif.*, accepted: a name that ends in \.png"):
        history.plot(tmp_path / "a.gif")
    with pytest.raises(OSError, match="nowhere"):
        history.plot(tmp_path / "nowhere" / "a.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a.svg", "b.png", "b.svg"]


def test_a_fleets_figure_has_a_panel_per_data_and_a_line_per_replica():
    found = fleet(validation=(X_VAL, Y_VAL))
    figure = found.plot()
    assert len(figure.axes) == 4  # loss, error x training, validation
    for axes, (name, factor) in zip(figure.axes, (("train_loss", 1), ("val_loss", 1), ("train_error", 100),
                                                  ("val_error", 100)), strict=True):
        assert len(axes.get_lines()) == 3
        for line, values in zip(axes.get_lines(), found[name], strict=True):
            np.testing.assert_array_equal(line.get_ydata(), factor * values)
    assert list(lines_of(figure.axes[0])) == ["0: seed 0, level 0", "1: seed 1, level 0.1", "2: seed 2, level 0.2"]
    many = fleet(9).plot().axes[0].get_lines()
    assert len(many) == 10 and many[-1].get_label() == "their median"
    np.testing.assert_array_equal(many[-1].get_ydata(), np.median(fleet(9)["train_loss"], axis=0))


def test_figures_of_little():
    real = nn.fit(network("numpy", (4, 5, 2)), X, RNG.normal(size=(len(X), 2)), loss=SquaredError(), optimizer=SGD(0.01),
                  epochs=1, progress=False)
    figure = real.plot()  # one check; errors are not defined
    assert [text.get_text() for text in figure.axes[1].texts] == ["not defined here"]
    with pytest.raises(ValueError, match="history without checks"):
        History(("update", "epoch", "train_loss", "train_error")).plot()
