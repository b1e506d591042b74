"""The four tables that a cell leaves."""

import json
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from spcl import parquet, schemas
from spcl.curriculum.difficulty import true_class_probability
from spcl.grid import Cell
from spcl.provenance import Provenance
from spcl.training.dialogues import Corpus
from spcl.training.loop import Run
from spcl.training.metrics import confusion_matrix, scores


@dataclass(frozen=True)
class CellTables:
    """What a cell leaves: one table of each schema of the same name in `spcl.schemas`."""

    metrics: pa.Table
    history: pa.Table
    predictions: pa.Table
    curriculum: pa.Table
    labels: tuple[str, ...]

    def write(self, metrics: Path, history: Path, predictions: Path, curriculum: Path) -> None:
        """Write the four files; the metrics, which carry the provenance, come last."""
        labels = list(self.labels)
        parquet.write(self.history, history, schemas.HISTORY)
        parquet.write(self.predictions, predictions, schemas.PREDICTIONS, labels=labels)
        parquet.write(self.curriculum, curriculum, schemas.ADMISSIONS)
        parquet.write(self.metrics, metrics, schemas.METRICS, labels=labels)


def cell_tables(
    cell: Cell, corpus: Corpus, runs: Mapping[int, Run], provenance: Provenance
) -> CellTables:
    """Lay the runs of all seeds out as rows; see `spcl.schemas` for the columns."""
    return CellTables(
        metrics=_metrics(cell, corpus, runs, provenance),
        history=_history(cell, runs),
        predictions=_predictions(cell, corpus, runs),
        curriculum=_admissions(cell, corpus, runs),
        labels=corpus.labels,
    )


def _table(cell: Cell, schema: parquet.Schema, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Add the cell's key to `columns`."""
    key = {name: [getattr(cell, name)] * len(columns["seed"]) for name in schemas.CELL_KEY}
    return schema.table(key | dict(columns))


def _metrics(
    cell: Cell, corpus: Corpus, runs: Mapping[int, Run], provenance: Provenance
) -> pa.Table:
    train_labels = corpus.splits["train"].labels
    device = train_labels.device
    rows = []
    for seed, run in runs.items():
        for split in run.scores:
            labels = corpus.splits[split].labels.cpu()
            logits = run.logits[split]
            joint = run.scores[split]
            heads = [
                scores(confusion_matrix(z.argmax(-1), labels, len(corpus.labels))).weighted_f1
                for z in logits
            ]
            confidence = true_class_probability(logits, labels).sum(1) / max(joint.n_utterances, 1)
            rows.append(
                {
                    "seed": seed,
                    "split": split,
                    "protocol": corpus.protocol,
                    "simulated": corpus.simulated,
                    "best_epoch": run.best_epoch,
                    "epochs": len(run.history),
                    "n_utterances": joint.n_utterances,
                    "weighted_f1": joint.weighted_f1,
                    "accuracy": joint.accuracy,
                    "macro_f1": joint.macro_f1,
                    "f1_by_class": joint.f1_by_class,
                    "modality_weighted_f1": heads,
                    "modality_confidence": confidence.tolist(),
                    "diverged": run.diverged,
                    "full_at_epoch": run.full_at_epoch,
                    "train_seconds": run.seconds,
                    "utterances_per_second": len(train_labels) * len(run.history) / run.seconds,
                    "peak_memory_mb": _peak_memory_mb(device),
                    "device": provenance.device,
                    "commit": provenance.commit,
                    "versions": json.dumps(provenance.versions, sort_keys=True),
                    "config_digest": provenance.config_digest,
                }
            )
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return _table(cell, schemas.METRICS, columns)


def _peak_memory_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _history(cell: Cell, runs: Mapping[int, Run]) -> pa.Table:
    records = [(seed, record) for seed, run in runs.items() for record in run.history]
    columns = {
        name: [getattr(record, name) for _, record in records]
        for name in (
            "epoch",
            "threshold",
            "admitted_share",
            "train_loss",
            "dev_weighted_f1",
            "test_weighted_f1",
            "modality_confidence",
        )
    }
    return _table(cell, schemas.HISTORY, {"seed": [seed for seed, _ in records]} | columns)


def _predictions(cell: Cell, corpus: Corpus, runs: Mapping[int, Run]) -> pa.Table:
    labels = np.array([*corpus.labels, None], dtype=object)  # index -1 = unlabelled = None
    parts: dict[str, list[Any]] = {
        name: []
        for name in (
            "seed",
            "split",
            "dialogue_id",
            "utterance_id",
            "emotion",
            "predicted",
            "probabilities",
            "modality_probabilities",
        )
    }
    for seed, run in runs.items():
        for split, logits in run.logits.items():
            dialogues = corpus.splits[split]
            n = len(dialogues.labels)
            parts["seed"] += [seed] * n
            parts["split"] += [split] * n
            parts["dialogue_id"] += list(dialogues.dialogue_ids)
            parts["utterance_id"] += list(dialogues.utterance_ids)
            parts["emotion"] += list(labels[dialogues.labels.cpu().numpy()])
            parts["predicted"] += list(labels[logits.sum(0).argmax(-1).numpy()])
            parts["probabilities"] += list(logits.sum(0).softmax(-1).numpy())
            parts["modality_probabilities"] += logits.softmax(-1).transpose(0, 1).tolist()
    return _table(cell, schemas.PREDICTIONS, parts)


def _admissions(cell: Cell, corpus: Corpus, runs: Mapping[int, Run]) -> pa.Table:
    dialogues = corpus.splits["train"]
    labelled = (dialogues.labels >= 0).cpu().numpy()
    parts: dict[str, list[Any]] = {
        name: []
        for name in (
            "seed",
            "dialogue_id",
            "utterance_id",
            "first_epoch",
            "share_of_epochs",
            "last_difficulty",
        )
    }
    for seed, run in runs.items():
        first = run.first_epoch[labelled]
        parts["seed"] += [seed] * len(first)
        parts["dialogue_id"] += list(dialogues.dialogue_ids[labelled])
        parts["utterance_id"] += list(dialogues.utterance_ids[labelled])
        parts["first_epoch"] += [int(epoch) or None for epoch in first]
        parts["share_of_epochs"] += list(run.epochs_admitted[labelled] / len(run.history))
        parts["last_difficulty"] += list(run.last_difficulty[labelled])
    return _table(cell, schemas.ADMISSIONS, parts)
