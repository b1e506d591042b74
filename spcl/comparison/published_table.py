"""A run compared with published scores, as a result table."""

import math
from dataclasses import replace

import pandas as pd

from spcl.comparison.run import Run
from spcl.errors import UserError, listed
from spcl.report import columns, fields, footnotes
from spcl.report.analysis.scores import CellKey, TestScores, by_cell, over_seeds
from spcl.report.columns import REAL, TEXT
from spcl.report.fields import Field
from spcl.report.panels import Entry, Panel, number, signed
from spcl.report.table import ResultTable, frame_of
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

SCHEMA = Schema(
    "comparison with published scores",
    (
        *columns.CELL,
        Column("source", TEXT, "who published the score"),
        *columns.mean("weighted_f1", "of the run, points"),
        columns.N_SEEDS,
        Column("published", REAL, "the published score, points"),
        Column("difference", REAL, "run minus published, points; null if simulated", True),
        *columns.bounds("difference_low", "difference_high"),
        Column("published_protocol", TEXT, "of the published score; may be unknown"),
        columns.N_DIALOGUES,
        columns.N_UTTERANCES,
        *columns.CAUTIONS,
    ),
    key=(*CELL_KEY, "source"),
)


def published_table(run: Run, path: str, published: pd.DataFrame) -> ResultTable:
    """Compare the run's cells with published scores of the same names.

    Parameters
    ----------
    run
        Cells without a published score and scores without a cell are left out.
    path
        Name of `published` in messages.
    published
        The result of `spcl.comparison.published.read_published`.

    Raises
    ------
    UserError
        No score belongs to any cell.
    """
    data = _data(run, published)
    if not len(data):
        cells = published[list(CELL_KEY)].agg("/".join, axis=1)
        datasets = listed(dict.fromkeys(run.results.metrics["dataset"].astype(str)))
        raise UserError(
            f"{path}: no score of a cell of {run.name}, whose datasets are {datasets}; it has"
            f" {listed(cells)}; use the same names of datasets in the config"
        )
    panel = _panel(data)
    simulated = tuple(dict.fromkeys(data.loc[data["simulated"].astype(bool), "dataset"]))
    return ResultTable(
        name="comparison",
        title="A run compared with published scores",
        caption=(
            f"Weighted F1 on the test split in points, of {run.name} (mean ± standard deviation"
            f" over seeds, {footnotes.seeds_in_words(data['n_seeds'])} a cell) and as published."
            " Difference: run minus published. The 95 % interval is of the run's score alone, over"
            " dialogues and seeds: the published score has none, so there is no test."
        ),
        data=data,
        schema=SCHEMA,
        panels=(panel,),
        notes=(
            *_notes(data),
            *footnotes.explained([panel]),
            *footnotes.class_rules(run.results),
        ),
        simulated=simulated,
    )


def _data(run: Run, published: pd.DataFrame) -> pd.DataFrame:
    metrics = run.results.metrics
    cells = dict(by_cell(metrics[metrics["split"] == "test"]))
    scores = TestScores(run.results)
    rows = [
        _row(key, score, cells[key], scores)
        for key in cells
        for _, score in published.iterrows()
        if key == tuple(score[list(CELL_KEY)])
    ]
    return frame_of(rows, SCHEMA)


def _row(
    key: CellKey, score: pd.Series, runs: pd.DataFrame, scores: TestScores
) -> dict[str, object]:
    """The row of one score; see `SCHEMA`."""
    mean, sd = over_seeds(100 * runs["weighted_f1"])
    low, high = scores.interval(key)
    simulated = bool(runs["simulated"].any())
    other = math.nan if simulated else score["weighted_f1"]
    return (
        dict(zip(CELL_KEY, key, strict=True))
        | footnotes.cautions(runs)
        | {
            "source": score["source"],
            "weighted_f1": mean,
            "weighted_f1_sd": sd,
            "n_seeds": len(runs),
            "published": score["weighted_f1"],
            "difference": mean - other,
            "difference_low": low - other,
            "difference_high": high - other,
            "published_protocol": score["protocol"],
            "n_dialogues": scores.n_dialogues(key),
            "n_utterances": int(runs["n_utterances"].iloc[0]),
        }
    )


def _panel(data: pd.DataFrame) -> Panel:
    shown = (
        *(fields.words(axis) for axis in CELL_KEY),
        Field("Difference", _difference),
        fields.bounds("difference"),
        Field("Run", _run),
        Field("Published", _published),
        fields.count("n_seeds", "Seeds"),
        fields.words("protocol", "Protocol of run"),
        fields.words("published_protocol", "Protocol of source"),
        fields.words("source"),
    )
    return fields.panel(data, shown, nested=2)


def _difference(row: pd.Series) -> Entry:
    return Entry("simulated", math.nan) if row["simulated"] else signed(row["difference"])


def _run(row: pd.Series) -> Entry:
    score = number(row["weighted_f1"], spread=row["weighted_f1_sd"])
    return replace(score, marks=footnotes.signs(row))


def _published(row: pd.Series) -> Entry:
    known = {"n_diverged": 0, "n_never_full": 0, "protocol": row["published_protocol"]}
    return replace(number(row["published"], 2), marks=footnotes.signs(known))


def _notes(data: pd.DataFrame) -> list[str]:
    notes = []
    if data["simulated"].any():
        notes.append(
            "No difference where the run's corpus is simulated: published scores are of real"
            " recordings."
        )
    other = data[data["protocol"] != data["published_protocol"]]
    if len(other):
        pairs = dict.fromkeys(
            f"{ours} in the run, {theirs} in the source"
            for ours, theirs in zip(other["protocol"], other["published_protocol"], strict=True)
        )
        notes.append(
            f"WARNING: other protocols in {len(other)} of {len(data)} rows"
            f" ({'; '.join(pairs)}). Such a difference does not show a better or worse model."
        )
    notes.append(
        "Baselines here are variants of the published models (docs/fidelity.md), and features may"
        " differ: use a difference only to check the order of magnitude."
    )
    if (data["n_seeds"] == 1).any():
        notes.append("With one seed the interval does not include the variation of seeds.")
    if data.loc[~data["simulated"].astype(bool), "difference_low"].isna().any():
        notes.append(footnotes.NO_INTERVAL)
    return notes
