"""The candidates of a tuning, the choice among them, and trainings that are tuned."""

import dataclasses
import json
import math

import numpy as np
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spcl.errors import UserError
from spcl.provenance.environment import Provenance
from spcl.study.grid import Cell
from spcl.study.tuning import TRAINING, chosen, with_candidate
from spcl.tables import schemas
from spcl.training.candidates import candidates
from spcl.training.cell import train_cell
from spcl.training.settings import CellSettings, TrainingSettings
from spcl.training.tuning import better_half, choose, tune_cell
from tests.conftest import make_corpus

SETTINGS = {
    "training": {"learning_rate": 0.001, "epochs": 3},
    "model": {"dropout": 0.5},
    "curriculum": {"threshold": 0.4},
}
OF_BASELINE = {
    "training": {"learning_rate": {"low": 1e-4, "high": 1e-2, "scale": "log"}},
    "model": {"dropout": [0.1, 0.3, 0.5]},
}
OF_SPCL = {"curriculum": {"threshold": [0.2, 0.4], "growth": [1.1, 1.3, 1.6]}}

numbers = st.floats(0.01, 100).map(lambda value: float(f"{value:.3g}"))
lists = st.lists(numbers, min_size=1, max_size=4, unique=True)


@st.composite
def ranges(draw, of=numbers):
    low, high = sorted(draw(st.lists(of, min_size=2, max_size=2, unique=True)))
    return {"low": low, "high": high, "scale": draw(st.sampled_from(["linear", "log"]))}


axes = st.one_of(lists, ranges(), ranges(st.integers(1, 50)))
spaces = st.dictionaries(
    st.sampled_from(["training", "model", "curriculum"]),
    st.dictionaries(st.sampled_from("abc"), axes, min_size=1),
)


def is_in(value, values):
    if isinstance(values, list):
        return value in values
    whole = isinstance(values["low"], int) and isinstance(values["high"], int)
    return values["low"] <= value <= values["high"] and (isinstance(value, int) or not whole)


class TestCandidates:
    @given(spaces, st.integers(2, 30), st.integers(0, 3))
    def test_they_are_different_in_the_space_and_within_the_budget(self, space, trials, seed):
        settings = {"training": {"a": 0.5}, "model": {}, "curriculum": {"c": 3}}
        first, *others = found = candidates(settings, space, trials=trials, sample_seed=seed)
        assert with_candidate(settings, first) == settings
        assert len(found) <= trials
        assert all(one not in found[:place] for place, one in enumerate(found))
        for one in others:
            assert one.keys() == space.keys()
            for part, values in space.items():
                assert one[part].keys() == values.keys()
                assert all(is_in(one[part][key], values[key]) for key in values)
        larger = candidates(settings, space, trials=trials + 9, sample_seed=seed)
        if len(found) == trials and any(
            isinstance(values, dict) for part in space.values() for values in part.values()
        ):
            assert larger[:trials] == found

    def test_lists_that_fit_into_the_budget_are_all_tried(self):
        space = {"model": {"dropout": [0.1, 0.5]}, "curriculum": {"growth": [1.1, 1.3, 1.6]}}
        found = candidates(SETTINGS, space, trials=7)
        assert found[0] == {"model": {"dropout": 0.5}, "curriculum": {}}
        assert len(found) == 7
        pairs = {(one["model"]["dropout"], one["curriculum"]["growth"]) for one in found[1:]}
        assert pairs == {(d, g) for d in (0.1, 0.5) for g in (1.1, 1.3, 1.6)}

    def test_the_configs_own_settings_count_once(self):
        space = {"training": {"learning_rate": [0.001, 0.01]}}
        rates = [one["training"]["learning_rate"] for one in candidates(SETTINGS, space, trials=12)]
        assert rates == [0.001, 0.01]

    def test_curricula_of_a_baseline_try_the_same_settings_of_it(self):
        """The table compares them: candidate k of none and of spcl train the same network."""
        none = candidates(SETTINGS, OF_BASELINE, trials=12)
        spcl = candidates(SETTINGS, OF_BASELINE | OF_SPCL, trials=12)
        assert len(none) == len(spcl) == 12
        for one, other in zip(none, spcl, strict=True):
            assert one == {part: other[part] for part in OF_BASELINE}

    def test_a_logarithmic_range_is_sampled_evenly_in_the_logarithm(self):
        found = candidates(SETTINGS, OF_BASELINE, trials=200)
        logs = [math.log10(one["training"]["learning_rate"]) for one in found[1:]]
        assert np.mean(np.array(logs) < -3) == pytest.approx(0.5, abs=0.05)

    def test_another_seed_gives_another_sample(self):
        one, other = (candidates(SETTINGS, OF_BASELINE, trials=9, sample_seed=s) for s in (0, 1))
        assert one[0] == other[0]
        assert one[1:] != other[1:]

    def test_no_two_lists_change_only_together(self):
        """As the first points of a Sobol sequence do."""
        space = OF_BASELINE | {"curriculum": {"threshold": [0.2, 0.4], "growth": [1.1, 1.3]}}
        found = [one["curriculum"] for one in candidates(SETTINGS, space, trials=12)[1:]]
        assert len({(one["threshold"], one["growth"]) for one in found}) == 4

    def test_the_training_settings_that_can_be_tuned_are_those_that_decide_numbers(self):
        fields = {field.name for field in dataclasses.fields(TrainingSettings)}
        assert {*TRAINING} == fields - {"seeds_at_once"}


class TestChoice:
    def test_the_highest_mean_over_seeds_wins_and_of_equal_ones_the_first(self):
        assert choose(np.array([[0.3, 0.3], [0.5, 0.2], [0.4, 0.4]])) == 2
        assert choose(np.array([[0.3, 0.4], [0.4, 0.3], [0.3, 0.3]])) == 0

    def test_a_candidate_without_all_seeds_cannot_win(self):
        assert choose(np.array([[0.3, 0.3], [0.9, np.nan]])) == 0

    @given(st.data())
    def test_the_better_half_remains_and_the_configs_candidate(self, data):
        n = data.draw(st.integers(1, 12))
        scores = np.array(data.draw(st.lists(st.sampled_from([0.1, 0.2, 0.3]), min_size=n)))
        remaining = data.draw(st.lists(st.sampled_from(range(n)), min_size=1, unique=True))
        remaining.sort()
        kept = better_half(scores[:, None], remaining)
        assert kept == sorted({*kept})
        assert 0 in kept
        better = [one for one in kept if one in remaining]
        assert math.ceil(len(remaining) / 2) <= len(better) <= math.ceil(len(remaining) / 2) + 1
        dropped = [one for one in remaining if one not in kept]
        assert all(scores[a] >= scores[b] for a in better if a for b in dropped)


CORPUS = make_corpus([4, 9, 6, 8, 5, 7, 6, 3] * 4, signal=0.6)
TRAINED = {
    "training": {"epochs": 4, "batch_size": 8, "learning_rate": 1e-6},
    "model": {"hidden": 8, "dropout": 0.2},
}
PROVENANCE = Provenance(commit="0", versions={}, device="here", config_digest="0")


def trainer(cell, settings, trained):
    """A function that trains candidates of `cell` and adds them to `trained`."""

    def train(candidate, seeds):
        trained.append((candidate, list(seeds)))
        own = CellSettings.from_config(with_candidate(settings, candidate) | {"seeds": seeds})
        return train_cell(cell, *CORPUS, own, provenance=PROVENANCE)

    return train


def tuned_and_trained(curriculum, settings, space, *, halving=False):
    """Tune late fusion with seeds 11 and 12, then train it with seeds 1 and 2."""
    cell, trained = Cell("made", "late_fusion", "at", curriculum), []
    settings = TRAINED | {"curriculum": settings}
    train = trainer(cell, settings, trained)
    tried = candidates(settings, space, trials=6)
    result = tune_cell(cell, tried, [11, 12], train, trials=6, halving=halving)
    best = chosen(result.candidates.to_pylist())
    return result, best, train(best, [1, 2]), trained[:-1]


RATES = {"training": {"learning_rate": [1e-6, 0.01]}}


def test_strategies_that_are_equal_up_to_a_setting_are_equal_when_tuned():
    """With a threshold of 60 spcl is none; the config has one that admits nothing."""
    space = RATES | {"curriculum": {"threshold": [1e-9, 60.0]}}
    _, of_none, none, _ = tuned_and_trained("none", {}, RATES)
    _, of_spcl, spcl, _ = tuned_and_trained("spcl", {"threshold": 1e-9, "growth": 1.0}, space)
    assert of_none == {"training": {"learning_rate": 0.01}}
    assert of_spcl == of_none | {"curriculum": {"threshold": 60.0}}
    columns = ["seed", "split", "weighted_f1"]
    assert none.metrics.select(columns).equals(spcl.metrics.select(columns))


def test_the_table_has_each_candidate_and_the_pace_is_the_chosen_ones():
    result, _, _, trained = tuned_and_trained(
        "spcl",
        {"threshold": 0.3, "growth": 1.5},
        RATES | {"curriculum": {"threshold": [0.3, 60.0]}},
    )
    table = result.candidates
    assert schemas.TUNING.fault(table) is None
    assert len(table) == 2 * len(trained)
    assert table["candidate"].to_pylist() == [n for n in range(len(trained)) for _ in (11, 12)]
    assert json.loads(table["settings"][0].as_py())["curriculum"] == {"threshold": 0.3}
    of_chosen = table.filter(pc.field("chosen"))
    assert of_chosen["seed"].to_pylist() == [11, 12]
    history = result.pace.to_pandas().groupby("seed")
    best_epochs = history["dev_weighted_f1"].max().tolist()
    assert best_epochs == pytest.approx(of_chosen["dev_weighted_f1"].to_pylist())


def test_halving_trains_the_worse_half_with_the_first_seed_only():
    space = {"training": {"learning_rate": [1e-6, 1e-5, 1e-4, 0.003, 0.01]}}
    whole, best, _, _ = tuned_and_trained("none", {}, space)
    result, same, _, trained = tuned_and_trained("none", {}, space, halving=True)
    assert [seeds for _, seeds in trained] == [[11]] * 5 + [[12]] * (len(trained) - 5)
    assert len(trained) - 5 in (3, 4)  # the better three, and the config's candidate
    assert {} not in [candidate for candidate, _ in trained]
    assert best == same
    rows = result.candidates.to_pylist()
    assert all(row in whole.candidates.to_pylist() for row in rows)


def test_a_candidate_that_its_class_refuses_is_named():
    space = {"curriculum": {"threshold": [0.3, -1.0]}}
    with pytest.raises(UserError, match=r"candidate 1 .*-1\.0.*threshold: -1\.0 is not above 0"):
        tuned_and_trained("spcl", {"threshold": 0.3, "growth": 1.5}, space)
