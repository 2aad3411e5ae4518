"""What callbacks write of a run: links are followed, modes kept, what is no regular file refused, others' files left alone.

The frameworks are stand-ins, whose only task is to be imported; tests/integrations asks the real ones.
"""
import importlib
import json
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.programs import posix

WEIGHTS = b"weights of a network"


def module(monkeypatch, name, **content):
    made = ModuleType(name)
    vars(made).update(content)
    monkeypatch.setitem(sys.modules, name, made)


def integration(monkeypatch, name):
    """Import one of ours anew, and forget it afterwards."""
    monkeypatch.delitem(sys.modules, f"stopping.integrations.{name}", raising=False)
    found = importlib.import_module(f"stopping.integrations.{name}")
    monkeypatch.setitem(sys.modules, f"stopping.integrations.{name}", found)
    return found


@pytest.fixture
def keras(monkeypatch):
    """keras(state): a callback of a model whose weights are WEIGHTS."""
    module(monkeypatch, "keras")
    module(monkeypatch, "keras.callbacks", Callback=type("Callback", (), {}))
    ours = integration(monkeypatch, "keras")

    def callback(state):
        made = ours.Callback("Patience(3)", state=state)
        made.model = SimpleNamespace(save_weights=lambda path: Path(path).write_bytes(WEIGHTS), get_weights=list,
                                     set_weights=list, load_weights=lambda path: None, stop_training=False)
        return made
    return callback


def epoch(callback):
    callback.on_epoch_end(0, {"loss": 1.0, "val_loss": 0.5})


def test_keras_state_is_written_and_read_again(keras, tmp_path):
    state = tmp_path / "state.json"
    first = keras(state)
    first.on_train_begin()
    epoch(first)
    assert sorted(os.listdir(tmp_path)) == ["state.json", "state.json.weights.h5"]
    assert (tmp_path / "state.json.weights.h5").read_bytes() == WEIGHTS
    again = keras(state)
    again.on_train_begin()
    assert again.watcher.state_dict() == first.watcher.state_dict() == json.loads(state.read_text("utf-8"))


@posix
@pytest.mark.parametrize("name", ["state.json", "state.json.weights.h5"])
def test_keras_follows_links_and_keeps_modes(keras, tmp_path, name):
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / "target"
    target.write_text("old")
    target.chmod(0o600)
    (tmp_path / name).symlink_to(target)
    epoch(keras(tmp_path / "state.json"))
    assert (tmp_path / name).is_symlink() and target.read_text() != "old" and target.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path / "far") == ["target"]


@posix
def test_keras_leaves_files_of_others_alone(keras, tmp_path):
    mine = tmp_path / "mine"
    mine.write_text("mine")
    for name in ("state.json.partial", "state.json.partial.weights.h5"):
        (tmp_path / name).symlink_to(mine)
    epoch(keras(tmp_path / "state.json"))
    assert mine.read_text() == "mine"


@posix
@pytest.mark.parametrize("name", ["state.json", "state.json.weights.h5"])
def test_keras_refuses_what_is_no_file_before_training(keras, tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(OSError, match="got a named pipe, accepted: a regular file or a new name"):
        keras(tmp_path / "state.json").on_train_begin()
    assert os.listdir(tmp_path) == [name]


@pytest.fixture
def transformers(monkeypatch):
    """The module of its callback, to which weights are bytes."""
    module(monkeypatch, "safetensors")
    module(monkeypatch, "safetensors.torch", save=lambda weights: weights, load_file=None)
    module(monkeypatch, "transformers", TrainerCallback=type("TrainerCallback", (), {}))
    return integration(monkeypatch, "transformers")


@posix
@pytest.mark.parametrize("name", ["stopping.json", "stopping_best.safetensors"])
def test_transformers_waits_for_no_pipe(transformers, tmp_path, name):
    folder, callback = tmp_path / "checkpoint-5", transformers.Callback("Patience(3)")
    folder.mkdir()
    (folder / transformers.STATE).write_text(json.dumps(callback.watcher.state_dict()))
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    now = SimpleNamespace(output_dir=tmp_path), SimpleNamespace(global_step=5), None
    if name == transformers.STATE:
        with pytest.warns(UserWarning, match="stopping.json is not there: .* starts afresh"):
            callback.on_train_begin(*now, model=None)
    else:
        callback.on_train_begin(*now, model=None)


@posix
@pytest.mark.parametrize("name", ["stopping.json", "stopping_best.safetensors"])
def test_transformers_adds_whole_files_to_a_checkpoint(transformers, tmp_path, name):
    ours = transformers
    folder = tmp_path / "checkpoint-5"
    folder.mkdir()
    (tmp_path / "target").write_text("old")
    (tmp_path / "target").chmod(0o600)
    (folder / name).symlink_to(tmp_path / "target")
    callback = ours.Callback("Patience(3)")
    callback.watcher.best = WEIGHTS
    now = SimpleNamespace(output_dir=tmp_path), SimpleNamespace(is_world_process_zero=True, global_step=5), None
    callback.on_save(*now)
    assert sorted(os.listdir(folder)) == [ours.STATE, ours.BEST] and (folder / ours.BEST).read_bytes() == WEIGHTS
    assert json.loads((folder / ours.STATE).read_text("utf-8")) == callback.watcher.state_dict()
    assert (folder / name).is_symlink() and (tmp_path / "target").stat().st_mode & 0o777 == 0o600
    (folder / name).unlink()
    (folder / name).mkdir()  # no file
    with pytest.raises(IsADirectoryError):
        callback.on_save(*now)
