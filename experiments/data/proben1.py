"""Problems of Prechelt's Proben1 collection (1994), from the tables that Debian's package libfann-doc carries.

The permutations that Prechelt cut his three versions of each problem from cannot be made again. So training and test table
of the package are put together and cut anew, 50/25/25 as he did, by a seed: numbers compare with his in kind, not in digits.
"""
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from .fann import FannError, read_fann
from .labels import stratified_split
from .parts import split_parts, three_sizes
from .places import VARIABLE, find_folder
from .sets import DataSet, Split

SUBFOLDERS = ("proben1", "usr/share/doc/libfann-dev/examples/datasets")
SYSTEM_FOLDER = "/usr/share/doc/libfann-dev/examples/datasets"


@dataclass(frozen=True)
class Problem:
    """Samples, inputs and outputs of a table; whether the outputs are classes, one of K."""

    samples: int
    inputs: int
    outputs: int
    classes: bool = True


PROBLEMS = {"building": Problem(4208, 14, 3, classes=False), "diabetes": Problem(768, 8, 2), "gene": Problem(3175, 120, 3),
            "mushroom": Problem(8124, 125, 2), "soybean": Problem(683, 82, 19), "thyroid": Problem(7200, 21, 3)}


def proben1(problem: str, train: int | None = None, validation: int | None = None, test: int | None = None, *,
            noise: float = 0.0, seed: int = 0, data_dir: str | PathLike[str] | None = None) -> DataSet:
    """One problem, its two tables put together and cut anew by a seed.

    Looked for in `data_dir`; else in the folder that the environment variable AFTERZERO_DATA names (itself, or proben1 or
    usr/share/doc/libfann-dev/examples/datasets in it); else where libfann-doc puts it.

    Parameters
    ----------
    problem : {"building", "diabetes", "gene", "mushroom", "soybean", "thyroid"}
        building is a regression problem; its outputs are scaled otherwise than Prechelt's, so its errors do not compare.
    train, validation, test : int, optional
        Sizes of the parts; by default a half, a quarter, and all that is left. Stratified where there are classes.
    noise : float
        Share of labels flipped to another class, an exact count in each part; 0 for a regression problem.
    seed : int
        Decides splits and flips.
    data_dir : str or path, optional
        Folder of the files NAME.train and NAME.test; looked up nowhere else if given.

    Returns
    -------
    DataSet
        x is float32 of shape (N, D), as the table has it; y is int64 of shape (N,), or float32 of shape (N, K) for building.

    Raises
    ------
    FileNotFoundError
        When the files are not there.
    ValueError
        When an argument is out of range or a file is damaged (FannError) or another table.
    """
    if problem not in PROBLEMS:
        raise ValueError(f"problem: got {problem!r}, accepted: {', '.join(map(repr, PROBLEMS))}")
    about = PROBLEMS[problem]
    if noise and not about.classes:
        raise ValueError(f"noise: got {noise!r}, accepted for {problem!r}, which has no classes: 0")
    x, targets = _read_problem(problem, _folder(problem, data_dir))
    sizes = three_sizes(about.samples, train, validation, test)
    if about.classes:
        parts = split_parts(x, targets.argmax(axis=1), sizes, about.outputs, noise=noise, seed=seed)
    else:
        y = targets.astype(np.float32)
        one_class = np.zeros(about.samples, dtype=np.int64)
        parts = [Split(x[part], y[part], y[part])
                 for part in stratified_split(one_class, sizes, np.random.default_rng([seed, 0]))]
    train_set, validation_set, test_set = parts
    return DataSet(problem, train_set, validation_set, test_set,
                   classes=tuple(map(str, range(about.outputs))) if about.classes else (),
                   source="Proben1 (L. Prechelt, 1994), from Debian's libfann-doc, cut anew by a seed",
                   licence="LGPL-2.1+ (FANN); the tables are UCI's and DELVE's")


def _folder(problem: Any, data_dir: str | PathLike[str] | None) -> Path:
    def holds_table(folder: Path) -> bool:
        return (folder / f"{problem}.train").is_file()

    folder = find_folder(holds_table, SUBFOLDERS, SYSTEM_FOLDER, data_dir=data_dir)
    if folder is None:
        raise FileNotFoundError(f"data_dir: got None, and {problem}.train is neither below {VARIABLE} nor in "
                                f"{SYSTEM_FOLDER}, accepted: a folder with its tables; Debian's libfann-doc puts them there")
    return folder


def _read_problem(problem: Any, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs float32 (N, D) and outputs float64 (N, K) of both tables."""
    about = PROBLEMS[problem]
    tables = [read_fann(folder / f"{problem}.{part}") for part in ("train", "test")]
    for inputs, outputs in tables:
        if (inputs.shape[1], outputs.shape[1]) != (about.inputs, about.outputs):
            raise FannError(f"{folder}: got {problem} with {inputs.shape[1]} inputs and {outputs.shape[1]} outputs, "
                            f"accepted: {about.inputs} and {about.outputs}")
    x, y = (np.concatenate(arrays) for arrays in zip(*tables, strict=True))  # (N, D), (N, K)
    if len(x) != about.samples:
        raise FannError(f"{folder}: got {problem} with {len(x)} samples, accepted: {about.samples}")
    if about.classes and not (np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()):
        raise FannError(f"{folder}: got {problem} with outputs that are not one of {about.outputs}, accepted: one 1 in "
                        "each row")
    return x.astype(np.float32), y
