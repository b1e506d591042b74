"""Windows of a long sound."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spcl.extract.windows import windows


@given(st.integers(1, 400), st.integers(1, 50), st.data())
def test_each_frame_counts_once_and_every_window_is_inside(total, length, data):
    overlap = data.draw(st.integers(0, length - 1))
    counted = np.zeros(total, int)
    for begin, keep in windows(total, length, overlap):
        assert begin >= 0
        assert begin + keep.stop <= total
        assert 0 <= keep.start < keep.stop <= length
        counted[begin + keep.start : begin + keep.stop] += 1
    assert (counted == 1).all()


def test_a_frame_counts_in_the_window_in_whose_middle_it_is():
    assert windows(16, 10, 4) == [(0, slice(0, 8)), (6, slice(2, 10))]


def test_the_last_window_ends_with_the_sound():
    assert windows(17, 10, 4) == [(0, slice(0, 8)), (6, slice(2, 5)), (7, slice(4, 10))]


def test_a_short_sound_is_one_window():
    assert windows(7, 10, 4) == [(0, slice(0, 7))]
