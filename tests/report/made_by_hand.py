"""Cells whose every answer is written in the test, in the files that cells leave."""

import json
from pathlib import Path

from sklearn.metrics import accuracy_score, f1_score

from spcl.tables import parquet, schemas

LABELS = ["joy", "anger"]


def write_cells(folder, dialogues, cells, *, simulated=False, probability=None, **metrics):
    """Write metrics and predictions of `cells` below `folder`; the paths by kind.

    Parameters
    ----------
    dialogues
        By dialogue, the label of each test utterance, a letter each: ``{"d1": "jja"}``.
    cells
        By "dataset/baseline/modalities/curriculum" and seed, the answers to all of them in a row:
        ``{"mine/mmgcn/at/none": {1: "jaj"}}``.
    probability
        That of the answer for every modality, or by modality and in the same order as the answers.
    **metrics
        Columns of the metrics with a value other than the usual.
    """
    of_letter = {label[0]: label for label in LABELS} | {"-": None}
    true = [of_letter[letter] for labels in dialogues.values() for letter in labels]
    known = [i for i, label in enumerate(true) if label]
    dialogue = [name for name, labels in dialogues.items() for _ in labels]
    paths = {"metrics": [], "predictions": []}
    for address, by_seed in cells.items():
        key = dict(zip(schemas.CELL_KEY, address.split("/"), strict=True))
        n_modalities = len(key["modalities"])
        scored, answered = [], []
        for seed, letters in by_seed.items():
            answers = [of_letter[letter] for letter in letters]
            pair = [true[i] for i in known], [answers[i] for i in known]
            by_class = f1_score(*pair, labels=LABELS, average=None, zero_division=0)
            scored.append(
                key
                | {
                    "seed": seed,
                    "split": "test",
                    "protocol": "official",
                    "simulated": simulated,
                    "best_epoch": 3,
                    "epochs": 4,
                    "n_utterances": len(known),
                    "weighted_f1": f1_score(*pair, average="weighted", zero_division=0),
                    "accuracy": accuracy_score(*pair),
                    "macro_f1": f1_score(*pair, average="macro", zero_division=0),
                    "ece": 0.1,
                    "brier": 0.5,
                    "nll": 1.0,
                    "f1_by_class": by_class,
                    "modality_weighted_f1": [0.5] * n_modalities,
                    "modality_confidence": [0.5] * n_modalities,
                    "diverged": False,
                    "full_at_epoch": 2,
                    "train_seconds": 10.0,
                    "utterances_per_second": 100.0,
                    "peak_memory_mb": 500.0,
                    "device": "a made-up processor",
                    "commit": "0123456789ab",
                    "versions": json.dumps({"python": "3.12.1"}),
                    "config_digest": "fedcba9876543210",
                    "training_digest": None,
                }
                | metrics
            )
            for i, answer in enumerate(answers):
                p = [0.75 if label == answer else 0.25 for label in LABELS]
                answered.append(
                    key
                    | {
                        "seed": seed,
                        "split": "test",
                        "dialogue_id": dialogue[i],
                        "utterance_id": f"{dialogue[i]}_u{i}",
                        "emotion": true[i],
                        "predicted": answer,
                        "probabilities": p,
                        "modality_probabilities": [p] * n_modalities,
                    }
                )
        for kind, schema, rows in (
            ("metrics", schemas.METRICS, scored),
            ("predictions", schemas.PREDICTIONS, answered),
        ):
            path = Path(folder, kind, f"{address.replace('/', '-')}.parquet")
            columns = {column.name: [row[column.name] for row in rows] for column in schema.columns}
            parquet.write(schema.table(columns), path, schema, labels=LABELS)
            paths[kind].append(path)
    return paths
