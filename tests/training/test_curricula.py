"""Training with every curriculum: reproducible, paired, with the expected admissions."""

import functools

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from spcl.curriculum import CurriculumStep, SelfPacedCurriculum, spcl
from spcl.errors import UserError
from spcl.provenance.environment import Provenance
from spcl.study.grid import CELL_TABLES, Cell
from spcl.study.python_files import LIBRARY, modules_with
from spcl.tables import schemas
from spcl.tables.parquet import read
from spcl.training import cell, loop
from spcl.training.cell import train_cell
from spcl.training.cell_tables import KINDS
from spcl.training.settings import CellSettings
from spcl.training.training_set import EarlierTables
from tests.conftest import make_corpus
from tests.training.conftest import earlier_tables

PROVENANCE = Provenance(commit="0", versions={}, device="here", config_digest="0")
SPCL = {"threshold": 0.3, "growth": 1.5}
AUTO = {"threshold": "auto"}
SETTINGS = {"spcl": SPCL, "spl": SPCL, "coherence": AUTO}
EIGHT = modules_with(LIBRARY / "curriculum", "CURRICULUM")
LENGTHS = [5, 1, 9, 4, 6, 3, 7, 2, 8, 5, 6, 4]


@functools.cache
def made():
    """A corpus, and its tables of the earlier stages with the pace of an SPCL cell."""
    corpus = make_corpus(LENGTHS, signal=0.7, unlabelled={3, 20})
    paced = train("spcl", earlier=EarlierTables(), corpus=corpus).history
    return corpus, earlier_tables(*corpus, paced=paced)


def train(name, settings=None, *, earlier=None, corpus=None, seeds=(1, 2), **training):
    corpus, earlier = (corpus, earlier) if corpus else made()
    settings = CellSettings.from_config(
        {
            "seeds": seeds,
            "training": {"epochs": 4, "batch_size": 3, "learning_rate": 0.003} | training,
            "model": {"hidden": 8, "dropout": 0.2},
            "curriculum": SETTINGS.get(name, {}) if settings is None else settings,
        }
    )
    address = Cell("made", "late_fusion", "at", name)
    return train_cell(address, *corpus, settings, earlier, provenance=PROVENANCE)


def test_there_are_eight():
    assert EIGHT == (
        "anti",
        "baby_step",
        "coherence",
        "none",
        "random_pacing",
        "spcl",
        "spl",
        "transfer_teacher",
    )


@pytest.mark.parametrize("name", EIGHT)
def test_each_trains_and_gives_the_same_again(name, tmp_path):
    first, second = train(name), train(name)
    paths = {kind: tmp_path / f"{kind}.parquet" for kind in KINDS}
    first.write(paths)
    history = read(paths["history"], schemas.HISTORY).to_pandas()
    assert history["admitted_share"].between(0, 1).all()
    assert np.isfinite(history["train_loss"]).all()
    read(paths["metrics"], schemas.METRICS)
    read(paths["curriculum"], schemas.ADMISSIONS)
    for kind in CELL_TABLES[1:]:
        assert getattr(first, kind).equals(getattr(second, kind))


class BeforeTheOptions(SelfPacedCurriculum):
    """The steps of `spcl` as they were before it had `utterance` and `dependencies`."""

    def forward(self, logits, labels, lengths, rows=None):
        z = torch.stack(tuple(logits.values()))
        labelled, dialogue = labels >= 0, torch.repeat_interleave(lengths)
        loss = cross_entropy(z.sum(0), labels, ignore_index=-1, reduction="none")
        index = labels.clamp(min=0).expand(len(z), -1).unsqueeze(-1)
        log_p = z.detach().gather(-1, index).squeeze(-1) - z.detach().logsumexp(-1)
        probability = log_p.exp() * labelled
        s_m = torch.zeros(len(z), len(lengths)).index_add(1, dialogue, probability)
        s, rho = s_m.std(0)[dialogue], loss.detach()
        rho = torch.where(s + rho > 0, 2 * s * rho / (s + rho), s + rho)
        rho = rho.masked_fill(~labelled, float("inf"))
        if self.pacing is not None:
            self.threshold.copy_(self.pacing(rho))
        selected = (rho <= self.threshold) & labelled
        loss = (loss * selected).sum() / labelled.sum().clamp(min=1)
        return CurriculumStep(loss, selected, rho, s_m, probability)


@pytest.mark.parametrize("settings", [SPCL, AUTO])
def test_without_its_options_spcl_gives_the_bytes_that_it_gave_before_it_had_them(
    settings, monkeypatch
):
    off = train("spcl", settings | {"utterance": "joint", "dependencies": False})
    default = train("spcl", settings)
    monkeypatch.setattr(spcl, "CURRICULUM", BeforeTheOptions)
    before = train("spcl", settings)
    for kind in CELL_TABLES[1:]:
        assert getattr(default, kind).equals(getattr(before, kind))
        assert getattr(off, kind).equals(getattr(before, kind))


@pytest.mark.parametrize("option", [{"utterance": "modality"}, {"dependencies": True}])
@pytest.mark.parametrize("settings", [SPCL, AUTO])
def test_each_option_of_spcl_trains_differently_and_gives_the_same_again(settings, option):
    first, second = (train("spcl", settings | option) for _ in range(2))
    for kind in CELL_TABLES[1:]:
        assert getattr(first, kind).equals(getattr(second, kind))
    assert np.isfinite(first.history["train_loss"]).all()
    assert not first.history.equals(train("spcl", settings).history)


@pytest.mark.parametrize("name", EIGHT)
def test_all_start_from_the_same_weights_and_see_the_same_batches_and_masks(name, monkeypatch):
    """With a learning rate of 0, all training logits equal those of no curriculum."""

    def logits_of(name):
        seen = []

        def keep(model, batch, logits):
            if model.training:
                seen.append(torch.stack(tuple(logits.values())).detach())

        def watched(model, *arguments, **options):
            model.register_forward_hook(keep)
            return loop.Training(model, *arguments, **options)

        monkeypatch.setattr(cell, "Training", watched)
        train(name, learning_rate=0.0, weight_decay=0.0, seeds=[1])
        return seen

    made()  # trains too, and is not to be watched
    found, expected = logits_of(name), logits_of("none")
    assert len(found) == len(expected) == 4 * 3
    assert all(map(torch.equal, found, expected))


def test_random_pacing_admits_as_many_as_spcl_in_each_epoch():
    spcl, random = train("spcl").history, train("random_pacing").history
    shares = spcl["admitted_share"].to_pylist()
    assert random["admitted_share"].to_pylist() == shares
    assert 0 < shares[0] < 1
    assert len(set(shares)) > 2


def test_random_pacing_does_not_admit_the_same_as_spcl():
    spcl, random = train("spcl").curriculum, train("random_pacing").curriculum
    assert not random["first_epoch"].equals(spcl["first_epoch"])


@pytest.mark.parametrize("name", ["spcl", "spl", "coherence"])
def test_an_automatic_threshold_admits_its_first_share_and_everything_at_full_at(name):
    corpus = make_corpus([10] * 60, signal=0.7)
    tables = train(name, AUTO, corpus=corpus, earlier=earlier_tables(*corpus), seeds=[1], epochs=6)
    shares = tables.history["admitted_share"].to_numpy()
    assert shares[0] == pytest.approx(0.3, abs=0.05)
    assert (shares[2:] == 1).all()
    assert shares[1] < 1


def test_history_has_the_threshold_at_the_end_of_the_epoch(monkeypatch):
    at_the_end = []

    class Watched(SelfPacedCurriculum):
        def step(self):
            at_the_end.append(float(self.threshold))
            super().step()

    monkeypatch.setattr(spcl, "CURRICULUM", Watched)
    history = train("spcl", AUTO).history
    assert history["threshold"].to_pylist() == at_the_end
    assert len(set(at_the_end)) > 2
    assert np.isfinite(at_the_end).all()


@pytest.mark.parametrize(
    ("name", "settings"),
    [("spcl", AUTO), ("baby_step", {}), ("transfer_teacher", {}), ("random_pacing", {})],
)
def test_a_curriculum_without_what_it_needs_is_refused(name, settings):
    corpus, _ = made()
    with pytest.raises(UserError, match=rf"^curricula.{name}: "):
        train(name, settings, corpus=corpus, earlier=EarlierTables())


MINE = """
import torch
from torch import nn
from spcl.curriculum import Curriculum
from spcl.curriculum.none import NoCurriculum

class Linear(nn.Module):
    def __init__(self, *, widths, n_classes, n_speakers, depth=1):
        super().__init__()
        if depth != 1:
            raise ValueError("depth: only 1 works")
        self.heads = nn.ModuleDict({m: nn.Linear(d, n_classes) for m, d in widths.items()})

    def forward(self, batch):
        return {m: head(batch.features[m]) for m, head in self.heads.items()}

class Watchful(NoCurriculum):
    def start(self, training_set):
        assert training_set.epochs == 2

MODEL = Linear
CURRICULUM = Watchful
"""


def test_a_custom_baseline_and_curriculum_are_trained(corpus, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    settings = {
        "seeds": [1],
        "training": {"epochs": 2},
        "model": {},
        "curriculum": {},
        "baseline_source": str(file),
        "curriculum_source": str(file),
    }
    address = Cell("made", "linear", "at", "watchful")
    tables = train_cell(address, *corpus, CellSettings.from_config(settings), provenance=PROVENANCE)
    assert set(tables.history["baseline"].to_pylist()) == {"linear"}
    wrong = CellSettings.from_config(settings | {"model": {"depth": 2}})
    with pytest.raises(UserError, match=r"baselines.linear.model: .*depth: only 1 works"):
        train_cell(address, *corpus, wrong, provenance=PROVENANCE)
