"""The result of training one seed, as the rows of its tables."""

import json
import resource
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from spcl.provenance.environment import Provenance
from spcl.study.grid import Cell
from spcl.tables import parquet, schemas
from spcl.training.cell_tables import CellTables
from spcl.training.dialogues import Corpus
from spcl.training.perturbations import PerturbedScore
from spcl.training.rescoring import rescore
from spcl.training.result import EpochRecord, TrainingResult


def seed_tables(
    cell: Cell,
    corpus: Corpus,
    seed: int,
    result: TrainingResult,
    perturbed: Sequence[PerturbedScore],
    provenance: Provenance,
) -> CellTables:
    """Convert the result of one seed to tables; see `spcl.tables.schemas` for the columns."""

    def table(schema: parquet.Schema, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
        n = len(next(iter(columns.values())))
        key = {name: [getattr(cell, name)] * n for name in schemas.CELL_KEY} | {"seed": [seed] * n}
        return schema.table(key | dict(columns))

    predictions = table(schemas.PREDICTIONS, _predictions(corpus, result))
    return CellTables(
        metrics=table(schemas.METRICS, _metrics(predictions, corpus, result, provenance)),
        history=table(schemas.HISTORY, _history(result)),
        predictions=predictions,
        robustness=table(schemas.ROBUSTNESS, _robustness(perturbed)),
        curriculum=table(schemas.ADMISSIONS, _admissions(corpus, result)),
        labels=corpus.labels,
        classes=corpus.classes,
    )


def _metrics(
    predictions: pa.Table, corpus: Corpus, result: TrainingResult, provenance: Provenance
) -> dict[str, list[Any]]:
    train_labels = corpus.splits["train"].labels
    rows = []
    for split in result.logits:
        rows.append(
            {
                "split": split,
                "protocol": corpus.protocol,
                "simulated": corpus.simulated,
                "best_epoch": result.best_epoch,
                "epochs": len(result.history),
                **rescore(predictions.filter(pc.field("split") == split), corpus.labels),
                "diverged": result.diverged,
                "full_at_epoch": result.full_at_epoch,
                "train_seconds": result.seconds,
                "utterances_per_second": len(train_labels) * len(result.history) / result.seconds,
                "peak_memory_mb": _peak_memory_mb(train_labels.device),
                **vars(provenance),
                "versions": json.dumps(provenance.versions, sort_keys=True),
            }
        )
    return {name: [row[name] for row in rows] for name in rows[0]}


def _peak_memory_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _history(result: TrainingResult) -> dict[str, list[Any]]:
    names = [item.name for item in fields(EpochRecord)]
    return {name: [getattr(record, name) for record in result.history] for name in names}


def _predictions(corpus: Corpus, result: TrainingResult) -> dict[str, list[Any]]:
    labels = np.array([*corpus.labels, None], dtype=object)  # index -1 = unlabelled = None
    parts = []
    for split, logits in result.logits.items():
        dialogues = corpus.splits[split]
        parts.append(
            {
                "split": [split] * len(dialogues.labels),
                "dialogue_id": list(dialogues.dialogue_ids),
                "utterance_id": list(dialogues.utterance_ids),
                "emotion": list(labels[dialogues.labels.cpu().numpy()]),
                "predicted": list(labels[logits.sum(0).argmax(-1).numpy()]),
                "probabilities": list(logits.sum(0).softmax(-1).numpy()),
                "modality_probabilities": logits.softmax(-1).transpose(0, 1).tolist(),
            }
        )
    return {name: [value for part in parts for value in part[name]] for name in parts[0]}


def _robustness(perturbed: Sequence[PerturbedScore]) -> dict[str, list[Any]]:
    return {
        "perturbation": [score.perturbation.perturbation for score in perturbed],
        "modality": [score.perturbation.modality for score in perturbed],
        "level": [score.perturbation.level for score in perturbed],
        "n_utterances": [score.n_utterances for score in perturbed],
        "weighted_f1": [score.weighted_f1 for score in perturbed],
        "predicted": [score.predicted for score in perturbed],
    }


def _admissions(corpus: Corpus, result: TrainingResult) -> dict[str, list[Any]]:
    dialogues = corpus.splits["train"]
    labelled = (dialogues.labels >= 0).cpu().numpy()
    return {
        "dialogue_id": list(dialogues.dialogue_ids[labelled]),
        "utterance_id": list(dialogues.utterance_ids[labelled]),
        "first_epoch": [int(epoch) or None for epoch in result.first_epoch[labelled]],
        "share_of_epochs": list(result.epochs_admitted[labelled] / len(result.history)),
        "last_difficulty": list(result.last_difficulty[labelled]),
    }
