"""The store: all or nothing, each run once, and nobody else's file is touched."""
import multiprocessing
import os
import signal
import sqlite3
import threading

import numpy as np
import pytest

from experiments.runs import identity
from experiments.runs.store import APPLICATION_ID, SCHEMA_VERSION, Run, Store, StoreError
from tests import programs
from tests.pretending import settings


def a_run():
    return Run({"test_loss": np.array([1.5, np.nan, 0.25]), "epoch": np.array([1.0, 2.0, 4.0])},
               {"end.test_error": 0.125, "zero.epoch": np.nan}, {"margins": np.arange(6, dtype=np.float32).reshape(2, 3)})


def test_a_run_comes_back_as_it_was(tmp_path):
    store = Store(tmp_path / "deep" / "results")
    assert store.load(settings()) is None
    assert store.save(settings(), a_run(), 1.5)
    found = Store(store.folder).load(settings())
    for name, values in a_run().curves.items():
        np.testing.assert_array_equal(found.curves[name], values)
    assert found.scalars["end.test_error"] == 0.125 and np.isnan(found.scalars["zero.epoch"])
    assert found.arrays["margins"].dtype == np.float32
    np.testing.assert_array_equal(found.arrays["margins"], a_run().arrays["margins"])


def test_a_run_that_ended_before_its_first_check_comes_back(tmp_path):
    """It has no rows of curves, which once made its checksum another one, and the whole file damaged."""
    Store(tmp_path).save(settings(), Run({"epoch": np.array([]), "val_loss": np.array([])}, {"diverged": 1.0}))
    found = Store(tmp_path).load(settings())
    assert found.scalars == {"diverged": 1.0} and found.curves == {}


def test_identity_is_every_setting_and_not_their_order():
    assert identity.run_key({"a": 1, "b": (1, 2)}) == identity.run_key({"b": [1, 2], "a": 1})
    keys = {identity.run_key(settings()), identity.run_key(settings(1)), identity.run_key({**settings(), "code": "abd"}),
            identity.run_key({**settings(), "dtype": "float64"}), identity.run_key(settings(level=0.1))}
    assert len(keys) == 5
    with pytest.raises(ValueError):
        identity.run_key(settings(level=float("nan")))


def test_a_finished_run_is_never_trained_again(tmp_path):
    calls = []

    def function():
        calls.append(1)
        return a_run()

    for _ in range(3):
        Store(tmp_path).compute(settings(), function)
    assert calls == [1] and Store(tmp_path).count("test") == 1


def test_the_second_writer_of_a_run_changes_nothing(tmp_path):
    store = Store(tmp_path)
    assert store.save(settings(), a_run())
    assert not store.save(settings(), Run(scalars={"end.test_error": 99.0}))
    assert store.load(settings()).scalars["end.test_error"] == 0.125


def test_missing_keeps_the_order(tmp_path):
    store = Store(tmp_path)
    store.save(settings(1), a_run())
    assert store.missing([settings(seed) for seed in (2, 1, 0)]) == [settings(2), settings(0)]


def test_versions_cpu_and_time_are_recorded(tmp_path):
    store = Store(tmp_path)
    store.save(settings(), a_run(), 2.5)
    connection = sqlite3.connect(store.path)
    row = connection.execute("SELECT experiment, code, seed, dtype, created, seconds, versions, cpu, settings "
                             "FROM runs").fetchone()
    assert row[:4] == ("test", "abc", 0, "float32") and row[5] == 2.5
    assert '"numpy"' in row[6] and row[7] and '"seed":0' in row[8] and row[4].endswith("+00:00")
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    connection.close()


@pytest.mark.parametrize("broken", [
    Run({"test_loss": np.zeros(3)}, {}, {"bad": np.array([object()])}),  # pickle is refused
    Run({"test_loss": np.zeros((3, 2))}),
    Run({"test_loss": np.zeros(3)}, {"bad": "text"})])
def test_what_cannot_be_stored_leaves_nothing(tmp_path, broken):
    store = Store(tmp_path)
    with pytest.raises((ValueError, TypeError)):
        store.save(settings(), broken)
    assert store.count("test") == 0 and store.load(settings()) is None


def test_an_exception_inside_the_transaction_leaves_nothing(tmp_path, monkeypatch):
    store = Store(tmp_path)
    monkeypatch.setattr("experiments.runs.records._checksum", lambda *_: sqlite3)  # SQLite cannot store a module
    with pytest.raises(StoreError):
        store.save(settings(), a_run())
    monkeypatch.undo()
    connection = sqlite3.connect(store.path)
    assert [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("runs", "curves", "scalars", "arrays", "checksums")] == [0, 0, 0, 0, 0]
    connection.close()
    assert store.save(settings(), a_run())


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_process_killed_inside_the_transaction_leaves_nothing(tmp_path):
    script = """
        import os, signal, sys
        from experiments.runs import store as results, schema
        store = results.Store(sys.argv[1])
        store.save({"experiment": "test", "code": "abc", "seed": 1, "dtype": "float32"}, results.Run(scalars={"x": 1.0}))
        # Killed between the row of the run and its commit.
        original = schema.transaction
        from contextlib import contextmanager
        @contextmanager
        def deadly(connection):
            with original(connection):
                yield
                os.kill(os.getpid(), signal.SIGKILL)
        schema.transaction = deadly
        store.save({"experiment": "test", "code": "abc", "seed": 2, "dtype": "float32"}, results.Run(scalars={"x": 1.0}))
    """
    done = programs.run("-c", script, tmp_path)
    assert done.returncode == -signal.SIGKILL
    store = Store(tmp_path)
    assert store.load(settings(1)).scalars == {"x": 1.0}
    assert store.load(settings(2)) is None
    assert store.save(settings(2), a_run())  # and the file is not locked


def write_many(folder, first, count):
    """Body of a writing process; some runs are the same in all processes."""
    store = Store(folder)
    for seed in range(first, first + count):
        store.save(settings(seed), Run({"test_loss": np.full(20, float(seed))}, {"seed": float(seed)}))
        store.save(settings(-1), a_run())


def test_two_processes_write_at_once_and_lose_nothing(tmp_path):
    context = multiprocessing.get_context("spawn")
    folder = tmp_path / "new"  # both also create the file at once
    processes = [context.Process(target=write_many, args=(folder, 100 * i, 25)) for i in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    store = Store(folder)
    assert store.count("test") == 51
    for seed in (0, 24, 100, 124):
        run = store.load(settings(seed))
        assert run.scalars == {"seed": seed} and np.all(run.curves["test_loss"] == seed)


def test_threads_share_a_store(tmp_path):
    store = Store(tmp_path)
    threads = [threading.Thread(target=write_many, args=(tmp_path, 100 * i, 5)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.count("test") == 21


def untouched(path, folder):
    """Opening must fail with StoreError and leave every byte as it was; returns the message."""
    before = path.read_bytes()
    with pytest.raises(StoreError) as caught:
        Store(folder)
    assert path.read_bytes() == before
    assert sorted(p.name for p in folder.iterdir()) == ["results.sqlite"]
    return str(caught.value)


def test_a_foreign_database_is_left_alone(tmp_path):
    connection = sqlite3.connect(tmp_path / "results.sqlite")
    connection.execute("CREATE TABLE runs (mine TEXT)")
    connection.commit()
    connection.close()
    assert "another program" in untouched(tmp_path / "results.sqlite", tmp_path)


def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    path = tmp_path / "results.sqlite"
    path.write_text("my notes, 1998\n" * 100)
    assert "not a database" in untouched(path, tmp_path)


def test_a_newer_schema_is_left_alone(tmp_path):
    Store(tmp_path)
    connection = sqlite3.connect(tmp_path / "results.sqlite")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    message = untouched(tmp_path / "results.sqlite", tmp_path)
    assert f"schema {SCHEMA_VERSION + 1}" in message and "newer" in message and "--results" in message


def test_the_file_says_whose_it_is(tmp_path):
    Store(tmp_path)
    connection = sqlite3.connect(tmp_path / "results.sqlite")
    assert connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    connection.close()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="results folder"):
        Store(tmp_path / "file" / "results")


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot"):
        Store(tmp_path)
    tmp_path.chmod(0o700)
