"""Words that are dates, in the ways people write them, as days since 1970."""
import datetime
import math
import re
from collections.abc import Callable, Sequence

import numpy as np

from .numbers import NO_NUMBER

CLOCK = r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([AaPp][Mm])?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?"
MONTHS = {month: number for number, month in enumerate(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1)}
NAME = r"([A-Za-z]{3})[a-z]*\.?"
FORMS = {  # name: pattern, and which group is year, month, day
    "year-month-day": (re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){CLOCK}", re.ASCII), (1, 3, 4)),
    "year month day": (re.compile(rf"(\d{{4}})()(\d{{2}})(\d{{2}}){CLOCK}", re.ASCII), (1, 3, 4)),
    "day.month.year": (re.compile(rf"(\d{{1,2}})([./-])(\d{{1,2}})\2(\d{{4}}){CLOCK}", re.ASCII), (4, 3, 1)),
    "month/day/year": (re.compile(rf"(\d{{1,2}})([./-])(\d{{1,2}})\2(\d{{4}}){CLOCK}", re.ASCII), (4, 1, 3)),
    "day month year": (re.compile(rf"(\d{{1,2}})([- ]){NAME}[- ](\d{{4}}){CLOCK}", re.ASCII), (4, 3, 1)),
    "month day, year": (re.compile(rf"{NAME}()\s(\d{{1,2}}),?\s(\d{{4}}){CLOCK}", re.ASCII), (4, 1, 3))}
TIME = re.compile(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d)(?:[.,](\d{1,9}))?)?", re.ASCII)
HOURS = "hours:minutes"  # the form of a time without a date
EPOCH = datetime.date(1970, 1, 1).toordinal()


def form_of(words: Sequence[str], counts: np.ndarray, slips: float) -> tuple[str, bool] | None:
    """Return how words are written as dates, and whether day and month could be the other way round; None if they are not.

    Parameters
    ----------
    words : sequence of str
    counts : ndarray of int64, shape (words,)
        In how many rows each of them stands.
    slips : float
        Share of rows in which something else may stand, besides what says that there is no date.
    """
    dates = [j for j, word in enumerate(words) if word.lower() not in NO_NUMBER and counts[j]]
    total = counts[dates].sum()
    few = dates[::max(1, len(dates) // 20)]
    share = {}
    for form in (*FORMS, HOURS):
        read = day(form)
        if dates and sum(read(words[j]) is not None for j in few) >= len(few) / 2:
            share[form] = sum(int(counts[j]) for j in dates if read(words[j]) is not None) / total
    best = max(share, key=share.__getitem__, default="")
    if not best or share[best] < 1 - slips:
        return None
    both = share.get("day.month.year") == share.get("month/day/year") == share[best]
    if both and all("/" in words[j] for j in few):
        return "month/day/year", True
    return best, both


def day(form: str) -> Callable[[str], float | None]:
    """Return the function of a word to days since 1970 (of a time without a date: hours), None where it has another form."""
    if form == HOURS:
        return _hours
    pattern, places = FORMS[form]

    def days(word: str) -> float | None:
        match = pattern.fullmatch(word.strip())
        if match is None:
            return None
        year, month, day_ = (match[place] for place in places)
        try:
            number = MONTHS[month.lower()] if month.isalpha() else int(month)
            whole = datetime.date(int(year), number, int(day_)).toordinal() - EPOCH
        except (KeyError, ValueError):
            return None
        part = _clock(*match.groups()[-6:])
        return None if part is None else whole + part

    return days


def days_of(words: Sequence[str], form: str) -> np.ndarray:
    """Return days since 1970 of words, NaN where one is no date of that form."""
    read = day(form)
    return np.array([math.nan if (value := read(word)) is None else value for word in words], dtype=np.float64)


def _hours(word: str) -> float | None:
    match = TIME.fullmatch(word.strip())
    if match is None:
        return None
    hour, minute, second, part = match.groups()
    return int(hour) + int(minute) / 60 + (int(second or 0) + float(f"0.{part or 0}")) / 3600


def _clock(hour: str | None, minute: str | None, second: str | None, part: str | None, half: str | None,
           zone: str | None) -> float | None:
    """Return the share of a day, None where the clock does not show it."""
    if hour is None:
        return 0.0
    h, m, s = int(hour), int(minute or 0), int(second or 0)
    if h > 23 or m > 59 or s > 60 or (half and not 1 <= h <= 12):
        return None
    if half:
        h = h % 12 + 12 * (half.lower() == "pm")
    offset = 0
    if zone and zone[0] in "+-":
        digits = zone[1:].replace(":", "")
        offset = (1 if zone[0] == "+" else -1) * (60 * int(digits[:2]) + int(digits[2:]))
    return (60 * h + m - offset) / 1440 + (s + float(f"0.{part or 0}")) / 86400
