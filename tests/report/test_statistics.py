"""The statistics: worked by hand, against references, and under repetition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import f1_score

from spcl.report.analysis import statistics
from spcl.report.analysis.statistics import Tally, holm, tally


def systems(rng, *, n_seeds=5, n_dialogues=30, length=8, right=(0.6, 0.6)):
    """Paired tallies of two systems that answer rightly with the chances `right`."""
    n = n_dialogues * length
    dialogue = np.repeat(np.arange(n_dialogues), length)
    true = rng.integers(3, size=n)
    found = []
    for chance in right:
        parts = [np.where(rng.random(n) < chance, true, (true + 1) % 3) for _ in range(n_seeds)]
        found.append(
            tally(
                np.repeat(np.arange(n_seeds), n),
                np.tile(dialogue, n_seeds),
                np.tile(true, n_seeds),
                np.concatenate(parts),
                n_dialogues=n_dialogues,
                n_classes=3,
            )
        )
    return found


@given(st.integers(0, 10**6), st.integers(2, 5))
def test_weighted_f1_is_scikit_learns(seed, n_classes):
    rng = np.random.default_rng(seed)
    true, predicted = rng.integers(n_classes, size=(2, 40))
    zeros = np.zeros(40, int)
    counted = tally(zeros, zeros, true, predicted, n_dialogues=1, n_classes=n_classes).counts
    expected = f1_score(true, predicted, average="weighted", zero_division=0)
    assert statistics.weighted_f1(counted.sum(1))[0] == pytest.approx(expected)


def test_a_tally_counts_hits_answers_and_labels_by_seed_and_dialogue():
    counted = tally(
        np.array([7, 7, 7, 3]),
        np.array([0, 0, 1, 1]),
        np.array([0, 1, -1, 1]),
        np.array([0, 0, 1, 1]),
        n_dialogues=2,
        n_classes=2,
    )
    assert counted.seeds.tolist() == [3, 7]
    assert counted.counts[1, 0].tolist() == [[1, 0], [2, 0], [1, 1]]
    assert counted.counts[1, 1].sum() == 0  # unlabelled
    assert counted.counts[0, 1].tolist() == [[0, 1], [0, 1], [0, 1]]


def test_the_bootstrap_gives_the_same_numbers_each_time():
    first, second = systems(np.random.default_rng(0))
    statistics._draws.cache_clear()
    once = statistics.bootstrap_scores(first)
    statistics._draws.cache_clear()
    assert np.array_equal(once, statistics.bootstrap_scores(first))
    assert np.array_equal(  # same dialogues in each resample, whatever the cell
        statistics.bootstrap_scores(first) - once, np.zeros_like(once)
    )
    assert not np.array_equal(once, statistics.bootstrap_scores(second))


def test_identical_systems_have_no_difference_in_any_resample():
    first, _ = systems(np.random.default_rng(1))
    same = Tally(first.seeds, first.counts.copy())
    difference = statistics.bootstrap_scores(first) - statistics.bootstrap_scores(same)
    assert statistics.bootstrap_interval(np.zeros(5), difference, 30) == (0, 0)
    assert statistics.permutation_p(first.counts, same.counts) == 1


def test_resampled_dialogues_spread_like_the_mean_of_independent_dialogues():
    by_dialogue = np.array([1.0, 2.0, 4.0, 3.0, 9.0])
    means = statistics._draws(5, 20000) @ by_dialogue / 4
    assert means.mean() == pytest.approx(by_dialogue.mean(), rel=0.01)
    assert means.std() == pytest.approx(by_dialogue.std(ddof=1) / np.sqrt(5), rel=0.02)


def test_with_one_seed_the_interval_is_students_over_dialogues():
    resampled = np.array([[0.1], [0.2], [0.3]])  # standard deviation 0.1
    reach = stats.t.ppf(0.975, 20 - 1) * 0.1
    found = statistics.bootstrap_interval(np.array([0.2]), resampled, 20)
    assert found == pytest.approx((0.2 - reach, 0.2 + reach))


def test_with_dialogues_that_do_not_matter_the_interval_is_students_over_seeds():
    observed = np.array([0.1, 0.4, 0.2, 0.7, 0.35])
    resampled = np.tile(observed, (10, 1))
    expected = stats.t.interval(0.95, 4, observed.mean(), stats.sem(observed))
    assert statistics.bootstrap_interval(observed, resampled, 20) == pytest.approx(expected)


def test_the_interval_by_hand():
    # Means of the resamples 0, 4, 2: variance d = 4. Seeds 0 and 6: s = 18 / 2 = 9. Deviations of
    # the resamples from their seeds' means 1 and 3: (-1, -3), (1, 3), (0, 0): e = (2+2+0)/3/2.
    resampled = np.array([[0.0, 0.0], [2.0, 6.0], [1.0, 3.0]])
    d, s, e = 4.0, 9.0, 2 / 3
    variance = d + s - e
    freedom = variance**2 / (d**2 / 10 + s**2 / 1)
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(variance)
    found = statistics.bootstrap_interval(np.array([0.0, 6.0]), resampled, 11)
    assert found == pytest.approx((3 - reach, 3 + reach))


def test_an_interval_ends_where_no_score_can_lie():
    observed, resampled = np.array([60.0, 95.0]), np.array([[60.0, 95.0], [62.0, 96.0]])
    low, high = statistics.bootstrap_interval(observed, resampled, 20)
    assert low < 0 < 100 < high  # two seeds: one degree of freedom
    inside = statistics.bootstrap_interval(observed, resampled, 20, within=statistics.SCORES)
    assert inside == (0, 100)


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(3, 8))
def test_an_interval_never_leaves_out_its_own_estimate(seed, n_seeds, n_dialogues):
    first, second = systems(
        np.random.default_rng(seed), n_seeds=n_seeds, n_dialogues=n_dialogues, length=2
    )
    observed = statistics.weighted_f1(second.counts.sum(1)) - statistics.weighted_f1(
        first.counts.sum(1)
    )
    resampled = statistics.bootstrap_scores(second, 50) - statistics.bootstrap_scores(first, 50)
    low, high = statistics.bootstrap_interval(observed, resampled, n_dialogues)
    assert low <= observed.mean() <= high


@pytest.mark.parametrize("n_dialogues", [1, 2])
def test_one_or_two_dialogues_give_no_interval(n_dialogues):
    first, _ = systems(np.random.default_rng(3), n_dialogues=n_dialogues)
    observed, resampled = np.full(5, 0.5), statistics.bootstrap_scores(first)
    assert np.isnan(statistics.bootstrap_interval(observed, resampled, n_dialogues)).all()


def test_a_clear_gain_has_a_small_p_and_none_a_large_one():
    better = systems(np.random.default_rng(4), right=(0.5, 0.8))
    assert statistics.permutation_p(*(one.counts for one in better)) == pytest.approx(1e-4)
    equal = systems(np.random.default_rng(5), right=(0.6, 0.6))
    assert statistics.permutation_p(*(one.counts for one in equal)) > 0.05


def test_the_permutation_p_of_two_dialogues_is_counted_by_hand():
    # Dialogue 0: the second system is right where the first is wrong; dialogue 1: they agree.
    first = np.array([[[[0, 0], [1, 0], [0, 1]], [[1, 0], [1, 0], [1, 0]]]], float)
    second = np.array([[[[0, 1], [0, 1], [0, 1]], [[1, 0], [1, 0], [1, 0]]]], float)
    # A swap of dialogue 0 turns the sign, one of dialogue 1 changes nothing: all are as extreme.
    assert statistics.permutation_p(first, second) == 1


@pytest.mark.parametrize("n_seeds", [1, 4])
def test_the_permutation_p_is_scipys(n_seeds):
    # Nine dialogues have 2^9 ways to swap: SciPy goes through all of them. Its samples are the
    # places of dialogues in `parts`, (2 D, S, 3, C).
    first, second = systems(
        np.random.default_rng(6), n_seeds=n_seeds, n_dialogues=9, right=(0.5, 0.62)
    )

    def difference(x, y, axis):
        mean = [statistics.weighted_f1(parts[one.astype(int)].sum(-4)).mean(-1) for one in (x, y)]
        return mean[1] - mean[0]

    parts = np.concatenate([first.counts, second.counts], 1).transpose(1, 0, 2, 3)
    exact = stats.permutation_test(
        (np.arange(9), np.arange(9, 18)),
        difference,
        permutation_type="samples",
        n_resamples=np.inf,
        vectorized=True,
    ).pvalue
    found = statistics.permutation_p(first.counts, second.counts)
    assert 0.01 < exact < 0.9
    assert found == pytest.approx(exact, abs=0.02)


def test_wilcoxon_is_exact_for_few_seeds():
    assert statistics.wilcoxon_p(np.array([1.0, 2, 3, 4, 5, 6])) == pytest.approx(2 / 2**6)
    assert statistics.wilcoxon_p(np.array([0.0, 0, 0])) == 1
    values = np.array([0.3, -0.1, 0.4, 0.9, -0.2, 1.1, 0.7])
    assert statistics.wilcoxon_p(values) == pytest.approx(stats.wilcoxon(values).pvalue)


def test_holm_by_hand():
    # Ascending 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1, and never falling.
    corrected = holm(np.array([0.04, 0.01, 0.03, np.nan, 0.02]))
    assert corrected[[0, 1, 2, 4]] == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert np.isnan(corrected[3])


def test_holm_never_passes_one_and_bears_no_tests():
    assert holm(np.array([0.9, 0.8])).tolist() == [1, 1]
    assert holm(np.array([])).tolist() == []
    assert np.isnan(holm(np.array([np.nan]))).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_lies_between_the_raw_p_and_bonferroni(values):
    raw = np.array(values)
    corrected = holm(raw)
    assert (corrected >= raw).all()
    assert (corrected <= np.minimum(len(raw) * raw, 1) + 1e-12).all()
    assert (np.diff(corrected[np.argsort(raw, kind="stable")]) >= 0).all()
