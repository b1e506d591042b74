"""Predictions of the models of all seeds of a cell for new conversations."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from spcl.errors import UserError
from spcl.models.saved import ModelFacts, SavedModel, load, read_facts
from spcl.prediction.features import missing_table
from spcl.tables.parquet import describe, metadata
from spcl.tables.schemas import PREDICTED
from spcl.training.cell_tables import saved_models
from spcl.training.dialogues import load_corpus
from spcl.training.evaluation import evaluate

_OF_INPUT = (
    *("dialogue_id", "utterance_id", "position", "speaker", "text"),
    *("start_s", "end_s", "audio_path", "video_path"),
)


def find_models(cell: Path) -> dict[Path, ModelFacts]:
    """The facts of the models of a cell, by file.

    Parameters
    ----------
    cell
        The folder of a cell, or the file of one model.

    Raises
    ------
    UserError
        There is no model, a file is damaged, or the models belong to different cells.
    """
    paths = list(saved_models(cell).values()) if cell.is_dir() else [cell]
    if not paths:
        raise UserError(
            f"{cell}: has no models; train the cell with save_models: true in the config"
        )
    found = {path: read_facts(path) for path in paths}
    shared = ("dataset", "baseline", "curriculum", "modalities", "widths", "labels", "extractors")
    first = found[paths[0]]
    for path, facts in found.items():
        for name in shared:
            if getattr(facts, name) != getattr(first, name):
                raise UserError(
                    f"{path}: its {name} are not those of {paths[0].name}; keep the models of one"
                    " training in a folder"
                )
    return found


def load_models(
    paths: Sequence[Path], utterances: pa.Table, *, source: str | None = None, device: str = "cpu"
) -> list[SavedModel]:
    """Load models for dialogues with as many speakers as `utterances` have; see `load`."""
    pairs = utterances.group_by(["dialogue_id", "speaker"]).aggregate([])
    n_speakers = max(pairs["dialogue_id"].value_counts().field("counts").to_pylist())
    return [load(path, source=source, n_speakers=n_speakers, device=device) for path in paths]


def predict(
    models: Sequence[SavedModel],
    utterances: pa.Table,
    features: Mapping[str, pa.Table],
    *,
    device: str = "cpu",
) -> pa.Table:
    """Predict the emotion of every utterance.

    Parameters
    ----------
    models
        Of the seeds of one cell, on `device`.
    utterances
        Schema `spcl.tables.schemas.UTTERANCES`. Labels are not used. Each split is predicted by
        itself, as after a training.
    features
        By modality, schema `spcl.tables.schemas.FEATURES`; a modality may be absent.

    Returns
    -------
    pyarrow.Table
        Schema `spcl.tables.schemas.PREDICTED`, in the order of `utterances`, with metadata. The
        same models, features and device give the same probabilities as the predictions of the cell.
    """
    facts = models[0].facts
    ids = utterances["utterance_id"].to_pylist()
    absent = {m: missing_table(ids, facts.widths[m]) for m in facts.modalities if m not in features}
    by_model = []
    for model in models:
        corpus = load_corpus(
            utterances,
            {**features, **absent},
            facts.modalities,
            scale="none",
            device=device,
            fitted=model.standardisation,
        )
        splits = [one for one in corpus.splits.values() if len(one)]
        by_model.append([evaluate(model.module, split).cpu() for split in splits])
    logits = [torch.cat(of_model, 1) for of_model in by_model]
    columns = _columns(logits, facts.labels)
    names = [name for split in splits for name in split.utterance_ids]
    observed = [torch.stack([s.observed[m].cpu() for m in facts.modalities], 1) for s in splits]
    row = {name: index for index, name in enumerate(ids)}
    rows = np.array([row[name] for name in names])
    taken = utterances.take(rows)
    columns |= {name: taken[name] for name in _OF_INPUT}
    table = PREDICTED.table(columns | {"observed": torch.cat(observed).tolist()})
    table = table.take(np.argsort(rows))  # dialogues of different splits may alternate
    return describe(
        table,
        labels=facts.labels,
        modalities=facts.modalities,
        dataset=metadata(utterances)["dataset"],
        trained_on=facts.dataset,
        baseline=facts.baseline,
        curriculum=facts.curriculum,
        seeds=[model.facts.seed for model in models],
        simulated=facts.simulated or bool(metadata(utterances)["simulated"]),
    )


def _columns(logits: Sequence[Tensor], labels: Sequence[str]) -> dict[str, object]:
    """The columns that follow from the logits (M, N, C) of each seed."""
    joint = torch.stack([z.sum(0).softmax(-1) for z in logits]).double()  # (S, N, C)
    own = torch.stack([z.softmax(-1).transpose(0, 1) for z in logits]).double()  # (S, N, M, C)
    # In float64, so that nearly equal logits are not tied.
    best = torch.stack([z.sum(0).double().softmax(-1) for z in logits]).mean(0).argmax(-1)
    several = len(logits) > 1
    n = len(best)
    return {
        "predicted": [labels[index] for index in best.tolist()],
        "probabilities": list(joint.mean(0).float().numpy()),
        "modality_probabilities": own.mean(0).float().tolist(),
        "spread": list(joint.std(0).float().numpy()) if several else [None] * n,
        "modality_spread": own.std(0).float().tolist() if several else [None] * n,
    }
