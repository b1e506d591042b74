"""The examples of `docs/plug-in.md` work as shown."""

import ast
import math
import re
import sys
import tomllib
from importlib.metadata import entry_points

import pytest
import torch
import yaml
from snakemake.utils import update_config

from spcl import curriculum, models
from spcl.curriculum import TrainingSet
from spcl.models import Batch
from spcl.provenance.environment import Provenance
from spcl.study import extensions
from spcl.study.config import check
from spcl.study.extensions import BASELINE, CURRICULUM, find
from spcl.study.grid import Cell, cell_settings, cells
from spcl.study.python_files import modules_with
from spcl.training.cell import train_cell
from spcl.training.settings import CellSettings
from tests.conftest import make_corpus
from tests.docs.pages import ROOT, Page

PAGE = Page("plug-in.md")
LOOP, AUTO, BALANCE, NEEDS = PAGE.blocks
PROVENANCE = Provenance(commit="0", versions={}, device="here", config_digest="0")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with the files of the page."""
    PAGE.write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shares(printed):
    return [int(share) for share in re.findall(r"(\d+)% of the utterances admitted", printed)]


def test_the_loop_runs_and_admits_more_and_more(capsys):
    exec(LOOP, {})
    admitted = shares(capsys.readouterr().out)
    assert len(admitted) == 10
    assert 0 < admitted[0] < 60
    assert admitted == sorted(admitted)


def test_the_threshold_needs_no_tuning_with_probes(capsys):
    loop = LOOP[LOOP.index("for epoch in") :]
    names = {}
    exec(LOOP[: LOOP.index("for epoch in")] + AUTO + loop, names)
    admitted = shares(capsys.readouterr().out)
    assert admitted[0] == pytest.approx(30, abs=3)
    assert min(admitted[4:]) == 100 > admitted[3]


def test_a_balancing_method_changes_the_gradients_of_the_loop():
    def weights(balance):
        names = {}
        exec(LOOP[: LOOP.index("for epoch in")] + balance, names)
        return torch.cat([p.detach().flatten() for p in names["model"].parameters()])

    off = BALANCE.replace("alpha=0.8", "alpha=0.0")
    without = BALANCE.replace("curriculum.adjust(", "dict(")
    assert torch.equal(weights(off), weights(without))
    assert not torch.allclose(weights(BALANCE), weights(off), atol=1e-3)


def test_the_page_says_what_a_loop_does_for_every_balancing_method():
    rows = PAGE.text.split("| method | what your loop does")[1].split("## Add a baseline")[0]
    first_column = " ".join(re.findall(r"^\| (.*?) \|", rows, re.MULTILINE))
    folder = ROOT / "spcl" / "curriculum" / "balancing"
    assert set(re.findall(r"`(\w+)`", first_column)) == {*modules_with(folder, "CURRICULUM")}


def test_padded_logits_are_packed_by_a_mask():
    batch = Batch(
        features={},
        lengths=torch.tensor([2, 3]),
        speakers=torch.zeros(5, dtype=torch.int64),
        labels=torch.zeros(5, dtype=torch.int64),
    )
    x = torch.randn(5, 4)
    assert torch.equal(batch.pad(x)[batch.mask], x)


def configured(file):
    """The demo's config with the one of the page on top, as Snakemake merges them."""
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    update_config(config, yaml.safe_load(PAGE.files[file]))
    check(config, ROOT / "workflow" / "schemas" / "config.schema.yaml", file)
    return config


def trained(config, cell, corpus):
    settings = CellSettings.from_config(cell_settings(config, cell))
    return train_cell(cell, *corpus, settings, provenance=PROVENANCE)


@pytest.mark.parametrize("chosen", ["none", "spcl"])
def test_the_baseline_trains_and_keeps_its_promises(folder, caplog, chosen):
    config = configured("my.yaml")
    cell = Cell("meld-sim", "my_gru", "at", chosen)
    assert cell in cells(config)
    with caplog.at_level("INFO", "spcl"):
        tables = trained(config, cell, make_corpus([8] * 30))
    metrics = tables.metrics.to_pandas().query("split == 'test'")
    assert metrics["weighted_f1"].min() > 0.7
    assert "baselines.my_gru" not in caplog.text


def test_the_curriculum_trains_from_short_dialogues_to_long_ones(folder):
    config = configured("my-curriculum.yaml")
    cell = Cell("meld-sim", "mmgcn", "at", "short_first")
    assert cell in cells(config)
    lengths = [5, 2, 9, 4, 6, 3, 7, 8, 2, 5, 6, 4, 3, 2, 2]
    tables = trained(config, cell, make_corpus(lengths, unlabelled={3}))
    history = tables.history.to_pandas().query("seed == 1").set_index("epoch")
    share = history["admitted_share"]
    full = math.ceil(0.4 * len(share))
    assert share[1] > 0
    assert share[:full].is_monotonic_increasing
    assert share[:full].is_unique
    assert (share[full:] == 1).all()
    first = tables.curriculum.to_pandas().query("seed == 1")
    length = dict(enumerate(lengths))
    first["length"] = first["dialogue_id"].str[1:].astype(int).map(length)
    in_order = first.sort_values("length", kind="stable")["first_epoch"]
    assert in_order.is_monotonic_increasing
    assert in_order.iloc[0] == 1 < in_order.iloc[-1]


@pytest.mark.parametrize("baseline", ["mmgcn", "my_gru"])
def test_the_balancing_method_trains_alone_and_combined(folder, caplog, baseline):
    config = configured("my-method.yaml")
    config["curricula"]["spcl"]["settings"]["threshold"] = 0.1  # does not admit everything
    corpus = make_corpus([5, 2, 9, 4, 6, 3, 7, 8, 2, 5, 6, 4, 3, 2, 2])

    def losses(chosen, **settings):
        cell = Cell("meld-sim", baseline, "at", chosen)
        assert cell in cells(config)
        config["curricula"]["slow_leader"]["settings"] |= settings
        return trained(config, cell, corpus).history["train_loss"].to_pylist()

    with caplog.at_level("INFO", "spcl"):
        found = {name: losses(name) for name in ("none", "spcl", "slow_leader", "both")}
    assert len({tuple(values) for values in found.values()}) == 4
    assert losses("slow_leader", factor=1.0) == found["none"]
    assert losses("both", factor=1.0) == found["spcl"]
    assert "my_gru:" not in caplog.text


def test_entry_points_need_no_source(folder, monkeypatch):
    points = tomllib.loads(PAGE.files["pyproject.toml"])["project"]["entry-points"]
    facts = folder / "mylab-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: mylab\nVersion: 1.0\n")
    lines = [f"[{group}]\n{k} = {v}\n" for group, p in points.items() for k, v in p.items()]
    (facts / "entry_points.txt").write_text("".join(lines))
    (folder / "my").rename(folder / "mylab")
    monkeypatch.syspath_prepend(folder)
    extensions._installed.cache_clear()
    try:
        assert [point.value for point in entry_points(group="spcl.baselines")] == ["mylab.gru"]
        assert find(BASELINE, "my_gru").path == folder / "mylab" / "gru.py"
        assert find(CURRICULUM, "short_first").module == "mylab.short_first"
        sizes = {"widths": {"a": 3}, "n_classes": 2, "n_speakers": 2}
        assert type(models.build("my_gru", **sizes, hidden=5)).__name__ == "GRU"
        assert curriculum.build("short_first", full_at=0.3).full_at == 0.3
    finally:
        extensions._installed.cache_clear()
        for name in [name for name in sys.modules if name.split(".")[0] == "mylab"]:
            del sys.modules[name]


def test_needs_are_those_that_there_are():
    (statement,) = ast.parse(NEEDS).body
    assert set(ast.literal_eval(statement.value)) < set(extensions.NEEDS)
    for need in extensions.NEEDS:
        assert f"| `{need}` |" in PAGE.text
        assert need in TrainingSet.__dataclass_fields__


def test_the_fields_of_a_batch_are_those_that_there_are():
    section = PAGE.text.split("is a `spcl.models.Batch`")[1].split("**The logits of a dialogue")[0]
    first_column = " ".join(re.findall(r"^\| (.*?) \|", section, re.MULTILINE))
    named = re.findall(r"`(\w+)(?:\[m\]|\(x\))?`", first_column)
    batch = Batch({}, torch.tensor([1]), torch.tensor([0]), torch.tensor([0]))
    assert len(named) == 10
    assert all(hasattr(batch, name) for name in named)
