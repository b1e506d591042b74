"""The workflow used by another one: as a module under other names, and from the installed wheel."""

import fcntl
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml

from spcl.__main__ import main
from spcl.study.config_files import read_config
from tests.workflow.conftest import GRID, ROOT, Project

pytestmark = pytest.mark.workflow

SNAKEFILE = f"""
configfile: "config/config.yaml"


module spcl:
    snakefile:
        "{ROOT}/Snakefile"
    config:
        config


use rule * from spcl as spcl_*


use rule train_cell from spcl as spcl_train_cell with:
    priority:
        7


rule all:
    default_target: True
    input:
        rules.spcl_all.input,
        "summary.txt",


rule summary:
    input:
        f"results/tables/{{config['name']}}/main.md",
    output:
        "summary.txt",
    log:
        "logs/plot/of-another-workflow.log",
    params:
        reads="documents",
    shell:
        "head {{input}} > {{output}}"
"""
CONFIG = "config/config.yaml"


@pytest.fixture
def outer(tmp_path):
    """A folder with a Snakefile that uses ours and has a rule of its own, and a config."""
    (tmp_path / "outer" / "config").mkdir(parents=True)
    project = Project(tmp_path / "outer")
    (project.folder / "Snakefile").write_text(SNAKEFILE)
    project.configure(GRID, CONFIG)
    return project


def test_a_module_has_our_rules_under_other_names(outer):
    plan = outer.plan()
    assert plan["spcl_train_cell"] == 4
    assert plan["summary"] == 1


def test_in_a_module_records_decide_about_our_rules_and_snakemake_about_others(outer):
    outer.take_for_made(CONFIG)
    (outer.folder / "summary.txt").touch()
    assert "Nothing to be done" in outer.says("-n")
    for path in (outer.folder / "results" / "corpora").rglob("*.parquet"):
        os.utime(path)
    shutil.rmtree(outer.folder / ".snakemake" / "metadata", ignore_errors=True)
    assert "Nothing to be done" in outer.says("-n")

    (outer.folder / "results/tables/little/main.md").touch()
    assert outer.plan() == {"summary": 1, "all": 1, "total": 2}

    other = GRID["curricula"] | {"spcl": {"settings": {"threshold": 0.5, "growth": 1.25}}}
    outer.configure(GRID | {"curricula": other}, CONFIG)
    assert "curriculum.threshold is 0.5, was 0.4" in outer.says("-n")
    assert outer.plan()["spcl_train_cell"] == 2


def test_two_runs_in_one_folder_are_refused_in_a_module_too(outer):
    (outer.folder / ".snakemake").mkdir()
    with (outer.folder / ".snakemake" / "running").open("w") as running:
        fcntl.flock(running, fcntl.LOCK_EX)
        done = outer.snakemake("--cores", "1", "data/meld-one", check=False)
    assert done.returncode == 1
    assert "another snakemake works in this folder" in done.stdout + done.stderr


def test_a_new_study_has_the_users_corpora_and_a_valid_config(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [
        f"d{i},{emotion},{split},words"
        for i, split in enumerate(["train", "train", "dev", "test"])
        for emotion in ("glad", "sad")
    ]
    for name in ("calls", "talks"):
        (tmp_path / name).mkdir()
        table = "\n".join(["dialogue_id,emotion,split,text", *rows])
        (tmp_path / name / "utterances.csv").write_text(table)
    np.save(tmp_path / "talks" / "a.npy", np.ones((len(rows), 3), np.float32))
    assert main(["new", "study", "calls", "talks"]) == 0
    assert "cd study && snakemake --cores 2" in capsys.readouterr().out
    config = read_config([tmp_path / "study" / CONFIG])
    assert config["datasets"]["calls"]["path"] == str(tmp_path / "calls")
    assert config["datasets"]["talks"]["modalities"] == "at"
    assert config["grid"]["modalities"] == ["at", "t"]
    assert config["grid"]["baselines"] == ["biddin", "dialogue_gcn", "mm_dfn", "mmgcn"]
    assert Project(tmp_path / "study").plan()["train_cell"] == 24

    assert main(["new", "study"]) == 1
    assert capsys.readouterr().err == "error: study: exists already; name a new folder\n"


def test_a_study_of_the_installed_wheel_trains_a_cell(tmp_path):
    """The wheel is unpacked into a folder of its own; nothing of this checkout is in the path."""
    pip = [sys.executable, "-m", "pip", "--quiet"]
    wheel = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run([*pip, *wheel], check=True)
    (built,) = tmp_path.glob("*.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--target", str(tmp_path / "site"), str(built)], check=True
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}

    def run(*arguments, folder):
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    run("spcl", "new", "study", folder=tmp_path)
    cell = "results/cells/meld-smoke/mmgcn/atv/none/metrics.parquet"
    run("snakemake", "--cores", "2", cell, folder=tmp_path / "study")
    assert (tmp_path / "study" / cell).is_file()
    assert "No faults" in run("spcl", "verify", folder=tmp_path / "study")
    assert "tabulate" in run("snakemake", "-n", folder=tmp_path / "study")
    where = run("snakemake", "-n", "--list-rules", folder=tmp_path / "study")
    assert "train_cell" in where
    assert yaml.safe_load((tmp_path / "study" / CONFIG).read_text())["name"] == "smoke"
