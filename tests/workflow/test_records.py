"""Results say themselves what made them: Snakemake's records may be lost, and files be moved."""

import copy
import re
import shutil
from itertools import cycle

import pyarrow.parquet as pq
import pytest

from spcl.study.grid import CELL_TABLES
from spcl.tables import parquet
from spcl.tables.parquet import Schema
from tests.workflow.conftest import GRID, Project
from tests.workflow.test_reruns import CELLS, EVERY_CELL, cells_of, changed

pytestmark = pytest.mark.workflow


def records_deleted(project):
    shutil.rmtree(project.folder / ".snakemake")
    return project


def results_copied(project):
    """To another folder with the same sources, as colleagues do; all time stamps are new."""
    there = Project(project.folder.with_name("of-a-colleague"))
    ignored = shutil.ignore_patterns(".snakemake")
    shutil.copytree(project.folder, there.folder, ignore=ignored, copy_function=shutil.copy)
    return there


def metadata_deleted(project):
    """Snakemake's, while what this workflow keeps of files stays."""
    shutil.rmtree(project.folder / ".snakemake" / "metadata")
    return project


LOSSES = [records_deleted, results_copied, metadata_deleted]


@pytest.mark.parametrize("lose", LOSSES)
def test_lost_records_alone_rerun_nothing(made, lose):
    said = lose(made).says("-n", config="grid.yaml")
    assert "Nothing to be done" in said
    assert "missing provenance" not in said


SETTINGS = {
    "learning rate": (("training", "learning_rate"), 0.5),
    "epochs": (("training", "epochs"), 3),
    "seeds": (("grid", "seeds"), [1, 2]),
    "a baseline's width": (("baselines", "mmgcn", "model", "hidden"), 9),
    "a curriculum's threshold": (("curricula", "spcl", "settings", "threshold"), 0.5),
    "protocol": (("datasets", "meld-one", "protocol"), "spcl"),
    "extractor": (("features", "a"), {"extractor": "egemaps"}),
    "an extractor's options": (("features", "a"), {"extractor": "logmel", "options": {"bands": 9}}),
    "the corpus itself": (("datasets", "meld-one", "simulate", "seed"), 2),
}


@pytest.mark.parametrize(("what", "lose"), list(zip(SETTINGS, cycle(LOSSES), strict=False)))
def test_a_changed_setting_is_what_it_decides_though_records_were_lost(made, what, lose):
    keys, value = SETTINGS[what]
    config = made.configure(changed(*keys, value=value), "other.yaml")
    expected = made.pending(config)
    assert cells_of(expected)
    assert lose(made).pending(config) == expected


def test_changed_code_is_what_it_decides_though_records_were_lost(made):
    made.append("spcl/models/mmgcn.py", "CHANGED = 1")
    assert cells_of(records_deleted(made).pending("grid.yaml")) == {
        "mmgcn/at/none",
        "mmgcn/at/spcl",
    }


def edited(path):
    """By another program, which keeps what it does not know."""
    table = pq.read_table(path)
    pq.write_table(table.set_column(0, "made", [["other"] * len(table)]), path)


def written_anew(path):
    """With the functions of this package, outside the workflow."""
    schema = Schema("any", (), key=())
    parquet.write(parquet.read(path, schema), path, schema)


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-40])


def flipped(path):
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)


ONE = "mmgcn/at/none"


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        *(("metrics", change) for change in (edited, written_anew, cut_off, flipped)),
        *(("history", edited), ("predictions", cut_off), ("curriculum", flipped)),
    ],
)
def test_a_table_of_a_cell_that_is_not_as_it_was_written_is_that_cell(made, kind, change):
    change(made.folder / CELLS / ONE / f"{kind}.parquet")
    assert cells_of(made.pending("grid.yaml")) == {ONE}


@pytest.mark.parametrize("other", sorted(EVERY_CELL - {ONE}))
def test_another_cells_tables_in_its_place_are_that_cell(made, other):
    shutil.rmtree(made.folder / CELLS / ONE)
    shutil.copytree(made.folder / CELLS / other, made.folder / CELLS / ONE)
    said = made.says("-n", config="grid.yaml")
    assert f"{CELLS}/{ONE}/metrics.parquet: rerun because it is a copy of train_cell" in said
    assert cells_of(made.pending("grid.yaml")) == {ONE}


@pytest.mark.parametrize("kind", CELL_TABLES[1:])
def test_one_table_of_another_cell_in_its_place_is_that_cell(made, kind):
    other = made.folder / CELLS / "late_fusion/at/none" / f"{kind}.parquet"
    shutil.copy2(other, made.folder / CELLS / ONE / f"{kind}.parquet")
    assert cells_of(made.pending("grid.yaml")) == {ONE}


@pytest.mark.parametrize("suffix", ["md", "tex", "html"])
def test_an_edited_text_of_a_table_is_that_table(made, suffix):
    path = made.folder / "results/tables/little" / f"main.{suffix}"
    path.write_text(path.read_text() + "99.0")
    pending = made.pending("grid.yaml")
    assert {re.sub(r"\.\w+$", "", one) for one in pending} == {"results/tables/little/main"}


def test_results_of_another_study_with_the_same_names_are_recreated(made, tmp_path):
    """Its config differs in one setting of the training."""
    other = made.copy(tmp_path / "other")
    other.take_for_made(other.configure(changed("training", "learning_rate", value=0.5)))
    shutil.rmtree(made.folder / "results")
    shutil.copytree(other.folder / "results", made.folder / "results")
    assert cells_of(made.pending(made.configure(copy.deepcopy(GRID)))) == EVERY_CELL
