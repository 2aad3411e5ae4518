"""Experiments that train nothing, and stores that are filled with made-up runs."""
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from experiments.report.tables import Table
from experiments.runs.runner import measure_missing
from experiments.runs.store import Run, Store


def settings(seed=0, experiment="test", **more):
    """What names a run."""
    return {"experiment": experiment, "code": "abc", "seed": seed, "dtype": "float32", **more}


def filled(folder, seeds=3, experiment="zero_loss", **more):
    """A store with a run of two checks for each seed."""
    store = Store(folder)
    for seed in range(seeds):
        store.save(settings(seed, experiment, **more), Run({"epoch": np.array([1.0, 2.0])}, {"score": -0.5 * seed}), 1.5)
    return store


@dataclass(frozen=True)
class Config:
    """Settings of a pretended experiment."""

    seeds: int = 3
    """How many."""


def pretended(train, figures=lambda results, folder: [folder / "a.png"]):
    """A module as the command line expects one; train(seed, tick) -> Run, which has a score."""
    def run(config, store):
        parts = [(settings(seed), lambda tick, seed=seed: train(seed, tick)) for seed in range(config.seeds)]
        measure_missing(store, parts, "measuring")

    def gather(store, config):
        return [store.require(settings(seed)).scalars["score"] for seed in range(config.seeds)]

    def tables(results):
        return [Table("Scores", ("seed", "score"), [(str(seed), f"{score:.1f}") for seed, score in enumerate(results)],
                      "a note")]
    return SimpleNamespace(Config=Config, run=run, gather=gather, tables=tables, figures=figures,
                           answer=lambda results: "It does. It may. It must.")
