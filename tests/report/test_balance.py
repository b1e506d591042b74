"""Each modality's head beside the modality alone, without a curriculum and with one."""

import numpy as np
import pytest
from tiny_cells import gathered, sure, write_cell, write_probe, write_utterances

from spcl.report.analysis.heads import Heads
from spcl.report.analysis.results import Results
from spcl.report.drawing import style
from spcl.report.figures import balance, plot
from spcl.report.tables import tabulate
from spcl.tables import parquet
from spcl.tables.schemas import PREDICTIONS

TRUE = "cgcg-c"  # three calm, two glad, one unlabelled
RIGHT, CALM = "cgcgsc", "cccccc"


@pytest.fixture
def tiny(tmp_path):
    """Audio is always right. Text says calm throughout, until SPCL makes it right as well."""
    weak = [sure(RIGHT, 0.8), sure(CALM, 0.5)]
    strong = [sure(RIGHT, 0.8), sure(RIGHT, 0.6)]
    none = write_cell(
        tmp_path, "d/mmgcn/at/none", TRUE, {1: RIGHT, 2: RIGHT}, heads={1: weak, 2: weak}
    )
    spcl = write_cell(
        tmp_path, "d/mmgcn/at/spcl", TRUE, {1: RIGHT, 2: RIGHT}, heads={1: strong, 2: weak}
    )
    return gathered(none, spcl) | {
        "utterances": [write_utterances(tmp_path, "d", TRUE)],
        "utterance_difficulty": [
            write_probe(tmp_path, "d", "a", TRUE, CALM),
            write_probe(tmp_path, "d", "t", TRUE, RIGHT),
        ],
    }


# calm throughout: F1 of calm 2 * 3 / (5 + 3), of glad 0; three of five labels are calm
ALL_CALM = 100 * 0.75 * 3 / 5


def by_head(results):
    return tabulate("balance", results).data.set_index(["curriculum", "modality"])


class TestTable:
    def test_heads_probes_and_gaps_are_those_worked_out_by_hand(self, tiny):
        data = by_head(Results(**tiny))
        audio, text = data.loc["none", "a"], data.loc["none", "t"]
        assert (audio["head"], audio["head_sd"]) == (100, 0)
        assert (audio["reference"], audio["alone"]) == ("probe", pytest.approx(ALL_CALM))
        assert audio["gap"] == pytest.approx(100 - ALL_CALM)
        assert text["head"] == pytest.approx(ALL_CALM)
        assert text["alone"] == 100
        assert text["gap"] == pytest.approx(ALL_CALM - 100)
        assert (text["n_utterances"], text["n_dialogues"]) == (5, 3)

    def test_a_change_is_paired_by_seed_and_lies_in_its_interval(self, tiny):
        text = by_head(Results(**tiny)).loc["spcl", "t"]
        assert text["change"] == pytest.approx((100 - ALL_CALM) / 2)
        assert text["change_sd"] == pytest.approx((100 - ALL_CALM) / 2**0.5)
        assert text["n_paired_seeds"] == 2
        assert text["change_low"] < text["change"] < text["change_high"]

    def test_a_head_that_answers_as_before_has_no_change_in_any_resample(self, tiny):
        audio = by_head(Results(**tiny)).loc["spcl", "a"]
        assert audio[["change", "change_low", "change_high"]].tolist() == [0, 0, 0]

    def test_confidence_is_held_against_the_most_confident_head(self, tiny):
        data = by_head(Results(**tiny))
        text = data.loc["none", "t"]
        before = (3 * 0.5 + 2 * 0.25) / 5  # calm three times, glad twice
        assert text["confidence"] == pytest.approx(before)
        assert text["ratio"] == pytest.approx(before / 0.8)
        assert data.loc["none", "a"]["ratio"] == 1
        assert data.loc["spcl", "t"]["ratio_change"] == pytest.approx((0.6 - before) / 0.8 / 2)

    def test_a_reader_sees_them_side_by_side(self, tiny):
        panel, *others = tabulate("balance", Results(**tiny)).panels
        assert panel.title == "d: heads"
        assert [[row[place].text for place in (2, 3, 4, 5, 6, 7, 9)] for row in panel.rows[2:]] == [
            ["text", "none", "45.0 ± 0.0", "probe", "100.0 ± 0.0", "−55.0 ± 0.0", ""],  # noqa: RUF001
            ["text", "spcl", "72.5 ± 38.9", "probe", "100.0 ± 0.0", "−27.5 ± 38.9", "+27.5 ± 38.9"],  # noqa: RUF001
        ]
        assert [other.title for other in others] == ["d: contributions", "d: imbalance degree"]

    def test_the_network_alone_replaces_the_probe_for_every_curriculum(self, tiny, tmp_path):
        """It is that of none, and paired by seed: text alone is right with the first seed only."""
        alone = write_cell(tmp_path, "d/mmgcn/t/none", TRUE, {1: RIGHT, 2: CALM, 3: CALM})
        other = write_cell(tmp_path, "d/mmgcn/t/spcl", TRUE, {1: CALM, 2: CALM})
        more = {kind: [*tiny[kind], alone[kind], other[kind]] for kind in alone}
        data = tabulate("balance", Results(**tiny | more)).data
        data = data.set_index(["modalities", "curriculum", "modality"])
        none, spcl = data.loc[("at", "none", "t")], data.loc[("at", "spcl", "t")]
        assert (none["reference"], spcl["reference"]) == ("network", "network")
        assert none["alone"] == spcl["alone"] == pytest.approx((100 + 2 * ALL_CALM) / 3)
        assert none["gap"] == pytest.approx((ALL_CALM - 100) / 2)  # the third seed has no partner
        assert spcl["gap"] == pytest.approx(0)
        assert none["gap_low"] < none["gap"] < none["gap_high"]
        assert spcl["gap"] - none["gap"] == pytest.approx(spcl["change"])
        assert data.loc[("at", "none", "a"), "reference"] == "probe"
        assert np.isnan(data.loc[("at", "none", "a"), "gap_low"])
        assert data.loc[("t", "none", "t"), "reference"] == "probe"

    def test_a_reference_that_diverged_marks_the_gap(self, tiny, tmp_path):
        alone = write_cell(tmp_path, "d/mmgcn/t/none", TRUE, {1: RIGHT, 2: CALM}, diverged=True)
        more = {kind: [*tiny[kind], alone[kind]] for kind in alone}
        panel = tabulate("balance", Results(**tiny | more)).panels[0]
        marks = {(row[1].text, row[2].text, row[3].text): row[7].marks for row in panel.rows}
        assert marks["at", "text", "spcl"] == "†"
        assert marks["at", "audio", "spcl"] == ""

    def test_a_reference_without_a_common_seed_leaves_a_dash(self, tiny, tmp_path):
        alone = write_cell(tmp_path, "d/mmgcn/t/none", TRUE, {7: RIGHT})
        more = {kind: [*tiny[kind], alone[kind]] for kind in alone}
        table = tabulate("balance", Results(**tiny | more))
        joint = table.data[table.data["modalities"] == "at"].set_index(["curriculum", "modality"])
        assert np.isnan(joint.loc[("spcl", "t"), "gap"])
        assert any("no seed in common" in note for note in table.notes)

    def test_a_modality_alone_has_a_gap_and_no_ratio(self, tiny, tmp_path):
        cells = [
            write_cell(tmp_path, f"d/mmgcn/t/{name}", TRUE, {1: letters})
            for name, letters in (("none", CALM), ("spcl", RIGHT))
        ]
        table = tabulate("balance", Results(**tiny | gathered(*cells)))
        assert table.data["gap"].tolist() == pytest.approx([ALL_CALM - 100, 0])
        assert table.data[["ratio", "ratio_change", "head_sd"]].isna().all(axis=None)
        assert any("of a single modality" in note for note in table.notes)
        assert any("one seed" in note for note in table.notes)

    def test_a_modality_without_a_reference_is_named(self, tiny):
        without = tiny | {"utterance_difficulty": tiny["utterance_difficulty"][:1]}
        table = tabulate("balance", Results(**without))
        data = table.data.set_index(["curriculum", "modality"])
        assert data.loc[[("none", "t"), ("spcl", "t")], ["alone", "gap"]].isna().all(axis=None)
        assert not np.isnan(data.loc[("none", "a"), "gap"])
        assert any("for text (d): the grid has no cell" in note for note in table.notes)

    @pytest.mark.parametrize(
        ("absent", "says"),
        [
            ("utterance_difficulty", "No reference and no gap (dash) for audio (d), text (d)"),
            ("utterances", "No reference and no gap (dash) where the grid"),
            ("predictions", "No interval and no contribution (dash) where no predictions"),
        ],
    )
    def test_missing_inputs_leave_dashes_that_a_note_explains(self, tiny, absent, says):
        kept = {kind: paths for kind, paths in tiny.items() if kind != absent}
        table = tabulate("balance", Results(**kept))
        assert table.data.set_index(["curriculum", "modality"]).loc[("spcl", "t"), "change"] > 0
        assert any(note.startswith(says) for note in table.notes)
        gaps = "change_low" if absent == "predictions" else "gap"
        assert table.data[gaps].isna().all()

    def test_without_none_there_are_no_changes(self, tiny):
        alone = tiny | {kind: tiny[kind][1:] for kind in ("metrics", "predictions")}
        table = tabulate("balance", Results(**alone))
        assert table.data[["change", "ratio_change"]].isna().all(axis=None)
        assert any(note.startswith("No change") for note in table.notes)

    def test_diverged_and_optimistic_cells_carry_their_signs(self, tmp_path):
        facts = {"diverged": True, "protocol": "best-test-epoch"}
        cell = write_cell(tmp_path, "d/mmgcn/at/none", TRUE, {1: RIGHT}, **facts)
        table = tabulate("balance", Results(**gathered(cell)))
        assert table.panels[0].rows[0][3].marks == "†§"
        assert [note[0] for note in table.notes[:2]] == ["†", "§"]

    def test_no_input_gives_an_empty_table_that_says_so(self):
        table = tabulate("balance", Results())
        assert len(table.data) == 0
        assert table.notes == ("There are no cells: no metrics were given.",)

    def test_its_files_are_the_same_bytes_each_time(self, paths, tmp_path):
        written = []
        for run in ("first", "second"):
            out = {ext: tmp_path / run / f"t.{ext}" for ext in ("parquet", "md", "tex", "html")}
            table = tabulate("balance", Results(**paths))
            table.write(**out)
            written.append([path.read_bytes() for path in out.values()])
        assert written[0] == written[1]
        assert parquet.metadata(parquet.read(out["parquet"], table.schema))["simulated"]


def test_each_heads_answers_are_its_own_in_a_file_of_many_cells(tmp_path):
    """Counted from the predictions, every head scores what its metrics say."""
    rng = np.random.default_rng(0)
    true = "".join(rng.choice(list("cgs-"), 20))
    cells = []
    for modalities in ("t", "atv", "av", "tv"):
        heads = {seed: rng.dirichlet([1, 1, 1], (len(modalities), 20)) for seed in (1, 2)}
        answers = dict.fromkeys(heads, "c" * 20)
        address = f"d/mmgcn/{modalities}/none"
        cells.append(write_cell(tmp_path, address, true, answers, heads=heads))
    paths = gathered(*cells)
    together = tmp_path / "together.parquet"
    parquet.write(parquet.read_all(paths["predictions"], PREDICTIONS), together, PREDICTIONS)
    heads = Heads(Results(metrics=paths["metrics"], predictions=[together]))
    assert sum(map(len, heads.scores.values())) == 1 + 3 + 2 + 2
    for key, of_cell in heads.scores.items():
        for letter, score in of_cell.items():
            counted = heads.subset_scores[key][letter]
            assert counted.points.to_numpy() == pytest.approx(score.points.to_numpy())


class TestFigure:
    def test_it_shows_the_tables_numbers(self, tiny):
        data = balance.compute(Results(**tiny)).set_index(["measure", "curriculum", "modality"])
        table = by_head(Results(**tiny))
        text = table.loc[("spcl", "t")]
        for measure in ("gap", "change", "contribution"):
            shown = data.loc[(measure, "spcl", "t")]
            assert shown["value"] == text[measure]
            assert shown[["low", "high"]].to_numpy() == pytest.approx(
                text[[f"{measure}_low", f"{measure}_high"]].to_numpy(float), nan_ok=True
            )
        assert data.loc[("imbalance", "spcl", ""), "value"] == text["imbalance"]
        assert data.loc[("gap", "spcl", "t"), "reference"] == "probe"
        assert ("change", "none", "t") not in data.index

    def test_places_that_are_compared_with_a_probe_are_shaded(self, tiny, tmp_path):
        alone = write_cell(tmp_path, "d/mmgcn/t/none", TRUE, {1: RIGHT, 2: CALM})
        more = {kind: [*tiny[kind], alone[kind]] for kind in alone}
        with style.look():
            drawn = balance.draw(balance.compute(Results(**tiny | more)))
            shaded = [(axes, patch) for axes in drawn.axes for patch in axes.patches]
        ((axes, patch),) = shaded
        assert axes.get_title() == "Gap to alone"
        assert patch.get_extents().transformed(axes.transData.inverted()).x0 == pytest.approx(-0.5)

    def test_models_of_one_modality_stay_out_where_there_are_joint_ones(self, tiny, tmp_path):
        alone = write_cell(tmp_path, "d/mmgcn/t/none", TRUE, {1: RIGHT, 2: CALM})
        more = {kind: [*tiny[kind], alone[kind]] for kind in alone}
        assert set(balance.compute(Results(**tiny | more))["modalities"]) == {"at"}
        assert set(balance.compute(Results(**gathered(alone)))["modalities"]) == {"t"}

    def test_every_curriculum_is_shown(self, tiny, tmp_path):
        anti = write_cell(tmp_path, "d/mmgcn/at/anti", TRUE, {1: RIGHT})
        more = tiny | {kind: [*tiny[kind], anti[kind]] for kind in ("metrics", "predictions")}
        assert set(balance.compute(Results(**more))["curriculum"]) == {"none", "spcl", "anti"}

    @pytest.mark.parametrize(
        "absent", [[], ["predictions"], ["utterances"], ["utterance_difficulty"], ["metrics"]]
    )
    def test_gaps_are_borne(self, tiny, absent, tmp_path):
        kept = {kind: paths for kind, paths in tiny.items() if kind not in absent}
        out = {ext: tmp_path / f"f.{ext}" for ext in ("parquet", "svg", "png")}
        plot("balance", Results(**kept), **out)
        table = parquet.read(out["parquet"], balance.SCHEMA)
        assert (len(table) == 0) == ("metrics" in absent)

    @pytest.mark.parametrize("kept", [slice(0, 1), slice(1, 2)])
    def test_none_alone_and_a_curriculum_alone_are_drawn(self, tiny, kept):
        alone = tiny | {kind: tiny[kind][kept] for kind in ("metrics", "predictions")}
        with style.look():
            data = balance.compute(Results(**alone))
            assert set(data["measure"]) == {"gap", "contribution", "imbalance"}
            style.headline(balance.draw(data), "Title", "Caption.", [])

    def test_words_stay_inside_a_figure_of_one_panel(self, tiny):
        with style.look():
            drawn = balance.draw(balance.compute(Results(**tiny)))
            style.headline(drawn, balance.TITLE, balance.CAPTION, ["d"])
            renderer = drawn.canvas.get_renderer()
            assert all(axes.get_tightbbox(renderer).x1 <= drawn.bbox.x1 for axes in drawn.axes)
            assert all(text.get_window_extent(renderer).x1 <= drawn.bbox.x1 for text in drawn.texts)
