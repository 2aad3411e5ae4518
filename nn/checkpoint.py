"""Checkpoints: a model, and the state of a training run, in one file without pickle.

Layout: a magic line, a line with the SHA-256 of all that follows, one line of JSON (format version, kind, plain values),
then the arrays as an uncompressed .npz. A file is written beside its place, flushed to disk and renamed, so that a reader
finds the old file or the new one, never half of one.
"""
import functools
import hashlib
import io
import json
import os
import re
import stat
import zipfile
from pathlib import Path

import numpy as np

from losses.keywords import explains_arguments

from . import files

MAGIC = b"afterzero checkpoint\n"
VERSION = 1


class CheckpointError(ValueError):
    """A file is no checkpoint, is damaged, is too new, or belongs to another configuration; it was left as it is."""


def write(path, kind, values, arrays):
    """Write plain values (JSON) and arrays (dict name -> ndarray) atomically."""
    payload = io.BytesIO()
    np.savez(payload, **arrays)
    header = json.dumps({"version": VERSION, "kind": kind, "values": values}, allow_nan=False).encode()
    data = header + b"\n" + payload.getvalue()
    with files.replacing(path) as file:
        file.write(MAGIC + hashlib.sha256(data).hexdigest().encode() + b"\n" + data)


def remove_leftovers(path):
    """Delete the half-written files that killed runs left beside this path, and nothing that somebody else may have made.

    Ours has a name whose last digits we know, begins like a checkpoint as far as it goes, is a regular file and our own.
    """
    path = Path(os.path.realpath(path))
    for file in path.parent.iterdir():
        match = re.fullmatch(r".*\.afterzero-([0-9a-f]{8})[0-9a-f]{8}\.part", file.name, re.DOTALL)
        if match and file.name == files.partial_name(path.name, match[1]) and _is_our_beginning(file):
            file.unlink(missing_ok=True)


def _is_our_beginning(file):
    found = os.lstat(file)
    if not stat.S_ISREG(found.st_mode) or (hasattr(os, "geteuid") and found.st_uid != os.geteuid()):
        return False
    with open(file, "rb") as content:
        return MAGIC.startswith(content.read(len(MAGIC)))


def read(path, kind):
    """Return (values, arrays) of a checkpoint of this kind; raise CheckpointError or FileNotFoundError."""
    path = Path(path)
    with open(path, "rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise CheckpointError(f"{path}: this is no afterzero checkpoint")
        checksum, data = file.readline(), file.read()
    if checksum != hashlib.sha256(data).hexdigest().encode() + b"\n":
        raise CheckpointError(f"{path}: the file is truncated or damaged: its checksum differs")
    text, _, payload = data.partition(b"\n")
    try:
        header = json.loads(text)
        if header["version"] > VERSION:
            raise CheckpointError(f"{path}: got format version {header['version']}, accepted: up to {VERSION}; update "
                                  "afterzero to read it")
        if header["kind"] != kind:
            raise CheckpointError(f"{path}: got a checkpoint of a {header['kind']}, accepted: of a {kind}")
        with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
            return header["values"], {name: archive[name] for name in archive.files}
    except CheckpointError:
        raise
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: afterzero did not write this file: {error}") from None


@explains_arguments()
def save(path, model):
    """Write a model: settings, parameters, running statistics.

    Parameters
    ----------
    path : str or Path
        Replaced atomically if it exists.
    model : MLP or RNN

    """
    write(path, "model", {"class": type(model).__name__, "settings": model.settings()},
          {"flat": model.flat, "running": model.running})


@explains_arguments()
def load(path, *, backend=None):
    """Return the model that `save` wrote, on another backend if asked for.

    Raises
    ------
    FileNotFoundError
    CheckpointError
        If the file is foreign, truncated, damaged, of a newer version, or the checkpoint of a training run.

    """
    from .mlp import MLP
    from .rnn import RNN
    values, arrays = read(path, "model")
    classes = {"MLP": MLP, "RNN": RNN}
    if values["class"] not in classes:
        raise CheckpointError(f"{path}: got a model of class {values['class']!r}, accepted: {', '.join(classes)}")
    settings = values["settings"] | ({"backend": backend} if backend else {})
    model = classes[values["class"]](**settings)
    model.flat[:] = arrays["flat"]
    model.running[:] = arrays["running"]
    return model


class RunFile:
    """The checkpoint of a training run: everything `fit` needs to go on as if it had never stopped."""

    def __init__(self, path, run, keeper):
        self.wanted = path is not None
        self._path, self._run, self._keeper = path, run, keeper
        if self.wanted:
            _check_place(Path(path))
            if run.criterion is not None and not hasattr(run.criterion, "load_state_dict"):
                raise TypeError(f"stopping: got {run.criterion!r}, accepted with a checkpoint: a criterion with "
                                "state_dict() and load_state_dict(state)")
            self._identity = _identity(run) | {"restore_best": str(keeper.restores)}

    def write(self):
        """Write the state between two epochs, or after a stop."""
        if not self.wanted:
            return
        run, history, keeper = self._run, self._run.history, self._keeper
        values = {"identity": self._identity, "update": run.update, "last_loss": repr(run.last_loss),
                  "criterion": None if run.criterion is None else run.criterion.state_dict(),
                  "stopped_epoch": history.stopped_epoch, "best_epoch": history.best_epoch}
        arrays = {"flat": run.model.flat, "running": run.model.running, "slot0": run.slots[0], "slot1": run.slots[1],
                  "history": history.to_array()}
        for i, parts in enumerate(zip(*run.since_check, strict=True)):
            arrays[f"since_check{i}"] = np.concatenate(parts)
        if keeper.best is not None:
            arrays["best_flat"], arrays["best_running"] = keeper.best
        arrays |= {f"meter_{name}": array for name, array in run.meter.state().items()}
        write(self._path, "training run", values, arrays)

    def resume(self):
        """Take over the state in the file, if there is one."""
        if not self.wanted:
            return
        remove_leftovers(self._path)
        if not Path(self._path).exists():
            return
        values, arrays = read(self._path, "training run")
        for name, now in self._identity.items():
            if values["identity"].get(name) != now:
                hint = "make the model afresh, for training has changed it; or " if name == "initial weights" else ""
                raise CheckpointError(f"{self._path}: is the checkpoint of another run: {name} was "
                                      f"{values['identity'].get(name)} there and is {now} here; {hint}give another path, or "
                                      "delete the file")
        run = self._run
        if run.criterion is not None:  # first, because a user's own may refuse, and nothing shall have changed then
            run.criterion.load_state_dict(values["criterion"])
        run.model.flat[:], run.model.running[:] = arrays["flat"], arrays["running"]
        run.slots[0][:], run.slots[1][:] = arrays["slot0"], arrays["slot1"]
        run.update, run.last_loss = values["update"], float(values["last_loss"])
        run.history.fill(arrays["history"])
        run.history.stopped_epoch, run.history.best_epoch = values["stopped_epoch"], values["best_epoch"]
        if "since_check0" in arrays:
            run.since_check = [tuple(arrays[f"since_check{i}"] for i in range(3))]
        run.meter.set_state({name[6:]: array for name, array in arrays.items() if name.startswith("meter_")})
        if "best_flat" in arrays:
            self._keeper.best = (arrays["best_flat"], arrays["best_running"])


def _check_place(path):
    """Raise OSError now rather than after an epoch."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"checkpoint: got {str(path)!r}, but there is no folder {str(path.parent)!r}")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"checkpoint: got {str(path)!r}, but the folder {str(path.parent)!r} is not writable")


def _identity(run):
    """Return what must be the same for a run to go on: dict name -> text."""
    def digest(*arrays):
        sha = hashlib.sha256()
        for array in arrays:
            sha.update(f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        return sha.hexdigest()[:16]

    sets = {f"{name} data": "none" if data is None else digest(*data.inputs, data.y) for name, data in run.sets.items()}
    return {"model": repr(run.model), "initial weights": digest(run.model.flat, run.model.running), **sets,
            "loss": _name(run.loss), "optimizer": repr(run.optimizer), "epochs": str(run.epochs),
            "batch_size": str(run.batch_size), "penalty and clip_norm": repr(tuple(run.penalty)),
            "metrics": ", ".join(run.history), "stopping": repr(run.criterion), "seed": str(run.seed),
            "checks": digest(np.array(run.check_points)), "augment": _name(run.augment)}


def _name(thing):
    """Return a text for a callable or a loss that is the same in another process, where a default repr holds an address.

    A function is told by its code as well as by its name, so that two lambdas are not taken for one another.
    """
    if isinstance(thing, functools.partial):
        return f"partial({_name(thing.func)}, {thing.args!r}, {thing.keywords!r})"
    if hasattr(thing, "__code__"):
        code = hashlib.sha256(_code_text(thing.__code__).encode()).hexdigest()[:8]
        return f"{thing.__module__}.{thing.__qualname__} {code}"
    if type(thing).__repr__ is object.__repr__:
        return f"{type(thing).__qualname__}({sorted(vars(thing).items())!r})"
    settings = sorted(getattr(thing, "__dict__", {}).items())  # a repr of one's own may leave some out
    return f"{thing!r} {settings!r}"


def _code_text(code):
    """Return a text of compiled Python; functions inside it are constants whose repr would hold an address."""
    constants = [_code_text(constant) if hasattr(constant, "co_code") else repr(constant) for constant in code.co_consts]
    return repr((code.co_code, code.co_names, constants))
