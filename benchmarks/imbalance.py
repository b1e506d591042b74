"""Whether the training strategies help a modality that joint training leaves behind.

The corpus is simulated, with an imbalance that is known. Of each utterance with an emotion of four:

- **text** is easy: a linear classifier reads most emotions from it after few steps;
- **sound** is hard but informative: each of the two bits of the emotion is the product of two
  directions, which say nothing alone, so that a network needs many steps to find it;
- **pictures** say little.

Every strategy of ``config/strategies.yaml`` trains with its settings there and with the same seeds.
The scores come from the tables `spcl.report.tables.balance` and `main`, as in a run of the
workflow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks import results, strategies
from benchmarks.machine import this_machine
from spcl.difficulty.conversations import score_conversations
from spcl.difficulty.probe import score_utterances
from spcl.provenance.environment import Provenance
from spcl.report.analysis.results import Results
from spcl.report.tables import balance, main
from spcl.study.config_files import read_config
from spcl.study.grid import Cell, cell_settings
from spcl.tables import parquet
from spcl.training.cell import train_cell
from spcl.training.cell_tables import KINDS, CellTables
from spcl.training.settings import CellSettings
from spcl.training.training_set import EarlierTables

EMOTIONS = ("angry", "happy", "neutral", "sad")

WIDTH = 10
"""Features of each modality."""


@dataclass(frozen=True)
class Study:
    """The sizes of the study.

    Attributes
    ----------
    dialogues
        Half of them train; a sixth is dev, a third is test.
    seeds
        Their number.
    training
        See `spcl.training.settings.TrainingSettings`.
    baselines
        Settings of the networks by name: one that keeps the modalities apart, one that mixes them.
    """

    dialogues: int = 120
    seeds: int = 10
    training: dict[str, Any] = field(
        default_factory=lambda: {"epochs": 14, "batch_size": 12, "learning_rate": 0.003}
    )
    baselines: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            "late_fusion": {"hidden": 16, "layers": 1, "dropout": 0.2},
            "mmgcn": {"hidden": 16, "encoder_layers": 1, "dropout": 0.2},
        }
    )


def simulate(dialogues: int, seed: int = 0) -> tuple[pa.Table, dict[str, pa.Table]]:
    """The utterances and the features by modality, see the module."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, 12, dialogues)
    n = int(lengths.sum())
    dialogue = np.repeat(np.arange(dialogues), lengths)
    emotion = rng.integers(len(EMOTIONS), size=n)

    def linear(signal: float) -> np.ndarray:
        means = rng.normal(size=(len(EMOTIONS), WIDTH))
        return signal * means[emotion] + rng.normal(size=(n, WIDTH))

    bits = 1 - 2 * np.stack([emotion // 2, emotion % 2], 1)  # (n, 2) of -1 and 1
    one = rng.choice([-1, 1], size=(n, 2))
    directions = np.concatenate([one, one * bits], 1) + 0.4 * rng.normal(size=(n, 4))
    rotation, _ = np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))
    sound = np.concatenate([directions, rng.normal(size=(n, WIDTH - 4))], 1) @ rotation
    names = [f"u{index}" for index in range(n)]
    nothing = {"start_s": pa.float64(), "end_s": pa.float64()}
    nothing |= {"audio_path": pa.string(), "video_path": pa.string()}
    utterances = pa.table(
        {
            "dialogue_id": [f"d{index}" for index in dialogue],
            "utterance_id": names,
            "position": pa.array(np.concatenate([np.arange(k) for k in lengths]), pa.int32()),
            "speaker": [f"s{one}" for one in rng.integers(2, size=n)],
            "text": [""] * n,
            "emotion": pa.array(np.array(EMOTIONS)[emotion]).dictionary_encode(),
            "split": np.array(["train"] * 3 + ["dev"] + ["test"] * 2)[6 * dialogue // dialogues],
            **{name: pa.nulls(n, kind) for name, kind in nothing.items()},
        }
    )
    facts = {"dataset": "imbalanced", "protocol": "official", "protocol_seed": 0}
    return parquet.describe(utterances, labels=list(EMOTIONS), simulated=True, **facts), {
        m: pa.table(
            {
                "utterance_id": names,
                "observed": np.ones(n, bool),
                "features": pa.FixedSizeListArray.from_arrays(x.astype(np.float32).ravel(), WIDTH),
            }
        )
        for m, x in {"a": sound, "t": linear(0.9), "v": linear(0.12)}.items()
    }


def train(study: Study, folder: Path, threads: int) -> Iterator[tuple[Cell, CellTables]]:
    """Train every cell of the study and write its tables below `folder`."""
    config = read_config([strategies.CONFIG])
    config["grid"]["seeds"] = range(1, study.seeds + 1)
    config["training"] = study.training
    config["baselines"] = {name: {"model": model} for name, model in study.baselines.items()}
    config["datasets"] = {"imbalanced": {}}
    stamp = Provenance(commit="", versions={}, device="", config_digest="")
    utterances, features = simulate(study.dialogues)
    probes = {
        m: score_utterances(utterances, table, dataset="imbalanced", modality=m, folds=5)
        for m, table in features.items()
    }
    shifts = score_conversations(utterances, probes, dataset="imbalanced")
    for baseline in study.baselines:
        answers: dict[str, pa.Table] = {}
        paced = None
        for modalities, strategy in [
            *((m, "none") for m in features),
            *(("atv", name) for name in config["grid"]["curricula"]),
        ]:
            cell = Cell("imbalanced", baseline, modalities, strategy)
            settings = cell_settings(config, cell) | {"predict_train": len(modalities) == 1}
            made = train_cell(
                cell,
                utterances,
                features,
                CellSettings.from_config(settings),
                EarlierTables(probes, shifts, paced, answers if strategy != "none" else {}),
                threads=threads,
                provenance=stamp,
            )
            if len(modalities) == 1:
                answers[modalities] = parquet.describe(made.predictions, labels=list(EMOTIONS))
            paced = made.history if strategy == "spcl" else paced
            made.write({kind: folder / cell.address / f"{kind}.parquet" for kind in KINDS})
            yield cell, made


def rows(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """A row a network, strategy and modality: head, network alone, changes over ``none``.

    Parameters
    ----------
    folders
        Of the cells, in the order of the rows.
    """
    kinds = ("metrics", "predictions")
    tables = Results(**{kind: [one / f"{kind}.parquet" for one in folders] for kind in kinds})
    cell = ["baseline", "modalities", "curriculum"]
    joint = ["weighted_f1", "gain", "gain_low", "gain_high"]
    head = ["modality", "head", "alone", "change", "change_low", "change_high", "n_seeds"]
    heads = balance.compute(tables)[[*cell, *head]]
    scores = main.compute(tables, test=False)[[*cell, *joint]]
    merged = heads.merge(scores, on=cell, how="left", sort=False)
    merged = merged[merged["modalities"] == "atv"].drop(columns="modalities")
    kept = merged.astype(object).where(merged.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in kept.to_dict("records")]


def run(device: str, threads: int, *, study: Study | None = None) -> Iterator[str]:
    """Train, write ``imbalance.parquet``, and yield a line for each cell, then the changes.

    It trains on the CPU: the networks are small, and the scores are what counts.
    """
    study = study or Study()
    machine = this_machine("cpu", threads)
    yield f"simulated corpus, {study.seeds} seeds; weighted F1 on test, mean over the seeds"
    folders = []
    with TemporaryDirectory() as folder:
        for cell, made in train(study, Path(folder), threads):
            folders.append(Path(folder) / cell.address)
            scores = made.metrics.to_pandas().query("split == 'test'")
            heads = 100 * np.stack(scores["modality_weighted_f1"]).mean(0)
            yield (
                f"{cell.baseline:14}{cell.modalities:5}{cell.curriculum:20}"
                f"{100 * scores['weighted_f1'].mean():6.1f}  "
                + "".join(f"  {m} {x:.1f}" for m, x in zip(cell.modalities, heads, strict=True))
            )
        found = rows(folders)
    results.save("imbalance", found, machine)
    yield f"{'change over none':34}{'head of a':>24}{'joint':>24}"
    for row in found:
        if row["modality"] == "a" and row["curriculum"] != "none":
            yield (
                f"{row['baseline']:14}{row['curriculum']:20}"
                f"{results.interval(row, 'change'):>24}{results.interval(row, 'gain'):>24}"
            )
