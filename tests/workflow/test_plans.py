"""What Snakemake would run for a config, and what it says of a wrong one."""

import copy
import fcntl
from pathlib import Path

import pytest
import yaml

from tests.workflow.conftest import GRID, ROOT

pytestmark = pytest.mark.workflow


@pytest.mark.parametrize("name", ["config", "smoke", "curricula", "paper"])
def test_a_cell_for_every_point_of_the_grid(project, name):
    config = yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text())
    for dataset in config["datasets"].values():
        if "simulate" not in dataset:
            (project.folder / dataset["path"]).mkdir(parents=True)
    jobs = project.plan(config=f"config/{name}.yaml")
    grid = config["grid"]
    axes = [config["datasets"], grid["baselines"], grid["modalities"], grid["curricula"]]
    n_cells = len(axes[0]) * len(axes[1]) * len(axes[2]) * len(axes[3])
    assert jobs["train_cell"] == n_cells
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


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("meld-one/mmgnc/at/none", "'mmgnc' is not defined under baselines; did you mean 'mmgcn'?"),
        ("meld-two/mmgcn/at/none", "'meld-two' is not defined under datasets; did you mean 'meld"),
        ("meld-one/mmgcn/ta/none", "'ta' is no set of modalities; there are: atv, at, tv, av, a, "),
    ],
)
def test_an_address_of_no_cell_is_one_line(project, address, says):
    target = f"results/cells/{address}/metrics.parquet"
    assert says in project.refusal(target, config=project.configure(GRID))


@pytest.mark.parametrize("stage", ["features", "difficulty", "cells", "tables", "figures"])
def test_every_stage_has_a_name(made_once, stage):
    assert "Nothing to be done" in made_once.says("-n", stage, config="grid.yaml")


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
        (("device",), "gpu", "device: 'gpu' is not allowed; there are: auto, cpu, cuda"),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else None,
)
def test_a_wrong_config_is_one_line_that_names_the_key(project, keys, value, says):
    config = copy.deepcopy(GRID)
    inner = config
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    said = project.refusal(config=project.configure(config))
    assert said.startswith(f"error: grid.yaml: {says}")


def test_an_absent_corpus_is_one_line(project):
    assert project.refusal(config="config/paper.yaml") == (
        "error: data/iemocap: no such folder; put the corpus there, as docs/getting-the-corpora.md"
        " says, or set datasets.iemocap.path in config/paper.yaml"
    )


def test_an_absent_corpus_is_no_error_where_it_is_not_needed(made):
    """Cells that were trained elsewhere are enough for tables."""
    config = copy.deepcopy(GRID)
    config["datasets"]["meld-one"] = {"layout": "meld", "path": "gone", "protocol": "official"}
    target = "results/gathered/little/meld-one/metrics.parquet"
    assert "Nothing to be done" in made.says("-n", target, config=made.configure(config))


def test_a_second_run_in_the_same_folder_is_refused(made):
    with (made.folder / ".snakemake" / "running").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        target = "results/gathered/little/meld-one/metrics.parquet"
        done = made.snakemake("--cores", "1", "-f", target, config="grid.yaml", check=False)
    assert done.returncode == 1
    assert "error: .snakemake/running: another snakemake works in this folder" in done.stderr


def test_the_workflow_satisfies_snakemakes_linter(project):
    assert "good condition" in project.says("--lint")
