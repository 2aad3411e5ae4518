"""From the rows of a problem to three parts: to train on, to choose by and to test on."""
from collections.abc import Sequence

import numpy as np

from ..folds import grouped_split
from ..labels import stratified_split
from .errors import TableError, counted, shown
from .problem import Parts, Problem

SPLIT = 0.2  # share of the rows to test on, and as many to choose by
BINS = 10  # of a number to predict, by which it is spread over the parts like classes


def cut(problem: Problem, split: float | Sequence[float] = SPLIT, seed: int = 0) -> Parts:
    """Part the rows at random, with the same class shares in every part, or the same spread of a number to predict.

    Equal rows are not kept together: that is for the reader to see, in what is found about duplicates.

    Parameters
    ----------
    problem : Problem
        Where it has groups, none is in two parts (parts are then only about as large as asked for). Where it has a test
        file, its rows are the test part, and the others are parted into two.
    split : float, or three of them
        Share of rows to test on; as many to choose by; the rest to train on. Or the shares of the three parts: training,
        validation, test.
    seed : int
        Decides who goes where.

    Returns
    -------
    Parts

    Raises
    ------
    TableError
        If shares are no shares, or a part would stay empty.
    """
    shares = _shares(split)
    rows = len(problem) if problem.test_from is None else problem.test_from
    strata = _strata(problem.y[:rows]) if not problem.classes else problem.y[:rows]
    rng = np.random.default_rng(seed)
    if problem.test_from is not None:
        shares = shares[:2]
        shares = tuple(share / sum(shares) for share in shares)
    wanted = [share * rows for share in shares]
    if problem.groups is None:
        sizes = [max(1, round(size)) for size in wanted]
        sizes[0] += round(sum(wanted)) - sum(sizes)  # what rounding left over or took
        parts = _checked(stratified_split(strata, sizes, rng) if sizes[0] > 0 else [], rows)
    else:
        groups = problem.groups[:rows]
        try:
            parts = grouped_split(strata, groups, wanted, rng)
        except ValueError:
            largest = np.bincount(np.unique(groups, return_inverse=True)[1].reshape(-1)).max()
            raise TableError(f"{problem.source}, column {shown(problem.group)}: got "
                             f"{counted(len(np.unique(groups)), 'group')}, the largest of {counted(int(largest), 'row')}, "
                             f"accepted: groups that {len(wanted)} parts can be made of in {counted(rows, 'row')}") from None
    test = np.arange(rows, len(problem)) if problem.test_from is not None else parts[2]
    train, validation, test = (np.sort(part).astype(np.int64) for part in (parts[0], parts[1], test))
    if problem.classes and len(np.unique(problem.y[train])) < 2:
        raise TableError(f"{problem.source}, column {shown(problem.label)}: got one class among the rows to train on, "
                         "accepted: two at least; more rows may help")
    return Parts(train, validation, test)


def _checked(parts: list[np.ndarray], rows: int) -> list[np.ndarray]:
    if not parts or min(map(len, parts)) == 0:
        raise TableError(f"split: got parts for {counted(rows, 'row')} of which one is empty, accepted: more rows, or other "
                         "shares")
    return parts


def _shares(split: float | Sequence[float]) -> tuple[float, ...]:
    """Return the shares of training, validation and test."""
    accepted = "a share above 0 and below 0.5 to test on, or three above 0, of at most 1 together"
    try:
        given = tuple(map(float, split)) if isinstance(split, Sequence) else (float(split),)
    except (TypeError, ValueError):
        raise TableError(f"split: got {split!r}, accepted: {accepted}") from None
    shares = (1 - 2 * given[0], given[0], given[0]) if len(given) == 1 else given
    if len(shares) != 3 or not all(share > 0 for share in shares) or sum(shares) > 1 + 1e-9:
        raise TableError(f"split: got {split!r}, accepted: {accepted}")
    return shares


def _strata(y: np.ndarray) -> np.ndarray:
    """Return ids of stretches of about equally many rows, int64 (N,), by the size of a number."""
    ranks = np.argsort(np.argsort(y, kind="stable"), kind="stable")
    return ranks * min(BINS, max(1, len(y) // 5)) // len(y)
