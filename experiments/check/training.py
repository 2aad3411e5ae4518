"""Trains what a plan asks for, stage by stage, and reads it back from the store."""
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from losses import suggest_level

from ..report.levels import choose_once
from ..report.measured import Measured, load
from ..runs.store import Store
from ..runs.sweep import Threads, train_missing
from ..trainers.own_table import RANDOM, TRAINER, UNSCALED, table_of
from .plan import FAST, FEW, Plan, guessing

LOWEST = 1e-3  # level; a lower one floods nothing


@dataclass(frozen=True)
class Trained:
    """Finished runs, one per division.

    Attributes
    ----------
    plain, linear : Measured
        The network, and the same without hidden layers.
    weighted : Measured or None
        With class weights.
    levels : tuple of float
        That were tried.
    flooded : Measured or None
        At the level that validation chose.
    level : float
        That one.
    random, unscaled : Measured or None
        On random labels and on unscaled inputs, where zero error came suspiciously soon.
    """

    plain: Measured
    linear: Measured
    weighted: Measured | None = None
    levels: tuple[float, ...] = ()
    flooded: Measured | None = None
    level: float = 0.0
    random: Measured | None = None
    unscaled: Measured | None = None


def train(plan: Plan, store: Store) -> Trained:
    """Train what the store lacks; Ctrl-C keeps what is finished (`SweepInterrupted`)."""
    def arm(count: int = 0, **changes: Any) -> list[dict]:
        return [replace(plan.run, seed=seed, **changes).settings() for seed in range(count or plan.seeds)]

    def finished(title: str, *arms: list[dict]) -> list[Measured]:
        train_missing(store, [run for some in arms for run in some], TRAINER, Threads(plan.workers), title)
        return [load(store, some) for some in arms]

    plain, linear, *others = finished("training", arm(), arm(hidden=()), *([arm(weighted=True)] if plan.weighted else []))
    levels = levels_of(plain, plan.fractions, guessing(table_of(plan.run.table))[1])
    flooded = finished("flooding", *(arm(level=level) for level in levels)) if levels else []
    place = chosen(flooded) if levels else 0
    random = unscaled = None
    if soon(plain):
        count = min(plan.seeds, FEW)
        random, unscaled = finished("why so soon", arm(count, change=RANDOM), arm(count, change=UNSCALED))
    return Trained(plain, linear, others[0] if others else None, levels, flooded[place] if levels else None,
                   levels[place] if levels else 0.0, random, unscaled)


def levels_of(plain: Measured, fractions: Sequence[float], most: float) -> tuple[float, ...]:
    """Return flood levels, ascending: these shares of the lowest validation loss, to one digit.

    A held-out loss estimates what no network can avoid from above, so that a share of it is where to look; and so does
    guessing's loss, `most`: flooded above it a network learns nothing. One digit: a division more or less leaves them alone.
    """
    lowest = plain.mean("best.val_loss")
    if not lowest > 0:
        return ()
    lowest = min(lowest, most)
    levels = (suggest_level(held_out_loss=lowest, fraction=share) for share in fractions)
    return tuple(sorted({float(f"{max(LOWEST, level):.0e}") for level in levels}))


def chosen(flooded: Sequence[Measured]) -> int:
    """Return which level has the lowest mean validation error, then loss; one that diverged never."""
    losses = np.array([one.values("end.val_loss") for one in flooded])
    errors = np.array([one.values("end.val_error") for one in flooded])
    if np.isnan(errors).all():  # a regression problem
        errors = np.zeros_like(losses)
    return choose_once(np.nan_to_num(errors, nan=np.inf), np.nan_to_num(losses, nan=np.inf)).index


def soon(plain: Measured) -> bool:
    """Whether zero training error came within two epochs in at least half of the divisions."""
    return 2 * int(np.sum(plain.values("zero.epoch") <= FAST)) >= len(plain.runs)


