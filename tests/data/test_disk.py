"""What cannot be read is named with its cause and the remedy, and nothing is waited for."""

import os

import pytest

from spcl.data.files.disk import UnreadableError, entries, read, refuse_hidden
from spcl.errors import UserError, listed


def absent(path):
    pass


def dangling(path):
    path.symlink_to("nowhere")


def looped(path):
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (absent, "no such file; put it there"),
        (dangling, "a link to nowhere, where there is no file; fix the link"),
        (looped, "a link to file, where there is no file; fix the link"),
        (os.mkdir, "a folder instead of a file; put the file in its place"),
        (os.mkfifo, "a pipe or a device instead of a file; put the file in its place"),
    ],
)
def test_a_path_that_is_not_a_file_is_not_opened_and_described(tmp_path, make, message):
    path = tmp_path / "file"
    make(path)
    with pytest.raises(UnreadableError) as raised:
        read(path)
    assert str(raised.value) == f"{path}: {message}"
    assert raised.value.reason == message.split(";")[0]


def test_a_name_that_is_too_long_for_the_disk_is_refused(tmp_path):
    with pytest.raises(UnreadableError, match="File name too long"):
        read(tmp_path / ("9" * 5000))


def test_permissions_are_the_remedy_only_where_they_are_the_cause(tmp_path, lock):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/file").write_bytes(b"content")
    assert read(tmp_path / "inner/file", 4) == b"cont"
    lock(tmp_path / "inner")
    with pytest.raises(UnreadableError, match="file: Permission denied; fix its permissions"):
        read(tmp_path / "inner/file")


def test_a_folder_out_of_reach_is_no_empty_one(tmp_path, lock):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/._b.txt").touch()
    (tmp_path / "inner/b.txt").touch()
    (tmp_path / "inner/a.txt").touch()
    assert [path.name for path in entries(tmp_path / "inner", "[!.]*.txt")] == ["a.txt", "b.txt"]
    assert entries(tmp_path / "absent") == entries(tmp_path / "inner/a.txt") == []
    refuse_hidden(tmp_path)
    lock(tmp_path / "inner")
    for ask, folder in ((entries, tmp_path / "inner"), (refuse_hidden, tmp_path)):
        with pytest.raises(UserError, match=r"inner: cannot be searched \(Permission denied\)"):
            ask(folder)


def test_a_message_is_one_line_that_changes_no_terminal():
    assert str(UserError("a\nb\x1b[31m\udcff: ä")) == r"a\nb\x1b[31m\udcff: ä"


def test_long_lists_of_long_names_are_cut():
    assert listed(["a", "b"]) == "a, b"
    assert listed(map(str, range(1000))).endswith("10, 11, ...")
    assert len(listed(["\0" * 5000])) == 60
