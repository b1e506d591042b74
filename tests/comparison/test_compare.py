"""`python -m spcl compare`: two runs cell by cell, and a run beside published scores."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from spcl.__main__ import main
from spcl.comparison import cells, figure, published_table, terminal
from spcl.comparison.cells import INCOMPARABLE, ONLY_A, ONLY_B, compare
from spcl.comparison.pairs import IDENTICAL, PAIRED, UNPAIRED, unpaired_interval
from spcl.comparison.provenance import provenance_table
from spcl.comparison.published import COLUMNS, SHIPPED, read_published
from spcl.comparison.run import find_run
from spcl.comparison.runs_table import runs_table
from spcl.data.splits import PROTOCOLS
from spcl.report.analysis.statistics import bootstrap_interval
from spcl.report.tables import main as main_table
from spcl.tables import parquet, schemas
from tests.report.made_results import make_results

SMALL = {
    "datasets": ("iemocap",),
    "baselines": ("mmgcn",),
    "modalities": ("atv", "at"),
    "seeds": (1, 2, 3),
    "n_dialogues": 32,
    "epochs": 2,
    "simulated": False,
}
ROOT = Path(__file__).parents[2]
HEADER = ",".join(COLUMNS)


def lay_out(folder, *, below="cells", change=None, predictions=True, **settings):
    """Made-up results as a run leaves them; `change` rewrites columns of the metrics."""
    paths = make_results(folder / "made", **SMALL | settings)
    for kind, schema in (("metrics", schemas.METRICS), ("predictions", schemas.PREDICTIONS)):
        for path in paths[kind] if kind == "metrics" or predictions else ():
            table = parquet.read(path, schema)
            if change and kind == "metrics":
                table = rewritten(table, change)
            parquet.write(table, folder / "results" / below / path.stem / f"{kind}.parquet", schema)
    shutil.rmtree(folder / "made")
    return folder / "results"


def rewritten(table, change):
    for name, value in change.items():
        place = table.column_names.index(name)
        column = pa.array([value] * len(table), table.schema.field(name).type)
        table = table.set_column(place, name, column)
    return table


def rows_of(a, b):
    return compare(find_run(a).results, find_run(b).results)


def printed(capsys, *words):
    assert main(["compare", *map(str, words)]) == 0
    return capsys.readouterr().out


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return lay_out(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def better(tmp_path_factory):
    """The same with a larger gain of spcl; none is the same."""
    return lay_out(tmp_path_factory.mktemp("better"), gain=0.2)


# By hand: labels h h s s, a dialogue each.
ANSWERS = {"a": {1: "hhhs", 2: "hhsh"}, "b": {1: "hhss", 2: "shss"}}
ONE_WRONG = (4 / 5 + 2 / 3) / 2  # F1 of the class that is chosen 3 times, and of the other
WEIGHTED_F1 = {"a": {1: ONE_WRONG, 2: ONE_WRONG}, "b": {1: 1.0, 2: ONE_WRONG}}


def write_by_hand(folder, side):
    cell = dict(zip(schemas.CELL_KEY, ("meld", "mmgcn", "atv", "none"), strict=True))
    facts = {"protocol": "official", "simulated": False, "best_epoch": 1, "epochs": 1}
    facts |= {"n_utterances": 4, "f1_by_class": [0.5, 0.5], "modality_weighted_f1": [0.5] * 3}
    facts |= {"ece": 0.0, "brier": 0.5, "nll": 0.7}
    facts |= {"modality_confidence": [0.5] * 3, "diverged": False, "full_at_epoch": 1}
    facts |= dict.fromkeys(("train_seconds", "utterances_per_second", "peak_memory_mb"), 1.0)
    facts |= {"device": "cpu", "commit": "c", "versions": "{}", "config_digest": "d"}
    facts |= {"training_digest": None}
    metrics = [
        cell
        | facts
        | {"seed": seed, "split": "test"}
        | dict.fromkeys(("weighted_f1", "accuracy", "macro_f1"), score)
        for seed, score in WEIGHTED_F1[side].items()
    ]
    predictions = [
        cell
        | {"seed": seed, "split": "test", "dialogue_id": f"d{i}", "utterance_id": f"u{i}"}
        | {"emotion": "hhss"[i], "predicted": answer, "probabilities": [0.5, 0.5]}
        | {"modality_probabilities": [[0.5, 0.5]] * 3}
        for seed, answers in ANSWERS[side].items()
        for i, answer in enumerate(answers)
    ]
    for kind, schema, rows in (
        ("metrics", schemas.METRICS, metrics),
        ("predictions", schemas.PREDICTIONS, predictions),
    ):
        table = schema.table({c.name: [row[c.name] for row in rows] for c in schema.columns})
        parquet.write(table, folder / side / f"{kind}.parquet", schema, labels=["h", "s"])
    return folder / side


def test_a_comparison_worked_by_hand(tmp_path):
    (_, row), *others = rows_of(*(write_by_hand(tmp_path, side) for side in "ab")).iterrows()
    assert not others
    by_seed = [100 * (1 - ONE_WRONG), 0.0]
    assert row["status"] == PAIRED
    assert row["n_paired_seeds"] == 2
    assert row["difference"] == pytest.approx(np.mean(by_seed))
    assert row["difference_sd"] == pytest.approx(np.std(by_seed, ddof=1))
    # With two seeds and four dialogues it reaches as far as a difference can.
    assert -100 < row["difference_low"] < 0 < row["difference_high"] == 100
    # Of the 8 ways to swap the three dialogues with other answers, 6 give as large a difference.
    assert row["p"] == pytest.approx(6 / 8, abs=0.02)
    assert row["p_holm"] == row["p"]
    assert row["n_dialogues"] == row["n_utterances"] == 4


def test_a_difference_of_runs_is_a_gain_of_curricula(tmp_path):
    """With spcl's cells under the name of none, B minus A is what the main table calls gain."""
    a = lay_out(tmp_path / "a", curricula=("none", "spcl"))
    gains = main_table.compute(find_run(a).results).query("curriculum == 'spcl'")
    for path in sorted((a / "cells").glob("*-spcl/*.parquet")):
        schema = schemas.METRICS if path.stem == "metrics" else schemas.PREDICTIONS
        renamed = rewritten(parquet.read(path, schema), {"curriculum": "none"})
        parquet.write(renamed, tmp_path / "b" / path.parent.name / path.name, schema)
        path.unlink()
    found = rows_of(a, tmp_path / "b")
    names = {"gain": "difference", "gain_sd": "difference_sd", "p": "p", "p_holm": "p_holm"}
    names |= {"gain_low": "difference_low", "gain_high": "difference_high"}
    for gain, difference in names.items():
        assert found[difference].tolist() == pytest.approx(gains[gain].tolist())


def test_a_folder_is_identical_to_itself(base, capsys):
    assert set(rows_of(base, base)["status"]) == {IDENTICAL}
    said = printed(capsys, base, base)
    assert "Identical: all 4 cells" in said
    assert "Nothing differs" in said


def test_the_same_scores_on_another_day_are_identical(base, tmp_path, capsys):
    again = lay_out(tmp_path, change={"train_seconds": 7.0, "device": "another"})
    said = printed(capsys, base, again)
    assert "Identical: all 4 cells" in said
    assert "device: a made-up processor | another" in said


def test_cells_that_did_not_change_are_identical_beside_cells_that_did(base, better):
    found = rows_of(base, better).set_index("curriculum")["status"]
    assert set(found["none"]) == {IDENTICAL}
    assert set(found["spcl"]) == {PAIRED}
    assert rows_of(base, better)["p"].notna().sum() == 2


def test_b_minus_a_is_minus_a_minus_b(base, better):
    there, back = rows_of(base, better), rows_of(better, base)
    assert there["difference"].tolist() == pytest.approx((-back["difference"]).tolist())
    assert there["difference_low"].dropna().tolist() == pytest.approx(
        (-back["difference_high"]).dropna().tolist()
    )
    assert there["p"].dropna().tolist() == back["p"].dropna().tolist()


def test_the_order_of_rows_means_nothing(base, better, tmp_path):
    shutil.copytree(better, tmp_path / "shuffled")
    rng = np.random.default_rng(0)
    for path in (tmp_path / "shuffled").rglob("predictions.parquet"):
        table = parquet.read(path, schemas.PREDICTIONS)
        parquet.write(table.take(rng.permutation(len(table))), path, schemas.PREDICTIONS)
    found, expected = rows_of(base, tmp_path / "shuffled"), rows_of(base, better)
    numbers = ["difference", "difference_low", "difference_high", "p"]
    pd.testing.assert_frame_equal(found[numbers], expected[numbers])


def test_other_seeds_are_compared_unpaired(base, tmp_path, capsys):
    other = lay_out(tmp_path, seeds=(7, 8), gain=0.1)
    found = rows_of(base, other)
    assert set(found["status"]) == {UNPAIRED}
    means = found["weighted_f1_b"] - found["weighted_f1_a"]
    assert found["difference"].tolist() == pytest.approx(means.tolist())
    assert found["difference_sd"].isna().all()
    assert found["p"].between(0, 1).all()
    assert (found["difference_low"] < found["difference"]).all()
    assert "0 seeds in common" in printed(capsys, base, other)


def test_only_seeds_in_common_are_paired(base, tmp_path, capsys):
    other = lay_out(tmp_path, seeds=(2, 3, 9), gain=0.2)
    found = rows_of(base, other).query("curriculum == 'spcl'")
    assert found["n_paired_seeds"].tolist() == [2, 2]
    said = printed(capsys, base, other)
    assert "2 of 3, 3" in said
    assert "over these alone" in said


def test_one_seed_gives_no_test_and_says_so(base, tmp_path, capsys):
    other = lay_out(tmp_path, seeds=(1,), gain=0.2)
    found = rows_of(base, other).query("curriculum == 'spcl'")
    assert found["p"].isna().all()
    assert found["difference_sd"].isna().all()
    assert found["difference_low"].notna().all()
    assert "One seed: no test" in printed(capsys, base, other)


def test_without_predictions_there_is_a_difference_and_no_more(base, tmp_path, capsys):
    other = lay_out(tmp_path, predictions=False, gain=0.2)
    found = rows_of(base, other)
    assert set(found["status"]) == {PAIRED}
    assert found["difference"].notna().all()
    assert found[["difference_low", "difference_high", "p"]].isna().all(axis=None)
    assert "No interval and no test" in printed(capsys, base, other)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"n_dialogues": 36}, "other test set"),
        ({"n_dialogues": 36, "predictions": False}, "other test set"),
        ({"protocol": "best-test-epoch"}, "other split protocol: official in A, best-test-epoch"),
        ({"simulated": True}, "the corpus is simulated in B alone"),
    ],
)
def test_what_is_not_comparable_gets_no_difference(base, tmp_path, capsys, settings, why):
    other = lay_out(tmp_path, **settings)
    found = rows_of(base, other)
    assert set(found["status"]) == {INCOMPARABLE}
    assert found["why"].str.startswith(why).all()
    assert found[["difference", "difference_low", "p"]].isna().all(axis=None)
    said = " ".join(printed(capsys, base, other, "--out", tmp_path / "out").split())
    assert f"Not comparable, {why}" in said
    assert (tmp_path / "out" / "differences.png").exists()


def test_the_same_utterances_with_other_labels_are_another_test_set(tmp_path):
    a, b = write_by_hand(tmp_path, "a"), write_by_hand(tmp_path, "b")
    path = b / "predictions.parquet"
    table = rewritten(parquet.read(path, schemas.PREDICTIONS), {"emotion": "s"})
    parquet.write(table, path, schemas.PREDICTIONS)
    assert "other labels" in rows_of(a, b)["why"].item()


def test_simulated_data_on_one_side_is_loud(base, tmp_path):
    table = runs_table(find_run(base), find_run(lay_out(tmp_path, simulated=True)))
    assert table.simulated == ("iemocap",)
    lines = list(terminal.show(table, 90, color=True))
    red = [line for line in lines if line.startswith("\033[1;31m")]
    assert any("SIMULATED DATA in B alone" in line for line in red)
    assert not any("\033" in line for line in terminal.show(table, 90, color=False))


def test_cells_of_one_side_are_listed(base, tmp_path, capsys):
    other = lay_out(tmp_path, modalities=("atv", "tv"))
    found = rows_of(base, other).set_index(["modalities", "curriculum"])["status"]
    assert found["at", "none"] == ONLY_A
    assert found["tv", "spcl"] == ONLY_B
    assert found["atv", "none"] == IDENTICAL
    said = printed(capsys, base, other)
    assert "Only in A: iemocap/mmgcn/at/none, iemocap/mmgcn/at/spcl." in said
    assert "Only in B: iemocap/mmgcn/tv/none, iemocap/mmgcn/tv/spcl." in said


def test_a_diverged_side_carries_its_sign(base, tmp_path, capsys):
    other = lay_out(tmp_path, diverged=["iemocap/mmgcn/atv/spcl"])
    found = rows_of(base, other)
    assert found["n_diverged_a"].sum() == 0
    assert found["n_diverged_b"].sum() == 3
    said = printed(capsys, base, other)
    assert len(re.findall(r"\d†", said)) == 1
    assert "† The training of at least one seed diverged" in said


def test_what_differs_around_the_numbers_is_named(base, tmp_path):
    change = {"commit": "fedcba+", "config_digest": "0", "device": "another"}
    change |= {"versions": json.dumps({"python": "3.12.1", "torch": "2.10.0"})}
    other = lay_out(tmp_path, change=change)
    for run, extractor in ((base, "minilm"), (other, "transformer")):
        features = run / "features" / "iemocap" / "t.parquet"
        features.parent.mkdir(parents=True)
        column = pa.FixedSizeListArray.from_arrays(pa.array([0.0], pa.float32()), 1)
        table = pa.table({"utterance_id": ["u"], "observed": [True], "features": column})
        facts = {"dataset": "iemocap", "modality": "t", "options": {}, "simulated": False}
        facts |= {"extractor": extractor, "version": "1", "width": 1, "inputs": "x"}
        parquet.write(table, features, schemas.FEATURES, **facts)
    table = provenance_table(find_run(base), find_run(other))
    shutil.rmtree(base / "features")
    differing = table.data[table.data["differs"]].set_index("item")
    settings = [item for item in differing.index if item.startswith("settings of ")]
    assert set(differing.index) - set(settings) == {
        *("commit", "device", "torch", "features iemocap/t")
    }
    assert len(settings) == 4
    assert differing.loc["torch", ["a", "b"]].tolist() == ["2.9.1", "2.10.0"]
    shown = "\n".join(terminal.show_pairs(table, 100))
    assert "torch: 2.9.1 | 2.10.0" in shown
    assert "python" not in shown
    assert "Settings differ in 4 of 4 shared cells" in shown
    assert "uncommitted" in shown


@pytest.mark.parametrize("width", [50, 80, 120])
def test_lines_keep_to_the_width_of_the_terminal(base, better, width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.chdir(base.parents[1])
    names = [path.relative_to(base.parents[1]) for path in (base, better)]
    said = printed(capsys, *names)
    assert max(map(len, said.splitlines())) <= width
    assert re.search(r"^ +atv/spcl +[+−]\d", said, re.M)  # noqa: RUF001 (the minus sign)


def test_files_hold_the_table_and_the_same_call_gives_the_same_bytes(base, better, tmp_path):
    for out in ("first", "second"):
        assert main(["compare", str(base), str(better), "--out", str(tmp_path / out)]) == 0
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    tables = [f"{t}.{e}" for t in ("comparison", "provenance") for e in ("html", "md", "parquet")]
    assert names == sorted(
        [*tables, "comparison.tex", "provenance.tex"]
        + [f"differences.{ext}" for ext in ("parquet", "png", "svg")]
    )
    for name in names:
        first, second = (tmp_path / out / name for out in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
    stored = parquet.read(tmp_path / "first" / "comparison.parquet", cells.SCHEMA)
    assert stored["status"].to_pylist() == rows_of(base, better)["status"].tolist()
    drawn = parquet.read(tmp_path / "first" / "differences.parquet", figure.SCHEMA)
    assert len(drawn) == 4


def test_a_run_is_found_from_above_and_by_part(base):
    assert find_run(base.parent).metrics == find_run(base).metrics
    part = find_run(base / "cells" / "iemocap-mmgcn-at-none")
    assert [path.parent.name for path in part.metrics] == ["iemocap-mmgcn-at-none"]


def test_one_of_several_grids_is_chosen_by_name(tmp_path, base, capsys):
    for grid, gain in (("paper", 0.1), ("rivals", 0.2)):
        folder = lay_out(tmp_path, below=f"gathered/{grid}", gain=gain)
    assert main(["compare", str(folder), str(base)]) == 1
    error = capsys.readouterr().err
    assert error == f"error: {folder}: several grids; choose with --grid one of: paper, rivals\n"
    assert main(["compare", str(folder), str(base), "--grid", "typo"]) == 1
    assert "no grid 'typo'" in capsys.readouterr().err
    assert f"A: {folder}, grid rivals." in " ".join(
        printed(capsys, folder, base, "--grid", "rivals").split()
    )
    assert main(["compare", str(folder / "gathered"), str(base)]) == 1
    assert "contains iemocap/mmgcn/" in capsys.readouterr().err


def test_an_unknown_grid_is_refused_where_there_is_one_too(tmp_path, base, capsys):
    folder = lay_out(tmp_path, below="gathered/paper")
    assert main(["compare", str(folder), str(base), "--grid", "typo"]) == 1
    assert "no grid 'typo'; choose with --grid one of: paper" in capsys.readouterr().err


def test_tables_that_are_older_than_a_cell_of_theirs_are_refused(tmp_path, base, capsys):
    folder = lay_out(tmp_path, below="gathered/paper")
    gathered = next(folder.glob("gathered/paper/*/metrics.parquet"))
    cell = folder / "cells" / gathered.parent.name / "mmgcn/at/spcl" / "metrics.parquet"
    cell.parent.mkdir(parents=True)
    shutil.copy(gathered, cell)
    for moment, fresh in ((0, True), (60, False)):
        os.utime(cell, (gathered.stat().st_mtime + moment,) * 2)
        assert (main(["compare", str(folder), str(base)]) == 0) == fresh
    assert f"is older than {cell}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("nowhere", "nowhere: no such folder; name the results folder of a run"),
        ("empty", "empty: no results in it"),
        ("nowhere.csv", "nowhere.csv: no such file"),
    ],
)
def test_what_is_not_there_is_one_line(base, tmp_path, monkeypatch, capsys, second, said):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    assert main(["compare", str(base), second]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {said}")
    assert error.count("\n") == 1


# Published scores.


def test_the_shipped_scores_are_well_formed():
    frame = read_published(SHIPPED)  # no duplicates, no gaps, points
    models = {path.stem for path in (ROOT / "spcl" / "models").glob("*.py")}
    assert set(frame["baseline"]) <= models
    assert set(frame["dataset"]) <= {"iemocap", "meld"}
    assert set(frame["curriculum"]) == {"none"}
    assert set(frame["protocol"]) <= {*PROTOCOLS, "unknown"}
    assert frame["source"].str.contains(r", .* 20\d\d$").all()
    assert pd.read_csv(SHIPPED)["seen"].str.contains("score: ").all()


def test_a_published_score_gets_a_difference_a_warning_and_no_test(tmp_path, capsys):
    run = lay_out(tmp_path, baselines=("mm_dfn",), datasets=("meld",))
    said = printed(capsys, run, "published", "--out", tmp_path / "out")
    assert "WARNING: other protocols in 1 of 1 rows" in " ".join(said.split())
    assert "59.46§" in said
    (row,) = parquet.read(
        tmp_path / "out" / "comparison.parquet", published_table.SCHEMA
    ).to_pylist()
    assert row["difference"] == pytest.approx(row["weighted_f1"] - 59.46)
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    assert (row["protocol"], row["published_protocol"]) == ("official", "best-test-epoch")
    assert not any(name.startswith("p_") or name == "p" for name in row)
    assert "WARNING" in (tmp_path / "out" / "comparison.md").read_text(encoding="utf-8")


def test_scores_of_ones_own_csv_are_taken(base, tmp_path, capsys):
    path = tmp_path / "mine.csv"
    line = "iemocap,mmgcn,vta,spcl,70.5,official,Me"
    path.write_text(f"\ufeff{HEADER},seen\n{line} 2026,here\n{line} 2027,\n", encoding="utf-8")
    said = printed(capsys, base, path)
    assert said.count("70.50") == 2
    assert "WARNING" not in said


def test_hostile_sources_and_folders_are_shown_as_text(base, tmp_path, capsys):
    run = tmp_path / "$\\run$\n\x1b[2J 高"
    shutil.copytree(base, run)
    path = tmp_path / "mine.csv"
    line = 'iemocap,mmgcn,atv,spcl,70.5,"$\\x$ {one}\n*two*\x1b[31m","<b>Me\u202e</b> |"'
    path.write_text(f"{HEADER}\n{line}\n", encoding="utf-8")
    out = tmp_path / "out\n"
    for shown in (
        printed(capsys, run, path, "--out", out),
        printed(capsys, run, base, "--out", tmp_path / "runs"),
    ):
        assert r"$\run$\n\x1b[2J 高" in " ".join(shown.split())
        assert all(map(str.isprintable, shown.split("\n")))
    page = (out / "comparison.html").read_text(encoding="utf-8")
    assert r"<td>&lt;b&gt;Me\u202e&lt;/b&gt; |</td>" in page


def test_simulated_corpora_get_no_difference_from_published_scores(tmp_path, capsys):
    run = lay_out(tmp_path, baselines=("mm_dfn",), datasets=("meld",), simulated=True)
    said = printed(capsys, run, "published", "--out", tmp_path / "out")
    assert "SIMULATED DATA (meld)" in said
    (row,) = parquet.read(
        tmp_path / "out" / "comparison.parquet", published_table.SCHEMA
    ).to_pylist()
    assert row["difference"] is row["difference_low"] is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "dataset,baseline,modalities,weighted_f1,source\n",
            "columns curriculum, protocol missing",
        ),
        ("", "missing"),
        (f"{HEADER}\n", "no row"),
        (f"{HEADER}\nmeld,mmgcn,atv,none,0.58,official,X\n", "line 2: weighted_f1 '0.58'"),
        (f"{HEADER}\nmeld,mmgcn,atv,none,high,official,X\n", "line 2: weighted_f1 'high'"),
        (f"{HEADER}\nmeld,mmgcn,atv,none,nan,official,X\n", "line 2: weighted_f1 'nan'"),
        (f"{HEADER}\nmeld,mmgcn,avx,none,58,official,X\n", "modalities 'avx'"),
        (f"{HEADER}\nmeld,mmgcn,aa,none,58,official,X\n", "modalities 'aa'"),
        (f"{HEADER}\nmeld,mmgcn,atv,none,58,official,\n", "line 2: no source"),
        (f"{HEADER}\nmeld,mmgcn\n", "line 2: no modalities, curriculum"),
        (f"{HEADER}\n" + "meld,mmgcn,atv,none,58,official,X\n" * 2, "two scores of meld/mmgcn"),
        (f"{HEADER}\nother,mmgcn,atv,none,58,official,X\n", "no score of a cell"),
    ],
)
def test_a_wrong_csv_is_one_line(base, tmp_path, capsys, text, said):
    path = tmp_path / "mine.csv"
    path.write_text(text, encoding="utf-8")
    assert main(["compare", str(base), str(path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {path}")
    assert said in error
    assert error.count("\n") == 1


def test_the_pages_csv_can_be_read(tmp_path):
    page = (ROOT / "docs" / "comparing.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```csv\n(.*?)```", page, re.DOTALL)
    (tmp_path / "page.csv").write_text(text, encoding="utf-8")
    assert len(read_published(tmp_path / "page.csv")) >= 1


@pytest.mark.parametrize("n_dialogues", [1, 2, 3, 12])
def test_with_one_seed_each_pairing_makes_no_difference_to_the_interval(n_dialogues):
    rng = np.random.default_rng(0)
    drawn = [rng.normal(size=(200, 1)) for _ in "ab"]
    observed = [np.array([0.2]), np.array([0.5])]
    expected = bootstrap_interval(observed[1] - observed[0], drawn[1] - drawn[0], n_dialogues)
    assert unpaired_interval(observed, drawn, n_dialogues) == pytest.approx(expected, nan_ok=True)


def test_an_unpaired_interval_covers_the_true_difference_as_often_as_it_says():
    """Seeds and dialogues with normal noise; 95 % within three standard errors of 400 trials."""
    rng = np.random.default_rng(1)
    n_dialogues, n_seeds, hits = 30, (4, 6), 0
    weights = rng.multinomial(29, np.full(30, 1 / 30), size=200) / 29
    for _ in range(400):
        dialogue = rng.normal(0, 1, n_dialogues)  # of B above A
        sides = [rng.normal(0, 0.5, (1, n)) + rng.normal(0, 1, (n_dialogues, n)) for n in n_seeds]
        sides[1] = sides[1] + dialogue[:, None]
        low, high = unpaired_interval(
            [side.mean(0) for side in sides], [weights @ side for side in sides], n_dialogues
        )
        hits += low <= 0 <= high
    assert 0.915 <= hits / 400 <= 0.99
