"""The trained model of one seed, added to its tables."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa
from torch import nn

from spcl.models.saved import ModelFacts, to_bytes
from spcl.tables.parquet import metadata
from spcl.training.cell_tables import CellTables
from spcl.training.dialogues import Corpus
from spcl.training.settings import CellSettings

_SCORES = ("weighted_f1", "accuracy", "macro_f1", "ece", "brier", "nll")


def with_model(
    tables: CellTables,
    model: nn.Module,
    corpus: Corpus,
    features: Mapping[str, pa.Table],
    settings: CellSettings,
    licence: str | None,
) -> CellTables:
    """The tables of one seed with its `model`, which has the weights of the best epoch."""
    rows = tables.metrics.to_pylist()
    first = rows[0]
    described = {m: metadata(features[m]) for m in corpus.widths}
    facts = ModelFacts(
        dataset=first["dataset"],
        modalities=first["modalities"],
        baseline=first["baseline"],
        curriculum=first["curriculum"],
        seed=first["seed"],
        best_epoch=first["best_epoch"],
        protocol=first["protocol"],
        simulated=first["simulated"],
        commit=first["commit"],
        device=first["device"],
        training_digest=first["training_digest"],
        versions=json.loads(first["versions"]),
        source=settings.baseline_source,
        widths=corpus.widths,
        n_speakers=corpus.n_speakers,
        settings=dict(settings.model),
        labels=list(corpus.labels),
        classes=corpus.classes,
        extractors={
            m: {name: facts.get(name) for name in ("extractor", "version", "options")}
            for m, facts in described.items()
        },
        licence=licence,
        scores={
            row["split"]: {
                name: row[name] if math.isfinite(row[name]) else None for name in _SCORES
            }
            for row in rows
        },
    )
    content = to_bytes(model, facts, corpus.standardisation)
    return replace(tables, models={facts.seed: content})
