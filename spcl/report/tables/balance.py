"""Are the modalities better balanced after a curriculum? Each head against its own probe."""

import math

import numpy as np
import pandas as pd
import pyarrow as pa

from spcl.report import footnotes
from spcl.report.analysis.heads import head_tallies, probe_points
from spcl.report.analysis.resampled import resample_weighted_f1
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, CellKey, Gain, by_cell, over_seeds
from spcl.report.panels import MINUS, Entry, Panel, interval, mark_best, number, signed, text
from spcl.report.table import ResultTable
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY, MODALITIES

_TEXT, _REAL, _COUNT = pa.string(), pa.float64(), pa.int32()

SCHEMA = Schema(
    "balance table",
    (
        Column("dataset", _TEXT, "the corpus' name in the config"),
        Column("baseline", _TEXT, "the model"),
        Column("modalities", _TEXT, "atv, at, tv, av, a, t or v"),
        Column("curriculum", _TEXT, "none, spcl or a rival"),
        Column("modality", _TEXT, "of the head: a, t or v"),
        Column("n_seeds", _COUNT, "trainings of the cell"),
        Column("head", _REAL, "weighted F1 of the modality's own head, mean over seeds, points"),
        Column("head_sd", _REAL, "its standard deviation over seeds, points", True),
        Column("probe", _REAL, "weighted F1 of a probe on this modality alone, points", True),
        Column("gap", _REAL, "head minus probe, mean over seeds, points", True),
        Column("n_paired_seeds", _COUNT, "seeds that the cell shares with none's"),
        Column("change", _REAL, "of the head, so of the gap, against none's, points", True),
        Column("change_sd", _REAL, "its standard deviation over paired seeds, points", True),
        Column("change_low", _REAL, "95 % interval over dialogues and seeds, points", True),
        Column("change_high", _REAL, "its upper end, points", True),
        Column("confidence", _REAL, "mean probability of the true class, mean over seeds, 0..1"),
        Column("confidence_sd", _REAL, "its standard deviation over seeds", True),
        Column("ratio", _REAL, "confidence over that of the cell's most confident head", True),
        Column("ratio_sd", _REAL, "its standard deviation over seeds", True),
        Column("ratio_change", _REAL, "of the ratio against none's, paired by seed", True),
        Column("ratio_change_sd", _REAL, "its standard deviation over paired seeds", True),
        Column("n_dialogues", _COUNT, "labelled test dialogues; 0 = no predictions were given"),
        Column("n_utterances", _COUNT, "labelled test utterances"),
        Column("n_diverged", _COUNT, "seeds whose training diverged"),
        Column("n_never_full", _COUNT, "seeds that never admitted all training utterances"),
        Column("protocol", _TEXT, "the split protocol"),
        Column("simulated", pa.bool_(), "the corpus is simulated"),
    ),
    key=("dataset", "baseline", "modalities", "curriculum", "modality"),
)


def make(results: Results) -> ResultTable:
    """Make the table; see `SCHEMA` for its columns."""
    data = balances(results)
    panels = []
    signs = ""
    for dataset, rows in data.groupby("dataset", sort=False):
        panel, found = _panel(str(dataset), rows)
        panels.append(panel)
        signs += found
    return ResultTable(
        name="balance",
        title="Balance of the modalities",
        caption=(
            "Weighted F1 on the test split in points of each modality's own head inside the joint"
            " model, beside a probe (logistic regression, fitted on train) on that modality alone."
            f" Gap: head {MINUS} probe; below zero, joint training leaves unused what the modality"
            " holds. Change: of the head, and so of the gap, against the curriculum none, paired"
            " by seed, with a 95 % bootstrap interval over dialogues and seeds. Confidence: mean"
            " probability of the true class; ratio: over that of the most confident head of the"
            " same training (1 for that head; all 1 = balanced). Mean ± standard deviation over"
            f" {footnotes.seeds_in_words(data['n_seeds'])}."
        ),
        data=data,
        schema=SCHEMA,
        panels=tuple(panels) or (Panel(("Baseline", "Modalities", "Modality"), ()),),
        notes=(*footnotes.explained(signs), *_notes(results, data)),
        simulated=results.simulated,
    )


def balances(results: Results) -> pd.DataFrame:
    """Hold every head against its probe and against none's; see `SCHEMA`."""
    metrics = results.metrics
    runs = {
        key: of_cell.set_index("seed").sort_index()
        for key, of_cell in by_cell(metrics[metrics["split"] == "test"])
    }
    tallies, probes = head_tallies(results), probe_points(results)
    heads, confidences, ratios = {}, {}, {}
    for key, of_cell in runs.items():
        points = 100 * _by_modality(key, of_cell["modality_weighted_f1"])
        confidences[key] = _by_modality(key, of_cell["modality_confidence"])
        ratios[key] = _ratio(confidences[key])
        for letter in key[2]:
            tally = tallies.get((key, letter))
            heads[key, letter] = resample_weighted_f1(points[letter], tally)
    rows = []
    for (key, letter), head in heads.items():
        of_cell, base = runs[key], (*key[:-1], NONE)
        change, ratio_change = Gain(), pd.Series(dtype=float)
        if key != base and base in runs:
            change = head.gain(heads[base, letter])
            ratio_change = (ratios[key][letter] - ratios[base][letter]).dropna()
        row: dict[str, object] = dict(zip(CELL_KEY, key, strict=True))
        row["head"], row["head_sd"] = over_seeds(head.points)
        row["confidence"], row["confidence_sd"] = over_seeds(confidences[key][letter])
        row["ratio"], row["ratio_sd"] = over_seeds(ratios[key][letter])
        row["ratio_change"], row["ratio_change_sd"] = over_seeds(ratio_change)
        rows.append(
            row
            | {
                "modality": letter,
                "n_seeds": len(of_cell),
                "probe": probes.get((key[0], letter), math.nan),
                "n_paired_seeds": change.n_seeds,
                "change": change.mean,
                "change_sd": change.sd,
                "change_low": change.low,
                "change_high": change.high,
                "n_dialogues": head.n_dialogues,
                "n_utterances": of_cell["n_utterances"].iloc[0],
                "n_diverged": of_cell["diverged"].sum(),
                "n_never_full": of_cell["full_at_epoch"].isna().sum(),
                "protocol": of_cell["protocol"].iloc[0],
                "simulated": of_cell["simulated"].any(),
            }
        )
    data = pd.DataFrame(rows, columns=[column.name for column in SCHEMA.columns])
    return data.assign(gap=data["head"] - data["probe"])


def _by_modality(key: CellKey, lists: pd.Series) -> pd.DataFrame:
    """A row a seed, a column a modality of the cell."""
    return pd.DataFrame(np.stack(lists.to_list()), lists.index, list(key[2]))


def _ratio(confidence: pd.DataFrame) -> pd.DataFrame:
    """Each modality's over the largest of the seed; NaN for a modality alone."""
    if confidence.shape[1] == 1:
        return confidence * math.nan
    return confidence.div(confidence.max(axis=1), axis=0)


def _panel(dataset: str, data: pd.DataFrame) -> tuple[Panel, str]:
    """One corpus: the curricula of a modality below one another, and all signs in it."""
    shown: list[tuple[Entry, ...]] = []
    signs = ""
    for (baseline, modalities, letter), block in data.groupby(
        ["baseline", "modalities", "modality"], sort=False
    ):
        heads = mark_best([number(r["head"], spread=r["head_sd"]) for _, r in block.iterrows()])
        for (_, row), head in zip(block.iterrows(), heads, strict=True):
            sign = footnotes.signs(
                diverged=row["n_diverged"] > 0,
                never_full=row["n_never_full"] > 0,
                protocol=row["protocol"],
            )
            signs += sign
            changes = (
                signed(row["change"], spread=row["change_sd"]),
                interval(row["change_low"], row["change_high"]),
            )
            of_ratio = signed(row["ratio_change"], 2, spread=row["ratio_change_sd"])
            blank = Entry("", math.nan)
            is_none = row["curriculum"] == NONE
            shown.append(
                (
                    text(baseline),
                    text(modalities),
                    text(MODALITIES[str(letter)]),
                    text(row["curriculum"], sign),
                    head,
                    number(row["probe"]),
                    signed(row["gap"], spread=row["head_sd"]),
                    *((blank, blank) if is_none else changes),
                    number(row["confidence"], 2, spread=row["confidence_sd"]),
                    number(row["ratio"], 2, spread=row["ratio_sd"]),
                    blank if is_none else of_ratio,
                )
            )
    headings = (
        *("Baseline", "Modalities", "Modality", "Curriculum", "Head", "Probe", "Gap"),
        *("Change", "95 % interval", "Confidence", "Ratio", "Ratio change"),
    )
    return Panel(headings, tuple(shown), dataset, nested=3), signs


def _notes(results: Results, data: pd.DataFrame) -> list[str]:
    if not len(data):
        return footnotes.absent_cells(data)
    notes = []
    if data["probe"].isna().any():
        what = (
            f"for {_named(data[data['probe'].isna()])}: no probe scores of it were given"
            if len(results.utterances)
            else "where the corpora's utterances, which hold the labels, are not given"
        )
        notes.append(f"No probe and no gap (dash) {what}.")
    if (data["modalities"].str.len() == 1).any():
        notes.append("No ratio (dash) for a modality alone, whose head is the whole model.")
    rivals = data[data["curriculum"] != NONE]
    if not len(rivals):
        notes.append("Only the curriculum none was given, so there are no changes.")
    if (rivals["n_paired_seeds"] == 0).any():
        notes.append("No change (dash) where none's cell, or a seed of both, is absent.")
    if (data["n_dialogues"] == 0).any():
        notes.append("No interval (dash) where no predictions were given.")
    elif (rivals["change"].notna() & rivals["change_low"].isna()).any():
        notes.append("No interval (dash) where there are too few test dialogues.")
    if (data["n_seeds"] == 1).any():
        notes.append(
            "Where there is one seed there is no standard deviation, and the interval leaves out"
            " how much seeds vary."
        )
    return [*notes, *footnotes.absent_cells(data)]


def _named(rows: pd.DataFrame) -> str:
    """``visual (iemocap), audio (meld)``."""
    pairs = rows[["dataset", "modality"]].drop_duplicates()
    return ", ".join(f"{MODALITIES[m]} ({dataset})" for dataset, m in pairs.to_numpy())
