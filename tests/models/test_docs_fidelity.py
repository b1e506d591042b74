"""The fidelity page agrees with the code: its tests, defaults and thresholds exist."""

import importlib
import inspect
import re
from pathlib import Path

import pytest
import yaml
from test_baselines import NAMES

from spcl.study.grid import Cell, cell_settings

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs/fidelity.md").read_text()


def table(header):
    """The rows below the line that starts with `header`, cell by cell."""
    lines = PAGE[PAGE.index(header) :].splitlines()[2:]
    end = lines.index("") if "" in lines else len(lines)
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines[:end]]


def test_every_test_that_the_page_names_is_there():
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    there = {
        name
        for path in (PROJECT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    }
    assert len(named) > 20
    assert named <= there


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_every_setting_of_a_baseline_with_its_default(name):
    (line,) = (row[1] for row in table("| baseline | settings") if row[0] == name)
    shown = {key: float(value) for key, value in re.findall(r"`?(\w+)` ([\d.]+)", line)}
    parameters = inspect.signature(importlib.import_module(f"spcl.models.{name}").MODEL).parameters
    assert shown == {p.name: p.default for p in parameters.values() if p.default is not p.empty}


def test_the_config_for_the_paper_has_the_published_thresholds_of_all_cells():
    config = yaml.safe_load((PROJECT / "config/paper.yaml").read_text())
    sets = ("atv", "at", "tv", "av")
    compared = 0
    for dataset, baseline, *published in table("| dataset | baseline |"):
        for modalities, numbers in zip(sets, published, strict=True):
            threshold, growth = map(float, numbers.split("/"))
            settings = cell_settings(config, Cell(dataset, baseline, modalities, "spcl"))
            assert settings["curriculum"] == {"threshold": threshold, "growth": growth}
            compared += 1
    assert compared == 32
