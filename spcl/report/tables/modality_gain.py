"""Gain from the third modality: all three compared with each pair, by curriculum."""

from collections.abc import Iterator

import pandas as pd

from spcl.report import columns, fields, footnotes
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import TestScores
from spcl.report.columns import COUNT, TEXT
from spcl.report.panels import MINUS, Panel
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema

TITLE = "Gain from the third modality"

ALL = "atv"
PAIRS = ("at", "tv", "av")

_KEY = ["dataset", "baseline", "curriculum"]

SCHEMA = Schema(
    "modality gain",
    (
        columns.DATASET,
        columns.BASELINE,
        columns.CURRICULUM,
        Column("pair", TEXT, "the two modalities that atv is compared with: at, tv or av"),
        Column("n_seeds", COUNT, "seeds that both cells have"),
        *columns.estimate("gain", "weighted F1 of atv minus that of the pair, paired by seed"),
        columns.N_DIALOGUES,
        columns.SIMULATED,
    ),
    key=(*_KEY, "pair"),
)


def compute(results: Results) -> pd.DataFrame:
    """Compare atv with each pair; a row for each that both have. See `SCHEMA`."""
    scores = TestScores(results)
    rows = []
    for cell in scores.points:
        dataset, baseline, modalities, curriculum = cell
        for pair in PAIRS if modalities == ALL else ():
            gain = scores.gain(cell, (dataset, baseline, pair, curriculum), test=False)
            if gain.n_seeds:
                rows.append(
                    gain.columns("gain")
                    | {
                        "dataset": dataset,
                        "baseline": baseline,
                        "curriculum": curriculum,
                        "pair": pair,
                        "n_seeds": gain.n_seeds,
                        "n_dialogues": scores.n_dialogues(cell),
                        "simulated": dataset in results.simulated,
                    }
                )
    return frame_of(rows, SCHEMA)


def caption(data: pd.DataFrame) -> str:
    return (
        "Weighted F1 on the test split with all three modalities (atv) minus that of each"
        " pair, in points, paired by seed: mean ± standard deviation over"
        f" {footnotes.seeds_in_words(data['n_seeds'])}, and the 95 % bootstrap interval over"
        " dialogues and seeds. Below zero, the third modality lowers the score."
    )


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    signs = footnotes.of_cells(results.metrics)

    def of_pair(pair: str) -> Iterator[fields.Field]:
        def marks(row: pd.Series) -> str:
            """The signs of both cells."""
            if pd.isna(row[f"gain_{pair}"]):
                return ""
            dataset, baseline, curriculum = row[_KEY]
            both = (signs[dataset, baseline, m, curriculum] for m in (ALL, pair))
            return "".join(dict.fromkeys("".join(both)))

        yield fields.difference(f"gain_{pair}", f"{ALL} {MINUS} {pair}", marks=marks)
        yield fields.bounds(f"gain_{pair}")

    present = [pair for pair in PAIRS if (data["pair"] == pair).any()]
    shown = (
        *(fields.words(name) for name in _KEY),
        *(field for pair in present for field in of_pair(pair)),
        fields.count("n_seeds", "Seeds"),
    )
    yield fields.panel(_wide(data), shown, nested=2)


def _wide(data: pd.DataFrame) -> pd.DataFrame:
    """A row a curriculum; columns ``gain_at``, ``gain_at_sd`` and so on for each pair."""
    wide = data.groupby(_KEY, sort=False)[["n_seeds"]].max()
    for pair, rows in data.groupby("pair"):
        gains = rows.set_index(_KEY).filter(like="gain")
        names = {name: str(name).replace("gain", f"gain_{pair}") for name in gains}
        wide = wide.join(gains.rename(columns=names))
    return wide.reset_index()


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    if not len(data):
        yield (
            "There is nothing to compare: the grid has no cell with all three modalities (atv) and"
            " one with a pair (at, tv, av) of the same dataset, baseline and curriculum."
        )
        return
    absent = [pair for pair in PAIRS if not (data["pair"] == pair).any()]
    if absent:
        yield f"The grid has no cells of: {', '.join(absent)}."
    if data.groupby(_KEY).size().nunique() > 1:
        yield "A dash means that the cell of the pair is missing."
    if (data["n_seeds"] == 1).any():
        yield footnotes.ONE_SEED
    if data["gain_low"].isna().any():
        yield footnotes.NO_INTERVAL
