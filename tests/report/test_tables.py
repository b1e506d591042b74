"""Each table on results small enough to check."""

import numpy as np
import pandas as pd
import pytest
from made_results import make_results
from scipy import stats
from sklearn.metrics import f1_score

from spcl.errors import UserError
from spcl.report.analysis.results import Results
from spcl.report.analysis.statistics import holm
from spcl.report.tables import tabulate
from spcl.tables import parquet
from spcl.tables.schemas import ADMISSIONS, METRICS

TABLES = [
    "calibration",
    "cost",
    "curriculum",
    "difficulty",
    "main",
    "modality_gain",
    "provenance",
    "robustness",
]
CELL = ["dataset", "baseline", "modalities", "curriculum"]
SMALL = {"datasets": ("iemocap-sim",), "baselines": ("mmgcn",), "modalities": ("atv",)}


def panel_text(table):
    return [[entry.text for entry in row] for panel in table.panels for row in panel.rows]


@pytest.mark.parametrize("name", TABLES)
def test_the_parquet_file_is_the_table_of_its_schema(paths, name, tmp_path):
    table = tabulate(name, Results(**paths))
    out = {ext: tmp_path / f"{name}.{ext}" for ext in ("parquet", "md", "tex", "html")}
    table.write(**out)
    stored = parquet.read(out["parquet"], table.schema)
    assert len(stored) == len(table.data) > 0
    assert parquet.metadata(stored)["simulated"] == ["iemocap-sim"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(p.name for p in out.values())


@pytest.mark.parametrize("name", TABLES)
def test_the_same_results_give_the_same_bytes(paths, name, tmp_path):
    written = []
    for run in ("first", "second"):
        out = {ext: tmp_path / run / f"t.{ext}" for ext in ("parquet", "md", "tex", "html")}
        tabulate(name, Results(**paths)).write(**out)
        written.append({ext: path.read_bytes() for ext, path in out.items()})
    assert written[0] == written[1]


def test_an_unknown_table_is_named_with_those_that_there_are():
    with pytest.raises(UserError, match=r"table 'mian': no such table; choose .*cost, .*main"):
        tabulate("mian", Results())


class TestMain:
    def test_scores_and_gains_are_those_of_the_metrics_paired_by_seed(self, paths):
        results = Results(**paths)
        data = tabulate("main", results).data.set_index(CELL)
        metrics = results.metrics[results.metrics["split"] == "test"]
        wide = metrics.pivot(
            index=["dataset", "baseline", "modalities", "seed"],
            columns="curriculum",
            values="weighted_f1",
        )
        expected = 100 * (wide["spcl"] - wide["none"])
        key = ("iemocap-sim", "mmgcn", "at")
        row = data.loc[(*key, "spcl")]
        assert row["gain"] == pytest.approx(expected.loc[key].mean())
        assert row["gain_sd"] == pytest.approx(expected.loc[key].std())
        assert row["weighted_f1"] == pytest.approx(100 * wide.loc[key]["spcl"].mean())
        assert row["weighted_f1_sd"] == pytest.approx(100 * wide.loc[key]["spcl"].std())
        assert row["n_seeds"] == row["n_paired_seeds"] == 3
        assert row["gain_low"] <= row["gain"] <= row["gain_high"]
        assert row["weighted_f1_low"] <= row["weighted_f1"] <= row["weighted_f1_high"]

    def test_p_values_are_corrected_over_all_cells(self, paths):
        data = tabulate("main", Results(**paths)).data
        assert data["p"].notna().sum() == 6
        np.testing.assert_array_equal(data["p_holm"], holm(data["p"].to_numpy()))
        assert set(data.loc[data["curriculum"] == "spcl", "test"]) == {"permutation"}

    def test_six_seeds_are_tested_with_wilcoxon(self, tmp_path):
        made = make_results(tmp_path, **SMALL, seeds=range(6), n_dialogues=8, epochs=2)
        table = tabulate("main", Results(**made))
        spcl = table.data.set_index("curriculum").loc["spcl"]
        assert spcl["test"] == "wilcoxon"
        metrics = Results(**made).metrics
        wide = metrics[metrics["split"] == "test"].pivot(
            index="seed", columns="curriculum", values="weighted_f1"
        )
        difference = wide["spcl"] - wide["none"]
        assert spcl["p"] == pytest.approx(stats.wilcoxon(difference[difference != 0]).pvalue)
        (note,) = [note for note in table.notes if "Wilcoxon" in note]
        assert "no p can" not in note  # 2 / 2^6 < 0.05 for the one test of this table

    def test_it_says_when_no_p_can_pass_the_correction(self, tmp_path):
        shape = SMALL | {"modalities": ("atv", "at")}
        made = make_results(tmp_path, **shape, seeds=range(6), n_dialogues=8, epochs=2)
        (note,) = [n for n in tabulate("main", Results(**made)).notes if "Wilcoxon" in n]
        assert "no p can be below 0.05 after correction for 2 tests; this takes 7 seeds" in note

    def test_few_test_dialogues_are_pointed_out(self, paths):
        notes = tabulate("main", Results(**paths)).notes
        assert any(note.startswith("Only 5 test dialogues") for note in notes)

    def test_two_test_dialogues_give_no_interval_and_a_note(self, tmp_path):
        made = make_results(tmp_path, **SMALL, seeds=(1, 2), n_dialogues=8, epochs=2)
        table = tabulate("main", Results(**made))
        assert set(table.data["n_dialogues"]) == {2}
        assert table.data[["gain_low", "weighted_f1_low"]].isna().all(axis=None)
        assert any("No interval" in note and "fewer than 3" in note for note in table.notes)

    def test_one_seed_gives_no_test_and_says_so(self, tmp_path):
        made = make_results(tmp_path, **SMALL, seeds=(1,), n_dialogues=12, epochs=2)
        table = tabulate("main", Results(**made))
        spcl = table.data.set_index("curriculum").loc["spcl"]
        assert pd.isna(spcl[["p", "p_holm", "gain_sd", "weighted_f1_sd", "test"]]).all()
        assert not np.isnan(spcl["gain_low"])
        assert any("One seed" in note and "no test" in note for note in table.notes)
        assert "±" not in panel_text(table)[1][4]

    def test_the_best_curriculum_is_in_bold(self, paths):
        (panel,) = tabulate("main", Results(**paths)).panels
        for none, spcl in zip(panel.rows[::2], panel.rows[1::2], strict=True):
            better = max((none[4], spcl[4]), key=lambda entry: entry.value)
            assert better.best
            assert (none[4].best and spcl[4].best) == (
                none[4].text.split()[0] == spcl[4].text.split()[0]
            )

    def test_cells_that_need_a_word_carry_a_sign_and_its_meaning(self, tmp_path):
        made = make_results(
            tmp_path,
            **SMALL,
            seeds=(1, 2),
            epochs=2,
            n_dialogues=12,
            protocol="best-test-epoch",
            diverged={"iemocap-sim/mmgcn/atv/none"},
            never_full={"iemocap-sim/mmgcn/atv/spcl"},
        )
        table = tabulate("main", Results(**made))
        assert [row[3].marks for row in table.panels[0].rows] == ["†§", "‡§"]
        for sign, word in (("†", "diverged"), ("‡", "never admitted"), ("§", "optimistic")):
            assert any(note.startswith(sign) and word in note for note in table.notes)
        for text in (table.markdown(), table.html()):
            assert "†§" in text
        assert r"\textsuperscript{$\dagger$\S{}}" in table.latex()

    def test_an_absent_cell_is_named(self, tmp_path):
        made = make_results(
            tmp_path,
            **SMALL | {"modalities": ("atv", "at")},
            seeds=(1, 2),
            epochs=2,
            n_dialogues=12,
            drop={"iemocap-sim/mmgcn/at/none"},
        )
        table = tabulate("main", Results(**made))
        assert any("iemocap-sim/mmgcn/at/none" in note for note in table.notes)
        assert any("curriculum none is missing" in note for note in table.notes)
        row = table.data.set_index(["modalities", "curriculum"]).loc[("at", "spcl")]
        assert np.isnan(row["gain"])

    def test_a_modality_set_that_a_corpus_has_no_cell_of_is_no_gap(self, tmp_path):
        two = SMALL | {"datasets": ("iemocap-sim", "mine"), "modalities": ("atv", "at")}
        drop = {f"mine/mmgcn/atv/{curriculum}" for curriculum in ("none", "spcl")}
        made = make_results(tmp_path, **two, seeds=(1,), epochs=2, n_dialogues=12, drop=drop)
        table = tabulate("main", Results(**made))
        assert "mine" in set(table.data["dataset"])
        assert not any("mine" in note for note in table.notes)

    def test_only_seeds_of_both_cells_are_paired(self, paths, tmp_path):
        metrics = [path for path in paths["metrics"] if "mmgcn-at-" in path.name]
        cut = tmp_path / "cut.parquet"
        table = parquet.read(metrics[0], METRICS)
        parquet.write(table.filter(np.asarray(table["seed"]) != 2), cut, METRICS)
        row = tabulate("main", Results(metrics=[cut, metrics[1]])).data.iloc[1]
        assert (row["n_seeds"], row["n_paired_seeds"]) == (3, 2)

    def test_without_predictions_there_is_no_interval_and_a_note(self, paths):
        table = tabulate("main", Results(metrics=paths["metrics"]))
        assert table.data["gain_low"].isna().all()
        assert table.data["gain"].notna().any()
        assert any("no predictions" in note for note in table.notes)


class TestModalityGain:
    def test_gains_are_differences_to_each_pair_that_is_there(self, paths):
        results = Results(**paths)
        table = tabulate("modality_gain", results)
        assert set(table.data["fewer"]) == {"at", "av"}
        assert any("no cells of: tv, a, t, v." in note for note in table.notes)
        metrics = results.metrics[results.metrics["split"] == "test"]
        chosen = metrics[(metrics["baseline"] == "mmgcn") & (metrics["curriculum"] == "spcl")]
        wide = chosen.pivot(index="seed", columns="modalities", values="weighted_f1")
        expected = 100 * (wide["atv"] - wide["av"]).mean()
        row = table.data.set_index(["baseline", "curriculum", "fewer"]).loc["mmgcn", "spcl", "av"]
        assert row["gain"] == pytest.approx(expected)

    def test_a_pair_is_compared_with_each_of_its_modalities_alone(self, tmp_path):
        sets = {"modalities": ("atv", "at", "a", "t", "v")}
        results = Results(**make_results(tmp_path, **SMALL | sets, epochs=2))
        table = tabulate("modality_gain", results)
        shown = table.data[["modalities", "fewer"]].drop_duplicates().to_numpy().tolist()
        assert shown == [["atv", "at"], ["at", "a"], ["at", "t"]]
        assert [panel.title for panel in table.panels] == [
            "Third modality: atv",
            "Second modality: at",
        ]
        metrics = results.metrics[results.metrics["split"] == "test"]
        wide = metrics[metrics["curriculum"] == "spcl"].pivot(
            index="seed", columns="modalities", values="weighted_f1"
        )
        row = table.data.set_index(["curriculum", "fewer"]).loc["spcl", "t"]
        assert row["gain"] == pytest.approx(100 * (wide["at"] - wide["t"]).mean())
        assert row["gain_low"] < row["gain"] < row["gain_high"]

    def test_sets_that_differ_in_more_than_one_modality_leave_it_empty(self, tmp_path):
        made = make_results(tmp_path, **SMALL | {"modalities": ("atv", "t")}, epochs=2)
        table = tabulate("modality_gain", Results(**made))
        assert len(table.data) == 0
        assert "nothing to compare" in table.notes[0]


class TestCurriculum:
    def test_shares_and_thresholds_are_read_off_the_history(self, paths):
        table = tabulate("curriculum", Results(**paths))
        assert set(table.data["curriculum"]) == {"spcl"}
        row = table.data.iloc[0]
        share = np.minimum(np.linspace(0.3, 1.4, 6), 1)
        assert row["share_first"] == pytest.approx(30)
        assert row["share_half"] == pytest.approx(100 * share[2])
        assert row["share_end"] == pytest.approx(100)
        assert row["threshold_start"] == pytest.approx(0.4)
        assert row["threshold_end"] == pytest.approx(0.4 * 1.3**5)
        assert (row["full_at"], row["n_full"]) == (5, 3)

    def test_never_is_said(self, tmp_path):
        made = make_results(
            tmp_path, **SMALL, seeds=(1,), epochs=3, never_full={"iemocap-sim/mmgcn/atv/spcl"}
        )
        table = tabulate("curriculum", Results(**made))
        assert panel_text(table)[0][9] == "never"
        assert any(note.startswith("never") for note in table.notes)
        assert np.isnan(table.data.iloc[0]["full_at"])

    def test_with_none_alone_it_says_why_it_is_empty(self, tmp_path):
        made = make_results(tmp_path, **SMALL, curricula=("none",), epochs=2)
        assert "admits everything" in tabulate("curriculum", Results(**made)).notes[0]


class TestDifficulty:
    def test_probe_scores_are_scikit_learns(self, paths):
        results = Results(**paths)
        data = tabulate("difficulty", results).data
        labels = results.utterances.set_index("utterance_id")["emotion"].astype(object)
        probe = results.utterance_difficulty.astype({"utterance_id": object, "predicted": object})
        for split in ("train", "dev", "test"):
            rows = probe[(probe["modality"] == "t") & (probe["split"] == split)]
            true = labels[rows["utterance_id"]].to_numpy()
            known = pd.notna(true)
            expected = f1_score(
                true[known],
                rows["predicted"].to_numpy()[known],
                average="weighted",
                zero_division=0,
            )
            found = data.query(
                "part == 'probe' and measure == 'weighted_f1' and modality == 't'"
                f" and split == '{split}'"
            )
            assert found["value"].item() == pytest.approx(100 * expected)
            assert found["n"].item() == known.sum()

    def test_agreement_is_spearmans_rho_with_the_first_epoch(self, paths):
        results = Results(**paths)
        data = tabulate("difficulty", results).data
        first = results.curriculum.query(
            "baseline == 'mmgcn' and modalities == 'at' and curriculum == 'spcl'"
        ).astype({"utterance_id": object})
        loss = results.utterance_difficulty.query("modality == 'a'").astype(
            {"utterance_id": object}
        )
        loss = loss.set_index("utterance_id")["loss"]
        expected = [
            stats.spearmanr(rows["first_epoch"], loss[rows["utterance_id"]]).statistic
            for _, rows in first.groupby("seed")
        ]
        found = data.query(
            "part == 'agreement' and baseline == 'mmgcn' and modalities == 'at' and modality == 'a'"
        )
        assert found["value"].item() == pytest.approx(np.mean(expected))
        assert found["sd"].item() == pytest.approx(np.std(expected, ddof=1))

    def test_without_the_labels_the_losses_remain(self, paths):
        kept = {kind: paths[kind] for kind in paths if kind != "utterances"}
        table = tabulate("difficulty", Results(**kept))
        assert set(table.data.query("part == 'probe'")["measure"]) == {"loss"}
        assert any(note.startswith("No F1") for note in table.notes)

    def test_a_curriculum_that_admits_all_at_once_agrees_with_nothing(self, paths, tmp_path):
        path = next(p for p in paths["curriculum"] if "mmgcn-at-spcl" in p.name)
        table = parquet.read(path, ADMISSIONS)
        at = table.column_names.index("first_epoch")
        ones = pd.Series(1, range(len(table)), dtype="int32")
        changed = table.set_column(at, table.schema.field("first_epoch"), [ones.to_numpy()])
        parquet.write(changed, tmp_path / "c.parquet", ADMISSIONS)
        made = Results(**paths | {"curriculum": [tmp_path / "c.parquet"]})
        difficulty = tabulate("difficulty", made)
        assert difficulty.data.query("part == 'agreement'")["value"].isna().all()
        assert any("same epoch" in note for note in difficulty.notes)


class TestCost:
    def test_overhead_is_paired_by_seed_and_taken_an_epoch(self, paths):
        results = Results(**paths)
        data = tabulate("cost", results).data
        metrics = results.metrics.query("split == 'test' and baseline == 'mmgcn'")
        wide = metrics.query("modalities == 'at'").pivot(
            index="seed", columns="curriculum", values="train_seconds"
        )
        found = data.query(
            "baseline == 'mmgcn' and modalities == 'at' and measure == 'overhead'"
            " and curriculum == 'spcl'"
        )
        expected = 100 * (wide["spcl"] / wide["none"] - 1)
        assert found["n"].item() == len(expected) == 3
        assert found["value"].item() == pytest.approx(expected.mean())
        assert found["sd"].item() == pytest.approx(expected.std())

    def test_rules_are_summed_and_unmeasured_jobs_stay_gaps(self, paths):
        data = tabulate("cost", Results(**paths)).data.query("part == 'rule'")
        value = data.set_index(["rule", "measure"])["value"]
        assert value["extract_features", "total_seconds"] == 60
        assert np.isnan(value["extract_features", "max_rss_mb"])
        assert value["train_cell", "max_rss_mb"] == 700

    def test_it_says_that_it_is_no_benchmark(self, paths):
        assert "not a benchmark" in tabulate("cost", Results(**paths)).caption


class TestProvenance:
    def test_it_names_code_corpora_features_and_settings(self, paths):
        data = tabulate("provenance", Results(**paths)).data
        said = data.drop_duplicates(["part", "item"]).set_index(["part", "item"])["value"]
        assert said["code", "commit"] == "0123456789ab"
        assert said["code", "torch"] == "2.9.1"
        assert said["code", "device"] == "a made-up processor"
        assert said["corpus", "protocol"] == "official"
        assert said["corpus", "simulated"] == "yes"
        assert said["features", "extractor"] == "egemaps"
        assert said["features", "inputs"] == "0123456789abcdef"
        assert said["cell", "settings"] == "fedcba9876543210"
        assert said["cell", "seeds"] == "1, 2, 3"

    def test_trainings_on_different_code_are_pointed_out(self, paths, tmp_path):
        table = parquet.read(paths["metrics"][0], METRICS)
        at = table.column_names.index("commit")
        other = table.set_column(at, table.schema.field("commit"), [["fffffffffff+"] * len(table)])
        parquet.write(other, tmp_path / "other.parquet", METRICS)
        mixed = Results(metrics=[tmp_path / "other.parquet", *paths["metrics"][1:]])
        notes = tabulate("provenance", mixed).notes
        assert any("differ in: commit" in note for note in notes)
        assert any("uncommitted" in note for note in notes)


@pytest.mark.parametrize("name", TABLES)
def test_no_input_at_all_gives_an_empty_table_that_says_why(name, tmp_path):
    table = tabulate(name, Results())
    assert len(table.data) == 0
    assert table.notes
    table.write(**{ext: tmp_path / f"t.{ext}" for ext in ("parquet", "md", "tex", "html")})
    assert "No data" in (tmp_path / "t.md").read_text()


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(
    "given_kinds",
    [["metrics"], ["predictions"], ["history"], ["curriculum"], ["utterances", "features"]],
)
def test_any_part_of_the_inputs_is_borne(paths, name, given_kinds):
    table = tabulate(name, Results(**{kind: paths[kind] for kind in given_kinds}))
    assert table.markdown()
    assert table.latex()
    assert table.html()
