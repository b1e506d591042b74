"""F1 of every emotion in every cell, and what the cell's curriculum gains in it over none."""

import math

import numpy as np
import pandas as pd
import pyarrow as pa

from spcl.report import footnotes
from spcl.report.analysis.resampled import ResampledScore, resample_f1_by_class, support
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, CellKey, Gain, by_cell, over_seeds, tallies
from spcl.report.analysis.statistics import Tally
from spcl.report.panels import Entry, Panel, interval, mark_best, number, signed, text
from spcl.report.table import ResultTable
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY

_TEXT, _REAL, _COUNT = pa.string(), pa.float64(), pa.int32()
_FEW_DIALOGUES = 20

SCHEMA = Schema(
    "per-class table",
    (
        Column("dataset", _TEXT, "the corpus' name in the config"),
        Column("baseline", _TEXT, "the model"),
        Column("modalities", _TEXT, "atv, at, tv, av, a, t or v"),
        Column("curriculum", _TEXT, "none, spcl or a rival"),
        Column("emotion", _TEXT, "the class, in the corpus' order"),
        Column("n_seeds", _COUNT, "trainings of the cell"),
        Column("f1", _REAL, "mean over seeds, points; null = no test utterance has it", True),
        Column("f1_sd", _REAL, "standard deviation over seeds, points", True),
        Column("f1_low", _REAL, "95 % interval over dialogues and seeds, points", True),
        Column("f1_high", _REAL, "its upper end, points", True),
        Column("n_paired_seeds", _COUNT, "seeds that the cell shares with none's"),
        Column("gain", _REAL, "F1 above none's, mean over paired seeds, points", True),
        Column("gain_sd", _REAL, "its standard deviation over paired seeds, points", True),
        Column("gain_low", _REAL, "95 % interval over dialogues and seeds, points", True),
        Column("gain_high", _REAL, "its upper end, points", True),
        Column("n_utterances", _COUNT, "test utterances of the class; null = unknown", True),
        Column("n_dialogues", _COUNT, "test dialogues that hold one; null = unknown", True),
        Column("n_diverged", _COUNT, "seeds whose training diverged"),
        Column("n_never_full", _COUNT, "seeds that never admitted all training utterances"),
        Column("protocol", _TEXT, "the split protocol"),
        Column("simulated", pa.bool_(), "the corpus is simulated"),
    ),
    key=("dataset", "baseline", "modalities", "curriculum", "emotion"),
)


def make(results: Results) -> ResultTable:
    """Make the table; see `SCHEMA` for its columns."""
    data = class_scores(results)
    panels, signs = [], ""
    for dataset, rows in data.groupby("dataset", sort=False):
        of_scores, of_gains, found = _panels(str(dataset), rows)
        panels += [of_scores, *([of_gains] if of_gains.rows else [])]
        signs += found
    return ResultTable(
        name="per_class",
        title="F1 by class",
        caption=(
            "F1 of each class on the test split in points, mean ± standard deviation over seeds"
            f" ({footnotes.seeds_in_words(data['n_seeds'])} a cell); n: test utterances of the"
            " class. Bold: the best curriculum. Then what a curriculum gains over none, paired by"
            " seed, with a 95 % bootstrap interval over dialogues and seeds. The intervals are not"
            " corrected for their number: about one in twenty leaves zero out by chance."
        ),
        data=data,
        schema=SCHEMA,
        panels=tuple(panels) or (Panel(("Baseline", "Modalities", "Curriculum"), ()),),
        notes=(*footnotes.explained(signs), *_notes(data), *footnotes.absent_cells(data)),
        simulated=results.simulated,
    )


def class_scores(results: Results) -> pd.DataFrame:
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
            row = _numbers(score, base.get(emotion)) if n != 0 else _numbers(None, None)
            rows.append(
                dict(zip(CELL_KEY, key, strict=True))
                | row
                | {
                    "emotion": emotion,
                    "n_seeds": len(of_cell),
                    "n_utterances": n,
                    "n_dialogues": score.n_dialogues if known else math.nan,
                    "n_diverged": of_cell["diverged"].sum(),
                    "n_never_full": of_cell["full_at_epoch"].isna().sum(),
                    "protocol": of_cell["protocol"].iloc[0],
                    "simulated": of_cell["simulated"].any(),
                }
            )
    return pd.DataFrame(rows, columns=[column.name for column in SCHEMA.columns])


def _resampled(
    runs: pd.DataFrame, key: CellKey, results: Results, counted: dict[CellKey, Tally]
) -> dict[str, ResampledScore]:
    """By class, in the corpus' order."""
    points = 100 * np.stack(runs["f1_by_class"].to_list())
    frame = pd.DataFrame(points, runs["seed"].to_numpy(), results.labels[key[0]]).sort_index()
    return resample_f1_by_class(frame, counted.get(key))


def _numbers(score: ResampledScore | None, base: ResampledScore | None) -> dict[str, object]:
    """What the score, if there is one, says."""
    f1 = sd = low = high = math.nan
    gain = Gain()
    if score is not None:
        f1, sd = over_seeds(score.points)
        low, high = score.interval()
        gain = score.gain(base)
    return {
        "f1": f1,
        "f1_sd": sd,
        "f1_low": low,
        "f1_high": high,
        "n_paired_seeds": gain.n_seeds,
        "gain": gain.mean,
        "gain_sd": gain.sd,
        "gain_low": gain.low,
        "gain_high": gain.high,
    }


def _panels(dataset: str, data: pd.DataFrame) -> tuple[Panel, Panel, str]:
    """The scores and the gains of one corpus, a column a class, and all signs in them."""
    emotions = list(dict.fromkeys(data["emotion"]))
    counts = data.groupby("emotion", sort=False)["n_utterances"].max()
    keys = ("baseline", "modalities")
    of_scores: list[tuple[Entry, ...]] = []
    of_gains: list[tuple[Entry, ...]] = []
    signs = ""
    for _, block in data.groupby(list(keys), sort=False):
        cells = [rows.set_index("emotion") for _, rows in block.groupby("curriculum", sort=False)]
        columns = [
            mark_best([number(c.loc[e, "f1"], spread=c.loc[e, "f1_sd"]) for c in cells])
            for e in emotions
        ]
        for cell, *entries in zip(cells, *columns, strict=True):
            first = cell.iloc[0]
            sign = footnotes.signs(
                diverged=first["n_diverged"] > 0,
                never_full=first["n_never_full"] > 0,
                protocol=first["protocol"],
            )
            signs += sign
            head = (*(text(first[axis]) for axis in keys), text(first["curriculum"], sign))
            of_scores.append((*head, *entries))
            if first["curriculum"] != NONE and cell["gain"].notna().any():
                of_gains.append((*head, *(_gain(cell.loc[e]) for e in emotions)))
    axes = ("Baseline", "Modalities", "Curriculum")
    headings = [f"{e} (n = {counts[e]:,.0f})" if counts[e] >= 0 else e for e in emotions]
    return (
        Panel((*axes, *headings), tuple(of_scores), f"{dataset}: F1", nested=2),
        Panel((*axes, *emotions), tuple(of_gains), f"{dataset}: gain over none", nested=2),
        signs,
    )


def _gain(row: pd.Series) -> Entry:
    """``+0.6 [-0.2, +1.3]``; sorts by the gain."""
    gain, between = signed(row["gain"]), interval(row["gain_low"], row["gain_high"])
    shown = gain.text if math.isnan(row["gain_low"]) else f"{gain.text} {between.text}"
    return Entry(shown, gain.value)


def _notes(data: pd.DataFrame) -> list[str]:
    if not len(data):
        return []
    notes = []
    absent = data.loc[data["n_utterances"] == 0, ["dataset", "emotion"]].drop_duplicates()
    if len(absent):
        names = ", ".join(f"{emotion} ({dataset})" for dataset, emotion in absent.to_numpy())
        notes.append(f"A dash stands for a class that no test utterance has: {names}.")
    gains = data[data["curriculum"] != NONE]
    if not len(gains):
        notes.append("Only the curriculum none was given, so there are no gains.")
    elif (gains["f1"].notna() & (gains["n_paired_seeds"] == 0)).any():
        notes.append("No gain where the cell of the curriculum none, or a seed of both, is absent.")
    if data["n_utterances"].isna().any():
        notes.append(
            "No n and no interval where no predictions were given; there an F1 of 0 may be that of"
            " a class without test utterances."
        )
    elif (data["f1"].notna() & data["f1_low"].isna()).any():
        notes.append("No interval where too few test dialogues hold the class.")
    few = data.loc[data["f1_low"].notna(), "n_dialogues"].min()
    if few < _FEW_DIALOGUES:
        notes.append(
            f"Only {few:.0f} test dialogues hold the rarest class with an interval: those of rare"
            " classes are rough."
        )
    if (data["n_seeds"] == 1).any():
        notes.append(
            "Where there is one seed there is no standard deviation, and the interval leaves out"
            " how much seeds vary."
        )
    return notes
