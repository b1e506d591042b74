"""The benchmark of seeds at once counts and times both ways of the same trainings."""

import torch

from benchmarks.seeds import Case, Operations, measure
from benchmarks.shapes import Shape

SMALL = dict.fromkeys(("global_hidden", "party_hidden", "emotion_hidden", "classifier_hidden"), 4)


def test_views_and_allocations_are_not_counted():
    x = torch.ones(3, 2)
    with Operations() as operations:
        (x.T[:2] + torch.empty(2, 3)).sum()
    assert operations.count == 2  # the two sums


def test_seeds_at_once_take_fewer_operations():
    case = Case(Shape(6, 30, 8, {"a": 5, "t": 6, "v": 7}, 3, 2), batch_size=3, model=SMALL)
    row = measure(case, 3, 2, "cpu")
    assert row["operations_together"] < 0.7 * row["operations_apart"]
    assert row["seconds_together"] > 0
    assert row["seconds_apart"] > 0
