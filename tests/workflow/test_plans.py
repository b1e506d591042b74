"""What Snakemake would run for a config, and what it says of a wrong one."""

import copy
import fcntl
from pathlib import Path

import pytest
import yaml

from tests.workflow.conftest import GRID, ROOT

pytestmark = pytest.mark.workflow


@pytest.mark.parametrize("name", ["config", "smoke", "strategies", "tuned", "paper"])
def test_a_cell_for_every_point_of_the_grid(project, name):
    config = yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text())
    for dataset in config["datasets"].values():
        if "simulate" not in dataset:
            (project.folder / dataset["path"]).mkdir(parents=True)
    jobs = project.plan(config=f"config/{name}.yaml")
    grid = config["grid"]
    axes = [config["datasets"], grid["baselines"], grid["modalities"], grid["curricula"]]
    n_cells = len(axes[0]) * len(axes[1]) * len(axes[2]) * len(axes[3])
    # unimodal_teacher needs the cells of none on each modality alone, which are not in the grid.
    assert jobs["train_cell"] == n_cells + 2 * ("unimodal_teacher" in axes[3])
    assert jobs["tune_cell"] == n_cells * (name == "tuned")
    assert jobs["extract_features"] == len(config["datasets"]) * len(config["features"])
    assert jobs["simulate_corpus"] == len(config["datasets"]) * (name != "paper")


def test_what_one_rule_hands_to_another_is_parquet(made_once):
    files = made_once.summary("grid.yaml")
    handed = {path for _, inputs, _ in files.values() for path in inputs.split(",") if path}
    assert len(handed) > 20
    raw = {path for path in handed if path.startswith("data/")}
    assert raw == {"data/meld-one"}
    assert {Path(path).suffix for path in handed - raw} == {".parquet"}


def test_a_cell_outside_the_grid_has_its_address(project):
    target = "results/cells/meld-one/mmgcn/a/spcl/metrics.parquet"
    jobs = project.plan(target, config=project.configure(GRID))
    assert jobs["train_cell"] == jobs["extract_features"] == 1


def test_an_address_of_no_cell_is_one_line(project):
    target = "results/cells/meld-one/mmgnc/at/none/metrics.parquet"
    says = "'mmgnc' is not defined under baselines; did you mean 'mmgcn'?"
    assert says in project.refusal(target, config=project.configure(GRID))


def test_every_stage_has_a_name(made_once):
    stages = ("features", "difficulty", "cells", "tables", "figures")
    assert "Nothing to be done" in made_once.says("-n", *stages, config="grid.yaml")


def test_a_wrong_config_is_one_line_that_names_file_and_key(project):
    config = copy.deepcopy(GRID)
    config["curricula"]["spcl"]["settings"]["growht"] = 1.5
    said = project.refusal(config=project.configure(config))
    assert said.startswith(
        "error: grid.yaml: curricula.spcl.settings: unknown key 'growht'; did you mean 'growth'?"
    )


def test_an_absent_corpus_is_one_line(project):
    assert project.refusal(config="config/paper.yaml") == (
        "error: data/iemocap: no such folder; put the corpus there, as docs/getting-the-corpora.md"
        " says, or set datasets.iemocap.path"
    )


def test_an_absent_corpus_is_no_error_where_it_is_not_needed(made):
    """Cells that were trained elsewhere are enough for tables; one line says what is missing."""
    config = copy.deepcopy(GRID)
    config["datasets"]["meld-one"] = {"layout": "meld", "path": "gone", "protocol": "official"}
    target = "results/gathered/little/meld-one/metrics.parquet"
    said = made.says("-n", target, config=made.configure(config))
    assert "Nothing to be done" in said
    assert said.count("gone: no such folder; results/corpora/meld-one and its features remain") == 1


def test_a_second_run_in_the_same_folder_is_refused(made):
    with (made.folder / ".snakemake" / "running").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        target = "results/gathered/little/meld-one/metrics.parquet"
        done = made.snakemake("--cores", "1", "-f", target, config="grid.yaml", check=False)
    assert done.returncode == 1
    assert "error: .snakemake/running: another snakemake works in this folder" in done.stderr


def test_the_workflow_satisfies_snakemakes_linter(project):
    assert "good condition" in project.says("--lint")
