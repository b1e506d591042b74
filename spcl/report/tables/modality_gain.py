"""What the third modality brings: all three against each pair, before and after a curriculum."""

from collections.abc import Iterator

import pandas as pd
import pyarrow as pa

from spcl.report import footnotes
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import CellKey, TestScores
from spcl.report.panels import MINUS, Entry, Panel, interval, number, signed, text
from spcl.report.table import ResultTable
from spcl.tables.parquet import Column, Schema

ALL = "atv"
PAIRS = ("at", "tv", "av")

_TEXT, _REAL, _COUNT = pa.string(), pa.float64(), pa.int32()

SCHEMA = Schema(
    "modality gain",
    (
        Column("dataset", _TEXT, "the corpus' name in the config"),
        Column("baseline", _TEXT, "the model"),
        Column("curriculum", _TEXT, "none, spcl or a rival"),
        Column("pair", _TEXT, "the two modalities that atv is held against: at, tv or av"),
        Column("n_seeds", _COUNT, "seeds that both cells have"),
        Column("gain", _REAL, "weighted F1 of atv minus the pair's, mean over seeds, points"),
        Column("gain_sd", _REAL, "its standard deviation over seeds, points", True),
        Column("gain_low", _REAL, "95 % interval over dialogues and seeds, points", True),
        Column("gain_high", _REAL, "its upper end, points", True),
        Column("n_dialogues", _COUNT, "labelled test dialogues; 0 = no predictions were given"),
        Column("simulated", pa.bool_(), "the corpus is simulated"),
    ),
    key=("dataset", "baseline", "curriculum", "pair"),
)


def make(results: Results) -> ResultTable:
    """Make the table; see `SCHEMA` for its columns."""
    data = modality_gains(results)
    signs = footnotes.of_cells(results.metrics)
    return ResultTable(
        name="modality_gain",
        title="What the third modality brings",
        caption=(
            "Weighted F1 on the test split with all three modalities (atv) minus that of each"
            " pair, in points, paired by seed: mean ± standard deviation over"
            f" {footnotes.seeds_in_words(data['n_seeds'])}, and the 95 % bootstrap interval over"
            " dialogues and seeds. Below zero, the third modality does harm."
        ),
        data=data,
        schema=SCHEMA,
        panels=(_panel(data, signs),),
        notes=(
            *footnotes.explained(_signs(row, signs) for _, row in data.iterrows()),
            *_notes(data),
        ),
        simulated=results.simulated,
    )


def modality_gains(results: Results) -> pd.DataFrame:
    """Hold atv against each pair; a row for each that both have. See `SCHEMA`."""
    rows = list(_gains(TestScores(results), set(results.simulated)))
    return pd.DataFrame(rows, columns=[column.name for column in SCHEMA.columns])


def _gains(scores: TestScores, simulated: set[str]) -> Iterator[dict[str, object]]:
    for cell in scores.points:
        dataset, baseline, modalities, curriculum = cell
        if modalities != ALL:
            continue
        for pair in PAIRS:
            gain = scores.gain(cell, (dataset, baseline, pair, curriculum), test=False)
            if gain.n_seeds:
                yield {
                    "dataset": dataset,
                    "baseline": baseline,
                    "curriculum": curriculum,
                    "pair": pair,
                    "n_seeds": gain.n_seeds,
                    "gain": gain.mean,
                    "gain_sd": gain.sd,
                    "gain_low": gain.low,
                    "gain_high": gain.high,
                    "n_dialogues": scores.n_dialogues(cell),
                    "simulated": dataset in simulated,
                }


def _signs(row: pd.Series, signs: dict[CellKey, str]) -> str:
    """Those of the two cells that a row holds against each other."""
    both = [
        signs[(row["dataset"], row["baseline"], m, row["curriculum"])] for m in (ALL, row["pair"])
    ]
    return "".join(dict.fromkeys("".join(both)))


def _panel(data: pd.DataFrame, signs: dict[CellKey, str]) -> Panel:
    present = [pair for pair in PAIRS if (data["pair"] == pair).any()]
    rows: list[tuple[Entry, ...]] = []
    for key, block in data.groupby(["dataset", "baseline", "curriculum"], sort=False):
        by_pair = block.set_index("pair", drop=False).reindex(present)
        entries: list[Entry] = []
        for _, row in by_pair.iterrows():
            marks = "" if pd.isna(row["gain"]) else _signs(row, signs)
            entries += [
                signed(row["gain"], spread=row["gain_sd"], marks=marks),
                interval(row["gain_low"], row["gain_high"]),
            ]
        seeds = number(block["n_seeds"].max(), 0)
        rows.append((*(text(part) for part in key), *entries, seeds))
    of_pairs = [head for pair in present for head in (f"{ALL} {MINUS} {pair}", "95 % interval")]
    return Panel(("Dataset", "Baseline", "Curriculum", *of_pairs, "Seeds"), tuple(rows), nested=2)


def _notes(data: pd.DataFrame) -> list[str]:
    if not len(data):
        return [
            "There is nothing to compare: the grid has no cell with all three modalities (atv)"
            " beside one with a pair (at, tv, av) of the same dataset, baseline and curriculum."
        ]
    notes = []
    absent = [pair for pair in PAIRS if not (data["pair"] == pair).any()]
    if absent:
        notes.append(f"The grid has no cells of: {', '.join(absent)}.")
    counts = data.groupby(["dataset", "baseline", "curriculum"]).size()
    if counts.nunique() > 1:
        notes.append("A dash stands where the cell of the pair is absent.")
    if (data["n_seeds"] == 1).any():
        notes.append(
            "Where there is one seed there is no standard deviation, and the interval leaves out"
            " how much seeds vary."
        )
    if data["gain_low"].isna().any():
        notes.append("No interval (dash) where predictions are absent or test dialogues too few.")
    return notes
