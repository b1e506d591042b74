"""Contributions of the modalities: Shapley values of what each subset of them answers."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_cells import gathered, sure, write_cell, write_robustness

from spcl.report.analysis.contribution import contributions, heads_answers, imbalance, subsets
from spcl.report.analysis.heads import Heads
from spcl.report.analysis.resampled import ResampledScore
from spcl.report.analysis.results import Results
from spcl.report.drawing import style
from spcl.report.figures import balance
from spcl.report.tables import tabulate

TRUE = "cgcg-c"  # three calm, two glad, one unlabelled
RIGHT, CALM = "cgcgsc", "cccccc"
ALL_CALM = 100 * 0.75 * 3 / 5  # F1 of calm 2 * 3 / (5 + 3), of glad 0
UNSURE = np.full((6, 3), 1 / 3, np.float32)


def scores(values):
    """By subset, scores of as many seeds as there are values."""
    return {
        subset: ResampledScore(pd.Series(points, range(len(points)), dtype=float), None, 5)
        for subset, points in values.items()
    }


def means(found):
    return {letter: one.points.mean() for letter, one in found.items()}


def slow(values, modalities):
    """Mean over all orders of what a modality adds when it joins."""
    found = dict.fromkeys(modalities, 0.0)
    orders = list(permutations(modalities))
    for order in orders:
        for place, letter in enumerate(order):
            before = "".join(sorted(order[:place], key=modalities.index))
            after = "".join(sorted(order[: place + 1], key=modalities.index))
            found[letter] += (values[after] - values[before]) / len(orders)
    return found


class TestShapley:
    def test_two_modalities_worked_out_by_hand(self):
        values = scores({"": [10], "a": [30], "t": [50], "at": [60]})
        # a adds 20 to nothing and 10 to t; t adds 40 to nothing and 30 to a
        assert means(contributions(values, "at")) == {"a": 15, "t": 35}

    def test_three_modalities_worked_out_by_hand(self):
        values = {"": 0, "a": 6, "t": 30, "v": 0, "at": 36, "av": 12, "tv": 30, "atv": 48}
        found = contributions(scores({subset: [value] for subset, value in values.items()}), "atv")
        # a: 6 / 3 + (6 + 12) / 6 + 18 / 3; t: 30 / 3 + (30 + 30) / 6 + 36 / 3
        # v: 0 / 3 + (6 + 0) / 6 + 12 / 3
        assert means(found) == pytest.approx({"a": 11, "t": 32, "v": 5})

    @given(st.lists(st.floats(0, 100), min_size=8, max_size=8), st.sampled_from(["atv", "tv", "a"]))
    def test_it_is_the_mean_over_all_orders_and_sums_to_what_all_gain(self, numbers, modalities):
        values = dict(zip(subsets(modalities), numbers, strict=False))
        found = means(contributions(scores({s: [v] for s, v in values.items()}), modalities))
        assert found == pytest.approx(slow(values, modalities), abs=1e-9)
        assert sum(found.values()) == pytest.approx(values[modalities] - values[""], abs=1e-9)

    @given(st.lists(st.floats(0, 100), min_size=4, max_size=4))
    def test_modalities_that_add_the_same_contribute_the_same(self, by_size):
        values = {subset: [by_size[len(subset)]] for subset in subsets("atv")}
        found = means(contributions(scores(values), "atv"))
        assert max(found.values()) == pytest.approx(min(found.values()), abs=1e-9)

    @given(st.lists(st.floats(0, 100), min_size=4, max_size=4))
    def test_a_modality_that_adds_nothing_contributes_nothing(self, numbers):
        of_pair = dict(zip(subsets("at"), numbers, strict=True))
        values = {subset: [of_pair[subset.replace("v", "")]] for subset in subsets("atv")}
        found = means(contributions(scores(values), "atv"))
        assert found["v"] == pytest.approx(0, abs=1e-9)
        assert found["a"] == pytest.approx(slow(of_pair, "at")["a"], abs=1e-9)

    def test_seeds_that_a_subset_lacks_do_not_count(self):
        values = scores({"": [0, 0], "a": [10, 90], "t": [20, 90], "at": [50]})
        assert contributions(values, "at")["a"].points.to_dict() == {0: 20}
        assert contributions({"": values[""], "a": values["a"]}, "at") == {}

    def test_the_imbalance_degree_is_the_largest_difference_of_a_seed(self):
        values = scores({"": [0, 0], "a": [10, 30], "t": [30, 10], "at": [40, 40]})
        degree = imbalance(contributions(values, "at"))
        assert degree.points.tolist() == [20, 20]
        assert imbalance(contributions(values, "a")) is None


class TestAnswers:
    @given(st.integers(0, 2**32 - 1))
    def test_a_subset_answers_the_largest_sum_of_logits(self, seed):
        logits = np.random.default_rng(seed).normal(0, 5, (40, 3, 6))
        p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        found = heads_answers(p.astype(np.float32), "atv", 0)
        assert list(found) == subsets("atv")
        for subset, answers in found.items():
            if subset:
                joint = logits[:, ["atv".index(letter) for letter in subset]].sum(1)
                top = np.sort(joint, axis=1)
                clear = top[:, -1] - top[:, -2] > 1e-4
                assert (answers == joint.argmax(1))[clear].all()

    def test_zeros_ties_and_nan_are_answered(self):
        certain = [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
        other = [[0.5, 0.5, 0], [0.1, 0.1, 0.8], [np.nan] * 3]
        p = np.stack([certain, other], axis=1).astype(np.float32)
        found = heads_answers(p, "at", 1)
        assert found[""].tolist() == [1, 1, 1]
        assert found["a"].tolist() == [2, 0, 1]
        assert found["t"].tolist() == [1, 2, 1]  # a tie, clear, NaN
        assert found["at"].tolist() == [2, 0, 1]  # ln 1e-38 is above ln 1e-38 + ln 0.5


def cell(folder, heads, modalities="at", curriculum="none", answers=RIGHT):
    heads = np.asarray(heads)
    return write_cell(
        folder,
        f"d/mmgcn/{modalities}/{curriculum}",
        TRUE,
        {1: answers, 2: answers},
        heads={1: heads, 2: heads},
    )


def by_modality(results):
    return tabulate("balance", results).data.set_index("modality")


class TestCells:
    def test_a_model_that_ignores_a_modality_gives_it_nothing(self, tmp_path):
        heads = [sure(RIGHT), UNSURE, UNSURE]
        found = by_modality(Results(**gathered(cell(tmp_path, heads, "atv"))))
        # The constant answer is calm. The audio head makes it right in every subset.
        assert found["contribution"].tolist() == pytest.approx([100 - ALL_CALM, 0, 0])
        assert found.loc["t", ["contribution_low", "contribution_high"]].tolist() == [0, 0]
        assert found["imbalance"].tolist() == pytest.approx([100 - ALL_CALM] * 3)

    def test_equal_heads_share_what_they_gain(self, tmp_path):
        found = by_modality(Results(**gathered(cell(tmp_path, [sure(RIGHT), sure(RIGHT)]))))
        assert found["contribution"].tolist() == pytest.approx([(100 - ALL_CALM) / 2] * 2)
        assert (found["imbalance"] == 0).all()

    def test_a_head_that_outvotes_the_right_one_contributes_less_than_nothing(self, tmp_path):
        heads = [sure(RIGHT, 0.5), sure("ssssss", 0.9)]
        found = by_modality(Results(**gathered(cell(tmp_path, heads))))
        # v: none ALL_CALM, audio 100, text 0, both 0
        expected = [(100 - ALL_CALM) / 2, (-ALL_CALM - 100) / 2]
        assert found["contribution"].tolist() == pytest.approx(expected)

    def test_a_change_is_paired_and_lies_in_its_interval(self, tmp_path):
        none = cell(tmp_path, [sure(RIGHT), UNSURE])
        spcl = cell(tmp_path, [sure(RIGHT), sure(RIGHT)], curriculum="spcl")
        found = tabulate("balance", Results(**gathered(none, spcl))).data
        found = found.set_index(["curriculum", "modality"])
        half = (100 - ALL_CALM) / 2
        assert found.loc[("spcl", "t"), "contribution_change"] == pytest.approx(half)
        assert found.loc[("spcl", "a"), "contribution_change"] == pytest.approx(-half)
        assert found.loc[("spcl", "a"), "imbalance_change"] == pytest.approx(-2 * half)
        low, high = found.loc[
            ("spcl", "t"), ["contribution_change_low", "contribution_change_high"]
        ]
        assert low < half < high
        assert np.isnan(found.loc[("none", "t"), "contribution_change"])

    def test_one_modality_contributes_all_and_has_no_imbalance(self, tmp_path):
        found = by_modality(Results(**gathered(cell(tmp_path, [sure(RIGHT)], "t"))))
        assert found["contribution"].tolist() == pytest.approx([100 - ALL_CALM])
        assert found["imbalance"].isna().all()

    def test_without_predictions_contributions_are_blank(self, tmp_path):
        written = cell(tmp_path, [sure(RIGHT), UNSURE])
        table = tabulate("balance", Results(metrics=[written["metrics"]]))
        assert table.data[["contribution", "imbalance"]].isna().all(axis=None)
        assert any("no contribution (dash)" in note for note in table.notes)


class TestNetwork:
    def test_it_is_worked_out_by_hand(self, tmp_path):
        written = cell(tmp_path, [sure(RIGHT), UNSURE])
        missing = {"a": CALM, "t": RIGHT, "at": "ssssss"}
        answers = {1: missing, 2: missing}
        network = write_robustness(tmp_path, "d/mmgcn/at/none", TRUE, answers)
        results = Results(**gathered(written), robustness=[network])
        found = by_modality(results)
        # v: none 0 (the network's own answers to nothing), audio 100, text ALL_CALM, both 100
        expected = [100 / 2 + (100 - ALL_CALM) / 2, ALL_CALM / 2]
        assert found["network_contribution"].tolist() == pytest.approx(expected)
        assert found["network_imbalance"].tolist() == pytest.approx([expected[0] - expected[1]] * 2)
        shown = balance.compute(results).set_index(["measure", "modality"])["network"]
        assert shown["contribution", "a"] == found.loc["a", "network_contribution"]
        assert shown["imbalance", ""] == found.loc["a", "network_imbalance"]
        with style.look():
            drawn = balance.draw(balance.compute(results))
        labels = [label for axes in drawn.axes for label in axes.get_legend_handles_labels()[1]]
        assert labels.count("network, others unobserved") == 2
        titles = [panel.title for panel in tabulate("balance", results).panels]
        assert "d: contributions in the network" in titles

    def test_seeds_and_cells_that_it_lacks_are_blank(self, tmp_path):
        joint = cell(tmp_path, [sure(RIGHT), UNSURE])
        other = cell(tmp_path, [sure(RIGHT), UNSURE], "tv")
        part = {"a": CALM, "t": RIGHT, "at": CALM}
        network = write_robustness(tmp_path, "d/mmgcn/at/none", TRUE, {1: part, 2: {"a": CALM}})
        heads = Heads(Results(**gathered(joint, other), robustness=[network]))
        known = heads.network_contributions["d", "mmgcn", "at", "none"].of_modality
        assert known["a"].points.index.tolist() == [1]
        assert ("d", "mmgcn", "tv", "none") not in heads.network_contributions

    def test_without_the_table_there_is_no_panel(self, tmp_path):
        written = cell(tmp_path, [sure(RIGHT), UNSURE])
        table = tabulate("balance", Results(**gathered(written)))
        assert table.data["network_contribution"].isna().all()
        assert not any("network" in panel.title for panel in table.panels)
