"""Sweeps on a Dask cluster: workers and drivers die, and the store ends as if nothing had happened."""
import json
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from experiments.__main__ import main
from experiments.runs.shards import SweepError
from experiments.runs.store import Store
from tests import sweeping
from tests.programs import environment, posix, start
from tests.sweeping import FEW, HUNDREDS, a_cluster, a_driver, a_run, drive, until

pytestmark = posix
NO_DASK = "a cluster needs Dask: pip install -e '.[cluster]'"


# --- without a cluster ---

def test_a_missing_dask_is_one_clear_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["run", "flooding_table", "--results", str(tmp_path), "--scheduler", "tcp://127.0.0.1:1"]) == 1
    err = capsys.readouterr().err
    assert "Dask, which is not installed" in err and "pip install -e '.[cluster]'" in err and len(err.splitlines()) == 1


WRONG = ["nonsense://here", "no-port", "tcp://127.0.0.1:port", "tcp://127.0.0.1:9",
         pytest.param("tcp://no-such-host.invalid:8786", marks=pytest.mark.slow)]


@pytest.mark.parametrize("address", WRONG)
def test_a_wrong_address_is_one_clear_line_within_seconds(tmp_path, capfd, address):
    pytest.importorskip("distributed", reason=NO_DASK)
    begin = time.monotonic()
    assert main(["run", "flooding_table", "--scheduler", address, "--results", str(tmp_path)]) == 1
    assert time.monotonic() - begin < 25
    [line] = capfd.readouterr().err.strip().splitlines()
    assert address in line and "accepted: the address that 'dask scheduler' prints" in line


def test_scheduler_and_workers_exclude_each_other(capsys):
    with pytest.raises(SystemExit):
        main(["run", "flooding_table", "--scheduler", "tcp://127.0.0.1:9", "--workers", "2"])
    assert "accepted: one of them" in " ".join(capsys.readouterr().err.split())


def test_shards_go_to_the_scheduler_in_order_under_names_that_stay(tmp_path, monkeypatch):
    """Another driver asks for the same work by the same key, so what a worker has begun is not begun again."""
    distributed = pytest.importorskip("distributed", reason=NO_DASK)
    from experiments.runs.cluster import Dask
    from experiments.runs.shards import Shard, run_shard
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

@pytest.mark.slow
def test_deaths_and_failures_of_workers_are_mended_or_named(tmp_path):
    pytest.importorskip("distributed", reason=NO_DASK)
    with a_cluster(tmp_path) as (address, _):
        code, err = drive(tmp_path, [{"dies": "always", "cost": 2.0} if seed == 1 else {} for seed in range(3)], address)
        assert code == 1 and "all of them died" in err and "the same command goes on" in err and "Traceback" not in err
        assert Store(tmp_path / "results").load(a_run(tmp_path, 0)) is not None
        code, err = drive(tmp_path, [{}, {"fails": True}], address)
        assert code == 1 and "ArithmeticError: it failed" in err
        assert len(list(tmp_path.glob("1-*"))) == 4 + 3  # four workers died of the first, three tried the second

        (folder := tmp_path / "once").mkdir()
        code, err = drive(folder, [{"dies": "once"} if seed == 3 else {"sleep": 0.05} for seed in range(10)], address)
        assert code == 0 and len(err.splitlines()) == 1, err  # the one before it begins
        assert (folder / "died").exists() and len(list(folder.glob("3-*"))) == 2
        assert Store(folder / "results").count("test") == 10


@pytest.mark.slow
def test_a_scheduler_that_dies_is_named(tmp_path):
    pytest.importorskip("distributed", reason=NO_DASK)
    with a_cluster(tmp_path) as (address, _):
        process = a_driver(tmp_path, [{"sleep": 0.3}] * 60, address)
        store = Store(tmp_path / "results")
        until(process, store, 2)
    _, err = process.communicate(timeout=90)
    assert process.returncode == 1 and f"the scheduler at {address} is gone" in err and "Traceback" not in err, err
    assert 2 <= store.count("test") < 60


# --- the proof: kill a worker, kill the driver, and compare ---

def killed_and_compared(tmp_path, options, kill_worker_at, kill_driver_at):
    with a_cluster(tmp_path) as (address, workers):
        return sweeping.killed_and_compared(tmp_path, options, ("--scheduler", address), lambda driver: workers[0],
                                            kill_worker_at, kill_driver_at)


@pytest.mark.slow
@pytest.mark.compiled
def test_a_killed_worker_and_a_killed_driver_leave_no_trace(tmp_path):
    pytest.importorskip("distributed", reason=NO_DASK)
    runs = killed_and_compared(tmp_path, FEW, kill_worker_at=4, kill_driver_at=10)
    assert len(runs) >= 24


@pytest.mark.slow
@pytest.mark.compiled
def test_a_sweep_of_hundreds_of_runs_survives_kills(tmp_path):
    pytest.importorskip("distributed", reason=NO_DASK)
    runs = killed_and_compared(tmp_path, HUNDREDS, kill_worker_at=60, kill_driver_at=130)
    assert len(runs) >= 200


# --- with TLS ---

VARIABLES = ("DASK_DISTRIBUTED__COMM__TLS__CA_FILE", "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT",
             "DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY")


@pytest.mark.parametrize("ca, cert, key, reason", [
    (None, None, None, "DASK_DISTRIBUTED__COMM__TLS__CA_FILE: got nothing, accepted: "),
    (__file__, None, None, "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT: got nothing, accepted: "),
    (__file__, __file__, "no/such.pem", "DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY: got 'no/such.pem', which is no file"),
    (__file__, __file__, None, "_ssl.c"), (__file__, __file__, __file__, "_ssl.c")])
def test_missing_credentials_are_named_at_once(ca, cert, key, reason):
    pytest.importorskip("distributed", reason=NO_DASK)
    import dask

    from experiments.runs.cluster import connect
    tls = {"distributed.comm.tls.ca-file": ca, "distributed.comm.tls.client.cert": cert,
           "distributed.comm.tls.client.key": key}
    with dask.config.set(tls), pytest.raises(SweepError) as caught, connect("tls://127.0.0.1:9"):
        pass
    message = str(caught.value)
    assert message.startswith("scheduler: got 'tls://127.0.0.1:9', where no Dask scheduler answers (") and reason in message
    assert all(variable in message.partition("accepted: ")[2] for variable in VARIABLES)


def a_certificate(folder):
    """Make a certificate and its key; returns their paths."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes a certificate with openssl")
    folder.mkdir()
    subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-days", "30", "-subj", "/CN=afterzero",
                    "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


@contextmanager
def dask_command(*arguments, cwd):
    process = start("-m", "dask", *arguments, cwd=cwd, env=environment(cwd), stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.slow
def test_a_scheduler_with_tls_serves_those_who_have_the_key(tmp_path, monkeypatch):
    """As experiments/README.md has it: one certificate for all, whose key is the secret; Dask's variables name the files."""
    pytest.importorskip("distributed", reason=NO_DASK)

    def show(cert, key):
        for name, path in zip(VARIABLES, (ours[0], cert, key), strict=True):
            monkeypatch.setenv(name, str(path))

    ours, foreign = a_certificate(tmp_path / "ours"), a_certificate(tmp_path / "foreign")
    files = ["--tls-ca-file", ours[0], "--tls-cert", ours[0], "--tls-key", ours[1]]
    where = tmp_path / "scheduler.json"
    with dask_command("scheduler", "--protocol", "tls", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                      "--dashboard-address", "127.0.0.1:0", "--scheduler-file", where, *files, cwd=tmp_path):
        deadline = time.monotonic() + 60
        while not where.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        address = json.loads(where.read_text())["address"]
        assert address.startswith("tls://127.0.0.1:")
        with dask_command("worker", address, "--nworkers", "1", "--nthreads", "1", "--no-dashboard", *files, cwd=tmp_path):
            show(*foreign)
            for refused in (address, address.replace("tls:", "tcp:")):
                code, err = drive(tmp_path, [{}], refused)
                assert code == 1 and len(err.splitlines()) == 1 and f"scheduler: got {refused!r}" in err, err
            show(*ours)
            code, err = drive(tmp_path, [{}] * 3, address)
            assert code == 0, err
            assert Store(tmp_path / "results").count("test") == 3
