"""What a training gave, laid out as rows."""

import json
import resource
from collections.abc import Mapping, Sequence
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
from spcl.training.rescoring import rescored
from spcl.training.run import Run


def seed_tables(
    cell: Cell, corpus: Corpus, seed: int, run: Run, provenance: Provenance
) -> CellTables:
    """Lay the run of one seed out as rows; see `spcl.tables.schemas` for the columns."""

    def table(schema: parquet.Schema, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
        n = len(next(iter(columns.values())))
        key = {name: [getattr(cell, name)] * n for name in schemas.CELL_KEY} | {"seed": [seed] * n}
        return schema.table(key | dict(columns))

    predictions = table(schemas.PREDICTIONS, _predictions(corpus, run))
    return CellTables(
        metrics=table(schemas.METRICS, _metrics(predictions, corpus, run, provenance)),
        history=table(schemas.HISTORY, _history(run)),
        predictions=predictions,
        curriculum=table(schemas.ADMISSIONS, _admissions(corpus, run)),
        labels=corpus.labels,
    )


def _metrics(
    predictions: pa.Table, corpus: Corpus, run: Run, provenance: Provenance
) -> dict[str, list[Any]]:
    train_labels = corpus.splits["train"].labels
    rows = []
    for split in run.logits:
        rows.append(
            {
                "split": split,
                "protocol": corpus.protocol,
                "simulated": corpus.simulated,
                "best_epoch": run.best_epoch,
                "epochs": len(run.history),
                **rescored(predictions.filter(pc.field("split") == split), corpus.labels),
                "diverged": run.diverged,
                "full_at_epoch": run.full_at_epoch,
                "train_seconds": run.seconds,
                "utterances_per_second": len(train_labels) * len(run.history) / run.seconds,
                "peak_memory_mb": _peak_memory_mb(train_labels.device),
                "device": provenance.device,
                "commit": provenance.commit,
                "versions": json.dumps(provenance.versions, sort_keys=True),
                "config_digest": provenance.config_digest,
                "training_digest": provenance.training_digest,
            }
        )
    return {name: [row[name] for row in rows] for name in rows[0]}


def _peak_memory_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _history(run: Run) -> dict[str, list[Any]]:
    names = (
        "epoch",
        "threshold",
        "admitted_share",
        "train_loss",
        "dev_weighted_f1",
        "test_weighted_f1",
        "modality_confidence",
    )
    return {name: [getattr(record, name) for record in run.history] for name in names}


def _predictions(corpus: Corpus, run: Run) -> dict[str, list[Any]]:
    labels = np.array([*corpus.labels, None], dtype=object)  # index -1 = unlabelled = None
    parts = []
    for split, logits in run.logits.items():
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


def _admissions(corpus: Corpus, run: Run) -> dict[str, list[Any]]:
    dialogues = corpus.splits["train"]
    labelled = (dialogues.labels >= 0).cpu().numpy()
    return {
        "dialogue_id": list(dialogues.dialogue_ids[labelled]),
        "utterance_id": list(dialogues.utterance_ids[labelled]),
        "first_epoch": [int(epoch) or None for epoch in run.first_epoch[labelled]],
        "share_of_epochs": list(run.epochs_admitted[labelled] / len(run.history)),
        "last_difficulty": list(run.last_difficulty[labelled]),
    }
