"""What the tests of sweeps share: a trainer that trains nothing, stores compared row for row, a cluster to be killed."""
import os
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing, contextmanager
from pathlib import Path

from experiments.identity import code_version

ROOT = Path(__file__).resolve().parent.parent

# A module for the workers. Results follow from the settings; some runs misbehave, once or always.
TRAINER = """
import os, pathlib, signal, time
import numpy as np
from experiments.results import Run

VARIED = ("seed",)

def seconds(run):
    return run.get("cost", 1.0)

def train_fleet(runs):
    for run in runs:
        pathlib.Path(run["folder"], f"{run['seed']}-{time.monotonic_ns()}").touch()  # a run that was begun
        time.sleep(run.get("sleep", 0.0))
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


def write_trainer(folder):
    """Write the trainer's module; returns its name."""
    (folder / "a_trainer.py").write_text(TRAINER)
    return "a_trainer"


def a_run(folder, seed, **more):
    return {"experiment": "test", "code": code_version(), "seed": seed, "dtype": "float32", "folder": str(folder), **more}


def rows(path):
    """All that a results file holds but row numbers and times: two sweeps of the same runs must agree in it."""
    with closing(sqlite3.connect(path)) as connection:
        return [connection.execute(query).fetchall() for query in (
            "SELECT key, experiment, settings, code, seed, dtype, versions, cpu FROM runs ORDER BY key",
            'SELECT key, metric, "check", value FROM curves JOIN runs ON run = id ORDER BY key, metric, "check"',
            "SELECT key, name, value FROM scalars JOIN runs ON run = id ORDER BY key, name",
            "SELECT key, name, npy FROM arrays JOIN runs ON run = id ORDER BY key, name",
            "PRAGMA integrity_check")]


def environment(*paths):
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *paths)))}


def python(script, *paths, **options):
    """Start a script in a process group of its own, as a terminal does."""
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, text=True, env=environment(*paths),
                            start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


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
    process = subprocess.Popen([sys.executable, str(script)], cwd=folder, text=True, env=environment(folder),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        address, *workers = process.stdout.readline().split()
        yield address, [int(worker) for worker in workers]
    finally:
        try:
            process.communicate("\n", timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
