"""Cells of a handful of utterances, for numbers that can be worked out by hand."""

import json

import numpy as np
import pyarrow as pa
from sklearn.metrics import f1_score

from spcl.tables import parquet, schemas
from spcl.training.calibration import calibration

LABELS = ["calm", "glad", "sad"]


def spell(letters):
    """Emotions by their first letters; ``-`` = unlabelled."""
    names = {name[0]: name for name in LABELS} | {"-": None}
    return [names[letter] for letter in letters]


def sure(letters, share=0.8):
    """(N, C) probabilities that give each letter's class `share`, the others the rest."""
    rest = (1 - share) / (len(LABELS) - 1)
    chosen = [LABELS.index(name) for name in spell(letters)]
    return np.where(np.eye(len(LABELS))[chosen] > 0, share, rest)


def write_cell(folder, address, true, answers, heads=None, **facts):
    """Write metrics and predictions of one cell, its test dialogues of two utterances each.

    `true` are letters, `answers` letters by seed; `heads` by seed a (M, N, C) array of
    probabilities. `facts` are columns of the metrics.
    """
    key = dict(zip(schemas.CELL_KEY, address.split("/"), strict=True))
    emotion = spell(true)
    known = np.array([name is not None for name in emotion])
    y = np.array([LABELS.index(name) if name else -1 for name in emotion])
    n, n_modalities = len(true), len(key["modalities"])

    def weighted_f1(answer):
        return f1_score(y[known], answer[known], average="weighted", zero_division=0)

    metrics, predictions = [], []
    for seed, letters in answers.items():
        answer = np.array([LABELS.index(name) for name in spell(letters)])
        probabilities = np.asarray((heads or {}).get(seed, [sure(letters)] * n_modalities))
        of_heads = probabilities.argmax(-1)
        metrics.append(
            key
            | {
                "seed": seed,
                "split": "test",
                "protocol": "official",
                "simulated": False,
                "best_epoch": 1,
                "epochs": 1,
                "n_utterances": int(known.sum()),
                "weighted_f1": weighted_f1(answer),
                "accuracy": float((y == answer)[known].mean()),
                "macro_f1": 0.5,
                **vars(calibration(sure(letters), answer, y)),
                "f1_by_class": f1_score(
                    y[known], answer[known], labels=range(3), average=None, zero_division=0
                ),
                "modality_weighted_f1": [weighted_f1(head) for head in of_heads],
                "modality_confidence": [
                    float(head[np.flatnonzero(known), y[known]].mean()) for head in probabilities
                ],
                "diverged": False,
                "full_at_epoch": 1,
                "train_seconds": 1.0,
                "utterances_per_second": 1.0,
                "peak_memory_mb": 1.0,
                "device": "none",
                "commit": "0",
                "versions": json.dumps({}),
                "config_digest": "0",
                "training_digest": None,
            }
            | facts
        )
        for index in range(n):
            predictions.append(
                key
                | {
                    "seed": seed,
                    "split": "test",
                    "dialogue_id": f"d{index // 2}",
                    "utterance_id": f"u{index}",
                    "emotion": emotion[index],
                    "predicted": LABELS[answer[index]],
                    "probabilities": sure(letters)[index],
                    "modality_probabilities": list(probabilities[:, index]),
                }
            )
    paths = {}
    for kind, rows, schema in (
        ("metrics", metrics, schemas.METRICS),
        ("predictions", predictions, schemas.PREDICTIONS),
    ):
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        paths[kind] = folder / kind / f"{address.replace('/', '-')}.parquet"
        parquet.write(schema.table(columns), paths[kind], schema, labels=LABELS)
    return paths


def write_robustness(folder, address, true, answers):
    """Write the network's answers without some modalities: letters by seed and missing set."""
    known = [index for index, letter in enumerate(true) if letter != "-"]
    key = dict(zip(schemas.CELL_KEY, address.split("/"), strict=True))
    rows = [
        key
        | {
            "seed": seed,
            "perturbation": "modality_missing",
            "modality": missing,
            "level": 1.0,
            "n_utterances": len(known),
            "weighted_f1": f1_score(
                [true[index] for index in known],
                [letters[index] for index in known],
                average="weighted",
                zero_division=0,
            ),
            "predicted": [LABELS.index(name) for name in spell(letters)],
        }
        for seed, by_missing in answers.items()
        for missing, letters in by_missing.items()
    ]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    path = folder / "robustness" / f"{address.replace('/', '-')}.parquet"
    schema = schemas.ROBUSTNESS
    parquet.write(schema.table(columns), path, schema, labels=LABELS)
    return path


def gathered(*cells):
    """The paths of several cells by kind, as `Results` takes them."""
    return {kind: [cell[kind] for cell in cells] for kind in ("metrics", "predictions")}


def write_probe(folder, dataset, modality, true, answers):
    """Write the difficulty of one modality: a probe's answers on the utterances of `true`."""
    n = len(true)
    columns = {
        "dataset": [dataset] * n,
        "modality": [modality] * n,
        "dialogue_id": [f"d{index // 2}" for index in range(n)],
        "utterance_id": [f"u{index}" for index in range(n)],
        "split": ["test"] * n,
        "fold": [None] * n,
        "predicted": spell(answers),
        "probabilities": list(sure(answers)),
        "p_true": [None] * n,
        "loss": [None] * n,
    }
    schema = schemas.UTTERANCE_DIFFICULTY
    path = folder / "probes" / f"{dataset}-{modality}.parquet"
    facts = {"dataset": dataset, "labels": LABELS, "simulated": False, "modality": modality}
    parquet.write(schema.table(columns), path, schema, **facts)
    return path


def write_utterances(folder, dataset, true):
    """Write the corpus that the probes and cells are of."""
    n = len(true)
    columns = {
        "dialogue_id": [f"d{index // 2}" for index in range(n)],
        "utterance_id": [f"u{index}" for index in range(n)],
        "position": [index % 2 for index in range(n)],
        "speaker": ["s"] * n,
        "text": [""] * n,
        "emotion": pa.array(spell(true), pa.string()).dictionary_encode(),
        "split": ["test"] * n,
        **dict.fromkeys(("start_s", "end_s", "audio_path", "video_path"), [None] * n),
    }
    facts = {"dataset": dataset, "labels": LABELS, "simulated": False}
    path = folder / "utterances" / f"{dataset}.parquet"
    schema = schemas.UTTERANCES
    parquet.write(
        schema.table(columns), path, schema, protocol="official", protocol_seed=0, **facts
    )
    return path
