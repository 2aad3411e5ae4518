"""What a question has trained: a run per seed, on threads of this process or on workers."""
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from ..runs.identity import settings_of
from ..runs.settings import Settings, at_least
from ..runs.store import Store
from ..runs.sweep import Threads, check_places, pool, train_missing
from .description import TRAINER, Description, describe


def per_seed(seeds: int, **settings: Any) -> list[Description]:
    """Return runs that differ in their seed alone, 0 to `seeds` - 1; settings as `describe` takes them."""
    return [describe(seed=seed, **settings) for seed in range(seeds)]


@dataclass(frozen=True)
class OnThreads(Settings):
    """Settings of a question that threads of this process answer in minutes."""

    workers: Annotated[int, at_least(0, "0 for one per core")] = 0
    """Runs trained at the same time; 0 takes one per core. Results do not depend on it."""

    def train_all(self, store: Store, runs: Iterable[Any], trainer: str = TRAINER) -> None:
        """Train every run that the store does not have yet; each is a description, or the settings of one."""
        train_missing(store, [settings_of(one) for one in runs], trainer, Threads(self.workers), "training")


@dataclass(frozen=True)
class OnWorkers(Settings):
    """Settings of a question with runs for many processors."""

    scheduler: str = ""
    """Address of a Dask scheduler whose workers train, such as tcp://10.0.0.1:8786. Results do not depend on it."""
    workers: Annotated[int, at_least(0, "0 for threads of this process")] = 0
    """Worker processes on this machine; 0: threads of this process, one per core. Results do not depend on it."""

    def related(self, need: Callable[..., None]) -> None:
        """The places where runs are trained exclude each other."""
        super().related(need)
        check_places(self.scheduler, self.workers)

    def train_all(self, store: Store, stages: Mapping[str, Callable[[], Iterable[Description]]]) -> None:
        """Train what the store lacks, stage by stage.

        Parameters
        ----------
        stages : mapping of str -> callable
            By title, what returns a stage's runs; it is asked when the stages before are in the store.
        """
        with pool(self.scheduler, self.workers) as place:
            for title, runs in stages.items():
                train_missing(store, [one.settings() for one in runs()], TRAINER, place, title)
