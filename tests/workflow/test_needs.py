"""What a cell depends on beyond its corpus: only what its curriculum wants to know beforehand."""

import copy
import re
from pathlib import Path

import pytest

from tests.workflow.conftest import GRID, copy_of_project

pytestmark = pytest.mark.workflow

RIVALS = GRID | {
    "name": "rivals",
    "grid": {
        "baselines": ["late_fusion"],
        "modalities": ["at"],
        "curricula": [
            "none",
            "spcl",
            "spcl-auto",
            "spl",
            "coherence",
            "baby_step",
            "transfer_teacher",
            "random_pacing",
            "anti",
            "ogm_ge",
            "unimodal_teacher",
            "spcl_ogm_ge",
            "teacher_both",
            "pace_both",
            "my_own-1",
        ],
        "seeds": [1],
    },
    "curricula": {
        "none": {},
        "spcl": {"settings": {"threshold": 0.4, "growth": 1.25}},
        "spcl-auto": {"source": "spcl.curriculum.spcl", "settings": {"threshold": "auto"}},
        "spl": {"settings": {"threshold": 0.4, "growth": 1.25}},
        "coherence": {"settings": {"threshold": "auto"}},
        "baby_step": {},
        "transfer_teacher": {},
        "random_pacing": {},
        "anti": {},
        "ogm_ge": {},
        "unimodal_teacher": {},
        "spcl_ogm_ge": {"combine": ["spcl", "ogm_ge"]},
        "teacher_both": {"combine": ["coherence", "unimodal_teacher"]},
        "pace_both": {"combine": ["random_pacing", "ogm_ge"]},
        "my_own-1": {"source": "my/own.py"},
    },
}
"""Every curriculum once, one of them with either kind of threshold, one of a user's, and balancing
methods, alone and combined."""

OWN = """
from spcl.curriculum.none import NoCurriculum
NEEDS = {"probes": {"threshold": "auto"}, "shift_rate": {}}
CURRICULUM = NoCurriculum
"""

CELLS = Path("results/cells/meld-one/late_fusion/at")
PROBES = {f"results/difficulty/meld-one/{letter}.parquet" for letter in "at"}
CONVERSATIONS = {"results/difficulty/meld-one/conversations.parquet"}
TEACHERS = {f"{CELLS.parent}/{letter}/none/predictions.parquet" for letter in "at"}
BEFOREHAND = {
    "none": set(),
    "spcl": set(),
    "spcl-auto": PROBES,
    "spl": set(),
    "coherence": PROBES,
    "baby_step": CONVERSATIONS,
    "transfer_teacher": PROBES,
    "random_pacing": {f"{CELLS}/spcl/history.parquet"},
    "anti": {f"{CELLS}/spcl/history.parquet"},
    "ogm_ge": set(),
    "unimodal_teacher": TEACHERS,
    "spcl_ogm_ge": set(),
    "teacher_both": PROBES | TEACHERS,
    "pace_both": {f"{CELLS}/spcl/history.parquet"},
    "my_own-1": CONVERSATIONS,
}


def cells_of(files):
    """The curricula whose cells own any of `files`."""
    return {Path(path).parent.name for path in files if CELLS in Path(path).parents}


def inputs(project, config):
    """By curriculum, the files that its cell is made of."""
    files = project.summary(config)
    return {
        Path(path).parent.name: set(made_of.split(","))
        for path, (_, made_of, _) in files.items()
        if CELLS in Path(path).parents
    }


def with_a_users_file(folder):
    """A copy of the project, with a curriculum of a user's."""
    project = copy_of_project(folder)
    (folder / "my").mkdir()
    (folder / "my" / "own.py").write_text(OWN)
    return project


@pytest.fixture
def project(tmp_path):
    return with_a_users_file(tmp_path / "project")


@pytest.fixture(scope="module")
def rivals_once(tmp_path_factory):
    """A project where Snakemake takes the files of RIVALS for made; they are empty."""
    project = with_a_users_file(tmp_path_factory.mktemp("rivals") / "project")
    project.take_for_made(project.configure(RIVALS))
    return project


@pytest.fixture
def rivals(rivals_once, tmp_path):
    """A copy of it, to be changed."""
    return rivals_once.copy(tmp_path / "project")


def test_a_cell_has_the_tables_that_its_curriculum_names(rivals_once):
    found = inputs(rivals_once, "grid.yaml")
    assert set(found) == set(RIVALS["curricula"])
    corpus = found["none"]
    assert not any("difficulty" in path or "cells" in path for path in corpus)
    assert {curriculum: files - corpus for curriculum, files in found.items()} == BEFOREHAND


def test_code_of_the_probe_is_the_cells_that_look_at_it(rivals):
    rivals.append("spcl/difficulty/probe.py", "CHANGED = 1")
    # The emotion shifts stand in one table with the incoherence, which is the probes'.
    assert cells_of(rivals.pending("grid.yaml")) == {
        "spcl-auto",
        "coherence",
        "transfer_teacher",
        "baby_step",
        "teacher_both",
        "my_own-1",
    }


def test_settings_of_a_curriculum_are_its_cell_and_those_that_follow_its_pace(rivals):
    config = copy.deepcopy(RIVALS)
    config["curricula"]["spcl"]["settings"]["growth"] = 2.0
    assert cells_of(rivals.pending(rivals.configure(config))) == {
        "spcl",
        "random_pacing",
        "anti",
        "spcl_ogm_ge",
        "pace_both",
    }


def test_settings_of_a_balancing_method_are_its_cell_and_its_combinations(rivals):
    config = copy.deepcopy(RIVALS)
    config["curricula"]["ogm_ge"] = {"settings": {"alpha": 0.3}}
    pending = rivals.pending(rivals.configure(config))
    assert cells_of(pending) == {"ogm_ge", "spcl_ogm_ge", "pace_both"}


def test_code_of_a_balancing_method_is_its_cell_and_its_combinations(rivals):
    rivals.append("spcl/curriculum/balancing/ogm_ge.py", "CHANGED = 1")
    assert cells_of(rivals.pending("grid.yaml")) == {"ogm_ge", "spcl_ogm_ge", "pace_both"}


def test_a_strategy_with_teachers_changes_only_the_cells_of_one_modality(rivals):
    """They are trained again with predictions for the training split."""
    config = copy.deepcopy(RIVALS)
    taught = ("unimodal_teacher", "teacher_both")
    names = [name for name in config["grid"]["curricula"] if name not in taught]
    config["grid"] |= {"curricula": names, "modalities": ["at", "t"]}
    for name in taught:
        del config["curricula"][name]
    pending = rivals.pending(rivals.configure(config))
    assert cells_of(pending) == set()
    assert f"{CELLS.parent}/t/none/metrics.parquet" in pending


def test_code_of_a_users_curriculum_is_that_curriculum(rivals):
    rivals.append("my/own.py", "# The end.")
    assert cells_of(rivals.pending("grid.yaml")) == set()
    rivals.append("my/own.py", "CHANGED = 1")
    assert cells_of(rivals.pending("grid.yaml")) == {"my_own-1"}


def test_a_cell_brings_the_one_that_sets_its_pace(project):
    """That of spcl, or of the curriculum which `of` names for this cell."""
    config = copy.deepcopy(RIVALS)
    config["curricula"]["random_pacing"] = {
        "cells": [{"modalities": "t", "of": "spl"}, {"modalities": "a", "of": "none"}]
    }
    cells = [f"{CELLS.parent}/{m}/random_pacing/metrics.parquet" for m in ("at", "t", "a")]
    said = project.says("-n", *cells, config=project.configure(config))
    assert set(re.findall(r"Training late_fusion on meld-one, (\w+, \w+)", said)) == {
        *("at, random_pacing", "t, random_pacing", "a, random_pacing"),
        *("at, spcl", "t, spl", "a, none"),
    }


@pytest.mark.parametrize(
    ("of", "says"),
    [
        ("slpc", "'slpc' is not defined under curricula; did you mean 'sp"),
        (
            "random_pacing",
            "'random_pacing' follows the pace of another curriculum itself; name one that does",
        ),
    ],
)
def test_a_pace_without_a_source_is_one_line(project, of, says):
    config = copy.deepcopy(RIVALS)
    config["curricula"]["random_pacing"] = {"settings": {"of": of}}
    done = project.snakemake("-n", config=project.configure(config), check=False)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    (line,) = (line for line in said.splitlines() if "rror" in line)
    assert line.startswith(f"error: grid.yaml: curricula.random_pacing.settings.of: {says}")
    assert "Traceback" not in said
