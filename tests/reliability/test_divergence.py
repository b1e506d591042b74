"""A training whose numbers run away is marked wherever its scores show, and stops nothing."""

import numpy as np
import pytest

from spcl.models.late_fusion import LateFusion
from spcl.provenance.environment import Provenance
from spcl.report.analysis.results import Results
from spcl.report.tables import tabulate
from spcl.study.grid import Cell
from spcl.training.cell import train_cell
from spcl.training.cell_tables import KINDS
from spcl.training.settings import CellSettings
from tests.conftest import make_corpus

CORPUS = make_corpus([5] * 30, signal=0.5)
STAMP = Provenance(commit="0", versions={}, device="here", config_digest="0")
SPCL = {"threshold": 0.4, "growth": 1.25}
STEPS = 3  # an epoch


def trained(curriculum):
    settings = CellSettings.from_config(
        {
            "seeds": [1],
            "training": {"epochs": 4, "batch_size": 6},
            "model": {},
            "curriculum": SPCL if curriculum == "spcl" else {},
        }
    )
    cell = Cell("made", "late_fusion", "at", curriculum)
    return train_cell(cell, *CORPUS, settings, provenance=STAMP)


def spoil_loss(logits):
    return {m: z * float("nan") for m, z in logits.items()}


def spoil_gradients(logits):
    logits["a"].register_hook(lambda gradient: gradient * float("inf"))
    return logits


def spoilt_from(epoch, spoil, curriculum, monkeypatch):
    """What a cell leaves whose numbers run away in this epoch."""

    def forward(model, batch):
        logits = whole(model, batch)
        steps.append(model.training)
        return spoil(logits) if model.training and sum(steps) > STEPS * (epoch - 1) else logits

    steps, whole = [], LateFusion.forward
    with monkeypatch.context() as patch:
        patch.setattr(LateFusion, "forward", forward)
        return trained(curriculum)


@pytest.fixture(scope="module")
def sound():
    """The tables of a cell with SPCL and of one without."""
    return {curriculum: trained(curriculum) for curriculum in ("none", "spcl")}


def shown(folder, cells):
    """The tables main and findings that are made of `cells`."""
    results = {kind: [] for kind in KINDS}
    for name, tables in cells.items():
        paths = {kind: folder / name / f"{kind}.parquet" for kind in KINDS}
        tables.write(paths)
        for kind, path in paths.items():
            results[kind].append(path)
    return [tabulate(name, Results(**results)) for name in ("main", "findings")]


@pytest.mark.parametrize("spoil", [spoil_loss, spoil_gradients], ids=["loss", "gradients"])
def test_the_best_epoch_before_the_divergence_counts(spoil, sound, monkeypatch):
    tables = spoilt_from(3, spoil, "none", monkeypatch)
    assert tables.metrics["diverged"].to_pylist() == [True, True]
    assert tables.history["epoch"].to_pylist() == [1, 2, 3]
    assert tables.metrics["best_epoch"].to_pylist()[0] in (1, 2)
    probabilities = np.stack(tables.predictions["probabilities"].to_pylist())
    assert np.isfinite(probabilities).all()


@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize("curriculum", ["none", "spcl"])
def test_tables_and_findings_say_which_cell_diverged(
    epoch, curriculum, sound, tmp_path, monkeypatch
):
    """Also where it is the one that the other is compared with."""
    tables = spoilt_from(epoch, spoil_loss, curriculum, monkeypatch)
    main, findings = shown(tmp_path, sound | {curriculum: tables})
    n = dict(zip(main.data["curriculum"], main.data["n_diverged"], strict=True))
    assert n == {"none": 0, "spcl": 0} | {curriculum: 1}
    assert f"{curriculum}†" in main.markdown().replace(" ", "").replace("\\", "")
    assert "† The training of at least one seed diverged" in main.markdown()
    said = findings.data.set_index("measure")["statement"]["cells that diverged"]
    assert said.startswith("In 1 of 1 cells a training with spcl or without diverged;")


def test_a_score_without_any_epoch_is_epoch_zero(monkeypatch):
    tables = spoilt_from(1, spoil_loss, "none", monkeypatch)
    assert tables.metrics["best_epoch"].to_pylist() == [0, 0]
    assert tables.history.num_rows == 1


def test_sound_trainings_carry_no_sign(sound, tmp_path):
    main, findings = shown(tmp_path, sound)
    assert "†" not in main.markdown()
    assert "cells that diverged" not in set(findings.data["measure"])
