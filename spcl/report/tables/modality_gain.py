"""Gain from one more modality: all three compared with pairs, and pairs with single modalities."""

from collections.abc import Iterator

import pandas as pd

from spcl.report import columns, fields, footnotes
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import TestScores
from spcl.report.columns import COUNT, MODALITIES, TEXT
from spcl.report.panels import MINUS, Panel
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema

TITLE = "Gain from the third and the second modality"

ALL = "atv"
PAIRS = ("at", "tv", "av")
FEWER = {ALL: PAIRS} | {pair: tuple(pair) for pair in PAIRS}
"""By modality set, the sets that lack one of its modalities."""

_KEY = ["dataset", "baseline", "curriculum"]

SCHEMA = Schema(
    "modality gain",
    (
        columns.DATASET,
        columns.BASELINE,
        columns.CURRICULUM,
        MODALITIES,
        Column("fewer", TEXT, "the set without one of the modalities"),
        Column("n_seeds", COUNT, "seeds that both cells have"),
        *columns.estimate("gain", "weighted F1 of modalities minus that of fewer, paired by seed"),
        columns.N_DIALOGUES,
        columns.SIMULATED,
    ),
    key=(*_KEY, "modalities", "fewer"),
)


def compute(results: Results) -> pd.DataFrame:
    """Compare each set with those of one modality fewer that there are; see `SCHEMA`."""
    scores = TestScores(results)
    rows = []
    for cell in scores.points:
        dataset, baseline, modalities, curriculum = cell
        for fewer in FEWER.get(modalities, ()):
            gain = scores.gain(cell, (dataset, baseline, fewer, curriculum), test=False)
            if gain.n_seeds:
                rows.append(
                    gain.columns("gain")
                    | {
                        "dataset": dataset,
                        "baseline": baseline,
                        "curriculum": curriculum,
                        "modalities": modalities,
                        "fewer": fewer,
                        "n_seeds": gain.n_seeds,
                        "n_dialogues": scores.n_dialogues(cell),
                        "simulated": dataset in results.simulated,
                    }
                )
    return frame_of(rows, SCHEMA)


def caption(data: pd.DataFrame) -> str:
    return (
        "Weighted F1 on the test split with all three modalities (atv) minus that of each pair, and"
        " with a pair minus that of each of its modalities alone, in points, paired by seed: mean ±"
        f" standard deviation over {footnotes.seeds_in_words(data['n_seeds'])}, and the 95 %"
        " bootstrap interval over dialogues and seeds. Below zero, the added modality lowers the"
        " score."
    )


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    """A panel a modality set, a row a curriculum, a column a set with one modality fewer."""
    signs = footnotes.of_cells(results.metrics)

    def of_difference(modalities: str, fewer: str) -> Iterator[fields.Field]:
        def marks(row: pd.Series) -> str:
            """The signs of both cells."""
            if pd.isna(row[f"gain_{fewer}"]):
                return ""
            dataset, baseline, curriculum = row[_KEY]
            both = (signs[dataset, baseline, m, curriculum] for m in (modalities, fewer))
            return "".join(dict.fromkeys("".join(both)))

        yield fields.difference(f"gain_{fewer}", f"{modalities} {MINUS} {fewer}", marks=marks)
        yield fields.bounds(f"gain_{fewer}")

    cell = [fields.words(name) for name in _KEY]
    if not len(data):
        yield fields.panel(data, cell)
    for modalities, sets in FEWER.items():
        rows = data[data["modalities"] == modalities]
        present = [fewer for fewer in sets if (rows["fewer"] == fewer).any()]
        if present:
            compared = (field for fewer in present for field in of_difference(modalities, fewer))
            shown = [*cell, *compared, fields.count("n_seeds", "Seeds")]
            title = f"{'Third' if modalities == ALL else 'Second'} modality: {modalities}"
            yield fields.panel(_wide(rows), shown, title, nested=2)


def _wide(data: pd.DataFrame) -> pd.DataFrame:
    """A row a curriculum; columns ``gain_at``, ``gain_at_sd`` and so on for each smaller set."""
    wide = data.groupby(_KEY, sort=False)[["n_seeds"]].max()
    for fewer, rows in data.groupby("fewer"):
        gains = rows.set_index(_KEY).filter(like="gain")
        names = {name: str(name).replace("gain", f"gain_{fewer}") for name in gains}
        wide = wide.join(gains.rename(columns=names))
    return wide.reset_index()


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    if not len(data):
        yield (
            "There is nothing to compare: the grid has no two cells of the same dataset, baseline"
            " and curriculum of which one has one modality more."
        )
        return
    given = set(results.metrics["modalities"])
    absent = [modalities for modalities in (*PAIRS, *ALL) if modalities not in given]
    if absent:
        yield f"The grid has no cells of: {', '.join(absent)}."
    if any(of_set.groupby(_KEY).size().nunique() > 1 for _, of_set in data.groupby("modalities")):
        yield "A dash means that the cell with fewer modalities is missing."
    if (data["n_seeds"] == 1).any():
        yield footnotes.ONE_SEED
    if data["gain_low"].isna().any():
        yield footnotes.NO_INTERVAL
