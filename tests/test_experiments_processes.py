"""Sweeps on worker processes: nothing listens, and deaths leave the store as if nothing had happened."""
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from experiments.runs import processes, shards, sweep, worker
from experiments.runs.store import Store
from tests import sweeping
from tests.programs import posix, start
from tests.sockets import PROC, open_doors, sockets, tree
from tests.sweeping import FEW, HUNDREDS, a_driver, a_run, drive, until, write_trainer

linux = pytest.mark.skipif(not (PROC / "self" / "net" / "unix").exists(), reason="reads Linux's /proc")


def workers_of(driver):
    """Process ids of the workers of a driver."""
    children = tree(driver) - {driver}
    return sorted(pid for pid in children if b"spawn_main" in (PROC / str(pid) / "cmdline").read_bytes())


def gone(pids):
    """Whether all these end within some seconds."""
    deadline = time.monotonic() + 30
    while any((PROC / str(pid)).exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any((PROC / str(pid)).exists() for pid in pids)


# --- sockets ---

DOORS = """
    import socket, sys
    tcp = socket.create_server(("127.0.0.1", 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind({path!r})
    unix.listen()
    pair = socket.socketpair()  # at which nobody can knock
    print("open", flush=True)
    sys.stdin.readline()
"""


@linux
def test_a_process_that_listens_is_found(tmp_path):
    """What the next test looks for in vain; here in the child of a child."""
    script = tmp_path / "doors.py"
    script.write_text("\n".join(line.strip() for line in DOORS.format(path=str(tmp_path / "door")).splitlines()))
    parent = f"import subprocess, sys; subprocess.run([sys.executable, {str(script)!r}])"
    process = start("-c", parent, stdin=subprocess.PIPE)
    try:
        assert process.stdout.readline() == "open\n"
        pids = tree(process.pid)
        assert len(pids) == 2 and not open_doors(process.pid)
        [child] = pids - {process.pid}
        assert [door.split()[2] for door in open_doors(child)] == ["tcp", "udp", "unix"] and len(sockets(child)) == 5
    finally:
        process.communicate("\n", timeout=20)


@linux
def test_no_socket_is_open_while_worker_processes_train(tmp_path):
    process = a_driver(tmp_path, [{"sleep": 0.1}] * 30, workers=2)
    store, seen = Store(tmp_path / "results"), set()
    for count in (0, 1, 8):  # while workers start and while they train
        until(process, store, count)
        pids = tree(process.pid)
        seen |= pids
        assert [door for pid in pids for door in open_doors(pid)] == []
        assert {pid: sockets(pid) for pid in pids if sockets(pid)} == {}
    assert len(workers_of(process.pid)) == 2 and len(seen) >= 3
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert store.count("test") == 30 and gone(seen)


# --- deaths ---

@posix
def test_a_shard_whose_worker_dies_is_trained_by_another(tmp_path):
    code, err = drive(tmp_path, [{"dies": "once"} if seed == 3 else {"sleep": 0.05} for seed in range(10)], workers=2)
    assert code == 0, err
    assert (tmp_path / "died").exists() and len(list(tmp_path.glob("3-*"))) == 2
    store = Store(tmp_path / "results")
    assert store.load(a_run(tmp_path, 3, dies="once")).scalars["threads"] == 4  # one of each of four kinds
    assert store.count("test") == 10 and len(err.splitlines()) == 1  # the one before it begins


@posix
@pytest.mark.parametrize("workers", [1, 2])
def test_a_shard_that_takes_every_worker_down_ends_the_sweep_after_the_others(tmp_path, workers):
    more = [{"dies": "always", "cost": 2.0} if seed == 1 else {} for seed in range(8)]
    code, err = drive(tmp_path, more, workers=workers)
    assert code == 1 and "tried on 4 workers and all of them died, the last one of SIGKILL" in err and "Traceback" not in err
    assert f"too little memory for {workers} at a time" in err and "the same command goes on" in err
    assert len(list(tmp_path.glob("1-*"))) == processes.TRIES and Store(tmp_path / "results").count("test") == 7


def test_an_exception_of_a_shard_is_raised_with_its_place_in_the_worker(tmp_path):
    code, err = drive(tmp_path, [{}, {"fails": True, "cost": 0.5}], workers=1)
    assert code == 1 and "ArithmeticError: it failed" in err and "in train_fleet" in err and "a_trainer.py" in err
    assert len(list(tmp_path.glob("1-*"))) == 1 and Store(tmp_path / "results").count("test") == 1


@linux
def test_a_killed_driver_takes_its_workers_with_it(tmp_path):
    """In the middle of shards that would take a minute."""
    process = a_driver(tmp_path, [{} if seed < 3 else {"sleep": 60.0, "cost": 0.5} for seed in range(9)], workers=2)
    store = Store(tmp_path / "results")
    until(process, store, 3)
    pids = tree(process.pid)
    process.kill()
    _, err = process.communicate(timeout=20)
    assert gone(pids) and len(pids) >= 3
    assert store.count("test") == 3 and len(err.splitlines()) == 1


def killed_and_compared(tmp_path, options, kill_worker_at, kill_driver_at):
    return sweeping.killed_and_compared(tmp_path, options, ("--workers", "2"), lambda driver: workers_of(driver)[0],
                                        kill_worker_at, kill_driver_at)


@linux
@pytest.mark.slow  # the whole command once more; what its parts do is above
@pytest.mark.compiled
def test_a_killed_worker_and_a_killed_driver_leave_no_trace(tmp_path):
    runs = killed_and_compared(tmp_path, FEW, kill_worker_at=4, kill_driver_at=10)
    assert len(runs) >= 24


@linux
@pytest.mark.slow
@pytest.mark.compiled
def test_a_sweep_of_hundreds_of_runs_survives_kills(tmp_path):
    runs = killed_and_compared(tmp_path, HUNDREDS, kill_worker_at=60, kill_driver_at=130)
    assert len(runs) >= 200


# --- in this process ---

@pytest.fixture
def trainer(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    yield write_trainer(tmp_path)
    sys.modules.pop("a_trainer", None)


def test_workers_need_no_dask_stay_for_the_next_sweep_and_are_heard(tmp_path, trainer, monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="afterzero")
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    store = Store(tmp_path / "results")
    with sweep.pool(workers=2) as place:
        assert sweep.train_missing(store, [a_run(tmp_path, 0)], trainer, place, "first") == 1
        [first] = place._running  # no more than there are shards
        runs = [a_run(tmp_path, 0), *(a_run(tmp_path, seed, logs=f"from {seed}") for seed in (1, 2))]
        assert sweep.train_missing(store, runs, trainer, place, "second") == 2
        assert first in place._running and sorted(caplog.messages) == ["from 1", "from 2"]
    assert not place._running and not first._process.is_alive()
    assert os.environ["OMP_NUM_THREADS"] == "7" and "NUMBA_NUM_THREADS" not in os.environ


def test_a_worker_that_cannot_be_started_is_named(tmp_path, trainer, monkeypatch):
    def start():
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(processes, "Worker", start)
    with sweep.pool(workers=3) as place, pytest.raises(shards.SweepError, match=r"workers: got 3, of which number 1 cannot "
                                                       r"be started .*Too many open files.*, accepted: fewer"):
        list(place.results([shards.Shard(trainer, (a_run(tmp_path, 0),))]))


@posix
def test_ctrl_c_waits_until_a_worker_is_started_and_known(tmp_path, trainer, monkeypatch):
    """Else it would complain of half a start, and nobody would end it."""
    steps: list = []
    over = threading.Event()
    # The main thread blocks the signal: it must reach Python through another one, of which libraries have some.
    thread = threading.Thread(target=over.wait)

    class Worker:
        shard = None

        def __init__(self):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
            steps.append("started")

        def end(self):
            steps.append("ended")

    monkeypatch.setattr(processes, "Worker", Worker)
    handler = signal.getsignal(signal.SIGINT)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt), sweep.pool(workers=3) as place:
            list(place.results([shards.Shard(trainer, (a_run(tmp_path, 0),))]))
    finally:
        over.set()
        thread.join()
    assert steps == ["started", "ended"] and signal.getsignal(signal.SIGINT) is handler


class Untravelled(Exception):
    """Holds something that no pickle takes (Dask, once imported, pickles exceptions that pickle alone would not)."""

    def __init__(self, one, two):
        super().__init__(f"{one} {two}")
        self.lock = threading.Lock()


@pytest.mark.parametrize("error, expected", [(Untravelled("a", "b"), (RuntimeError, "Untravelled: a b")),
                                             (KeyError("x"), (KeyError, "'x'"))])
def test_every_exception_travels_somehow(monkeypatch, error, expected):
    def fail(shard):
        raise error

    monkeypatch.setattr(worker, "run_shard", fail)
    finished, found, trace = pickle.loads(worker._answer(SimpleNamespace()))
    assert finished == [] and (type(found), str(found)) == expected and "in fail" in trace


def test_endings_for_people():
    assert [processes._ending(code) for code in (1, -int(signal.SIGTERM), None)] == [
        "with exit code 1", "of SIGTERM", "with exit code None"]
