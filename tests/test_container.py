"""Files: what comes back is what was written, or an error that says why not."""

import io
import json
import os
import zipfile

import numpy as np
import pytest
from deepxde_lrnr.io import FileFormatError, container

ARRAYS = {
    "weights/0": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "empty": np.zeros((0, 2)),
    "flags": np.array([True, False]),
    "number": np.array(-3),
}
HEADER = {"names": ["nu"], "nothing": None, "low": 0.1}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file.npz"
    container.write(path, "model", HEADER, ARRAYS)
    return path


def test_header_and_arrays_come_back(path):
    header, arrays = container.read(path, "model")
    assert header == HEADER
    assert arrays.keys() == ARRAYS.keys()
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], expected)
        assert arrays[name].dtype == expected.dtype and arrays[name].flags.writeable
    content = container.read_any(path)
    assert content.kind == "model" and content.format == container.FORMAT
    assert content.versions["numpy"] == np.__version__


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_nobody_waits_for_what_a_pipe_may_bring(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(OSError, match="it is a named pipe; it must be a file"):
        container.read(tmp_path / "pipe.npz", "model")


def test_numpy_opens_it_and_equal_content_makes_equal_files(path, tmp_path):
    with np.load(path, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["weights/0"], ARRAYS["weights/0"])
    other = tmp_path / "other"
    container.write(other, "model", HEADER, ARRAYS)
    assert other.read_bytes() == path.read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["file.npz", "other"]


def test_big_endian_arrays_come_back_by_value(tmp_path):
    path = tmp_path / "file"
    container.write(path, "model", {}, {"x": np.arange(3, dtype=">f8")})
    x = container.read(path, "model")[1]["x"]
    assert x.dtype == np.float64 and x.tolist() == [0, 1, 2]


def test_every_flipped_byte_is_found(path):
    data = path.read_bytes()
    for i in range(len(data)):
        for mask in (0x01, 0xFF):
            path.write_bytes(data[:i] + bytes([data[i] ^ mask]) + data[i + 1 :])
            with pytest.raises(FileFormatError, match="file.npz .*damaged"):
                container.read(path, "model")


def test_every_truncation_and_addition_is_found(path):
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(FileFormatError, match="file.npz is"):
            container.read(path, "model")
    for more in (data + b"\0", b"\0" + data, data + data):
        path.write_bytes(more)
        with pytest.raises(FileFormatError, match="damaged"):
            container.read(path, "model")


def test_says_what_a_foreign_or_missing_file_is(path, tmp_path):
    with pytest.raises(FileFormatError, match="holds a model, not a checkpoint"):
        container.read(path, "checkpoint")
    foreign = tmp_path / "foreign.npz"
    np.savez(foreign, x=np.zeros(3))
    with pytest.raises(FileFormatError, match="foreign.npz is not a file of"):
        container.read(foreign, "model")
    foreign.write_bytes(b"")
    with pytest.raises(FileFormatError, match="foreign.npz is empty"):
        container.read(foreign, "model")
    with pytest.raises(FileNotFoundError, match="missing"):
        container.read(tmp_path / "missing", "model")
    with pytest.raises(IsADirectoryError):
        container.read(tmp_path, "model")


def test_a_newer_file_is_named_as_such(path, monkeypatch):
    monkeypatch.setattr(container, "FORMAT", 2)
    container.write(path, "model", HEADER, ARRAYS)
    monkeypatch.undo()
    with pytest.raises(FileFormatError, match="has format 2; .* reads up to 1"):
        container.read(path, "model")


def sealed(members: dict[str, bytes], compression=zipfile.ZIP_STORED) -> bytes:
    """A file with a checksum that fits, by an author who means harm."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        archive.comment = container._SEAL + b"0" * 64
    data = buffer.getvalue()[:-64]
    return data + container._digest(data)


def member(array, **kwargs) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **kwargs)
    return buffer.getvalue()


def header(**changes) -> bytes:
    envelope = {"kind": "model", "format": 1, "versions": {}, "header": {}}
    envelope |= {"arrays": {"x": ["<f8", 2]}} | changes
    text = json.dumps(envelope).encode()
    return member(np.frombuffer(text, np.uint8))


def fake_size(size: int) -> bytes:
    """An array that says it has ``size`` entries, but has two."""
    return member(np.zeros(2)).replace(b"(2,), ", f"({size},), ".encode())


def test_a_member_that_says_it_is_huge_allocates_nothing(path):
    path.write_bytes(
        sealed({"deepxde_lrnr.npy": header(), "x.npy": member(np.ones(2))})
    )
    assert container.read(path, "model")[1]["x"].tolist() == [1, 1]
    for size in (3, 10**15, 10**30):
        bad = {"deepxde_lrnr.npy": header(), "x.npy": fake_size(size)}
        path.write_bytes(sealed(bad))
        with pytest.raises(FileFormatError, match="not well-formed"):
            container.read(path, "model")


class Harmful:
    def __reduce__(self):
        return (os.mkdir, ("executed",))


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"deepxde_lrnr.npy": header()},
        {"deepxde_lrnr.npy": header(), "x.npy": member(np.zeros(3))},
        {"deepxde_lrnr.npy": header(), "x.npy": b"no array"},
        {"deepxde_lrnr.npy": header(), "x.npy": member(np.array([Harmful()] * 2))},
        {"deepxde_lrnr.npy": header(), "x": member(np.zeros(2)), "x.npy": b""},
        {"deepxde_lrnr.npy": header(arrays={}), "x.npy": member(np.zeros(2))},
        {"deepxde_lrnr.npy": header(format="x"), "x.npy": member(np.zeros(2))},
        {"deepxde_lrnr.npy": header(header=3), "x.npy": member(np.zeros(2))},
        {"deepxde_lrnr.npy": member(np.frombuffer(b"[" * 10**5, np.uint8))},
        {"deepxde_lrnr.npy": member(np.frombuffer(b"{}", np.uint8))},
    ],
)
def test_a_checksum_that_fits_opens_no_door(path, tmp_path, monkeypatch, members):
    monkeypatch.chdir(tmp_path)
    path.write_bytes(sealed(members))
    with pytest.raises(FileFormatError, match="file.npz"):
        container.read(path, "model")
    assert os.listdir(tmp_path) == ["file.npz"]


def test_a_compressed_member_is_not_unpacked(path):
    bomb = {"deepxde_lrnr.npy": header(), "x.npy": member(np.zeros(10**6))}
    path.write_bytes(sealed(bomb, zipfile.ZIP_DEFLATED))
    with pytest.raises(FileFormatError, match="not well-formed"):
        container.read(path, "model")


@pytest.mark.parametrize(
    "arrays, error",
    [
        ({"x": np.array([None])}, TypeError),
        ({"x": np.array(["text"])}, TypeError),
        ({"x": np.array([1j])}, TypeError),
        ({"../x": np.zeros(1)}, ValueError),
        ({"deepxde_lrnr": np.zeros(1)}, ValueError),
    ],
)
def test_what_a_file_cannot_hold_is_refused(path, arrays, error):
    before = path.read_bytes()
    with pytest.raises(error, match=repr(next(iter(arrays)))):
        container.write(path, "model", {}, arrays)
    assert path.read_bytes() == before
