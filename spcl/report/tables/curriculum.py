"""What the curriculum did in every cell: its threshold, and how much it admitted when."""

import math

import numpy as np
import pandas as pd
import pyarrow as pa

from spcl.report import footnotes
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, CellKey, by_cell, over_seeds
from spcl.report.panels import GAP, Entry, Panel, number, text
from spcl.report.table import ResultTable
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

_TEXT, _REAL, _COUNT = pa.string(), pa.float64(), pa.int32()

SCHEMA = Schema(
    "curriculum table",
    (
        Column("dataset", _TEXT, "the corpus' name in the config"),
        Column("baseline", _TEXT, "the model"),
        Column("modalities", _TEXT, "atv, at, tv, av, a, t or v"),
        Column("curriculum", _TEXT, "spcl or a rival; none admits everything and is left out"),
        Column("n_seeds", _COUNT, "trainings of the cell"),
        Column("epochs", _REAL, "epochs trained, mean over seeds"),
        Column("threshold_start", _REAL, "lambda in the first epoch; null without one", True),
        Column("threshold_end", _REAL, "lambda in the last epoch, mean over seeds", True),
        Column("share_first", _REAL, "of the labelled training utterances, first epoch, %"),
        Column("share_first_sd", _REAL, "standard deviation over seeds", True),
        Column("share_half", _REAL, "in the epoch that ends the first half, %"),
        Column("share_half_sd", _REAL, "standard deviation over seeds", True),
        Column("share_end", _REAL, "in the last epoch, %"),
        Column("share_end_sd", _REAL, "standard deviation over seeds", True),
        Column("full_at", _REAL, "first epoch that admits all, mean of seeds that do", True),
        Column("full_at_sd", _REAL, "its standard deviation over these seeds", True),
        Column("n_full", _COUNT, "seeds that admit all in some epoch"),
        Column("simulated", pa.bool_(), "the corpus is simulated"),
    ),
    key=("dataset", "baseline", "modalities", "curriculum"),
)


def make(results: Results) -> ResultTable:
    """Make the table; see `SCHEMA` for its columns."""
    data = _data(results)
    signs = footnotes.of_cells(results.metrics)
    return ResultTable(
        name="curriculum",
        title="What the curriculum admitted",
        caption=(
            "Threshold λ and share of the labelled training utterances admitted (%), in the first"
            " epoch, at half of the epochs and in the last; mean ± standard deviation over"
            f" {footnotes.seeds_in_words(data['n_seeds'])}. Full at: the first epoch that admits"
            " every utterance."
        ),
        data=data,
        schema=SCHEMA,
        panels=(
            Panel(
                (
                    *("Dataset", "Baseline", "Modalities", "Curriculum", "λ start", "λ end"),
                    *("First %", "Half %", "Last %", "Full at", "Epochs"),
                ),
                tuple(_row(row, signs) for _, row in data.iterrows()),
                nested=3,
            ),
        ),
        notes=(
            *footnotes.explained(sign for key, sign in signs.items() if key[-1] != NONE),
            *_notes(results.history, data),
            *(footnotes.fewer_seeds(data) if len(data) else ()),
        ),
        simulated=results.simulated,
    )


def _data(results: Results) -> pd.DataFrame:
    simulated = set(results.simulated)
    rows = []
    for key, history in by_cell(results.history):
        if key[-1] == NONE:
            continue
        seeds = [run.sort_values("epoch") for _, run in history.groupby("seed")]
        row: dict[str, object] = dict(zip(CELL_KEY, key, strict=True))
        for name, place in (("first", 0), ("half", 0.5), ("end", 1)):
            share = pd.Series([100 * _at(run["admitted_share"], place) for run in seeds])
            row[f"share_{name}"], row[f"share_{name}_sd"] = over_seeds(share)
        full = [run.loc[run["admitted_share"] == 1, "epoch"].min() for run in seeds]
        row["full_at"], row["full_at_sd"] = over_seeds(pd.Series(full, dtype=float).dropna())
        rows.append(
            row
            | {
                "n_seeds": len(seeds),
                "epochs": np.mean([len(run) for run in seeds]),
                "threshold_start": np.mean([_at(run["threshold"], 0) for run in seeds]),
                "threshold_end": np.mean([_at(run["threshold"], 1) for run in seeds]),
                "n_full": sum(not math.isnan(epoch) for epoch in full),
                "simulated": key[0] in simulated,
            }
        )
    return pd.DataFrame(rows, columns=[column.name for column in SCHEMA.columns])


def _at(values: pd.Series, place: float) -> float:
    """The value in the first epoch (0), in the one that ends the first half, in the last (1)."""
    return float(values.iloc[max(math.ceil(place * len(values)) - 1, 0)])


def _row(row: pd.Series, signs: dict[CellKey, str]) -> tuple[Entry, ...]:
    key = tuple(row[axis] for axis in CELL_KEY)
    return (
        *(text(part) for part in key[:-1]),
        text(key[-1], marks=signs.get(key, "")),
        number(row["threshold_start"], 2),
        number(row["threshold_end"], 2),
        *(number(row[f"share_{x}"], spread=row[f"share_{x}_sd"]) for x in ("first", "half", "end")),
        _full(row),
        number(row["epochs"], 0),
    )


def _full(row: pd.Series) -> Entry:
    """The epoch; ``never``; or the epoch and how many seeds get there."""
    if row["n_full"] == 0:
        return Entry("never", math.inf)
    shown = number(row["full_at"], spread=row["full_at_sd"])
    if row["n_full"] == row["n_seeds"]:
        return shown
    return Entry(f"{shown.text} ({row['n_full']} of {row['n_seeds']})", shown.value)


def _notes(history: pd.DataFrame, data: pd.DataFrame) -> list[str]:
    if not len(history):
        return ["No histories were given, so there is nothing to show."]
    if not len(data):
        return ["Only the curriculum none was given, which admits everything in every epoch."]
    notes = []
    if data["threshold_start"].isna().any():
        notes.append(f"λ {GAP}: this curriculum has no threshold.")
    some = data[(data["n_full"] > 0) & (data["n_full"] < data["n_seeds"])]
    if len(some):
        notes.append("Full at, with a count in brackets: the mean of the seeds that get there.")
    if (data["n_full"] == 0).any():
        notes.append("never: no seed admitted all utterances in any epoch that was trained.")
    if (data["n_seeds"] == 1).any():
        notes.append("Where there is one seed there is no standard deviation.")
    return notes
