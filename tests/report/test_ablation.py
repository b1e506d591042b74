"""Curricula compared with none and with spcl: gains and pooled means computed by hand."""

import math

import numpy as np
import pytest
from made_by_hand import write_cells
from made_results import make_results
from scipy import stats

from spcl.report.analysis.results import Results
from spcl.report.analysis.statistics import holm
from spcl.report.drawing import style
from spcl.report.figures import ablation as figure
from spcl.report.figures import plot
from spcl.report.tables import tabulate
from spcl.tables import parquet

# Two even classes: a dialogue answered "jaja" is half wrong in both, so that weighted F1 is the
# share of right answers: 100, 83.3 and 66.7 points with none, one and two such dialogues.
DIALOGUES = {"d1": "jjaa", "d2": "jjaa", "d3": "jjaa"}
ALL, TWO, ONE = "jjaajjaajjaa", "jjaajjaajaja", "jjaajajajaja"
CELLS = {
    "mine/mmgcn/at/none": {1: ONE, 2: ONE},
    "mine/mmgcn/at/spcl": {1: ALL, 2: ALL},
    "mine/mmgcn/at/random_pacing": {1: TWO, 2: ALL},
    "mine/mmgcn/av/none": {1: ALL, 2: ONE},
    "mine/mmgcn/av/spcl": {1: ALL, 2: ALL},
}
SIXTH = 100 / 6


@pytest.fixture
def by_hand(tmp_path):
    return tabulate("ablation", Results(**write_cells(tmp_path, DIALOGUES, CELLS)))


def row(table, curriculum, modalities=None):
    data = table.data[table.data["curriculum"] == curriculum]
    of_cell = data["modalities"].isna() if modalities is None else data["modalities"] == modalities
    (found,) = data[of_cell].to_dict("records")
    return found


def test_a_cell_gains_over_none_and_loses_to_spcl_seed_by_seed(by_hand):
    random = row(by_hand, "random_pacing", "at")
    assert random["gain"] == pytest.approx(1.5 * SIXTH)  # one sixth, then two
    assert random["gain_sd"] == pytest.approx(SIXTH / math.sqrt(2))
    assert random["spcl_minus"] == pytest.approx(SIXTH / 2)  # one sixth, then nothing
    assert random["n_seeds"] == random["n_paired_seeds"] == 2
    assert random["gain_low"] <= random["gain"] <= random["gain_high"]


def test_none_has_no_gain_and_spcl_is_not_held_against_itself(by_hand):
    assert math.isnan(row(by_hand, "none", "at")["gain"])
    assert row(by_hand, "none", "at")["spcl_minus"] == pytest.approx(2 * SIXTH)
    spcl = row(by_hand, "spcl", "at")
    assert math.isnan(spcl["spcl_minus"])
    assert spcl["test"] is None or math.isnan(spcl["test"])


def test_pooled_is_the_mean_over_cells_in_each_seed(by_hand):
    spcl = row(by_hand, "spcl")
    # Seed 1: two sixths and nothing; seed 2: two sixths and two sixths.
    assert spcl["gain"] == pytest.approx(1.5 * SIXTH)
    assert spcl["gain_sd"] == pytest.approx(SIXTH / math.sqrt(2))
    assert (spcl["n_cells"], spcl["n_seeds"], spcl["n_dialogues"]) == (2, 2, 3)
    random = row(by_hand, "random_pacing")
    assert (random["n_cells"], random["n_paired_cells"]) == (1, 1)
    assert random["gain"] == pytest.approx(row(by_hand, "random_pacing", "at")["gain"])


def test_a_permutation_swaps_a_dialogue_in_all_pooled_cells_at_once(by_hand):
    # spcl and none differ in two dialogues, alike in every cell and seed but one. Of the four ways
    # to swap these two, two are as extreme: none swapped, and both.
    assert row(by_hand, "none")["p"] == pytest.approx(0.5, abs=0.03)
    assert row(by_hand, "none", "at")["p"] == pytest.approx(0.5, abs=0.03)


def test_six_seeds_are_tested_with_wilcoxon_on_the_pooled_differences(tmp_path):
    answers = [ALL, TWO, ALL, ALL, ONE, TWO]
    cells = {
        "mine/mmgcn/at/none": dict(enumerate([ONE] * 6)),
        "mine/mmgcn/at/spcl": dict(enumerate(answers)),
        "mine/mmgcn/av/none": dict(enumerate([TWO] * 6)),
        "mine/mmgcn/av/spcl": dict(enumerate([ALL] * 5 + [ONE])),
    }
    table = tabulate("ablation", Results(**write_cells(tmp_path, DIALOGUES, cells)))
    # In sixths, at: 2 1 2 2 0 1; av: 1 1 1 1 1 -1; their means: 1.5 1 1.5 1.5 0.5 0.
    none = row(table, "none")
    assert none["spcl_minus"] == pytest.approx(SIXTH)
    assert none["test"] == "wilcoxon"
    assert none["p"] == pytest.approx(stats.wilcoxon([1.5, 1, 1.5, 1.5, 0.5]).pvalue)


def test_p_values_are_corrected_over_the_whole_table(by_hand):
    data = by_hand.data
    assert data["p"].notna().sum() == 5  # none and random_pacing pooled; three cells
    np.testing.assert_array_equal(data["p_holm"], holm(data["p"].to_numpy(float)))


def test_pooled_over_different_cells_is_pointed_out(by_hand):
    assert any("different cells" in note for note in by_hand.notes)
    assert any("mine/mmgcn/av/random_pacing" in note for note in by_hand.notes)


def test_absent_rivals_are_named_with_what_to_add(by_hand):
    (note,) = [note for note in by_hand.notes if note.startswith("Not trained")]
    assert note.startswith("Not trained: spl, coherence, anti. ")
    assert "random_pacing" not in note
    assert "grid.curricula" in note
    assert "config/strategies.yaml" in note


def test_a_curriculum_of_the_users_stands_among_the_rivals(tmp_path):
    cells = CELLS | {"mine/mmgcn/at/my_own": {1: TWO, 2: TWO}}
    table = tabulate("ablation", Results(**write_cells(tmp_path, DIALOGUES, cells)))
    assert row(table, "my_own")["gain"] == pytest.approx(SIXTH)
    (shown,) = [r for r in table.panels[0].rows if r[1].text == "my_own"]
    assert shown[2].text == "–"  # noqa: RUF001


def test_without_spcl_there_are_gains_and_nothing_to_hold_against(tmp_path):
    cells = {key: CELLS[key] for key in CELLS if "spcl" not in key}
    table = tabulate("ablation", Results(**write_cells(tmp_path, DIALOGUES, cells)))
    assert table.data["spcl_minus"].isna().all()
    assert row(table, "random_pacing")["gain"] == pytest.approx(1.5 * SIXTH)


def test_without_predictions_there_is_no_interval_and_a_note(tmp_path):
    metrics = write_cells(tmp_path, DIALOGUES, CELLS)["metrics"]
    table = tabulate("ablation", Results(metrics=metrics))
    assert table.data[["gain_low", "spcl_minus_low", "p"]].isna().all().all()
    assert row(table, "spcl")["gain"] == pytest.approx(1.5 * SIXTH)
    assert any("predictions are missing" in note for note in table.notes)


def test_one_seed_gives_no_test_and_says_so(tmp_path):
    cells = {key: {1: by_seed[1]} for key, by_seed in CELLS.items()}
    table = tabulate("ablation", Results(**write_cells(tmp_path, DIALOGUES, cells)))
    assert table.data["p"].isna().all()
    assert any("one seed" in note and "No conclusion" in note for note in table.notes)


def test_only_seeds_that_every_pooled_cell_has_count(tmp_path):
    cells = CELLS | {"mine/mmgcn/av/spcl": {2: ALL}}
    table = tabulate("ablation", Results(**write_cells(tmp_path, DIALOGUES, cells)))
    spcl = row(table, "spcl")
    assert spcl["n_seeds"] == 1
    assert spcl["gain"] == pytest.approx(2 * SIXTH)
    assert row(table, "spcl", "at")["n_seeds"] == 2


def test_signs_stand_beside_the_name(tmp_path):
    made = write_cells(tmp_path, DIALOGUES, CELLS, diverged=True, full_at_epoch=None)
    table = tabulate("ablation", Results(**made))
    assert {r[1].marks for r in table.panels[0].rows} == {"†‡"}
    assert any(note.startswith("†") for note in table.notes)


def test_the_figure_draws_what_the_table_says(by_hand, tmp_path):
    results = Results(**write_cells(tmp_path, DIALOGUES, CELLS))
    out = {ext: tmp_path / f"f.{ext}" for ext in ("parquet", "svg", "png")}
    plot("ablation", results, **out)
    stored = parquet.read(out["parquet"], figure.SCHEMA).to_pandas()
    assert set(stored["curriculum"]) == {"spcl", "random_pacing"}
    stored = stored[stored["measure"] == "gain"]
    pooled = stored[stored["baseline"].isna()].set_index("curriculum")
    expected = row(by_hand, "spcl")
    assert pooled.loc["spcl", "value"] == pytest.approx(expected["gain"])
    assert pooled.loc["spcl", "low"] == pytest.approx(expected["gain_low"])
    assert (stored["baseline"] == "mmgcn").sum() == 3


def test_marks_of_one_row_stay_inside_it(tmp_path):
    made = make_results(
        tmp_path,
        datasets=("meld-sim",),
        modalities=("at",),
        curricula=("none", "spcl", "spl"),
        seeds=(1, 2),
        n_dialogues=12,
        epochs=2,
    )
    with style.look():
        every = figure.draw(figure.compute(Results(**made))).axes
        assert len(every) == 3  # score, balance, robustness
        for axes in every:
            lines = [line for line in axes.lines if line.get_label()[0] != "_"]
            assert len(lines) == 5  # all cells, and four baselines
            for line in lines:
                rows = np.round(np.asarray(line.get_ydata(), float))
                assert rows.tolist() == [0, 1]
            heights = {tuple(line.get_ydata()) for line in lines}
            assert len(heights) == 5


def test_balance_and_robustness_are_pooled_beside_the_score(tmp_path):
    """The slow version: the means over cells of the tables balance and robustness."""
    made = make_results(
        tmp_path,
        datasets=("meld-sim",),
        baselines=("mmgcn", "biddin"),
        modalities=("at", "atv"),
        seeds=(1, 2, 3),
        n_dialogues=20,
        epochs=2,
    )
    results = Results(**made)
    table = tabulate("ablation", results)
    spcl = row(table, "spcl")
    balance = tabulate("balance", results).data
    of_spcl = balance[balance["curriculum"] == "spcl"]
    by_cell = of_spcl.groupby(["baseline", "modalities"])["imbalance_change"].first()
    assert spcl["imbalance_change"] == pytest.approx(by_cell.mean())
    robustness = tabulate("robustness", results).data
    of_spcl = robustness[(robustness["curriculum"] == "spcl") & robustness["summary"]]
    assert len(of_spcl) == 4 * 4
    assert spcl["drop_change"] == pytest.approx(of_spcl["drop_change"].mean())
    assert spcl["drop_change_low"] < spcl["drop_change"] < spcl["drop_change_high"]
    titles = [panel.title for panel in table.panels]
    assert "Pooled: balance and robustness, change against none" in titles


def test_twenty_strategies_fit_into_a_figure(tmp_path):
    made = make_results(
        tmp_path,
        datasets=("meld-sim",),
        modalities=("at",),
        curricula=("none", *(f"strategy_{n}" for n in range(20))),
        seeds=(1, 2),
        n_dialogues=12,
        epochs=2,
    )
    with style.look():
        drawn = figure.draw(figure.compute(Results(**made)))
        assert drawn.get_size_inches()[1] < 11
        for line in drawn.axes[0].lines:
            if line.get_label()[0] != "_":
                assert np.round(np.asarray(line.get_ydata(), float)).tolist() == list(range(20))
