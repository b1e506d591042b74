"""Training with balancing methods: paired with `none`, on every baseline, alone or combined."""

import functools
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from spcl.errors import UserError
from spcl.provenance.environment import Provenance
from spcl.study.extensions import BASELINE, names
from spcl.study.grid import Cell
from spcl.study.python_files import LIBRARY, modules_with
from spcl.tables import parquet
from spcl.training.cell import train_cell
from spcl.training.dialogues import load_corpus
from spcl.training.rescoring import contradictions
from spcl.training.settings import CellSettings
from spcl.training.training_set import EarlierTables, training_set
from tests.conftest import make_corpus
from tests.training.conftest import earlier_tables, teacher_tables

PROVENANCE = Provenance(commit="0", versions={}, device="here", config_digest="0")
METHODS = modules_with(LIBRARY / "curriculum" / "balancing", "CURRICULUM")
EVERY_EPOCH = {"gradient_blending": {"every": 1}, "relearning": {"every": 1}}
OFF = {
    "agm": {"alpha": 0},
    "cggm": {"rho": 0, "weight": 0},
    "gradient_blending": {"weight": 0},
    "mmpareto": {"weight": 0},
    "modality_dropout": {"p": 0},
    "ogm_ge": {"alpha": 0},
    "opm": {"base": 0},
    "relearning": {"strength": 0},
    "unimodal_loss": {"weight": 0},
    "unimodal_teacher": {"weight": 0},
}
WITHOUT_PARAMETERS = {
    "gradient_blending",
    "modality_dropout",
    "opm",
    "unimodal_loss",
    "unimodal_teacher",
}
SPCL = {"threshold": 0.5, "growth": 1.3}
SMALL = {
    "biddin": {"global_hidden": 6, "party_hidden": 8, "emotion_hidden": 4, "classifier_hidden": 5},
    "dialogue_gcn": {"hidden": 9, "graph_hidden": 7},
    "late_fusion": {"hidden": 8},
    "mm_dfn": {"hidden": 8},
    "mmgcn": {"hidden": 8},
}
each_method = pytest.mark.parametrize("method", METHODS)
KINDS = ("history", "predictions", "curriculum")


@functools.cache
def corpus():
    """Dialogues with unlabelled utterances, and with missing video."""
    utterances, features = make_corpus(
        [5, 1, 9, 4, 6, 3, 7, 2, 8, 5, 6, 4], signal=0.7, unlabelled={3, 20}
    )
    rows = features["v"].num_rows
    kept = pa.array([i % 4 > 0 and not 6 <= i < 15 for i in range(rows)])  # one whole dialogue
    return utterances, features | {"v": features["v"].filter(kept)}


@functools.cache
def earlier():
    return earlier_tables(*corpus(), teachers=teacher_tables(*corpus(), seeds=(1,)))


def train(method, settings=None, *, baseline="late_fusion", modalities="atv", **changes):
    settings = {
        "seeds": (1,),
        "training": {"epochs": 3, "batch_size": 3, "learning_rate": 0.003},
        "model": SMALL.get(baseline, {}),
        "curriculum": EVERY_EPOCH.get(method, {}) if settings is None else settings,
    } | changes
    return train_cell(
        Cell("made", baseline, modalities, method),
        *corpus(),
        CellSettings.from_config(settings),
        earlier(),
        provenance=PROVENANCE,
    )


def combine(first, second, **options):
    """Train a combination; `first` and `second` are (name, settings)."""
    parts = {name: {"settings": settings, "source": None} for name, settings in (first, second)}
    return train("both", {}, combine=parts, **options)


def numbers(tables, kind):
    """A table without the name of the strategy."""
    return getattr(tables, kind).drop_columns("curriculum")


def assert_same(tables, others):
    for kind in KINDS:
        assert numbers(tables, kind).equals(numbers(others, kind)), kind


@functools.cache
def none(baseline="late_fusion", modalities="atv"):
    return train("none", baseline=baseline, modalities=modalities)


def test_every_method_can_be_switched_off():
    assert set(OFF) == set(METHODS)


@pytest.mark.parametrize("baseline", ["late_fusion", "mmgcn"])
@each_method
def test_at_strength_0_it_gives_the_bytes_of_no_strategy(method, baseline):
    assert_same(train(method, OFF[method], baseline=baseline), none(baseline))


@each_method
def test_with_one_modality_it_gives_the_bytes_of_no_strategy(method):
    assert_same(train(method, modalities="t"), none(modalities="t"))


@pytest.mark.parametrize("baseline", names(BASELINE))
@each_method
def test_it_trains_every_baseline_differently(method, baseline):
    loss = train(method, baseline=baseline).history["train_loss"].to_numpy()
    assert np.isfinite(loss).all()
    assert not (loss == none(baseline).history["train_loss"].to_numpy()).all()


@each_method
def test_with_two_modalities_it_trains_differently_and_gives_the_same_again(method):
    first = train(method, modalities="at")
    assert_same(first, train(method, modalities="at"))
    assert not first.history["train_loss"].equals(none(modalities="at").history["train_loss"])


def test_a_combination_with_a_method_at_strength_0_gives_the_bytes_of_the_curriculum():
    alone = train("spcl", SPCL)
    for method in METHODS:
        assert_same(combine(("spcl", SPCL), (method, OFF[method])), alone)


def test_a_combination_with_no_curriculum_gives_the_bytes_of_the_method():
    for method in METHODS:
        settings = EVERY_EPOCH.get(method, {})
        assert_same(combine(("none", {}), (method, settings)), train(method))


def test_a_combination_admits_like_a_curriculum_and_differs_from_both():
    both = combine(("spcl", SPCL), ("ogm_ge", {"alpha": 1.0}))
    shares = both.history["admitted_share"].to_pylist()
    assert 0 < shares[0] < 1
    assert both.history["threshold"].to_pylist() == pytest.approx([0.5, 0.65, 0.845])
    for alone in (train("spcl", SPCL), train("ogm_ge", {"alpha": 1.0})):
        assert not numbers(both, "history").equals(numbers(alone, "history"))


def test_a_combination_that_does_not_fit_is_one_line():
    with pytest.raises(UserError, match=r"^curricula.both: combine: name a curriculum first"):
        combine(("ogm_ge", {}), ("spcl", SPCL))


LINEAR = """
from torch import nn

class Linear(nn.Module):
    def __init__(self, *, widths, n_classes, n_speakers):
        super().__init__()
        self.heads = nn.ModuleDict({m: nn.Linear(d, n_classes) for m, d in widths.items()})

    def forward(self, batch):
        return {m: head(batch.features[m]) for m, head in self.heads.items()}

MODEL = Linear
"""
PARAMETERS = """
    def modality_parameters(self):
        return {m: list(head.parameters()) for m, head in self.heads.items()}

MODEL ="""


@each_method
def test_a_model_that_does_not_name_its_parameters_takes_the_methods_without_them(method, tmp_path):
    source = tmp_path / "linear.py"
    source.write_text(LINEAR)
    options = {"baseline": "linear", "baseline_source": str(source)}
    if method in WITHOUT_PARAMETERS:
        train(method, **options)
    else:
        with pytest.raises(UserError) as error:
            train(method, **options)
        assert str(error.value) == (
            f"curricula.{method}: needs the parameters of each modality, and baselines.linear does"
            " not define modality_parameters(); add it, see docs/plug-in.md"
        )
    source = tmp_path / "named.py"
    source.write_text(LINEAR.replace("\nMODEL =", PARAMETERS))
    train(method, baseline="linear", baseline_source=str(source))


@pytest.mark.parametrize("method", ["gradient_blending", "relearning"])
def test_without_a_dev_split_a_method_that_needs_one_is_refused(method, monkeypatch):
    utterances, features = corpus()
    split = np.array(utterances["split"].to_pylist())
    split[split == "dev"] = "test"
    facts = parquet.metadata(utterances) | {"protocol": "best-test-epoch"}
    place = utterances.column_names.index("split")
    utterances = utterances.set_column(place, "split", pa.array(list(split)))
    utterances = parquet.describe(utterances, **facts)
    monkeypatch.setitem(globals(), "corpus", lambda: (utterances, features))
    with pytest.raises(UserError) as error:
        train(method)
    assert str(error.value) == (
        f"curricula.{method}: needs the split 'dev', which protocol 'best-test-epoch' does not"
        " have; choose another protocol for datasets.made"
    )


def test_a_teacher_has_predictions_for_train_that_agree_with_its_scores():
    tables = train("none", modalities="t", predict_train=True)
    assert_same(
        replace(tables, predictions=tables.predictions.filter(pc.field("split") != "train")),
        none(modalities="t"),
    )
    assert set(tables.metrics["split"].to_pylist()) == {"train", "dev", "test"}
    assert list(contradictions(tables)) == []


def test_a_teacher_without_predictions_for_train_is_one_line(monkeypatch):
    tables = earlier().teachers
    cut = {m: t.filter(pc.field("split") != "train") for m, t in tables.items()}
    changed = replace(earlier(), teachers=cut)
    monkeypatch.setitem(globals(), "earlier", lambda: changed)
    with pytest.raises(
        UserError, match=r"results/cells/made/late_fusion/a/none/predictions.parquet"
    ):
        train("unimodal_teacher")


def test_each_seed_follows_the_teacher_of_its_seed():
    tables = teacher_tables(*corpus(), seeds=(1, 2))
    loaded = load_corpus(*corpus(), "atv", scale="standard", device="cpu")
    cell = Cell("made", "late_fusion", "atv", "unimodal_teacher")
    of = {
        seed: training_set(
            EarlierTables(teachers=tables), loaded, cell, paced=cell, epochs=1, seed=seed
        ).teachers
        for seed in (1, 2)
    }
    for seed, teachers in of.items():
        for m, log_p in teachers.items():
            rows = tables[m].to_pandas()
            rows = rows[(rows["seed"] == seed) & (rows["split"] == "train")]
            by_id = dict(zip(rows["utterance_id"], rows["probabilities"], strict=True))
            expected = np.stack([by_id[u] for u in loaded.splits["train"].utterance_ids])
            np.testing.assert_allclose(log_p.exp().numpy(), expected, atol=1e-5)
    assert not of[1]["a"].equal(of[2]["a"])
