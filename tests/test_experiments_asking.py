"""What a question has trained: a run per seed, stage by stage, on threads or on workers."""
import pytest

from experiments.runs.store import Run, Store
from experiments.trainers import train as trainer
from experiments.trainers.asking import OnThreads, OnWorkers, per_seed


def test_runs_differ_in_their_seed_alone():
    runs = per_seed(3, experiment="any", data="digits", train=20)
    assert [one.seed for one in runs] == [0, 1, 2] and {one.but(seed=0) for one in runs} == {runs[0]}


def test_a_later_stage_is_asked_when_the_one_before_is_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "train_fleet", lambda runs: [Run(scalars={"level": run["level"]}) for run in runs])
    store, [one] = Store(tmp_path), per_seed(1, experiment="any", data="digits", train=20, level=0.5)

    def second():
        return [one.but(level=store.require(one.settings()).scalars["level"] / 2)]

    OnWorkers().train_all(store, {"first": lambda: [one], "second": second})
    assert store.require(one.but(level=0.25).settings()).scalars == {"level": 0.25}
    OnThreads(workers=1).train_all(store, [one, one.but(level=0.1)])
    assert store.count("any") == 3


def test_places_exclude_each_other():
    with pytest.raises(ValueError, match="workers: got 2 beside scheduler"):
        OnWorkers(scheduler="tcp://somewhere:1", workers=2)
    with pytest.raises(ValueError, match="workers: got -1"):
        OnThreads(workers=-1)
