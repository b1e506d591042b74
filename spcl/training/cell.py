"""One cell of the grid: every seed trained, and four tables to show for it."""

import logging
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from spcl import curriculum, models
from spcl.contract import check_curriculum, check_model
from spcl.errors import UserError
from spcl.extensions import BASELINE, CURRICULUM, find, load
from spcl.grid import Cell, pacing_cell
from spcl.job import HEADLINE
from spcl.provenance import Provenance
from spcl.training.dialogues import load_corpus
from spcl.training.loop import Run, train
from spcl.training.settings import CellSettings
from spcl.training.tables import CellTables, cell_tables
from spcl.training.training_set import EarlierTables, training_set

log = logging.getLogger("spcl.training")


def train_cell(
    cell: Cell,
    utterances: pa.Table,
    features: Mapping[str, pa.Table],
    settings: CellSettings,
    earlier: EarlierTables | None = None,
    *,
    device: str = "cpu",
    threads: int = 1,
    provenance: Provenance,
) -> CellTables:
    """Train every seed of `cell`.

    The same inputs, settings, device and threads give the same bytes in every table but metrics,
    which holds wall times and provenance too.

    Parameters
    ----------
    cell
        Its address.
    utterances, features
        The corpus, see `load_corpus`.
    settings
        See `CellSettings`.
    earlier
        What the curriculum looks at before the first epoch, if anything.
    device
        ``cpu`` or ``cuda``.
    threads
        For torch.
    provenance
        The stamp on the metrics.

    Raises
    ------
    UserError
        A setting is unknown or out of range, a split that is needed has no labels, or a table
        does not fit the corpus.
    """
    torch.set_num_threads(threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # deterministic cuBLAS needs it
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]

    found_baseline = find(BASELINE, cell.baseline, settings.baseline_source)
    found_curriculum = find(CURRICULUM, cell.curriculum, settings.curriculum_source)
    baseline_class, curriculum_class = load(found_baseline), load(found_curriculum)
    corpus = load_corpus(
        utterances, features, cell.modalities, scale=settings.training.scale, device=device
    )
    choose_on = "test" if corpus.protocol == "best-test-epoch" else "dev"
    for split in {"train", choose_on, "test"}:
        if not bool((corpus.splits[split].labels >= 0).any()):
            raise UserError(
                f"datasets.{cell.dataset}: split '{split}' has no labelled utterance; choose"
                f" another protocol than '{corpus.protocol}'"
            )

    sizes: dict[str, Any] = {
        "widths": corpus.widths,
        "n_classes": len(corpus.labels),
        "n_speakers": corpus.n_speakers,
    }
    runs: dict[int, Run] = {}
    for seed in settings.seeds:
        torch.manual_seed(seed)
        try:
            model = models.build(baseline_class, **sizes, **settings.model).to(device)
        except UserError as error:
            raise UserError(f"baselines.{cell.baseline}.model: {error}") from error
        if not found_baseline.ours:
            check_model(model, **sizes, key=found_baseline.key)
        known = training_set(
            earlier or EarlierTables(),
            corpus,
            cell,
            paced=pacing_cell(cell, settings.curriculum),
            epochs=settings.training.epochs,
            seed=seed,
        )
        try:
            chosen = curriculum.build(curriculum_class, **settings.curriculum).to(device)
            chosen.start(known)
        except ValueError as error:
            raise UserError(f"curricula.{cell.curriculum}: {error}") from error
        if not found_curriculum.ours:
            check_curriculum(chosen, key=found_curriculum.key)
        runs[seed] = train(model, chosen, corpus, settings.training, seed=seed, choose_on=choose_on)
    test = np.array([100 * run.scores["test"].weighted_f1 for run in runs.values()])
    log.log(
        HEADLINE,
        "%s: test W-F1 %.1f%s%s",
        cell.address,
        test.mean(),
        f" +- {test.std(ddof=1):.1f} over {len(test)} seeds" if len(test) > 1 else ", one seed",
        " (simulated)" if corpus.simulated else "",
    )
    return cell_tables(cell, corpus, runs, provenance)
