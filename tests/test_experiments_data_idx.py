"""The IDX parser: what was written is read, and whatever else is in a file is refused, within bounded memory."""
import gzip
import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.data import IdxError, encode_idx, read_idx
from experiments.data.idx import parse_idx

ARRAY = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
VALID = encode_idx(ARRAY)
PACKED = gzip.compress(VALID, mtime=0)


def header(kind, *sizes, axes=None):
    return bytes([0, 0, kind, len(sizes) if axes is None else axes]) + struct.pack(f">{len(sizes)}I", *sizes)


def write(folder, content):
    path = folder / "images"
    path.write_bytes(content)
    return path


def test_a_file_byte_by_byte():
    """The format as published: magic, big-endian sizes, elements row by row."""
    assert encode_idx(np.array([[1, 2, 3], [4, 5, 255]], dtype=np.uint8)) == bytes(
        [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255])


@pytest.mark.parametrize("shape", [(1,), (5,), (2, 3), (4, 28, 28), (1, 2, 1, 2, 1, 2, 1, 2)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_round_trip(tmp_path, shape, pack):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    found = read_idx(write(tmp_path, pack(encode_idx(array))))
    assert np.array_equal(found, array) and found.dtype == np.uint8
    found[...] = 0  # writable, and its own


def test_packed_is_told_by_content_not_by_name(tmp_path):
    (tmp_path / "a.gz").write_bytes(VALID)
    (tmp_path / "b").write_bytes(PACKED)
    assert np.array_equal(read_idx(tmp_path / "a.gz"), read_idx(tmp_path / "b"))


def test_gzip_of_several_members_is_one_file(tmp_path):
    assert np.array_equal(read_idx(write(tmp_path, gzip.compress(VALID[:9]) + gzip.compress(VALID[9:]))), ARRAY)


BAD = [
    (b"", "first bytes none"),
    (VALID[:3], "first bytes 00 00 08,"),
    (b"\x89PNG" + VALID[4:], "first bytes 89 50 4e 47, accepted: an IDX file"),
    (b"\0\x01" + VALID[2:], "first bytes 00 01 08 03"),
    (header(0x0D, 2) + bytes(8), r"element type 0x0D \(float32\), accepted: 0x08 \(uint8\)"),
    (header(0x00, 2) + bytes(2), "element type 0x00, accepted"),
    (header(0x08), "0 axes, accepted: 1 to 8"),
    (header(0x08, *[1] * 9) + b"\0", "9 axes, accepted: 1 to 8"),
    (header(0x08, 2, axes=2), "4 bytes of axis sizes, accepted: 8, for 2 axes"),
    (header(0x08, 0, 28, 28), r"the shape \(0, 28, 28\), accepted: no empty axis"),
    (header(0x08, 0, 2**32 - 1, 2**32 - 1), "no empty axis"),
    (VALID[:-1], r"23 bytes after the header, accepted: 24, for the shape \(2, 3, 4\)"),
    (VALID + b"\0", "more bytes after the header, accepted: 24"),
    (header(0x08, 2**32 - 1, 2**32 - 1), r"promises \(4294967295, 4294967295\) = 18446744065119617025 bytes, accepted: at"),
    (header(0x08, 2**30 + 1), "promises .* accepted: at most max_bytes = 1073741824")]


@pytest.mark.parametrize("content, message", BAD)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_every_other_file_is_refused(tmp_path, content, message, pack):
    with pytest.raises(IdxError, match=message) as caught:
        read_idx(write(tmp_path, pack(content)))
    assert "images: got" in str(caught.value) and isinstance(caught.value, ValueError)


@pytest.mark.parametrize("content", [
    PACKED[:-1], PACKED[:-9], PACKED[:12], PACKED[:3], b"\x1f\x8b", PACKED + b"rubbish", PACKED[:2] + b"\xff" + PACKED[3:],
    PACKED[:-8] + bytes(4) + PACKED[-4:], PACKED[:-4] + b"\1\2\3\4"])  # the last two: wrong check sum, wrong length
def test_damaged_gzip_is_refused(tmp_path, content):
    with pytest.raises(IdxError, match=r"images: got damaged gzip data .*, accepted: a whole .gz file"):
        read_idx(write(tmp_path, content))


def test_a_missing_file_is_reported_by_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "images")


def test_the_limit_is_inclusive(tmp_path):
    path = write(tmp_path, VALID)
    assert read_idx(path, max_bytes=24).size == 24
    with pytest.raises(IdxError, match="at most max_bytes = 23"):
        read_idx(path, max_bytes=23)


def peak_of(call):
    """Return the most memory (bytes) that Python held during a call that must be refused."""
    tracemalloc.start()
    with pytest.raises(IdxError):
        call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_a_promise_allocates_nothing(tmp_path):
    """Twelve bytes promise a gigabyte: a reader that asks for it at once would allocate it."""
    for content in (header(0x08, 2**15, 2**15), gzip.compress(header(0x08, 2**15, 2**15))):
        path = write(tmp_path, content)
        assert peak_of(lambda path=path: read_idx(path)) < 8 << 20


def test_a_decompression_bomb_is_cut_short(tmp_path):
    """256 MiB of zeros in 256 kB, behind a header that promises four bytes."""
    zeros = bytes(1 << 20)
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(header(0x08, 4)) + b"".join(packer.compress(zeros) for _ in range(256)) + packer.flush()
    path = write(tmp_path, bomb)
    assert len(bomb) < 300_000 and peak_of(lambda: read_idx(path)) < 8 << 20


@pytest.mark.parametrize("array, error, message", [
    (np.zeros((2, 2)), TypeError, "dtype float64, accepted: uint8"),
    (np.zeros((0, 2), np.uint8), ValueError, r"shape \(0, 2\), accepted: 1 to 8 axes"),
    (np.uint8(1), ValueError, r"shape \(\)"), (np.zeros([1] * 9, np.uint8), ValueError, "accepted: 1 to 8 axes")])
def test_what_cannot_be_read_is_not_written(array, error, message):
    with pytest.raises(error, match=message):
        encode_idx(array)


# --- fuzzing ---

def outcome(path):
    """Return the array, or None for a refusal as documented; anything else is raised, and so is a large allocation."""
    tracemalloc.start()
    try:
        return read_idx(path, max_bytes=2**28)
    except IdxError as error:
        assert ": got " in str(error) and "accepted" in str(error)
        return None
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 << 20


EDITS = st.lists(st.one_of(
    st.tuples(st.just("change"), st.integers(0, 60), st.integers(0, 255)),
    st.tuples(st.just("insert"), st.integers(0, 60), st.integers(0, 255)),
    st.tuples(st.just("delete"), st.integers(0, 60), st.just(0)),
    st.tuples(st.just("cut"), st.integers(0, 60), st.just(0))), min_size=1, max_size=4)


def edited(content, edits):
    content = bytearray(content)
    for kind, place, value in edits:
        place %= max(len(content), 1)
        if kind == "insert":
            content.insert(place, value)
        elif kind == "cut":
            del content[place:]
        elif content:
            if kind == "change":
                content[place] = value
            else:
                del content[place]
    return bytes(content)


@settings(max_examples=300, deadline=None)
@given(edits=EDITS)
def test_edited_files_are_read_exactly_or_refused(tmp_path_factory, edits):
    content = edited(VALID, edits)
    found = outcome(write(tmp_path_factory.getbasetemp(), content))
    if found is not None:
        assert encode_idx(found) == content  # nothing was left out or made up


@settings(max_examples=300, deadline=None)
@given(edits=EDITS)
def test_edited_packed_files_give_the_same_array_or_are_refused(tmp_path_factory, edits):
    """The check sum of gzip covers everything but its own header, where a time or a name may change."""
    content = edited(PACKED, edits)
    found = outcome(write(tmp_path_factory.getbasetemp(), content))
    if found is not None:
        assert np.array_equal(found, ARRAY)


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=64), start=st.sampled_from([b"", b"\0\0\x08", b"\0\0\x08\x01", b"\x1f\x8b\x08"]))
def test_arbitrary_files_are_read_exactly_or_refused(tmp_path_factory, content, start):
    found = outcome(write(tmp_path_factory.getbasetemp(), start + content))
    if found is not None and not start.startswith(b"\x1f"):
        assert encode_idx(found) == start + content


@settings(max_examples=100, deadline=None)
@given(sizes=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=8), content=st.binary(max_size=8))
def test_headers_of_any_size_are_bounded(sizes, content):
    try:
        found = parse_idx(io.BytesIO(header(0x08, *sizes) + content), "images")
        assert found.shape == tuple(sizes) and found.tobytes() == content
    except IdxError:
        assert int(np.prod(np.array(sizes, dtype=object))) != len(content) or 0 in sizes
