"""Checkpoints with a right checksum and anything else wrong: CheckpointError, nothing changed, nothing inflated."""
import contextlib
import copy
import io
import json
import os
import re
import tracemalloc
import zipfile

import numpy as np
import pytest

from losses import CrossEntropy
from nn import MLP, RNN, SGD, CheckpointError, fit, load, save
from stopping import GL, Patience, ZeroError
from tests.checkpointing import EVERYTHING, contents, forge, mlp
from tests.fitting import X_VAL, Y_VAL, X, Y


class Enough(Exception):
    """Ends a run."""


MODELS = {"mlp": lambda: MLP([4, 3, 2], batch_norm=True, dropout=0.2, backend="numpy"),
          "rnn": lambda: RNN(3, 4, 2, backend="numpy", dtype="float64", truncate=2)}
RUNS = {
    "everything": {**EVERYTHING, "stopping": lambda: Patience(100) | GL(500) & ~ZeroError()},
    "plain": {"optimizer": SGD(0.1), "loss": CrossEntropy(), "check_every": 9},
    "stopped": {"optimizer": SGD(0.1), "loss": CrossEntropy(), "validation": (X_VAL, Y_VAL),
                "stopping": lambda: Patience(1, "train_loss", "max")},
}


def go(name, path, end=None):
    """Train, to the given check or the end; return (model, criterion, history or the error), and what both were before."""
    def on_check(model, row):
        if row["update"] == end:
            raise Enough
    options = {"epochs": 6, "batch_size": 7, **RUNS[name]}
    model = mlp(batch_norm=True, dropout=0.25)("numpy")
    if "stopping" in options:
        options["stopping"] = options["stopping"]()
        for loss in (0.9, 0.8):  # a criterion that has been used before
            options["stopping"].update(val_loss=loss, train_loss=loss, train_error=0.1)
    criterion = options.get("stopping")
    before = traces(model, criterion)
    try:
        result = fit(model, X, Y, checkpoint=path, on_check=on_check, **options)
    except (CheckpointError, Enough) as error:
        result = error
    return model, criterion, result, before


def traces(model, criterion):
    state = None if criterion is None else json.dumps(criterion.state_dict())
    return model.flat.tobytes(), model.running.tobytes(), state


def good(name, folder):
    """A sound file: its values and arrays, and a function that reads one like it."""
    path = folder / "file"
    if name in MODELS:
        save(path, MODELS[name]())
        return path, "model"
    go(name, path, 15 if name == "everything" else 18)
    return path, "training run"


def read_back(name, path):
    """Read a file that may be anything: a CheckpointError has changed nothing, and what is accepted works."""
    before = path.read_bytes()
    if name in MODELS:
        try:
            model = load(path)
        except CheckpointError as error:
            result = error
        else:
            assert np.isfinite(model.forward(np.ones((2, 4) if name == "mlp" else (2, 3, 3)))).all()
            return None
    else:
        model, criterion, result, traces_before = go(name, path)
        if not isinstance(result, CheckpointError):
            return None
        assert traces(model, criterion) == traces_before
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]
    assert str(path) in str(result) and len(str(result)) < 4000 and str(result).isprintable()
    return result


def pack(arrays, method=zipfile.ZIP_STORED):
    payload = io.BytesIO()
    with zipfile.ZipFile(payload, "w", method) as archive:
        for name, array in arrays.items():
            data = io.BytesIO()
            np.lib.format.write_array(data, np.asanyarray(array))
            archive.writestr(f"{name}.npy", data.getvalue())
    return payload.getvalue()


def places(value, path=()):
    """Every place in a tree of dicts and lists."""
    yield path
    for key in value if isinstance(value, dict) else range(min(len(value), 2)) if isinstance(value, list) else ():
        yield from places(value[key], (*path, key))


def changed(tree, path, value, *, drop=False):
    if not path:
        return value
    tree = copy.deepcopy(tree)
    *above, last = path
    inner = tree
    for key in above:
        inner = inner[key]
    if drop:
        del inner[last]
    else:
        inner[last] = value
    return tree


# What may have other values as well in a file that we could have written.
FREE = {"criterion", "dropout", "batch_norm_eps", "batch_norm_momentum", "seed", "truncate"}
NASTY = [None, True, False, -1, 0, 1, 3, 0.5, -3.5, 1e300, 2**31, 2**63, 10**400, "", "x", "nan", "1e999", "\ud800\x1b[2J",
         [], [1], [[[1]]], {}, {"a": 1}, ["nan"] * 9, [10**9, 10**9], [2**62, 2**62, 2]]


@pytest.mark.parametrize("name", [*MODELS, *RUNS])
def test_any_field_replaced_or_dropped(name, tmp_path):
    path, kind = good(name, tmp_path)
    values, arrays = contents(path)
    assert read_back(name, path) is None
    payload = pack(arrays)
    for number, place in enumerate(places({"version": 1, "kind": kind, "values": values})):
        sound = {"version": 1, "kind": kind, "values": values}
        # Of many fields each second or sixth value, from place to place others.
        steps = 6 if "identity" in place else 2 if name == "everything" else 1
        nasty = NASTY[number % steps::steps]
        trees = [changed(sound, place, value) for value in nasty]
        if place and not isinstance(place[-1], int):
            forge(path, changed(sound, place, None, drop=True), payload)
            assert read_back(name, path), place
        for tree in trees:
            forge(path, tree, payload)
            error = read_back(name, path)
            assert error or json.dumps(tree) == json.dumps(sound) or FREE & set(place), (place, tree)
    for extra in ({**sound, "more": 1}, {**sound, "values": {**values, "more": 1}}):
        forge(path, extra, payload)
        assert read_back(name, path)


@pytest.mark.parametrize("version", [0.5, -3, 0, True, None, "1", [1], {}, 1.0, 1e300, 2, 10**300])
@pytest.mark.parametrize("name", ["mlp", "plain"])
def test_versions(name, version, tmp_path):
    path, kind = good(name, tmp_path)
    values, arrays = contents(path)
    forge(path, {"version": version, "kind": kind, "values": values}, pack(arrays))
    assert "version" in str(read_back(name, path))


def variants(array):
    """Arrays that cannot stand for this one."""
    for dtype in ("float16", "float32", "float64", "complex128", "bool", "int8", "int64", "uint64", "U3", "S3", "M8[s]", "O",
                  "f8,f8", array.dtype.newbyteorder()):
        if np.dtype(dtype) != array.dtype:
            with np.errstate(all="ignore"):
                yield np.zeros(array.shape, dtype) if dtype in ("U3", "S3", "M8[s]", "f8,f8") else array.astype(dtype)
    yield from (array[None], array.ravel()[None, None], np.append(array, array.ravel()[:1] if array.size else [0]))
    if array.size > 1:
        yield from (array[:-1], array.reshape(-1, 1) if array.ndim == 1 else array.T, array[:0], array.ravel()[0])
        if array.ndim == 2 and len(array) > 1:
            yield np.asfortranarray(array)


@pytest.mark.parametrize("name", [*MODELS, *RUNS])
def test_any_array_of_another_kind(name, tmp_path):
    path, kind = good(name, tmp_path)
    values, arrays = contents(path)
    header = {"version": 1, "kind": kind, "values": values}
    for array in arrays:
        for variant in variants(arrays[array]):
            forge(path, header, pack(arrays | {array: variant}))
            assert read_back(name, path), (array, variant.dtype, variant.shape)
        forge(path, header, pack({key: value for key, value in arrays.items() if key != array}))
        assert read_back(name, path)
    forge(path, header, pack(arrays | {"more": np.zeros(1)}))
    assert read_back(name, path)


# Numbers that none of these may hold, at its first and last entry.
BAD = {"flat": [np.nan, np.inf, -np.inf], "running": [np.nan, np.inf], "slot0": [np.nan], "slot1": [np.nan, -1],
       "best_flat": [np.nan, np.inf], "best_running": [np.nan, -np.inf], "meter_flat": [np.nan, np.inf],
       "meter_predictions": [-1, 2, 2**62], "meter_seconds": [np.nan, -1, np.inf, 1e300], "since_check0": [np.nan, np.inf],
       "since_check1": [0, -1, 2**62], "since_check2": [np.nan, -1, 2]}


@pytest.mark.parametrize("name", [*MODELS, *RUNS])
def test_numbers_that_no_run_leaves(name, tmp_path):
    path, kind = good(name, tmp_path)
    values, arrays = contents(path)
    header = {"version": 1, "kind": kind, "values": values}
    for array in arrays:
        for bad in BAD.get(array, []):
            for entry in {0, arrays[array].size - 1} if arrays[array].size else ():
                wrong = arrays[array].copy()
                wrong.flat[entry] = bad
                forge(path, header, pack(arrays | {array: wrong}))
                assert read_back(name, path), (array, bad)
    if "running" in arrays and arrays["running"].size:  # the last is a variance
        wrong = arrays["running"].copy()
        wrong[-1] = -1e-9
        forge(path, header, pack(arrays | {"running": wrong}))
        assert "negative variances" in str(read_back(name, path))
    for column, bads in ((0, [7, np.nan, 1e300]), (1, [0.1, np.nan]), (2, [np.nan, np.inf]), (3, [-0.1, 1.1, np.inf])):
        for bad in bads if "history" in arrays else ():
            wrong = arrays["history"].copy()
            wrong[-1, column] = bad
            forge(path, header, pack(arrays | {"history": wrong}))
            assert "history" in str(read_back(name, path))


def test_nan_where_a_run_may_leave_it(tmp_path):
    """Errors of real targets, averages at the start, a validation loss that overflowed: no weights, though."""
    path, kind = good("everything", tmp_path)
    values, arrays = contents(path)
    for column in (3, 4, 6, 7):
        arrays["history"][-1, column] = np.nan
    arrays["history"][-1, 7] = np.inf
    arrays["slot1"][0] = np.inf
    forge(path, {"version": 1, "kind": kind, "values": values}, pack(arrays))
    assert read_back("everything", path) is None


# --- what costs more than it should ---

def peak(name, path):
    """Bytes that reading a file takes at most."""
    tracemalloc.start()
    try:
        with contextlib.suppress(CheckpointError):
            load(path) if name in MODELS else go(name, path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def header_only(dtype, shape):
    """A member that says it is an array of this shape, and holds hardly anything."""
    data = io.BytesIO()
    np.lib.format.write_array_header_1_0(data, {"descr": dtype, "fortran_order": False, "shape": shape})
    return data.getvalue() + bytes(100)


@pytest.mark.parametrize("name", ["mlp", "everything"])
def test_nothing_is_inflated(name, tmp_path):
    path, kind = good(name, tmp_path)
    values, arrays = contents(path)
    header = {"version": 1, "kind": kind, "values": values}
    usual = peak(name, path)
    forge(path, header, pack(arrays, zipfile.ZIP_DEFLATED))
    assert "compressed" in str(read_back(name, path))
    for shape in ((2 * 10**7,), arrays["flat"].shape):
        forge(path, header, pack(arrays | {"flat": np.zeros(shape, arrays["flat"].dtype)}, zipfile.ZIP_DEFLATED))
        assert peak(name, path) < usual + 10**6
    for shape in ((2**40,), (2**31, 2**31), (2**62,), (10**400,)):
        payload = io.BytesIO()
        with zipfile.ZipFile(payload, "w") as archive:
            for array, data in arrays.items():
                archive.writestr(f"{array}.npy", header_only("<f4", shape) if array == "flat" else pack({array: data}))
        forge(path, header, payload.getvalue())
        assert peak(name, path) < usual + 10**6
        assert read_back(name, path)
    forge(path, header, pack(arrays) + bytes(3 * 10**6))
    assert "its arrays take" in str(read_back(name, path))
    assert peak(name, path) < usual + 10**6


@pytest.mark.parametrize("sizes", [[10**9, 10**9], [2**40, 2], [4, 10**8, 2], [2**63, 2**63], [10**300, 1]])
def test_sizes_alone_take_no_memory(sizes, tmp_path):
    path, kind = good("mlp", tmp_path)
    values, arrays = contents(path)
    values["settings"]["sizes"] = sizes
    forge(path, {"version": 1, "kind": kind, "values": values}, pack(arrays))
    assert peak("mlp", path) < 10**6
    assert read_back("mlp", path)


TEXTS = [b"[" * 10**5, b'{"version": 1, "kind": "model", "values": ' + b"[" * 10**5 + b"]" * 10**5 + b"}",
         b'{"a":' * 10**4, b'{"version": ' + b"9" * 10**4 + b"}", b'{"version": NaN}', b'{"version": Infinity}',
         b'"' + b"\\ud800" * 9 + b'"', b"\xff\xfe", b" " * 2**17, b"[" + b"0," * 2**17 + b"0]", b'{"version": 1e999}']


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("name", ["mlp", "plain"])
def test_json_that_is_none_of_ours(name, text, tmp_path):
    path = tmp_path / "file"
    forge(path, text, b"")
    assert read_back(name, path)


@pytest.mark.parametrize("name", ["mlp", "plain"])
def test_archives_that_are_none(name, tmp_path):
    path, kind = good(name, tmp_path)
    values, arrays = contents(path)
    header, payload = {"version": 1, "kind": kind, "values": values}, pack(arrays)
    rng = np.random.default_rng(3)
    forge(path, header, b"")
    assert read_back(name, path)
    for _ in range(150):  # bytes of the zip's own fields, the headers of arrays, the directory: names, sizes, places, flags
        wrong = bytearray(payload)
        for place in rng.integers(0, len(wrong), 3):
            wrong[place] = rng.integers(256)
        forge(path, header, bytes(wrong))
        read_back(name, path)
    for cut in rng.integers(0, len(payload), 30):
        forge(path, header, payload[:cut])
        assert read_back(name, path)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(twice := io.BytesIO(payload), "a") as archive:
        archive.writestr("flat.npy", b"")
    forge(path, header, twice.getvalue())
    assert read_back(name, path)


# --- arguments ---

def test_arguments_that_are_no_path(tmp_path):
    model = MODELS["mlp"]()
    with pytest.raises(TypeError, match=r"save: got the model first .*MLP|save: got the model first and the path"):
        save(model, tmp_path / "model")
    for call, argument in ((lambda path: save(path, model), "path"), (load, "path"),
                           (lambda path: fit(model, X, Y, loss=CrossEntropy(), optimizer=SGD(0.1), epochs=1,
                                             checkpoint=path), "checkpoint")):
        before = traces(model, None)
        accepted = "accepted: the path of a file"
        for path in (5, True, 1.5, b"model", ["model"], model, object()):
            with pytest.raises(TypeError, match=f"{argument}: got .*, {accepted}, as text or pathlib.Path"):
                call(path)
        for path in ("", "a\0b"):
            with pytest.raises(ValueError, match=f"{argument}: got {re.escape(repr(path))}, {accepted}"):
                call(path)
        for path in (tmp_path, str(tmp_path), "."):
            with pytest.raises(IsADirectoryError, match=f"{argument}: got .*, which is a folder, {accepted}"):
                call(path)
        assert traces(model, None) == before
    for wrong in (None, 5, "MLP", MLP, SGD(0.1)):
        with pytest.raises(TypeError, match=r"model: got .*, accepted: an nn\.MLP or nn\.RNN"):
            save(tmp_path / "model", wrong)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("where", ["flat", "running"])
def test_weights_that_are_not_finite_are_not_saved(where, tmp_path):
    model = MODELS["mlp"]()
    getattr(model, where)[0] = np.nan
    with pytest.raises(ValueError, match="model: got weights that are not finite"):
        save(tmp_path / "model", model)
    assert os.listdir(tmp_path) == []


def test_what_is_saved_can_be_read(tmp_path):
    deep = MLP([1] * 40_000, backend="numpy")
    with pytest.raises(ValueError, match="model: got settings of more than 65536 characters"):
        save(tmp_path / "model", deep)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_a_pipe_is_no_checkpoint(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="no regular file"):
        load(tmp_path / "pipe")
    assert isinstance(go("plain", tmp_path / "pipe")[2], CheckpointError)


class Stubborn(Patience):
    """A criterion of one's own, which refuses every state but the one it has."""

    def load_state_dict(self, state):
        if state["step"] != 2:
            self.step = 77
            raise KeyError("mine")
        super().load_state_dict(state)


def test_a_criterion_that_refuses_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(RUNS, "mine", {**RUNS["stopped"], "stopping": lambda: Stubborn(9)})
    go("mine", tmp_path / "file", 16)
    model, criterion, error, before = go("mine", tmp_path / "file")
    assert isinstance(error, CheckpointError) and "KeyError: 'mine'" in str(error)
    assert traces(model, criterion) == before
