"""A panel is declared by its fields: headings, number formats, blocks, marks."""

import math

import pandas as pd
import pytest

from spcl.report import columns, fields
from spcl.report.panels import MINUS
from spcl.report.table import frame_of
from spcl.tables.parquet import Schema

SCHEMA = Schema(
    "example",
    (
        columns.DATASET,
        columns.CURRICULUM,
        columns.N_SEEDS,
        *columns.mean("weighted_f1", "points"),
        *columns.estimate("gain", "weighted F1 above none", nullable=True),
    ),
    key=("dataset", "curriculum"),
)
ROWS = [
    {"dataset": "meld", "curriculum": "none", "n_seeds": 2, "weighted_f1": 60.0},
    {"dataset": "iemocap", "curriculum": "none", "n_seeds": 2, "weighted_f1": 50.0},
    {
        "dataset": "meld",
        "curriculum": "spcl",
        "n_seeds": 2,
        "weighted_f1": 61.25,
        "weighted_f1_sd": 0.5,
        "gain": 1.25,
        "gain_sd": 0.5,
        "gain_low": -0.5,
        "gain_high": 3.0,
    },
]
FIELDS = (
    fields.words("dataset"),
    fields.words("curriculum", marks=lambda row: "†" if row["curriculum"] == "spcl" else ""),
    fields.value("weighted_f1", "W-F1", 2, mark_best=True),
    *fields.blank_for("none", fields.difference("gain", "Gain"), fields.bounds("gain")),
    fields.count("n_seeds", "Seeds"),
)


@pytest.fixture
def panel():
    return fields.panel(frame_of(ROWS, SCHEMA), FIELDS, "Example", nested=1)


def test_headings_and_entries_come_from_the_same_fields(panel):
    assert panel.headings == ("Dataset", "Curriculum", "W-F1", "Gain", "95 % interval", "Seeds")
    shown = [entry.text for entry in panel.rows[1]]
    assert shown == ["meld", "spcl", "61.25 ± 0.50", "+1.2 ± 0.5", f"[{MINUS}0.5, +3.0]", "2"]


def test_rows_of_a_block_are_together_in_the_order_of_first_rows(panel):
    names = [(row[0].text, row[1].text) for row in panel.rows]
    assert names == [("meld", "none"), ("meld", "spcl"), ("iemocap", "none")]


def test_the_best_of_each_block_is_marked_and_a_single_row_is_not(panel):
    assert [row[2].best for row in panel.rows] == [False, True, False]


def test_a_curriculum_is_not_compared_with_itself(panel):
    blank = panel.rows[0][3:5]
    assert [entry.text for entry in blank] == ["", ""]
    assert all(math.isnan(entry.value) for entry in blank)


def test_signs_are_beside_the_name(panel):
    assert [row[1].marks for row in panel.rows] == ["", "†", ""]


def test_a_frame_without_rows_gives_a_panel_without_rows():
    empty = fields.panel(frame_of([], SCHEMA), FIELDS)
    assert (empty.rows, len(empty.headings)) == ((), 6)


def test_columns_of_a_frame_are_those_of_the_schema():
    frame = frame_of(ROWS, SCHEMA)
    assert list(frame) == [column.name for column in SCHEMA.columns]
    assert pd.isna(frame.loc[0, "gain"])
