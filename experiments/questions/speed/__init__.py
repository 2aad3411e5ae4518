"""Is training here as fast as with NumPy, PyTorch, JAX and scikit-learn, and what limits it?

Every contender does the same work: the same initial weights, data, order of samples and updates in float32. Each one's
loss curve is first compared with the readable definition in float64 (1e-4 relative); one that differs is named and does
not count. Then all are timed in turns, each in a process of its own on the same cores, and compared by the ratios of each
round.

One epoch includes shuffling and gathering. Ours is the public call `fit`, whose checks of the input, set-up and final
measurement of the training loss are part of the time; a call has the number of epochs that `benchmark/workloads.py` gives.
On one core CPU time is compared, which other programs disturb least; on several, wall time. The speed of a large product of
matrices, measured in the same rounds, is called the peak.

Peers: pip install -e '.[peers]'. Without them the others still run, and the tables name what is missing.
"""
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from ...runs.runner import cores, measure_missing
from ...runs.settings import SOME, Settings, above, at_least
from ...runs.store import Store

RUN_TIMES = {"quick": "5 min", "default": "15 min", "full": "45 min"}  # on 2 cores, with all peers installed
# What a measurement is made by. Contenders are imported by their names, and a worker is started: no import leads to them.
MEASURES = tuple(f"experiments.questions.speed.{name}" for name in (
    "cold", "growth", "ours", "peers_jax", "peers_numpy", "peers_sklearn", "peers_torch", "race", "worker"))
LATENCY = "W6"


@dataclass(frozen=True)
class Config(Settings):
    """Settings of speed; the defaults measure everything that performance is promised for."""

    workloads: Annotated[tuple[str, ...], SOME] = ("W1", "S", "W2", "W3", "W4", "W5", "W6")
    """Workloads whose name begins so: W1 on-line, S small batches, W2, W3 larger MLPs, W4 RNN, W5 fleets, W6 first epoch."""
    contenders: tuple[str, ...] = ()
    """Peers that take part beside ours, such as numpy 'jax scan'; none given is all."""
    threads: Annotated[tuple[int, ...], at_least(1), SOME] = (1, 2)
    """Threads and cores to measure with, where a workload has rows for them; more than the machine has are left out."""
    rounds: Annotated[int, at_least(1)] = 7
    """Calls of each contender, in turns; a median of 7 bears three disturbed ones."""
    cold_rounds: Annotated[int, at_least(1)] = 3
    """Starts of a process with an empty cache: each compiles anew, which is slow but varies little."""
    growth_seconds: Annotated[float, at_least(0)] = 0.5
    """Sizes double until an epoch takes longer than this; 0 leaves growth out."""
    share: Annotated[float, above(0, 1)] = 1.0
    """Share of each workload's samples and replicas; other than 1 is for trying out, and no target is judged then."""
    baseline: str = "torch eager"
    """Named baseline of the tables' last column; NumPy where it is missing."""
    again: Annotated[int, at_least(0)] = 0
    """Any new number measures afresh: a stored measurement of the same code, versions and processor is kept otherwise."""

    @classmethod
    def quick(cls) -> "Config":
        """Fewer rounds and smaller growth: the order of the contenders, not their quartiles."""
        return cls(rounds=3, cold_rounds=1, growth_seconds=0.02, threads=(1,))

    @classmethod
    def full(cls) -> "Config":
        """More rounds, and growth well beyond the caches."""
        return cls(rounds=21, cold_rounds=7, growth_seconds=3.0)

    def related(self, need: Callable[..., None]) -> None:
        """Workloads, contenders and the baseline exist."""
        from .contenders import NAMES, OURS
        from .workloads import WORKLOADS

        known = [*(workload.name for workload in WORKLOADS), LATENCY]
        need(all(name and any(one.startswith(name) for one in known) for name in self.workloads), "workloads",
             f"beginnings of {', '.join(known)}")
        need(set(self.contenders) <= set(NAMES), "contenders", f"names of {', '.join(NAMES)}")
        need(self.baseline in NAMES and self.baseline != OURS, "baseline", f"one of {', '.join(NAMES[1:])}")


@dataclass(frozen=True)
class Part:
    """One measurement: a race, a first epoch, or an axis of growth.

    Attributes
    ----------
    kind : str
        "race", "cold" or "growth".
    subject : Any
        Workload (scaled), Start or Axis.
    threads : int
    settings : dict
        Its identity in the store.
    measure : callable(tick) -> Run
    """

    kind: str
    subject: Any
    threads: int
    settings: dict
    measure: partial


def parts(config: Config) -> list[Part]:
    """All measurements of a configuration, in order."""
    from ...runs.identity import code_version, cpu_name
    from . import cold, growth, race
    from .contenders import entered, versions
    from .workloads import named

    shared = {"experiment": "speed", "seed": 0, "dtype": "float32", "code": code_version(*MEASURES), "versions": versions(),
              "processor": cpu_name(), "cores": cores(), "again": config.again}
    found = []
    for full in named(config.workloads):
        workload = full.scaled(config.share)
        for threads in full.threads:
            if threads not in config.threads or threads > cores():
                continue
            task = {name: value for name, value in asdict(workload).items() if name != "targets"}
            names = [contender.name for contender in entered(workload.kind, config.contenders)]
            settings = {**shared, "part": "race", "workload": task, "threads": threads, "contenders": names,
                        "rounds": config.rounds}
            found.append(Part("race", workload, threads, settings,
                              partial(race.measure, workload, threads, config.contenders, config.rounds)))
    if any(LATENCY.startswith(name) for name in config.workloads):
        found += [Part("cold", start, 1, {**shared, "part": "cold", "title": start.title, "rounds": config.cold_rounds},
                       partial(cold.measure, start, config.cold_rounds)) for start in cold.chosen(config.contenders)]
    if config.growth_seconds:
        found += [Part("growth", axis, 1, {**shared, "part": "growth", "axis": axis.name, "seconds": config.growth_seconds},
                       partial(growth.measure, axis, config.growth_seconds)) for axis in growth.AXES]
    return found


def run(config: Config, store: Store) -> None:
    """Measure what the store does not have yet, one thing at a time: nothing may run beside a measurement."""
    measure_missing(store, [(part.settings, part.measure) for part in parts(config)], "measuring")


def gather(store: Store, config: Config) -> Any:
    """Load all measurements; raises StoreError when some are missing."""
    from .report import gathered

    return gathered(store, config, parts(config))


def tables(results: Any) -> list:
    """Summary with targets, a table per race, first epochs, and growth."""
    from .report import all_tables

    return all_tables(results)


def figures(results: Any, folder: Path) -> list:
    """Draw a bar chart per workload and the growth curves, and write the tables as Markdown; returns all paths."""
    from .drawing import draw_growth, draw_race
    from .report import write_markdown

    names = dict.fromkeys(result.part.subject.name for result in results.races)
    paths = [path for name in names for path in draw_race(
        [result for result in results.races if result.part.subject.name == name], folder / f"speed_{name}.png")]
    if results.growth:
        paths += draw_growth(results.growth, folder / "speed_growth.png")
    return [*paths, write_markdown(results, folder / "speed.md")]


def answer(results: Any) -> str:
    """Open with yes, no or what it depends on, then say which targets are met, where a peer is faster, what limits us."""
    from .report import sentences

    return " ".join(sentences(results))
