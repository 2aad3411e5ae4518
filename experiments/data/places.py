"""Where data sets that do not travel with the package are looked for."""
import os
from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path

VARIABLE = "AFTERZERO_DATA"


def find_folder(wanted: Callable[[Path], bool], subfolders: Iterable[str], system_folder: str | PathLike[str] | None = None,
                *, data_dir: str | PathLike[str] | None = None) -> Path | None:
    """Return the first folder that holds what is wanted: `data_dir`, or else AFTERZERO_DATA, or else the system's folder.

    Parameters
    ----------
    wanted : callable
        Path -> bool: is it there?
    subfolders : sequence of str
        Tried below `data_dir` and AFTERZERO_DATA, before these themselves.
    system_folder : str or path, optional
        Where a package of the operating system puts the files.
    data_dir : str or path, optional
        If given, nothing else is tried.

    Returns
    -------
    Path or None
        None when the files are nowhere, and no `data_dir` was given.

    Raises
    ------
    FileNotFoundError
        When `data_dir` does not hold the files, or AFTERZERO_DATA is no folder: a name spelt wrong must not silently end in
        other data.
    """
    named = data_dir if data_dir is not None else os.environ.get(VARIABLE) or None
    if named is not None:
        origin = "data_dir" if data_dir is not None else VARIABLE
        if not Path(named).is_dir():
            raise FileNotFoundError(f"{origin}: got {str(named)!r}, which is no folder, accepted: a folder with data")
        for folder in (*(Path(named) / name for name in subfolders), Path(named)):
            if wanted(folder):
                return folder
        if data_dir is not None:
            below = ", ".join(subfolders)
            raise FileNotFoundError(f"data_dir: got {str(named)!r}, which does not hold the files, accepted: a folder that "
                                    f"holds them itself or in {below}")
    return Path(system_folder) if system_folder and wanted(Path(system_folder)) else None
