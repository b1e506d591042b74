"""The check of a config, without Snakemake."""

import copy
import dataclasses
import json
import re

import pytest
import yaml

from spcl import curriculum, extract, models
from spcl.curriculum.combined import Combined
from spcl.data.formats import FORMATS
from spcl.data.splits import PROTOCOLS
from spcl.errors import UserError
from spcl.study.config import check, check_cell
from spcl.study.extensions import BASELINE, CURRICULUM, find, load, names
from spcl.study.grid import Cell, cell_settings, cells, strategies
from spcl.training.settings import CellSettings, TrainingSettings
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
        parts = [
            curriculum.build(load(find(CURRICULUM, name, one["source"])), **one["settings"])
            for name, one in strategies(cell, settings).items()
        ]
        if len(parts) > 1:
            Combined(*parts)
        if cell.modalities == "at":
            sizes = {"widths": {"a": 4, "t": 6}, "n_classes": 3, "n_speakers": 2}
            models.build(cell.baseline, **sizes, **settings["model"])


PAGE = (ROOT / "config" / "README.md").read_text(encoding="utf-8")


def sections():
    """Of config/README.md: the keys that each heading names, and the rows below it by key."""
    for part in re.split(r"^##+ ", PAGE, flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", text, re.MULTILINE)
        paths = [""] if heading == "Top level" else re.findall(r"`([\w.<>]+)`", heading)
        yield paths, dict(rows)


def keys(rules, schema, path=()):
    """The path of every key of the schema, and what the schema says of it."""
    if "$ref" in rules:
        rules = rules | schema["$defs"][rules["$ref"].rpartition("/")[2]]
    for name, inner in rules.get("properties", {}).items():
        yield (*path, name), inner
        of_modality = path[-1:] == ("features",)
        yield from keys(inner, schema, (*path, "<modality>" if of_modality else name))
    if isinstance(rules.get("additionalProperties"), dict):
        yield from keys(rules["additionalProperties"], schema, (*path, "<name>"))
    inside = [rules["items"]] if "items" in rules else []
    for part in (*rules.get("allOf", []), *inside):
        yield from keys(part, schema, path)


@pytest.fixture(scope="module")
def explained():
    """Every key of the schema, and the row that explains it: its own or that of its parent."""
    schema = yaml.safe_load(SCHEMA.read_text())
    page = {path: rows for paths, rows in sections() for path in paths}
    found = {}
    for path, rules in keys(schema, schema):
        *parent, name = path
        own = page.get(".".join(parent), {}).get(name)
        above = page.get(".".join(parent[:-1]), {}).get(parent[-1], "") if parent else ""
        found[".".join(path)] = rules, own or (above if f"`{name}`" in above else None)
    return found


def test_every_key_of_the_schema_is_explained(explained):
    assert len(explained) > 60
    assert [path for path, (_, row) in explained.items() if row is None] == []


def test_every_explained_key_is_in_the_schema(explained):
    for paths, rows in sections():
        for key in rows if paths else ():
            assert any(f"{path}.{key}".lstrip(".") in explained for path in paths), key


def test_every_default_of_the_schema_is_shown(explained):
    for path, (rules, row) in explained.items():
        if rules.get("default"):
            assert f"`{json.dumps(rules['default']).strip(chr(34))}`" in row, path


def test_every_default_of_the_training_is_shown():
    (rows,) = (rows for paths, rows in sections() if "training" in paths)
    for field in dataclasses.fields(TrainingSettings):
        if field.default not in (dataclasses.MISSING, None):
            shown = rows[field.name].split("|")[0].strip(" `")
            assert yaml.safe_load(shown) == field.default


def test_the_page_names_all_choices(explained):
    def named(path):
        return set(re.findall(r"`(\w[\w-]*)`", explained[path][1]))

    assert named("grid.baselines") == {*names(BASELINE)}
    assert named("grid.curricula") == {*names(CURRICULUM)}
    assert named("datasets.<name>.layout") == {*FORMATS}
    assert named("datasets.<name>.protocol") == {*PROTOCOLS}
    for path, (rules, row) in explained.items():
        for choice in rules.get("enum", []):
            assert choice is None or f"`{choice}`" in row, path


def merged(config, part):
    """As Snakemake merges the files that it is given."""
    both = dict(config)
    for key, value in part.items():
        nested = isinstance(value, dict) and isinstance(both.get(key), dict)
        both[key] = merged(both[key], value) if nested else value
    return both


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_every_example_passes_on_top_of_the_papers_config(example):
    paper = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())
    paper["curricula"]["spcl"]["settings"] = {"threshold": 1.0, "growth": 1.1}
    check(merged(paper, yaml.safe_load(example)), SCHEMA, "example.yaml")


def test_a_number_that_yaml_reads_as_text_says_how_to_write_it(config):
    config["training"]["learning_rate"] = yaml.safe_load("1e-4")
    assert fault(config) == (
        "training.learning_rate: '1e-4' is text, not a number; YAML needs a dot in it, as in 1.0e-4"
    )


CORPUS = {"extractor": "corpus"}
DOWNLOAD = {"url": "https://example.org/mine.zip", "sha256": 64 * "0", "licence": "CC BY 4.0"}
MINE = {"path": "data/mine", "protocol": "official"}


@pytest.mark.parametrize(
    ("dataset", "says"),
    [
        (
            {"download": DOWNLOAD, "path": "/corpora/mine"},
            "datasets.mine.path: the path of a downloaded corpus must be data/mine",
        ),
        (
            {"simulate": {"seed": 1, "dialogues": 9}, "layout": "meld", "path": "data/meld"},
            "datasets.mine.path: the path of a simulated corpus must be data/mine",
        ),
        (
            {"simulate": {"seed": 1, "dialogues": 9}, "layout": "meld", "download": DOWNLOAD},
            "datasets.mine: a corpus is either simulated or downloaded; remove one of the two",
        ),
        ({"simulate": {"seed": 1, "dialogues": 9}}, "datasets.mine: 'layout' is a dependency of"),
        (
            {"download": {"url": "https://example.org/mine.zip", "licence": "CC BY 4.0"}},
            "datasets.mine.download: key 'sha256' is missing",
        ),
        (
            {"features": {"a": {"extractor": "logmell"}}},
            "datasets.mine.features.a: there is no 'logmell'; did you mean 'logmel'?",
        ),
        ({"features": {"x": CORPUS}}, "datasets.mine.features: unknown key 'x'; available: a, t,"),
        ({"modalities": "ta"}, "datasets.mine.modalities: 'ta' is not allowed; "),
        (
            {"modalities": "atv"},
            "datasets.mine.modalities: modality 'v' has no extractor; add features.v",
        ),
        (
            {"modalities": "t"},
            "grid.modalities: datasets.mine has t, which is not enough for at; add t here, or add"
            " 'a' to datasets.mine.modalities",
        ),
        ({"layout": "melt"}, "datasets.mine.layout: there is no 'melt'; did you mean 'meld'?"),
        (
            {"simulate": {"seed": 1, "dialogues": 9}, "layout": "cosmic", "path": "data/mine"},
            "datasets.mine.layout: there is no 'cosmic'; available: iemocap, meld",
        ),
        ({"labels": ["calm"]}, "datasets.mine.labels: "),
        ({"labels": ["calm", True]}, "datasets.mine.labels.1: "),
        ({"protocol": "leave-one-session-out", "sessions": []}, "datasets.mine.sessions: "),
        ({"protocol": "leave_one_out"}, "datasets.mine.protocol: 'leave_one_out' is not allowed; "),
    ],
)
def test_a_dataset_that_cannot_be_used_is_explained(config, dataset, says):
    config["datasets"]["mine"] = MINE | dataset
    assert fault(config).startswith(says)


def test_a_grid_without_a_usable_modality_set_says_what_is_missing(config):
    config["grid"]["modalities"] = ["atv", "av"]
    assert fault(config) == (
        "grid.modalities: datasets.meld-one has at, which is not enough for atv, av; add at here,"
        " or add features.v"
    )


def test_a_dataset_without_any_extractor_says_where_to_name_one(config):
    del config["features"]
    assert fault(config) == (
        "grid.modalities: datasets.meld-one has no modality, which is not enough for at; add"
        " features.a"
    )


def test_the_general_features_may_be_left_out_where_every_dataset_has_its_own(config):
    del config["features"]
    config["datasets"] = {"mine": MINE | {"features": {"a": CORPUS, "t": CORPUS}}}
    check(config, SCHEMA, "config.yaml")
    assert config["features"] == {}
    assert config["datasets"]["mine"]["features"]["a"] == {"extractor": "corpus", "options": {}}


def test_a_dataset_may_not_have_the_name_of_a_fold(config):
    config["datasets"]["mine"] = MINE | {"protocol": "leave-one-session-out"}
    config["datasets"]["mine-session2"] = MINE
    assert fault(config) == (
        "datasets.mine-session2: a fold of 'mine' has this name; choose another name"
    )
    config["datasets"]["mine"]["sessions"] = [1, 3]
    check(config, SCHEMA, "config.yaml")


def test_settings_of_cells_may_name_a_dataset_or_a_fold(config):
    config["datasets"]["mine"] = MINE | {"protocol": "leave-one-session-out", "sessions": [1, 2]}
    chosen = [{"dataset": name, "growth": 2.0} for name in ("mine", "mine-session1")]
    config["curricula"]["spcl"]["cells"] = chosen
    check(config, SCHEMA, "config.yaml")
    chosen.append({"dataset": "mine-session3", "growth": 2.0})
    assert fault(config).startswith("curricula.spcl.cells: 'mine-session3' is not defined")


def test_settings_of_cells_name_known_axes(config):
    config["curricula"]["spcl"]["cells"] = [{"dataset": "meld-two", "threshold": 1.0}]
    assert fault(config).startswith("curricula.spcl.cells: 'meld-two' is not defined")


@pytest.mark.parametrize(
    ("axis", "name", "entry", "says"),
    [
        (
            *("curricula", "spcl", {"settings": {"threshold": 1.0, "growht": 1.2}}),
            "curricula.spcl.settings: unknown key 'growht'; did you mean 'growth'? available: thr",
        ),
        (
            *("curricula", "spcl", {"settings": {"threshold": 1.0}, "cells": [{"caps": 3}]}),
            "curricula.spcl.cells: unknown key 'caps'; did you mean 'cap'? available: threshold, g",
        ),
        (
            *("curricula", "none", {"settings": {"growth": 1.0}}),
            "curricula.none.settings: unknown key 'growth'; available: none",
        ),
        (
            *("baselines", "mmgcn", {"model": {"hiden": 8}}),
            "baselines.mmgcn.model: unknown key 'hiden'; did you mean 'hidden'? available: hidden",
        ),
        (
            *("baselines", "mmgcn", {"model": {"n_classes": 8}}),
            "baselines.mmgcn.model: unknown key 'n_classes'; available: hidden, dropout, ",
        ),
        (
            *("baselines", "mmgcn", {"training": {"epoch": 8}}),
            "baselines.mmgcn.training: unknown key 'epoch'; did you mean 'epochs'?",
        ),
    ],
)
def test_an_unknown_setting_is_named(config, axis, name, entry, says):
    config[axis][name] = entry
    assert fault(config).startswith(says)


def test_a_setting_may_be_given_for_each_cell_instead(config):
    of_cells = [{"baseline": "mmgcn", "threshold": 0.4}, {"modalities": "at", "threshold": 0.2}]
    config["curricula"]["spcl"] = {"cells": of_cells}
    check(config, SCHEMA, "config.yaml")
    outside = Cell("meld-one", "late_fusion", "a", "spcl")
    with pytest.raises(UserError, match=r"key 'threshold' is missing for meld-one/late_fusion/a/s"):
        check_cell(config, outside, "config.yaml")
    del of_cells[1]
    assert fault(config).startswith(
        "curricula.spcl.settings: key 'threshold' is missing for meld-one/late_fusion/at/spcl;"
        " available: threshold, growth, "
    )


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("meld-one/mmgnc/at/none", "'mmgnc' is not defined under baselines; did you mean 'mmgcn'?"),
        ("meld-two/mmgcn/at/none", "'meld-two' is not defined under datasets; did you mean 'meld"),
        (
            "meld-one/mmgcn/ta/none",
            "'ta' is not a set of modalities; available: atv, at, tv, ",
        ),
    ],
)
def test_an_invalid_cell_address_is_explained(config, address, says):
    with pytest.raises(UserError, match=re.escape(f"{address}: {says}")):
        check_cell(config, Cell(*address.split("/")), "config.yaml")


@pytest.mark.parametrize(
    ("keys", "value", "says"),
    [
        (("trainning",), {}, "unknown key 'trainning'; did you mean 'training'?"),
        (("grid", "seed"), 1, "grid: unknown key 'seed'; did you mean 'seeds'?"),
        (
            ("grid", "baselines"),
            ["mmgnc"],
            "grid.baselines: 'mmgnc' is not defined under baselines; did you mean 'mmgcn'?",
        ),
        (("baselines", "mm_gcn"), {}, "baselines: there is no 'mm_gcn'; did you mean 'mmgcn'?"),
        (
            ("features", "v"),
            {"extractor": "face_hogg"},
            "features.v: there is no 'face_hogg'; did you mean 'face_hog'?",
        ),
        (
            ("baselines", "mmgcn\n"),
            {},
            r"baselines: 'mmgcn\n' is not a valid name; use",
        ),
        (("name",), "my\n", r"name: 'my\n' is not a valid name; use"),
        (("device",), "gpu", "device: 'gpu' is not allowed; available: auto, cpu, cuda"),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else None,
)
def test_unknown_keys_and_names_are_named(config, keys, value, says):
    inner = config
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    assert fault(config).startswith(says)


def test_a_missing_key_is_named(config):
    del config["grid"]["seeds"]
    assert fault(config).startswith("grid: key 'seeds' is missing")


@pytest.mark.parametrize("layout", FORMATS)
def test_every_format_is_a_layout(config, layout):
    config["datasets"]["mine"] = MINE | {"layout": layout}
    check(config, SCHEMA, "config.yaml")


@pytest.fixture
def plug_ins(tmp_path, monkeypatch):
    """A working folder with files of a user's."""
    monkeypatch.chdir(tmp_path)
    gru = "class GRU:\n    def __init__(self, hidden=8): pass\n\nMODEL = GRU\n"
    (tmp_path / "gru.py").write_text(gru)
    (tmp_path / "open.py").write_text(gru.replace("hidden=8", "**settings"))
    (tmp_path / "mine.py").write_text("NEEDS = {'probs': {}}\nCURRICULUM = object\n")


def test_a_source_may_be_given_for_a_custom_name(config, plug_ins):
    config["baselines"]["my_gru"] = {"source": "gru.py", "model": {"hidden": 3}}
    config["baselines"]["open"] = {"source": "open.py", "model": {"anything": 3}}
    config["curricula"]["spcl-2"] = {"source": "spcl.curriculum.spcl"}
    check(config, SCHEMA, "config.yaml")


@pytest.mark.parametrize(
    ("axis", "name", "entry", "says"),
    [
        ("baselines", "my_gru", {}, "baselines: there is no 'my_gru'; available: "),
        ("baselines", "g", {"source": ""}, "baselines.g.source: "),
        ("baselines", "g", {"source": 3}, "baselines.g.source: "),
        ("baselines", "g", {"source": "gruu.py"}, "baselines.g.source: there is no file gruu.py; "),
        ("baselines", "g", {"source": "lab.gru"}, "baselines.g.source: there is no module 'lab.gr"),
        ("baselines", "g", {"source": "mine.py"}, "baselines.g: mine.py does not define MODEL; "),
        (
            "curricula",
            "m",
            {"source": "mine.py"},
            "curricula.m: mine.py:1: NEEDS has the unknown",
        ),
        (
            *("baselines", "g", {"source": "gru.py", "model": {"hiden": 3}}),
            "baselines.g.model: unknown key 'hiden'; did you mean 'hidden'? available: hidden",
        ),
        ("curricula", "m", {"surce": "x.py"}, "curricula.m: unknown key 'surce'; did you mean 'so"),
    ],
)
def test_a_wrong_source_is_explained(config, plug_ins, axis, name, entry, says):
    config[axis][name] = entry
    assert fault(config).startswith(says)


def test_an_unknown_baseline_says_how_to_add_a_custom_one(config):
    config["baselines"]["my_gru"] = None
    assert fault(config).endswith(
        "for your own code write 'my_gru: {source: my/my_gru.py}', see docs/plug-in.md"
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


def test_the_papers_grid_has_the_published_thresholds_and_auto_for_single_modalities():
    config = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())
    expected = {}
    for line in PUBLISHED.split("\n")[1:-1]:
        dataset, baseline, *numbers = line.split()
        for i, modalities in enumerate(("atv", "at", "tv", "av")):
            threshold, growth = map(float, numbers[2 * i : 2 * i + 2])
            cell = Cell(dataset, baseline, modalities, "spcl")
            expected[cell] = {"threshold": threshold, "growth": growth}
        for modality in "atv":
            expected[Cell(dataset, baseline, modality, "spcl")] = {"threshold": "auto"}
    found = {
        cell: cell_settings(config, cell)["curriculum"]
        for cell in cells(config)
        if cell.curriculum == "spcl"
    }
    assert found == expected


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (
            {"combine": ["spcl", "ogm-ge"]},
            "curricula.both.combine: 'ogm-ge' is not defined under curricula; did you mean 'ogm_",
        ),
        (
            {"combine": ["spcl", "other"]},
            "curricula.both.combine: 'other' combines two strategies itself; name those that do",
        ),
        (
            {"combine": ["spcl", "ogm_ge"], "settings": {"alpha": 0.2}},
            "curricula.both.settings: has no effect with combine; write it under the combined",
        ),
        ({"combine": ["spcl"]}, "curricula.both.combine: "),
    ],
)
def test_a_wrong_combination_is_one_line(config, entry, says):
    config["curricula"] |= {
        "ogm_ge": {},
        "other": {"combine": ["spcl", "ogm_ge"]},
        "both": entry,
    }
    assert fault(config).startswith(says)


def test_a_combination_has_the_settings_of_its_parts_for_the_cell(config):
    config["curricula"] |= {
        "spcl": {
            "settings": {"threshold": 0.4, "growth": 1.2},
            "cells": [{"baseline": "mmgcn", "threshold": 0.9}],
        },
        "ogm_ge": {"settings": {"alpha": 0.2}},
        "both": {"combine": ["spcl", "ogm_ge"]},
    }
    check(config, SCHEMA, "config.yaml")
    cell = Cell("meld-one", "mmgcn", "at", "both")
    check_cell(config, cell, "config.yaml")
    settings = cell_settings(config, cell)
    assert {name: one["settings"] for name, one in strategies(cell, settings).items()} == {
        "spcl": {"threshold": 0.9, "growth": 1.2},
        "ogm_ge": {"alpha": 0.2},
    }
    assert CellSettings.from_config(settings).combine == settings["combine"]
    assert "combine" not in cell_settings(config, Cell("meld-one", "mmgcn", "at", "spcl"))
    del config["curricula"]["spcl"]["settings"]["threshold"]
    with pytest.raises(UserError, match=r"curricula.spcl.settings: key 'threshold' is missing"):
        check_cell(config, Cell("meld-one", "late_fusion", "at", "both"), "config.yaml")
