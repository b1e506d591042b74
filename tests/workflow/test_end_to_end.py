"""The smoke grid, run from raw media to the report on a copy of the project."""

import os
import re
import signal
import subprocess
import sys
import time
import zipfile

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

from spcl.__main__ import main
from spcl.provenance.footer import read_footer
from spcl.provenance.record import RunningJob, recording
from spcl.tables import parquet
from spcl.tables.parquet import Schema
from spcl.tables.schemas import ADMISSIONS, HISTORY, METRICS, PREDICTIONS
from tests.workflow.conftest import copy_of_project

pytestmark = [pytest.mark.workflow, pytest.mark.end_to_end]

SMOKE = "config/smoke.yaml"
CELLS = "results/cells/meld-smoke/mmgcn/atv"
TABLES = {
    "metrics": METRICS,
    "history": HISTORY,
    "predictions": PREDICTIONS,
    "curriculum": ADMISSIONS,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The project after its first run, and what the run printed. Not to be changed."""
    project = copy_of_project(tmp_path_factory.mktemp("smoke") / "project")
    return project, project.says("--cores", "2", config=SMOKE, fork=False)


@pytest.fixture
def finished(run, tmp_path):
    """A copy of the project after its first run."""
    return run[0].copy(tmp_path / "project")


def cell_files(project):
    """Bytes of the tables that hold no wall time, by path."""
    return {
        path.relative_to(project.folder): path.read_bytes()
        for path in sorted((project.folder / CELLS).rglob("*.parquet"))
        if path.stem != "metrics"
    }


def test_the_run_shows_its_progress_and_where_the_results_are(run):
    _, said = run
    assert "steps (100%) done" in said
    assert "meld-smoke/mmgcn/atv/spcl: test W-F1" in said
    assert "Tables: results/tables/smoke/   Figures: results/figures/smoke/" in said


def test_a_second_run_does_nothing(run):
    project, _ = run
    said = project.says("--cores", "2", config=SMOKE)
    assert "Nothing to be done" in said
    assert "Tables:" not in said


@pytest.mark.parametrize("curriculum", ["none", "spcl"])
@pytest.mark.parametrize("kind", TABLES)
def test_a_cell_leaves_four_valid_tables(run, kind, curriculum):
    project, _ = run
    table = parquet.read(project.folder / CELLS / curriculum / f"{kind}.parquet", TABLES[kind])
    assert table.num_rows
    assert set(table["curriculum"].to_pylist()) == {curriculum}


def test_results_are_called_simulated_wherever_they_show(run):
    project, _ = run
    for path in (project.folder / "results" / "tables" / "smoke").glob("*.md"):
        assert "simulated" in path.read_text().lower(), path
    for path in (project.folder / "results" / "figures" / "smoke").glob("*.svg"):
        if pq.read_metadata(path.with_suffix(".parquet")).num_rows == 0:
            continue  # one modality set has no gain over another
        assert "simulated" in path.read_text().lower(), path


def test_the_report_holds_every_table_and_figure_and_its_caption(finished):
    finished.snakemake("--report", "results/report.zip", config=SMOKE)
    with zipfile.ZipFile(finished.folder / "results" / "report.zip") as report:
        names = {name.rpartition("/")[2] for name in report.namelist()}
        page = report.read("report/report.html").decode()
    results = finished.folder / "results"
    shown = {path.name for path in results.glob("tables/*/*.html")}
    shown |= {path.name for path in results.glob("figures/*/*.svg")}
    assert len(shown) > 8
    assert shown <= names
    caption = '<p style=\\"color: #c00000; font-weight: bold\\">meld-smoke: simulated'
    assert page.count(caption) == len(shown) + 1  # and the front page
    assert "&lt;p style" not in page


def test_the_same_seed_gives_the_same_bytes_and_force_runs_the_cell_alone(finished):
    before = cell_files(finished)
    other = (finished.folder / CELLS / "none" / "metrics.parquet").stat().st_mtime_ns
    target = f"{CELLS}/spcl/metrics.parquet"
    said = finished.says("--cores", "2", "-f", target, config=SMOKE)
    assert "1 of 1 steps (100%) done" in said
    assert len(before) == 8
    assert cell_files(finished) == before
    assert (finished.folder / CELLS / "none" / "metrics.parquet").stat().st_mtime_ns == other


def rows(project, baseline, seed):
    """Those of one seed in the four tables of a cell without curriculum."""
    folder = project.folder / "results/cells/meld-smoke" / baseline / "atv" / "none"
    found = {}
    for kind, schema in TABLES.items():
        table = parquet.read(folder / f"{kind}.parquet", schema)
        found[kind] = table.filter(pc.field("seed") == seed).to_pydict()
    return found


def test_an_added_seed_is_trained_alone_and_changed_code_retrains_all(finished):
    """The tables of the seed that was there stay as they are, wall times and commit included."""
    config = yaml.safe_load((finished.folder / SMOKE).read_text())
    config["grid"] |= {"baselines": ["late_fusion", "mmgcn"], "curricula": ["none"]}
    config["grid"]["seeds"] = [1, 2]
    config["baselines"]["late_fusion"] = {"model": {"hidden": 8}}
    config = finished.configure(config)
    commit_all(finished.folder)
    log = finished.folder / "logs/train_cell/meld-smoke/mmgcn/atv/none.log"

    first = rows(finished, "mmgcn", 1)
    finished.snakemake("--cores", "2", "cells", config=config)
    assert rows(finished, "mmgcn", 1) == first
    assert first["metrics"]["commit"] == ["unknown", "unknown"]
    second = rows(finished, "mmgcn", 2)
    assert all(table["seed"] for table in second.values())
    assert "unknown" not in second["metrics"]["commit"]
    assert set(re.findall(r"seed (\d+)", log.read_text())) == {"2"}

    other = rows(finished, "late_fusion", 1)
    finished.append("spcl/models/mmgcn.py", "CHANGED = 1")
    finished.snakemake("--cores", "2", "cells", config=config)
    assert rows(finished, "late_fusion", 1) == other
    again = rows(finished, "mmgcn", 1)
    assert "unknown" not in again["metrics"]["commit"]
    assert again["metrics"]["train_seconds"] != first["metrics"]["train_seconds"]
    assert again["predictions"] == first["predictions"]  # what was added computes nothing
    assert set(re.findall(r"seed (\d+)", log.read_text())) == {"1", "2"}


def commit_all(folder):
    """Make a repository of the project, so that what is trained from here on has a commit."""
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    for command in (["init", "--quiet"], ["add", "spcl"], ["commit", "--quiet", "-m", "first"]):
        subprocess.run(["git", *who, *command], cwd=folder, check=True)


def test_every_strategy_trains_and_random_keeps_the_pace_of_spcl(finished):
    """Those of config/strategies.yaml on the smoke grid's corpus; two cells are there."""
    config = yaml.safe_load((finished.folder / SMOKE).read_text())
    example = yaml.safe_load((finished.folder / "config" / "strategies.yaml").read_text())
    config["grid"]["curricula"] = example["grid"]["curricula"]
    config["curricula"] = example["curricula"] | config["curricula"]
    said = finished.says("--cores", "2", "cells", config=finished.configure(config))
    teachers = 3
    assert said.count("Training") == len(example["curricula"]) - 2 + teachers
    admitted = {}
    for curriculum in example["curricula"]:
        for kind, schema in TABLES.items():
            path = finished.folder / CELLS / curriculum / f"{kind}.parquet"
            assert parquet.read(path, schema).num_rows
        history = parquet.read(path.with_name("history.parquet"), HISTORY)
        admitted[curriculum] = history["admitted_share"].to_pylist()
    assert admitted["random_pacing"] == admitted["spcl"] != admitted["none"]


def test_a_killed_run_resumes(finished):
    """SIGKILL to Snakemake and its jobs while the second of two cells trains."""
    before = cell_files(finished)
    for path in before:
        (finished.folder / path).unlink()
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "cells", "--configfile", SMOKE]
    metrics = [finished.folder / CELLS / name / "metrics.parquet" for name in ("none", "spcl")]
    for path in metrics:
        path.unlink()
    killed = subprocess.Popen(
        command,
        cwd=finished.folder,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # A cell counts as finished once Snakemake says so, a moment after its files are there.
    with killed, killed.stdout:
        assert any("steps (" in line for line in killed.stdout)
        time.sleep(1.0)
        os.killpg(killed.pid, signal.SIGKILL)
    (first,) = (path for path in metrics if path.exists())
    made = first.stat().st_mtime_ns

    said = finished.says("--cores", "1", "cells", config=SMOKE)
    assert "Training" in said
    assert first.stat().st_mtime_ns == made
    assert cell_files(finished) == before
    assert not list((finished.folder / CELLS).rglob(".*"))


@pytest.fixture
def verify(finished, monkeypatch, capsys):
    """Call `spcl verify` in the project: what it says, and its exit status."""
    monkeypatch.chdir(finished.folder)

    def called(*arguments):
        status = main(["verify", *arguments])
        return "".join(capsys.readouterr()), status

    return called


def test_what_a_run_leaves_fits_wherever_it_lies(finished, verify):
    said, status = verify("--configfile", SMOKE, "results")
    assert "No faults" in said
    assert "2 cells scored again, 27 jobs run again" in said
    assert status == 0
    keep_main_and_difficulty(finished)
    (finished.folder / "results").rename(finished.folder / "from-a-colleague")
    said, status = verify("from-a-colleague")
    assert "raw corpora not read" in said
    assert "No faults" in said
    assert status == 0


def keep_main_and_difficulty(project):
    """Delete the other tables and figures, so that they are not recreated."""
    for kind in ("tables", "figures"):
        for path in (project.folder / "results" / kind / "smoke").iterdir():
            if path.stem not in ("main", "difficulty"):
                path.unlink()


def forge(path, column, change):
    """Change a column of a table as one who also forges its record and its digest."""
    footer = read_footer(path)
    outputs = {name: path.with_name(file) for name, file in footer.outputs.items()}
    table = pq.read_table(path)
    values = pa.array([change(value) for value in table[column].to_pylist()], table[column].type)
    place = table.column_names.index(column)
    with recording(RunningJob(footer.record, outputs)):
        parquet.write(table.set_column(place, column, values), path, Schema("any", (), key=()))


MAIN = "results/tables/smoke/main"


def text_edited(project):
    path = project.folder / f"{MAIN}.md"
    path.write_text(path.read_text().replace("mmgcn", "MMGCN"))
    return f"{MAIN}.md: was not written together with main.parquet"


def table_forged(project):
    forge(project.folder / f"{MAIN}.parquet", "weighted_f1", lambda score: score + 1)
    return f"{MAIN}.parquet: its column 'weighted_f1' does not follow from its inputs"


def gathered_forged(project):
    path = "results/gathered/smoke/meld-smoke/metrics.parquet"
    forge(project.folder / path, "accuracy", lambda score: score / 2)
    return f"{path}: its column 'accuracy' does not follow from its inputs"


def figure_forged(project):
    path = "results/figures/smoke/difficulty.parquet"
    forge(project.folder / path, "f1", lambda score: score / 2)
    return f"{path}: its column 'f1' does not follow from its inputs"


def difficulty_forged(project):
    path = "results/difficulty/meld-smoke/conversations.parquet"
    forge(project.folder / path, "incoherence", lambda value: 0.5)
    return f"{path}: its column 'incoherence' does not follow from its inputs"


def cell_forged(project):
    path = f"{CELLS}/none/metrics.parquet"
    forge(project.folder / path, "weighted_f1", lambda score: 99.0)
    return f"{path}: seed 1, test: weighted_f1 is 99, its predictions give 0."


def features_damaged(project):
    path = project.folder / "results/features/meld-smoke/t.parquet"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    return f"{path.relative_to(project.folder)}: was changed after it was written, or by another"


def recording_changed(project):
    """A byte of it, under the time stamp that it had."""
    path = next((project.folder / "data" / "meld-smoke").rglob("*.mp4"))
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return "results/features/meld-smoke/v.parquet: was made from another version of data/meld-smoke"


@pytest.mark.parametrize(
    "changes",
    [
        (table_forged, figure_forged, recording_changed),
        (text_edited, gathered_forged, features_damaged, difficulty_forged),
        (cell_forged,),
    ],
)
def test_what_does_not_fit_is_named(finished, verify, changes):
    keep_main_and_difficulty(finished)
    expected = [change(finished) for change in changes]
    said, status = verify("--configfile", SMOKE)
    for start in expected:
        assert any(line.startswith(start) for line in said.splitlines()), said
    assert "Traceback" not in said
    assert status == 1


def test_a_cell_that_contradicts_its_predictions_is_in_no_table(finished):
    cell_forged(finished)
    done = finished.snakemake("--cores", "2", config=SMOKE, check=False)
    assert done.returncode == 1
    error = next(line for line in done.stderr.splitlines() if "error:" in line)
    assert f"error: {CELLS}/none/metrics.parquet: seed 1, dev: weighted_f1 is 99" in error
    assert "99" not in (finished.folder / f"{MAIN}.md").read_text()
