"""The main table: scores of every cell, and the gain of its curriculum over none."""

from collections.abc import Iterator

import pandas as pd

from spcl.report import columns, fields, footnotes
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, Gain, TestScores, by_cell, over_seeds
from spcl.report.analysis.statistics import FEWEST_DIALOGUES, holm
from spcl.report.panels import Panel
from spcl.report.table import frame_of
from spcl.tables.parquet import Schema
from spcl.tables.schemas import CELL_KEY

TITLE = "Main results"

SCHEMA = Schema(
    "main table",
    (
        *columns.CELL,
        columns.N_SEEDS,
        *columns.estimate("weighted_f1", "weighted F1"),
        *columns.mean("accuracy", "points"),
        *columns.mean("macro_f1", "points"),
        columns.N_PAIRED_SEEDS,
        *columns.estimate("gain", "weighted F1 above none, paired by seed", nullable=True),
        *columns.p_values("gain"),
        columns.N_DIALOGUES,
        columns.N_UTTERANCES,
        *columns.CAUTIONS,
    ),
    key=CELL_KEY,
)


def compute(results: Results, *, test: bool = True) -> pd.DataFrame:
    """Score every cell; the columns are those of `SCHEMA`. Without `test` there are no p-values."""
    metrics = results.metrics
    scores = TestScores(results)
    rows = []
    for key, runs in by_cell(metrics[metrics["split"] == "test"]):
        row: dict[str, object] = dict(zip(CELL_KEY, key, strict=True))
        for score in ("weighted_f1", "accuracy", "macro_f1"):
            row[score], row[f"{score}_sd"] = over_seeds(100 * runs[score])
        row["weighted_f1_low"], row["weighted_f1_high"] = scores.interval(key)
        is_none = key[-1] == NONE
        gain = Gain() if is_none else scores.gain(key, (*key[:-1], NONE), test=test)
        rows.append(
            row
            | gain.columns("gain")
            | footnotes.cautions(runs)
            | {
                "n_seeds": len(runs),
                "n_paired_seeds": gain.n_seeds,
                "test": gain.test or None,
                "p": gain.p,
                "n_dialogues": scores.n_dialogues(key),
                "n_utterances": runs["n_utterances"].iloc[0],
            }
        )
    data = frame_of(rows, SCHEMA)
    return data.assign(p_holm=holm(data["p"].to_numpy(float)))


def caption(data: pd.DataFrame) -> str:
    return (
        "Scores on the test split in points, mean ± standard deviation over seeds"
        f" ({footnotes.seeds_in_words(data['n_seeds'])} a cell). Gain: weighted F1 above the"
        " curriculum none, paired by seed, with a 95 % bootstrap interval over dialogues and"
        f" seeds; p: two-sided, Holm-corrected over the {data['p'].notna().sum()} tests of this"
        " table (* p < 0.05). Bold: the best curriculum."
    )


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    shown = (
        *(fields.words(axis) for axis in CELL_KEY[:-1]),
        fields.words("curriculum", marks=footnotes.signs),
        fields.value("weighted_f1", "W-F1", mark_best=True),
        fields.value("accuracy", "Accuracy", mark_best=True),
        fields.value("macro_f1", "Macro-F1", mark_best=True),
        *fields.blank_for(
            NONE,
            fields.difference("gain", "Gain", marks=fields.star),
            fields.bounds("gain"),
            fields.p_holm(),
        ),
        fields.count("n_seeds", "Seeds"),
    )
    yield fields.panel(data, shown, nested=3)


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    """Say which tests there are, and why others are missing."""
    gains = data[data["curriculum"] != NONE]
    yield from footnotes.tests(gains)
    one = gains["n_paired_seeds"] == 1
    if one.any():
        which = "every cell" if one.all() else f"{one.sum()} cells"
        yield (
            f"One seed in {which}: no standard deviation and no test, and the interval does not"
            " include the variation of seeds. No conclusion can be drawn."
        )
    if len(data) and not len(gains):
        yield "Only the curriculum none was given, so there are no gains."
    if (gains["n_paired_seeds"] == 0).any():
        yield "No gain (dash) where the cell of the curriculum none is missing."
    if (data["n_dialogues"] == 0).any():
        yield "No interval (dash) where no predictions were given."
    if data["n_dialogues"].between(1, FEWEST_DIALOGUES - 1).any():
        yield (
            f"No interval (dash) where the test split has fewer than {FEWEST_DIALOGUES} dialogues."
        )
    yield from footnotes.fewer_seeds(data)
    yield from footnotes.absent_cells(data)
