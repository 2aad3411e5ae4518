"""Embedded tables and images: the bytes are those of their sources, and what loaders make of them."""
import gzip
import hashlib
from importlib import resources

import numpy as np
import pytest

from experiments.data import breast_cancer, digits, fashion_mnist, iris, wine, words
from experiments.data import embedded as embedded_module
from experiments.data.fashion_mnist import CUT_SHA256, read_cut
from experiments.data.uci import SHA256

FOLDER = resources.files("experiments.data")
# Of the unpacked files of scikit-learn 1.9.1
UNPACKED = {"iris": "f13ffa8fdd56fd8e6c8d16d4081a3fbd3114bcd0aae4256c43205169cd9d1449",
            "wine": "10e8a802908b34f86e5da8ce962f3c806694bc98450a18f61851af59f324bede",
            "breast_cancer": "fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed"}
TABLES = [(iris, 150, 4, (50, 50, 50)), (wine, 178, 13, (59, 71, 48)), (breast_cancer, 569, 30, (212, 357))]


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch):
    monkeypatch.delenv("AFTERZERO_DATA", raising=False)


def parts(data):
    return data.train, data.validation, data.test


@pytest.mark.parametrize("name", SHA256)
def test_tables_are_scikit_learns_files(name):
    packed = FOLDER.joinpath(f"{name}.csv.gz").read_bytes()
    assert hashlib.sha256(packed).hexdigest() == SHA256[name]
    assert hashlib.sha256(gzip.decompress(packed)).hexdigest() == UNPACKED[name]


@pytest.mark.parametrize("load, samples, columns, classes", TABLES)
def test_tables_equal_scikit_learns_loaders(load, samples, columns, classes):
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    data = load(seed=2)
    bunch = getattr(sklearn_datasets, f"load_{data.name}")()
    ours = np.concatenate([np.column_stack([part.x, part.y]) for part in parts(data)])
    theirs = np.column_stack([bunch.data.astype(np.float32), bunch.target])
    assert sorted(map(tuple, ours.tolist())) == sorted(map(tuple, theirs.tolist()))
    assert data.classes == tuple(bunch.target_names)


@pytest.mark.parametrize("load, samples, columns, classes", TABLES)
def test_tables_shapes_and_documents(load, samples, columns, classes):
    data = load()
    assert [part.x.shape[1] for part in parts(data)] == [columns] * 3 and sum(map(len, parts(data))) == samples
    assert np.abs(np.array([len(part) for part in parts(data)]) - samples * np.array([0.5, 0.25, 0.25])).max() <= 1
    assert data.train.x.dtype == np.float32 and data.train.y.dtype == np.int64
    assert tuple(np.bincount(np.concatenate([part.y for part in parts(data)]))) == classes
    for part in parts(data):  # stratified
        assert np.abs(np.bincount(part.y) - len(part) * np.array(classes) / samples).max() <= 2
    assert len(data.classes) == len(classes) and "BSD" in data.licence and "scikit-learn" in data.source and data.note == ""


def test_tables_are_seeded_and_noisy_on_request():
    clean, noisy, other = wine(seed=1), wine(seed=1, noise=0.1), wine(seed=2)
    for a, b in zip(parts(clean), parts(noisy), strict=True):
        assert np.array_equal(a.x, b.x) and np.array_equal(a.y, b.y_clean) and np.sum(b.y != b.y_clean) == len(b) // 10
    assert not np.array_equal(clean.train.x, other.train.x)
    assert np.array_equal(wine(noise=0.2, test=10).train.y, wine(noise=0.2).train.y)


@pytest.mark.parametrize("load, pinned", [
    (digits, "402018f45a76ace4"), (words, "0f25f716c84a2c1b"), (iris, "26aa8f836875331e"), (wine, "452dedffd281e3b1"),
    (breast_cancer, "ec8e3ebfc47561c2")])
def test_splits_and_flips_of_a_seed_are_the_same_on_every_machine(load, pinned):
    """Results are compared across machines and versions: a change of these hashes makes old results another experiment."""
    data = load(noise=0.1, seed=7)
    labels = [getattr(part, what).astype("<i8").tobytes() for part in parts(data) for what in ("y_clean", "y")]
    assert hashlib.sha256(b"".join(labels)).hexdigest()[:16] == pinned


def test_tables_refuse_more_than_there_is():
    with pytest.raises(ValueError, match="train, validation and test: got 100, 60 and None, accepted: at most 150 together"):
        iris(100, 60)


def test_a_damaged_file_is_refused(monkeypatch, tmp_path):
    name = "iris.csv.gz"
    content = bytearray(FOLDER.joinpath(name).read_bytes())
    content[100] ^= 1
    (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(embedded_module.resources, "files", lambda package: tmp_path)
    with pytest.raises(ValueError, match=r"iris.csv.gz: got sha256 .*damaged"):
        embedded_module.read_embedded(name, SHA256["iris"])


# --- the cut of Fashion-MNIST ---

def test_the_cut_is_checked_and_small():
    sizes = []
    for name, sha256 in CUT_SHA256.items():
        packed = FOLDER.joinpath(name).read_bytes()
        sizes.append(len(packed))
        assert hashlib.sha256(packed).hexdigest() == sha256
    assert sum(sizes) < 450_000


def test_the_cut_has_fifty_of_each_class():
    files = read_cut()
    assert files.images.shape == files.test_images.shape == (500, 28, 28) and files.images.dtype == np.uint8
    for labels in (files.labels, files.test_labels):
        assert tuple(np.bincount(labels)) == (50,) * 10
    # The first labels of the two files, as everybody knows them
    assert files.labels[:5].tolist() == [9, 0, 0, 3, 0] and files.test_labels[:5].tolist() == [9, 2, 1, 1, 6]


def test_the_labels_of_the_cut_belong_to_its_images():
    files = read_cut()
    means = np.stack([files.images[files.labels == label].mean(axis=0) for label in range(10)])  # (10, 28, 28)
    distances = ((files.test_images[:, None] - means) ** 2).sum(axis=(2, 3))  # (500, 10)
    assert np.mean(distances.argmin(axis=1) == files.test_labels) > 0.65  # 0.1 if they did not


def test_the_cut_stands_in_and_says_so(monkeypatch):
    monkeypatch.setattr("experiments.data.image_sets.find_folder", lambda *_, **__: None)  # as if nothing were installed
    data = fashion_mnist()
    assert [part.x.shape for part in parts(data)] == [(400, 784), (100, 784), (500, 784)]
    assert data.train.x.dtype == np.float32 and data.train.x.min() == 0 and data.train.x.max() == 1
    assert "embedded cut" in data.note and "500 + 500 of its 60000 + 10000" in data.note and "AFTERZERO_DATA" in data.note
    assert data.classes[9] == "ankle boot" and "MIT" in data.licence
    for part, each in zip(parts(data), (40, 10, 50), strict=True):
        assert tuple(np.bincount(part.y)) == (each,) * 10
    with pytest.raises(ValueError, match=r"got 450, 100 and 500, accepted: at most 500 .* embedded cut"):
        fashion_mnist(450)


def test_licences_of_what_is_embedded_are_there():
    scikit_learn = FOLDER.joinpath("scikit_learn_LICENSE.txt").read_text("utf-8")
    assert all(digest in scikit_learn for digest in UNPACKED.values()) and "Redistribution and use" in scikit_learn
    assert "Copyright (c) 2017 Zalando SE" in FOLDER.joinpath("fashion_mnist_LICENSE.txt").read_text("utf-8")
