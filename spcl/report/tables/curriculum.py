"""Admission by the curriculum in every cell: its threshold and the share of utterances admitted."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from spcl.report import fields, footnotes
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, by_cell, over_seeds
from spcl.report.columns import CELL, COUNT, N_SEEDS, REAL, SIMULATED, mean
from spcl.report.fields import Field
from spcl.report.panels import GAP, Entry, Panel, number
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

TITLE = "Admission by the curriculum"

SCHEMA = Schema(
    "curriculum table",
    (
        *CELL,
        N_SEEDS,
        Column("epochs", REAL, "epochs trained, mean over seeds"),
        Column("threshold_start", REAL, "lambda in the first epoch; null without one", True),
        Column("threshold_end", REAL, "lambda in the last epoch, mean over seeds", True),
        *mean("share_first", "% of the labelled training utterances admitted in the first epoch"),
        *mean("share_half", "% in the epoch that ends the first half"),
        *mean("share_end", "% in the last epoch"),
        *mean("full_at", "first epoch that admits all, in seeds that reach it", nullable=True),
        Column("n_full", COUNT, "seeds that admit all in some epoch"),
        SIMULATED,
    ),
    key=CELL_KEY,
)


def compute(results: Results) -> pd.DataFrame:
    """Describe every cell of a curriculum except none, which admits everything."""
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
                "simulated": key[0] in results.simulated,
            }
        )
    return frame_of(rows, SCHEMA)


def _at(values: pd.Series, place: float) -> float:
    """The value in the first epoch (0), in the one that ends the first half, in the last (1)."""
    return float(values.iloc[max(math.ceil(place * len(values)) - 1, 0)])


def caption(data: pd.DataFrame) -> str:
    return (
        "Threshold λ and share of the labelled training utterances admitted (%), in the first"
        " epoch, at half of the epochs and in the last; mean ± standard deviation over"
        f" {footnotes.seeds_in_words(data['n_seeds'])}. Full at: the first epoch that admits"
        " every utterance."
    )


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    shown = (
        *fields.cell(results.metrics),
        fields.value("threshold_start", "λ start", 2),
        fields.value("threshold_end", "λ end", 2),
        fields.value("share_first", "First %"),
        fields.value("share_half", "Half %"),
        fields.value("share_end", "Last %"),
        Field("Full at", _full),
        fields.value("epochs", "Epochs", 0),
    )
    yield fields.panel(data, shown, nested=3)


def _full(row: pd.Series) -> Entry:
    """The epoch; ``never``; or the epoch and how many seeds get there."""
    if row["n_full"] == 0:
        return Entry("never", math.inf)
    shown = number(row["full_at"], spread=row["full_at_sd"])
    if row["n_full"] == row["n_seeds"]:
        return shown
    return Entry(f"{shown.text} ({row['n_full']} of {row['n_seeds']})", shown.value)


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    if not len(results.history):
        yield "No histories were given, so there is nothing to show."
    elif not len(data):
        yield "Only the curriculum none was given, which admits everything in every epoch."
    if data["threshold_start"].isna().any():
        yield f"λ {GAP}: this curriculum has no threshold."
    if ((data["n_full"] > 0) & (data["n_full"] < data["n_seeds"])).any():
        yield "Full at, with a count in brackets: the mean over the seeds that admit all."
    if (data["n_full"] == 0).any():
        yield "never: no seed admitted all utterances in any epoch that was trained."
    if (data["n_seeds"] == 1).any():
        yield "Where there is one seed there is no standard deviation."
    yield from footnotes.fewer_seeds(data)
