"""A media reference reads back as it was written."""

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


def test_a_media_file_is_recognised_by_its_first_bytes(tmp_path):
    for name, content, reason in [
        ("good.wav", b"RIFF0000WAVE", None),
        ("good.mp4", b"\0\0\0\x20ftypisom", None),
        ("bad.avi", b"<html> not found", "not a .avi file"),
        ("short.mp4", b"\0", "not a .mp4 file"),
        ("empty.mp4", b"", "the file is empty"),
    ]:
        (tmp_path / name).write_bytes(content)
        assert fault(tmp_path / name) == reason
    assert fault(tmp_path / "absent.wav") == "no such file"
