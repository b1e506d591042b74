"""Made-up results in the files that the stages leave, quick enough for hundreds of cells."""

import json
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pyarrow as pa

from spcl.report.analysis.statistics import f1_by_class, tally, weighted_f1
from spcl.tables import parquet, schemas

EMOTIONS = {
    "iemocap": ["happy", "sad", "neutral", "angry", "excited", "frustrated"],
    "meld": ["neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger"],
}
SKILL = {"a": 0.18, "t": 0.42, "v": 0.10}
"""How much of the way from chance to certainty a modality goes."""


class MadeCorpus:
    """Dialogues with emotions: 60 % train, 15 % dev, 25 % test."""

    def __init__(self, dataset, *, n_dialogues, mean_length, seed=0, simulated=True, labels=None):
        rng = np.random.default_rng([seed, len(dataset)])
        self.dataset, self.simulated = dataset, simulated
        usual = EMOTIONS["iemocap" if dataset.startswith("iemocap") else "meld"]
        self.labels = labels or usual
        lengths = rng.integers(max(mean_length // 2, 1), mean_length * 3 // 2 + 1, n_dialogues)
        self.dialogue = np.repeat(np.arange(n_dialogues), lengths)
        n = len(self.dialogue)
        share = 1 / np.arange(1, len(self.labels) + 1)
        self.emotion = rng.choice(len(self.labels), n, p=share / share.sum())
        self.emotion[rng.random(n) < 0.05] = -1
        cut = np.searchsorted([0.6, 0.75], (np.arange(n_dialogues) + 0.5) / n_dialogues)
        self.split = np.array(schemas.SPLITS)[cut][self.dialogue]
        self.hardness = rng.gamma(2.0, 0.6, n)
        self.ids = np.array([f"{dataset}_u{i}" for i in range(n)], object)
        self.dialogue_ids = np.array([f"{dataset}_d{d}" for d in self.dialogue], object)

    def names(self, indices):
        """Emotions by index, None for -1."""
        return np.array([*self.labels, None], object)[indices]

    @property
    def facts(self):
        return {"dataset": self.dataset, "labels": self.labels, "simulated": self.simulated}


def make_results(
    folder,
    *,
    datasets=("iemocap-sim", "meld-sim"),
    baselines=("biddin", "dialogue_gcn", "mm_dfn", "mmgcn"),
    modalities=("atv", "at", "tv", "av"),
    curricula=("none", "spcl"),
    seeds=(1, 2, 3, 4, 5),
    n_dialogues=20,
    mean_length=12,
    epochs=10,
    gain=0.03,
    simulated=True,
    labels=None,
    protocol="official",
    drop=(),
    diverged=(),
    never_full=(),
):
    """Write results below `folder` and give the paths by kind, as `Results` takes them.

    `n_dialogues` and `mean_length` are numbers, or numbers by dataset; `labels` are classes other
    than the usual ones.
    `drop`, `diverged` and `never_full` name cells as "dataset/baseline/modalities/curriculum";
    every curriculum but none gains about `gain` in accuracy.
    """
    folder = Path(folder)
    paths = {kind: [] for kind in ("metrics", "history", "predictions", "robustness", "curriculum")}
    paths |= {kind: [] for kind in ("utterance_difficulty", "conversation_difficulty")}
    paths |= {kind: [] for kind in ("benchmarks", "features", "utterances")}
    for index, dataset in enumerate(datasets):
        corpus = MadeCorpus(
            dataset,
            n_dialogues=_of(dataset, n_dialogues),
            mean_length=_of(dataset, mean_length),
            seed=index,
            simulated=simulated,
            labels=labels,
        )
        _write_corpus(corpus, folder, paths, protocol)
        for key in product([dataset], baselines, modalities, curricula):
            if "/".join(key) not in drop:
                address = "/".join(key)
                _write_cell(
                    corpus,
                    key,
                    folder,
                    paths,
                    seeds=seeds,
                    epochs=epochs,
                    skill=sum(SKILL[m] for m in key[2])
                    + gain * (key[3] != "none")
                    + 0.02 * list(baselines).index(key[1]),
                    diverged=address in diverged,
                    never_full=address in never_full,
                    protocol=protocol,
                )
    _write_benchmarks(folder, paths, datasets, baselines, modalities, curricula)
    return paths


def _of(dataset, sizes):
    return sizes[dataset] if isinstance(sizes, dict) else sizes


def _probabilities(n, n_classes):
    """Random chances as lists of `n_classes` for n rows."""
    chances = np.random.default_rng(n).random((n, n_classes), np.float32)
    return _nested(chances / chances.sum(-1, keepdims=True))


def _nested(values):
    """An array as nested lists, which Parquet takes without a copy."""
    nested = pa.array(values.ravel())
    for size in reversed(values.shape[1:]):
        nested = pa.FixedSizeListArray.from_arrays(nested, size)
    return nested


def _save(folder, paths, kind, name, schema, columns, **facts):
    path = folder / kind / f"{name}.parquet"
    parquet.write(schema.table(columns), path, schema, **facts)
    paths[kind].append(path)


def _write_corpus(corpus, folder, paths, protocol):
    n = len(corpus.ids)
    rng = np.random.default_rng(7)
    starts = np.r_[0, np.flatnonzero(np.diff(corpus.dialogue)) + 1]
    position = np.arange(n) - np.repeat(starts, np.diff(np.r_[starts, n]))
    columns = {
        "dialogue_id": corpus.dialogue_ids,
        "utterance_id": corpus.ids,
        "position": position,
        "speaker": [f"s{s}" for s in rng.integers(3, size=n)],
        "text": ["words"] * n,
        "emotion": pa.array(corpus.names(corpus.emotion), pa.string()).dictionary_encode(),
        "split": corpus.split,
        **dict.fromkeys(("start_s", "end_s", "audio_path", "video_path"), [None] * n),
    }
    facts = corpus.facts | {"protocol": protocol, "protocol_seed": 0}
    _save(folder, paths, "utterances", corpus.dataset, schemas.UTTERANCES, columns, **facts)

    in_train = corpus.split == "train"
    labelled = in_train & (corpus.emotion >= 0)
    p_by_modality = []
    for modality, skill in SKILL.items():
        predicted = _answers(rng, corpus, np.arange(n), skill + 0.2)
        p_true = np.exp(-corpus.hardness * rng.uniform(0.6, 1.4, n) * (1.3 - skill))
        p_by_modality.append(np.where(labelled, p_true, 0))
        vectors = np.random.default_rng(n).normal(size=(n, 3)).astype(np.float32)
        _save(
            folder,
            paths,
            "utterance_difficulty",
            f"{corpus.dataset}-{modality}",
            schemas.UTTERANCE_DIFFICULTY,
            {
                "dataset": [corpus.dataset] * n,
                "modality": [modality] * n,
                "dialogue_id": corpus.dialogue_ids,
                "utterance_id": corpus.ids,
                "split": corpus.split,
                "fold": pa.array(corpus.dialogue % 5, mask=~in_train),
                "predicted": corpus.names(predicted),
                "probabilities": [[1 / len(corpus.labels)] * len(corpus.labels)] * n,
                "p_true": pa.array(p_true, mask=~labelled),
                "loss": pa.array(-np.log(p_true), mask=~labelled),
            },
            modality=modality,
            **corpus.facts,
        )
        _save(
            folder,
            paths,
            "features",
            f"{corpus.dataset}-{modality}",
            schemas.FEATURES,
            {
                "utterance_id": corpus.ids,
                "observed": np.arange(n) % 50 != 0,
                "features": pa.FixedSizeListArray.from_arrays(vectors.ravel(), 3),
            },
            modality=modality,
            extractor={"a": "egemaps", "t": "minilm", "v": "face_hog"}[modality],
            version="1",
            options={"size": 2},
            width=3,
            inputs="0123456789abcdef",
            **corpus.facts,
        )
    confidence = [np.bincount(corpus.dialogue, p) for p in p_by_modality]
    lengths = np.bincount(corpus.dialogue)
    split = corpus.split[starts]
    trains = split == "train"
    _save(
        folder,
        paths,
        "conversation_difficulty",
        corpus.dataset,
        schemas.CONVERSATION_DIFFICULTY,
        {
            "dataset": [corpus.dataset] * len(starts),
            "dialogue_id": corpus.dialogue_ids[starts],
            "split": split,
            "n_utterances": lengths,
            "n_speakers": rng.integers(2, 4, len(starts)),
            "shift_rate": pa.array(rng.uniform(0.3, 0.7, len(starts)), mask=~trains),
            "shift_rate_within_speaker": pa.array(rng.random(len(starts)), mask=~trains),
            "incoherence": pa.array(np.std(confidence, axis=0, ddof=1), mask=~trains),
        },
        modalities="atv",
        dataset=corpus.dataset,
        simulated=corpus.simulated,
    )


def _answers(rng, corpus, rows, skill):
    """Predicted classes of `rows`: right with a probability that falls with hardness."""
    right = rng.random(len(rows)) < np.clip(skill * 1.4 - 0.1 * corpus.hardness[rows], 0.05, 0.98)
    guess = rng.integers(len(corpus.labels), size=len(rows))
    return np.where(right & (corpus.emotion[rows] >= 0), corpus.emotion[rows], guess)


def _heads(rng, corpus, rows, modalities, more):
    """(N, M, C) probabilities of each modality's head, and the weighted F1 of each.

    The true class gets more of them, by the skill of the modality and by `more`.
    """
    logits = rng.normal(size=(len(rows), len(modalities), len(corpus.labels)))
    for place, modality in enumerate(modalities):
        known = np.flatnonzero(corpus.emotion[rows] >= 0)
        logits[known, place, corpus.emotion[rows][known]] += 4 * (SKILL[modality] + more)
    logits -= np.log(np.exp(logits).sum(-1, keepdims=True))
    none = np.zeros(len(rows), int)
    scores = []
    for answers in logits.argmax(-1).T:
        sizes = {"n_dialogues": 1, "n_classes": len(corpus.labels)}
        counted = tally(none, none, corpus.emotion[rows], answers, **sizes)
        scores.append(float(weighted_f1(counted.counts[0, 0])))
    return np.exp(logits).astype(np.float32), scores


def _write_cell(
    corpus, key, folder, paths, *, seeds, epochs, skill, diverged, never_full, protocol
):
    address = dict(zip(schemas.CELL_KEY, key, strict=True))
    name = "-".join(key)
    metrics, predictions = [], []
    n_classes, n_modalities = len(corpus.labels), len(key[2])
    paced = key[3] != "none"
    train = np.flatnonzero((corpus.split == "train") & (corpus.emotion >= 0))
    threshold = 0.4 * 1.3 ** np.arange(epochs)
    limit = 0.9 if never_full else 1.0
    share = np.minimum(np.linspace(0.3, 1.4, epochs), limit) if paced else np.ones(epochs)
    history = {name: [] for name in ("seed", "share", "epoch")}
    admissions = {name: [] for name in ("seed", "first")}
    for seed in seeds:
        common = np.random.default_rng([seed, len(key[1]), len(key[2]), key[2].encode()[-1]])
        own = np.random.default_rng([seed, *name.encode()])
        luck = common.normal(0, 0.01)
        seconds = (2 + len(key[2])) * epochs * 0.1 * own.uniform(0.95, 1.1)
        for split in ("dev", "test"):
            rows = np.flatnonzero(corpus.split == split)
            predicted = _answers(common, corpus, rows, skill + luck + own.normal(0, 0.003))
            counted = tally(
                np.zeros(len(rows), int),
                np.zeros(len(rows), int),
                corpus.emotion[rows],
                predicted,
                n_dialogues=1,
                n_classes=n_classes,
            ).counts[0, 0]
            by_class = f1_by_class(counted)
            heads, of_heads = _heads(own, corpus, rows, key[2], 0.03 * paced)
            metrics.append(
                address
                | {
                    "seed": seed,
                    "split": split,
                    "protocol": protocol,
                    "simulated": corpus.simulated,
                    "best_epoch": 0 if diverged else epochs,
                    "epochs": epochs,
                    "n_utterances": int(counted[2].sum()),
                    "weighted_f1": float(weighted_f1(counted)),
                    "accuracy": float(counted[0].sum() / counted[2].sum()),
                    "macro_f1": float(by_class.mean()),
                    "ece": 0.1,
                    "brier": 0.5,
                    "nll": 1.0,
                    "f1_by_class": by_class,
                    "modality_weighted_f1": of_heads,
                    "modality_confidence": [0.4] * n_modalities,
                    "diverged": diverged,
                    "full_at_epoch": None if never_full else int(np.argmax(share == 1)) + 1,
                    "train_seconds": seconds,
                    "utterances_per_second": len(train) * epochs / seconds,
                    "peak_memory_mb": 600.0 + 10 * n_modalities,
                    "device": "a made-up processor",
                    "commit": "0123456789ab",
                    "versions": json.dumps({"python": "3.12.1", "torch": "2.9.1"}),
                    "config_digest": "fedcba9876543210",
                    "training_digest": None,
                }
            )
            predictions.append((seed, split, rows, predicted, heads))
        if paced:
            order = np.argsort(corpus.hardness[train] + own.normal(0, 0.5, len(train)))
            place = (np.argsort(order) + 1) / len(train)
            first = 1 + np.searchsorted(share, place - 1e-9)
        else:
            first = np.ones(len(train), int)
        history["seed"] += [seed] * epochs
        history["epoch"] += list(range(1, epochs + 1))
        history["share"] += list(share)
        admissions["seed"] += [seed] * len(train)
        admissions["first"] += [None if e > epochs else int(e) for e in first]

    def repeated(n):
        return {axis: [value] * n for axis, value in address.items()}

    columns = {name: [row[name] for row in metrics] for name in metrics[0]}
    labels = {"labels": corpus.labels}
    _save(folder, paths, "metrics", name, schemas.METRICS, columns, **labels)
    n = len(history["seed"])
    columns = repeated(n) | {
        "seed": history["seed"],
        "epoch": history["epoch"],
        "threshold": list(threshold) * len(seeds) if key[3] == "spcl" else [None] * n,
        "admitted_share": history["share"],
        "train_loss": [1.0] * n,
        "dev_weighted_f1": [0.5] * n,
        "test_weighted_f1": [0.5] * n,
        "modality_confidence": [[0.5] * n_modalities] * n,
    }
    _save(folder, paths, "history", name, schemas.HISTORY, columns)
    seed_of, _, rows_of, answers, heads = zip(*predictions, strict=True)
    rows = np.concatenate(rows_of)
    n = len(rows)
    columns = repeated(n) | {
        "seed": np.repeat(seed_of, [len(rows) for rows in rows_of]),
        "split": corpus.split[rows],
        "dialogue_id": corpus.dialogue_ids[rows],
        "utterance_id": corpus.ids[rows],
        "emotion": corpus.names(corpus.emotion[rows]),
        "predicted": corpus.names(np.concatenate(answers)),
        "probabilities": _probabilities(n, n_classes),
        "modality_probabilities": _nested(np.concatenate(heads)),
    }
    _save(folder, paths, "predictions", name, schemas.PREDICTIONS, columns, **labels)
    _write_robustness(corpus, key, folder, paths, seeds, skill)
    n = len(admissions["seed"])
    columns = repeated(n) | {
        "seed": admissions["seed"],
        "dialogue_id": np.tile(corpus.dialogue_ids[train], len(seeds)),
        "utterance_id": np.tile(corpus.ids[train], len(seeds)),
        "first_epoch": admissions["first"],
        "share_of_epochs": [0.5] * n,
        "last_difficulty": [0.5] * n,
    }
    _save(folder, paths, "curriculum", name, schemas.ADMISSIONS, columns)


def _perturbations(modalities):
    """Perturbation, perturbed modalities, level, and the skill that is lost."""
    for size in range(1, len(modalities) + 1):
        for chosen in combinations(modalities, size):
            yield "modality_missing", "".join(chosen), 1.0, sum(SKILL[m] for m in chosen)
    whole = sum(SKILL[m] for m in modalities)
    for name in ("utterances_missing", "dialogues_missing"):
        for share in (0.1, 0.3, 0.5, 0.7):
            yield name, modalities, share, share * whole
    for m in modalities:
        for level in (0.5, 1.0, 2.0):
            yield "noise", m, level, SKILL[m] * level / 2.5


def _write_robustness(corpus, key, folder, paths, seeds, skill):
    test = np.flatnonzero(corpus.split == "test")
    rows = []
    for seed, (perturbation, modality, level, loss) in product(seeds, _perturbations(key[2])):
        same = np.random.default_rng([seed, *"-".join(key[:3]).encode()])
        predicted = _answers(same, corpus, test, skill - loss * (0.9 if key[3] == "spcl" else 1))
        counted = tally(
            np.zeros(len(test), int),
            np.zeros(len(test), int),
            corpus.emotion[test],
            predicted,
            n_dialogues=1,
            n_classes=len(corpus.labels),
        ).counts[0, 0]
        rows.append(
            dict(zip(schemas.CELL_KEY, key, strict=True))
            | {
                "seed": seed,
                "perturbation": perturbation,
                "modality": modality,
                "level": level,
                "n_utterances": int(counted[2].sum()),
                "weighted_f1": float(weighted_f1(counted)),
                "predicted": predicted,
            }
        )
    columns = {
        column.name: [row[column.name] for row in rows] for column in schemas.ROBUSTNESS.columns
    }
    name = "-".join(key)
    _save(folder, paths, "robustness", name, schemas.ROBUSTNESS, columns, labels=corpus.labels)


def _write_benchmarks(folder, paths, datasets, baselines, modalities, curricula):
    rows = [{"rule": "import_corpus", "dataset": d, "seconds": 1.5} for d in datasets]
    rows += [
        {"rule": "extract_features", "dataset": d, "modality": m, "seconds": 20.0}
        for d in datasets
        for m in "atv"
    ]
    rows += [
        {"rule": "train_cell", "seconds": 12.0, "cpu_seconds": 11.0, "max_rss_mb": 700.0}
        | dict(zip(schemas.CELL_KEY, key, strict=True))
        for key in product(datasets, baselines, modalities, curricula)
    ]
    columns = {
        column.name: [row.get(column.name) for row in rows] for column in schemas.BENCHMARKS.columns
    }
    _save(folder, paths, "benchmarks", "made", schemas.BENCHMARKS, columns)
