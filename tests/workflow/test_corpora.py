"""Corpora of several kinds in one grid: their plans, and a real run of a custom corpus."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spcl.status.jobs import jobs
from spcl.study.datasets import with_folds
from spcl.tables import parquet
from spcl.tables.schemas import CORPUS_REPORT, FEATURES, HISTORY, METRICS
from tests.workflow.conftest import BROUGHT, GRID, MIXED, announced, copy_of_project

pytestmark = pytest.mark.workflow

KINDS = ("metrics", "predictions")
FOLDS = [f"acted-session{number}" for number in MIXED["datasets"]["acted"]["sessions"]]


@pytest.fixture(scope="module")
def files(mixed_once):
    """By file that the workflow would make: its rule and its inputs."""
    planned = mixed_once.summary("grid.yaml")
    return {path: (rule, set(inputs.split(","))) for path, (rule, inputs, _) in planned.items()}


def made_by(files, rule):
    return {path for path, (one, _) in files.items() if one == rule}


def test_a_fold_has_difficulty_and_cells_of_its_own_and_shares_files_and_features(files):
    assert made_by(files, "simulate_corpus") == {"data/meld-one", "data/acted"}
    assert {path for path in made_by(files, "extract_features") if "acted" in path} == {
        f"results/features/acted/{name}.parquet" for name in ("a", "t", "a-problems", "t-problems")
    }
    for fold in FOLDS:
        utterances = f"results/corpora/{fold}/utterances.parquet"
        for letter in "at":
            features = f"results/features/acted/{letter}.parquet"
            difficulty = f"results/difficulty/{fold}/{letter}.parquet"
            assert files[difficulty] == ("score_utterances", {utterances, features})
        _, inputs = files[f"results/cells/{fold}/mmgcn/t/none/metrics.parquet"]
        assert inputs == {utterances, features}
        assert files[utterances] == ("import_corpus", {"data/acted"})
    trained = {path.split("/")[2] for path in made_by(files, "train_cell")}
    assert trained == {"meld-one", "chats", "chats-drawn", *FOLDS}


def test_scores_are_of_all_folds_as_one_and_one_table_shows_them_apart(files):
    gathered = "results/gathered/little"
    pooled = f"{gathered}/pooled/acted/metrics.parquet"
    _, inputs = files["results/tables/little/main.parquet"]
    assert pooled in inputs
    assert not any(f"{gathered}/{fold}/metrics.parquet" in inputs for fold in FOLDS)
    for letter in "at":
        probe = f"{gathered}/pooled/acted/probe-{letter}.parquet"
        assert probe in files["results/tables/little/balance.parquet"][1]
    for path, kinds in {
        pooled: (*KINDS, "robustness"),
        "results/tables/little/folds.parquet": KINDS,
    }.items():
        tables = {f"{gathered}/{fold}/{kind}.parquet" for fold in FOLDS for kind in kinds}
        assert files[path][1] == tables
    _, inputs = files["results/tables/little/cost.parquet"]
    assert pooled not in inputs  # the same trainings twice


def test_features_are_shown_once_for_all_folds(files):
    corpora = ("meld-one", "chats", "chats-drawn", "acted")
    for path in ("tables/little/features.parquet", "figures/little/features.svg"):
        inputs = files[f"results/{path}"][1]
        assert {one for one in inputs if one.endswith("utterances.parquet")} == {
            f"results/corpora/{name}/utterances.parquet" for name in corpora
        }
        assert "results/features/acted/a.parquet" in inputs


@pytest.mark.parametrize("save_models", [False, True])
def test_status_looks_for_what_the_workflow_makes_and_for_its_logs(mixed, save_models):
    asked = MIXED | {"save_models": save_models}
    config = mixed.configure(asked)
    mixed.take_for_made(config)
    lines = mixed.snakemake("--detailed-summary", config=config).stdout.splitlines()
    rows = [line.split("\t") for line in lines[1:]]
    config = asked | {"datasets": with_folds(asked["datasets"])}
    looked_for = {path: (job.rule, job.log) for job in jobs(config) for path in job.outputs}
    assert looked_for == {path: (rule, log) for path, _, rule, log, *_ in rows}


def test_cells_that_need_an_absent_modality_are_left_out_and_one_line_says_so(mixed_once):
    said = mixed_once.says("-n", "--forceall", config="grid.yaml")
    assert said.splitlines().count("chats has only t: no cells of at") == 1
    assert said.count("no cells of") == 2  # chats-drawn
    assert announced(said)["train_cell"] == 2 + 1 + 1 + 2 * len(FOLDS)
    assert announced(said)["extract_features"] == 2 + 1 + 1 + 2


def test_a_cell_that_needs_an_absent_modality_cannot_be_asked_for(mixed_once):
    target = "results/cells/chats/mmgcn/at/none/metrics.parquet"
    assert mixed_once.refusal(target, config="grid.yaml") == (
        "error: grid.yaml: datasets.chats has no modality 'a'; ask for t, or add its features"
    )


def test_a_download_comes_before_the_import_of_every_dataset_that_lies_there(files):
    assert made_by(files, "download_corpus") == {"data/chats"}
    for dataset in ("chats", "chats-drawn"):
        for table in ("utterances", "problems", "report"):
            path = f"results/corpora/{dataset}/{table}.parquet"
            assert files[path] == ("import_corpus", {"data/chats"})


LENGTHS = [1 + number % 6 for number in range(24)]
SPLITS = ["train"] * 12 + ["dev"] * 6 + ["test"] * 6  # of 42, 21 and 21 utterances
SESSIONS = ["1", "2", "3", "4"] * 6  # the fourth of 24 utterances


def write_corpus(folder):
    """A table and an array a modality; one utterance has no sound, another (of test) no label."""
    rng = np.random.default_rng(0)
    names = [f"talk{number}" for number in range(len(LENGTHS))]
    table = pd.DataFrame({"dialogue_id": names, "session": SESSIONS, "split": SPLITS})
    table = table.loc[np.repeat(table.index, LENGTHS)]
    table["emotion"] = rng.choice(["calm", "cross", "glad"], len(table))
    folder.mkdir()
    for letter in "at":
        features = rng.normal(size=(len(table), 4)).astype(np.float32)
        features[:, :3] += pd.get_dummies(table["emotion"])
        if letter == "a":
            features[5] = np.nan
        np.save(folder / f"{letter}.npy", features)
    table["emotion"] = [*table["emotion"][:-1], None]
    table.to_csv(folder / "utterances.csv", index=False)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A project after the run of a custom corpus, its config, and its output.

    Not to be changed.
    """
    folder = tmp_path_factory.mktemp("own")
    write_corpus(folder / "mine")
    archive = Path(shutil.make_archive(folder / "mine", "zip", folder, "mine"))
    config = GRID | {
        "name": "own",
        "datasets": {
            "mine": {
                "path": "data/mine",
                "protocol": "official",
                "features": BROUGHT,
                "download": {
                    "url": archive.as_uri(),
                    "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
                    "licence": "our own",
                },
            }
        },
        "grid": GRID["grid"] | {"baselines": ["late_fusion"]},
        "training": {"epochs": 4, "learning_rate": 0.01},
        "curricula": {"none": {}, "spcl": {"settings": {"threshold": "auto"}}},
    }
    del config["features"]
    project = copy_of_project(folder / "project")
    target = "results/tables/own/main.md"
    said = project.says("--cores", "1", target, config=project.configure(config))
    return project, config, said


def read(project, path, schema):
    return parquet.read(project.folder / "results" / path, schema).to_pandas()


def n_utterances(metrics):
    """Labelled utterances by split."""
    return dict(zip(metrics["split"], metrics["n_utterances"], strict=True))


@pytest.mark.end_to_end
def test_a_corpus_of_ones_own_is_downloaded_and_trained_on(own):
    project, _, said = own
    assert said.index("its licence is our own") < said.index("Importing the corpus mine")
    assert (project.folder / "data" / "mine" / "utterances.csv").exists()
    for curriculum in ("none", "spcl"):
        cell = f"cells/mine/late_fusion/at/{curriculum}"
        metrics = read(project, f"{cell}/metrics.parquet", METRICS)
        assert n_utterances(metrics) == {"dev": 21, "test": 20}
        assert not metrics["simulated"].any()
    admitted = read(project, f"{cell}/history.parquet", HISTORY)["admitted_share"]
    assert admitted.iloc[0] < admitted.iloc[-1] == 1.0


@pytest.mark.end_to_end
def test_its_import_and_its_features_count_what_is_there(own):
    project, _, _ = own
    report = read(project, "corpora/mine/report.parquet", CORPUS_REPORT)
    utterances = report[report["what"] == "utterances"].dropna(subset="label")
    unlabelled = utterances["label"] == "unlabelled"
    assert utterances[unlabelled].set_index("part")["count"]["test"] == 1
    labelled = utterances[~unlabelled].groupby("part")["count"].sum()
    assert dict(labelled[["train", "dev", "test"]]) == {"train": 42, "dev": 21, "test": 20}
    observed = {m: read(project, f"features/mine/{m}.parquet", FEATURES)["observed"] for m in "at"}
    assert observed["t"].sum() == 84
    assert list(np.flatnonzero(~observed["a"])) == [5]


@pytest.mark.end_to_end
def test_its_tables_say_nothing_of_simulated_corpora(own):
    project, _, _ = own
    text = (project.folder / "results/tables/own/main.md").read_text()
    assert text.count("| mine ") == 2
    assert "simulated" not in text.lower()
    _, _, page = (project.folder / "results/tables/own/main.html").read_text().partition("<body>")
    assert "mine" in page
    assert "simulated" not in page.lower()


@pytest.mark.end_to_end
def test_one_of_its_folds_is_trained_on_the_features_of_the_whole(own, tmp_path):
    finished, config, _ = own
    project = finished.copy(tmp_path / "project")
    folds = {"protocol": "leave-one-session-out", "sessions": [4]}
    config = config | {"datasets": {"mine": config["datasets"]["mine"] | folds}}
    cell = "cells/mine-session4/late_fusion/at/none"
    target = f"results/{cell}/metrics.parquet"
    said = project.says("--cores", "1", target, config=project.configure(config))
    assert "Downloading" not in said
    assert not (project.folder / "results/features/mine-session4").exists()
    metrics = read(project, f"{cell}/metrics.parquet", METRICS)
    assert n_utterances(metrics)["test"] == 23
