"""A run beside published scores, as a result table."""

import math

import pandas as pd
import pyarrow as pa

from spcl.comparison.run import Run
from spcl.errors import UserError, listed
from spcl.report import footnotes
from spcl.report.analysis.scores import CellKey, TestScores, by_cell, over_seeds
from spcl.report.panels import Entry, Panel, interval, number, signed, text
from spcl.report.table import ResultTable
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

_TEXT, _REAL, _COUNT, _FLAG = pa.string(), pa.float64(), pa.int32(), pa.bool_()

SCHEMA = Schema(
    "comparison with published scores",
    (
        Column("dataset", _TEXT, "the corpus' name in the config"),
        Column("baseline", _TEXT, "the model"),
        Column("modalities", _TEXT, "atv, at, tv, av, a, t or v"),
        Column("curriculum", _TEXT, "none, spcl or a rival"),
        Column("source", _TEXT, "who published the score"),
        Column("weighted_f1", _REAL, "of the run, mean over seeds, points"),
        Column("weighted_f1_sd", _REAL, "standard deviation over seeds, points", True),
        Column("n_seeds", _COUNT, "trainings of the cell"),
        Column("published", _REAL, "the published score, points"),
        Column("difference", _REAL, "run minus published, points; null if simulated", True),
        Column("difference_low", _REAL, "95 % interval of the run's score alone, points", True),
        Column("difference_high", _REAL, "its upper end, points", True),
        Column("protocol", _TEXT, "the run's split protocol"),
        Column("published_protocol", _TEXT, "of the published score; may be unknown"),
        Column("n_diverged", _COUNT, "seeds whose training diverged"),
        Column("n_never_full", _COUNT, "seeds that never admitted all utterances"),
        Column("n_dialogues", _COUNT, "labelled test dialogues; 0 = no predictions were given"),
        Column("n_utterances", _COUNT, "labelled test utterances"),
        Column("simulated", _FLAG, "the run's corpus is simulated"),
    ),
    key=(*CELL_KEY, "source"),
)


def published_table(run: Run, path: str, published: pd.DataFrame) -> ResultTable:
    """Hold the run's cells against published scores of the same names.

    Parameters
    ----------
    run
        Its cells without a published score are left out, and so are scores without a cell.
    path
        How to call `published` in words.
    published
        What `spcl.comparison.published.read_published` gives.

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
            f" {listed(cells)}: datasets of the config have to be called so"
        )
    signs = [_signs(row) for _, row in data.iterrows()]
    simulated = tuple(dict.fromkeys(data.loc[data["simulated"].astype(bool), "dataset"]))
    return ResultTable(
        name="comparison",
        title="A run beside published scores",
        caption=(
            f"Weighted F1 on the test split in points, of {run.name} (mean ± standard deviation"
            f" over seeds, {footnotes.seeds_in_words(data['n_seeds'])} a cell) and as published."
            " Difference: run minus published. The 95 % interval is of the run's score alone, over"
            " dialogues and seeds: the published score has none, so there is no test."
        ),
        data=data,
        schema=SCHEMA,
        panels=(_panel(data, signs),),
        notes=(*_notes(data), *footnotes.explained("".join(sum(signs, ())))),
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
    return pd.DataFrame(rows, columns=[column.name for column in SCHEMA.columns])


def _row(
    key: CellKey, score: pd.Series, runs: pd.DataFrame, scores: TestScores
) -> dict[str, object]:
    """What `SCHEMA` says of one score."""
    mean, sd = over_seeds(100 * runs["weighted_f1"])
    low, high = scores.interval(key)
    simulated = bool(runs["simulated"].any())
    other = math.nan if simulated else score["weighted_f1"]
    return dict(zip(CELL_KEY, key, strict=True)) | {
        "source": score["source"],
        "weighted_f1": mean,
        "weighted_f1_sd": sd,
        "n_seeds": len(runs),
        "published": score["weighted_f1"],
        "difference": mean - other,
        "difference_low": low - other,
        "difference_high": high - other,
        "protocol": ", ".join(dict.fromkeys(runs["protocol"].astype(str))),
        "published_protocol": score["protocol"],
        "n_diverged": int(runs["diverged"].sum()),
        "n_never_full": int(runs["full_at_epoch"].isna().sum()),
        "n_dialogues": scores.n_dialogues(key),
        "n_utterances": int(runs["n_utterances"].iloc[0]),
        "simulated": simulated,
    }


def _signs(row: pd.Series) -> tuple[str, str]:
    """The signs behind the run's score and behind the published one."""
    return (
        footnotes.signs(
            diverged=row["n_diverged"] > 0,
            never_full=row["n_never_full"] > 0,
            protocol=row["protocol"],
        ),
        footnotes.signs(diverged=False, never_full=False, protocol=row["published_protocol"]),
    )


def _panel(data: pd.DataFrame, signs: list[tuple[str, str]]) -> Panel:
    rows = []
    for (_, row), (ours, theirs) in zip(data.iterrows(), signs, strict=True):
        rows.append(
            (
                *(text(row[axis]) for axis in CELL_KEY),
                Entry("simulated", math.nan) if row["simulated"] else signed(row["difference"]),
                interval(row["difference_low"], row["difference_high"]),
                _marked(number(row["weighted_f1"], spread=row["weighted_f1_sd"]), ours),
                _marked(number(row["published"], 2), theirs),
                number(row["n_seeds"], 0),
                text(row["protocol"]),
                text(row["published_protocol"]),
                text(row["source"]),
            )
        )
    return Panel(
        (
            *(axis.capitalize() for axis in CELL_KEY),
            *("Difference", "95 % interval", "Run", "Published", "Seeds"),
            *("Protocol of run", "Protocol of source", "Source"),
        ),
        tuple(rows),
        nested=2,
    )


def _marked(entry: Entry, marks: str) -> Entry:
    return Entry(entry.text, entry.value, marks=marks)


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
            f" ({'; '.join(pairs)}). Such a difference is no sign of a better or worse model."
        )
    notes.append(
        "Baselines here are variants of the published models (docs/fidelity.md), and features may"
        " be others: read a difference as a check of size."
    )
    if (data["n_seeds"] == 1).any():
        notes.append("With one seed the interval leaves out how much seeds vary.")
    if data.loc[~data["simulated"].astype(bool), "difference_low"].isna().any():
        notes.append("No interval (dash) where predictions or test dialogues are too few.")
    return notes
