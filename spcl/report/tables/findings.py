"""Answers to the questions behind SPCL, in sentences computed from the other tables."""

from collections.abc import Iterator

import pandas as pd

from spcl.report import fields
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import TestScores
from spcl.report.columns import COUNT, DATASET, REAL, SIMULATED, TEXT, bounds
from spcl.report.fields import Field
from spcl.report.findings import (
    admission,
    balance,
    components,
    gain,
    robustness,
    third_modality,
    tuning,
)
from spcl.report.panels import Entry, Panel, text
from spcl.report.table import frame_of
from spcl.tables.parquet import Column, Schema

TITLE = "Findings"

SCHEMA = Schema(
    "findings",
    (
        Column("question", TEXT, "what is asked"),
        DATASET,
        Column("measure", TEXT, "what value is, and its unit"),
        Column("statement", TEXT, "the answer in words"),
        Column("value", REAL, "the number behind it; null where there is none", True),
        *bounds(),
        Column("n", COUNT, "seeds behind it; 0 = nothing was trained"),
        SIMULATED,
    ),
    key=("question", "dataset", "measure"),
)

QUESTIONS = (gain, balance, robustness, admission, components, third_modality, tuning)


def compute(results: Results) -> pd.DataFrame:
    """Answer each question for each corpus, as far as the results go."""
    scores = TestScores(results)
    rows = [
        vars(one) | {"question": asked.QUESTION, "simulated": one.dataset in results.simulated}
        for asked in QUESTIONS
        for one in asked.answers(results, scores)
    ]
    return frame_of(rows, SCHEMA)


def caption(data: pd.DataFrame) -> str:
    return (
        "Weighted F1 on the test split in points, differences paired by seed. A sentence says"
        " more or less only where the 95 % interval over dialogues and seeds excludes zero."
        " No difference could be shown does not mean that there is none. With one seed no"
        " conclusion can be drawn. Means over cells (baseline by modality set) or baselines give"
        " each the same weight; their intervals apply to these cells only."
    )


def panels(data: pd.DataFrame, results: Results) -> Iterator[Panel]:
    """A panel a question, a row a statement."""
    shown = (
        Field("Dataset", _dataset),
        fields.words("statement", "Finding"),
        fields.count("n", "Seeds"),
    )
    for asked in QUESTIONS:
        rows = data[data["question"] == asked.QUESTION]
        yield fields.panel(rows, shown, asked.QUESTION, nested=1)


def _dataset(row: pd.Series) -> Entry:
    return text(row["dataset"] + (" (simulated)" if row["simulated"] else ""))


def notes(data: pd.DataFrame, results: Results) -> Iterator[str]:
    answered = set(data["question"])
    for asked in QUESTIONS:
        if asked.QUESTION not in answered:
            yield f"{asked.QUESTION} {asked.OPEN}"
    if third_modality.QUESTION in answered:
        yield "The best pair is chosen on the same test split, which slightly favours it."
    if admission.QUESTION in answered:
        yield (
            "The order of admission describes these trainings and is not tested. It is computed"
            " over the labelled training utterances."
        )
    yield from _without_training(results)


def _without_training(results: Results) -> Iterator[str]:
    """A note on each class that occurs on the test split and never in the training split."""
    rows = results.utterances
    trained = set(results.curriculum["dataset"])  # of folds, and not of what they are folds of
    rows = rows[rows["dataset"].isin(trained) & rows["emotion"].notna()].astype(str)
    n = rows.groupby(["dataset", "emotion"], sort=False)["split"].value_counts()
    for dataset, emotion, split in n.index:
        if split == "test" and (dataset, emotion, "train") not in n.index:
            yield (
                f"{dataset}: no training utterance has the class {emotion}, which no model can"
                f" learn; {n[dataset, emotion, split]:,} test utterances have it."
            )
