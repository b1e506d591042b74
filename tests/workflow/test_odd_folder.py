"""The workflow in a folder whose name has characters that mean something to a shell."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from spcl.errors import UserError
from spcl.jobs import python_path
from tests.workflow.conftest import ROOT, copy_of_project

NAME = "my study (ä) 'x' & co"
SMOKE = "config/smoke.yaml"


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Run Snakemake in a checkout with its environment in ``.venv``, as `make` sets it up."""
    folder = copy_of_project(tmp_path_factory.mktemp("odd") / NAME).folder
    (folder / ".venv").symlink_to(sys.prefix)
    python = folder / ".venv" / "bin" / Path(sys.executable).name

    def snakemake(*arguments):
        command = [python, "-m", "snakemake", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        return said

    snakemake.folder = folder
    return snakemake


@pytest.mark.workflow
def test_the_smoke_grid_has_a_plan(odd):
    said = odd("-n", "--configfile", SMOKE)
    assert "train_cell" in said
    assert "rror" not in said


@pytest.mark.workflow
def test_jobs_of_every_kind_run_and_are_reported(odd):
    config = yaml.safe_load((ROOT / SMOKE).read_text())
    config["features"] = {"a": {"extractor": "logmel"}}
    config["grid"] |= {"modalities": ["a"], "curricula": ["none"]}
    config["training"]["epochs"] = 1
    (odd.folder / "small.yaml").write_text(yaml.safe_dump(config))
    targets = (
        "results/difficulty/meld-smoke/conversations.parquet",
        "results/tables/smoke/main.md",
        "results/tables/smoke/cost.md",
        "results/figures/smoke/difficulty.svg",
    )
    odd("--cores", "2", *targets, "--configfile", "small.yaml")
    assert all((odd.folder / target).stat().st_size for target in targets)
    logs = {path.name for path in (odd.folder / "logs").iterdir()}
    kinds = {path.stem for path in (ROOT / "scripts").glob("*.py")}
    # Jobs of downloads, folds, tunings and saved models, which this config does not have.
    others = {"download_corpus", "pool_folds", "pool_probes"}
    assert kinds - logs == others | {"tune_cell", "gather_tuning", "write_card"}
    odd("--report", "report.zip", "results/tables/smoke/main.md", "--configfile", "small.yaml")
    assert (odd.folder / "report.zip").stat().st_size


def test_a_cluster_is_refused_where_its_jobs_could_not_start(monkeypatch):
    python_path.refuse_unquotable()
    monkeypatch.setattr(sys, "executable", f"/{NAME}/python")
    python_path.quote_python()
    assert f"{sys.executable} x" == f"{shlex.quote(f'/{NAME}/python')} x"
    assert sys.executable == f"/{NAME}/python"
    with pytest.raises(UserError, match="jobs on other nodes cannot be started with this path"):
        python_path.refuse_unquotable()
