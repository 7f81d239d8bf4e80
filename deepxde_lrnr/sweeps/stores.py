"""Where the chunks of a sweep go: memory, one .npz file, or a Zarr folder.

A store allocates an array of n rows when it sees the first chunk of it. On the disk it
works in a folder beside the place that was asked for, and takes that place when all is
there. If that never happens, the folder stays, and the same call goes on with it.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .._atomic import check_regular, write_atomically

try:
    import fcntl
except ImportError:  # on Windows, where two calls at once are not kept apart
    fcntl = None

SUFFIXES = (".npz", ".zarr")
# Strings have a fixed size in .npy files.
_STRING = "U32"
# What may be larger than the memory, and stays on the disk.
_LARGE = ("values", "u")
# Largest number of mu, and of numbers among the values, in a chunk.
_MAX_CHUNK = 256
_MAX_VALUES = 2**23
# Chunks that came in so many seconds may be lost with the process, as they wait for the
# disk together.
_SECONDS = 5
# Relative difference of results that are the same.
_ROUNDING = 1e-3


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


def open_store(out, call: dict, chunk_size: int, replace: bool = False):
    """Store for ``out``, as of ``sweep``; a context manager.

    Args:
        out: ``None``, a path, or a ``GridOutput``.
        call: What results depend on: arrays by their names in messages, among them
            "mus", all mu.
        chunk_size: Number of mu in a chunk.
        replace: Whether an .npz file that is there may be replaced.

    Raises:
        ValueError: If ``out`` ends with neither ".npz" nor ".zarr".
        FileExistsError: If it exists, or there are results of another call for it.
        FileNotFoundError: If its folder does not.
        OSError: If there is something that is no file in its place.
        ImportError: If it is a Zarr folder and there is no Zarr.
    """
    if out is None:
        return MemoryStore(len(call["mus"]))
    if isinstance(out, GridOutput):
        store = open_store(out.path, call, chunk_size, replace=True)
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
        return NpzStore(path, call)
    return ZarrStore(path, call, chunk_size)


def chunks_left(store, chunk_size: int, solve):
    """The chunks that a store does not have yet.

    Args:
        store: From ``open_store``. If it has rows, one of them is computed again, to
            see that they are of this call.
        chunk_size: Number of rows in a chunk.
        solve: Function of rows, a slice, to arrays of a chunk.

    Returns:
        List of slices.

    Raises:
        FileExistsError: If they are of another call.
    """
    done, count = store.done, len(store.done)
    if done.any():
        first = int(np.argmax(done))
        rows = slice(first, first + 1)
        store.check(rows, solve(rows))
    chunks = [slice(i, min(i + chunk_size, count)) for i in range(0, count, chunk_size)]
    return [rows for rows in chunks if not done[rows].all()]


class MemoryStore:
    """Arrays in memory.

    Attributes:
        done: Which rows are there, shape (n,).
    """

    def __init__(self, num_rows: int):
        self.num_rows = num_rows
        self.arrays = {}
        self.done = np.zeros(num_rows, bool)

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
    """What both have that write to the disk: a working folder.

    Args:
        path: Where to write.
        call: As for ``open_store``.

    Raises:
        FileExistsError: If there are results of another call in the folder, or one is
            writing there.
    """

    def __init__(self, path: Path, call: dict):
        super().__init__(len(call["mus"]))
        self.path, self.work = path, path.with_name(f"{path.name}.partial")
        self.work.mkdir(exist_ok=True)
        self._lock = open(self.work / "lock", "wb")
        try:
            self._begin(call)
        except BaseException:
            self._lock.close()
            raise
        self._waiting, self._settled = [], time.monotonic()
        self._complete = False

    def _begin(self, call: dict) -> None:
        if fcntl is not None:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FileExistsError(
                    f"out is {str(self.path)!r}, which another call is writing; take "
                    "another name, or wait for it."
                ) from None
        known, done = self.work / "call.npz", self.work / "done.npy"
        begun = known.exists()
        if begun:
            with np.load(known, allow_pickle=False) as kept:
                for name, array in call.items():
                    if name not in kept or not np.array_equal(kept[name], array):
                        self._refuse(f"its {name} differ")
        mode = "r+" if begun else "w+"
        shape = (self.num_rows,)
        self.done = np.lib.format.open_memmap(done, mode, dtype=bool, shape=shape)
        if not begun:
            file = io.BytesIO()
            np.savez(file, **call)
            write_atomically(known, file.getvalue())

    def _refuse(self, why: str) -> None:
        raise FileExistsError(
            f"out is {str(self.path)!r}, and {str(self.work)!r} has results of another "
            f"call that did not end: {why}. Repeat that call to complete it, take "
            "another name, or remove the folder."
        )

    def __exit__(self, kind, error, trace):
        if not self._complete:
            self._settle()
        kept = not self._complete and bool(self.done.any())
        if kept and hasattr(error, "add_note"):
            error.add_note(
                f"{np.sum(self.done)} of {self.num_rows} mu are kept in "
                f"{str(self.work)!r}; the same call goes on with the others."
            )
        # Nothing of the folder is open when it goes.
        self.arrays.clear()
        self.done = np.array(self.done)
        self._lock.close()
        if not kept:
            shutil.rmtree(self.work, ignore_errors=True)

    def write(self, rows, arrays):
        super().write(rows, arrays)
        self._waiting.append(rows)
        if time.monotonic() - self._settled > _SECONDS:
            self._settle()

    def _settle(self) -> None:
        """What was written is on the disk before it counts as done."""
        self._flush()
        for rows in self._waiting:
            self.done[rows] = True
        self.done.flush()
        self._waiting, self._settled = [], time.monotonic()

    def _flush(self) -> None:
        pass

    def check(self, rows: slice, arrays: dict[str, np.ndarray]) -> None:
        """Checks that results that are there are those of this call.

        The model and functions of the user's cannot be compared, what they give can.

        Args:
            rows: Rows that are done.
            arrays: For each name an array with these rows, computed again.

        Raises:
            FileExistsError: If they differ by more than rounding.
        """
        if self.arrays.keys() != arrays.keys():
            self._refuse("it has others of them")
        for name in ("initial_residual", *_LARGE):
            if name not in arrays:
                continue
            found = np.asarray(arrays[name])
            kept = np.asarray(self.arrays[name][rows])
            size = np.abs(kept[np.isfinite(kept)]).max(initial=0)
            like = {"rtol": 0, "atol": _ROUNDING * size, "equal_nan": True}
            if found.shape != kept.shape or not np.allclose(found, kept, **like):
                self._refuse(f"its {name} of mu number {rows.start} differ")

    def _read(self, arrays) -> dict:
        small = {n: np.asarray(a[:]) for n, a in arrays.items() if n not in _LARGE}
        for name in ("status", "method"):
            if name in small:
                small[name] = small[name].astype(object)
        return small


class NpzStore(_DiskStore):
    """One .npz file, uncompressed, so that its arrays can be mapped into memory."""

    def __init__(self, path: Path, call: dict):
        super().__init__(path, call)
        self._parts = self.work / "arrays"
        self._parts.mkdir(exist_ok=True)
        if self.done.any():
            self.arrays = {
                part.stem: np.load(part, mmap_mode="r+")
                for part in self._parts.glob("*.npy")
            }

    def _allocate(self, name, shape, dtype):
        return np.lib.format.open_memmap(
            self._parts / f"{name}.npy",
            mode="w+",
            dtype=_STRING if dtype.kind == "O" else dtype,
            shape=shape,
        )

    def _flush(self):
        for array in self.arrays.values():
            array.flush()

    def finish(self, extra):
        result = {**self._read(self.arrays), **extra}
        self._settle()
        whole = self.work / "all.zip"
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED, allowZip64=True) as file:
            for name in sorted(self.arrays):
                file.write(self._parts / f"{name}.npy", f"{name}.npy")
            for name, array in extra.items():
                with file.open(f"{name}.npy", "w") as part:
                    np.lib.format.write_array(part, array, allow_pickle=False)
        with open(whole, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(whole, self.path)
        self._complete = True
        mapped = {name: _mapped(self.path, f"{name}.npy") for name in _LARGE}
        return {**result, **{n: a for n, a in mapped.items() if a is not None}}


class ZarrStore(_DiskStore):
    """A Zarr folder, one of its chunks for each chunk of the sweep."""

    def __init__(self, path: Path, call: dict, chunk_size: int):
        try:
            import zarr  # of an extra
        except ImportError as error:
            raise ImportError(
                'A Zarr store needs zarr: pip install "deepxde-lrnr[distributed]".'
            ) from error
        super().__init__(path, call)
        self.chunk_size = min(chunk_size, self.num_rows)
        mode = "r+" if self.done.any() else "w"
        self.group = zarr.open_group(self.work / "arrays", mode=mode)
        self.arrays = dict(self.group.arrays())

    def _allocate(self, name, shape, dtype):
        return self.group.create_array(
            name,
            shape=shape,
            chunks=(self.chunk_size, *shape[1:]),
            dtype=str if dtype.kind == "O" else dtype,
        )

    def finish(self, extra):
        import zarr  # of an extra

        result = {**self._read(self.arrays), **extra}
        for name, array in extra.items():
            stored = self.group.create_array(
                name,
                shape=array.shape,
                dtype=str if array.dtype.kind == "U" else array.dtype,
                overwrite=True,  # of an earlier call that ended here
            )
            stored[:] = array
        self._settle()
        os.rename(self.work / "arrays", self.path)
        self._complete = True
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

    @property
    def done(self) -> np.ndarray:
        """As of other stores."""
        return self.store.done

    def write(self, rows: slice, arrays: dict[str, np.ndarray]) -> None:
        """As of other stores."""
        self.store.write(rows, self._named(rows, arrays))

    def check(self, rows: slice, arrays: dict[str, np.ndarray]) -> None:
        """As of other stores."""
        self.store.check(rows, self._named(rows, arrays))

    def _named(self, rows, arrays) -> dict[str, np.ndarray]:
        arrays = {**arrays, "mu": self.output.mu[rows]}
        values = arrays.pop("values")
        grid = map(len, self.output.axes)
        arrays["u"] = values.reshape(len(values), *grid, values.shape[-1])
        return arrays

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
