"""Fifty random changes and undos of a small study: its tables are always those of a fresh run."""

import copy
import io
import json
import os
import random
import shutil
import wave

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.workflow.conftest import BROUGHT, GRID, Project, copy_of_project

pytestmark = [pytest.mark.workflow, pytest.mark.end_to_end]

STEPS = 50
TABLES = ("main", "balance", "curriculum")
TARGETS = [f"results/tables/walk/{table}.md" for table in TABLES]
N_DIALOGUES, LENGTH = 12, 3
NAMES = [f"talk{i}_{j}" for i in range(N_DIALOGUES) for j in range(LENGTH)]
SPLITS = ["train"] * 7 + ["dev"] * 2 + ["test"] * 3

CONFIG = GRID | {
    "name": "walk",
    "datasets": {
        "mine": {
            "path": "data/mine",
            "protocol": "official",
            "features": {"t": BROUGHT["t"], "a": {"extractor": "logmel", "options": {"bands": 4}}},
        }
    },
    "grid": GRID["grid"] | {"baselines": ["late_fusion"]},
    "training": {"epochs": 2, "learning_rate": 0.01},
    "baselines": {"late_fusion": {"model": {"hidden": 8}}},
}
del CONFIG["features"]

SETTINGS = {
    ("training", "learning_rate"): [0.01, 0.003, 0.03],
    ("training", "epochs"): [2, 3],
    ("training", "batch_size"): [2, 32],
    ("grid", "seeds"): [[1], [2], [1, 2]],
    ("grid", "curricula"): [["none", "spcl"], ["none"]],
    ("baselines", "late_fusion", "model", "hidden"): [8, 12],
    ("curricula", "spcl", "settings", "threshold"): [0.4, 0.7],
    ("datasets", "mine", "protocol"): ["official", "spcl"],
    ("datasets", "mine", "labels"): [["calm", "cross", "glad"], ["glad", "cross", "calm"]],
    ("datasets", "mine", "features", "a", "options", "bands"): [4, 6],
}


def corpus(seed=0):
    """By name, the files of a corpus: a table, an array and a recording an utterance."""
    rng = np.random.default_rng(seed)
    emotion = rng.choice(["calm", "cross", "glad"], len(NAMES))
    table = pd.DataFrame(
        {
            "dialogue_id": np.repeat([f"talk{i}" for i in range(N_DIALOGUES)], LENGTH),
            "utterance_id": NAMES,
            "split": np.repeat(SPLITS, LENGTH),
            "emotion": emotion,
            "audio_path": [f"sound/{name}.wav" for name in NAMES],
        }
    )
    vectors = rng.normal(size=(len(NAMES), 4)).astype(np.float32)
    vectors[:, :3] += pd.get_dummies(emotion)
    array = io.BytesIO()
    np.save(array, vectors)
    files = {"utterances.csv": table.to_csv(index=False).encode(), "t.npy": array.getvalue()}
    return files | {f"sound/{name}.wav": recording(rng) for name in NAMES}


def recording(rng):
    """A fifth of a second of noise."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 16000, 0, "NONE", ""))
        sound.writeframes(rng.integers(-9999, 9999, 3200).astype(np.int16).tobytes())
    return file.getvalue()


class Study:
    """A project, and what its config and its corpus are at present."""

    def __init__(self, project, folder):
        self.project, self.folder = project, folder
        self.config, self.files, self.stamps = copy.deepcopy(CONFIG), corpus(), {}
        self.past, self.done = [], []
        self.write()

    @property
    def corpus(self):
        return self.project.folder / "data" / "mine"

    def write(self):
        """The present state, each file that is another under its own time stamp."""
        for name, content in self.files.items():
            path = self.corpus / name
            if path.exists() and path.read_bytes() == content:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if name in self.stamps:
                os.utime(path, (self.stamps[name],) * 2)
        self.project.configure(self.config, "walk.yaml")

    def run(self):
        """One run; its tables."""
        done = self.project.snakemake(*TARGETS, "--cores", "2", config="walk.yaml", check=False)
        assert done.returncode == 0, (self.done, done.stderr)
        return tables(self.project)

    def fresh(self, folder):
        """The tables of the same config and corpus, made from nothing."""
        project = copy_of_project(folder / "project")
        other = copy.copy(self)
        other.project, other.stamps = project, {}
        other.write()
        try:
            return other.run()
        finally:
            shutil.rmtree(folder)

    def state(self):
        return copy.deepcopy((self.config, self.files))

    def key(self):
        """The properties that distinguish states."""
        return json.dumps(self.config, sort_keys=True), *self.files.values()


def tables(project):
    folder = project.folder / "results" / "tables" / "walk"
    numbers = {name: pq.read_table(folder / f"{name}.parquet").to_pydict() for name in TABLES}
    return numbers, {name: (folder / f"{name}.md").read_text() for name in TABLES}


def results(study):
    """The tables that lie there."""
    found = (study.project.folder / "results").rglob("*.parquet")
    return sorted(path for path in found if "kept" not in path.parts)


def another_setting(study, dice):
    keys = dice.choice(list(SETTINGS))
    inner = study.config
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = dice.choice([v for v in SETTINGS[keys] if v != inner.get(keys[-1])])


def other_bytes(study, dice):
    """Of the table, the array or a recording, under an older, the same or a newer time stamp."""
    name = dice.choice(["utterances.csv", "t.npy", f"sound/{dice.choice(NAMES)}.wav"])
    stamp = (study.corpus / name).stat().st_mtime
    study.files[name] = corpus(dice.randrange(1, 4))[name]
    study.stamps[name] = stamp + dice.choice([-86400, 0, 3600])


def undo(study, dice):
    """An earlier config and corpus, as from a backup with its time stamps."""
    study.config, study.files = copy.deepcopy(dice.choice(study.past))


def older_folder(study, dice):
    """The corpus' folder moved away, and an earlier one in its place."""
    shutil.rmtree(study.corpus)
    study.files = copy.deepcopy(dice.choice(study.past)[1])
    study.stamps = dict.fromkeys(study.files, 1e9)


def no_records(study, dice):
    shutil.rmtree(study.project.folder / dice.choice([".snakemake", ".snakemake/metadata"]))


def no_results(study, dice):
    """A table, a figure's text, or a folder of them."""
    path = dice.choice(results(study))
    if dice.random() < 0.3:
        shutil.rmtree(path.parent)
    else:
        path.unlink()


def damaged_result(study, dice):
    path = dice.choice(results(study))
    stamp = path.stat().st_mtime
    content = bytearray(path.read_bytes())
    content[dice.randrange(4, len(content) // 2)] ^= 1 << dice.randrange(8)
    path.write_bytes(content)
    os.utime(path, (stamp, stamp))


def mixed_up_results(study, dice):
    """A table in the place of another of its kind, as a copy by hand may leave it."""
    path = dice.choice(results(study))
    others = [other for other in results(study) if other.name == path.name]
    content, stamp = path.read_bytes(), path.stat().st_mtime
    other = dice.choice(others)
    other.write_bytes(content)
    os.utime(other, (stamp, stamp))


def other_stamps(study, dice):
    for path in [*study.corpus.rglob("*"), *results(study)]:
        stamp = path.stat().st_mtime + dice.choice([-86400, 0, 86400])
        os.utime(path, (stamp, stamp))


def another_folder(study, dice):
    """The whole project copied, with or without Snakemake's records; the old one goes."""
    there = study.folder / f"copy{dice.random()}"
    ignored = shutil.ignore_patterns(*dice.choice([[], [".snakemake"]]))
    shutil.copytree(study.project.folder, there, ignore=ignored, copy_function=shutil.copy)
    shutil.rmtree(study.project.folder)
    study.project = Project(there)


CHANGES = {
    another_setting: 5,
    other_bytes: 4,
    undo: 4,
    older_folder: 1,
    no_records: 2,
    no_results: 2,
    damaged_result: 2,
    mixed_up_results: 2,
    other_stamps: 1,
    another_folder: 1,
}
"""How often which, roughly."""


def test_the_tables_are_always_those_of_a_fresh_run(tmp_path):
    dice = random.Random(12)
    study = Study(copy_of_project(tmp_path / "study" / "project"), tmp_path / "study")
    expected = {}
    steps = dice.choices(list(CHANGES), CHANGES.values(), k=STEPS)
    for number, change in enumerate([None, *steps]):
        if change is not None:
            study.past.append(study.state())
            study.done.append(change.__name__)
            change(study, dice)
            study.write()
        found = study.run()
        if study.key() not in expected:
            expected[study.key()] = study.fresh(tmp_path / f"fresh{number}")
        assert found == expected[study.key()], study.done
    assert "Nothing to be done" in study.project.says("-n", *TARGETS, config="walk.yaml")
