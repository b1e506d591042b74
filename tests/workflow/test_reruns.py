"""What a change makes Snakemake do again. The files are empty; only its plans are looked at."""

import copy
import itertools
import os
import re
import shutil
import time
from pathlib import Path

import pytest

from spcl.study.grid import CELL_TABLES
from tests.workflow.conftest import BROUGHT, CHATS, GRID, MIXED, announced, copy_of_project

# docs/reruns.md has a row for every test of this file.

pytestmark = pytest.mark.workflow

CELLS = "results/cells/meld-one"
EVERY_CELL = {f"{b}/at/{c}" for b in ("late_fusion", "mmgcn") for c in ("none", "spcl")}


def cells_of(files):
    """The cells, as baseline/modalities/curriculum, that own any of `files`."""
    inside = [Path(path).relative_to(CELLS) for path in files if path.startswith(CELLS)]
    return {str(path.parent) for path in inside}


def upstream_of_cells(files):
    return {path for path in files if path.startswith(("data", "results/corpora", "results/feat"))}


def test_nothing_when_nothing_changed(made_once):
    said = made_once.says("-n", config="grid.yaml")
    assert "Nothing to be done" in said
    assert "missing provenance" not in said


def test_nothing_for_a_checkout_that_touches_every_source(made):
    soon = time.time() + 60
    for path in made.folder.rglob("*"):
        if path.suffix in {".py", ".smk", ".yaml", ".rst"} or path.name == "Snakefile":
            os.utime(path, (soon, soon))
    assert made.pending("grid.yaml") == set()


def test_nothing_for_comments_docstrings_and_unrelated_code(made):
    made.append("spcl/models/mmgcn.py", "# The end.")
    cell = made.folder / "spcl" / "training" / "cell.py"
    cell.write_text(cell.read_text().replace('"""', '"""Indeed: ', 1))
    made.append("spcl/models/biddin.py", "UNRELATED = 1")
    (made.folder / "spcl" / "unrelated.py").write_text("ANSWER = 42\n")
    assert made.pending("grid.yaml") == set()


@pytest.mark.parametrize(
    "module",
    [
        "errors",
        "jobs/job",
        "jobs/progress",
        "provenance/plan",
        "status/state",
        "tables/parquet",
        "tables/schemas",
    ],
)
def test_nothing_for_code_that_decides_no_number(made, module):
    made.append(f"spcl/{module}.py", "CHANGED = 1")
    assert made.pending("grid.yaml") == set()


def test_nothing_for_a_change_that_was_undone(made):
    loop = made.folder / "spcl" / "training" / "loop.py"
    before = loop.read_text()
    made.append("spcl/training/loop.py", "CHANGED = 1")
    assert cells_of(made.pending("grid.yaml")) == EVERY_CELL
    loop.write_text(before)
    assert made.pending("grid.yaml") == set()


def test_code_of_one_baseline_is_that_baseline(made):
    made.append("spcl/models/mmgcn.py", "CHANGED = 1")
    pending = made.pending("grid.yaml")
    assert cells_of(pending) == {"mmgcn/at/none", "mmgcn/at/spcl"}
    assert not upstream_of_cells(pending)
    assert "results/tables/little/main.md" in pending


def test_code_of_one_curriculum_is_that_curriculum(made):
    made.append("spcl/curriculum/spcl.py", "CHANGED = 1")
    assert cells_of(made.pending("grid.yaml")) == {"late_fusion/at/spcl", "mmgcn/at/spcl"}


def test_code_of_one_extractor_is_that_modality_and_what_is_made_of_it(made):
    made.append("spcl/extract/logmel.py", "CHANGED = 1")
    pending = made.pending("grid.yaml")
    features = {path for path in pending if path.startswith("results/features")}
    assert features == {
        "results/features/meld-one/a.parquet",
        "results/features/meld-one/a-problems.parquet",
    }
    assert "results/difficulty/meld-one/t.parquet" not in pending
    assert "results/difficulty/meld-one/a.parquet" in pending


def test_code_of_a_table_is_that_table(made):
    made.append("spcl/report/tables/cost.py", "CHANGED = 1")
    tables = {Path(path).stem for path in made.pending("grid.yaml") if "/tables/" in path}
    assert tables == {"cost"}


def changed(*keys, value):
    """GRID with another value at `keys`."""
    config = copy.deepcopy(GRID)
    inner = config
    for key in keys[:-1]:
        inner = inner.setdefault(key, {})
    inner[keys[-1]] = value
    return config


@pytest.mark.parametrize(
    ("keys", "value", "cells"),
    [
        (("baselines", "mmgcn", "model", "hidden"), 9, {"mmgcn/at/none", "mmgcn/at/spcl"}),
        (
            ("curricula", "spcl", "settings", "growth"),
            2.0,
            {"mmgcn/at/spcl", "late_fusion/at/spcl"},
        ),
        (
            ("curricula", "spcl", "cells"),
            [{"baseline": "mmgcn", "growth": 2.0}],
            {"mmgcn/at/spcl"},
        ),
        (("training", "epochs"), 3, EVERY_CELL),
        (("grid", "seeds"), [1, 2], EVERY_CELL),
    ],
    ids=["baseline", "curriculum", "one cell", "training", "seeds"],
)
def test_settings_are_the_cells_that_they_decide(made, keys, value, cells):
    pending = made.pending(made.configure(changed(*keys, value=value)))
    assert cells_of(pending) == cells
    assert not upstream_of_cells(pending)


def test_another_grid_shares_the_cells_and_the_corpora(made):
    config = copy.deepcopy(GRID) | {"name": "other"}
    pending = made.pending(made.configure(config))
    assert cells_of(pending) == set()
    assert not upstream_of_cells(pending)
    assert "results/tables/other/main.md" in pending


def test_nothing_for_another_device_profile_or_environment(made):
    """An environment is only an input of the jobs that run in it: not without --sdm."""
    config = made.configure(changed("device", value="cuda"))
    for path in (made.folder / "envs").glob("*.yaml"):
        made.append(f"envs/{path.name}", "  - cowpy")
    assert made.pending(config, "--workflow-profile", "profiles/slurm") == set()
    made.append("profiles/default/profile.yaml", "printshellcmds: true")
    assert made.pending(config) == set()


CONDA = """#!/bin/sh
case "$*" in
--version) echo conda 26.1.0 ;;
"info --json") echo '{"conda_prefix": "/conda", "root_prefix": "/conda", "platform": "linux-64"}' ;;
*) echo '{"get": {"channel_priority": "strict"}}' ;;
esac
"""
"""What Snakemake asks of conda before it makes an environment."""


def test_an_environment_is_its_jobs_where_they_run_in_it(made, monkeypatch, tmp_path):
    """With --sdm conda; results made without it are recreated once."""
    (tmp_path / "conda").write_text(CONDA)
    (tmp_path / "conda").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    sdm = ("--sdm", "conda")
    made.snakemake("--touch", "--forceall", "--cores", "1", config="grid.yaml")
    assert "data/meld-one" in made.pending("grid.yaml", *sdm)
    made.snakemake("--touch", "--forceall", "--cores", "1", *sdm, config="grid.yaml")
    made.append("envs/report.yaml", "  - cowpy")
    stages = {Path(path).parts[1] for path in made.pending("grid.yaml", *sdm)}
    assert stages == {"tables", "figures", "gathered"}


def test_a_split_protocol_is_everything_but_the_corpus(made):
    config = changed("datasets", "meld-one", "protocol", value="spcl")
    pending = made.pending(made.configure(config))
    assert cells_of(pending) == EVERY_CELL
    assert not any(path.startswith("data") for path in pending)


def test_any_table_of_a_cell_that_was_deleted_is_that_cell(made):
    """Each in a cell; the tables behind it follow."""
    for cell, kind in zip(itertools.cycle(sorted(EVERY_CELL)), CELL_TABLES):
        (made.folder / CELLS / cell / f"{kind}.parquet").unlink()
    pending = made.pending("grid.yaml")
    assert cells_of(pending) == EVERY_CELL
    assert not upstream_of_cells(pending)
    assert "results/tables/little/main.md" in pending


def delete(project, *paths):
    for path in paths:
        (project.folder / path).unlink()


def test_a_cell_that_was_deleted_leaves_the_others_alone(made):
    """And it is no longer missing when it was put back."""
    history = made.folder / CELLS / "mmgcn/at/none/history.parquet"
    before = history.read_bytes()
    history.unlink()
    assert cells_of(made.pending("grid.yaml")) == {"mmgcn/at/none"}
    history.write_bytes(before)
    assert made.pending("grid.yaml") == set()


BETWEEN = (
    "results/corpora/meld-one/utterances.parquet",
    "results/features/meld-one/t.parquet",
    "results/difficulty/meld-one/a.parquet",
    "results/gathered/little/meld-one/history.parquet",
)
"""Results that others are made of."""


def test_a_table_or_a_figure_that_was_deleted_is_itself(made):
    """And nothing for what is only on the way to them: they are there."""
    delete(made, "results/tables/little/main.md", "results/figures/little/cost.png", *BETWEEN)
    found = {Path(path).with_suffix("") for path in made.pending("grid.yaml")}
    assert found == {Path("results/tables/little/main"), Path("results/figures/little/cost")}


def test_an_outdated_intermediate_is_recreated_when_it_is_a_target(made):
    delete(made, "results/difficulty/meld-one/a.parquet")
    jobs = made.plan("difficulty", config="grid.yaml")
    assert jobs == {"score_utterances": 1, "score_conversations": 1, "difficulty": 1, "total": 3}


def test_features_of_other_bytes_are_what_is_made_of_them(made):
    """Those of the same bytes are nothing, however new."""
    soon = time.time() + 60
    os.utime(made.folder / "results/features/meld-one/t.parquet", (soon, soon))
    (made.folder / "results/features/meld-one/a.parquet").write_text("other features")
    pending = made.pending("grid.yaml")
    assert cells_of(pending) == EVERY_CELL
    difficulty = {path for path in pending if path.startswith("results/difficulty")}
    assert difficulty == {
        f"results/difficulty/meld-one/{name}.parquet" for name in ("a", "conversations")
    }


def test_a_change_cannot_be_waved_through(made):
    """A result says what made it: neither other triggers nor new time stamps change that."""
    made.append("spcl/training/loop.py", "CHANGED = 1")
    assert cells_of(made.pending("grid.yaml", "--rerun-triggers", "mtime")) == EVERY_CELL
    made.snakemake("--touch", "--cores", "1", config="grid.yaml")
    assert cells_of(made.pending("grid.yaml")) == EVERY_CELL


def test_force_runs_one_cell_alone(made_once):
    said = made_once.says("-n", "-f", f"{CELLS}/mmgcn/at/spcl/metrics.parquet", config="grid.yaml")
    assert "Training mmgcn on meld-one, at, spcl" in said
    assert re.search(r"total\s+1\n", said)


def test_force_by_rule_is_all_its_jobs_and_what_is_made_of_them(made_once):
    jobs = made_once.plan("-R", "train_cell", config="grid.yaml")
    assert (jobs["train_cell"], jobs["gather_cells"]) == (4, 1)
    assert "score_utterances" not in jobs


def remade(project, base=MIXED, **changes):
    """Outdated tables and figures after datasets of `base` or keys change or are removed (None).

    Short: ``results/`` and suffixes are left out, a corpus or a cell is named as a whole.
    """
    config = copy.deepcopy(base)
    for name, change in changes.items():
        name = name.replace("_", "-")
        entry = {**config["datasets"].get(name, {}), **(change or {})}
        config["datasets"][name] = {key: value for key, value in entry.items() if value is not None}
        if change is None:
            del config["datasets"][name]
    pending = project.pending(project.configure(config))
    short = {re.sub(r"^results/|(-problems)?\.parquet$", "", path) for path in pending}
    whole = {re.sub(r"^(corpora|cells)/(.+)/\w+$", r"\1/\2", path) for path in short}
    return {path for path in whole if not path.startswith(("gathered", "tables", "figures"))}


def all_of(dataset, modalities, sets):
    """All that is made of a dataset whose features are its own."""
    return {
        *(f"{stage}/{dataset}/{one}" for stage in ("features", "difficulty") for one in modalities),
        *(f"cells/{dataset}/mmgcn/{one}/none" for one in sets),
        *(f"corpora/{dataset}", f"difficulty/{dataset}/conversations"),
    }


def test_labels_are_everything_of_their_dataset_but_its_files(mixed):
    found = remade(mixed, chats_drawn={"labels": ["calm", "cross"]})
    assert found == all_of("chats-drawn", "t", ["t"])


def test_what_is_added_leaves_what_is_finished_alone(mixed):
    """A modality, a session and a dataset."""
    new = {**MIXED["datasets"]["meld-one"], "path": "data/new"}
    found = remade(mixed, chats={"modalities": "at"}, acted={"sessions": [1, 2, 4]}, new=new)
    new_fold = all_of("acted-session1", "at", ["at", "t"])
    assert found == {
        *("features/chats/a", "difficulty/chats/a", "cells/chats/mmgcn/at/none"),
        "difficulty/chats/conversations",  # it compares modalities
        *(new_fold - {f"features/acted-session1/{letter}" for letter in "at"}),
        *all_of("new", "at", ["at", "t"]),
        "data/new",
    }


def test_nothing_for_what_is_left_out_renamed_or_said_twice(mixed):
    """A session, a dataset; the address and licence of the same bytes; an extractor."""
    download = MIXED["datasets"]["chats"]["download"]
    other = {"url": "https://example.com/chats.tar", "size": 9, "licence": "CC BY-SA 4.0"}
    found = remade(
        mixed,
        acted={"sessions": [4], "features": {"t": MIXED["features"]["t"]}},
        chats={"download": download | other},
        chats_drawn=None,
    )
    assert found == set()


def test_a_modality_less_is_the_comparison_of_modalities_alone(mixed):
    found = remade(mixed, acted={"modalities": "t"})
    assert found == {f"difficulty/acted-session{n}/conversations" for n in (2, 4)}


def test_other_bytes_are_all_datasets_that_lie_there(mixed):
    download = MIXED["datasets"]["chats"]["download"] | {"sha256": 64 * "1"}
    found = remade(mixed, chats={"download": download})
    both = all_of("chats", "t", ["t"]) | all_of("chats-drawn", "t", ["t"])
    assert found == {"data/chats", *both}


BROUGHT_CORPORA = MIXED | {
    "datasets": {
        "chats": CHATS | {"modalities": "at", "features": {"t": BROUGHT["t"]}},
        "chats-drawn": CHATS | {"protocol": "spcl"},
        "coded": CHATS
        | {
            "path": "data/coded",
            "features": {"t": {"extractor": "huggingface_text", "options": {"folder": "encoder"}}},
        },
    }
}
IMPORTED_ANEW = all_of("chats", "at", ["at", "t"]) | all_of("chats-drawn", "t", ["t"])
"""What is made of the first two, which lie in one folder."""


@pytest.fixture(scope="session")
def brought_once(tmp_path_factory):
    """A project whose corpora a user brought: tables, a recording, features of a dialogue."""
    project = copy_of_project(tmp_path_factory.mktemp("brought") / "project")
    folder = project.folder / "data" / "chats"
    (folder / "inner").mkdir(parents=True)
    for name in ("utterances.csv", "t.npz", "inner/labels.json.feature"):
        (folder / name).write_text(f"{name} as it was")
    (folder / "talk.wav").write_text("RIFF....WAVE and sound")
    for name in ("data/coded/utterances.csv", "encoder/model.safetensors"):
        (project.folder / name).parent.mkdir()
        (project.folder / name).write_text(f"{name} as it was")
    project.take_for_made(project.configure(BROUGHT_CORPORA))
    return project


@pytest.fixture
def brought(brought_once, tmp_path):
    """A copy of `brought_once`, to be changed."""
    return brought_once.copy(tmp_path / "project")


def changed_in_place(path, *, stamp):
    """Other bytes, as many as before, under a time stamp that is `stamp` seconds later."""
    before = path.stat()
    path.write_text(path.read_text()[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + int(stamp * 1e9)))


@pytest.mark.parametrize("stamp", [0, -86400, 60], ids=["same stamp", "older", "newer"])
@pytest.mark.parametrize("name", ["utterances.csv", "t.npz", "inner/labels.json.feature"])
def test_a_document_of_a_users_corpus_is_everything_of_its_datasets(brought, name, stamp):
    """Whatever its time stamp says, and nothing when it is back."""
    changed_in_place(brought.folder / "data" / "chats" / name, stamp=stamp)
    assert remade(brought, base=BROUGHT_CORPORA) == IMPORTED_ANEW
    changed_in_place(brought.folder / "data" / "chats" / name, stamp=0)
    assert remade(brought, base=BROUGHT_CORPORA) == set()


@pytest.mark.parametrize("stamp", [0, -86400, 60], ids=["same stamp", "older", "newer"])
def test_media_of_a_users_corpus_are_the_features_made_of_them(brought, stamp):
    wave = brought.folder / "data" / "chats" / "talk.wav"
    before = wave.stat()
    wave.write_text("RIFF....WAVE and noise")
    os.utime(wave, ns=(before.st_atime_ns, before.st_mtime_ns + int(stamp * 1e9)))
    assert remade(brought, base=BROUGHT_CORPORA) == {
        *("features/chats/a", "difficulty/chats/a", "difficulty/chats/conversations"),
        "cells/chats/mmgcn/at/none",
    }


@pytest.mark.parametrize("change", ["touched", "moved", "copied"])
def test_a_users_corpus_of_the_same_bytes_is_nothing(brought, change):
    folder = brought.folder / "data" / "chats"
    if change == "touched":
        soon = time.time() + 60
        for path in [*folder.rglob("*"), folder]:
            os.utime(path, (soon, soon))
    elif change == "moved":
        folder.rename(folder.with_name("aside"))
        folder.symlink_to("aside")
    else:
        shutil.copytree(folder, folder.with_name("copy"))
        shutil.rmtree(folder)
        folder.with_name("copy").rename(folder)
    assert remade(brought, base=BROUGHT_CORPORA) == set()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda folder: (folder / "more.pkl").write_text("more"), IMPORTED_ANEW),
        (lambda folder: (folder / "t.npz").unlink(), IMPORTED_ANEW),
        (lambda folder: (folder / "t.npz").rename(folder / "t2.npz"), IMPORTED_ANEW),
        (lambda folder: (folder / "talk2.wav").write_text("more"), IMPORTED_ANEW),
        (lambda folder: exchanged(folder / "utterances.csv", folder / "t.npz"), IMPORTED_ANEW),
        (lambda folder: exchanged_target(folder / "utterances.csv"), IMPORTED_ANEW),
    ],
    ids=["a document more", "one less", "renamed", "a recording more", "exchanged", "a link"],
)
def test_which_files_a_users_corpus_has_counts(brought, change, expected):
    change(brought.folder / "data" / "chats")
    assert remade(brought, base=BROUGHT_CORPORA) == expected


def exchanged(one, other):
    """The names of two files; their time stamps go with them."""
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def exchanged_target(path):
    """A link in place of a file, to one with other bytes."""
    elsewhere = path.parents[2] / "elsewhere"
    elsewhere.write_text("other")
    path.unlink()
    path.symlink_to(elsewhere)


@pytest.mark.parametrize("name", ["README.md", "paper.pdf", "inner/notes.html", ".hidden.csv"])
def test_prose_in_a_users_corpus_is_nothing(brought, name):
    (brought.folder / "data" / "chats" / name).write_text("Read me.")
    assert remade(brought, base=BROUGHT_CORPORA) == set()


def test_a_cell_is_known_by_its_settings_though_what_it_was_made_of_is_gone(brought):
    for folder in ("data/chats", "results/features", "results/corpora"):
        shutil.rmtree(brought.folder / folder)
    target = "results/gathered/little/chats/metrics.parquet"
    config = BROUGHT_CORPORA
    assert "Nothing to be done" in brought.says("-n", target, config=brought.configure(config))
    config = config | {"training": config["training"] | {"learning_rate": 0.5}}
    assert brought.plan(target, config=brought.configure(config))["train_cell"] == 2


def test_other_settings_of_a_corpus_that_is_gone_are_refused(brought):
    """Results are valid for the settings that they were made with, and for no others."""
    (brought.folder / "data" / "chats").rename(brought.folder / "elsewhere")
    assert remade(brought, base=BROUGHT_CORPORA) == set()
    for change in ({"protocol": "spcl"}, {"labels": ["calm", "cross"]}):
        config = copy.deepcopy(BROUGHT_CORPORA)
        config["datasets"]["chats"] |= change
        refusal = brought.refusal(config=brought.configure(config))
        assert refusal.startswith("error: data/chats: no such folder; put the corpus there")


@pytest.mark.parametrize("stamp", [0, -86400, 60], ids=["same stamp", "older", "newer"])
def test_files_that_settings_name_count_by_content(brought, stamp):
    changed_in_place(brought.folder / "encoder" / "model.safetensors", stamp=stamp)
    found = remade(brought, base=BROUGHT_CORPORA)
    assert found == all_of("coded", "t", ["t"]) - {"corpora/coded"}


def test_unfinished_cells_are_left_out_by_name(made):
    """One was deleted, two are of another setting: the tables are those of the fourth."""
    (made.folder / CELLS / "late_fusion/at/spcl/metrics.parquet").unlink()
    config = made.configure(changed("baselines", "mmgcn", "model", "hidden", value=9))
    said = made.says("-n", "--config", "unfinished=leave_out", config=config)
    left = re.findall(r"^meld-one/(\S+): left out", said, re.MULTILINE)
    assert set(left) == EVERY_CELL - {"late_fusion/at/none"}
    assert announced(said)["train_cell"] == 0
    assert announced(said)["gather_cells"] == 1
    assert "is no longer an input" in said


def test_a_dataset_without_a_finished_cell_is_named(made):
    config = made.configure(changed("training", "epochs", value=9))
    done = made.snakemake("-n", "--config", "unfinished=leave_out", config=config, check=False)
    said = (done.stdout + done.stderr).splitlines()
    (error,) = (line for line in said if line.startswith("error:"))
    assert error.startswith("error: unfinished: leave_out: no cell of meld-one is finished")


def test_an_extractor_of_a_datasets_own_is_that_dataset_with_all_its_folds(mixed):
    found = remade(mixed, acted={"features": {"a": BROUGHT["a"]}})
    assert found == {
        "features/acted/a",
        *(f"difficulty/acted-session{n}/{name}" for n in (2, 4) for name in ("a", "conversations")),
        *(f"cells/acted-session{n}/mmgcn/at/none" for n in (2, 4)),
    }


WITH_MODELS = GRID | {"save_models": True}


@pytest.fixture(scope="module")
def with_models(tmp_path_factory):
    """A project where Snakemake takes the files of GRID with models for made."""
    project = copy_of_project(tmp_path_factory.mktemp("models") / "project")
    project.take_for_made(project.configure(WITH_MODELS))
    return project


def test_models_that_are_missing_are_those_cells(made, with_models):
    pending = made.pending(made.configure(WITH_MODELS))
    assert cells_of(pending) == EVERY_CELL
    assert f"{CELLS}/mmgcn/at/spcl/model-seed1.safetensors" in pending
    assert f"{CELLS}/mmgcn/at/spcl/card.md" in pending
    assert upstream_of_cells(pending) == set()
    assert with_models.pending("grid.yaml") == set()
    other = Path("mmgcn", "at", "none")
    left = with_models.copy(made.folder.with_name("left"))
    (left.folder / CELLS / other / "model-seed1.safetensors").unlink()
    assert cells_of(left.pending("grid.yaml")) == {str(other)}


def test_nothing_when_models_are_no_longer_asked_for(with_models, tmp_path):
    project = with_models.copy(tmp_path / "project")
    assert project.pending(project.configure(GRID, "without.yaml")) == set()
