"""config/strategies.yaml, and the page that explains what it sets."""

import inspect
import re

import yaml

from spcl.report.tables.ablation import WORDS
from spcl.study.config import check
from spcl.study.extensions import CURRICULUM, find, load, names
from spcl.study.grid import cell_settings, cells
from tests.workflow.conftest import ROOT


def config(name):
    """A config of the project with its defaults."""
    path = ROOT / "config" / f"{name}.yaml"
    found = yaml.safe_load(path.read_text())
    check(found, ROOT / "workflow" / "schemas" / "config.schema.yaml", str(path))
    return found


def ours():
    """The classes of the project's strategies, by name."""
    found = {name: find(CURRICULUM, name) for name in names(CURRICULUM)}
    return {name: load(one) for name, one in found.items() if one.ours}


OPTIONS = {
    "spcl_modality": {"utterance": "modality"},
    "spcl_dependencies": {"dependencies": True},
}


COMBINED = {"spcl_ogm_ge"}


def test_it_has_every_strategy_the_options_of_spcl_and_a_combination():
    found = config("strategies")
    assert set(found["grid"]["curricula"]) == {*ours(), *OPTIONS, *COMBINED}
    assert {name for name, one in found["curricula"].items() if "combine" in one} == COMBINED


def test_an_option_is_spcl_with_one_more_setting():
    curricula = config("strategies")["curricula"]
    for name, option in OPTIONS.items():
        assert curricula[name]["settings"] == curricula["spcl"]["settings"] | option
        one = find(CURRICULUM, name, curricula[name]["source"])
        assert one.ours
        assert load(one) is ours()["spcl"]


def test_the_ablation_says_what_each_strategy_does():
    assert set(WORDS) == set(config("strategies")["grid"]["curricula"]) - COMBINED


def test_what_it_shares_with_the_demo_is_not_made_twice():
    demo, example = config("config"), config("strategies")
    for key in ("features", "difficulty", "problem_limit"):
        assert example[key] == demo[key]
    assert example["datasets"].items() <= demo["datasets"].items()
    shared = set(cells(demo)) & set(cells(example))
    assert {cell.curriculum for cell in shared} == {"none", "spcl"}
    for cell in shared:
        assert cell_settings(example, cell) == cell_settings(demo, cell)


def test_every_setting_of_every_strategy_is_explained():
    page = (ROOT / "docs" / "curricula.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"^## Settings\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    explained = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    settings = {name for one in ours().values() for name in inspect.signature(one).parameters}
    assert sorted(explained) == sorted(settings)
