"""The jobs of a grid that is tuned, and what a change of the tuning reruns."""

import copy

import pytest

from spcl.status.jobs import jobs
from spcl.study.datasets import with_folds
from tests.workflow.conftest import GRID, MIXED, copy_of_project

pytestmark = pytest.mark.workflow

TUNED = copy.deepcopy(GRID) | {
    "tuning": {
        "trials": 4,
        "seeds": [101],
        "baselines": {
            "late_fusion": {"learning_rate": [0.001, 0.01]},
            "mmgcn": {"learning_rate": [0.001, 0.01]},
        },
        "curricula": {"spcl": {"threshold": [0.2, 0.4]}},
    }
}
TUNED["grid"]["curricula"] = ["none", "spcl", "anti"]
TUNED["curricula"]["anti"] = {}


@pytest.fixture(scope="module")
def tuned_once(tmp_path_factory):
    """A project where Snakemake takes the files of TUNED for made; they are placeholders."""
    project = copy_of_project(tmp_path_factory.mktemp("tuned") / "project")
    project.take_for_made(project.configure(TUNED))
    return project


@pytest.fixture
def tuned(tuned_once, tmp_path):
    return tuned_once.copy(tmp_path / "project")


def changed(project, change):
    """Baseline and curriculum of the cells that are tuned after a `change` of the config."""
    config = copy.deepcopy(TUNED)
    change(config)
    pending = project.pending(project.configure(config))
    return {tuple(path.split("/")[3:6:2]) for path in pending if path.startswith("results/tuning/")}


def test_a_second_run_does_nothing(tuned_once):
    assert "Nothing to be done" in tuned_once.says("-n", config="grid.yaml")


def test_a_cell_reads_its_choice_and_a_control_the_pace_of_the_tuned_cell(tuned_once):
    files = tuned_once.summary("grid.yaml")
    stem = "meld-one/mmgcn/at"
    of_cell = files[f"results/cells/{stem}/anti/metrics.parquet"][1].split(",")
    assert f"results/tuning/{stem}/anti/settings.parquet" in of_cell
    assert f"results/cells/{stem}/spcl/history.parquet" in of_cell
    of_trials = files[f"results/tuning/{stem}/anti/settings.parquet"][1].split(",")
    assert f"results/tuning/{stem}/spcl/pace.parquet" in of_trials
    assert not any(path.startswith("results/cells") for path in of_trials)


def test_status_lists_the_jobs_of_the_workflow(tuned_once):
    config = TUNED | {"datasets": with_folds(TUNED["datasets"])}
    listed = {path for job in jobs(config) for path in job.outputs}
    assert set(tuned_once.summary("grid.yaml")) - {""} == listed


def test_a_value_added_for_a_curriculum_tunes_its_cells_and_those_that_follow_it(tuned):
    def change(config):
        config["tuning"]["curricula"]["spcl"]["threshold"].append(0.9)

    baselines = ("late_fusion", "mmgcn")
    follow = {(name, one) for name in baselines for one in ("spcl", "anti")}
    assert changed(tuned, change) == follow


def test_a_value_added_for_a_baseline_tunes_all_its_cells(tuned):
    def change(config):
        config["tuning"]["baselines"]["mmgcn"]["learning_rate"].append(0.1)

    assert changed(tuned, change) == {("mmgcn", one) for one in ("none", "spcl", "anti")}


def test_another_reported_seed_tunes_nothing(tuned):
    assert changed(tuned, lambda config: config["grid"]["seeds"].append(2)) == set()


def test_each_fold_tunes_on_its_own_dev_split(project):
    config = copy.deepcopy(MIXED) | {
        "tuning": {
            "trials": 2,
            "seeds": [9],
            "baselines": {"mmgcn": {"learning_rate": [0.001, 0.01]}},
        }
    }
    config["datasets"] = {"acted": config["datasets"]["acted"]}
    config["grid"]["modalities"] = ["at"]
    name = project.configure(config)
    project.take_for_made(name)
    files = project.summary(name)
    for session in (2, 4):
        _, inputs, _ = files[
            f"results/tuning/acted-session{session}/mmgcn/at/none/settings.parquet"
        ]
        assert f"results/corpora/acted-session{session}/utterances.parquet" in inputs.split(",")
        assert "results/features/acted/a.parquet" in inputs.split(",")
