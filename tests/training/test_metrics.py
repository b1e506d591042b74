"""Scores from a confusion matrix equal those of scikit-learn."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from spcl.training.metrics import confusion_matrix, scores


@given(
    pairs=st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 3)), min_size=1).filter(
        lambda pairs: any(label >= 0 for label, _ in pairs)
    )
)
def test_scores_equal_those_of_scikit_learn_on_labelled_utterances(pairs):
    labels, predicted = (torch.tensor(column) for column in zip(*pairs, strict=True))
    found = scores(confusion_matrix(predicted, labels, 4))
    y, p = labels[labels >= 0].numpy(), predicted[labels >= 0].numpy()
    assert found.weighted_f1 == pytest.approx(f1_score(y, p, average="weighted", zero_division=0))
    assert found.macro_f1 == pytest.approx(f1_score(y, p, average="macro", zero_division=0))
    assert found.accuracy == pytest.approx(accuracy_score(y, p))
    by_class = f1_score(y, p, average=None, labels=range(4), zero_division=0)
    np.testing.assert_allclose(found.f1_by_class, by_class)
    assert found.n_utterances == len(y)


def test_scores_of_a_split_without_labels_are_0():
    found = scores(confusion_matrix(torch.tensor([0, 1]), torch.tensor([-1, -1]), 2))
    assert (found.weighted_f1, found.macro_f1, found.accuracy, found.n_utterances) == (0, 0, 0, 0)
