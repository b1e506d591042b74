"""The power that the table `power` predicts is the power that simulated comparisons have."""

import math

import numpy as np
import pytest
from made_results import make_results
from scipy import stats

from spcl.report.analysis import power, statistics
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import TestScores
from spcl.report.analysis.statistics import MeanVariance, Tally
from spcl.report.tables import tabulate
from tests.report.test_interval_coverage import made_runs

RUNS = 1000
TOLERANCE = 0.05
CELL = ["dataset", "baseline", "modalities", "curriculum"]


def expected(*, n_seeds, n_dialogues, of_dialogues, of_seeds, noise):
    """The true variance of the mean of `differences`; standard deviations of the whole split."""
    return MeanVariance(
        dialogues=of_dialogues**2 + noise**2 / n_seeds,
        seeds=(of_seeds**2 + noise**2) / n_seeds,
        noise=noise**2 / n_seeds,
        n_seeds=n_seeds,
        n_dialogues=n_dialogues,
    )


def differences(rng, effect, *, n_seeds, n_dialogues, of_dialogues, of_seeds, noise):
    """(S, D) paired differences by seed and dialogue, whose mean is `effect`."""
    root = math.sqrt(n_dialogues)
    return (
        effect
        + rng.normal(0, of_dialogues * root, n_dialogues)
        + rng.normal(0, of_seeds, (n_seeds, 1))
        + rng.normal(0, noise * root, (n_seeds, n_dialogues))
    )


def counts(by_dialogue):
    """Counts of one class whose weighted F1 is the mean of `by_dialogue` over the dialogues."""
    ones = np.ones_like(by_dialogue)
    return np.stack([by_dialogue, ones, ones], 2)[..., None]


def is_above_zero(by_dialogue):
    tallied = Tally(np.arange(len(by_dialogue)), counts(by_dialogue))
    resampled = statistics.bootstrap_scores(tallied, 300)
    low, _ = statistics.bootstrap_interval(by_dialogue.mean(1), resampled, by_dialogue.shape[1])
    return low > 0


def has_star(by_dialogue, n_tests):
    """Whether the main table's test finds a gain in the first step of Holm's correction."""
    if len(by_dialogue) >= statistics.WILCOXON_SEEDS:
        p = statistics.wilcoxon_p(by_dialogue.mean(1))
    else:
        permuted = statistics.permuted(counts(0 * by_dialogue), counts(by_dialogue), 1999)
        p = statistics.share_as_extreme(permuted)
    return by_dialogue.mean() > 0 and p * n_tests < 0.05


SIZES = [
    {"n_seeds": 3, "n_dialogues": 31, "of_dialogues": 0.4, "of_seeds": 0.3, "noise": 0.6},
    {"n_seeds": 5, "n_dialogues": 31, "of_dialogues": 0.3, "of_seeds": 0.8, "noise": 0.5},
    {"n_seeds": 3, "n_dialogues": 280, "of_dialogues": 0.2, "of_seeds": 0.9, "noise": 0.2},
    {"n_seeds": 10, "n_dialogues": 20, "of_dialogues": 0.5, "of_seeds": 0.5, "noise": 0.9},
    {"n_seeds": 20, "n_dialogues": 80, "of_dialogues": 0.25, "of_seeds": 1.0, "noise": 0.5},
    {"n_seeds": 40, "n_dialogues": 31, "of_dialogues": 0.4, "of_seeds": 0.2, "noise": 0.2},
]


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: f"{sizes['n_seeds']} seeds")
@pytest.mark.parametrize("effect", [0.5, 1.3])
def test_the_interval_has_the_predicted_power(sizes, effect):
    rng = np.random.default_rng(0)
    found = [is_above_zero(differences(rng, effect, **sizes)) for _ in range(RUNS)]
    predicted = power.interval_power(expected(**sizes), effect)
    assert np.mean(found) == pytest.approx(predicted, abs=TOLERANCE)


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: f"{sizes['n_seeds']} seeds")
@pytest.mark.parametrize(("effect", "n_tests"), [(0.8, 1), (1.5, 8)])
def test_the_p_value_has_the_predicted_power(sizes, effect, n_tests):
    """A permutation test varies only the dialogues, Wilcoxon's only the seeds."""
    held = "of_seeds" if sizes["n_seeds"] < statistics.WILCOXON_SEEDS else "of_dialogues"
    sizes = sizes | {held: 0.0}
    rng = np.random.default_rng(1)
    found = [has_star(differences(rng, effect, **sizes), n_tests) for _ in range(600)]
    predicted = power.p_power(expected(**sizes), effect, n_tests)
    assert np.mean(found) == pytest.approx(predicted, abs=TOLERANCE)


def test_a_pilot_of_three_seeds_predicts_the_power_of_ten_in_weighted_f1():
    """Two made cells that differ by chance alone, and points added to the second."""
    rng = np.random.default_rng(2)
    sizes = {"n_dialogues": 31, "length": 12, "of_dialogues": 0.2, "of_seeds": 0.3}

    def experiments(n_seeds, runs):
        for _ in range(runs):
            first, second = made_runs(rng, **sizes, n_seeds=n_seeds)
            observed, resampled = (
                100 * (score(second) - score(first))
                for score in (
                    lambda cell: statistics.weighted_f1(cell.counts.sum(1)),
                    lambda cell: statistics.bootstrap_scores(cell, 200),
                )
            )
            yield observed, resampled, 31

    pilots = power.pool([statistics.mean_variance(*pilot) for pilot in experiments(3, 300)])
    lows = np.array(
        [statistics.bootstrap_interval(*grown)[0] for grown in experiments(10, RUNS // 2)]
    )
    planned = pilots.with_seeds(10)
    effect = power.smallest_effect(lambda gain: power.interval_power(planned, gain))
    assert 1 < effect < 20
    assert np.mean(lows + effect > 0) == pytest.approx(0.8, abs=TOLERANCE)


def test_other_seeds_divide_the_variance_of_seeds_and_answers_but_not_of_dialogues():
    sizes = {"n_dialogues": 31, "of_dialogues": 0.4, "of_seeds": 0.3, "noise": 0.6}
    grown = expected(n_seeds=3, **sizes).with_seeds(40)
    alike = expected(n_seeds=40, **sizes)
    for name in ("dialogues", "seeds", "noise", "total", "freedom"):
        assert getattr(grown, name) == pytest.approx(getattr(alike, name))
    assert grown.total > 0.4**2


@pytest.mark.parametrize(("n_seeds", "n_tests", "reachable"), [(10, 32, False), (11, 32, True)])
def test_wilcoxon_cannot_show_any_effect_with_too_few_seeds(n_seeds, n_tests, reachable):
    variance = expected(n_seeds=n_seeds, n_dialogues=31, of_dialogues=0.1, of_seeds=0.1, noise=0.1)
    found = power.p_power(variance, 50, n_tests)
    smallest = power.smallest_effect(lambda gain: power.p_power(variance, gain, n_tests))
    assert found == reachable
    assert math.isnan(smallest) != reachable


def test_no_variance_at_all_shows_every_effect():
    for n_seeds in (3, 10):
        nothing = MeanVariance(0.0, 0.0, 0.0, n_seeds, 31)
        assert power.interval_power(nothing, 0.1) == power.p_power(nothing, 0.1, 1) == 1
        assert power.interval_power(nothing, 0.0) == 0


def test_the_variance_is_that_of_the_interval_of_the_main_table(paths):
    results = Results(**paths)
    scores = TestScores(results)
    main = tabulate("main", results).data.set_index(CELL)
    for cell, base in scores.pairs(scores.points, "none"):
        variance = scores.variance(cell, base)
        reach = stats.t.ppf(0.975, variance.freedom) * math.sqrt(variance.total)
        assert reach == pytest.approx(main.loc[cell, "gain_high"] - main.loc[cell, "gain"])


def test_each_gain_has_a_row_and_the_last_pools_them(paths):
    table = tabulate("power", Results(**paths))
    data = table.data
    assert len(data) == 6 + 1
    assert data["modalities"].tolist()[-1] == "all"
    assert (data["n_tests"] == 6).all()
    assert data["undefined"].isna().all()
    for measure in ("interval", "holm"):
        powers = data[[f"power_{n}_{measure}" for n in (3, 5, 10, 20, 40)]]
        assert ((powers >= 0) & (powers <= 1)).all(axis=None)
        smallest = data[f"smallest_effect_{measure}"]
        assert smallest.iloc[:-1].min() < smallest.iloc[-1] < smallest.iloc[:-1].max()
    growing = data[[f"power_{n}_interval" for n in (3, 5, 10, 20, 40)]].to_numpy()
    assert (np.diff(growing, axis=1) > 0).all()
    assert all(
        "not enough seeds" not in entry.text for p in table.panels for r in p.rows for entry in r
    )
    assert any("Wilcoxon" in note for note in table.notes)
    assert table.simulated == ("iemocap-sim",)


def test_the_smallest_effect_has_power_80_with_the_present_seeds(paths):
    data = tabulate("power", Results(**paths)).data
    effect = float(data["smallest_effect_interval"].iloc[0])
    again = tabulate("power", Results(**paths), effect=effect)
    assert again.data["power_3_interval"].iloc[0] == pytest.approx(0.8, abs=0.001)
    assert f"{effect:g} points" in again.caption


def test_it_is_said_with_how_many_seeds_no_p_can_be_small_enough(tmp_path):
    many = ("spl", "anti", "spcl", "coherence", "baby_step", "random_pacing")
    sizes = {"baselines": ("mmgcn", "biddin"), "modalities": ("atv", "at", "av")}
    made = small(tmp_path, seeds=(1, 2, 3), curricula=("none", *many), **sizes)
    table = tabulate("power", made)
    assert (table.data["power_10_holm"] == 0).all()
    assert any("With 10 seeds no p" in note and "36 tests" in note for note in table.notes)


def small(folder, **settings):
    shape = {"datasets": ("iemocap-sim",), "baselines": ("mmgcn",), "modalities": ("atv", "at")}
    return Results(**make_results(folder, **shape | settings, n_dialogues=20, epochs=2))


@pytest.mark.parametrize(("seeds", "pooled"), [((1,), False), ((1, 2), True)])
def test_too_few_seeds_are_named_instead_of_numbers(tmp_path, seeds, pooled):
    table = tabulate("power", small(tmp_path, seeds=seeds))
    shown = [[entry.text for entry in row] for panel in table.panels for row in panel.rows]
    assert [("not enough seeds" in row) for row in shown] == 2 * [True, True, not pooled]
    assert table.data["power_10_interval"].notna().tolist() == [False, False, pooled]
    named = f"iemocap-sim/mmgcn/at/spcl ({len(seeds)})"
    assert any(note.startswith("Not enough seeds") and named in note for note in table.notes)


def test_without_predictions_there_is_no_interval_to_plan_for(tmp_path):
    made = small(tmp_path, seeds=(1, 2, 3))
    table = tabulate("power", Results(metrics=made._paths["metrics"]))
    assert set(table.data["undefined"]) == {"no interval", "not enough seeds"}
    assert any(note.startswith("No interval (dash)") for note in table.notes)


@pytest.mark.parametrize("settings", [{"curricula": ("none",)}, {"curricula": ("spcl",)}])
def test_without_a_pair_there_is_nothing_to_plan(tmp_path, settings):
    table = tabulate("power", small(tmp_path, seeds=(1, 2, 3), **settings))
    assert not len(table.data)
    assert any("nothing to plan" in note for note in table.notes)
