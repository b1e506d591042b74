"""Detection of tables of a cell that contradict each other."""

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spcl.errors import UserError
from spcl.training.rescoring import check_scores, contradictions, rescore
from tests.conftest import LABELS, feature_table, make_corpus
from tests.training.test_cell import SPCL, train

ROBUSTNESS = {"modality_missing": True, "utterances_missing": [0.5]}


@pytest.fixture(scope="module")
def cell():
    corpus = make_corpus([3, 4, 5, 2, 1, 4, 3, 5, 2, 3], unlabelled=(2, 20, 30))
    return train(corpus, "spcl", SPCL, modalities="atv", seeds=(1, 2), robustness=ROBUSTNESS)


def edited(cell, kind, column, change, rows=lambda row: True):
    """The cell with `change` of the values of a column, in those rows."""
    table = getattr(cell, kind)
    values = [
        change(row[column]) if rows(row) else row[column]
        for row in table.select(dict.fromkeys(["seed", column])).to_pylist()
    ]
    place = table.column_names.index(column)
    values = pa.array(values, table[column].type)
    return dataclasses.replace(cell, **{kind: table.set_column(place, column, values)})


def without(cell, kind, rows):
    return dataclasses.replace(cell, **{kind: getattr(cell, kind).filter(pc.invert(rows))})


def test_tables_of_a_training_have_no_contradictions(cell):
    assert list(contradictions(cell)) == []
    check_scores(cell, "metrics.parquet")


def test_tables_of_a_diverged_training_have_no_contradictions(corpus):
    utterances, features = corpus
    x = np.full((len(utterances), 3), np.inf, np.float32)
    features["a"] = feature_table(utterances["utterance_id"].to_pylist(), x)
    diverged = train((utterances, features), scale="none")
    assert diverged.metrics["diverged"].to_pylist() == [True, True]
    for name in CALIBRATION:
        assert diverged.metrics[name].null_count == 0
        assert np.isnan(diverged.metrics[name]).all()
    assert list(contradictions(diverged)) == []


SCORES = ("weighted_f1", "accuracy", "macro_f1", "f1_by_class", "modality_weighted_f1")
CALIBRATION = ("ece", "brier", "nll")


@pytest.mark.parametrize(
    "column", [*SCORES, *CALIBRATION, "modality_confidence", "n_utterances", "epochs", "best_epoch"]
)
def test_an_edited_score_is_a_contradiction(cell, column):
    def change(value):
        if isinstance(value, list):
            return [*value[:-1], value[-1] + 0.001]
        return value + (10 if isinstance(value, int) else 0.001)

    other = edited(cell, "metrics", column, change, lambda row: row["seed"] == 2)
    said = list(contradictions(other))
    assert said
    assert all(line.startswith("seed 2, ") for line in said)


@pytest.mark.parametrize(
    ("column", "change", "said"),
    [
        ("weighted_f1", lambda f: f + 0.001, "its answers give"),
        ("predicted", lambda answers: [(one + 1) % 3 for one in answers], "its answers give"),
        ("predicted", lambda answers: answers[1:], "one answer for each test utterance"),
        ("predicted", lambda answers: [3, *answers[1:]], "not one of the labels"),
        ("seed", lambda seed: seed + 7, "one answer for each test utterance"),
    ],
)
def test_an_edited_answer_under_a_perturbation_is_a_contradiction(cell, column, change, said):
    other = edited(cell, "robustness", column, change)
    found = list(contradictions(other))
    assert found
    assert all(said in line for line in found)


@pytest.mark.parametrize("row", [0, 7])
def test_probabilities_that_are_less_sure_contradict_the_calibration(cell, row):
    less = [
        [0.9 * p + 0.1 / len(one) for p in one] if n == row else one
        for n, one in enumerate(cell.predictions["probabilities"].to_pylist())
    ]
    table = cell.predictions
    place = table.column_names.index("probabilities")
    other = table.set_column(place, "probabilities", pa.array(less, table["probabilities"].type))
    said = list(contradictions(dataclasses.replace(cell, predictions=other)))
    assert [line.split(": ")[1].split()[0] for line in said] == list(CALIBRATION)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(data=st.data())
def test_an_edited_prediction_is_a_contradiction(cell, data):
    rows = cell.predictions.to_pylist()
    known = [n for n, row in enumerate(rows) if row["emotion"]]
    place = data.draw(st.sampled_from(known))
    column = data.draw(st.sampled_from(["emotion", "predicted"]))
    other = data.draw(st.sampled_from([e for e in LABELS if e != rows[place][column]]))
    values = [row[column] for row in rows]
    values[place] = other
    table = cell.predictions
    column = table.set_column(table.column_names.index(column), column, pa.array(values))
    assert list(contradictions(dataclasses.replace(cell, predictions=column)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: edited(c, "predictions", "predicted", lambda _: "glee"), "predicted 'glee'"),
        (lambda c: edited(c, "predictions", "emotion", lambda _: "glee"), "emotion 'glee'"),
        (lambda c: edited(c, "predictions", "probabilities", lambda p: p[1:]), "not one for each"),
        (
            lambda c: edited(c, "predictions", "modality_probabilities", lambda p: p[1:]),
            "not one for each",
        ),
        (
            lambda c: edited(c, "predictions", "probabilities", lambda p: p[::-1]),
            "is not its most likely emotion",
        ),
        (lambda c: edited(c, "history", "test_weighted_f1", lambda f: f + 0.5), "in the history"),
        (lambda c: edited(c, "history", "epoch", lambda n: n + 1), "its history has"),
        (lambda c: without(c, "predictions", pc.field("seed") == 1), "no predictions"),
        (lambda c: without(c, "metrics", pc.field("split") == "dev"), "no scores"),
    ],
)
def test_contradictory_tables_are_refused_in_one_line(cell, change, said):
    with pytest.raises(UserError) as refused:
        check_scores(change(cell), "cells/metrics.parquet")
    (line,) = str(refused.value).splitlines()
    assert line.startswith("cells/metrics.parquet: seed ")
    assert said in line
    assert "delete it and run again: snakemake" in line


def test_scores_of_a_split_without_labels_are_zero(cell):
    rows = cell.predictions.filter(pc.field("emotion").is_null())
    assert rescore(rows, LABELS)["n_utterances"] == 0
    assert rescore(rows, LABELS)["weighted_f1"] == 0


def test_a_split_without_labels_has_no_calibration(cell):
    rows = cell.predictions.filter(pc.field("emotion").is_null())
    assert len(rows)
    assert all(np.isnan(rescore(rows, LABELS)[name]) for name in CALIBRATION)
