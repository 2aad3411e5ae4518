"""From files to histories: `read_csv` for one, `read_logs` for what a command line names."""
import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..elsewhere import CSV
from ..keywords import explains_arguments
from . import names
from .cells import encoding, read_cells
from .json_logs import read_json
from .log import Log, named, refuse_accuracy_as_error
from .placing import sum_components, take_tests_for_validation, without_strangers
from .runs import any_measured, merged, rising, split, without_the_end, without_uncounted
from .series import is_series, joined
from .table import COMMA, Table, listed, number, shown

Runs = str | int | None


@explains_arguments(CSV)
def read_csv(path: str | Path, columns: Mapping[str, str] | None = None, runs: Runs = None) -> Log:
    """Return the log of a training run as a history for `replay` and `compare`.

    Parameters
    ----------
    path : str or path
        Cells or JSON. Of cells the first line names the columns; they are separated by commas, semicolons, tabs or blanks.
    columns : mapping of str to str, optional
        Our name -> the name in the file, for what is not recognised: ``{"val_loss": "my_val"}``.
    runs : "last" or int, optional
        Which run of a file that holds several, counted from 1.

    Returns
    -------
    Log
        A dict of arrays (C,). Recognised and mapped columns under our names, others under their own. Of those, columns
        which are not numbers throughout are left out. ``train_error`` is made from ``train_accuracy`` (shares or percent)
        where it is not there itself, and likewise for val and test. Blank cells and NA were not measured: NaN here, and
        `replay` asks no rule on them at that check. A literal nan is NaN.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it has no columns that are recognised or mapped, a row has too many or too few cells, one of those columns has
        a cell that is no number, there are no rows, or there are several runs and `runs` does not say which. The message
        names file, line and column.

    Notes
    -----
    *Lightning*, *transformers* and others write training and validation metrics in rows of their own. If there are
    validation metrics, every validation is a check, with the last entry of each column since the one before: patience is
    counted in validations. Rows without an epoch are passed over; rows of a test, of a summary, or of a validation after
    training are no checks. *Keras* and Lightning count epochs from 0. An ``epoch`` that starts at 0 is raised by one, to
    say how many are complete, except in our own logs, which also have ``update``, and where 0 is before training.

    Keras' training loss is the average over the epoch, of weights that were changing.
    """
    if runs == "all":
        raise ValueError("runs: got 'all', accepted: 'last' or a number, for one history; or read_logs([path], runs='all')")
    [log] = read_logs([path], columns, runs)
    return log


def read_logs(paths: Sequence[str | Path], columns: Mapping[str, str] | None = None, runs: Runs = None,
              watched: Collection[str] = ()) -> list[Log]:
    """Return the runs of one or several files, as `read_csv`.

    Files of one metric each (TensorBoard's CSV export, CatBoost's TSV) are joined by step into one; of others each is a run
    by itself.

    Parameters
    ----------
    paths : sequence of str or path
    columns : mapping of str to str, optional
        For every file.
    runs : "last", "all" or int, optional
    watched : collection of str
        Names that rules watch: a file that has one of them need have no others that are recognised.

    Returns
    -------
    list of Log
    """
    if columns is not None and not isinstance(columns, Mapping):
        raise TypeError(f"columns: got {columns!r}, accepted: a mapping of our names to those in the file, like "
                        f"{{'val_loss': 'my_val'}}")
    columns = dict(columns or {})
    refuse_accuracy_as_error(columns)
    read = [(str(path), _table(path)) for path in paths]
    series = [(path, table) for path, table in read if is_series(path, table)]
    logs = [log for path, table in read if not is_series(path, table)
            for log in _runs_of(path, table, columns, runs, watched)]
    if series:
        logs += _runs_of(" + ".join(path for path, _ in series), joined(series), columns, runs, watched)
    return logs


def _table(path: str | Path) -> Table:
    with open(path, encoding=encoding(path), errors="replace") as file:
        start = next((text.strip() for text in iter(lambda: file.read(1024), "") if text.strip()), "")
    return read_json(path) if start[:1] == "{" or re.match(r"\[\s*(?:\{|\[|\]|$)", start) else read_cells(path)


def _runs_of(path: str, table: Table, columns: dict[str, str], runs: Runs, watched: Collection[str]) -> list[Log]:
    _refuse_unknown(path, table, columns)
    present = [name for name, column in table.columns.items() if name not in columns.values()]
    theirs = {ours: found for ours, found in names.candidates(present).items() if ours not in columns}
    without_strangers(table, theirs)
    for found in theirs.values():
        _refuse_doubt(path, table, found)
    sum_components(table, theirs, columns)
    if not theirs and table.kind == "a table" and all(number(name) for name in table.columns):
        raise ValueError(f"{path}: got numbers in the first line ({listed(table.columns)}), accepted: names of columns")
    if not theirs and not columns and not set(watched) & set(table.columns):
        raise ValueError(f"{path}: got the columns {listed(table.columns)}, accepted: recognised ones; say which is which: "
                         "columns={'val_loss': NAME}, or --columns val_loss=NAME; or let a rule watch one by its own name; "
                         "what a program printed while it trained is no table")
    epoch, step = names.counts(present)
    epoch, step = columns.get("epoch", epoch), columns.get("step", step)
    _refuse_words(path, table, theirs, columns, epoch)
    step = step if step is not None and table.columns[step].problem is None else None
    table = rising(table, epoch or step)
    take_tests_for_validation(table, theirs, columns)
    train, val, test = ([name for ours, found in {**theirs, **{o: [t] for o, t in columns.items()}}.items()
                         if ours.startswith(f"{part}_") for name in found] for part in ("train", "val", "test"))
    table = without_the_end(table, train, val, test)
    _refuse_side_by_side(path, table, epoch)
    tables, why = split(table, epoch, step, [*train, *val])
    sparse = _is_sparse(table, epoch, step, train, val)
    chosen = _chosen(path, tables, why, runs)
    logs = []
    for place in chosen:
        checks = merged(tables[place], epoch, step, train, val) if sparse else without_uncounted(tables[place], epoch)
        if not len(checks.lines):
            raise ValueError(f"{path}: got no row with an epoch, accepted: at least one")
        log = named(path, checks, epoch, step, theirs, columns)
        log.reading = log.reading.__class__(**{**vars(log.reading), "run": place + 1, "runs": len(tables)})
        logs.append(log)
    return logs


def _chosen(path: str, tables: list[Table], why: str, runs: Runs) -> list[int]:
    """Return which runs were asked for, counted from 0."""
    total = len(tables)
    if runs is None:
        if total > 1:
            raise ValueError(f"{path}: got {total} runs in one file ({why}), accepted: one; say which: --runs last, --runs "
                             f"all or --runs N from 1 to {total}, in Python runs='last'")
        return [0]
    if runs == "all":
        return list(range(total))
    if runs == "last":
        return [total - 1]
    number = int(runs) if isinstance(runs, int) or re.fullmatch(r"\d{1,9}", str(runs)) else 0
    if isinstance(runs, bool) or not 1 <= number <= total:
        raise ValueError(f"runs: got {shown(runs)}, accepted: last, all or a number from 1 to {total}, the runs of {path}")
    return [number - 1]


def _refuse_unknown(path: str, table: Table, columns: Mapping[str, str]) -> None:
    for name in columns.values():
        if name not in table.columns:
            near = difflib.get_close_matches(str(name), table.columns, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"columns: got {name!r}, accepted: columns of {path}: {listed(table.columns)}{hint}")


def _refuse_doubt(path: str, table: Table, found: list[str]) -> None:
    """Raise ValueError where columns are equally likely: two runs side by side in W&B's export, for example."""
    alike = names.alike(found)
    fills = {name: int(table.columns[name].measured.sum()) for name in alike if table.columns[name].problem is None}
    full = [name for name, fill in fills.items() if 2 * fill >= max(fills.values()) > 0]
    if len(full) > 1:
        part, what, _ = names.meaning(found[0])
        ours = f"{part or 'train'}_{what}"
        raise ValueError(f"{path}: got {listed(full)}, which may all be {ours}, accepted: one; say which: --columns "
                         f"{ours}={full[0]}")


def _refuse_side_by_side(path: str, table: Table, epoch: str | None) -> None:
    """Raise ValueError where an epoch has rows of several sets or runs, told apart by another column."""
    if epoch is None or not (np.diff(table.columns[epoch].values) == 0).any():
        return
    for name, column in table.columns.items():
        words = names.plain(name) in names.SIDE_BY_SIDE
        if words and (column.problem is not None or len(np.unique(column.values[column.measured])) > 1):
            raise ValueError(f"{path}: got several rows for an epoch, told apart by {shown(name)}, accepted: one run, with "
                             "a column for each set, like train_loss and val_loss; write each run into a file of its own")


def _refuse_words(path: str, table: Table, theirs: dict[str, list[str]], columns: Mapping[str, str],
                  epoch: str | None) -> None:
    strict = [*(name for found in theirs.values() for name in found), *columns.values(), *filter(None, [epoch])]
    for name in strict:
        problem = table.columns[name].problem
        if problem is not None:
            why = "; points are decimal in this file, or nothing tells which: a comma may be of thousands"
            raise ValueError(f"{path}, {table.place} {problem[0]}, column {shown(name)}: got {shown(problem[1])}, accepted: "
                             f"a number{why if COMMA.fullmatch(problem[1].strip()) else ''}")


def _is_sparse(table: Table, epoch: str | None, step: str | None, train: Sequence[str], val: Sequence[str]) -> bool:
    """Return whether rows hold parts of a check: epoch and step are counted, or training and validation never meet."""
    if epoch is not None and step is not None:
        return True
    trained, validated = any_measured(table, train), any_measured(table, val)
    if trained.any() and validated.any():
        return not (trained & validated).any()
    if epoch is None or table.columns[epoch].problem is not None:
        return False
    blank = not (trained | validated).all()
    return blank and bool((np.diff(table.columns[epoch].values) == 0).any())
