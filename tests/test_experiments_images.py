"""zero_loss on Fashion-MNIST and MNIST: which files a run is about, what is said of them, and what is refused."""
import dataclasses
import gzip

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.data import fashion_mnist, mnist
from experiments.data import images as images_module
from experiments.data.image_files import read_image_files
from experiments.data.image_sets import FASHION_MNIST, read_published
from experiments.data.images import read_images
from experiments.questions.zero_loss import Config, cases
from experiments.runs.settings import SettingError
from experiments.runs.store import Store
from experiments.trainers import train as trainer
from experiments.trainers.data_sets import load_data
from experiments.trainers.image_settings import announce, images_of
from tests.image_folders import NAMES, nothing_installed, small_arrays, write_files

TINY = {"seeds": 1, "gaussian_noise": (), "gaussian_levels": (), "image_noise": (0.1,), "image_levels": (0.3,),
        "image_hidden": (4,), "image_epochs": 3, "dense": 1, "growth": 3.0, "curve_points": 20}
OPTIONS = ("--seeds", "1", "--gaussian-noise", "--gaussian-levels", "--image-noise", "0.1", "--image-levels", "0.3",
           "--image-hidden", "4", "--image-epochs", "3", "--dense", "1", "--growth", "3")
CUT = "an embedded cut of Fashion-MNIST, 500 + 500 of its 60000 + 10000 images"


@pytest.fixture(autouse=True)
def system_folder(monkeypatch, tmp_path):
    images_module._read.cache_clear()
    nothing_installed(monkeypatch, tmp_path / "system")
    yield tmp_path / "system"
    images_module._read.cache_clear()


@pytest.fixture
def folder(tmp_path):
    """60 training and 40 test images of 3 x 3 pixels."""
    return write_files(tmp_path / "files", small_arrays(60, 40))


def settings_of(images, data_dir="", **changes):
    (case,) = cases(Config(images=images, data_dir=str(data_dir), **{**TINY, **changes}))
    return case.plain[0].settings()


def run(results, *options):
    return main(["run", "zero_loss", "--results", str(results), *OPTIONS, *options])


# --- from the command line to the tables ---

def test_images_from_a_folder(folder, tmp_path, capsys, monkeypatch):
    read = []
    image_set, reader = images_module.READERS["mnist"]
    monkeypatch.setitem(images_module.READERS, "mnist", (image_set, lambda where: read.append(where) or reader(where)))
    arguments = "--images", "mnist", "--data-dir", str(folder), "--image-train", "30", "--image-validation", "20"
    assert run(tmp_path / "results", *arguments) == 0
    out, err = capsys.readouterr()
    assert read == [str(folder)]  # once for two runs, table, figures and answer
    assert err.count("images: not the published mnist: 60 + 40 images from other files") == len(err.splitlines()) - 1 == 1
    assert "MNIST, other files, 10 % flipped labels (1 seed" in out and "\nnot the published mnist: 60 + 40 images" in out
    stored = Store(tmp_path / "results").require(settings_of("mnist", folder, image_train=30, image_validation=20,
                                                             curve_points=1000))
    assert stored.arrays["end.output_margins"].shape == (30,)
    monkeypatch.setattr(trainer, "train_fleet", lambda runs: pytest.fail("a finished run was trained again"))
    assert run(tmp_path / "results", *arguments) == 0


def test_the_cut_says_so_once_and_names_the_tables(tmp_path, capsys):
    for _ in range(2):  # the second time nothing is left to train
        assert run(tmp_path, "--images", "fashion_mnist") == 0
        out, err = capsys.readouterr()
        assert err.startswith(f"images: {CUT}; for all, install Debian's dataset-fashion-mnist")
        assert [line.partition(":")[0] for line in err.splitlines()] in (["images", "training"], ["images"])
        assert "Fashion-MNIST, embedded cut, 10 % flipped labels (1 seed" in out and f"\n{CUT}\n" in out
        assert "install Debian" not in out


def test_the_published_set_needs_no_note(folder, monkeypatch, capsys):
    published = dataclasses.replace(FASHION_MNIST, sha256=read_image_files(folder).sha256())
    monkeypatch.setitem(images_module.READERS, "fashion_mnist", (published, lambda where: read_published(published, where)))
    (case,) = cases(Config(images="fashion_mnist", data_dir=str(folder), **TINY, image_train=20))
    assert case.title == "Fashion-MNIST, 10 % flipped labels" and case.note == ""
    announce(images_of(Config(images="fashion_mnist", data_dir=str(folder))))
    assert capsys.readouterr() == ("", "")


def test_digits_need_no_files(monkeypatch, capsys):
    monkeypatch.setenv("AFTERZERO_DATA", "/nowhere")
    monkeypatch.setattr("experiments.trainers.image_settings.read_images",
                        lambda *_: pytest.fail("files were read for digits"))
    (case,) = cases(Config(**TINY))
    assert case.title == "Digits, 10 % flipped labels" and case.plain[0].data.files == case.note == ""
    assert (case.plain[0].data.train, case.plain[0].data.validation) == (300, 300)


# --- which files a run is about ---

def test_identity_follows_the_content_of_the_files(folder, tmp_path, monkeypatch):
    known = settings_of("mnist", folder, image_train=20)
    assert not any(str(tmp_path) in str(value) for value in known.values())

    def elsewhere(name, arrays, **how):
        return settings_of("mnist", write_files(tmp_path / name, arrays, **how), image_train=20)

    same = small_arrays(60, 40)
    assert elsewhere("packed", same, pack=gzip.compress, suffix=".gz") == known
    for i, array in enumerate(same):
        other = [a.copy() for a in same]
        other[i].flat[-1] = (array.flat[-1] + 1) % 10  # one pixel, or one label
        assert elsewhere(f"other{i}", other)["files"] != known["files"], NAMES[i]
    monkeypatch.setenv("AFTERZERO_DATA", str(folder))
    assert settings_of("mnist", image_train=20) == known
    whole = settings_of("fashion_mnist", image_train=20)
    assert whole["files"] == known["files"]  # the variable is looked up before the cut
    monkeypatch.delenv("AFTERZERO_DATA")
    cut = settings_of("fashion_mnist", image_train=20)
    assert cut["files"] not in ("", whole["files"]) and {**cut, "files": ""} == {**whole, "files": ""}


def test_one_relative_name_in_two_places(folder, tmp_path, monkeypatch):
    write_files(tmp_path / "below" / "files", small_arrays(60, 40, shift=1))
    found = []
    for place in (tmp_path, tmp_path / "below"):
        monkeypatch.chdir(place)
        found.append(settings_of("mnist", "files", image_train=20)["files"])
    assert found[0] != found[1]


@pytest.mark.parametrize("name, load", [("fashion_mnist", fashion_mnist), ("mnist", mnist)])
def test_runs_train_on_what_the_loader_returns(folder, name, load):
    (case,) = cases(Config(images=name, data_dir=str(folder), **TINY, image_train=30, image_validation=15))
    found = load_data(case.flooded[0][0].data, 0)
    wanted = load(30, 15, noise=0.1, seed=0, data_dir=folder)
    assert len(read_images(name, str(folder)).data_set(30, 15, 10).test) == 10
    for part in ("train", "validation", "test"):
        for what in ("x", "y", "y_clean"):
            assert np.array_equal(getattr(getattr(found, part), what), getattr(getattr(wanted, part), what)), (part, what)
    assert (found.name, found.note, len(found.test)) == (name, wanted.note, 40)


def test_a_run_refuses_other_files_than_its_own(folder, tmp_path, monkeypatch):
    (case,) = cases(Config(images="mnist", data_dir=str(folder), **TINY, image_train=20))
    run = case.plain[0]
    read_images("mnist", str(write_files(tmp_path / "other", small_arrays(60, 40, shift=1))))
    for again in (lambda: None, lambda: monkeypatch.setenv("AFTERZERO_DATA", str(tmp_path / "other"))):
        again()
        with pytest.raises((ValueError, OSError), match=r"files: got .*; name their folder|names no folder with MNIST"):
            trainer.train_fleet([run.settings()])
    monkeypatch.setenv("AFTERZERO_DATA", str(folder))  # as a worker elsewhere has it
    assert len(load_data(run.data, 0).train) == 20
    with pytest.raises(ValueError, match=r"data: got 'cifar', accepted: 'two_gaussians', .*'mnist'"):
        load_data(run.but(data="cifar").data, 0)


@pytest.mark.parametrize("wanted, used", [({}, (300, 200)), ({"image_train": 100}, (100, 100)),
                                          ({"image_train": 499}, (499, 1)),
                                          ({"image_train": 100, "image_validation": 400}, (100, 400))])
def test_sizes_of_the_cut(wanted, used):
    settings = settings_of("fashion_mnist", **wanted)
    assert (settings["train"], settings["validation"], settings["test"]) == (*used, 0)


# --- what is refused ---

def spoil(folder):
    (folder / NAMES[2]).write_bytes(b"\0\0\x08\x03 cut off")


@pytest.mark.parametrize("options, message", [
    (("--images", "cifar"), "images: got 'cifar', accepted: digits, fashion_mnist, mnist"),
    (("--data-dir", "."), "data_dir: got '.', accepted: a folder with images fashion_mnist or mnist"),
    (("--image-validation", "-1"), "image_validation: got -1, accepted: a whole number of at least 0, 0 for"),
    (("--image-train", "900"), "image_train: got 900, accepted: less than 1797 with image_validation")])
def test_settings_out_of_range(tmp_path, capsys, options, message):
    with pytest.raises(SystemExit) as stop:  # tyro's way out
        run(tmp_path, *options)
    out, err = capsys.readouterr()
    assert stop.value.code == 2 and message in " ".join((out + err).replace("│", " ").split())


@pytest.mark.parametrize("prepare, options, message", [
    (None, ("--images", "mnist"), "data_dir: got None, and AFTERZERO_DATA names no folder with MNIST, accepted: a"),
    (None, ("--images", "mnist", "--data-dir", "nowhere"), "data_dir: got 'nowhere', which is no folder, accepted: a"),
    (None, ("--images", "mnist", "--data-dir", "."), "data_dir: got '.', which does not hold the files, accepted: "),
    (lambda folder: (folder / NAMES[1]).unlink(), ("--images", "mnist", "--data-dir", "files"),
     f"files: got no {NAMES[1]}, accepted: these names"),
    (spoil, ("--images", "fashion_mnist", "--data-dir", "files"), f"files/{NAMES[2]}: got "),
    (None, ("--images", "mnist", "--data-dir", "files", "--image-train", "60"),
     "image_train: got 60, accepted: at most 59, what validation leaves of the 60 training images of not the published "
     "mnist"),
    (None, ("--images", "fashion_mnist", "--image-train", "450", "--image-validation", "51"),
     f"image_train: got 450, accepted: at most 449, what validation leaves of the 500 training images of {CUT}"),
    (None, ("--images", "fashion_mnist", "--image-validation", "500"),
     "image_validation: got 500, accepted: less than 500")])
def test_files_that_will_not_do_are_one_line(folder, tmp_path, capsys, monkeypatch, prepare, options, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("experiments.trainers.asking.train_missing", lambda *_: pytest.fail("training began"))
    if prepare:
        prepare(folder)
    assert run(tmp_path / "results", *options) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and err.startswith(f"afterzero: {message}")


def test_a_folder_of_the_variable_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("AFTERZERO_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(SettingError, match=r"AFTERZERO_DATA: got .*nowhere', which is no folder"):
        settings_of("fashion_mnist")
