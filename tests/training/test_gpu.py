"""Training on a GPU: the same results, and no step waits for the device."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from spcl import curriculum, models
from spcl.curriculum import TrainingSet
from spcl.provenance.environment import Provenance
from spcl.study.grid import Cell
from spcl.study.python_files import LIBRARY, modules_with
from spcl.training.cell import train_cell
from spcl.training.dialogues import load_corpus
from spcl.training.gradients import backward
from spcl.training.loop import Training
from spcl.training.settings import CellSettings, TrainingSettings
from spcl.training.training_set import training_set
from tests.conftest import make_corpus
from tests.training.conftest import earlier_tables

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
BASELINES = ("late_fusion", "mmgcn", "mm_dfn", "dialogue_gcn", "biddin")
LENGTHS = [5, 1, 9, 4, 6, 3, 7, 2, 8, 5, 6, 4]


@pytest.mark.parametrize("baseline", BASELINES)
def test_a_training_step_never_waits_for_the_device(baseline):
    corpus = load_corpus(*make_corpus(LENGTHS), "atv", scale="standard", device="cuda")
    model = models.build(
        baseline, widths=corpus.widths, n_classes=3, n_speakers=corpus.n_speakers
    ).cuda()
    chosen = curriculum.build("spcl", threshold=0.4, growth=1.25).cuda()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    dialogues = corpus.splits["train"]
    for index, (_, batch) in enumerate(dialogues.batches(np.arange(len(dialogues)), 2)):
        # The first step allocates, and may wait.
        mode = "error" if index else "default"
        torch.cuda.set_sync_debug_mode(mode)
        try:
            step = chosen(model(batch), batch.labels, batch.lengths)
            optimizer.zero_grad(set_to_none=True)
            step.loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0, foreach=True)
            optimizer.step()
        finally:
            torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("none", {}),
        ("spcl", {"threshold": "auto"}),
        ("spcl", {"threshold": "auto", "utterance": "modality", "dependencies": True}),
        ("spl", {"threshold": "auto"}),
        ("coherence", {"threshold": "auto"}),
        ("baby_step", {}),
        ("transfer_teacher", {}),
        ("random_pacing", {}),
        ("anti", {}),
    ],
)
def test_no_curriculum_waits_for_the_device(name, settings):
    tables = make_corpus(LENGTHS)
    corpus = load_corpus(*tables, "at", scale="standard", device="cuda")
    cell = Cell("made", "late_fusion", "at", name)
    pace = {"seed": [1, 1], "epoch": [1, 2], "admitted_share": [0.5, 1.0]}
    earlier = earlier_tables(*tables, paced=pa.table(pace))
    chosen = curriculum.build(name, **settings).cuda()
    chosen.start(training_set(earlier, corpus, cell, paced=cell, epochs=4, seed=1))
    dialogues = corpus.splits["train"]
    for index, (rows, batch) in enumerate(dialogues.batches(np.arange(len(dialogues)), 2)):
        logits = {m: torch.randn(len(rows), 3, device="cuda", requires_grad=True) for m in "at"}
        # The first step allocates, and may wait.
        torch.cuda.set_sync_debug_mode("error" if index else "default")
        try:
            step = chosen(logits, batch.labels, batch.lengths, rows)
            step.loss.backward()
        finally:
            torch.cuda.set_sync_debug_mode("default")
        assert step.selected.device == batch.labels.device
    chosen.step()


@pytest.mark.parametrize("baseline", ["late_fusion", "mmgcn"])
@pytest.mark.parametrize("name", modules_with(LIBRARY / "curriculum" / "balancing", "CURRICULUM"))
def test_no_balancing_method_waits_for_the_device(name, baseline):
    corpus = load_corpus(*make_corpus(LENGTHS), "at", scale="standard", device="cuda")
    dialogues = corpus.splits["train"]
    sizes = {"widths": corpus.widths, "n_classes": 3, "n_speakers": corpus.n_speakers}
    model = models.build(baseline, **sizes).cuda()
    chosen = curriculum.build(name).cuda()
    answers = torch.randn(2, len(dialogues.labels), 3, device="cuda").log_softmax(-1)
    lengths = torch.from_numpy(dialogues.lengths).cuda()
    teachers = dict(zip("at", answers, strict=True))
    chosen.start(TrainingSet(dialogues.labels, lengths, epochs=4, seed=1, teachers=teachers))
    training = Training(model, chosen, corpus, TrainingSettings(epochs=4), seed=1)
    for index in range(3):
        rows, batch = dialogues.batch(np.array([2 * index, 2 * index + 1]))
        training.optimizer.zero_grad()
        # The first step allocates, and may wait.
        torch.cuda.set_sync_debug_mode("error" if index else "default")
        try:
            batch = chosen.prepare(batch)
            step = chosen(model(batch), batch.labels, batch.lengths, rows)
            backward([(chosen, step, training.parameters)])
        finally:
            torch.cuda.set_sync_debug_mode("default")
    chosen.step()


@pytest.mark.parametrize("baseline", BASELINES)
def test_the_gpu_gives_what_the_cpu_gives(baseline):
    settings = CellSettings.from_config(
        {
            "seeds": [1],
            "training": {"epochs": 3, "batch_size": 3},
            "model": {"dropout": 0.0},
            "curriculum": {"threshold": 0.4, "growth": 1.25},
        }
    )
    tables = [
        train_cell(
            Cell("made", baseline, "atv", "spcl"),
            *make_corpus(LENGTHS),
            settings,
            device=device,
            provenance=Provenance(commit="0", versions={}, device=device, config_digest="0"),
        )
        for device in ("cpu", "cuda")
    ]
    losses = [table.history["train_loss"].to_numpy() for table in tables]
    np.testing.assert_allclose(losses[0], losses[1], atol=1e-3)
