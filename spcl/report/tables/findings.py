"""What the results say, question by question, in sentences computed from the other tables."""

import pandas as pd
import pyarrow as pa

from spcl.report.analysis.results import Results
from spcl.report.findings.questions import QUESTIONS, find
from spcl.report.panels import Panel, number, text
from spcl.report.table import ResultTable
from spcl.tables.parquet import Column, Schema

_TEXT, _REAL = pa.string(), pa.float64()

SCHEMA = Schema(
    "findings",
    (
        Column("question", _TEXT, "what is asked"),
        Column("dataset", _TEXT, "the corpus' name in the config"),
        Column("measure", _TEXT, "what value is, and its unit"),
        Column("statement", _TEXT, "the answer in words"),
        Column("value", _REAL, "the number behind it; null where there is none", True),
        Column("low", _REAL, "its 95 % interval over dialogues and seeds", True),
        Column("high", _REAL, "its upper end", True),
        Column("n", pa.int32(), "seeds behind it; 0 = nothing was trained"),
        Column("simulated", pa.bool_(), "the corpus is simulated"),
    ),
    key=("question", "dataset", "measure"),
)

_OPEN = {
    QUESTIONS[0]: "No cell of spcl stands beside one of none with a seed in common.",
    QUESTIONS[1]: "No model of two modalities or more was trained with spcl and with none.",
    QUESTIONS[2]: "No admissions of spcl were given whose corpus has probe scores.",
    QUESTIONS[3]: "No cell of spcl was trained.",
    QUESTIONS[4]: "No cell with all three modalities stands beside one with two of them.",
}
"""What to say of a question that no corpus answers."""


def make(results: Results) -> ResultTable:
    """Make the table; see `SCHEMA` for its columns."""
    columns = [column.name for column in SCHEMA.columns]
    data = pd.DataFrame(
        [vars(one) | {"simulated": one.dataset in results.simulated} for one in find(results)],
        columns=columns,
    )
    return ResultTable(
        name="findings",
        title="Findings",
        caption=(
            "Weighted F1 on the test split in points, differences paired by seed. More or less is"
            " said where the 95 % interval over dialogues and seeds leaves out zero; else, that no"
            " difference could be shown, which does not say that there is none. One seed gives a"
            " number and no conclusion. Means over cells (baseline by modality set) or baselines"
            " give each the same weight; their intervals hold for these and no others."
        ),
        data=data,
        schema=SCHEMA,
        panels=tuple(_panel(question, data) for question in QUESTIONS),
        notes=tuple(_notes(data)),
        simulated=results.simulated,
    )


def _panel(question: str, data: pd.DataFrame) -> Panel:
    """A row a statement."""
    rows = tuple(
        (
            text(row["dataset"] + (" (simulated)" if row["simulated"] else "")),
            text(row["statement"]),
            number(row["n"], 0),
        )
        for _, row in data[data["question"] == question].iterrows()
    )
    return Panel(("Dataset", "Finding", "Seeds"), rows, question, nested=1)


def _notes(data: pd.DataFrame) -> list[str]:
    answered = set(data["question"])
    notes = [f"{question} {why}" for question, why in _OPEN.items() if question not in answered]
    if QUESTIONS[4] in answered:
        notes.append("The best pair is the best on the same test split, which favours it a little.")
    if QUESTIONS[2] in answered:
        notes.append(
            "What is admitted when describes these trainings and is not tested. It is counted over"
            " labelled training utterances."
        )
    return notes
