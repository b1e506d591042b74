"""A custom baseline and curriculum in the workflow: planned, rerun, refused."""

import copy
import re
import shlex
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import Page
from tests.workflow.conftest import GRID, copy_of_project

pytestmark = pytest.mark.workflow

PAGE = Page("plug-in.md")


def foreign(baseline, curriculum):
    """GRID with a baseline and a curriculum from these sources, beside one of ours each."""
    config = copy.deepcopy(GRID)
    config["grid"] |= {"baselines": ["late_fusion", "my_gru"], "curricula": ["none", "short_first"]}
    config["baselines"]["my_gru"] = {"source": baseline}
    config["curricula"]["short_first"] = {"source": curriculum}
    return config


def cells_of(files):
    """The cells, as baseline/modalities/curriculum, that own any of `files`."""
    folder = Path("results/cells/meld-one")
    inside = [Path(path) for path in files if path.startswith(str(folder))]
    return {str(path.parent.relative_to(folder)) for path in inside}


@pytest.fixture(scope="module")
def with_plug_in(tmp_path_factory):
    """A project where Snakemake takes the cells of a foreign baseline and curriculum for made."""
    project = copy_of_project(tmp_path_factory.mktemp("foreign") / "project")
    PAGE.write_files(project.folder)
    (project.folder / "my" / "layers.py").write_text("WIDTH = 4\n")
    (project.folder / "lab" / "inner").mkdir(parents=True)
    (project.folder / "lab" / "inner" / "order.py").write_text("LENGTH = 1\n")
    project.append("my/gru.py", "from my.layers import WIDTH")
    text = (project.folder / "my" / "short_first.py").read_text()
    (project.folder / "lab" / "short_first.py").write_text(f"{text}\nfrom .inner import order\n")
    project.take_for_made(project.configure(foreign("my/gru.py", "lab.short_first")))
    return project


OF_BASELINE = {"my_gru/at/none", "my_gru/at/short_first"}
OF_CURRICULUM = {"late_fusion/at/short_first", "my_gru/at/short_first"}


@pytest.mark.parametrize(
    ("file", "cells"),
    [
        ("my/layers.py", OF_BASELINE),
        ("lab/inner/order.py", OF_CURRICULUM),
        ("spcl/curriculum/predefined.py", OF_CURRICULUM),
    ],
)
def test_a_plug_ins_change_reruns_its_cells_alone(with_plug_in, tmp_path, file, cells):
    project = with_plug_in.copy(tmp_path / "project")
    project.append("my/gru.py", "# The end.")
    project.append("spcl/models/mmgcn.py", "CHANGED = 1")
    project.append(file, "CHANGED = 1")
    assert cells_of(project.pending("grid.yaml")) == cells


def test_a_new_file_beside_ours_reruns_nothing(made):
    """Ours are found by file, so adding one leaves the code of the others as it is."""
    for package, name in (("models", "late_fusion"), ("curriculum", "none")):
        text = (made.folder / "spcl" / package / f"{name}.py").read_text()
        (made.folder / "spcl" / package / "another.py").write_text(text)
    assert made.pending("grid.yaml") == set()


def test_the_commands_of_the_page_plan_its_cells(project):
    PAGE.write_files(project.folder)
    demo = yaml.safe_load((project.folder / "config" / "config.yaml").read_text())
    for command in PAGE.commands:
        program, *arguments = shlex.split(command)
        assert program == "snakemake"
        if "-n" in arguments:
            continue  # the one that runs follows
        file = arguments[-1]
        said = project.says("-n", *arguments)
        grid = demo["grid"] | yaml.safe_load(PAGE.files[file])["grid"]
        n_cells = len(demo["datasets"])
        for axis in ("baselines", "modalities", "curricula"):
            n_cells *= len(grid[axis])
        assert re.search(rf"^train_cell\s+{n_cells}$", said, re.MULTILINE), command


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("my/gruu.py", r"grid\.yaml: baselines\.my_gru\.source: there is no file my/gruu\.py; "),
        ("my/gru.py", r"\S+my/layers\.py:1: invalid syntax; fix the line$"),
    ],
    ids=["no file", "a neighbour that is not Python"],
)
def test_a_wrong_source_is_one_line(project, source, says):
    PAGE.write_files(project.folder)
    project.append("my/gru.py", "from my.layers import WIDTH")
    (project.folder / "my" / "layers.py").write_text("WIDTH =\n")
    config = project.configure(foreign(source, "my/short_first.py"))
    done = project.snakemake("-n", config=config, check=False)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    (line,) = (line for line in said.splitlines() if "error" in line)
    assert re.match(f"error: {says}", line)
