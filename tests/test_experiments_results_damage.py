"""A results store that is damaged, old, or made by somebody else: the runs that were saved, or one StoreError."""
import functools
import os
import random
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.runs import records, schema
from experiments.runs.export import export
from experiments.runs.store import Run, Store, StoreError
from tests import pretending

SEEDS = range(8)
settings = functools.partial(pretending.settings, experiment="zero_loss", hidden=[5, 4])


def a_run(seed):
    rng = np.random.default_rng(seed)
    return Run({"epoch": np.arange(25.0), "test_loss": rng.random(25)},
               {"end.test_error": rng.random(), "zero.epoch": np.nan},
               {"margins": rng.random((5, 8)).astype(np.float32), "status": np.array(["ok", "völlig"])})


def contents(run):
    """All of a run, as what can be compared."""
    return [sorted((name, value.dtype.str, value.shape, value.tobytes()) for name, value in group.items())
            for group in (run.curves, {name: np.array(value) for name, value in run.scalars.items()}, run.arrays)]


def outcome(action):
    """What an action gives, or "error": nothing but a StoreError of one line may come out, and it names the file."""
    try:
        return action()
    except StoreError as error:
        text = str(error)
        assert "results.sqlite" in text and len(text) < 700 and text.isprintable(), text
        return "error"


def load_all(folder):
    store = Store(folder)
    assert store.missing(map(settings, SEEDS)) == [] and store.count("zero_loss") == len(SEEDS)
    return [contents(store.require(settings(seed))) for seed in SEEDS]


def export_all(folder):
    return [path.read_bytes() for path in export(folder, ["zero_loss"], folder / "out.csv", force=True)]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The bytes of a good store, what it loads and what it exports."""
    folder = tmp_path_factory.mktemp("good")
    store = Store(folder)
    for seed in SEEDS:
        assert store.save(settings(seed), a_run(seed), 1.5)
    loaded = load_all(folder)
    assert loaded == [contents(a_run(seed)) for seed in SEEDS]
    return store.path.read_bytes(), loaded, export_all(folder)


def flipped(data, rng):
    """Change a byte, rarely some; half of the places lie where SQLite keeps its own numbers."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 3])):
        heads = rng.randrange(len(data) // 4096) * 4096 + rng.randrange(120)
        at = rng.choice([rng.randrange(len(data)), heads])
        data[at] = rng.choice([data[at] ^ 1 << rng.randrange(8), rng.randrange(256)])
    return bytes(data[:rng.randrange(len(data))] if rng.random() < 0.05 else data)


@pytest.mark.parametrize("part", range(4))
def test_damage_anywhere_gives_the_same_runs_or_a_store_error(tmp_path, good, part):
    data, loaded, exported = good
    errors = 0
    for turn in range(50):
        folder = tmp_path / str(turn)
        folder.mkdir()
        (folder / "results.sqlite").write_bytes(flipped(data, random.Random(f"{part} {turn}")))
        found = outcome(lambda folder=folder: export_all(folder))
        assert found in ("error", exported), turn
        assert sorted(os.listdir(folder)) == ["out.csv", "out_curves.csv", "results.sqlite"][2 * (found == "error"):], turn
        assert outcome(lambda folder=folder: load_all(folder)) in ("error", loaded), turn
        errors += found == "error"
    assert 10 < errors < 50  # damage, not destruction


# --- every value, changed with SQLite's own means ---

def change(folder, *statements):
    with closing(sqlite3.connect(folder / "results.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            connection.execute(*([statement] if isinstance(statement, str) else statement))


@pytest.fixture
def folder(tmp_path, good):
    (tmp_path / "results.sqlite").write_bytes(good[0])
    return tmp_path


@pytest.mark.parametrize("statement", [
    "UPDATE curves SET value = value + 1e-9 WHERE run = 3 AND metric = 'test_loss' AND \"check\" = 7",
    "UPDATE curves SET value = 'text' WHERE run = 3 AND \"check\" = 1", "UPDATE curves SET value = NULL WHERE run = 3",
    "UPDATE curves SET metric = 'test_lost' WHERE run = 3 AND metric = 'test_loss'",
    "UPDATE curves SET metric = CAST(x'ff1b5b' AS TEXT) WHERE run = 3 AND metric = 'test_loss'",
    "DELETE FROM curves WHERE run = 3 AND \"check\" = 25",
    "UPDATE curves SET \"check\" = 99 WHERE run = 3 AND \"check\" = 25",
    "UPDATE curves SET run = 30 WHERE run = 3", "INSERT INTO curves VALUES (3, 'new', 1, 0.5)",
    "UPDATE scalars SET value = 0.5 WHERE run = 3 AND value IS NULL", "DELETE FROM scalars WHERE run = 3",
    "UPDATE scalars SET value = x'00' WHERE run = 3", "UPDATE scalars SET name = x'00' WHERE run = 3 AND value IS NULL",
    "UPDATE arrays SET npy = zeroblob(9) WHERE run = 3", "UPDATE arrays SET npy = 'text' WHERE run = 3",
    "UPDATE runs SET seconds = 2 WHERE id = 3", "UPDATE runs SET created = created || '\x1b[31m\n' WHERE id = 3",
    "UPDATE runs SET cpu = 'another' WHERE id = 3", "UPDATE runs SET experiment = 'other' WHERE id = 3",
    "UPDATE runs SET seed = 77 WHERE id = 3", "UPDATE runs SET seed = 'x' WHERE id = 3",
    "UPDATE runs SET settings = replace(settings, '\"seed\":2', '\"seed\":9') WHERE id = 3",
    "UPDATE runs SET settings = '{' WHERE id = 3", "UPDATE runs SET settings = '[]' WHERE id = 3",
    "UPDATE runs SET settings = printf('%.*c', 100000, '[') WHERE id = 3", "UPDATE runs SET key = 'k' WHERE id = 3",
    "UPDATE runs SET settings = CAST(x'ff' AS TEXT) WHERE id = 3", "UPDATE runs SET id = 33 WHERE id = 3",
    "UPDATE checksums SET sha256 = upper(sha256) WHERE run = 3", "DELETE FROM checksums WHERE run = 3", "DROP TABLE arrays",
    "DROP TABLE checksums", "PRAGMA user_version = 1", "PRAGMA user_version = 3", "PRAGMA application_id = 5",
    "CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM curves; END",
    "UPDATE sqlite_master SET sql = replace(sql, 'TEXT NOT NULL UNIQUE', 'TEXT NOT NULL') WHERE name = 'runs'",
    "UPDATE sqlite_master SET sql = CAST(x'ff' AS TEXT) WHERE name = 'runs'"])
def test_no_changed_value_is_believed(folder, good, statement):
    change(folder, statement)
    assert outcome(lambda: load_all(folder)) == outcome(lambda: export_all(folder)) == "error"
    assert os.listdir(folder) == ["results.sqlite"]


@pytest.mark.parametrize("arguments", [["run", "zero_loss", "--quick", "--results"], [
    "export", "zero_loss", "--output", "out.csv", "--results"]])
def test_damage_is_one_line_and_exit_code_1(folder, capsys, arguments, monkeypatch):
    monkeypatch.chdir(folder)
    change(folder, "UPDATE sqlite_master SET sql = CAST(x'ff0a0a' AS TEXT) WHERE name = 'runs'")
    assert main([*arguments, "."]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "results.sqlite: got a damaged results" in err and "Put a copy" in err


def test_a_run_that_vanished_from_the_index_is_not_trained_again(folder):
    change(folder, "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'checksums') "
                   "WHERE name = 'sqlite_autoindex_runs_1'")
    for action in (lambda store: store.load(settings(2)), lambda store: store.missing([settings(2)]),
                   lambda store: store.count("zero_loss"), lambda store: store.compute(settings(2), pytest.fail)):
        assert outcome(lambda action=action: action(Store(folder))) == "error"


# --- arrays that claim what they do not hold, with a checksum that is right ---

def npy(header, data=b""):
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


@pytest.mark.parametrize("blob", [
    b"", b"\x93NUMPY", b"PK\x03\x04", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,), }", bytes(8)),
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", bytes(8)),
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", bytes(9)),
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1), }", bytes(8)),
    npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({'1, ' * 65}), }}", bytes(8)),
    npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"cos\nsystem\n(S'true'\ntR."),
    npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", bytes(8)),
    npy("{'descr': '|V8', 'fortran_order': False, 'shape': (1,), }", bytes(8)),
    npy("{'descr': '<U0', 'fortran_order': False, 'shape': (1,), }"),
    npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }", b"\xff" * 4), npy("(" * 9000),
    npy("{'descr': '\\"), npy("{"),
    npy("__import__('os')"), npy("{'descr': '<f8', 'fortran_order': 0, 'shape': True, }", bytes(8))])
def test_an_array_is_what_its_header_says_or_refused(folder, blob):
    with pytest.raises(ValueError, match="array 'margins'"):
        records.unpack("margins", blob)
    original = records.pack
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "pack", lambda name, values: blob if name == "margins" else original(name, values))
        assert Store(folder).save(settings(99), a_run(99))
    assert outcome(lambda: Store(folder).load(settings(99))) == outcome(lambda: export_all(folder)) == "error"
    assert contents(Store(folder).load(settings(2))) == contents(a_run(2))  # the others are as good as before


@pytest.mark.parametrize("array", [
    np.array(3.5), np.zeros((0, 4)), np.zeros(0, "U3"), np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.array([True, False]), np.arange(6)[::2], np.array([1 + 2j]), np.arange(3, dtype=">i4"),
    np.array([b"ab"]), np.array(["\U0001f600"])])
def test_arrays_that_are_kept_come_back(array):
    found = records.unpack("a", records.pack("a", array))
    assert found.dtype == array.dtype and found.shape == array.shape and found.flags.writeable
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("array", [np.array([{}], object), np.zeros(1, [("a", "f8")]), np.array(["2020-01-01"], "M8[D]")])
def test_arrays_that_would_be_refused_are_not_stored(folder, array):
    with pytest.raises(ValueError, match=r"array 'a': got dtype .*, accepted: numbers, truth values, text"):
        Store(folder).save(settings(99), Run(arrays={"a": array}))
    assert Store(folder).load(settings(99)) is None


@pytest.mark.parametrize("value", [-0.0, np.inf, -np.inf, 5e-324, 1e308, 2.0**53 + 2, -np.nan, 1 / 3])
def test_numbers_that_sqlite_keeps_its_own_way_have_the_right_checksum(folder, value):
    store = Store(folder)
    assert store.save(settings(99), Run({"x": np.array([value, 1.0])}, {"y": value}))
    found = store.load(settings(99))
    np.testing.assert_array_equal(found.curves["x"], [value, 1.0])
    np.testing.assert_array_equal(found.scalars["y"], value)


def test_settings_that_could_not_be_read_back_are_not_stored(folder):
    with pytest.raises(ValueError, match="names that are text, at every level"):
        Store(folder).save({**settings(99), "steps": {10: 1, 9: 2}}, a_run(99))


# --- stores of schema 1 ---

@pytest.fixture
def old(folder):
    """The same store as the version before wrote it."""
    change(folder, "PRAGMA foreign_keys = OFF", "DROP TABLE checksums", "PRAGMA user_version = 1")
    return folder


def test_an_old_store_keeps_its_runs_and_gets_checksums(old, good, capsys):
    assert load_all(old) == good[1]
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and f"its {len(SEEDS)} runs were kept" in err
    assert load_all(old) == good[1] and export_all(old) == good[2] and capsys.readouterr().err == ""
    change(old, "UPDATE scalars SET value = 0.5 WHERE run = 3")
    assert outcome(lambda: load_all(old)) == "error"


def test_an_old_store_is_exported_as_it_is(old, good):
    before = (old / "results.sqlite").read_bytes()
    assert export_all(old) == good[2]
    assert (old / "results.sqlite").read_bytes() == before


def test_an_old_store_that_is_damaged_stays_as_it_is(old):
    change(old, "UPDATE scalars SET value = 'text' WHERE run = 3")
    before = (old / "results.sqlite").read_bytes()
    assert outcome(lambda: Store(old)) == outcome(lambda: export_all(old)) == "error"
    assert (old / "results.sqlite").read_bytes() == before and os.listdir(old) == ["results.sqlite"]


def test_pages_of_an_old_store_are_looked_over(old):
    change(old, "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'scalars') "
                "WHERE name = 'sqlite_autoindex_runs_1'")
    assert outcome(lambda: Store(old)) == outcome(lambda: export_all(old)) == "error"


# --- what is no file ---

@pytest.mark.skipif(os.name != "posix", reason="special files of POSIX")
@pytest.mark.parametrize("kind", ["named pipe", "device", "folder"])
def test_what_is_no_regular_file_is_no_store(tmp_path, kind):
    path = tmp_path / "results.sqlite"
    {"named pipe": lambda: os.mkfifo(path), "device": lambda: path.symlink_to("/dev/null"), "folder": path.mkdir}[kind]()
    with pytest.raises(StoreError, match=r"results\.sqlite: got what is no regular file, accepted: .*another --results"):
        Store(tmp_path)


def test_a_full_disk_is_a_store_error_and_loses_nothing(folder, good, monkeypatch):
    connect = sqlite3.connect

    def small(*args, **kwargs):
        connection = connect(*args, **kwargs)
        connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
        return connection
    monkeypatch.setattr(schema.sqlite3, "connect", small)
    with pytest.raises(StoreError, match=r"results\.sqlite: database or disk is full\. Make room"):
        Store(folder).save(settings(99), Run({"x": np.zeros(10_000)}))
    monkeypatch.undo()
    assert load_all(folder) == good[1]
