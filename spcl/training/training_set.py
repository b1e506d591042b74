"""The `TrainingSet` of a strategy, read from tables of earlier stages of the workflow.

The tables contain the probes' predictions for utterances, the emotion shifts of conversations, the
pace of another cell, and the predictions of teachers. A strategy gets the tables that it names in
its ``NEEDS``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from spcl.curriculum import TrainingSet
from spcl.errors import UserError
from spcl.study.grid import Cell
from spcl.tables import parquet
from spcl.tables.arrays import strings
from spcl.tables.schemas import (
    CONVERSATION_DIFFICULTY,
    HISTORY,
    PREDICTIONS,
    UTTERANCE_DIFFICULTY,
)
from spcl.training.dialogues import Corpus, Dialogues

_FLOOR = 1e-6
"""The smallest probability, so that every log-probability is finite."""


@dataclass(frozen=True)
class EarlierTables:
    """The tables that a strategy needs; empty or None where it does not need them.

    Attributes
    ----------
    probes
        By modality, schema `spcl.tables.schemas.UTTERANCE_DIFFICULTY`.
    conversations
        Schema `spcl.tables.schemas.CONVERSATION_DIFFICULTY`.
    paced
        The history of the cell that sets the pace, schema `spcl.tables.schemas.HISTORY`.
    teachers
        By modality, the predictions of the same baseline on this modality alone, including those
        for the training split, schema `spcl.tables.schemas.PREDICTIONS`.
    """

    probes: Mapping[str, pa.Table] = field(default_factory=dict)
    conversations: pa.Table | None = None
    paced: pa.Table | None = None
    teachers: Mapping[str, pa.Table] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        probes: Sequence[str | Path],
        conversations: str | Path,
        paced: str | Path,
        teachers: Sequence[str | Path] = (),
    ) -> Self:
        """Read the tables from files; an empty path or list means that there is none.

        Raises
        ------
        UserError
            A file is missing, unreadable, or not a table of its kind.
        """
        scores = [
            parquet.read(path, UTTERANCE_DIFFICULTY, ["utterance_id", "fold", "probabilities"])
            for path in probes
        ]
        columns = ["modalities", "seed", "split", "utterance_id", "probabilities"]
        answers = [parquet.read(path, PREDICTIONS, columns) for path in teachers]
        shifts, shares = ["dialogue_id", "shift_rate"], ["seed", "epoch", "admitted_share"]
        return cls(
            probes={parquet.metadata(table)["modality"]: table for table in scores},
            conversations=(
                parquet.read(conversations, CONVERSATION_DIFFICULTY, shifts)
                if conversations
                else None
            ),
            paced=parquet.read(paced, HISTORY, shares) if paced else None,
            teachers={table["modalities"][0].as_py(): table for table in answers},
        )


def training_set(
    tables: EarlierTables,
    corpus: Corpus,
    cell: Cell,
    *,
    paced: Cell,
    epochs: int,
    seed: int,
) -> TrainingSet:
    """Bring `tables` into the order of the training split, on the device of the corpus.

    Parameters
    ----------
    tables
        The tables that the curriculum needs.
    corpus
        See `spcl.training.dialogues.load_corpus`.
    cell
        Its dataset and modalities determine the probes.
    paced
        The cell that `tables.paced` belongs to.
    epochs, seed
        Of the training.

    Raises
    ------
    UserError
        A table lacks a training utterance, a training dialogue or the seed, or has other classes
        than the corpus. The message names the file.
    """
    dialogues = corpus.splits["train"]
    device = dialogues.labels.device
    folder = f"results/difficulty/{cell.dataset}"
    known: dict[str, Any] = {}
    if tables.probes:
        known["probes"] = {
            m: _log_probabilities(
                tables.probes[m], dialogues, corpus.labels, f"{folder}/{m}.parquet"
            ).to(device)
            for m in cell.modalities
        }
    if tables.conversations is not None:
        rate = _shift_rate(tables.conversations, dialogues, f"{folder}/conversations.parquet")
        known["shift_rate"] = rate.to(device)
    if tables.paced is not None:
        n_labelled = int((dialogues.labels >= 0).sum())
        file = f"results/cells/{paced.address}/history.parquet"
        known["pace"] = _pace(tables.paced, n_labelled, seed, file).to(device)
    if tables.teachers:
        known["teachers"] = {
            m: _answers(
                tables.teachers[m],
                dialogues,
                corpus.labels,
                seed,
                f"results/cells/{replace(cell, modalities=m, curriculum='none').address}"
                "/predictions.parquet",
            ).to(device)
            for m in cell.modalities
        }
    return TrainingSet(
        labels=dialogues.labels,
        lengths=torch.from_numpy(dialogues.lengths).to(device),
        epochs=epochs,
        seed=seed,
        **known,
    )


def _log_probabilities(
    scores: pa.Table, dialogues: Dialogues, labels: Sequence[str], file: str
) -> Tensor:
    """(n, C) float64, from probes that were not fitted on the dialogue of the utterance."""
    _check_labels(scores, labels, file)
    scores = scores.filter(scores["fold"].is_valid())  # null outside the training split
    return _in_order(scores, dialogues, file)


def _answers(
    predictions: pa.Table, dialogues: Dialogues, labels: Sequence[str], seed: int, file: str
) -> Tensor:
    """(n, C) float64: the log-probabilities that a teacher with this seed gives to train."""
    _check_labels(predictions, labels, file)
    of_train = pc.and_(pc.equal(predictions["split"], "train"), pc.equal(predictions["seed"], seed))
    return _in_order(predictions.filter(of_train), dialogues, file)


def _check_labels(table: pa.Table, labels: Sequence[str], file: str) -> None:
    if tuple(parquet.metadata(table)["labels"]) != tuple(labels):
        raise _mismatch(file, f"its emotions differ from those of the corpus ({', '.join(labels)})")


def _in_order(scores: pa.Table, dialogues: Dialogues, file: str) -> Tensor:
    """(n, C) float64, the log-probabilities in the order of the training split."""
    rows = _rows(scores, "utterance_id", dialogues.utterance_ids, file)
    probability = np.stack(scores["probabilities"].to_numpy(zero_copy_only=False))[rows]
    return torch.from_numpy(np.log(np.maximum(probability.astype(np.float64), _FLOOR)))


def _shift_rate(conversations: pa.Table, dialogues: Dialogues, file: str) -> Tensor:
    """(B,) float64, NaN where null."""
    first = np.cumsum(dialogues.lengths) - dialogues.lengths
    rows = _rows(conversations, "dialogue_id", dialogues.dialogue_ids[first], file)
    return torch.from_numpy(conversations["shift_rate"].to_numpy(zero_copy_only=False)[rows])


def _pace(history: pa.Table, n_labelled: int, seed: int, file: str) -> Tensor:
    """(E,) int64: the number of admitted utterances by epoch, from shares of `n_labelled`."""
    of_seed = history.filter(pc.equal(history["seed"], seed)).sort_by("epoch")
    if not of_seed.num_rows:
        raise _mismatch(file, f"it has no seed {seed}")
    share = of_seed["admitted_share"].to_numpy()
    return torch.from_numpy(np.rint(share * n_labelled).astype(np.int64))


def _rows(table: pa.Table, key: str, wanted: np.ndarray, file: str) -> np.ndarray:
    """(n,) int64: the row of `table` whose column `key` contains each of `wanted`."""
    row = {name: index for index, name in enumerate(strings(table, key))}
    missing = [name for name in wanted if name not in row]
    if missing:
        what = f"{len(missing)} of {len(wanted)} rows of the training split are missing"
        raise _mismatch(file, f"{what}, first {key} '{missing[0]}'")
    return np.array([row[name] for name in wanted], np.int64)


def _mismatch(file: str, what: str) -> UserError:
    return UserError(f"{file}: {what}; recompute it with: snakemake --cores 1 -f {file}")
