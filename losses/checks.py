"""Checks of what users hand in. Every refusal names the argument, the value received and what is accepted."""
from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

ROUNDINGS = 8  # ε that the sum of a distribution may be off by: 9.5e-7 in float32, 0.0078 in float16


def nonnegative_number(name: str, value: object, *, below: float = math.inf) -> float:
    """Return `value` as a float in [0, below); TypeError or ValueError otherwise."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name}: got {value!r} ({type(value).__name__}), accepted: a real number")
    try:
        number = float(value)
    except OverflowError:  # an int that no float can hold
        number = math.inf
    if not 0 <= number < below:  # also refuses NaN, and infinity
        accepted = "a finite number >= 0" if below == math.inf else f"a number in [0, {below:g})"
        raise ValueError(f"{name}: got {value!r}, accepted: {accepted}")
    return number


def positive_number(name: str, value: object) -> float:
    """Return `value` as a finite float whose square is above 0; TypeError or ValueError otherwise."""
    number = nonnegative_number(name, value)
    if number * number == 0:
        raise ValueError(f"{name}: got {value!r}, accepted: a finite number > 0 whose square does not underflow")
    return number


def integer(name: str, value: object, *, low: int) -> int:
    """Return `value` as an int of at least `low`; TypeError or ValueError otherwise."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name}: got {value!r}, accepted: an integer")
    if value < low:
        raise ValueError(f"{name}: got {value!r}, accepted: an integer of at least {low}")
    return int(value)


def array_of(name: str, values: ArrayLike, kinds: str = "biuf") -> NDArray:
    """Return `values` as an array whose dtype kind is in `kinds` (default: bool, integers, real floats)."""
    try:
        array = np.asarray(values)
    except ValueError as error:  # nested lists of unequal length
        raise ValueError(f"{name}: got nested lists of unequal length ({error}), accepted: a rectangular array of "
                         "numbers") from None
    kind = object_kind(values, array)
    if kind:
        raise TypeError(f"{name}: got {kind[0]}, accepted: {kind[1]}")
    if array.dtype.kind not in kinds:
        raise TypeError(f"{name}: got dtype {array.dtype}, accepted: {'' if 'c' in kinds else 'real '}numbers"
                        + words_hint(name, array))
    return array


def words_hint(name: str, array: NDArray) -> str:
    """Return how words, or numbers written as text, become numbers; empty for every other array."""
    entries = array.ravel().tolist()
    if array.dtype.kind not in "SUO" or not entries or not all(isinstance(entry, (str, bytes)) for entry in entries):
        return ""
    try:
        array.astype(np.float64)
    except ValueError:
        return f": for words, classes, {name} = np.unique({name}, return_inverse=True)" if array.ndim == 1 else ""
    return f": what is written as text, np.asarray({name}, dtype=float) reads"


def _as_ids(y: NDArray) -> str:
    """Return what to do about ids of a float dtype, such that no value is lost."""
    lossy = ~(np.isfinite(y) & (y == np.round(y)))
    if not lossy.any():
        return "use y.astype(int)"
    row = int(lossy.argmax())
    return (f"y[{row}] is {y[row]}, which is none; for real-valued targets use SquaredError, "
            + ("leave samples without a label out" if np.isnan(y[row]) else "for probabilities one column per class"))


def count_masked(values: Any) -> int:
    """Return how many entries are masked, also in a list or tuple of masked arrays, whose masks NumPy drops silently."""
    if isinstance(values, np.ma.MaskedArray):
        return int(np.ma.count_masked(values)) if np.ma.is_masked(values) else 0
    return sum(map(count_masked, values)) if isinstance(values, (list, tuple)) else 0


def object_kind(values: Any, array: NDArray) -> tuple[str, str] | None:
    """Return what `values` are and what is accepted instead, where `np.asarray(values)`, `array`, is not what they hold.

    None: `array` holds them, of whatever dtype. Known by their attributes, so that no other library need be there.
    """
    masked = count_masked(values)
    if masked:
        return f"an array with {masked} masked entries", "numbers: fill them, or leave their rows out"
    if array.dtype.kind != "O":
        return None
    what = f"{'an' if type(values).__name__[:1] in 'aeiouAEIOU' else 'a'} {type(values).__name__}"
    if hasattr(values, "toarray") and hasattr(values, "nnz"):
        return f"a sparse matrix ({what} of shape {values.shape})", "a dense array: .toarray()"
    if hasattr(values, "columns") and hasattr(values, "dtypes"):
        dtypes = dict(zip(values.columns, values.dtypes, strict=True))
        # pandas' own dtypes hold more than numbers; booleans beside numbers become objects
        bad = [f"{column!r} ({dtype})" for column, dtype in dtypes.items()
               if not isinstance(dtype, np.dtype) or dtype.kind not in "biuf"]
        bad = bad or [f"{column!r} (bool, beside numbers)" for column, dtype in dtypes.items() if dtype.kind == "b"]
        shown = ", ".join(bad[:5]) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")
        return (f"a {type(values).__name__} with columns that are no plain numbers: {shown}",
                "numbers: encode text (pandas.get_dummies, .astype('category').cat.codes), fill what is missing, then "
                ".to_numpy(float)")
    if array.ndim == 0 and values is not None and not isinstance(values, np.ndarray):
        yields = hasattr(values, "__iter__") and not isinstance(values, (dict, set, frozenset))
        advice = "; gather what it yields into one first, such as np.array(list(...))" if yields else ""
        return f"{what}, which is no array", f"an array or nested lists of numbers{advice}"
    if hasattr(values, "dtype") and hasattr(values, "index") and array.ndim == 1:
        return (f"a {type(values).__name__} of dtype {values.dtype}",
                "numbers: encode text (.astype('category').cat.codes), fill what is missing, then .to_numpy(float)")
    return None


def as_rows(outputs: ArrayLike, name: str = "outputs") -> NDArray:
    """Return network outputs as (N, K), N and K at least 1; (N,) becomes (N, 1).

    float32, float64 and complex128 stay what they are; every other kind of number is converted to float64
    (complex to complex128).
    """
    outputs = array_of(name, outputs, "biufc")
    if outputs.dtype not in (np.float32, np.float64, np.complex128):
        outputs = outputs.astype(np.complex128 if outputs.dtype.kind == "c" else np.float64)
    if outputs.ndim not in (1, 2):
        raise ValueError(f"{name}: got shape {outputs.shape}, accepted: (N, K), or (N,) for one output")
    if outputs.size == 0:
        raise ValueError(f"{name}: got shape {outputs.shape}, empty, accepted: at least one sample and one output")
    return outputs[:, None] if outputs.ndim == 1 else outputs


def as_finite_rows(outputs: ArrayLike, name: str = "outputs") -> NDArray:
    """Return real, finite network outputs as (N, K) in float32 or float64."""
    rows = as_rows(array_of(name, outputs), name)
    refuse_nonfinite(name, rows)
    return rows


def refuse_nonfinite(name: str, values: NDArray) -> None:
    """Raise ValueError naming the first row that holds NaN or infinity."""
    bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(f"{name}: got {values[row]} in row {row}, accepted: finite numbers")


def targets_of(y: ArrayLike, n: int) -> NDArray:
    """Return real targets `y` as an array with exactly `n` >= 1 rows."""
    return one_row_per_sample(array_of("y", y), n)


def one_row_per_sample(y: NDArray, n: int) -> NDArray:
    """Return the array `y`, after making sure that it has exactly `n` >= 1 rows."""
    if n < 1:
        raise ValueError("y: got no samples, accepted: at least one")
    if y.ndim == 0 or len(y) != n:
        raise ValueError(f"y: got shape {y.shape}, accepted: a first axis of length {n}, one row per sample")
    return y


def class_ids(y: ArrayLike, n: int, k: int) -> NDArray:
    """Return class ids `y` as int64 (N,), each in [0, k). Any integer dtype, or bool."""
    y = targets_of(y, n)
    if y.ndim != 1:
        raise ValueError(f"y: got shape {y.shape}, accepted: class ids of shape ({n},)")
    if y.dtype.kind == "f":
        # Rounding silently would hide that real-valued targets were handed to a classifier.
        raise TypeError(f"y: got dtype {y.dtype} and shape {y.shape}, accepted: class ids, which are integers: {_as_ids(y)}")
    bad = (y < 0) | (y >= k)
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(f"y[{row}]: got {y[row]}, accepted: class ids in 0 .. {k - 1}, one for each of the {k} outputs")
    return y.astype(np.int64)


def binary_ids(y: ArrayLike, n: int) -> NDArray:
    """Return labels in {0, 1}, of any real dtype and of shape (N,) or (N, 1), as int64 (N,)."""
    y = targets_of(y, n)
    if y.shape not in ((n,), (n, 1)):
        raise ValueError(f"y: got shape {y.shape}, accepted: labels of shape ({n},) or ({n}, 1) for one output")
    y = y.reshape(n)
    bad = (y != 0) & (y != 1)
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(f"y[{row}]: got {y[row]}, accepted: with one output, labels 0 or 1")
    return y.astype(np.int64)


def shares_of_one(name: str, values: NDArray) -> NDArray:
    """Return float64 (N, K), each entry checked to lie in [0, 1]."""
    bad = ~((values >= 0) & (values <= 1))  # NaN too
    if bad.any():
        row, column = np.argwhere(bad)[0]
        where = f"{row}" if values.shape[1] == 1 else f"{row}, {column}"
        raise ValueError(f"{name}[{where}]: got {values[row, column]}, accepted: "
                         + ("0 or 1, or probabilities of 1, with one output" if values.shape[1] == 1
                            else "0 or 1 for each output, or probabilities"))
    return values.astype(np.float64)


def weights(name: str, values: ArrayLike, n: int | None = None, of: str = "sample") -> NDArray:
    """Return float64 weights (n,), checked to be finite, >= 0 and not all 0; n None: any number of them."""
    array = array_of(name, values)
    if array.ndim != 1 or array.size == 0 or n not in (None, array.size):
        shape = "(K,)" if n is None else f"({n},)"
        raise ValueError(f"{name}: got shape {array.shape}, accepted: {shape}, one weight for each {of}")
    array = array.astype(np.float64)  # a copy
    bad = ~(np.isfinite(array) & (array >= 0))
    if bad.any():
        raise ValueError(f"{name}[{bad.argmax()}]: got {array[bad.argmax()]}, accepted: finite numbers >= 0")
    if not array.any():
        raise ValueError(f"{name}: got {array.size} weights that are all 0, accepted: at least one above 0")
    return array


def labels_for(y: ArrayLike, n: int, k: int) -> NDArray:
    """Return the class ids that go with `k` outputs: {0, 1} for one output, [0, k) for more; int64 (N,)."""
    return binary_ids(y, n) if k == 1 else class_ids(y, n, k)


def distributions(name: str, values: ArrayLike, *, tolerance: float = 1e-6) -> NDArray:
    """Return float64 (N, K) rows, checked to be finite, non-negative and to sum to 1 within `tolerance`.

    The default is for targets and shares, which often arrive in float32. A coarser dtype is judged by its own rounding, so
    hand over the values as they arrived.
    """
    array = array_of(name, values)
    if array.dtype.kind == "f":
        tolerance = max(tolerance, ROUNDINGS * float(np.finfo(array.dtype).eps))
    rows = array.astype(np.float64)
    refuse_nonfinite(name, rows)
    negative = (rows < 0).any(axis=1)
    if negative.any():
        row = int(negative.argmax())
        raise ValueError(f"{name}: got {rows[row]} in row {row}, accepted: numbers that are not negative")
    total = rows.sum(axis=1)
    off = np.abs(total - 1) > tolerance
    if off.any():
        row = int(off.argmax())
        raise ValueError(f"{name}: got row {row} with the sum {total[row]}, "
                         f"accepted: rows that sum to 1 within {tolerance:g}")
    return rows
