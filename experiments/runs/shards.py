"""Shards: a grid of runs is cut into what one worker trains in one go, here or elsewhere.

A run is a dict of plain values, its settings, whose hash is its identity in the store. Runs that differ in little (seed,
noise, flood level) are one shard: the members of one `nn.fit_fleet`. What a member becomes depends on its own settings
alone, so neither cut nor place matters: on one CPU type results are the same bit for bit.

A trainer is a module that is named in each shard, with three things: `VARIED`, the settings in which the runs of a
shard may differ; `seconds(run)`, what a run costs, about; and `train_fleet(runs) -> list of store.Run`.
"""
import importlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from . import identity
from .store import Run

# At most, of a shard with more than one run: this is lost when a worker dies, and a sweep has some shards for every worker.
SHARD_SECONDS, SHARD_RUNS, SHARE = 20.0, 8, 0.01


class SweepError(Exception):
    """A sweep cannot go on; the message says why and what to do."""


@dataclass(frozen=True)
class Shard:
    """Runs that one worker trains in one go; plain values only, so that it can travel.

    Attributes
    ----------
    trainer : str
        Name of a module, for example "experiments.trainers.train".
    runs : tuple of dict
        Settings of each run.
    """

    trainer: str
    runs: tuple[dict, ...]

    @property
    def name(self) -> str:
        """The same for the same runs, different for others."""
        return f"{self.trainer}-{identity.run_key({'runs': list(self.runs)})[:32]}"

    @property
    def seconds(self) -> float:
        """Estimated seconds of one core."""
        return sum(map(importlib.import_module(self.trainer).seconds, self.runs))


class Finished(NamedTuple):
    """What a worker sends back of one run."""

    settings: dict
    run: Run
    seconds: float  # the run's equal share of its shard's time
    machine: dict  # `identity.machine` of where it was trained


def cut(runs: Sequence[dict], trainer: str) -> list[Shard]:
    """Cut a grid into shards of at most about 20 s, a hundredth of the whole and 8 runs, but at least one run each.

    Parameters
    ----------
    runs : sequence of dict
        The whole grid: what is in the store already makes no difference to the cut. Each counts once.
    trainer : str

    Returns
    -------
    list of Shard
        The same for the same grid, whatever will train it.
    """
    module = importlib.import_module(trainer)
    shards: dict[str, list[list[dict]]] = {}  # by what the members of a fleet share
    filled: dict[str, float] = {}
    limit = min(SHARD_SECONDS, SHARE * sum(map(module.seconds, runs)))
    for run in {identity.run_key(run): run for run in runs}.values():
        shared = identity.canonical({name: value for name, value in run.items() if name not in module.VARIED})
        cost = module.seconds(run)
        if shared not in shards or filled[shared] + cost > limit or len(shards[shared][-1]) == SHARD_RUNS:
            shards.setdefault(shared, []).append([])
            filled[shared] = 0.0
        shards[shared][-1].append(run)
        filled[shared] += cost
    return [Shard(trainer, tuple(members)) for group in shards.values() for members in group]


def run_shard(shard: Shard) -> list[Finished]:
    """Train one shard; a pure function of it, on one core. This is what travels to a worker.

    Raises
    ------
    SweepError
        When this machine has other sources than the one that made the shard.
    """
    here = identity.code_version(shard.trainer)
    for run in shard.runs:
        if run["code"] != here:
            raise SweepError(f"a worker on {identity.cpu_name()}: got version {here} of the code, accepted: the sweep's, "
                             f"{run['code']}; install the same afterzero on all machines and restart their workers")
    begin = time.perf_counter()
    results = importlib.import_module(shard.trainer).train_fleet(list(shard.runs))
    each = (time.perf_counter() - begin) / len(shard.runs)
    machine = identity.machine()
    return [Finished(run, result, each, machine) for run, result in zip(shard.runs, results, strict=True)]
