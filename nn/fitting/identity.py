"""By what a run is told from another in a checkpoint: texts that are the same in another process."""
import copy
from typing import Any

from ..archive import CheckpointError, File, printable
from .described import UNKNOWN, digest, parts_of

ABSENT = "absent"
FREE = ("epochs", "checks")  # what may differ, within what the functions below say


def identity(run: Any) -> dict[str, Any]:
    """Return what must be the same for a run to go on: dict name -> text."""
    sets = {f"{name} data": "none" if data is None else digest(*data.inputs, data.y) for name, data in run.sets.items()}
    return {"model": repr(run.model), "initial weights": digest(run.model.flat, run.model.running), **sets,
            **run.settings.recorded(run)}


def criterion_parts(criterion: Any) -> dict[str, str]:
    """Return what is recorded of a stopping criterion: its repr, and for a class of the user's own what it is made of."""
    try:
        fresh = copy.deepcopy(criterion)
        if fresh is not None:
            fresh.reset()
        parts = parts_of(fresh, "stopping")
    except Exception as error:  # a user's own may raise anything
        return {"stopping": f"{UNKNOWN}{type(criterion).__qualname__} cannot be copied and reset ({error})"}
    own = any(text.startswith(UNKNOWN) or name.endswith("class") for name, text in parts.items())
    return parts if own else {"stopping": repr(criterion)}


def require_same(file: File, before: Any, now: dict[str, str], anyway: bool) -> None:
    """Raise CheckpointError, naming what differs, unless a file's identity is that of the run that wants to go on.

    Parameters
    ----------
    file : archive.File
    before, now : dict name -> text
    anyway : bool
        Whether to go on with parts whose state cannot be known.

    """
    file.require(isinstance(before, dict) and all(isinstance(text, str) for text in before.values())
                 and now.keys() - before.keys() <= _parts(now) and before.keys() - now.keys() <= _parts(before),
                 "identity: its fields are not those of a training run")
    for name in [*now, *(before.keys() - now.keys())]:
        was, is_ = before.get(name, ABSENT), now.get(name, ABSENT)
        if was != is_ and name not in FREE:
            hint = "make the model afresh, for training has changed it; or " if name == "initial weights" else ""
            raise another_run(file, f"{printable(name)} was {printable(was)} there and is {is_} here", hint)
    unknown = [f"{name} ({text[len(UNKNOWN):]})" for name, text in now.items() if text.startswith(UNKNOWN)]
    if unknown and not anyway:
        raise CheckpointError(f"{file.path}: got a checkpoint of which nobody can tell whether it is of this run, accepted: "
                              "resume='anyway' to go on all the same, another path, or things whose state can be known "
                              f"(functions, plain objects, arrays); what cannot be known: {'; '.join(unknown)}")


def another_run(file: File, difference: str, hint: str = "") -> CheckpointError:
    """Return the error for a file of another run, which says in what it differs; `hint` is what else may be done."""
    return CheckpointError(f"{file.path}: got the checkpoint of another run, accepted: that of this one; {difference}; "
                           f"{hint}give another path, or delete the file")


def _parts(identity: dict[str, str]) -> set[str]:
    """Return the names that some runs have and others have not."""
    return {name for name in identity if ", " in name or name in ("frozen", "drop_last", "sample_weight")}


def require_reachable(file: File, run: Any, before: dict[str, str], update: int) -> None:
    """Raise CheckpointError unless the run of today would have been where the file is, if its epochs are others."""
    file.require(epochs_of(before) > 0, "identity: its epochs are no number")
    if update > run.total and epochs_of(before) != run.settings.epochs:
        raise CheckpointError(f"{file.path}: epochs: got {run.settings.epochs}, accepted: at least "
                              f"{-(-update // run.batches)}, as many as have been trained there, or another path")


def epochs_of(identity: dict[str, str]) -> int:
    """Return the epochs that an identity names, 0 where it names none."""
    return int(identity["epochs"]) if identity["epochs"].isdecimal() and len(identity["epochs"]) < 20 else 0


def require_same_checks(file: File, run: Any, before: dict[str, str], update: int) -> None:
    """Raise CheckpointError unless all checks up to the file's last update are those of the run of today."""
    now = run.check_points.text_until(update)
    if before["checks"] != now:
        raise another_run(file, f"checks was {printable(before['checks'])} there and is {now} here")
