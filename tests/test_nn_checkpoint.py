"""Checkpoint files: what is saved comes back bit for bit, no file is ever half written, and no bad file is believed."""
import builtins
import os
import re
import stat

import numpy as np
import pytest

import nn.archive
import nn.fitting.checkpoint
from losses import CrossEntropy
from nn import MLP, RNN, SGD, CheckpointError, fit, load, save
from tests.checkpointing import LENGTHS, SEQUENCE_LABELS, SEQUENCES, TOKENS, contents, forge, mlp, start
from tests.fitting import X, Y

MODELS = {
    "mlp": lambda backend: MLP([4, 6, 5, 2], batch_norm=True, dropout=(0.1, 0.2), seed=7, backend=backend,
                               batch_norm_eps=1e-4, batch_norm_momentum=0.3),
    "plain": lambda backend: MLP([4, 3, 2], activation="sigmoid", bias=False, init="fan_in_uniform", dtype="float64",
                                 backend=backend),
    "rnn": lambda backend: RNN(3, 4, 2, bidirectional=True, dropout=0.3, seed=2, backend=backend, truncate=3),
    "tokens": lambda backend: RNN(6, 4, 2, activation="relu", pooling="none", dtype="float64", backend=backend),
}


def data_of(name):
    return {"rnn": (SEQUENCES, SEQUENCE_LABELS, LENGTHS),
            "tokens": (TOKENS, TOKENS % 2, LENGTHS)}.get(name, (X, Y, None))


def trained(name, backend):
    model, (x, y, lengths) = MODELS[name](backend), data_of(name)
    fit(model, x, y, lengths=lengths, loss=CrossEntropy(), optimizer=SGD(0.3), epochs=2, batch_size=6)
    return model


@pytest.mark.parametrize("name", MODELS)
def test_round_trip(backend, name, tmp_path):
    model, (x, _, lengths) = trained(name, backend), data_of(name)
    save(tmp_path / "model", model)
    twin = load(str(tmp_path / "model"))
    assert type(twin) is type(model)
    assert repr(twin) == repr(model)
    assert twin.flat.tobytes() == model.flat.tobytes()
    assert twin.running.tobytes() == model.running.tobytes()
    assert twin.forward(x, lengths).tobytes() == model.forward(x, lengths).tobytes()
    twin.flat[:] = 0
    assert load(tmp_path / "model").flat.tobytes() == model.flat.tobytes()
    assert os.listdir(tmp_path) == ["model"]
    other = load(tmp_path / "model", backend={"numpy": "numba", "numba": "numpy"}[backend])
    assert other.backend != backend
    assert other.flat.tobytes() == model.flat.tobytes()
    np.testing.assert_allclose(other.forward(x, lengths), model.forward(x, lengths), atol=1e-5)
    with pytest.raises(ValueError, match=r"backend: got 'numbba'.*did you mean 'numba'"):
        load(tmp_path / "model", backend="numbba")


def test_a_loaded_model_goes_on_like_its_original(backend, tmp_path):
    model = trained("mlp", backend)
    save(tmp_path / "model", model)
    twin = load(tmp_path / "model")
    for network in (model, twin):
        fit(network, X, Y, loss=CrossEntropy(), optimizer=SGD(0.3), epochs=2, batch_size=6)
    assert twin.flat.tobytes() == model.flat.tobytes()
    assert twin.running.tobytes() == model.running.tobytes()


@pytest.mark.skipif(os.name != "posix", reason="permissions")
def test_permissions_are_those_of_any_new_file(tmp_path):
    save(tmp_path / "model", mlp()("numpy"))
    (tmp_path / "other").touch()
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


# --- writing ---

class HalfFile:
    """A file on a disk that is full after 300 bytes."""

    def __init__(self, file):
        self.file = file

    def write(self, data):
        self.file.write(data[:300])
        raise OSError(28, "No space left on device")

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.file.close()


@pytest.mark.parametrize("how", ["open", "write", "fsync", "replace", "interrupt"])
def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch, how):
    path, old, new = tmp_path / "model", trained("mlp", "numpy"), MODELS["mlp"]("numpy")
    save(path, old)
    before, real = path.read_bytes(), builtins.open

    def fail(*args, **kwargs):
        raise KeyboardInterrupt if how == "interrupt" else OSError(5, "Input/output error")
    with monkeypatch.context() as patch:
        if how == "write":
            patch.setattr(builtins, "open", lambda *args, **kwargs: HalfFile(real(*args, **kwargs)))
        elif how == "open":
            patch.setattr(builtins, "open", fail)
        else:
            patch.setattr(nn.fitting.checkpoint.os, {"interrupt": "fsync"}.get(how, how), fail)
        with pytest.raises((OSError, KeyboardInterrupt)):
            save(path, new)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model"]
    assert load(path).flat.tobytes() == old.flat.tobytes()
    save(path, new)
    assert load(path).flat.tobytes() == new.flat.tobytes()


def test_written_data_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    calls, fsync, replace = [], os.fsync, os.replace

    def watched_replace(source, target):
        calls.append("replace")
        load(source)  # complete
        replace(source, target)
    monkeypatch.setattr(nn.fitting.checkpoint.os, "fsync", lambda file: (calls.append("fsync"), fsync(file)))
    monkeypatch.setattr(nn.fitting.checkpoint.os, "replace", watched_replace)
    save(tmp_path / "model", mlp()("numpy"))
    assert calls == ["fsync", "replace"]


def test_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        save(tmp_path / "missing" / "model", mlp()("numpy"))
    with pytest.raises(FileNotFoundError, match="absent"):
        load(tmp_path / "absent")


# --- files that cannot be used ---

def written(kind, path):
    if kind == "model":
        save(path, trained("mlp", "numpy"))
    else:
        start("everything", "numpy", path, epochs=2)
    return path.read_bytes()


def refuses(kind, path, words=None):
    """Reading raises a CheckpointError that names the file, and nothing changes."""
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=words) as caught:
        load(path) if kind == "model" else start("everything", "numpy", path, epochs=2)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("kind", ["model", "run"])
def test_truncated(kind, tmp_path):
    path = tmp_path / "file"
    data = written(kind, path)
    header = data.index(b"\n", data.index(b"\n{") + 1) + 1
    for size in {0, 1, 20, 21, 22, 60, 86, 87, 100, header - 1, header, header + 1, len(data) - 1,
                 *np.linspace(0, len(data) - 1, 12).astype(int)}:
        path.write_bytes(data[:size])
        refuses(kind, path, "no afterzero checkpoint" if size < 21 else "truncated or damaged")
    path.write_bytes(data + b"\0")
    refuses(kind, path, "truncated or damaged")


@pytest.mark.parametrize("kind", ["model", "run"])
def test_one_flipped_bit_anywhere(kind, tmp_path):
    path, kinds = tmp_path / "file", {"model": "model", "run": "training run"}
    data = bytearray(written(kind, path))
    rng = np.random.default_rng(5)
    header = data.index(b"\n", data.index(b"\n{") + 1) + 1
    for place in [*range(130), *rng.choice(range(130, header), 60), *rng.choice(range(header, len(data)), 60)]:
        bit = 1 << int(rng.integers(8))
        data[place] ^= bit
        path.write_bytes(data)
        with pytest.raises(CheckpointError, match=re.escape(str(path))), nn.archive.opened(path, kinds[kind]):
            pass
        data[place] ^= bit
    path.write_bytes(data)
    with nn.archive.opened(path, kinds[kind]):
        pass


@pytest.mark.parametrize("content", [b"", b"\n", b"hello", b"PK\x03\x04" + bytes(50), b"afterzero checkpoint", bytes(5000),
                                     "épargne".encode("latin-1")])
@pytest.mark.parametrize("kind", ["model", "run"])
def test_foreign(kind, content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    refuses(kind, tmp_path / "file", "no afterzero checkpoint")


@pytest.mark.parametrize("kind", ["model", "run"])
def test_newer(kind, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(nn.fitting.checkpoint, "VERSION", 2)
        written(kind, tmp_path / "file")
    refuses(kind, tmp_path / "file", "format version 2, accepted: up to 1; update afterzero")


@pytest.mark.parametrize("header", [b"", b"{", b"\xff", b"[]", b"7", b"null", {}, {"version": "1"}, {"version": 1},
                                    {"version": 1, "kind": "model"}, {"version": 1, "kind": "model", "values": {}}])
def test_right_checksum_of_nonsense(header, tmp_path):
    forge(tmp_path / "file", header, b"nonsense")
    refuses("model", tmp_path / "file")


def test_no_pickle(tmp_path, monkeypatch):
    """Neither written nor, were it there, read."""
    import io
    import pickle
    written("model", tmp_path / "file")
    values, arrays = contents(tmp_path / "file")
    payload = io.BytesIO()
    np.savez(payload, **arrays | {"flat": np.array([{"a": 1}], dtype=object)})
    def refuse(*args, **kwargs):
        raise AssertionError("pickle")
    for name in ("dump", "dumps", "load", "loads"):
        monkeypatch.setattr(pickle, name, refuse)
    forge(tmp_path / "file", {"version": 1, "kind": "model", "values": values}, payload.getvalue())
    refuses("model", tmp_path / "file", "flat is no array of numbers as NumPy writes it")
    (tmp_path / "file").unlink()
    written("model", tmp_path / "file")
    load(tmp_path / "file")
    written("run", tmp_path / "run")
    start("everything", "numpy", tmp_path / "run", epochs=2)


def test_wrong_kind(tmp_path):
    path = tmp_path / "file"
    written("model", path)
    refuses("run", path, "got a checkpoint of a model, accepted: of a training run")
    path.unlink()
    written("run", path)
    refuses("model", path, "got a checkpoint of a training run, accepted: of a model")


def test_unknown_class(tmp_path):
    path = tmp_path / "file"
    nn.fitting.checkpoint.write(path, "model", {"class": "CNN", "settings": {}}, {})
    refuses("model", path, "class 'CNN', accepted: MLP, RNN")
