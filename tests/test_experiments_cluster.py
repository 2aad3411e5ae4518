"""Sweeps on a Dask cluster: workers and drivers die, and the store ends as if nothing had happened."""
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from experiments.results import Store
from tests.sweeping import ROOT, a_cluster, a_run, environment, python, rows, write_trainer

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes")
NO_DASK = "a cluster needs Dask: pip install -e '.[cluster]'"

DRIVER = """
    import sys
    from tests.sweeping import a_run
    from experiments import sweep
    from experiments.results import Store

    if __name__ == "__main__":
        runs = [a_run({folder!r}, seed, **more) for seed, more in enumerate({more!r})]
        try:
            with sweep.pool({address!r}, {workers}) as place:
                sweep.train_missing(Store({folder!r} + "/results"), runs, "a_trainer", place, "training")
        except sweep.SweepError as error:
            sys.exit(str(error))
"""


def drive(folder, more, address="", workers=0):
    """Run a sweep over the pretended trainer in a process; returns its exit code and standard error."""
    write_trainer(folder)
    process = python(DRIVER.format(folder=str(folder), more=more, address=address, workers=workers), folder)
    _, err = process.communicate(timeout=100)
    return process.returncode, err


# --- without a cluster ---

def test_a_missing_dask_is_one_clear_line(tmp_path, capsys, monkeypatch):
    from experiments.__main__ import main
    monkeypatch.setitem(sys.modules, "distributed", None)
    for option in (("--workers", "2"), ("--scheduler", "tcp://127.0.0.1:1")):
        assert main(["run", "flooding_table", "--results", str(tmp_path), *option]) == 1
        err = capsys.readouterr().err
        assert "Dask, which is not installed: pip install -e '.[cluster]'" in err and len(err.splitlines()) == 1


WRONG = ["nonsense://here", "no-port", "tcp://127.0.0.1:port", "tcp://127.0.0.1:9",
         pytest.param("tcp://no-such-host.invalid:8786", marks=pytest.mark.slow)]


@pytest.mark.parametrize("address", WRONG)
def test_a_wrong_address_is_one_clear_line_within_seconds(tmp_path, address):
    pytest.importorskip("distributed", reason=NO_DASK)
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "experiments", "run", "flooding_table", "--scheduler", address, "--results",
                           str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1 and time.monotonic() - begin < 25
    [line] = done.stderr.strip().splitlines()
    assert address in line and "accepted: the address that 'dask scheduler' prints" in line


def test_scheduler_and_workers_exclude_each_other(capsys):
    from experiments.__main__ import main
    with pytest.raises(SystemExit):
        main(["run", "flooding_table", "--scheduler", "tcp://127.0.0.1:9", "--workers", "2"])
    assert "accepted: one of them" in " ".join(capsys.readouterr().err.split())


def test_shards_go_to_the_scheduler_in_order_under_names_that_stay(tmp_path, monkeypatch):
    """Another driver asks for the same work by the same key, so what a worker has begun is not begun again."""
    distributed = pytest.importorskip("distributed", reason=NO_DASK)
    from experiments.cluster import Dask
    from experiments.sweep import Shard, run_shard
    submitted = []

    def submit(function, shard, **options):
        submitted.append((function, shard, options["key"], options["priority"]))
        return SimpleNamespace(result=lambda: [shard])

    client = SimpleNamespace(nthreads=lambda: {"a": 1, "b": 1}, submit=submit, loop=None)
    monkeypatch.setattr(distributed, "as_completed", lambda futures, loop: iter(futures))
    shards = [Shard("a_trainer", (a_run(tmp_path, seed),)) for seed in range(3)]
    assert list(Dask(client, "here").results(shards)) == [[shard] for shard in shards]
    functions, sent, keys, priorities = zip(*submitted, strict=True)
    assert set(functions) == {run_shard} and list(sent) == shards and keys == tuple(shard.name for shard in shards)
    assert priorities[0] > priorities[1] > priorities[2]


# --- on a cluster of two workers ---

def test_a_shard_whose_worker_dies_is_trained_elsewhere(tmp_path):
    pytest.importorskip("distributed", reason=NO_DASK)
    code, err = drive(tmp_path, [{"dies": "once"} if seed == 3 else {"sleep": 0.05} for seed in range(10)], workers=2)
    assert code == 0, err
    assert (tmp_path / "died").exists() and len(list(tmp_path.glob("3-*"))) == 2
    store = Store(tmp_path / "results")
    dead = a_run(tmp_path, 3, dies="once")
    assert store.load(dead).scalars["threads"] == 4  # one of each of four kinds
    assert store.count("test") == 10 and len(err.splitlines()) == 1  # the one before it begins


def test_failures_on_workers_are_named_and_keep_what_arrived(tmp_path):
    pytest.importorskip("distributed", reason=NO_DASK)
    with a_cluster(tmp_path) as (address, _):
        code, err = drive(tmp_path, [{"dies": "always", "cost": 2.0} if seed == 1 else {} for seed in range(3)], address)
        assert code == 1 and "all of them died" in err and "the same command goes on" in err and "Traceback" not in err
        assert Store(tmp_path / "results").load(a_run(tmp_path, 0)) is not None
        code, err = drive(tmp_path, [{}, {"fails": True}], address)
        assert code == 1 and "ArithmeticError: it failed" in err
        assert len(list(tmp_path.glob("1-*"))) == 4 + 3  # four workers died of the first, three tried the second


@pytest.mark.slow
def test_a_scheduler_that_dies_is_named(tmp_path):
    pytest.importorskip("distributed", reason=NO_DASK)
    write_trainer(tmp_path)
    script = DRIVER.format(folder=str(tmp_path), more=[{"sleep": 0.3}] * 60, address="{address}", workers=0)
    with a_cluster(tmp_path) as (address, _):
        process = python(script.replace("{address}", address), tmp_path)
        store, deadline = Store(tmp_path / "results"), time.monotonic() + 60
        while store.count("test") < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
    _, err = process.communicate(timeout=90)
    assert process.returncode == 1 and f"the scheduler at {address} is gone" in err and "Traceback" not in err, err
    assert 2 <= store.count("test") < 60


# --- the proof: kill a worker, kill the driver, and compare ---

def killed_and_compared(tmp_path, options, kill_worker_at, kill_driver_at):
    """Run flooding_table serially, and on a cluster where a worker and then the driver are killed; returns the rows."""
    def driver(folder, *more):
        command = [sys.executable, "-m", "experiments", "run", "flooding_table", "--results", str(folder), *options, *more]
        return subprocess.Popen(command, cwd=ROOT, text=True, env=environment(), start_new_session=True,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def until(store, count, process):
        while store.count("flooding_table") < count:
            assert process.poll() is None, process.communicate()[1]  # too late to kill anything
            time.sleep(0.01)

    serial = driver(tmp_path / "serial")
    store = Store(tmp_path / "cluster")
    with a_cluster(tmp_path) as (address, workers):
        first = driver(store.folder, "--scheduler", address)
        until(store, kill_worker_at, first)
        os.kill(workers[0], signal.SIGKILL)
        until(store, kill_driver_at, first)
        os.kill(first.pid, signal.SIGKILL)
        first.communicate(timeout=20)
        before = rows(store.path)
        assert before[-1] == [("ok",)]
        second = driver(store.folder, "--scheduler", address)
        _, err = second.communicate(timeout=1200)
        assert second.returncode == 0, err
    _, err = serial.communicate(timeout=1200)
    assert serial.returncode == 0, err
    expected, found = rows(tmp_path / "serial" / "results.sqlite"), rows(store.path)
    assert kill_driver_at <= len(before[0]) < len(found[0])
    for table, of_serial in zip(found, expected, strict=True):
        assert table == of_serial
    assert {row[0] for row in before[0]} <= {row[0] for row in found[0]}
    return found


SMALL = ("--hidden", "16", "16", "--train", "30", "--validation", "30", "--test", "100", "--curve-points", "50")


@pytest.mark.compiled
def test_a_killed_worker_and_a_killed_driver_leave_no_trace(tmp_path):
    pytest.importorskip("distributed", reason=NO_DASK)
    options = (*SMALL, "--data", "two_gaussians", "--noise", "0.1", "--levels", "0", "0.2", "--seeds", "12", "--epochs",
               "400", "--curve-seeds", "1")
    runs, *_ = killed_and_compared(tmp_path, options, kill_worker_at=4, kill_driver_at=10)
    assert len(runs) >= 24


@pytest.mark.slow
@pytest.mark.compiled
def test_a_sweep_of_hundreds_of_runs_survives_kills(tmp_path):
    pytest.importorskip("distributed", reason=NO_DASK)
    options = (*SMALL, "--hidden", "128", "128", "--levels", "0", "0.1", "0.2", "0.3", "--seeds", "6", "--epochs", "300",
               "--test", "2000", "--curve-seeds", "2")
    runs, *_ = killed_and_compared(tmp_path, options, kill_worker_at=60, kill_driver_at=130)
    assert len(runs) >= 200


@pytest.mark.slow
def test_a_killed_driver_leaves_no_workers_behind(tmp_path):
    pytest.importorskip("distributed", reason=NO_DASK)
    write_trainer(tmp_path)
    process = python(DRIVER.format(folder=str(tmp_path), more=[{"sleep": 0.3}] * 100, address="", workers=2), tmp_path)
    store, deadline = Store(tmp_path / "results"), time.monotonic() + 60
    while store.count("test") < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.communicate(timeout=20)
    with pytest.raises(ProcessLookupError):  # as soon as nobody is left in its group
        while time.monotonic() < deadline:
            os.killpg(process.pid, 0)
            time.sleep(0.2)
    assert 3 <= store.count("test") < 100
