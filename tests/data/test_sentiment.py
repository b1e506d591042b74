"""Sentiment scores become classes by rounding or by their sign."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spcl.data.emotions.labels import of_names
from spcl.data.emotions.sentiment import LABELS, sentiment_classes
from spcl.data.emotions.spelling import grouped, may_be_missing

HIGHLY, MIDDLE, WEAKLY = "highly negative", "negative", "weakly negative"
EXPECTED = {
    7: [HIGHLY, HIGHLY, HIGHLY, MIDDLE, WEAKLY, "neutral", "neutral", "neutral", "positive"],
    3: [*["negative"] * 6, "neutral", *["positive"] * 2],
    2: [*["negative"] * 6, None, *["positive"] * 2],
}
SCORES = [-math.inf, -4.0, -3, -1.5, -0.6, -0.5, 0, 0.5, 2.4]


@pytest.mark.parametrize("classes", [7, 3, 2])
def test_each_score_has_its_class(classes):
    labels, found = sentiment_classes(SCORES, classes)
    assert len(labels) == classes
    assert found == EXPECTED[classes]


@pytest.mark.parametrize("classes", [7, 3, 2])
def test_no_score_is_unlabelled(classes):
    assert sentiment_classes([None, math.nan, np.float32("nan")], classes)[1] == [None] * 3


@given(score=st.floats(-5, 5) | st.integers(-10, 10).map(lambda n: n / 2))
def test_seven_classes_are_those_of_numpy(score):
    labels, (found,) = sentiment_classes([score], 7)
    assert labels.index(found) == np.round(np.clip(score, -3, 3)) + 3
    assert sentiment_classes([np.float64(score)], 7)[1] == [found]


@pytest.mark.parametrize("classes", [7, 3, 2])
def test_the_names_are_names_of_classes(classes):
    labels = LABELS[classes]
    assert len(grouped(labels)) == classes
    assert not any(map(may_be_missing, labels))
    assert sorted(of_names(labels)) == sorted(labels)
