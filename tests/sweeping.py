"""What the tests of sweeps share: a trainer that trains nothing, stores compared row for row, a cluster to be killed."""
import os
import signal
import sqlite3
import subprocess
import textwrap
import time
from contextlib import closing, contextmanager

from experiments.runs.identity import NEVER_DECIDES
from experiments.runs.store import Store
from nn.shared.reached import version_of
from tests.programs import environment, start

# A module for the workers. Results follow from the settings; some runs misbehave, once or always.
TRAINER = """
import logging, os, pathlib, signal, time
import numpy as np
from experiments.runs.store import Run

VARIED = ("seed",)

def seconds(run):
    return run.get("cost", 1.0)

def train_fleet(runs):
    for run in runs:
        pathlib.Path(run["folder"], f"{run['seed']}-{time.monotonic_ns()}").touch()  # a run that was begun
        time.sleep(run.get("sleep", 0.0))
        if "logs" in run:
            logging.getLogger("afterzero").info(run["logs"])
        if run.get("fails"):
            raise ArithmeticError("it failed")
        if "dies" in run:
            marker = pathlib.Path(run["folder"], "died")
            if run["dies"] == "always" or not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
    threads = sum(int(os.environ.get(f"{name}_NUM_THREADS", 0)) for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"))
    return [Run({"epoch": np.arange(3.0)}, {"score": run["seed"] / 3, "nothing": np.nan, "threads": threads})
            for run in runs]
"""


# What identity.code_version says of it where it can be imported, as in the workers.
CODE = version_of(["a_trainer"], without=NEVER_DECIDES, packages=["a_trainer"],
                  read=lambda path: TRAINER.encode() if path == "a_trainer.py" else None)


def write_trainer(folder):
    """Write the trainer's module; returns its name."""
    (folder / "a_trainer.py").write_text(TRAINER)
    return "a_trainer"


def a_run(folder, seed, **more):
    return {"experiment": "test", "code": CODE, "seed": seed, "dtype": "float32", "folder": str(folder), **more}


def rows(path):
    """All that a results file holds but row numbers and times: two sweeps of the same runs must agree in it."""
    with closing(sqlite3.connect(path)) as connection:
        return [connection.execute(query).fetchall() for query in (
            "SELECT key, experiment, settings, code, seed, dtype, versions, cpu FROM runs ORDER BY key",
            'SELECT key, metric, "check", value FROM curves JOIN runs ON run = id ORDER BY key, metric, "check"',
            "SELECT key, name, value FROM scalars JOIN runs ON run = id ORDER BY key, name",
            "SELECT key, name, npy FROM arrays JOIN runs ON run = id ORDER BY key, name",
            "PRAGMA integrity_check")]


def python(script, *paths):
    """Start a script in a process group of its own, as a terminal does."""
    return start("-c", script, env=environment(*paths), start_new_session=True, stdin=subprocess.DEVNULL)


DRIVER = """
    import sys
    from tests.sweeping import a_run
    from experiments.runs import shards, sweep
    from experiments.runs.store import Store

    if __name__ == "__main__":
        runs = [a_run({folder!r}, seed, **more) for seed, more in enumerate({more!r})]
        try:
            with sweep.pool({address!r}, {workers}) as place:
                sweep.train_missing(Store({folder!r} + "/results"), runs, "a_trainer", place, "training")
        except shards.SweepError as error:
            sys.exit(str(error))
"""


def a_driver(folder, more, address="", workers=0):
    """Start a sweep over the pretended trainer, a run for each of `more`, in a process."""
    write_trainer(folder)
    return python(DRIVER.format(folder=str(folder), more=more, address=address, workers=workers), folder)


def drive(folder, more, address="", workers=0):
    """Run such a sweep to its end; returns its exit code and standard error."""
    process = a_driver(folder, more, address, workers)
    _, err = process.communicate(timeout=100)
    return process.returncode, err


def until(process, store, count, name="test"):
    """Wait until the store of a sweep that a process drives holds so many runs."""
    deadline = time.monotonic() + 600
    while store.count(name) < count:
        assert process.poll() is None, process.communicate()[1]  # too late for what the test is going to do
        assert time.monotonic() < deadline
        time.sleep(0.01)


CLUSTER = """
    import logging, os, sys
    logging.disable(logging.CRITICAL)
    from distributed import Client, LocalCluster
    if __name__ == "__main__":
        with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster:
            with Client(cluster) as client:
                print(cluster.scheduler_address, *client.run(os.getpid).values(), flush=True)
                sys.stdin.readline()
"""


@contextmanager
def a_cluster(folder):
    """A Dask cluster of two worker processes that outlives the driver; yields its address and the workers' process ids."""
    script = folder / "a_cluster.py"
    script.write_text(textwrap.dedent(CLUSTER))
    process = start(script, cwd=folder, env=environment(folder), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        address, *workers = process.stdout.readline().split()
        yield address, [int(worker) for worker in workers]
    finally:
        try:
            process.communicate("\n", timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


# Of flooding_table: enough runs to kill somebody in the middle.
SMALL = ("--hidden", "16", "16", "--train", "30", "--validation", "30", "--test", "100", "--curve-points", "50")
FEW = (*SMALL, "--data", "two_gaussians", "--noise", "0.1", "--levels", "0", "0.2", "--seeds", "12", "--epochs", "400",
       "--curve-seeds", "1")
HUNDREDS = (*SMALL, "--hidden", "128", "128", "--levels", "0", "0.1", "0.2", "0.3", "--seeds", "6", "--epochs", "300",
            "--test", "2000", "--curve-seeds", "2")


# The command without its tables and figures, which need no proof here and take longer than the runs.
TRAINED = """
    import sys
    from experiments import running
    from experiments.runs.store import Store

    module, config, common = running.parse("flooding_table", sys.argv[1:])
    module.run(config, Store(common.results))
"""


def killed_and_compared(folder, options, place, worker, kill_worker_at, kill_driver_at):
    """Run flooding_table on threads, and at `place`, where a worker and then the driver are killed; returns the runs.

    ``worker(driver)`` is the process id of a worker.
    """
    def driver(results, *more):
        return start("-c", TRAINED, "--results", results, *options, *more, start_new_session=True, stdout=subprocess.DEVNULL)

    serial = driver(folder / "serial")  # first: the others find its kernels
    _, err = serial.communicate(timeout=1200)
    assert serial.returncode == 0, err
    store = Store(folder / "elsewhere")
    first = driver(store.folder, *place)
    until(first, store, kill_worker_at, "flooding_table")
    os.kill(worker(first.pid), signal.SIGKILL)
    until(first, store, kill_driver_at, "flooding_table")
    os.kill(first.pid, signal.SIGKILL)
    first.communicate(timeout=60)
    before = rows(store.path)
    assert before[-1] == [("ok",)]
    second = driver(store.folder, *place)
    _, err = second.communicate(timeout=1200)
    assert second.returncode == 0, err
    expected, found = rows(folder / "serial" / "results.sqlite"), rows(store.path)
    assert kill_driver_at <= len(before[0]) < len(found[0])
    for table, of_serial in zip(found, expected, strict=True):
        assert table == of_serial
    assert {row[0] for row in before[0]} <= {row[0] for row in found[0]}
    return found[0]
