"""Where the chunks of a sweep go: memory, one .npz file, or a Zarr folder.

A store allocates an array of n rows when it sees the first chunk of it. On the disk it
works beside the place that was asked for, and takes that place when all is there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .._atomic import check_regular

SUFFIXES = (".npz", ".zarr")
# Strings have a fixed size in .npy files.
_STRING = "U32"
# What may be larger than the memory, and stays on the disk.
_LARGE = ("values", "u")
# Largest number of mu, and of numbers among the values, in a chunk.
_MAX_CHUNK = 256
_MAX_VALUES = 2**23


@dataclass(frozen=True)
class GridOutput:
    """For ``out`` of a sweep: a file in the form of the command line's others.

    Attributes:
        path: Where to write. An .npz file that is there is replaced.
        axes: Coordinates along each side of the grid, whose points the sweep has.
        mu: All mu, as they were given, not rounded to DeepXDE's default float.
    """

    path: str
    axes: list[np.ndarray]
    mu: np.ndarray


def size_of_chunks(num_points: int) -> int:
    """Number of mu in a chunk, with values at so many points."""
    return max(1, min(_MAX_CHUNK, _MAX_VALUES // num_points))


def open_store(out, num_rows: int, chunk_size: int, replace: bool = False):
    """Store for ``out``, as of ``sweep``; a context manager.

    Args:
        out: ``None``, a path, or a ``GridOutput``.
        num_rows: Number of mu.
        chunk_size: Number of mu in a chunk.
        replace: Whether an .npz file that is there may be replaced.

    Raises:
        ValueError: If ``out`` ends with neither ".npz" nor ".zarr".
        FileExistsError: If it exists.
        FileNotFoundError: If its folder does not.
        OSError: If there is something that is no file in its place.
        ImportError: If it is a Zarr folder and there is no Zarr.
    """
    if out is None:
        return MemoryStore(num_rows)
    if isinstance(out, GridOutput):
        store = open_store(out.path, num_rows, chunk_size, replace=True)
        return GridStore(store, out)
    path = Path(out)
    if path.suffix not in SUFFIXES:
        raise ValueError(f"out is {str(out)!r}; it must end with .npz or .zarr.")
    if replace and path.suffix == ".npz":
        check_regular(path)
    elif path.exists():
        raise FileExistsError(
            f"out is {str(out)!r}, which exists; take another name, or remove it."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"out is {str(out)!r}, but there is no folder {str(path.parent)!r}."
        )
    if path.suffix == ".npz":
        return NpzStore(path, num_rows)
    return ZarrStore(path, num_rows, chunk_size)


class MemoryStore:
    """Arrays in memory."""

    def __init__(self, num_rows: int):
        self.num_rows = num_rows
        self.arrays = {}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def write(self, rows: slice, arrays: dict[str, np.ndarray]) -> None:
        """Writes a chunk.

        Args:
            rows: Its rows.
            arrays: For each name an array with these rows.
        """
        for name, array in arrays.items():
            array = np.asarray(array)
            if name not in self.arrays:
                shape = (self.num_rows, *array.shape[1:])
                self.arrays[name] = self._allocate(name, shape, array.dtype)
            self.arrays[name][rows] = array

    def _allocate(self, name, shape, dtype):
        return np.empty(shape, dtype)

    def finish(self, extra: dict[str, np.ndarray]) -> dict:
        """Completes the store.

        Args:
            extra: Arrays that belong to no row.

        Returns:
            All arrays; "values", if there are any, as the store holds them.
        """
        return {**self.arrays, **extra}


class _DiskStore(MemoryStore):
    """What both have that write to the disk: a working folder."""

    def __init__(self, path: Path, num_rows: int):
        super().__init__(num_rows)
        self.path = path
        self.work = path.parent / f".{path.name}.{uuid.uuid4().hex}.tmp"
        self.work.mkdir()

    def __exit__(self, *error):
        self.arrays.clear()
        shutil.rmtree(self.work, ignore_errors=True)

    def _read(self, arrays) -> dict:
        small = {n: np.asarray(a[:]) for n, a in arrays.items() if n not in _LARGE}
        for name in ("status", "method"):
            if name in small:
                small[name] = small[name].astype(object)
        return small


class NpzStore(_DiskStore):
    """One .npz file, uncompressed, so that its arrays can be mapped into memory."""

    def _allocate(self, name, shape, dtype):
        return np.lib.format.open_memmap(
            self.work / f"{name}.npy",
            mode="w+",
            dtype=_STRING if dtype.kind == "O" else dtype,
            shape=shape,
        )

    def finish(self, extra):
        result = {**self._read(self.arrays), **extra}
        for array in self.arrays.values():
            array.flush()
        self.arrays.clear()
        for name, array in extra.items():
            np.save(self.work / f"{name}.npy", array)
        whole = self.work / "all.zip"
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED, allowZip64=True) as file:
            for part in sorted(self.work.glob("*.npy")):
                file.write(part, part.name)
                part.unlink()
        with open(whole, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(whole, self.path)
        mapped = {name: _mapped(self.path, f"{name}.npy") for name in _LARGE}
        return {**result, **{n: a for n, a in mapped.items() if a is not None}}


class ZarrStore(_DiskStore):
    """A Zarr folder, one of its chunks for each chunk of the sweep."""

    def __init__(self, path: Path, num_rows: int, chunk_size: int):
        try:
            import zarr
        except ImportError as error:
            raise ImportError(
                'A Zarr store needs zarr: pip install "deepxde-lrnr[distributed]".'
            ) from error
        super().__init__(path, num_rows)
        self.chunk_size = min(chunk_size, num_rows)
        self.group = zarr.open_group(self.work, mode="w")

    def _allocate(self, name, shape, dtype):
        return self.group.create_array(
            name,
            shape=shape,
            chunks=(self.chunk_size, *shape[1:]),
            dtype=str if dtype.kind == "O" else dtype,
        )

    def finish(self, extra):
        import zarr

        result = {**self._read(self.arrays), **extra}
        for name, array in extra.items():
            dtype = str if array.dtype.kind == "U" else array.dtype
            stored = self.group.create_array(name, shape=array.shape, dtype=dtype)
            stored[:] = array
        os.rename(self.work, self.path)
        group = zarr.open_group(self.path, mode="r")
        return {**result, **{name: group[name] for name in _LARGE if name in group}}


class GridStore:
    """What the command line writes: values on the grid are called u, as for one mu.

    Args:
        store: Store on the disk.
        output: ``GridOutput``.
    """

    def __init__(self, store: _DiskStore, output: GridOutput):
        self.store = store
        self.output = output

    def __enter__(self):
        self.store.__enter__()
        return self

    def __exit__(self, *error):
        self.store.__exit__(*error)

    def write(self, rows: slice, arrays: dict[str, np.ndarray]) -> None:
        arrays = {**arrays, "mu": self.output.mu[rows]}
        values = arrays.pop("values")
        grid = map(len, self.output.axes)
        arrays["u"] = values.reshape(len(values), *grid, values.shape[-1])
        self.store.write(rows, arrays)

    def finish(self, extra):
        """As of other stores, with the names that they have."""
        axes = {f"axis_{i}": axis for i, axis in enumerate(self.output.axes)}
        written = self.store.finish({"parameters": extra["names"], **axes})
        for name in ("parameters", *axes):
            del written[name]
        values = written.pop("u")
        return {**written, **extra, "values": values}


def _mapped(path: Path, name: str):
    """Array of an uncompressed .npz file, mapped; ``None`` if there is none."""
    with zipfile.ZipFile(path) as archive, contextlib.suppress(KeyError):
        info = archive.getinfo(name)
        with open(path, "rb") as file:
            # A local header has 30 bytes, the name, and an extra field; the lengths of
            # the two are at its end.
            file.seek(info.header_offset + 26)
            lengths = np.frombuffer(file.read(4), "<u2")
            file.seek(int(lengths.sum()), os.SEEK_CUR)
            np.lib.format.read_magic(file)
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            assert not fortran
            return np.memmap(path, dtype, mode="r", offset=file.tell(), shape=shape)
    return None
