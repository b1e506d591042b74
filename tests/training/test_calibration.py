"""Expected calibration error, Brier score and negative log-likelihood of cases worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from spcl.training.calibration import N_BINS, SMALLEST, calibration, confidence_bins


def measured(probabilities, labels):
    p = np.array(probabilities, np.float32)
    return calibration(p, p.argmax(1), np.array(labels))


def test_answers_in_one_bin_are_off_by_confidence_minus_accuracy():
    # 0.8 and 0.75 lie in the bin above 11/15 and up to 12/15; two of the four are right.
    found = measured([[0.8, 0.2], [0.8, 0.2], [0.25, 0.75], [0.25, 0.75]], [0, 1, 1, 0])
    assert found.ece == pytest.approx((0.8 + 0.8 + 0.75 + 0.75) / 4 - 0.5)
    right = 2 * 0.2**2 + 2 * 0.25**2
    wrong = 2 * 0.8**2 + 2 * 0.75**2
    assert found.brier == pytest.approx((right + wrong) / 4)
    assert found.nll == pytest.approx(-math.log(0.8 * 0.2 * 0.75 * 0.25) / 4)


def test_bins_are_weighted_by_their_utterances():
    # Three at 0.9, two right: |2/3 - 0.9|. One at 0.5, right: |1 - 0.5|.
    p = [[0.9, 0.05, 0.05], [0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.3, 0.2, 0.5]]
    found = measured(p, [0, 0, 2, 2])
    assert found.ece == pytest.approx(0.75 * (0.9 - 2 / 3) + 0.25 * 0.5)
    by_utterance = [0.015, 0.015, 0.05**2 + 0.9**2 + 0.95**2, 0.09 + 0.04 + 0.25]
    assert found.brier == pytest.approx(np.mean(by_utterance), abs=1e-6)
    assert found.nll == pytest.approx(-math.log(0.9 * 0.9 * 0.05 * 0.5) / 4)


def test_errors_in_opposite_directions_cancel_within_a_bin_only():
    in_one = measured([[0.75, 0.25], [0.75, 0.25], [0.75, 0.25], [0.75, 0.25]], [0, 0, 0, 1])
    assert in_one.ece == pytest.approx(0)
    in_two = measured([[0.75, 0.25], [0.55, 0.45]], [1, 0])
    assert in_two.ece == pytest.approx((0.75 + 0.45) / 2)


def test_certain_and_right_is_perfect():
    found = measured(np.eye(3), [0, 1, 2])
    assert (found.ece, found.brier, found.nll) == (0, 0, 0)


def test_certain_and_wrong_is_worst_and_finite():
    found = measured(np.eye(3), [1, 2, 0])
    assert (found.ece, found.brier) == (1, 2)
    assert found.nll == -math.log(SMALLEST) == pytest.approx(87.34, abs=0.01)


def test_one_utterance():
    found = measured([[0.6, 0.3, 0.1]], [1])
    assert found.ece == pytest.approx(0.6)
    assert found.brier == pytest.approx(0.36 + 0.49 + 0.01)
    assert found.nll == pytest.approx(-math.log(0.3))


def test_unlabelled_utterances_are_left_out():
    p = [[0.6, 0.4], [0.9, 0.1], [0.2, 0.8]]
    assert measured([*p, [math.nan] * 2], [0, -1, 0, -1]) == measured([p[0], p[2]], [0, 0])


@pytest.mark.parametrize(
    ("p", "labels"),
    [
        ([[0.6, 0.4]], [-1]),
        (np.zeros((0, 2)), []),
        ([[math.nan, math.nan], [0.6, 0.4]], [0, 1]),
    ],
)
def test_without_labels_or_with_probabilities_that_are_nan_there_is_none(p, labels):
    assert all(np.isnan(value) for value in vars(measured(p, np.array(labels, int))).values())


def test_the_answer_is_the_given_one_where_two_are_equally_likely():
    p, labels = np.array([[0.5, 0.5]]), np.array([1])
    assert calibration(p, np.array([1]), labels).ece == 0.5
    assert calibration(p, np.array([0]), labels).ece == 0.5
    p = np.full((2, 2), 0.5)
    assert calibration(p, np.array([1, 0]), np.array([1, 1])).ece == 0


def test_bins_have_equal_width_and_include_their_upper_end():
    assert list(confidence_bins(np.array([0, 1e-9, 1 / 15, 0.07, 0.5, 0.934, 1]))) == [
        *(0, 0, 0, 1),
        *(7, 14, 14),
    ]
    assert N_BINS == 15


@given(data=st.data(), n=st.integers(1, 30), n_classes=st.integers(2, 7))
def test_scores_are_those_of_the_definitions(data, n, n_classes):
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    p = rng.dirichlet(np.full(n_classes, 0.5), n)
    labels = rng.integers(n_classes, size=n)
    found = calibration(p, p.argmax(1), labels)
    assert found.nll == pytest.approx(
        log_loss(labels, np.maximum(p, SMALLEST), labels=range(n_classes)), rel=1e-6
    )
    one_hot = labels[:, None] == np.arange(n_classes)
    assert found.brier == pytest.approx(((p - one_hot) ** 2).sum() / n)
    ece = 0.0
    for b in range(N_BINS):
        inside = (p.max(1) > b / N_BINS) & (p.max(1) <= (b + 1) / N_BINS)
        if inside.any():
            accuracy = (p.argmax(1) == labels)[inside].mean()
            ece += inside.mean() * abs(accuracy - p.max(1)[inside].mean())
    assert found.ece == pytest.approx(ece, abs=1e-12)
