"""Scores of conversations, against examples computed by hand."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from spcl.difficulty.conversations import score_conversations
from spcl.tables.parquet import describe


def utterances(rows):
    """Rows of (dialogue, speaker, emotion or None, split)."""
    frame = pd.DataFrame(rows, columns=["dialogue_id", "speaker", "emotion", "split"])
    table = pa.table(
        {
            "dialogue_id": list(frame["dialogue_id"]),
            "utterance_id": [f"u{i}" for i in range(len(frame))],
            "position": pa.array(frame.groupby("dialogue_id").cumcount(), pa.int32()),
            "speaker": list(frame["speaker"]),
            "emotion": pa.array([row[2] for row in rows], pa.string()).dictionary_encode(),
            "split": list(frame["split"]),
        }
    )
    return describe(table, labels=["joy", "anger"], simulated=False)


def probe_scores(table, p_true):
    return pa.table({"dialogue_id": table["dialogue_id"], "p_true": pa.array(p_true, pa.float64())})


def score(table, scores=None):
    done = score_conversations(table, scores or {}, dataset="made")
    return done.to_pandas().set_index("dialogue_id")


def test_shifts_are_counted_over_adjacent_labelled_utterances():
    table = utterances(
        [
            ("d", "A", "joy", "train"),
            ("d", "B", "anger", "train"),  # a shift
            ("d", "A", None, "train"),  # not labelled: skipped
            ("d", "B", "anger", "train"),  # none
            ("d", "A", "joy", "train"),  # a shift
        ]
    )
    row = score(table).loc["d"]
    assert row["shift_rate"] == pytest.approx(2 / 3)
    assert row["shift_rate_within_speaker"] == 0  # A: joy, joy; B: anger, anger
    assert (row["n_utterances"], row["n_speakers"]) == (5, 2)


def test_a_single_utterance_has_no_shift_rate():
    table = utterances([("d", "A", "joy", "train")])
    assert np.isnan(score(table).loc["d", "shift_rate"])


def test_labels_outside_train_are_not_used():
    table = utterances([("d", "A", "joy", "test"), ("d", "A", "anger", "test")])
    assert np.isnan(score(table).loc["d", "shift_rate"])


def test_incoherence_is_the_deviation_over_modalities_of_the_summed_probability():
    table = utterances([("d", "A", "joy", "train"), ("d", "A", "joy", "train")])
    scores = {"a": probe_scores(table, [0.2, 0.3]), "t": probe_scores(table, [0.9, 0.8])}
    assert score(table, scores).loc["d", "incoherence"] == pytest.approx(np.std([0.5, 1.7], ddof=1))


def test_one_modality_has_no_incoherence():
    table = utterances([("d", "A", "joy", "train")])
    assert np.isnan(score(table, {"t": probe_scores(table, [0.5])}).loc["d", "incoherence"])
