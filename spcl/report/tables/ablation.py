"""Which part does the work: SPCL beside its two halves, its controls and other curricula."""

import math
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa

from spcl.report import footnotes
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, CellKey, TestScores, by_cell
from spcl.report.analysis.statistics import holm
from spcl.report.panels import GAP, MINUS, Entry, Panel, interval, number, p_value, signed, text
from spcl.report.table import ResultTable
from spcl.report.tables.main import notes_on_tests
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

SPCL = "spcl"
PARTS = {
    NONE: "everything, always",
    SPCL: "both levels",
    "spl": "utterance level alone",
    "coherence": "conversation level alone",
    "random_pacing": "as many as spcl, at random",
    "anti": "as many as spcl, hard first",
    "baby_step": "dialogues by emotion shift",
    "transfer_teacher": "utterances by the probes' loss",
}
"""What each curriculum goes by."""

_TEXT, _REAL, _COUNT = pa.string(), pa.float64(), pa.int32()

SCHEMA = Schema(
    "ablation table",
    (
        Column("dataset", _TEXT, "the corpus' name in the config"),
        Column("baseline", _TEXT, "the model; null = pooled over the cells of the dataset", True),
        Column("modalities", _TEXT, "atv, at, tv, av, a, t or v; null = pooled", True),
        Column("curriculum", _TEXT, "none, spcl or a rival"),
        Column("n_cells", _COUNT, "cells with this curriculum that have one with none; 0 for none"),
        Column("n_seeds", _COUNT, "seeds that these cells share"),
        Column("gain", _REAL, "weighted F1 above none, mean over seeds, points", True),
        Column("gain_sd", _REAL, "its standard deviation over seeds, points", True),
        Column("gain_low", _REAL, "95 % interval over dialogues and seeds, points", True),
        Column("gain_high", _REAL, "its upper end, points", True),
        Column("n_paired_cells", _COUNT, "cells that have one with spcl; 0 for spcl"),
        Column("n_paired_seeds", _COUNT, "seeds that these cells share"),
        Column("spcl_minus", _REAL, "weighted F1 of spcl minus this one's, points", True),
        Column("spcl_minus_sd", _REAL, "its standard deviation over seeds, points", True),
        Column("spcl_minus_low", _REAL, "95 % interval over dialogues and seeds, points", True),
        Column("spcl_minus_high", _REAL, "its upper end, points", True),
        Column("test", _TEXT, "of spcl_minus: wilcoxon or permutation; null = no test", True),
        Column("p", _REAL, "two-sided", True),
        Column("p_holm", _REAL, "corrected over all tests of the table", True),
        Column("n_dialogues", _COUNT, "labelled test dialogues; 0 = no predictions were given"),
        Column("n_diverged", _COUNT, "seeds of the cells whose training diverged"),
        Column("n_never_full", _COUNT, "seeds that never admitted all training utterances"),
        Column("protocol", _TEXT, "the split protocol"),
        Column("simulated", pa.bool_(), "the corpus is simulated"),
    ),
    key=("dataset", "baseline", "modalities", "curriculum"),
)


def make(results: Results) -> ResultTable:
    """Make the table; see `SCHEMA` for its columns."""
    data = rivals(results)
    pooled = data["baseline"].isna()
    differences = ("Gain", "95 % interval", f"{SPCL} {MINUS} it", "95 % interval", "p")
    return ResultTable(
        name="ablation",
        title="Which part does the work",
        caption=(
            "Weighted F1 on the test split in points: what a curriculum gains over none, and what"
            f" {SPCL} scores above it. Paired by seed, mean ± standard deviation over"
            f" {footnotes.seeds_in_words(data.loc[data['n_seeds'] > 0, 'n_seeds'])}, 95 % interval"
            " over dialogues and seeds. p: two-sided, of the second difference, Holm-corrected over"
            f" the {int(data['p'].notna().sum())} tests of this table (* p < 0.05). Pooled: the"
            " mean of the paired differences over the cells of a dataset (baseline by modality"
            " set), each cell counting the same; dialogues and seeds are resampled for all of them"
            " at once."
        ),
        data=data,
        schema=SCHEMA,
        panels=(
            Panel(
                ("Dataset", "Curriculum", "What it goes by", *differences, "Cells", "Seeds"),
                tuple(_pooled_row(row) for _, row in data[pooled].iterrows()),
                "Pooled",
                nested=1,
            ),
            Panel(
                ("Dataset", "Baseline", "Modalities", "Curriculum", *differences, "Seeds"),
                tuple(_cell_row(row) for _, row in data[~pooled].iterrows()),
                "Cell by cell",
                nested=3,
            ),
        ),
        notes=(*_notes(data), *(footnotes.absent_cells(data[~pooled]) if len(data) else ())),
        simulated=results.simulated,
    )


def rivals(results: Results, *, test: bool = True) -> pd.DataFrame:
    """Hold every curriculum against none, and spcl against it: pooled, then cell by cell.

    The columns are those of `SCHEMA`. Without `test` there are no p-values.
    """
    metrics = results.metrics
    test_runs = metrics[metrics["split"] == "test"]
    runs = dict(by_cell(test_runs))
    scores = TestScores(results)
    pools = test_runs.groupby(["dataset", "curriculum"], observed=True) if len(runs) else ()
    rows = [
        {"dataset": dataset, "baseline": None, "modalities": None, "curriculum": curriculum}
        | _row([key for key, _ in by_cell(of_pool)], of_pool, scores, test=test)
        for (dataset, curriculum), of_pool in pools
    ]
    for key, of_cell in runs.items():
        rows.append(dict(zip(CELL_KEY, key, strict=True)) | _row([key], of_cell, scores, test=test))
    data = pd.DataFrame(rows, columns=[c.name for c in SCHEMA.columns if c.name != "p_holm"])
    return data.assign(p_holm=holm(data["p"].to_numpy(float)))


def pairs(scores: TestScores, cells: Sequence[CellKey], base: str) -> list[tuple[CellKey, CellKey]]:
    """Each cell with that of the curriculum `base`, where there is one and it is another."""
    both = [(cell, (*cell[:3], base)) for cell in cells if cell[3] != base]
    return [(cell, other) for cell, other in both if other in scores.points]


def _row(
    cells: Sequence[CellKey], runs: pd.DataFrame, scores: TestScores, *, test: bool
) -> dict[str, object]:
    """What `cells` of one dataset and curriculum gain over none, and spcl over them."""
    above_none = pairs(scores, cells, NONE)
    below_spcl = [(spcl, cell) for cell, spcl in pairs(scores, cells, SPCL)]
    gain = scores.pooled(above_none, test=False)
    rest = scores.pooled(below_spcl, test=test)
    return {
        "n_cells": len(above_none),
        "n_seeds": gain.n_seeds,
        "gain": gain.mean,
        "gain_sd": gain.sd,
        "gain_low": gain.low,
        "gain_high": gain.high,
        "n_paired_cells": len(below_spcl),
        "n_paired_seeds": rest.n_seeds,
        "spcl_minus": rest.mean,
        "spcl_minus_sd": rest.sd,
        "spcl_minus_low": rest.low,
        "spcl_minus_high": rest.high,
        "test": rest.test or None,
        "p": rest.p,
        "n_dialogues": max(scores.n_dialogues(cell) for cell in cells),
        "n_diverged": runs["diverged"].sum(),
        "n_never_full": runs["full_at_epoch"].isna().sum(),
        "protocol": runs["protocol"].iloc[0],
        "simulated": runs["simulated"].any(),
    }


def _pooled_row(row: pd.Series) -> tuple[Entry, ...]:
    n_cells = max(row["n_cells"], row["n_paired_cells"])
    return (
        text(row["dataset"]),
        _name(row),
        text(PARTS.get(row["curriculum"], GAP)),
        *_numbers(row),
        number(n_cells, 0),
        number(max(row["n_seeds"], row["n_paired_seeds"]), 0),
    )


def _cell_row(row: pd.Series) -> tuple[Entry, ...]:
    return (
        *(text(row[axis]) for axis in ("dataset", "baseline", "modalities")),
        _name(row),
        *_numbers(row),
        number(max(row["n_seeds"], row["n_paired_seeds"]), 0),
    )


def _name(row: pd.Series) -> Entry:
    return text(row["curriculum"], marks=_signs(row))


def _signs(row: pd.Series) -> str:
    return footnotes.signs(
        diverged=row["n_diverged"] > 0,
        never_full=row["n_never_full"] > 0,
        protocol=row["protocol"],
    )


def _numbers(row: pd.Series) -> list[Entry]:
    """The two differences; blank where a curriculum would be held against itself."""
    blank = [Entry("", math.nan)]
    gain = [signed(row["gain"], spread=row["gain_sd"]), interval(row["gain_low"], row["gain_high"])]
    star = "*" if row["p_holm"] < 0.05 else ""
    rest = [
        signed(row["spcl_minus"], spread=row["spcl_minus_sd"], marks=star),
        interval(row["spcl_minus_low"], row["spcl_minus_high"]),
        p_value(row["p_holm"]),
    ]
    return [
        *(2 * blank if row["curriculum"] == NONE else gain),
        *(3 * blank if row["curriculum"] == SPCL else rest),
    ]


def _notes(data: pd.DataFrame) -> list[str]:
    if not len(data):
        return ["There are no cells: the table was given no metrics."]
    notes = footnotes.explained(_signs(row) for _, row in data.iterrows())
    tested = data[data["curriculum"] != SPCL]
    notes += notes_on_tests(tested)
    present = set(data["curriculum"])
    absent = [name for name in PARTS if name not in present]
    if absent:
        notes.append(
            f"Not trained: {', '.join(absent)}. To see which part does the work, add them to"
            " grid.curricula, with their settings under curricula; config/curricula.yaml has all"
            " of them to copy."
        )
    if (data[["n_seeds", "n_paired_seeds"]].max(axis=1) == 1).any():
        notes.append(
            "Where there is one seed there is no standard deviation and no test, and the interval"
            " leaves out how much seeds vary. No conclusion can be drawn."
        )
    pooled = data[data["baseline"].isna()]
    if (pooled.groupby("dataset")["n_cells"].agg(lambda n: n[n > 0].nunique()) > 1).any():
        notes.append(
            "Curricula of a dataset that were trained in different numbers of cells are pooled over"
            " different cells: compare them cell by cell."
        )
    known = data[data["spcl_minus"].notna() | data["gain"].notna()]
    if (known["spcl_minus_low"].isna() & known["gain_low"].isna()).any():
        notes.append("No interval (dash) where predictions are absent or test dialogues too few.")
    return notes
