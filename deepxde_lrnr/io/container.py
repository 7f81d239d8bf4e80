"""Files of arrays and a JSON header, in which no changed byte goes unnoticed.

A file is a NumPy archive (.npz, not compressed, no pickles): ``np.load`` opens it as
well. Its first member is the header. Its end, the archive's comment, is the SHA-256
of all bytes before. This is checked before anything is read out of the file, so that
one changed, missing or additional byte anywhere is an error.

The checksum guards against damage, not against an author who means harm. So reading
only ever makes arrays of numbers and what JSON can say; an array is not longer than
its part of the file.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import zipfile
from dataclasses import dataclass

import numpy as np

from .._atomic import check_regular, write_atomically
from .._version import __version__

# Grows whenever files change so that older releases would misread them.
FORMAT = 1
_HEADER = "deepxde_lrnr"
# The local file header of a zip archive, then the name of the member.
_SIGNATURE, _NAME_AT = b"PK\x03\x04", 30
_START = f"{_HEADER}.npy".encode()
_SEAL = b"deepxde_lrnr sha256 "
_DIGITS = 64
# Kinds of dtype: bool, integers, unsigned integers, floats.
_KINDS = "biuf"
_NAME = re.compile(r"[A-Za-z0-9_]+([./-][A-Za-z0-9_]+)*")
_LIBRARIES = ("deepxde", "tensorflow", "keras", "numpy")


class FileFormatError(ValueError):
    """A file is damaged, foreign, of another kind, or of a newer release.

    The message names the file and says which of these it is.
    """


@dataclass(frozen=True)
class Content:
    """What is in a file.

    Attributes:
        kind: What the file holds, e.g. "fast model".
        format: Version of the format.
        versions: Version of deepxde_lrnr, and of the libraries, that wrote it.
        header: What was given to ``write``.
        arrays: The same.
    """

    kind: str
    format: int
    versions: dict[str, str]
    header: dict
    arrays: dict[str, np.ndarray]


def write(path, kind: str, header: dict, arrays: dict[str, np.ndarray]) -> None:
    """Writes a file, atomically.

    The same content gives the same bytes (with the same versions of the libraries).

    Args:
        path: Where to write; what was there before is replaced.
        kind: What the file holds; ``read`` asks for it.
        header: Dictionary of what JSON can say. Tuples come back as lists.
        arrays: Arrays of bool, integers or floats. The names consist of letters,
            digits and "_", with ".", "/" or "-" in between.

    Raises:
        OSError: If the file cannot be written; what was there is unchanged.
        TypeError: If an array has another dtype, or JSON cannot say ``header``.
        ValueError: If the name of an array is not as above.
    """
    arrays = {name: _plain(name, array) for name, array in arrays.items()}
    envelope = {
        "kind": kind,
        "format": FORMAT,
        "versions": {"deepxde_lrnr": __version__, **_versions()},
        "header": header,
        "arrays": {name: [a.dtype.str, *a.shape] for name, a in arrays.items()},
    }
    text = np.frombuffer(json.dumps(envelope).encode(), np.uint8)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in ({_HEADER: text} | arrays).items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, (1, 0), allow_pickle=False)
            # Not the time of writing: equal content makes equal files.
            info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(info, member.getbuffer())
        # The comment's place and length are fixed now, its digits are not yet.
        archive.comment = _SEAL + b"0" * _DIGITS
    sealed = buffer.getvalue()[:-_DIGITS]
    write_atomically(path, sealed + _digest(sealed))


def read(path, kind: str) -> tuple[dict, dict[str, np.ndarray]]:
    """Reads the header and the arrays of a file of the given kind.

    Raises:
        OSError: If the file cannot be read, e.g. because it is not there, or is a pipe.
        FileFormatError: If it is not an undamaged file of this kind.
    """
    content = read_any(path)
    if content.kind != kind:
        raise FileFormatError(f"{path} holds a {content.kind}, not a {kind}.")
    return content.header, content.arrays


def read_any(path) -> Content:
    """Reads a file of any kind.

    Raises:
        OSError: If the file cannot be read, e.g. because it is not there.
        FileFormatError: If it is not an undamaged file of deepxde_lrnr.
    """
    data = _checked_bytes(path)
    try:
        return _parse(path, data)
    except FileFormatError:
        raise
    # The bytes are those that were written, but not by ``write``: what can be wrong
    # with them, and the type of the error, is up to whoever wrote them.
    except Exception as error:
        raise FileFormatError(f"{path} is not well-formed: {error!r}.") from error


def _checked_bytes(path) -> bytes:
    """All bytes of the file, found to be those that were written."""
    check_regular(path)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(_NAME_AT + len(_START))
        if not start:
            raise FileFormatError(f"{path} is empty.")
        if not (start.startswith(_SIGNATURE) and start.endswith(_START)):
            raise FileFormatError(
                f"{path} is not a file of deepxde_lrnr (or its beginning is damaged)."
            )
        file.seek(0)
        data = file.read(size)
    sealed, digits = data[:-_DIGITS], data[-_DIGITS:]
    if not sealed.endswith(_SEAL):
        raise FileFormatError(
            f"{path} is truncated or damaged: of {len(data)} bytes, the last are not "
            "its checksum. Copy or save it again."
        )
    if digits != _digest(sealed):
        raise FileFormatError(
            f"{path} is damaged: the checksum does not fit. Copy or save it again."
        )
    return data


def _parse(path, data: bytes) -> Content:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        members = {info.filename.removesuffix(".npy"): info for info in infos}
        # A compressed member could be of any size, and members may share their bytes.
        stored = all(info.compress_type == zipfile.ZIP_STORED for info in infos)
        total = sum(info.file_size for info in infos)
        if len(members) != len(infos) or not stored or total > len(data):
            raise FileFormatError(f"{path} is not well-formed: its members overlap.")
        envelope = json.loads(_array(archive.read(members.pop(_HEADER))).tobytes())
        version = int(envelope["format"])
        if version > FORMAT:
            raise FileFormatError(
                f"{path} has format {version}; deepxde_lrnr {__version__} reads up to "
                f"{FORMAT}. It was written by {envelope['versions']['deepxde_lrnr']}: "
                "install that release or a later one."
            )
        arrays = {name: _array(archive.read(info)) for name, info in members.items()}
    found = {name: [a.dtype.str, *a.shape] for name, a in arrays.items()}
    if found != envelope["arrays"]:
        raise FileFormatError(f"{path} is not well-formed: other arrays than it lists.")
    header, versions = dict(envelope["header"]), dict(envelope["versions"])
    return Content(str(envelope["kind"]), version, versions, header, arrays)


def _array(member: bytes) -> np.ndarray:
    """The array of a member; no larger than the member, and never an object."""
    stream = io.BytesIO(member)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("a member is no array of version 1.0")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    size = len(member) - stream.tell()
    if fortran or dtype.kind not in _KINDS or math.prod(shape) * dtype.itemsize != size:
        raise ValueError(f"a member has dtype {dtype}, shape {shape} and {size} bytes")
    return np.frombuffer(member, dtype, offset=stream.tell()).reshape(shape).copy()


def _plain(name: str, array) -> np.ndarray:
    """As an array whose bytes are the same on every machine."""
    if not _NAME.fullmatch(name) or name == _HEADER:
        raise ValueError(f"An array has the name {name!r}, which a file cannot have.")
    array = np.asarray(array, order="C")
    if array.dtype.kind not in _KINDS:
        raise TypeError(
            f"The array {name!r} has dtype {array.dtype}; it must be bool, an integer "
            "or a float."
        )
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _digest(sealed: bytes) -> bytes:
    return hashlib.sha256(sealed).hexdigest().encode()


def _versions() -> dict[str, str]:
    # Not needed to read.
    from importlib.metadata import version

    return {name: version(name) for name in _LIBRARIES}
