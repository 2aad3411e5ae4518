"""Sweeps in one process: what a shard is, that each run is kept once, and what Ctrl-C and failures leave."""
import concurrent.futures
import os
import signal
import sqlite3
import sys
import textwrap
import time
from types import SimpleNamespace

import pytest

from experiments.runs import identity, runner, shards, sweep
from experiments.runs.progress import Progress, duration
from experiments.runs.store import Run, Store, StoreError
from tests.programs import environment, posix, start
from tests.sweeping import a_run, python, rows, write_trainer


@pytest.fixture
def trainer(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    name = write_trainer(tmp_path)
    yield name
    sys.modules.pop(name, None)


def begun(folder):
    """Seeds of the runs that were begun, once for each time."""
    return sorted(int(path.name.split("-")[0]) for path in folder.iterdir() if path.name.split("-")[0].isdigit())


def seeds(shards):
    return [[run["seed"] for run in shard.runs] for shard in shards]


class Recorder:
    """A place that trains nothing and notes the shards."""

    workers = 1

    def __init__(self, order):
        self.order = order

    def results(self, shards):
        self.order.extend(seeds(shards))
        yield from ()


# --- shards ---

def test_a_shard_shares_everything_but_what_may_vary(tmp_path, trainer):
    runs = [a_run(tmp_path, seed, width=width) for seed in range(300) for width in (1, 2)]
    cuts = shards.cut(runs, trainer)
    for shard in cuts:
        assert len({run["width"] for run in shard.runs}) == 1 and 1 <= len(shard.runs) <= shards.SHARD_RUNS
    assert sorted(identity.run_key(run) for shard in cuts for run in shard.runs) == sorted(map(identity.run_key, runs))
    assert max(len(shard.runs) for shard in cuts) == 6  # 1 s each, a hundredth of 600 s
    assert len({shard.name for shard in cuts}) == len(cuts)
    assert shards.cut(runs, trainer) == cuts


def test_shards_are_small_and_never_empty(tmp_path, trainer):
    long = [a_run(tmp_path, seed, cost=9.0) for seed in range(1000)]
    assert {len(shard.runs) for shard in shards.cut(long, trainer)} == {2}  # 18 s
    assert {len(shard.runs) for shard in shards.cut([a_run(tmp_path, s, cost=1e4) for s in range(5)], trainer)} == {1}
    assert {len(shard.runs) for shard in shards.cut([a_run(tmp_path, s) for s in range(5)], trainer)} == {1}
    assert {len(shard.runs) for shard in shards.cut([a_run(tmp_path, s, cost=1e-9) for s in range(5000)], trainer)} == {8}
    assert shards.cut([], trainer) == []


def test_a_run_that_is_asked_for_twice_is_in_one_shard(tmp_path, trainer):
    assert seeds(shards.cut([a_run(tmp_path, 1), a_run(tmp_path, 2), a_run(tmp_path, 1)], trainer)) == [[1], [2]]


def test_a_shard_of_other_code_is_refused(tmp_path, trainer):
    with pytest.raises(shards.SweepError, match="install the same afterzero on all machines"):
        shards.run_shard(shards.Shard(trainer, ({**a_run(tmp_path, 1), "code": "other"},)))
    assert begun(tmp_path) == []


# --- the driver ---

def test_every_run_is_trained_and_kept_once(tmp_path, trainer, capsys):
    runs = [a_run(tmp_path, seed) for seed in range(12)]
    store = Store(tmp_path / "results")
    for expected in (12, 0):
        with sweep.pool() as place:
            assert sweep.train_missing(store, runs + runs[:3], trainer, place, "training") == expected
    assert begun(tmp_path) == list(range(12)) and store.count("test") == 12
    assert store.load(runs[4]).scalars["score"] == 4 / 3
    [line] = capsys.readouterr().err.splitlines()  # said once: the second time there is nothing to train
    assert line.startswith("training: 12 runs to train, about ")


def test_running_again_trains_the_missing_runs_of_a_shard_alone(tmp_path, trainer):
    runs = [a_run(tmp_path, seed, cost=1e-9) for seed in range(801)]
    whole = shards.cut(runs, trainer)
    assert len(whole[0].runs) == 8
    store = Store(tmp_path / "results")
    for run in (*whole[0].runs[:5], *whole[1].runs):
        [finished] = shards.run_shard(shards.Shard(trainer, (run,)))
        store.save(*finished)
    order: list = []
    sweep.train_missing(store, runs, trainer, Recorder(order), "training")
    assert sorted(order)[:2] == [[5, 6, 7], list(range(16, 24))] and sum(map(len, order)) == 801 - 5 - 8


def test_long_shards_go_first(tmp_path, trainer):
    order: list = []
    runs = [a_run(tmp_path, seed, cost=float(cost)) for seed, cost in enumerate((1, 30, 2, 40))]
    sweep.train_missing(Store(tmp_path / "results"), runs, trainer, Recorder(order), "training")
    assert order == [[3], [1], [2], [0]]


def test_a_failing_shard_ends_the_sweep_and_keeps_what_arrived(tmp_path, trainer):
    store = Store(tmp_path / "results")
    runs = [a_run(tmp_path, 0, cost=9.0), a_run(tmp_path, 1, sleep=0.5, fails=True, cost=5.0)]
    runs += [a_run(tmp_path, seed, sleep=0.4) for seed in range(2, 20)]
    with sweep.pool() as place, pytest.raises(ArithmeticError, match="it failed"):
        sweep.train_missing(store, runs, trainer, place, "training")
    time.sleep(0.2)  # a thread that took its shard before the failure may only now say so
    before = begun(tmp_path)
    assert store.load(runs[0]) is not None and store.load(runs[1]) is None and len(before) < 20
    time.sleep(0.6)
    assert begun(tmp_path) == before  # nothing is begun in vain


def test_what_is_good_arrives_before_the_failure_beside_it(tmp_path, trainer, monkeypatch):
    monkeypatch.setattr(runner, "wait", lambda futures, **_: concurrent.futures.wait(futures))  # until all are done
    store = Store(tmp_path / "results")
    runs = [a_run(tmp_path, seed, fails=seed == 19) for seed in range(20)]
    with sweep.pool() as place, pytest.raises(ArithmeticError):
        sweep.train_missing(store, runs, trainer, place, "training")
    assert store.count("test") == 19


def test_runs_of_other_code_are_kept_and_it_is_said_that_all_begins_anew(tmp_path, trainer, capsys):
    store = Store(tmp_path / "results")
    old = {"code": "old", "method": "of an older description"}
    for seed in range(3):
        store.save({**a_run(tmp_path, seed), **old}, Run(scalars={"score": 7.0}))
    store.save({**a_run(tmp_path, 0), "code": "old", "experiment": "another"}, Run())
    before = rows(store.path)
    for more, said in ((2, True), (2, False), (4, False)):  # nothing to train; and not all of them begin anew
        with sweep.pool() as place:
            sweep.train_missing(store, [a_run(tmp_path, seed) for seed in range(more)], trainer, place, "training")
        assert (f"{store.path}: its 3 runs of test were made by other code or are described otherwise; they are kept and "
                "not used\n" in capsys.readouterr().err) == said
    after = rows(store.path)
    assert store.count("test") == 3 + 4
    for kept, now in zip(before, after, strict=True):
        assert set(kept) <= set(now)
    assert store.load({**a_run(tmp_path, 2), **old}).scalars == {"score": 7.0}


def test_where_a_run_was_trained_is_recorded(tmp_path, trainer):
    store = Store(tmp_path / "results")
    [finished] = shards.run_shard(shards.Shard(trainer, (a_run(tmp_path, 1, sleep=0.05),)))
    store.save(*finished._replace(machine={"versions": {"numpy": "9"}, "cpu": "of a worker"}))
    connection = sqlite3.connect(store.path)
    [(cpu, versions, taken)] = connection.execute("SELECT cpu, versions, seconds FROM runs").fetchall()
    connection.close()
    assert (cpu, versions) == ("of a worker", '{"numpy": "9"}') and 0.05 <= taken < 5


def test_the_driver_keeps_what_the_worker_says_of_itself(tmp_path, trainer):
    class Elsewhere:
        workers = 1

        def results(self, given):
            for shard in given:
                yield [one._replace(machine={"versions": {"numpy": "9"}, "cpu": "of a worker"}, seconds=7.0)
                       for one in shards.run_shard(shard)]

    store = Store(tmp_path / "results")
    sweep.train_missing(store, [a_run(tmp_path, seed) for seed in range(2)], trainer, Elsewhere(), "training")
    connection = sqlite3.connect(store.path)
    found = connection.execute("SELECT cpu, versions, seconds FROM runs").fetchall()
    connection.close()
    assert found == [("of a worker", '{"numpy": "9"}', 7.0)] * 2


def test_each_run_has_an_equal_share_of_the_time_of_its_shard(tmp_path, trainer, monkeypatch):
    monkeypatch.setattr(shards, "time", SimpleNamespace(perf_counter=iter([10.0, 16.0]).__next__))
    finished = shards.run_shard(shards.Shard(trainer, tuple(a_run(tmp_path, seed) for seed in range(3))))
    assert [one.seconds for one in finished] == [2.0] * 3


def test_a_locked_store_is_named(tmp_path, trainer, monkeypatch):
    store = Store(tmp_path / "results")
    monkeypatch.setattr("experiments.runs.schema.BUSY_SECONDS", 0.1)
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with sweep.pool() as place, pytest.raises(StoreError, match=r"results\.sqlite: database is locked"):
        sweep.train_missing(store, [a_run(tmp_path, 1)], trainer, place, "training")
    other.close()
    with sweep.pool() as place:
        assert sweep.train_missing(store, [a_run(tmp_path, 1)], trainer, place, "training") == 1


@posix
def test_a_full_disk_is_named_and_leaves_no_half_of_a_run(tmp_path):
    name, folder = write_trainer(tmp_path), tmp_path / "results"
    script = f"""
        import resource, sys
        from tests.sweeping import a_run
        from experiments.runs import shards, sweep
        from experiments.runs.store import Store, StoreError
        store = Store({str(folder)!r})
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
        try:
            with sweep.pool() as place:
                runs = [a_run({str(tmp_path)!r}, seed) for seed in range(200)]
                sweep.train_missing(store, runs, {name!r}, place, "training")
        except StoreError as error:
            print(error)
    """
    process = python(script, tmp_path)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and str(folder / "results.sqlite") in out, err
    whole = Store(folder)
    runs, curves, scalars, _, integrity = rows(whole.path)
    assert 0 < len(runs) < 200 and len(curves) == 3 * len(runs) and len(scalars) == 3 * len(runs) and integrity == [("ok",)]


INTERRUPTED = """
    import sys
    from types import SimpleNamespace
    from tests.sweeping import a_run
    from experiments import __main__, registry
    from experiments.runs import shards, sweep

    def run(config, store):
        runs = [a_run({folder!r}, seed, sleep=0.2) for seed in range(100)]
        with sweep.pool(workers={workers}) as place:
            sweep.train_missing(store, runs, "a_trainer", place, "training")

    if __name__ == "__main__":
        from tests.pretending import Config
        registry.load = lambda name: SimpleNamespace(Config=Config, run=run)
        sys.exit(__main__.main(["run", "zero_loss", "--results", {results!r}]))
"""


@posix
@pytest.mark.parametrize("workers", [0, 2], ids=["threads", "processes"])
def test_ctrl_c_says_what_is_done_and_how_to_go_on(tmp_path, workers):
    write_trainer(tmp_path)
    results = tmp_path / "results"
    script = tmp_path / "interrupted.py"
    script.write_text(textwrap.dedent(INTERRUPTED).format(folder=str(tmp_path), workers=workers, results=str(results)))
    process = start(script, cwd=tmp_path, env=environment(tmp_path), start_new_session=True)
    store, deadline = Store(results), time.monotonic() + 60
    while store.count("test") < 5 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # to all of the group, as a terminal does
    begin = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130 and out == "" and time.monotonic() - begin < 15, err
    lines = err.split("\n\n")
    kept = store.count("test")
    assert len(lines) == 2, err
    assert "100 runs to train" in lines[0]
    assert f"{kept} of 100 runs of this sweep are done and kept" in lines[1] and "the same command goes on" in lines[1]
    assert 5 <= kept < 100 and rows(store.path)[-1] == [("ok",)]


# --- progress ---

def test_lines_of_progress_where_there_is_no_terminal(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("experiments.runs.progress.time.monotonic", lambda: now[0])
    with Progress("grid", 10, 1000.0, 2) as progress:
        for now[0] in (30.0, 61.0, 90.0, 130.0):
            progress.advance(100.0)
    assert progress.done == 4
    assert capsys.readouterr().err.splitlines() == [
        "grid: 10 runs to train, about 8 min on 2 cores", "grid: 2 of 10 runs, about 4 min left",
        "grid: 4 of 10 runs, about 3 min left"]


def test_an_estimate_where_no_worker_is_there_yet(capsys):
    Progress("grid", 10, 1000.0, 0)
    assert capsys.readouterr().err == "grid: 10 runs to train, about 17 min on 1 core\n"


def test_durations_for_people():
    assert [duration(seconds) for seconds in (0, 89, 90, 5399, 5400, 86400)] == ["0 s", "89 s", "2 min", "90 min", "1.5 h",
                                                                               "24.0 h"]


def test_places_exclude_each_other():
    with pytest.raises(ValueError, match="accepted: one of them"):
        sweep.check_places("tcp://127.0.0.1:8786", 2)
    with pytest.raises(ValueError, match="workers: got -1"):
        sweep.check_places("", -1)


@pytest.mark.parametrize("platform, most", [("win32", 60), ("linux", 1000)])
def test_windows_cannot_wait_for_many_workers(monkeypatch, platform, most):
    monkeypatch.setattr("experiments.runs.sweep.sys.platform", platform)
    sweep.check_places("", most)
    if platform == "win32":
        with pytest.raises(ValueError, match="workers: got 61, accepted: at most 60 on Windows"):
            sweep.check_places("", most + 1)
