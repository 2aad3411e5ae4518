"""Before a table is read: is it a file of a kind that can be read, how is its text encoded, and which bytes are it?"""
import hashlib
import os
import stat
from pathlib import Path

from .errors import TableError, shown

PARQUET, FEATHER, TEXT = "parquet", "feather", "text"
READ = {b"PAR1": PARQUET, b"ARROW1": FEATHER}
ACCEPTED = "CSV or TSV as text, Parquet or Feather"
REFUSED = {  # magic bytes: what it is, and what helps
    b"\x1f\x8b": ("a gzip file", "unpack it first"), b"BZh": ("a bzip2 file", "unpack it first"),
    b"\xfd7zXZ": ("an xz file", "unpack it first"), b"\x28\xb5\x2f\xfd": ("a zstandard file", "unpack it first"),
    b"PK\x03\x04": ("a ZIP file (as .xlsx, .ods and .npz are)", "save the sheet as CSV"),
    b"\xd0\xcf\x11\xe0": ("an old Excel file", "save the sheet as CSV"),
    b"SQLite format 3\0": ("an SQLite database", "export the table as CSV"),
    b"FEA1": ("a Feather file of version 1", "pandas' to_feather writes version 2"),
    b"\x93NUMPY": ("a NumPy file", "numpy.savetxt(..., delimiter=',') writes CSV"),
    b"\x89HDF": ("an HDF5 file", "pandas' to_csv writes CSV"), b"%PDF": ("a PDF", ""), b"Obj\x01": ("an Avro file", ""),
    b"\x80\x02": ("a pickle, which may run code and is never read", "pandas' to_csv or to_parquet writes what is"),
    b"\x80\x03": ("a pickle, which may run code and is never read", "pandas' to_csv or to_parquet writes what is"),
    b"\x80\x04": ("a pickle, which may run code and is never read", "pandas' to_csv or to_parquet writes what is"),
    b"\x80\x05": ("a pickle, which may run code and is never read", "pandas' to_csv or to_parquet writes what is")}
MARKS = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16",
         b"\xef\xbb\xbf": "utf-8-sig"}
SPECIAL = {"a folder": stat.S_ISDIR, "a named pipe": stat.S_ISFIFO, "a socket": stat.S_ISSOCK,
           "a device": lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode)}


def kind_of(path: str | os.PathLike[str]) -> str:
    """Return whether a file holds text, Parquet or Feather, by its first bytes (names lie).

    Raises
    ------
    TableError
        If it is not there, may not be read, is empty, no regular file (a pipe could be read once only), or of another kind.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            found = next((name for name, is_kind in SPECIAL.items() if is_kind(mode)), "a special file")
            raise TableError(f"{path}: got {found}, accepted: a regular file, {ACCEPTED}")
        with open(path, "rb") as file:
            head = file.read(4096)
    except FileNotFoundError:
        raise TableError(f"{path}: got no such file{_beside(Path(path))}, accepted: {ACCEPTED}") from None
    except (OSError, ValueError) as error:  # of ValueError: a NUL in the name
        if isinstance(error, TableError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise TableError(f"{shown(path)}: got {reason}, accepted: a file that can be read, {ACCEPTED}") from None
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"):
        raise TableError(f"{path}: got {'an empty file' if not head else 'nothing but blanks'}, accepted: {ACCEPTED}")
    for magic, kind in READ.items():
        if head.startswith(magic):
            return kind
    for magic, (found, help_) in REFUSED.items():
        if head.startswith(magic):
            raise TableError(f"{path}: got {found}, accepted: {ACCEPTED}{f' ({help_})' if help_ else ''}")
    if b"\0" in head and encoding_of(head) == "utf-8":
        raise TableError(f"{path}: got a NUL at byte {head.index(0)}, so no text, accepted: {ACCEPTED}")
    return TEXT


def encoding_of(head: bytes) -> str:
    """Return how a text is encoded: what its mark says, UTF-16 where every other byte is 0, else UTF-8."""
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    start = head[:64]
    for zeros, others, encoding in ((start[1::2], start[::2], "utf-16-le"), (start[::2], start[1::2], "utf-16-be")):
        if len(start) >= 8 and not any(zeros) and all(others):
            return encoding
    return "utf-8"


def digest_of(paths: list[str | os.PathLike[str]], *options: object) -> str:
    """Return the SHA-256 of the bytes of files and of options."""
    total = hashlib.sha256(repr(options).encode())
    for path in paths:
        one = hashlib.sha256()
        with open(path, "rb") as file:
            while block := file.read(2**20):
                one.update(block)
        total.update(one.digest())
    return total.hexdigest()


def _beside(path: Path) -> str:
    """Return the name of a file nearby that may be meant, in words."""
    import difflib

    try:
        names = [entry.name for entry in os.scandir(path.parent)]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, names, n=1)
    return f" (there is {shown(near[0])})" if near else ""
