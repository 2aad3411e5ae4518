"""fit(checkpoint=...): a run that was interrupted anywhere ends, when called again, bit for bit like one that was not."""
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nn.fitting.checkpoint
import nn.fitting.run
from losses import L2, Flooding, SquaredError
from nn import RPROP, SGD, Adam, CheckpointError, GaussianNoise, TrainingDiverged, TrainingInterrupted
from nn.files import partial_name
from nn.fitting.settings import Settings
from stopping import Patience
from tests.checkpointing import EVERYTHING, LENGTHS, RUNS, contents, mlp, remains, start
from tests.fitting import CE, X_TEST, X_VAL, Y_TEST, Y_VAL, X, Y, train


class Mine(Exception):
    """Raised by the tests."""


def raise_at(count, error=Mine):
    """Return a function of anything that raises the `count`-th time it is called."""
    calls = []

    def call(*args, **kwargs):
        calls.append(1)
        if len(calls) == count:
            raise error
    return call


@pytest.mark.parametrize("name", RUNS)
def test_a_checkpoint_changes_nothing(backend, name, tmp_path):
    assert remains(*start(name, backend, tmp_path / "run")) == remains(*start(name, backend))
    assert os.listdir(tmp_path) == ["run"]


@pytest.mark.parametrize("name", RUNS)
def test_interrupted_at_any_check(backend, name, tmp_path):
    whole = start(name, backend)
    checks = whole[1].checks
    for k in range(1, checks + 1) if checks < 12 else [1, 2, 3, checks // 2, checks - 1, checks]:
        path = tmp_path / str(k)
        with pytest.raises(Mine):
            start(name, backend, path, on_check=raise_at(k))
        assert remains(*start(name, backend, path)) == remains(*whole), k


@pytest.mark.parametrize("name", ["everything", "rprop", "one check", "stopped", "recurrent",
                                  "log-spaced checks that end early"])
def test_interrupted_in_any_chunk(backend, name, tmp_path, monkeypatch):
    """Ctrl-C before and after every chunk; chunks of two updates, so that many end within an epoch."""
    whole = remains(*start(name, backend))
    chunk = nn.fitting.run.TrainingRun._train_chunk
    monkeypatch.setattr(nn.fitting.run._Pace, "took", lambda self, updates, seconds: setattr(self, "updates", 2))
    for when in ("before", "after"):
        for k in range(1, 99):
            path, interrupt = tmp_path / f"{when}{k}", raise_at(k, KeyboardInterrupt)

            def cut(self, count, when=when, interrupt=interrupt):
                if when == "before":
                    interrupt()
                chunk(self, count)
                if when == "after":
                    interrupt()
            with monkeypatch.context() as patch:
                patch.setattr(nn.fitting.run.TrainingRun, "_train_chunk", cut)
                try:
                    start(name, backend, path)
                    break
                except TrainingInterrupted:
                    pass
            assert remains(*start(name, backend, path)) == whole, (when, k)
        assert k > 5


@pytest.mark.parametrize("name", ["everything", "one check", "stopped", "tokens"])
def test_interrupted_again_and_again(backend, name, tmp_path, monkeypatch):
    """Every call gets through one epoch, sees its file written, and is interrupted; a write that fails is only lost."""
    whole, write = remains(*start(name, backend)), nn.fitting.checkpoint.RunFile.write
    for calls in range(1, 30):
        def once(self, calls=calls):
            if calls % 3 == 2:
                raise OSError(28, "No space left on device")
            write(self)
            raise KeyboardInterrupt
        with monkeypatch.context() as patch:
            patch.setattr(nn.fitting.checkpoint.RunFile, "write", once)
            try:
                found = start(name, backend, tmp_path / "run")
                break
            except (TrainingInterrupted, OSError):
                pass
    assert calls > 3
    assert remains(*found) == whole


@pytest.mark.parametrize("name", RUNS)
def test_a_finished_run_is_not_trained_again(backend, name, tmp_path, monkeypatch):
    whole = remains(*start(name, backend, tmp_path / "run"))
    before = (tmp_path / "run").read_bytes()

    def never(*args, **kwargs):
        raise AssertionError("there was nothing left to do")
    monkeypatch.setattr(nn.fitting.run.TrainingRun, "_train_chunk", never)
    monkeypatch.setattr(nn.fitting.run.TrainingRun, "check", never)
    assert remains(*start(name, backend, tmp_path / "run", on_check=never)) == whole
    assert (tmp_path / "run").read_bytes() == before


def test_the_run_that_stopped_did_stop():
    history = start("stopped", "numpy")[1]
    assert 0 < history.best_epoch < history.stopped_epoch < 5
    history = start("stopped at the best", "numpy")[1]
    assert history.best_epoch == history.stopped_epoch < 30
    assert start("everything", "numpy")[1].best_epoch < 5


def test_the_criterion_goes_on_too(tmp_path):
    whole, resumed = Patience(100, "val_loss"), Patience(100, "val_loss")
    start("everything", "numpy", stopping=whole)
    with pytest.raises(Mine):
        start("everything", "numpy", tmp_path / "run", stopping=resumed, on_check=raise_at(5))
    start("everything", "numpy", tmp_path / "run", stopping=resumed)
    assert resumed.state_dict() == whole.state_dict()
    assert resumed.step == 7


def test_the_csv_is_the_same(tmp_path):
    texts = []
    for k, path in enumerate((None, tmp_path / "run")):
        if path:
            with pytest.raises(Mine):
                start("everything", "numpy", path, on_check=raise_at(5))
        start("everything", "numpy", path)[1].to_csv(tmp_path / f"{k}.csv")
        texts.append((tmp_path / f"{k}.csv").read_text())
    assert texts[0] == texts[1]


def test_divergence_repeats(backend, tmp_path):
    """A run that diverged goes on from its last good epoch and says the same again."""
    messages, options = [], {"loss": SquaredError(), "optimizer": SGD(1e10), "batch_size": None, "epochs": 99}
    for path in (None, tmp_path / "run", tmp_path / "run"):
        with pytest.raises(TrainingDiverged) as caught:
            train(mlp(activation="relu")(backend), y=X[:, :2], checkpoint=path, **options)
        messages.append((str(caught.value), caught.value.history["train_loss"].tobytes()))
    assert messages[0] == messages[1] == messages[2]


# --- another configuration ---

def other(x, y, rng):
    return x, y


CHANGES = {
    "model": {"model": mlp(batch_norm=True, dropout=0.26)}, "initial weights": {},
    "train data": {"x": X + 1e-3}, "train data, y": {"y": 1 - Y}, "val data": {"validation": (X_VAL, Y_VAL)},
    "test data": {"test": (X_TEST, Y_TEST)}, "loss": {"loss": Flooding(CE, 0.51)}, "optimizer": {"optimizer": Adam(0.05)},
    "optimizer, kind": {"optimizer": SGD(0.05)}, "drop_last": {"drop_last": True}, "frozen": {"frozen": ["W1"]},
    "batch_size": {"batch_size": 6},
    "penalty and clip_norm": {"clip_norm": 0.6}, "penalty and clip_norm, penalty": {"penalty": L2(2e-3)},
    "metrics": {"metrics": ("update_norm",)}, "stopping": {"stopping": Patience(99, "val_loss")},
    "stopping, none": {"stopping": None}, "seed": {"seed": 1}, "checks": {"check_every": 4},
    "augment": {"augment": GaussianNoise(0.3)}, "augment, function": {"augment": other}, "augment, none": {"augment": None},
    "restore_best": {"restore_best": False}, "metrics, weighted": {"sample_weight": np.linspace(0.5, 2, len(X))},
}


NO_MATTER = {"checkpoint", "on_check", "on_epoch", "threads", "resume"}  # see test_what_does_not_matter


def test_every_setting_is_among_the_changes_or_does_not_matter():
    settings = {field.name for field in dataclasses.fields(Settings)}
    assert settings - {"epochs"} == (settings & {name for change in CHANGES.values() for name in change}) | NO_MATTER


@pytest.mark.parametrize("change", CHANGES)
def test_another_configuration(change, tmp_path):
    path, options = tmp_path / "run", {"epochs": 5, "checkpoint": tmp_path / "run", **EVERYTHING}
    make = mlp(batch_norm=True, dropout=0.25)
    train(make("numpy"), **options)
    before = path.read_bytes()
    options |= CHANGES[change]
    model = options.pop("model", make)("numpy")
    if change == "initial weights":
        model = make("numpy")
        model.flat[0] += 1
    weights = model.flat.copy()
    words = rf"another run, accepted: that of this one; {change.split(',')[0]}.* was .* there and is .* here; "
    with pytest.raises(CheckpointError, match=words) as caught:
        train(model, **{"x": X, "y": Y, **options})
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert np.array_equal(model.flat, weights)
    assert ("make the model afresh" in str(caught.value)) == (change == "initial weights")


def test_what_does_not_matter(tmp_path):
    """Threads, the progress bar and a callback may change; so may the objects, if they are equal."""
    whole = start("everything", "numba")
    with pytest.raises(Mine):
        start("everything", "numba", tmp_path / "run", on_check=raise_at(4), threads=1)
    again = start("everything", "numba", str(tmp_path / "run"), threads=2, progress=False, on_check=lambda m, row: None,
                  augment=GaussianNoise(0.2), data=(X.tolist(), Y.tolist()))
    assert remains(*again) == remains(*whole)


def test_other_lengths(tmp_path):
    start("recurrent", "numpy", tmp_path / "run")
    with pytest.raises(CheckpointError, match="train data was"):
        start("recurrent", "numpy", tmp_path / "run", lengths=np.minimum(LENGTHS, 4))


class Noise:
    """An augmentation without a repr of its own."""

    def __call__(self, x, y, rng):
        return x + rng.normal(size=x.shape), y


@pytest.mark.parametrize("augment", [Noise, lambda: Noise().__call__,
                                     lambda: lambda x, y, rng: (x + rng.normal(size=x.shape), y)])
def test_any_augmentation_resumes(augment, tmp_path):
    whole = start("momentum", "numpy", augment=augment())
    with pytest.raises(Mine):
        start("momentum", "numpy", tmp_path / "run", augment=augment(), on_check=raise_at(3))
    assert remains(*start("momentum", "numpy", tmp_path / "run", augment=augment())) == remains(*whole)


def test_a_function_is_the_same_in_another_process():
    """Whatever functions it has inside, the text it is known by holds no address."""
    script = """if True:
        from nn.fitting.described import parts_of
        def augment(x, y, rng):
            jitter = lambda a: a + sum([rng.normal() for _ in range(3)])
            return jitter(x), y
        print(parts_of(augment, 'augment'))"""
    names = {subprocess.run([sys.executable, "-c", pad + script], capture_output=True, text=True, check=True,
                            cwd=Path(__file__).parent.parent).stdout for pad in ("", "x = list(range(10**5))\n")}
    assert len(names) == 1


# --- places and leftovers ---

def test_no_folder_is_noticed_before_training(tmp_path, monkeypatch):
    model, path = mlp()("numpy"), tmp_path / "missing" / "run"
    weights = model.flat.copy()
    with pytest.raises(FileNotFoundError, match=r"checkpoint: got .*run.*no folder .*missing"):
        train(model, checkpoint=path)
    monkeypatch.setattr(nn.fitting.checkpoint.os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match=r"checkpoint: got .*run.* is not writable"):
        train(model, checkpoint=tmp_path / "run")
    assert np.array_equal(model.flat, weights)
    assert os.listdir(tmp_path) == []


def test_a_folder_as_path(tmp_path):
    with pytest.raises(IsADirectoryError):
        start("momentum", "numpy", tmp_path)


def test_a_criterion_that_cannot_be_saved(tmp_path):
    class Never:
        requires, best_step = (), None

        def reset(self):
            pass

        def update(self, **row):
            return False
    start("momentum", "numpy", stopping=Never())
    with pytest.raises(TypeError, match=r"stopping: got .*Never.* with a checkpoint: .*load_state_dict"):
        start("momentum", "numpy", tmp_path / "run", stopping=Never())


def test_leftovers_of_killed_runs_go(tmp_path):
    ours = [partial_name("run", token) for token in ("0123abcd", "deadbeef")]
    others = ["run.0123abcd.part", "run.part", f"{ours[0]}ly", "run.csv", partial_name("other", "0123abcd"),
              partial_name("xrun", "0123abcd"), ours[0].replace(".afterzero-0123", ".afterzero-3210")]
    for name in ours + others:
        (tmp_path / name).write_bytes(b"afterzero che")
    whole = remains(*start("momentum", "numpy"))
    assert remains(*start("momentum", "numpy", tmp_path / "run")) == whole
    assert sorted(os.listdir(tmp_path)) == sorted([*others, "run"])


def test_the_file_stays_small(tmp_path):
    """Losses since the last check are one array, however many epochs they span."""
    start("one check", "numpy", tmp_path / "run", epochs=40)
    with pytest.raises(Mine):
        start("one check", "numpy", tmp_path / "long", epochs=40, on_check=raise_at(1))
    values, arrays = contents(tmp_path / "long")
    assert values["update"] == 39 * 4
    assert sum(name.startswith("since_check") for name in arrays) == 3
    json.dumps(values, allow_nan=False)


def test_rprop_keeps_its_step_sizes(backend, tmp_path):
    with pytest.raises(Mine):
        start("rprop", backend, tmp_path / "run", on_check=raise_at(6))
    sizes = contents(tmp_path / "run")[1]["slot1"]
    assert len(np.unique(sizes)) > 2
    assert start("rprop", backend, optimizer=RPROP(0.05))[1]["train_loss"][-1] < 0.6
