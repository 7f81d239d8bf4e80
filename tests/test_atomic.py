"""Files are wholly written or not touched."""

import errno
import os
import stat

import pytest
from deepxde_lrnr._atomic import write_atomically


def test_writes_anew_and_over_an_older_file(tmp_path):
    path = tmp_path / "file"
    for data in (b"first", b"second"):
        write_atomically(path, data)
        assert path.read_bytes() == data
    assert os.listdir(tmp_path) == ["file"]


def test_follows_a_symbolic_link(tmp_path):
    (tmp_path / "folder").mkdir()
    target = tmp_path / "folder" / "target"
    target.write_bytes(b"first")
    link = tmp_path / "link"
    link.symlink_to(target)
    write_atomically(link, b"second")
    assert link.is_symlink() and target.read_bytes() == b"second"


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path, monkeypatch, broken
):
    path = tmp_path / "file"
    write_atomically(path, b"first")

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, broken, full)
    with pytest.raises(OSError, match="cannot write.*No space.*unchanged") as error:
        write_atomically(path, b"second")
    assert error.value.errno == errno.ENOSPC and error.value.filename == str(path)
    monkeypatch.undo()
    assert path.read_bytes() == b"first" and os.listdir(tmp_path) == ["file"]


def test_names_the_path_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError, match="file/below"):
        write_atomically(tmp_path / "file" / "below", b"data")
    with pytest.raises(FileNotFoundError, match="missing"):
        write_atomically(tmp_path / "missing" / "file", b"data")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        write_atomically(tmp_path, b"data")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_file_is_refused_and_stays(tmp_path):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        with pytest.raises(OSError, match="it is a named pipe; it must be a file") as e:
            write_atomically(path, b"data")
        assert e.value.filename == str(path)
    assert stat.S_ISFIFO(os.stat(pipe).st_mode) and len(os.listdir(tmp_path)) == 2
    with pytest.raises(OSError, match="it is a device"):
        write_atomically(os.devnull, b"data")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_link_to_nothing_yet_is_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "new")
    write_atomically(tmp_path / "link", b"data")
    assert (tmp_path / "new").read_bytes() == b"data"
