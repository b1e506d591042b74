"""F1 of every emotion in every cell, and the gain of the curriculum over none."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from spcl.report import columns, fields, footnotes
from spcl.report.analysis.resampled import ResampledScore, resample_f1_by_class, support
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, CellKey, by_cell, over_seeds, tallies
from spcl.report.analysis.statistics import Tally
from spcl.report.columns import COUNT, TEXT
from spcl.report.fields import Field
from spcl.report.panels import Entry, Panel, interval, signed
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

TITLE = "F1 by class"

SCHEMA = Schema(
    "per-class table",
    (
        *columns.CELL,
        Column("emotion", TEXT, "the class, in the corpus' order"),
        columns.N_SEEDS,
        *columns.estimate("f1", "F1; null = no test utterance has the class", nullable=True),
        columns.N_PAIRED_SEEDS,
        *columns.estimate("gain", "F1 above none, paired by seed", nullable=True),
        Column("n_utterances", COUNT, "test utterances of the class; null = unknown", True),
        Column("n_dialogues", COUNT, "test dialogues that have the class; null = unknown", True),
        *columns.CAUTIONS,
    ),
    key=(*CELL_KEY, "emotion"),
)


def compute(results: Results) -> pd.DataFrame:
    """Score every class of every cell on test; see `SCHEMA`."""
    metrics = results.metrics
    runs = dict(by_cell(metrics[metrics["split"] == "test"]))
    counted = dict(tallies(results.predictions, results.labels))
    scores = {key: _resampled(of_cell, key, results, counted) for key, of_cell in runs.items()}
    rows = []
    for key, of_cell in runs.items():
        base = {} if key[-1] == NONE else scores.get((*key[:-1], NONE), {})
        n_utterances = support(counted[key]) if key in counted else None
        for index, (emotion, score) in enumerate(scores[key].items()):
            known = n_utterances is not None
            n = n_utterances[index] if n_utterances is not None else math.nan
            rows.append(
                dict(zip(CELL_KEY, key, strict=True))
                | (_numbers(score, base.get(emotion)) if n != 0 else {"n_paired_seeds": 0})
                | footnotes.cautions(of_cell)
                | {
                    "emotion": emotion,
                    "n_seeds": len(of_cell),
                    "n_utterances": n,
                    "n_dialogues": score.n_dialogues if known else math.nan,
                }
            )
    return frame_of(rows, SCHEMA)


def _resampled(
    runs: pd.DataFrame, key: CellKey, results: Results, counted: dict[CellKey, Tally]
) -> dict[str, ResampledScore]:
    """By class, in the corpus' order."""
    points = 100 * np.stack(runs["f1_by_class"].to_list())
    frame = pd.DataFrame(points, runs["seed"].to_numpy(), results.labels[key[0]]).sort_index()
    return resample_f1_by_class(frame, counted.get(key))


def _numbers(score: ResampledScore, base: ResampledScore | None) -> dict[str, float]:
    """The columns ``f1...``, ``gain...`` and ``n_paired_seeds`` of a class."""
    gain = score.gain(base)
    f1, sd = over_seeds(score.points)
    low, high = score.interval()
    of_f1 = {"f1": f1, "f1_sd": sd, "f1_low": low, "f1_high": high}
    return of_f1 | gain.columns("gain") | {"n_paired_seeds": gain.n_seeds}


def caption(data: pd.DataFrame) -> str:
    return (
        "F1 of each class on the test split in points, mean ± standard deviation over seeds"
        f" ({footnotes.seeds_in_words(data['n_seeds'])} a cell); n: test utterances of the"
        " class. Bold: the best curriculum. Then the gain of a curriculum over none, paired by"
        " seed, with a 95 % bootstrap interval over dialogues and seeds. The intervals are not"
        " corrected for their number: about one in twenty excludes zero by chance."
    )


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    """The scores and the gains of each corpus, a column a class."""
    cell = (
        *(fields.words(axis) for axis in CELL_KEY[1:-1]),
        fields.words("curriculum", marks=footnotes.signs),
    )
    if not len(data):
        yield fields.panel(data, cell)
    for dataset, rows in data.groupby("dataset", sort=False):
        emotions = rows.groupby("emotion", sort=False)["n_utterances"].max()
        headings = [f"{e} (n = {n:,.0f})" if n >= 0 else str(e) for e, n in emotions.items()]
        wide = _wide(rows)
        scores = [
            fields.value(f"f1 {place}", heading, mark_best=True)
            for place, heading in enumerate(headings)
        ]
        yield fields.panel(wide, (*cell, *scores), f"{dataset}: F1", nested=2)
        gains = wide[(wide["curriculum"] != NONE) & wide.filter(like="gain ").notna().any(axis=1)]
        if len(gains):
            shown = (_gain(f"gain {place}", str(e)) for place, e in enumerate(emotions.index))
            yield fields.panel(gains, (*cell, *shown), f"{dataset}: gain over none", nested=2)


def _wide(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a cell; columns ``f1 0``, ``f1 0_sd`` and so on for the first class."""
    cells = rows.drop_duplicates(list(CELL_KEY)).set_index(list(CELL_KEY))
    wide = [cells[["n_diverged", "n_never_full", "protocol"]]]
    for place, (_, of_class) in enumerate(rows.groupby("emotion", sort=False)):
        numbers = of_class.set_index(list(CELL_KEY)).filter(regex="^(f1|gain)")
        renamed = {
            name: str(name).replace(measure, f"{measure} {place}")
            for measure in ("f1", "gain")
            for name in numbers.filter(like=measure)
        }
        wide.append(numbers.rename(columns=renamed))
    return pd.concat(wide, axis=1).reset_index()


def _gain(column: str, heading: str) -> Field:
    """``+0.6 [-0.2, +1.3]``; sorts by the gain."""

    def entry(row: pd.Series) -> Entry:
        gain = signed(row[column])
        low, high = row[f"{column}_low"], row[f"{column}_high"]
        between = "" if math.isnan(low) else f" {interval(low, high).text}"
        return Entry(gain.text + between, gain.value)

    return Field(heading, entry)


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    yield from _gaps(data) if len(data) else ()
    yield from footnotes.absent_cells(data)


def _gaps(data: pd.DataFrame) -> Iterator[str]:
    absent = data.loc[data["n_utterances"] == 0, ["dataset", "emotion"]].drop_duplicates()
    if len(absent):
        names = ", ".join(f"{emotion} ({dataset})" for dataset, emotion in absent.to_numpy())
        yield f"A dash means that no test utterance has the class: {names}."
    gains = data[data["curriculum"] != NONE]
    if not len(gains):
        yield "Only the curriculum none was given, so there are no gains."
    elif (gains["f1"].notna() & (gains["n_paired_seeds"] == 0)).any():
        yield "No gain where the cell of the curriculum none, or a common seed, is missing."
    if data["n_utterances"].isna().any():
        yield (
            "No n and no interval where no predictions were given. An F1 of 0 may then be that of a"
            " class without test utterances."
        )
    elif (data["f1"].notna() & data["f1_low"].isna()).any():
        yield "No interval where too few test dialogues have the class."
    few = data.loc[data["f1_low"].notna(), "n_dialogues"].min()
    if few < footnotes.FEW_DIALOGUES:
        yield (
            f"Only {few:.0f} test dialogues have the rarest class with an interval: intervals of"
            " rare classes are imprecise."
        )
    if (data["n_seeds"] == 1).any():
        yield footnotes.ONE_SEED
