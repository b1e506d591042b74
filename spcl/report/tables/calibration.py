"""Calibration of the joint answer in every cell: errors, and confidence minus accuracy."""

from collections.abc import Iterator

import pandas as pd

from spcl.report import columns, fields, footnotes
from spcl.report.analysis.calibration import answers_on_test
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import by_cell, over_seeds
from spcl.report.columns import COUNT
from spcl.report.panels import MINUS, Panel
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema
from spcl.tables.schemas import CELL_KEY
from spcl.training.calibration import N_BINS

TITLE = "Calibration"

SCHEMA = Schema(
    "calibration table",
    (
        *columns.CELL,
        columns.N_SEEDS,
        Column("n_undefined", COUNT, "seeds whose probabilities are NaN; they are left out"),
        *columns.mean("ece", "expected calibration error, 15 bins, points", nullable=True),
        *columns.mean("brier", "Brier score over all classes, 0..2", nullable=True),
        *columns.mean("nll", "negative log-likelihood, nats", nullable=True),
        *columns.mean("confidence", "probability of the answer, points", nullable=True),
        *columns.mean("accuracy", "points", nullable=True),
        *columns.mean("excess", "confidence minus accuracy, points", nullable=True),
        columns.N_UTTERANCES,
        *columns.CAUTIONS,
    ),
    key=CELL_KEY,
)


def compute(results: Results) -> pd.DataFrame:
    """Measure every cell on test; see `SCHEMA`."""
    metrics = results.metrics
    confidence = {
        key: 100 * rows.groupby("seed")["confidence"].mean()
        for key, rows in by_cell(answers_on_test(results))
    }
    rows = []
    for key, runs in by_cell(metrics[metrics["split"] == "test"]):
        defined = runs[runs["ece"].notna()].set_index("seed")
        accuracy = 100 * defined["accuracy"]
        of_seed = confidence.get(key, pd.Series(dtype=float)).reindex(defined.index)
        row: dict[str, object] = dict(zip(CELL_KEY, key, strict=True))
        for name, by_seed in (
            ("ece", 100 * defined["ece"]),
            ("brier", defined["brier"]),
            ("nll", defined["nll"]),
            ("confidence", of_seed),
            ("accuracy", accuracy),
            ("excess", of_seed - accuracy),
        ):
            row[name], row[f"{name}_sd"] = over_seeds(by_seed.dropna())
        rows.append(
            row
            | footnotes.cautions(runs)
            | {
                "n_seeds": len(runs),
                "n_undefined": len(runs) - len(defined),
                "n_utterances": runs["n_utterances"].iloc[0],
            }
        )
    return frame_of(rows, SCHEMA)


def caption(data: pd.DataFrame) -> str:
    return (
        "Calibration of the joint answer on the test split. ECE: expected calibration error, the"
        f" mean absolute difference between accuracy and confidence in {N_BINS} bins of equal"
        " width, in points. Brier: sum over the classes of the squared error of the probability"
        " (0 to 2). NLL: negative log-likelihood of the true class, in nats. Lower is better."
        " Confidence: mean probability of the answer; accuracy: share of right answers; both in"
        f" points. Mean ± standard deviation over {footnotes.seeds_in_words(data['n_seeds'])}."
    )


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    shown = (
        *(fields.words(axis) for axis in CELL_KEY[:-1]),
        fields.words("curriculum", marks=footnotes.signs),
        fields.value("ece", "ECE"),
        fields.value("brier", "Brier", 3),
        fields.value("nll", "NLL", 3),
        fields.value("confidence", "Confidence"),
        fields.value("accuracy", "Accuracy"),
        fields.difference("excess", f"Confidence {MINUS} accuracy"),
        fields.count("n_seeds", "Seeds"),
        fields.count("n_utterances", "n"),
    )
    yield fields.panel(data, shown, nested=3)


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    """Say what over-confidence means, and why values are missing."""
    if len(data):
        yield (
            f"Confidence {MINUS} accuracy: above zero, the model is over-confident, that is, its"
            " answers are right less often than their probabilities say; below zero, it is"
            " under-confident. n: labelled test utterances."
        )
        yield (
            "ECE is above zero even for a calibrated model, the more so the fewer utterances there"
            " are. Compare it only between cells of one corpus."
        )
    undefined = data[data["n_undefined"] > 0]
    if len(undefined):
        named = [
            f"{'/'.join(row[axis] for axis in CELL_KEY)} ({row['n_undefined']} of {row['n_seeds']})"
            for _, row in undefined.iterrows()
        ]
        yield (
            "Seeds that diverged in their first epoch have no probabilities and are left out of"
            f" all columns of this table (dash: all seeds): {footnotes.first_six(named)}."
        )
    if (data["ece"].notna() & data["confidence"].isna()).any():
        yield "No confidence (dash) where predictions are missing."
    if (data["n_seeds"] == 1).any():
        yield "Where there is one seed there is no standard deviation."
    yield from footnotes.fewer_seeds(data)
    yield from footnotes.absent_cells(data)
