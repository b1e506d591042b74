"""Scores computed from the predictions in a table, and a check of the recorded scores."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from spcl.errors import UserError
from spcl.tables import parquet
from spcl.training.calibration import calibration
from spcl.training.cell_tables import CellTables
from spcl.training.metrics import Scores, confusion_matrix, scores

_ROUNDING = 1e-6
_TIES = 0.01
"""A GPU may break ties between emotions differently than the CPU, which writes predictions."""


def rescore(predictions: pa.Table, labels: Sequence[str]) -> dict[str, Any]:
    """Score the predictions of one training.

    Parameters
    ----------
    predictions
        Rows of `spcl.tables.schemas.PREDICTIONS`, all of one cell, seed and split.
    labels
        The emotions in the order of the corpus.

    Returns
    -------
    dict
        The columns of `spcl.tables.schemas.METRICS` that are computed from predictions.
    """
    true = _indices(predictions["emotion"], labels)
    answers = _indices(predictions["predicted"], labels)
    joint = scores(_confusion(answers, true, len(labels)))
    probabilities = predictions["probabilities"].combine_chunks().flatten().to_numpy()
    flat = predictions["modality_probabilities"].combine_chunks().flatten().flatten()
    heads = flat.to_numpy().reshape(len(predictions), -1, len(labels))  # (N, M, C)
    known = true >= 0
    confidence = heads[known, :, true[known]]  # (labelled, M)
    return {
        "n_utterances": joint.n_utterances,
        "weighted_f1": joint.weighted_f1,
        "accuracy": joint.accuracy,
        "macro_f1": joint.macro_f1,
        **vars(calibration(probabilities.reshape(-1, len(labels)), answers, true)),
        "f1_by_class": list(joint.f1_by_class),
        "modality_weighted_f1": [
            scores(_confusion(answer, true, len(labels))).weighted_f1
            for answer in heads.argmax(-1).T
        ],
        "modality_confidence": list(confidence.sum(0, dtype=float) / max(joint.n_utterances, 1)),
    }


def score_answers(
    predicted: np.ndarray, emotions: pa.ChunkedArray, labels: Sequence[str]
) -> Scores:
    """Score answers without probabilities.

    Parameters
    ----------
    predicted
        (N,) the class of each utterance, as an index of `labels`.
    emotions
        (N,) the true emotions; null = unlabelled.
    labels
        The emotions in the order of the corpus.
    """
    true = _indices(emotions, labels)
    return scores(_confusion(predicted.astype(np.int64), true, len(labels)))


def check_scores(cell: CellTables, path: str | Path) -> None:
    """Refuse a cell whose tables contradict each other.

    Parameters
    ----------
    cell
        The tables of the cell.
    path
        The file of its metrics, for the message.

    Raises
    ------
    UserError
        See `contradictions`.
    """
    for found in contradictions(cell):
        raise UserError(f"{path}: {found}; delete it and run again: {parquet.command(path)}")


def contradictions(cell: CellTables) -> Iterator[str]:
    """Yield a short description of each contradiction between the tables of a cell.

    The scores must follow from the predictions, each predicted emotion from its probabilities, and
    the best epoch and the number of epochs from the history.
    """
    rows = cell.predictions.to_pandas().groupby(["seed", "split"]).indices
    epochs = {(row["seed"], row["epoch"]): row for row in cell.history.to_pylist()}
    trained = Counter(seed for seed, _ in epochs)
    for row in cell.metrics.to_pylist():
        seed, split = run = row["seed"], row["split"]
        prefix = f"seed {seed}, {split}: "
        if run not in rows:
            yield prefix + "there are scores and no predictions"
            continue
        predictions = cell.predictions.take(rows.pop(run))
        fault = _fault(predictions, cell.labels, len(row["modalities"]))
        if fault:
            yield prefix + fault
            continue
        for name, expected in rescore(predictions, cell.labels).items():
            if not _equal(row[name], expected, _ROUNDING):
                found = f"{name} is {_short(row[name])}"
                yield f"{prefix}{found}, its predictions give {_short(expected)}"
        chosen = epochs.get((seed, max(row["best_epoch"], 1)))  # 0: the first epoch diverged
        if chosen is None or trained[seed] != row["epochs"]:
            yield f"{prefix}{row['epochs']} epochs, its history has {trained[seed]}"
        elif split != "train" and not _equal(
            chosen[f"{split}_weighted_f1"], row["weighted_f1"], _TIES
        ):
            yield f"{prefix}weighted_f1 is not that of its epoch {row['best_epoch']} in the history"
    yield from _perturbed_contradictions(cell)
    for seed, split in rows:
        yield f"seed {seed}, {split}: there are predictions and no scores"


def _perturbed_contradictions(cell: CellTables) -> Iterator[str]:
    """Contradictions between the scores under perturbations and their answers."""
    test = cell.predictions.filter(pc.field("split") == "test")
    emotions = {seed: test.filter(pc.field("seed") == seed)["emotion"] for seed in _seeds(test)}
    for row in cell.robustness.to_pylist():
        seed, level = row["seed"], f"{row['level']:g}"
        prefix = f"seed {seed}, {row['perturbation']} {row['modality']} {level}: "
        predicted = np.array(row["predicted"], np.int64)
        if seed not in emotions or len(predicted) != len(emotions[seed]):
            yield prefix + "it does not have one answer for each test utterance"
        elif not np.isin(predicted, np.arange(len(cell.labels))).all():
            yield prefix + "an answer is not one of the labels"
        else:
            score = score_answers(predicted, emotions[seed], cell.labels)
            if not _equal(row["weighted_f1"], score.weighted_f1, _ROUNDING):
                found, expected = _short(row["weighted_f1"]), _short(score.weighted_f1)
                yield f"{prefix}weighted_f1 is {found}, its answers give {expected}"


def _seeds(table: pa.Table) -> list[int]:
    found: list[int] = pc.unique(table["seed"]).to_pylist()
    return found


def _fault(predictions: pa.Table, labels: Sequence[str], n_modalities: int) -> str | None:
    """Describe what is wrong with the predictions of one seed and split; None = nothing."""
    heads = predictions["modality_probabilities"].combine_chunks()
    lists = (
        (predictions["probabilities"].combine_chunks(), len(labels)),
        (heads, n_modalities),
        (heads.flatten(), len(labels)),
    )
    for values, length in lists:
        if pc.any(pc.not_equal(pc.fill_null(pc.list_value_length(values), -1), length)).as_py():
            return "its probabilities are not one for each emotion and modality"
    for name in ("emotion", "predicted"):
        unknown = pc.filter(predictions[name], pc.less(_places(predictions[name], labels), 0))
        if len(pc.drop_null(unknown)):
            return f"{name} '{pc.drop_null(unknown)[0]}' is not one of the labels"
    joint = np.stack(predictions["probabilities"].to_numpy())
    chosen = joint[np.arange(len(joint)), _indices(predictions["predicted"], labels)]
    if (wrong := np.flatnonzero(chosen < joint.max(1) - _ROUNDING)).size:
        row = predictions.slice(int(wrong[0]), 1).to_pylist()[0]
        return f"{row['utterance_id']}: '{row['predicted']}' is not its most likely emotion"
    return None


def _equal(one: Any, other: Any, tolerance: float) -> bool:
    one, other = (np.asarray(value, dtype=float) for value in (one, other))
    return one.shape == other.shape and np.allclose(one, other, 0, tolerance, equal_nan=True)


def _short(value: Any) -> str:
    numbers = value if isinstance(value, list) else [value]
    return ", ".join(f"{number:.4g}" for number in numbers)


def _indices(column: pa.ChunkedArray, labels: Sequence[str]) -> np.ndarray:
    """(N,) int64: the index of each emotion in `labels`, -1 for null."""
    return np.asarray(_places(column, labels).to_numpy(), np.int64)


def _places(column: pa.ChunkedArray, labels: Sequence[str]) -> pa.ChunkedArray:
    return pc.fill_null(pc.index_in(column, value_set=pa.array(labels, pa.string())), -1)


def _confusion(predicted: np.ndarray, true: np.ndarray, n_classes: int) -> torch.Tensor:
    return confusion_matrix(torch.from_numpy(predicted), torch.from_numpy(true), n_classes)
