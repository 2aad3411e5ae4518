"""Small image sets in folders, as MNIST and Fashion-MNIST are published, and a machine that has none installed."""
import numpy as np

from experiments.data import encode_idx
from experiments.data import image_sets as image_sets_module
from experiments.data.places import find_folder

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def small_arrays(count=20, test_count=10, side=3, shift=0):
    rng = np.random.default_rng(shift)
    return [rng.integers(0, 256, (count, side, side), dtype=np.uint8), ((np.arange(count) + shift) % 10).astype(np.uint8),
            rng.integers(0, 256, (test_count, side, side), dtype=np.uint8), (np.arange(test_count) % 10).astype(np.uint8)]


def write_files(folder, arrays=None, *, names=NAMES, pack=bytes, suffix=""):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(names, small_arrays() if arrays is None else arrays, strict=True):
        (folder / f"{name}{suffix}").write_bytes(pack(encode_idx(array)))
    return folder


def nothing_installed(monkeypatch, system_folder):
    """Let `system_folder` stand for that of the system's packages, and AFTERZERO_DATA be unset."""
    monkeypatch.delenv("AFTERZERO_DATA", raising=False)
    monkeypatch.setattr(image_sets_module, "find_folder", lambda wanted, subfolders, system, data_dir: find_folder(
        wanted, subfolders, system_folder, data_dir=data_dir))
