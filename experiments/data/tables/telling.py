"""What a raw column is: numbers, categories, dates; or nothing to learn from, and why."""
import re
from typing import NamedTuple

import numpy as np

from .dates import HOURS, days_of, form_of
from .errors import counted, listed, shown
from .growing import ODD, few_values
from .numbers import NO_NUMBER, number
from .problem import CATEGORY, DATE, NUMBER, Column
from .reading import Raw

ID_NAME = re.compile(r"(?i:^(row|line|unnamed|row names$|index|idx|id|uuid|guid|key|nr|no)\b.*)"
                     r"|(?i:.*[\W_](id|index|idx|nr|no|number|key|uuid|guid)$)|.*[a-z](Id|ID|Index|Nr|No|Number|Key)$")
GIVEN = "(any text)"  # the category of words of which only their presence is looked at
FREQUENT = 0.1  # share of rows that must have a frequent category, or words are no categories
FEW = 10  # rows below which all values differ by chance


class Told(NamedTuple):
    """A column, or the reason why there is none."""

    column: Column | None
    reason: str = ""
    form: str = ""  # of dates
    decimal: str = "."


def told(raw: Raw) -> Told:
    """Tell what a column of a table is, from all its rows.

    The kind comes from the whole file; whatever is measured (means, frequent categories) comes from training rows later.
    """
    if raw.left:
        return Told(None, raw.left)
    if raw.values is not None:
        return _numbers(raw, raw.values, list(raw.notes))
    assert raw.codes is not None
    counts = np.bincount(raw.codes[raw.codes >= 0], minlength=len(raw.words))
    if not counts.sum():
        return Told(None, "no value in any row")
    values = [number(word, raw.decimal) for word in raw.words]
    odd = [j for j, value in enumerate(values) if value is None]
    share = counts[odd].sum() / counts.sum()
    coded = any(re.fullmatch(r"0\d{3,}", word) for word in raw.words)
    enough = not few_values(len(values) - len(odd), int(counts.sum()))
    if not coded and (share == 0 or (share <= ODD and enough)):
        table = np.array([np.nan if value is None else value for value in values] + [np.nan])
        notes = [] if not odd else [f"missing: {counted(int(counts[odd].sum()), 'cell')} that are no numbers "
                                    f"({listed([raw.words[j] for j in odd], 3)})"]
        return _numbers(raw, np.where(np.isinf(table), np.nan, table)[raw.codes], notes)
    dates = form_of(raw.words, counts, ODD)
    if dates:
        return _dates(raw, counts, *dates)
    return _words(raw, counts, values, len(odd))


def converted(raw: Raw, like: Told, path: str) -> tuple[np.ndarray, tuple[str, ...], str]:
    """Return a test file's column as that of the same name in the table: values, categories (both files') and a note."""
    column = like.column
    assert column is not None
    if column.kind != CATEGORY:
        return _measured(raw, like, path)
    codes, words = coded(raw)
    if column.categories == (GIVEN,):
        return np.where(codes >= 0, 0, -1), column.categories, ""
    known = {word: code for code, word in enumerate(column.categories)}
    new = [word for word in words if word not in known]
    known.update({word: len(known) + j for j, word in enumerate(new)})
    table = np.array([known[word] for word in words] + [-1], dtype=np.int64)
    note = f"{path} has {counted(len(new), 'category', 'categories')} that the table has not: {listed(new, 3)}"
    return table[codes], (*column.categories, *new), note if new else ""


def _measured(raw: Raw, like: Told, path: str) -> tuple[np.ndarray, tuple[str, ...], str]:
    """Return `converted` for numbers and dates."""
    assert like.column is not None
    kind = like.column.kind
    if raw.values is not None and raw.days == (kind == DATE):
        return raw.values, (), "; ".join(f"{path}: {note}" for note in raw.notes)
    codes, words = coded(raw)
    form = like.form or ((form_of(words, np.bincount(codes[codes >= 0], minlength=len(words)), ODD) or ("",))[0]
                         if kind == DATE else "")
    if raw.days or (kind == DATE and not form):
        table = np.full(len(words), np.nan)
    elif form:
        table = days_of(words, form)
    else:
        read = [number(word, raw.decimal) for word in words]
        table = np.array([np.nan if value is None or np.isinf(value) else value for value in read], dtype=np.float64)
    wrong = [word for word, value in zip(words, table, strict=True) if np.isnan(value) and word.lower() not in NO_NUMBER]
    note = f"{path}: missing, as no {kind}s like those of the table: {listed(wrong, 3)}"
    return np.append(table, np.nan)[codes], (), note if wrong else ""


def coded(raw: Raw) -> tuple[np.ndarray, list[str]]:
    """Return a column of whatever kind as codes (N,), -1 where missing, and words."""
    if raw.codes is not None:
        return raw.codes.astype(np.int64), list(raw.words)
    assert raw.values is not None
    distinct, codes = np.unique(raw.values, return_inverse=True)  # NaN last
    words = [plain(value) for value in distinct[~np.isnan(distinct)].tolist()]
    return np.where(np.isnan(raw.values), -1, codes.reshape(-1)), words


def plain(value: float) -> str:
    """Return a number as people write it: 3, not 3.0."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def running(values: np.ndarray) -> str:
    """Say why numbers are no measurement but a count of the rows; "" where they may be one.

    All whole and different, they are 1, 2, 3 ... in some order, or rise in equal steps down the file.
    """
    present = values[~np.isnan(values)]
    if len(present) < FEW or len(present) < len(values) or not np.array_equal(present, np.floor(present)):
        return ""
    steps = np.diff(present)
    if steps[0] != 0 and (steps == steps[0]).all():
        return "a running number: equal steps from row to row"
    if len(np.unique(present)) == len(present) == present.max() - present.min() + 1:
        return "a running number, in another order than the rows"
    return ""


def _numbers(raw: Raw, values: np.ndarray, notes: list[str]) -> Told:
    present = values[~np.isnan(values)]
    if not len(present):
        return Told(None, "no value in any row")
    reason = running(values)
    different = len(np.unique(present))
    whole = np.array_equal(present, np.floor(present))
    if not reason and whole and ID_NAME.match(raw.name) and different == len(present) == len(values) and different >= FEW:
        reason = "all different whole numbers, and the name of an id"
    if reason:
        return Told(None, reason)
    if raw.days:
        return Told(Column(raw.name, DATE, values, note="; ".join(notes)))
    if whole and len(present) and _compact_dates(present):
        words = [str(int(value)) for value in np.unique(present)]
        days = days_of(words, "year month day")
        if not np.isnan(days).any():
            table = dict(zip(map(float, words), days.tolist(), strict=True))
            column = np.array([table.get(value, np.nan) for value in values.tolist()])
            return Told(Column(raw.name, DATE, column, note="written yearmonthday"), form="year month day")
    return Told(Column(raw.name, NUMBER, values, note="; ".join(notes)), decimal=raw.decimal)


def _compact_dates(present: np.ndarray) -> bool:
    return bool(present.min() >= 19000101 and present.max() <= 21001231)


def _dates(raw: Raw, counts: np.ndarray, form: str, turned: bool) -> Told:
    days = days_of(raw.words, form)
    note = f"written {form}" + (" (day and month may be the other way round)" if turned else "")
    slips = [j for j in np.flatnonzero(np.isnan(days) & (counts > 0)).tolist() if raw.words[j].lower() not in NO_NUMBER]
    if slips:
        note += (f"; missing: {counted(int(counts[slips].sum()), 'cell')} written otherwise "
                 f"({listed([raw.words[j] for j in slips], 3)})")
    values = np.append(days, np.nan)[raw.codes]
    if form == HOURS:
        return Told(Column(raw.name, NUMBER, values, note=f"times {note}, in hours"), form=form)
    return Told(Column(raw.name, DATE, values, note=note), form=form)


def _words(raw: Raw, counts: np.ndarray, values: list[float | None], odd: int) -> Told:
    assert raw.codes is not None
    used = np.flatnonzero(counts)
    total = int(counts.sum())
    rows, enough = len(raw.codes), least(len(raw.codes))
    frequent = int(counts[counts >= enough].sum())
    if total >= FEW and (len(used) == total or frequent < FREQUENT * total):
        if len(used) == total:
            reason = f"text that differs in every row ({shown(raw.words[used[0]], 20)}, ...): a name, an id or prose"
        else:
            reason = (f"text with {len(used):,} different values in {counted(total, 'row')}, hardly any in "
                      f"{enough}: names or prose")
        if min(total, rows - total) < enough:
            return Told(None, reason)
        given = np.where(raw.codes >= 0, 0, -1).astype(np.int64)
        return Told(Column(raw.name, CATEGORY, given, (GIVEN,), f"{reason}; only whether there is one is looked at"))
    order = sorted(used.tolist(), key=lambda j: raw.words[j])
    table = np.full(len(raw.words) + 1, -1, dtype=np.int64)
    table[order] = np.arange(len(order))
    words = tuple(raw.words[j] for j in order)
    note = ""
    if odd < len(values) and any(value is not None and value == value for value in values):
        example = next(raw.words[j] for j, value in enumerate(values) if value is not None and value == value)
        word = next((raw.words[j] for j, value in enumerate(values) if value is None), "")
        if word:
            note = f"numbers and words in one column ({shown(example)}, {shown(word)}): all taken as categories"
    return Told(Column(raw.name, CATEGORY, table[raw.codes], words, note))


def least(rows: int) -> int:
    """Return in how many of the rows a category must be to get an input of its own: from 2 of up to 200 to 10 of 1000."""
    return min(10, max(2, rows // 100))

