"""Files that are either wholly written or not touched at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import uuid


def write_atomically(path: str | os.PathLike, data: bytes) -> None:
    """Writes ``data`` to the file ``path``, which is never seen half-written.

    The bytes go to a temporary file in the same folder, are flushed to the disk, and
    the temporary file takes the place of ``path`` in one step. If that fails, or the
    process or the machine dies meanwhile, what stood at ``path`` before is unchanged.

    Args:
        path: Where to write. Its folder must exist. A symbolic link is followed.
        data: All bytes of the file.

    Raises:
        OSError: If the file cannot be written (full disk, no such folder, no
            permission, something else than a file is there); of the subclass and with
            the ``errno`` of the cause.
    """
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name}.{uuid.uuid4().hex}.tmp")
    try:
        # Known now, not only after the bytes have been written.
        check_regular(target)
        # As open() would: the rights that the user's umask leaves.
        descriptor = os.open(
            temporary,
            os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0),
            0o666,
        )
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise type(error)(
                error.errno,
                f"cannot write ({reason}); what was there before is unchanged",
                str(path),
            ) from error
        raise
    _flush_folder(folder)


_OTHER_THAN_FILES = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def check_regular(path: str | os.PathLike) -> None:
    """Checks that there is nothing at ``path``, or a file.

    A new file would otherwise take the place of a device, for those who may do that,
    or of a pipe on which someone waits; and to read from a pipe is to wait.

    Raises:
        IsADirectoryError: If there is a folder.
        OSError: If there is a device, a pipe or a socket.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError:  # Nothing is there; or else writing says what is the matter.
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    if not stat.S_ISREG(mode):
        kinds = (what for is_it, what in _OTHER_THAN_FILES if is_it(mode))
        what = next(kinds, "something else")
        reason = f"it is {what}; it must be a file, or nothing yet"
        raise OSError(errno.EINVAL, reason, str(path))


def _flush_folder(folder: str) -> None:
    """Makes the new name last through a loss of power, where the system can do so."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
