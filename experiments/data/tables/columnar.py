"""Parquet and Feather files as raw columns, through pyarrow; nothing in them is evaluated, and no pickle is read."""
import os
from typing import Any

import numpy as np

from .errors import TableError, counted, shown
from .files import PARQUET
from .reading import Raw, RawTable, unique

EXACT = 2**53  # whole numbers up to here are floats of their own
INSTALL = "pip install -e '.[tables]'"  # the extra of setup.cfg


def arrow() -> Any:
    """Return pyarrow.

    Raises
    ------
    TableError
        If it is not installed, with the command that installs it.
    """
    try:
        import pyarrow
        import pyarrow.feather
        import pyarrow.parquet
    except ImportError as error:
        raise TableError(f"pyarrow: got none ({error}), accepted: an installed one, for Parquet and Feather: {INSTALL}; CSV "
                         "is read without") from None
    return pyarrow


def read_columnar(path: str | os.PathLike[str], kind: str) -> RawTable:
    """Read a Parquet or Feather file.

    Raises
    ------
    TableError
        If it is damaged, has no rows or no columns, or pyarrow is missing.
    """
    pa = arrow()
    try:
        if kind == PARQUET:
            table = pa.parquet.read_table(path, partitioning=None)
        else:
            table = pa.feather.read_table(path, memory_map=False)
        table.validate(full=True)  # pyarrow trusts what a file says of itself: a wrong offset would end the process
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(path, kind, error) from None
    if not table.num_rows or table.num_columns < 2:
        raise TableError(f"{path}: got {counted(table.num_rows, 'row')} and {counted(table.num_columns, 'column')}, "
                         "accepted: at least one row, and two columns, the label and an input")
    names, notes, repeated = unique([str(name) for name in table.column_names])
    columns = {name: _raw(pa, name, table.column(j)) for j, name in enumerate(names)}
    return RawTable(str(path), columns, np.arange(1, table.num_rows + 1), "row", notes, repeated)


def size_of(path: str | os.PathLike[str], kind: str) -> tuple[int, int, int]:
    """Return rows, columns and the bytes that pyarrow will hold, of a Parquet or Feather file that is not read for it."""
    pa = arrow()
    try:
        if kind == PARQUET:
            about = pa.parquet.read_metadata(path)
            held = sum(about.row_group(j).total_byte_size for j in range(about.num_row_groups))
            return about.num_rows, about.num_columns, held
        with pa.memory_map(str(path)) as file:
            reader = pa.ipc.open_file(file)
            first = reader.get_batch(0) if reader.num_record_batches else None
            rows, held = (first.num_rows, first.nbytes) if first is not None else (0, 0)
            return rows * reader.num_record_batches, len(reader.schema), held * reader.num_record_batches
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(path, kind, error) from None


def _unreadable(path: str | os.PathLike[str], kind: str, error: Exception) -> TableError:
    return TableError(f"{path}: got a {kind} file that cannot be read ({shown(error, 200)}), accepted: a whole one")


def _raw(pa: Any, name: str, column: Any) -> Raw:
    types, kind = pa.types, column.type
    if types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if types.is_boolean(kind) or types.is_null(kind) or str(kind) in ("string", "large_string", "string_view"):
        return _words(pa, name, column.cast(pa.large_string()))
    if types.is_date(kind) or types.is_timestamp(kind):
        stamps = column.cast(pa.timestamp("us", tz=getattr(kind, "tz", None)), safe=False).cast(pa.int64())
        return _numbers(name, _floats(pa, stamps) / 86_400_000_000, days=True)
    if types.is_integer(kind) and _beyond(pa, column):
        return _words(pa, name, column.cast(pa.large_string()))
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return _numbers(name, _floats(pa, column))
    if types.is_duration(kind) or types.is_time(kind):
        hour = 3600 * {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[kind.unit]
        whole = column.cast(pa.int64() if types.is_duration(kind) or kind.bit_width == 64 else pa.int32())
        return _numbers(name, _floats(pa, whole) / hour, note="times, in hours")
    return Raw(name, left=f"{shown(kind)}: neither numbers, words nor dates")


def _beyond(pa: Any, column: Any) -> bool:
    """Say whether some are too large to differ as floats: ids, as labels and groups often are."""
    import pyarrow.compute as pc

    ends = pc.min_max(column)
    return any(end.is_valid and abs(end.as_py()) > EXACT for end in (ends["min"], ends["max"]))


def _floats(pa: Any, column: Any) -> np.ndarray:
    """Return float64 (N,), NaN where null."""
    values = column.cast(pa.float64(), safe=False)
    return np.concatenate([np.empty(0), *(chunk.to_numpy(zero_copy_only=False) for chunk in values.chunks)])


def _numbers(name: str, values: np.ndarray, days: bool = False, note: str = "") -> Raw:
    infinite = np.isinf(values)
    notes = [note] if note else []
    if infinite.any():
        values = np.where(infinite, np.nan, values)
        notes.append(f"missing: {counted(int(infinite.sum()), 'infinite value')}")
    return Raw(name, values=values, days=days, notes=notes)


def _words(pa: Any, name: str, column: Any) -> Raw:
    from .growing import words_of

    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0) if encoded.num_chunks else pa.array([], pa.large_string()).dictionary_encode()
    table, words = words_of(encoded.dictionary.to_pylist())
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return Raw(name, codes=np.append(table, -1)[codes].astype(np.int32), words=words)
