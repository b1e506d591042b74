"""Durations in messages."""

import pytest

from spcl.jobs.duration import in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (9000, "2 h"), (3e5, "3 days")],
)
def test_a_duration_is_in_its_largest_unit(seconds, words):
    assert in_words(seconds) == words
