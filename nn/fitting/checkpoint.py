"""Checkpoints: how a file without pickle is written, and the file of a training run.

Layout: a magic line, a line with the SHA-256 of all that follows, one line of JSON (format version, kind, plain values),
then the arrays as an uncompressed .npz. A file is written beside its place, flushed to disk and renamed, so that a reader
finds the old file or the new one, never half of one. How it is read, by whoever does not trust it: archive.py.
"""
import hashlib
import io
import json
import os
import re
import stat
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from .. import files
from ..archive import LONGEST_JSON, MAGIC, VERSION, CheckpointError, opened, place, printable
from . import run_state
from .identity import identity
from .run import BestKeeper, TrainingRun


def write(path: str | PathLike[str], kind: str, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Write plain values (JSON) and arrays (dict name -> ndarray) atomically."""
    payload = io.BytesIO()
    named: dict[str, Any] = dict(arrays)
    np.savez(payload, **named)
    header = json.dumps({"version": VERSION, "kind": kind, "values": values}, allow_nan=False).encode()
    data = header + b"\n" + payload.getvalue()
    with files.replacing(path) as file:
        file.write(MAGIC + hashlib.sha256(data).hexdigest().encode() + b"\n" + data)


def remove_leftovers(path: str | PathLike[str]) -> None:
    """Delete the half-written files that killed runs left beside this path, and nothing that somebody else may have made.

    Ours has a name whose last digits we know, begins like a checkpoint as far as it goes, is a regular file and our own.
    """
    path = Path(os.path.realpath(path))
    for file in path.parent.iterdir():
        match = re.fullmatch(r".*\.afterzero-([0-9a-f]{8})[0-9a-f]{8}\.part", file.name, re.DOTALL)
        if match and file.name == files.partial_name(path.name, match[1]) and _is_our_beginning(file):
            file.unlink(missing_ok=True)


def _is_our_beginning(file: Any) -> bool:
    found = os.lstat(file)
    if not stat.S_ISREG(found.st_mode) or (hasattr(os, "geteuid") and found.st_uid != os.geteuid()):
        return False
    with open(file, "rb") as content:
        return MAGIC.startswith(content.read(len(MAGIC)))


class RunFile:
    """The checkpoint of a training run: everything `fit` needs to go on as if it had never stopped."""

    def __init__(self, run: TrainingRun, keeper: BestKeeper) -> None:
        self.wanted = run.settings.checkpoint is not None
        self._run, self._keeper = run, keeper
        if self.wanted:
            self._path = place("checkpoint", run.settings.checkpoint)
            check_place("checkpoint", self._path)
            if run.criterion is not None and not hasattr(run.criterion, "load_state_dict"):
                raise TypeError(f"stopping: got {run.criterion!r}, accepted with a checkpoint: a criterion with "
                                "state_dict() and load_state_dict(state)")
            self._identity = identity(run)

    def state(self) -> run_state.RunState | None:
        """Return the state as it is; None where there is no file to write."""
        return run_state.state_of(self._run, self._keeper, self._identity) if self.wanted else None

    def write(self) -> None:
        """Write the state between two epochs, or after a stop."""
        if self.wanted:
            self._write(*run_state.state_of(self._run, self._keeper, self._identity))

    def write_end(self, before: run_state.RunState) -> None:
        """Write what a check found that is made only because the run ends, beside the state before it."""
        self._write(*run_state.with_end(before, self._run))

    def _write(self, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        if len(json.dumps(values)) > LONGEST_JSON["training run"] - 100:
            raise ValueError(f"stopping: got {self._run.criterion!r} with a state of more than "
                             f"{LONGEST_JSON['training run']} characters, accepted with a checkpoint: less, for no file "
                             "with more is read")
        if run_state.is_sound(arrays):
            write(self._path, "training run", values, arrays)

    def start(self) -> None:
        """Take over the state in the file, if there is one; else the criterion starts anew.

        Raises
        ------
        CheckpointError
            For a file that this run cannot have written. Model, criterion and run are then as they were.

        """
        criterion = self._run.criterion
        if self.wanted:
            remove_leftovers(self._path)
            if self._path.exists():
                self._resume(criterion)
                return
        if criterion is not None:
            criterion.reset()

    def _resume(self, criterion: Any) -> None:
        with opened(self._path, "training run") as file:
            values, arrays = run_state.read(file, self._run, self._keeper, self._identity)
        if criterion is not None:
            self._restore(criterion, values, len(arrays["history"]))
        run_state.take_over(self._run, self._keeper, values, arrays)

    def _restore(self, criterion: Any, values: dict[str, Any], checks: int) -> None:
        """Give the criterion its state; raise CheckpointError, and give it back its old one, if it refuses."""
        before, stopped = criterion.state_dict(), values["stopped_epoch"] is not None
        try:
            criterion.reset()
            criterion.load_state_dict(values["criterion"])
            # A user's own may lack these two.
            if getattr(criterion, "step", checks) != checks:
                raise ValueError(f"step: got {criterion.step}, accepted: {checks}, the checks of the history")
            if (getattr(criterion, "stopped_step", checks if stopped else None) is not None) != stopped:
                raise ValueError(f"stopped_step: got {criterion.stopped_step}, accepted: "
                                 f"{'a check' if stopped else None}, as stopped_epoch is {values['stopped_epoch']}")
        except Exception as error:  # a user's own may raise anything
            criterion.reset()
            criterion.load_state_dict(before)
            raise CheckpointError(f"{self._path}: got a state with which its criterion cannot go on, accepted: one of such "
                                  f"a criterion; {type(error).__name__}: {printable(str(error))}") from error


def check_place(argument: str, path: Path) -> None:
    """Raise OSError now rather than after an epoch."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{argument}: got {str(path)!r}, but there is no folder {str(path.parent)!r}, accepted: a "
                                "file in one that there is")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"{argument}: got {str(path)!r}, but the folder {str(path.parent)!r} is not writable, "
                              "accepted: a file in one that is")
