"""F1 by class, as a table and as a figure with confusions."""

import numpy as np
import pandas as pd
import pytest
from made_results import EMOTIONS, make_results
from tiny_cells import LABELS, gathered, write_cell

from spcl.report.analysis.results import Results
from spcl.report.drawing import style
from spcl.report.figures import per_class, plot
from spcl.report.tables import tabulate
from spcl.tables import parquet

TRUE = "cgc-cg"  # three calm, two glad, one unlabelled, none sad
BAD, GOOD = "ccccgg", "cgcscg"  # sad on the unlabelled one


@pytest.fixture
def tiny(tmp_path):
    """none mistakes a glad for calm and a calm for glad with seed 1; spcl mistakes nothing."""
    none = write_cell(tmp_path, "d/mmgcn/at/none", TRUE, {1: BAD, 2: GOOD})
    spcl = write_cell(tmp_path, "d/mmgcn/at/spcl", TRUE, {1: GOOD, 2: GOOD})
    return gathered(none, spcl)


def by_class(results):
    return tabulate("per_class", results).data.set_index(["curriculum", "emotion"])


class TestTable:
    def test_scores_and_gains_are_those_worked_out_by_hand(self, tiny):
        data = by_class(Results(**tiny))
        calm, glad = data.loc["none", "calm"], data.loc["none", "glad"]
        # seed 1, calm: 2 hits, 3 answers, 3 labels; glad: 1 hit, 2 answers, 2 labels
        assert calm["f1"] == pytest.approx((100 * 4 / 6 + 100) / 2)
        assert calm["f1_sd"] == pytest.approx(100 / 3 / 2**0.5)
        assert glad["f1"] == pytest.approx((50 + 100) / 2)
        assert (calm["n_utterances"], glad["n_utterances"]) == (3, 2)
        assert (calm["n_dialogues"], glad["n_dialogues"]) == (3, 2)
        gain = data.loc["spcl", "calm"]
        assert gain["gain"] == pytest.approx(100 / 3 / 2)
        assert gain["gain_sd"] == pytest.approx(100 / 3 / 2**0.5)
        assert gain["n_paired_seeds"] == 2
        assert gain["gain_low"] < gain["gain"] < gain["gain_high"]

    def test_what_no_resample_changes_has_an_interval_of_no_width(self, tiny):
        calm = by_class(Results(**tiny)).loc["spcl", "calm"]
        assert calm["f1_low"] == calm["f1"] == calm["f1_high"] == 100

    def test_a_curriculum_that_answers_as_none_does_gains_nothing_in_any_resample(self, tmp_path):
        cells = [
            write_cell(tmp_path, f"d/mmgcn/at/{name}", TRUE, {1: BAD, 2: BAD})
            for name in ("none", "spcl")
        ]
        calm = by_class(Results(**gathered(*cells))).loc["spcl", "calm"]
        assert calm["f1_low"] < calm["f1"] < calm["f1_high"]
        assert calm[["gain", "gain_low", "gain_high"]].tolist() == [0, 0, 0]

    def test_a_class_in_two_dialogues_has_a_score_and_no_interval(self, tiny):
        glad = by_class(Results(**tiny)).loc["spcl", "glad"]
        assert glad["gain"] == pytest.approx(25)
        assert np.isnan(glad["gain_low"])
        notes = tabulate("per_class", Results(**tiny)).notes
        assert "No interval where too few test dialogues have the class." in notes

    def test_a_class_that_no_test_utterance_has_is_a_dash(self, tiny):
        table = tabulate("per_class", Results(**tiny))
        absent = table.data[table.data["emotion"] == "sad"]
        assert absent[["f1", "gain"]].isna().all(axis=None)
        assert set(absent["n_utterances"]) == {0}
        assert any("no test utterance has the class: sad (d)." in note for note in table.notes)

    def test_classes_are_columns_in_the_corpus_order_under_their_n(self, tiny):
        scores, gains = tabulate("per_class", Results(**tiny)).panels
        assert scores.headings[3:] == ("calm (n = 3)", "glad (n = 2)", "sad (n = 0)")
        assert gains.headings[3:] == tuple(LABELS)
        assert scores.rows[0][3].text == "83.3 ± 23.6"
        assert [row[2].text for row in gains.rows] == ["spcl"]
        assert gains.rows[0][4].text == "+25.0"
        assert gains.rows[0][3].text.startswith("+16.7 [")

    def test_without_predictions_there_are_scores_but_no_intervals(self, tiny):
        table = tabulate("per_class", Results(metrics=tiny["metrics"]))
        data = table.data.set_index(["curriculum", "emotion"])
        assert data.loc[("spcl", "calm"), "gain"] == pytest.approx(100 / 3 / 2)
        assert data[["f1_low", "gain_low", "n_utterances"]].isna().all(axis=None)
        assert table.panels[0].headings[3:] == tuple(LABELS)
        assert any("no predictions were given" in note for note in table.notes)

    def test_without_none_there_are_no_gains(self, tiny):
        alone = {kind: paths[1:] for kind, paths in tiny.items()}
        table = tabulate("per_class", Results(**alone))
        assert table.data["gain"].isna().all()
        assert len(table.panels) == 1
        assert any(note.startswith("No gain") for note in table.notes)

    def test_one_seed_has_no_standard_deviation(self, tmp_path):
        cells = [
            write_cell(tmp_path, f"d/mmgcn/a/{name}", TRUE, {1: letters})
            for name, letters in (("none", BAD), ("spcl", GOOD))
        ]
        table = tabulate("per_class", Results(**gathered(*cells)))
        assert table.data[["f1_sd", "gain_sd"]].isna().all(axis=None)
        assert any("one seed" in note for note in table.notes)

    def test_seeds_that_none_lacks_are_in_no_gain(self, tmp_path):
        none = write_cell(tmp_path, "d/mmgcn/at/none", TRUE, {1: BAD})
        spcl = write_cell(tmp_path, "d/mmgcn/at/spcl", TRUE, {2: BAD, 1: GOOD})
        calm = by_class(Results(**gathered(none, spcl))).loc["spcl", "calm"]
        assert (calm["n_seeds"], calm["n_paired_seeds"]) == (2, 1)
        assert calm["gain"] == pytest.approx(100 / 3)

    def test_diverged_and_optimistic_cells_carry_their_signs(self, tmp_path):
        facts = {"diverged": True, "protocol": "best-test-epoch"}
        cell = write_cell(tmp_path, "d/mmgcn/at/none", TRUE, {1: BAD}, **facts)
        table = tabulate("per_class", Results(**gathered(cell)))
        assert table.panels[0].rows[0][2].marks == "†§"
        assert [note[0] for note in table.notes[:2]] == ["†", "§"]

    def test_no_input_gives_an_empty_table_that_says_so(self):
        table = tabulate("per_class", Results())
        assert len(table.data) == 0
        assert table.notes == ("There are no cells: no metrics were given.",)
        assert "No data" in table.latex()

    def test_its_files_are_the_same_bytes_each_time(self, paths, tmp_path):
        written = []
        for run in ("first", "second"):
            out = {ext: tmp_path / run / f"t.{ext}" for ext in ("parquet", "md", "tex", "html")}
            table = tabulate("per_class", Results(**paths))
            table.write(**out)
            written.append([path.read_bytes() for path in out.values()])
        assert written[0] == written[1]
        stored = parquet.read(out["parquet"], table.schema)
        assert parquet.metadata(stored)["simulated"] == ["iemocap-sim"]
        assert list(dict.fromkeys(table.data["emotion"])) == EMOTIONS["iemocap"]


class TestFigure:
    def test_confusions_are_counted_over_all_seeds(self, tiny):
        data = per_class.compute(Results(**tiny))
        none = data[(data["measure"] == "confusion") & (data["curriculum"] == "none")]
        n = none["n"].to_numpy().reshape(3, 3)
        assert n.tolist() == [[5, 1, 0], [1, 3, 0], [0, 0, 0]]
        share = none["value"].to_numpy().reshape(3, 3)
        assert share[:2].ravel() == pytest.approx([500 / 6, 100 / 6, 0, 25, 75, 0])
        assert np.isnan(share[2]).all()

    def test_it_shows_the_widest_set_and_the_best_baseline_without_a_curriculum(self, tmp_path):
        cells = [
            write_cell(tmp_path, address, TRUE, {1: letters})
            for address, letters in (
                ("d/biddin/a/none", GOOD),
                ("d/biddin/a/spcl", GOOD),
                ("d/biddin/at/none", BAD),
                ("d/biddin/at/spcl", GOOD),
                ("d/mmgcn/at/none", GOOD),
                ("d/mmgcn/at/anti", GOOD),
                ("d/mmgcn/at/spcl", BAD),
                ("d/mm_dfn/at/none", GOOD),
            )
        ]
        data = per_class.compute(Results(**gathered(*cells)))
        shown = data[["baseline", "modalities", "curriculum"]].drop_duplicates()
        assert sorted(shown.itertuples(index=False, name=None)) == [
            ("mmgcn", "at", "none"),
            ("mmgcn", "at", "spcl"),
        ]

    def test_numbers_are_white_on_dark_cells_alone(self, tiny):
        with style.look():
            drawn = per_class.draw(per_class.compute(Results(**tiny)))
            colors = {text.get_text(): text.get_color() for text in drawn.axes[0].texts}
        assert colors["83"] == colors["75"] == "white"
        assert colors["17"] == colors["25"] == "black"

    @pytest.mark.parametrize(
        "absent", [[], ["predictions"], ["metrics"], ["metrics", "predictions"]]
    )
    def test_gaps_are_borne(self, tiny, absent, tmp_path):
        kept = {kind: paths for kind, paths in tiny.items() if kind not in absent}
        out = {ext: tmp_path / f"f.{ext}" for ext in ("parquet", "svg", "png")}
        plot("per_class", Results(**kept), **out)
        table = parquet.read(out["parquet"], per_class.SCHEMA)
        assert (len(table) == 0) == ("metrics" in absent)

    @pytest.mark.parametrize("kept", [slice(0, 1), slice(1, 2)])
    def test_none_alone_and_a_curriculum_alone_are_drawn(self, tiny, kept, tmp_path):
        alone = {kind: paths[kept] for kind, paths in tiny.items()}
        with style.look():
            data = per_class.compute(Results(**alone))
            assert not (data["measure"] == "gain").any()
            style.headline(per_class.draw(data), "Title", "Caption.", [])

    def test_no_words_overlap_the_panels_beside(self, tmp_path):
        made = make_results(
            tmp_path,
            datasets=("meld-sim",),
            baselines=("mmgcn",),
            modalities=("av",),
            seeds=(1,),
            epochs=2,
        )
        with style.look():
            drawn = per_class.draw(per_class.compute(Results(**made)))
            style.headline(drawn, per_class.TITLE, per_class.CAPTION, ["meld-sim"])
            renderer = drawn.canvas.get_renderer()
            boxes = [axes.get_tightbbox(renderer) for axes in drawn.axes]
        for index, box in enumerate(boxes):
            for other in boxes[index + 1 :]:
                assert not box.overlaps(other)

    def test_each_corpus_has_its_own_classes(self, tmp_path):
        made = make_results(
            tmp_path, baselines=("mmgcn",), modalities=("at",), seeds=(1,), n_dialogues=8, epochs=2
        )
        results = Results(**made)
        data = per_class.compute(results)
        for dataset, emotions in zip(("iemocap-sim", "meld-sim"), EMOTIONS.values(), strict=True):
            counted = data[(data["dataset"] == dataset) & (data["measure"] == "confusion")]
            assert list(dict.fromkeys(counted["predicted"])) == emotions
            test = results.metrics.query(f"dataset == '{dataset}' and split == 'test'")
            assert counted["n"].sum() == test["n_utterances"].sum()

    def test_its_table_says_where_a_corpus_is_simulated(self, paths):
        data = per_class.compute(Results(**paths))
        assert data["simulated"].all()
        assert pd.Series(data["modalities"]).unique().tolist() == ["atv"]
