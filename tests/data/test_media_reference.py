"""A media reference reads back as it was written; files that cannot be media are named."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spcl.data.media import MediaReference, fault

# Letters that fragments are made of, to come close to one; a path must not end like one.
paths = st.text("aä/#&=,.:01txywhpercent %").filter(
    lambda path: MediaReference.parse(path).path == path
)
seconds = st.none() | st.floats(min_value=0, max_value=1e6, allow_nan=False)
percent = st.floats(min_value=0, max_value=100)
regions = st.none() | st.tuples(percent, percent, percent, percent)


@given(paths, seconds, seconds, regions)
def test_reads_back_what_it_wrote(path, start, end, region):
    reference = MediaReference(path, start, end, region)
    assert MediaReference.parse(str(reference)) == reference


def test_is_written_as_w3c_media_fragments_are():
    reference = MediaReference("a/b.avi", 6.25, 8.0, (50, 0, 50, 100))
    assert str(reference) == "a/b.avi#t=6.25,8&xywh=percent:50,0,50,100"
    assert str(MediaReference("b.avi", end_s=2.5)) == "b.avi#t=,2.5"
    assert str(MediaReference("b.avi", start_s=1e-5)) == "b.avi#t=0.00001"


@pytest.mark.parametrize(
    "text", ["plain.mp4", "take #3.mp4", "a#", "a#t=", "a#t=x", "a#t=1,2&", ""]
)
def test_a_tail_that_is_no_fragment_belongs_to_the_path(text):
    assert MediaReference.parse(text) == MediaReference(text)


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
PAGE = "<!DOCTYPE html>\n<title>Sign in</title>"
POINTER = "a pointer of Git LFS, not a media file; fetch the file itself: git lfs pull"
WEB_PAGE = "a web page, not a media file; download the file itself"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("good.wav", b"RIFF0000WAVE"),
        ("large.wav", b"RF64\xff\xff\xff\xffWAVEds64"),
        ("matroska.mp4", b"\x1aE\xdf\xa3"),
        ("no_suffix", b"\0\0\0\x20ftypisom"),
        ("short.mp4", b"\0"),
        ("drawing.mp4", b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("subtitle.mp4", b"1\n00:00:01,000 --> 00:00:02,000\n<i>Hello</i>"),
        ("other.wav", b"<htmlx>"),
        ("version.txt", b"version 1"),
    ],
)
def test_what_a_media_file_is_named_does_not_matter(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert fault(tmp_path / name) is None


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (b"", "empty", "the file is empty"),
        (LFS, "pointer", POINTER),
        (PAGE.encode(), "pointer", WEB_PAGE),
        (PAGE.encode("utf-8-sig"), "pointer", WEB_PAGE),
        (PAGE.encode("utf-16"), "pointer", WEB_PAGE),
        (b" \r\n\t" + PAGE.lower().encode(), "pointer", WEB_PAGE),
        (b'<HTML lang="en">', "pointer", WEB_PAGE),
        (b"<html>", "pointer", WEB_PAGE),
    ],
)
def test_a_file_in_the_place_of_media_is_named(tmp_path, content, kind, reason):
    (tmp_path / "clip.mp4").write_bytes(content)
    assert fault(tmp_path / "clip.mp4") == (kind, reason)


def test_a_missing_file_and_one_that_cannot_be_opened_are_different_kinds(tmp_path, lock):
    (tmp_path / "link.wav").symlink_to("nowhere")
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "inner").mkdir()
    lock(tmp_path / "inner")
    for name, expected in [
        ("absent.wav", ("missing", "no such file")),
        ("link.wav", ("missing", "a link to nowhere, where there is no file")),
        ("folder.wav", ("unreadable", "a folder instead of a file")),
        ("pipe.wav", ("unreadable", "a pipe or a device instead of a file")),
        ("inner/a.wav", ("unreadable", "Permission denied")),
    ]:
        assert fault(tmp_path / name) == expected
