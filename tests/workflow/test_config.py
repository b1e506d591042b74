"""The check of a config, without Snakemake."""

import copy

import pytest
import yaml

from spcl import curriculum, extract, models
from spcl.config import check
from spcl.errors import UserError
from spcl.grid import Cell, cell_settings, cells
from spcl.training.settings import CellSettings
from tests.workflow.conftest import GRID, ROOT

SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"


def fault(config):
    with pytest.raises(UserError) as error:
        check(config, SCHEMA, "config.yaml")
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix("config.yaml: ")


@pytest.fixture
def config():
    return copy.deepcopy(GRID)


def test_defaults_are_filled_in(config):
    check(config, SCHEMA, "config.yaml")
    assert config["device"] == "auto"
    assert config["difficulty"] == {"folds": 5, "seed": 0}
    assert config["datasets"]["meld-one"]["protocol_seed"] == 0
    assert config["features"]["t"]["options"] == {}


def test_a_default_is_not_shared_between_keys(config):
    check(config, SCHEMA, "config.yaml")
    config["features"]["t"]["options"]["x"] = 1
    assert config["features"]["a"]["options"] == {}


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_projects_own_configs_pass(path):
    check(yaml.safe_load(path.read_text()), SCHEMA, str(path))


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_projects_own_configs_can_be_built(path):
    config = yaml.safe_load(path.read_text())
    for letter, choice in config["features"].items():
        extract.names(letter).index(choice["extractor"])
    for cell in cells(config):
        settings = cell_settings(config, cell)
        CellSettings.from_config(settings)
        curriculum.build(cell.curriculum, **settings["curriculum"])
        if cell.modalities == "at":
            sizes = {"widths": {"a": 4, "t": 6}, "n_classes": 3, "n_speakers": 2}
            models.build(cell.baseline, **sizes, **settings["model"])


def test_every_key_of_the_schema_is_explained():
    page = (ROOT / "config" / "README.md").read_text()

    def keys(rules):
        for name, inner in rules.get("properties", {}).items():
            yield name
            yield from keys(inner)
        if isinstance(rules.get("additionalProperties"), dict):
            yield from keys(rules["additionalProperties"])

    schema = yaml.safe_load(SCHEMA.read_text())
    named = {name for part in [schema, *schema["$defs"].values()] for name in keys(part)}
    assert [name for name in sorted(named) if f"`{name}`" not in page] == []


def test_a_number_that_yaml_reads_as_text_says_how_to_write_it(config):
    config["training"]["learning_rate"] = yaml.safe_load("1e-4")
    assert fault(config) == (
        "training.learning_rate: '1e-4' is text, not a number; YAML wants a dot in it, as in 1.0e-4"
    )


def test_a_simulated_corpus_may_lie_in_one_place_only(config):
    config["datasets"]["meld-one"]["path"] = "data/meld"
    assert fault(config).startswith("datasets.meld-one.path: ")


def test_a_modality_of_the_grid_needs_an_extractor(config):
    config["grid"]["modalities"] = ["atv"]
    assert fault(config).startswith("grid.modalities: modality 'v' has no extractor")


def test_settings_of_cells_name_known_axes(config):
    config["curricula"]["spcl"]["cells"] = [{"dataset": "meld-two", "threshold": 1.0}]
    assert fault(config).startswith("curricula.spcl.cells: 'meld-two' is not defined")


def test_a_missing_key_is_named(config):
    del config["grid"]["seeds"]
    assert fault(config).startswith("grid: key 'seeds' is missing")


@pytest.fixture
def plug_ins(tmp_path, monkeypatch):
    """A working folder with files of a user's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gru.py").write_text("class GRU:\n    pass\n\n\nMODEL = GRU\n")
    (tmp_path / "mine.py").write_text("NEEDS = {'probs': {}}\nCURRICULUM = object\n")


def test_a_source_may_be_given_for_a_name_of_ones_own(config, plug_ins):
    config["baselines"]["my_gru"] = {"source": "gru.py", "model": {"hidden": 3}}
    config["curricula"]["spcl-2"] = {"source": "spcl.curriculum.spcl"}
    check(config, SCHEMA, "config.yaml")


@pytest.mark.parametrize(
    ("axis", "name", "entry", "says"),
    [
        ("baselines", "my_gru", {}, "baselines: there is no 'my_gru'; there are: "),
        ("baselines", "g", {"source": ""}, "baselines.g.source: "),
        ("baselines", "g", {"source": 3}, "baselines.g.source: "),
        ("baselines", "g", {"source": "gruu.py"}, "baselines.g.source: there is no file gruu.py; "),
        ("baselines", "g", {"source": "lab.gru"}, "baselines.g.source: there is no module 'lab.gr"),
        ("baselines", "g", {"source": "mine.py"}, "baselines.g: mine.py does not define MODEL; "),
        ("curricula", "m", {"source": "mine.py"}, "curricula.m: mine.py:1: NEEDS names 'probs'; "),
        ("curricula", "m", {"surce": "x.py"}, "curricula.m: unknown key 'surce'; did you mean 'so"),
    ],
)
def test_a_wrong_source_is_explained(config, plug_ins, axis, name, entry, says):
    config[axis][name] = entry
    assert fault(config).startswith(says)


def test_an_unknown_baseline_says_how_to_add_ones_own(config):
    config["baselines"]["my_gru"] = None
    assert fault(config).endswith(
        "for one of your own write 'my_gru: {source: my/my_gru.py}', see docs/plug-in.md"
    )


PUBLISHED = """
    iemocap biddin        0.7 1.85   1    1.85  0.7 1.85  0.4  1.85
    iemocap dialogue_gcn  0.7 1.25   0.65 1.25  0.7 1.2   0.8  1.25
    iemocap mm_dfn        0.4 1.2    0.35 1.1   0.4 1.25  0.35 1.1
    iemocap mmgcn         0.4 1.1    1.3  1.4   1.3 1.4   1.3  1.4
    meld    biddin        0.75 1.05  1    1.05  0.8 1.05  0.75 1.05
    meld    dialogue_gcn  0.7 1.25   0.7  1.25  0.7 1.25  0.7  1.25
    meld    mm_dfn        0.2 1.6    0.2  1.6   0.2 1.8   0.2  1.6
    meld    mmgcn         0.4 1.25   0.4  1.7   0.4 1.6   0.4  1.6
"""
"""Threshold and growth of atv, at, tv, av, as the authors' README gives them."""


def test_the_papers_grid_has_the_published_thresholds():
    config = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())
    expected = {}
    for line in PUBLISHED.split("\n")[1:-1]:
        dataset, baseline, *numbers = line.split()
        for i, modalities in enumerate(("atv", "at", "tv", "av")):
            threshold, growth = map(float, numbers[2 * i : 2 * i + 2])
            cell = Cell(dataset, baseline, modalities, "spcl")
            expected[cell] = {"threshold": threshold, "growth": growth}
    found = {
        cell: cell_settings(config, cell)["curriculum"]
        for cell in cells(config)
        if cell.curriculum == "spcl"
    }
    assert found == expected
