"""Balance of the modalities: the head of each compared with its probe, by curriculum."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from spcl.report import columns, fields, footnotes
from spcl.report.analysis.heads import head_tallies, probe_points
from spcl.report.analysis.resampled import resample_weighted_f1
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, CellKey, Gain, by_cell, over_seeds
from spcl.report.columns import REAL, TEXT
from spcl.report.fields import Field
from spcl.report.panels import MINUS, Panel, text
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY, MODALITIES

TITLE = "Balance of the modalities"

SCHEMA = Schema(
    "balance table",
    (
        *columns.CELL,
        Column("modality", TEXT, "of the head: a, t or v"),
        columns.N_SEEDS,
        *columns.mean("head", "weighted F1 of the modality's own head, points"),
        Column("probe", REAL, "weighted F1 of a probe on this modality alone, points", True),
        Column("gap", REAL, "head minus probe, mean over seeds, points", True),
        columns.N_PAIRED_SEEDS,
        *columns.estimate("change", "head, and so gap, minus that of none", nullable=True),
        *columns.mean("confidence", "mean probability of the true class, 0..1"),
        *columns.mean("ratio", "confidence over that of the most confident head", nullable=True),
        *columns.mean("ratio_change", "ratio minus that of none, paired by seed", nullable=True),
        columns.N_DIALOGUES,
        columns.N_UTTERANCES,
        *columns.CAUTIONS,
    ),
    key=(*CELL_KEY, "modality"),
)


def compute(results: Results) -> pd.DataFrame:
    """Compare every head with its probe and with that of none; see `SCHEMA`."""
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
        for name, by_seed in (
            ("head", head.points),
            ("confidence", confidences[key][letter]),
            ("ratio", ratios[key][letter]),
            ("ratio_change", ratio_change),
        ):
            row[name], row[f"{name}_sd"] = over_seeds(by_seed)
        rows.append(
            row
            | change.columns("change")
            | footnotes.cautions(of_cell)
            | {
                "modality": letter,
                "n_seeds": len(of_cell),
                "probe": probes.get((key[0], letter), math.nan),
                "n_paired_seeds": change.n_seeds,
                "n_dialogues": head.n_dialogues,
                "n_utterances": of_cell["n_utterances"].iloc[0],
            }
        )
    data = frame_of(rows, SCHEMA)
    return data.assign(gap=data["head"] - data["probe"])


def _by_modality(key: CellKey, lists: pd.Series) -> pd.DataFrame:
    """A row a seed, a column a modality of the cell."""
    return pd.DataFrame(np.stack(lists.to_list()), lists.index, list(key[2]))


def _ratio(confidence: pd.DataFrame) -> pd.DataFrame:
    """Each modality's over the largest of the seed; NaN for a modality alone."""
    if confidence.shape[1] == 1:
        return confidence * math.nan
    return confidence.div(confidence.max(axis=1), axis=0)


def caption(data: pd.DataFrame) -> str:
    return (
        "Weighted F1 on the test split in points of each modality's head in the joint model,"
        " compared with a probe (logistic regression, fitted on train) on that modality alone."
        f" Gap: head {MINUS} probe; below zero, joint training does not use all information of the"
        " modality. Change: head, and so gap, minus that of the curriculum none, paired by seed,"
        " with a 95 % bootstrap interval over dialogues and seeds. Confidence: mean probability of"
        " the true class; ratio: over that of the most confident head of the same training (1 for"
        " that head; all 1 = balanced). Mean ± standard deviation over"
        f" {footnotes.seeds_in_words(data['n_seeds'])}."
    )


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    """A panel a corpus, a block a modality, a row a curriculum."""
    cell = (
        *(fields.words(axis) for axis in ("baseline", "modalities")),
        Field("Modality", lambda row: text(MODALITIES[row["modality"]])),
    )
    shown = (
        *cell,
        fields.words("curriculum", marks=footnotes.signs),
        fields.value("head", "Head", mark_best=True),
        fields.value("probe", "Probe"),
        fields.difference("gap", "Gap", sd="head_sd"),
        *fields.blank_for(NONE, fields.difference("change", "Change"), fields.bounds("change")),
        fields.value("confidence", "Confidence", 2),
        fields.value("ratio", "Ratio", 2),
        *fields.blank_for(NONE, fields.difference("ratio_change", "Ratio change", 2)),
    )
    if not len(data):
        yield fields.panel(data, cell)
    for dataset, rows in data.groupby("dataset", sort=False):
        yield fields.panel(rows, shown, str(dataset), nested=3)


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    yield from _gaps(results, data) if len(data) else ()
    yield from footnotes.absent_cells(data)


def _gaps(results: Results, data: pd.DataFrame) -> Iterator[str]:
    unknown = data.loc[data["probe"].isna(), ["dataset", "modality"]].drop_duplicates()
    if len(unknown) and not len(results.utterances):
        yield (
            "No probe and no gap (dash) where the utterances of the corpora, which have the labels,"
            " are not given."
        )
    elif len(unknown):
        named = ", ".join(f"{MODALITIES[m]} ({dataset})" for dataset, m in unknown.to_numpy())
        yield f"No probe and no gap (dash) for {named}: its probe scores were not given."
    if (data["modalities"].str.len() == 1).any():
        yield "No ratio (dash) for a single modality: its head is the whole model."
    rivals = data[data["curriculum"] != NONE]
    if not len(rivals):
        yield "Only the curriculum none was given, so there are no changes."
    if (rivals["n_paired_seeds"] == 0).any():
        yield "No change (dash) where the cell of none, or a common seed, is missing."
    if (data["n_dialogues"] == 0).any():
        yield "No interval (dash) where no predictions were given."
    elif (rivals["change"].notna() & rivals["change_low"].isna()).any():
        yield "No interval (dash) where there are too few test dialogues."
    if (data["n_seeds"] == 1).any():
        yield footnotes.ONE_SEED
