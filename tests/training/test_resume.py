"""An interrupted cell resumes, and its tables equal those of an uninterrupted one."""

import functools
import os
import signal
from dataclasses import replace

import pyarrow.compute as pc
import pytest
import torch

from spcl.provenance.environment import Provenance
from spcl.provenance.record import Recipe, Record, RunningJob, recording
from spcl.study.extensions import BASELINE, CURRICULUM, names
from spcl.study.grid import Cell
from spcl.tables import parquet, schemas
from spcl.training import cell as cell_module
from spcl.training import checkpoints as checkpoints_module
from spcl.training.cell import train_cell
from spcl.training.cell_tables import KINDS, CellTables
from spcl.training.checkpoints import Checkpoints
from spcl.training.loop import Training
from spcl.training.settings import CellSettings
from spcl.training.training_set import EarlierTables
from tests.conftest import make_corpus
from tests.training.conftest import earlier_tables, teacher_tables

CORPUS = make_corpus([5, 1, 9, 4, 6, 3, 7, 2, 8, 5, 6, 4], signal=0.7, unlabelled={3, 20})
STAMP = Provenance(
    commit="0", versions={}, device="here", config_digest="0", training_digest="same"
)
SPCL = {"threshold": 0.3, "growth": 1.5}
SETTINGS = {
    "spcl": SPCL,
    "spl": SPCL,
    "coherence": {"threshold": "auto"},
    "gradient_blending": {"every": 1},
    "relearning": {"every": 1},
}
N_STEPS = 4 * 3  # of a seed: epochs, batches


class Killed(BaseException):
    """Not caught by `except Exception`, like SIGKILL."""


class Runs:
    """Trains one cell repeatedly as the job of the workflow does, and counts the steps."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.steps = 0
        monkeypatch.setattr(checkpoints_module, "_WORTH", 0)  # saves after every epoch

    def __call__(
        self,
        curriculum="spcl",
        baseline="late_fusion",
        *,
        seeds=(1, 2),
        digest="same",
        at=None,
        save_models=False,
    ):
        """Train; at each step in `at`, call its function."""
        self.steps = 0

        def step(training):
            ended = Training.step(training)
            self.steps += 1
            if self.steps in (at or {}):
                at[self.steps]()
            return ended

        checkpoints = Checkpoints(self.folder / "working", self.folder / "kept")
        with self.monkeypatch.context() as patch:
            patch.setattr(cell_module, "Training", type("Watched", (Training,), {"step": step}))
            tables = train(curriculum, baseline, seeds, digest, checkpoints, save_models)
        paths = {kind: self.folder / f"{kind}.parquet" for kind in KINDS}
        tables.write(paths)
        checkpoints.keep(paths)
        return tables

    def killed(self, *arguments, at, **options):
        def kill():
            raise Killed

        with pytest.raises(Killed):
            self(*arguments, at={at: kill}, **options)


@pytest.fixture
def runs(tmp_path, monkeypatch):
    earlier()  # trains too, and is not to be counted
    return Runs(tmp_path, monkeypatch)


def train(curriculum, baseline, seeds, digest, checkpoints=None, save_models=False):
    settings = CellSettings.from_config(
        {
            "seeds": seeds,
            "training": {"epochs": 4, "batch_size": 3, "learning_rate": 0.003},
            "model": {"dropout": 0.2},
            "curriculum": SETTINGS.get(curriculum, {}),
            "combine": {
                name: {"settings": SETTINGS.get(name, {}), "source": None}
                for name in curriculum.split("+")[1:] and curriculum.split("+")
            },
        }
    )
    return train_cell(
        Cell("made", baseline, "at", curriculum),
        *CORPUS,
        settings,
        EarlierTables() if curriculum in ("none", "spcl") else earlier(),
        provenance=replace(STAMP, training_digest=digest),
        checkpoints=checkpoints,
        save_models=save_models,
    )


@functools.cache
def earlier():
    """The tables of the earlier stages, and the pace of an SPCL cell."""
    paced = train("spcl", "late_fusion", (1, 2), "").history
    teachers = teacher_tables(*CORPUS, seeds=(1, 2))
    return earlier_tables(*CORPUS, paced=paced, teachers=teachers)


def same(tables, others):
    """Whether all columns are equal, except wall times and memory."""
    drop = ["train_seconds", "utterances_per_second", "peak_memory_mb"]
    return tables.metrics.drop(drop).equals(others.metrics.drop(drop)) and all(
        getattr(tables, kind).equals(getattr(others, kind)) for kind in KINDS if kind != "metrics"
    )


@pytest.mark.parametrize("curriculum", names(CURRICULUM))
def test_every_curriculum_resumes_from_its_last_finished_epoch(runs, curriculum):
    expected = train(curriculum, "late_fusion", (1,), "same")
    runs.killed(curriculum, at=8, seeds=(1,))  # in the third of four epochs
    assert same(runs(curriculum, seeds=(1,)), expected)
    assert runs.steps == N_STEPS - 6


@pytest.mark.parametrize("curriculum", ["spcl+ogm_ge", "spcl+relearning"])
def test_two_combined_strategies_resume(runs, curriculum):
    expected = train(curriculum, "late_fusion", (1,), "same")
    with pytest.raises(SystemExit):
        runs(curriculum, seeds=(1,), at={8: lambda: os.kill(os.getpid(), signal.SIGTERM)})
    assert same(runs(curriculum, seeds=(1,)), expected)
    assert runs.steps == N_STEPS - 8


@pytest.mark.parametrize("baseline", names(BASELINE))
def test_every_baseline_resumes_between_two_steps(runs, baseline):
    expected = train("spcl", baseline, (1,), "same")
    with pytest.raises(SystemExit):
        runs("spcl", baseline, seeds=(1,), at={8: lambda: os.kill(os.getpid(), signal.SIGTERM)})
    assert same(runs("spcl", baseline, seeds=(1,)), expected)
    assert runs.steps == N_STEPS - 8


def test_a_cell_can_be_interrupted_repeatedly(runs):
    expected = train("spcl", "late_fusion", (1, 2), "same")
    for _ in range(7):
        runs.killed(at=4)
    assert same(runs(), expected)
    assert runs.steps == 2 * N_STEPS - 7 * 3


def test_a_finished_seed_is_not_trained_again_when_the_next_is_killed(runs):
    expected = train("spcl", "late_fusion", (1, 2), "same")
    runs.killed(at=N_STEPS + 2)
    seconds = CellTables.read(
        {kind: runs.folder / "working" / "seed-1" / f"{kind}.parquet" for kind in KINDS}
    ).metrics["train_seconds"]
    tables = runs()
    assert runs.steps == N_STEPS
    assert same(tables, expected)
    assert tables.metrics["train_seconds"].slice(0, 2).equals(seconds)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
def test_a_signal_ends_the_job_with_its_status(runs, number, status):
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as told:
        runs(at={2: lambda: os.kill(os.getpid(), number)})
    assert told.value.code == status
    assert runs.steps == 2
    assert signal.getsignal(number) is before


def test_the_working_folder_is_deleted_when_the_cell_is_complete(runs):
    runs.killed(at=N_STEPS + 5)
    assert (runs.folder / "working").is_dir()
    runs()
    assert not (runs.folder / "working").exists()


@pytest.mark.parametrize("damage", ["truncated", "foreign", "empty"])
def test_a_damaged_state_is_ignored(runs, damage, caplog):
    runs.killed(at=5)
    state = runs.folder / "working" / "seed-1.pt"
    content = {"truncated": state.read_bytes()[:-200], "foreign": b"PAR1" * 9, "empty": b""}[damage]
    state.write_bytes(content)
    assert same(runs(), train("spcl", "late_fusion", (1, 2), "same"))
    assert runs.steps == 2 * N_STEPS
    assert "seed-1.pt: is damaged" in caplog.text


def test_a_state_of_other_settings_code_or_inputs_is_ignored(runs):
    runs.killed(at=N_STEPS + 5, digest="other")
    runs()
    assert runs.steps == 2 * N_STEPS


def test_a_state_that_cannot_be_written_does_not_stop_the_training(runs, monkeypatch, caplog):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints_module, "write_atomically", full)
    assert same(runs(), train("spcl", "late_fusion", (1, 2), "same"))
    assert "cannot be saved" in caplog.text


def test_a_seed_that_is_added_is_trained_alone(runs):
    first = runs(seeds=(2,))
    for kind in KINDS:
        (runs.folder / f"{kind}.parquet").unlink()  # as Snakemake does before it runs a job
    tables = runs(seeds=(1, 2, 3))
    assert runs.steps == 2 * N_STEPS
    assert same(tables, train("spcl", "late_fusion", (1, 2, 3), "same"))
    kept = tables.metrics.filter(pc.field("seed") == 2)
    assert kept.equals(first.metrics)


def test_added_seeds_give_the_same_bytes_as_seeds_trained_together(runs, tmp_path, monkeypatch):
    runs(seeds=(1,))
    runs(seeds=(1, 2))
    (tmp_path / "other").mkdir()
    Runs(tmp_path / "other", monkeypatch)(seeds=(1, 2))
    for kind in set(KINDS) - {"metrics"}:
        file = f"{kind}.parquet"
        assert (tmp_path / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def test_removing_a_seed_trains_nothing(runs):
    runs(seeds=(1, 2))
    assert same(runs(seeds=(1,)), train("spcl", "late_fusion", (1,), "same"))
    assert runs.steps == 0


def test_a_deleted_finished_cell_is_restored_without_training(runs):
    first = runs()
    for kind in KINDS:
        (runs.folder / f"{kind}.parquet").unlink()
    assert same(runs(), first)
    assert runs.steps == 0


def test_kept_seeds_that_were_changed_in_place_are_trained_again(runs):
    """The kept tables are links; the content of one is replaced by another valid history."""
    outputs = {kind: runs.folder / f"{kind}.parquet" for kind in ("metrics", "history")}
    with recording(RunningJob(Record(Recipe("train_cell", {}, None, {}), {}), outputs)):
        tables = runs(seeds=(1,))
    other, history = runs.folder / "other.parquet", outputs["history"]
    parquet.write(train("none", "late_fusion", (1,), "same").history, other, schemas.HISTORY)
    history.write_bytes(other.read_bytes())
    assert same(runs(seeds=(1,)), tables)
    assert runs.steps == N_STEPS


def test_finished_seeds_of_other_settings_are_trained_again(runs):
    runs(seeds=(1,), digest="other")
    runs(seeds=(1, 2))
    assert runs.steps == 2 * N_STEPS


def test_kept_seeds_remain_after_an_attempt_with_other_settings(runs):
    runs(seeds=(1,))
    runs.killed(at=N_STEPS + 1, digest="other")
    assert same(runs(seeds=(1, 2)), train("spcl", "late_fusion", (1, 2), "same"))
    assert runs.steps == N_STEPS


def test_tables_of_two_settings_are_never_mixed(runs, monkeypatch):
    """A job with other settings is killed before it writes the last table of its first seed."""
    runs.killed(at=N_STEPS + 1)
    write = parquet.write

    def killed(table, path, schema, **facts):
        if schema is schemas.METRICS:
            raise Killed
        write(table, path, schema, **facts)

    with monkeypatch.context() as patch:
        patch.setattr(parquet, "write", killed)
        with pytest.raises(Killed):
            runs("none", digest="other")
    assert same(runs(), train("spcl", "late_fusion", (1, 2), "same"))
    assert runs.steps == 2 * N_STEPS


def test_a_seed_whose_pace_has_changed_is_trained_again(runs, monkeypatch):
    runs("random_pacing", seeds=(1,))
    paced = earlier().paced
    share = pc.multiply(paced["admitted_share"], 0.5)
    paced = paced.drop("admitted_share").append_column("admitted_share", share)
    changed = replace(earlier(), paced=paced)
    monkeypatch.setitem(globals(), "earlier", lambda: changed)
    runs("random_pacing", seeds=(1, 2))
    assert runs.steps == 2 * N_STEPS


def test_a_finished_seed_with_a_damaged_table_is_trained_again(runs):
    runs(seeds=(1,))
    (runs.folder / "kept" / "history.parquet").write_bytes(b"PAR1")
    tables = runs(seeds=(1, 2))
    assert runs.steps == 2 * N_STEPS
    assert same(tables, train("spcl", "late_fusion", (1, 2), "same"))


@pytest.mark.parametrize("missing", ["link", "space"])
def test_without_links_or_space_the_cell_completes(runs, monkeypatch, missing):
    def refused(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints_module.os, "link", refused)
    if missing == "space":
        monkeypatch.setattr(checkpoints_module.shutil, "copyfile", refused)
    runs(seeds=(1,))
    runs(seeds=(1, 2))
    assert runs.steps == (N_STEPS if missing == "link" else 2 * N_STEPS)


def test_saving_takes_a_small_share_of_the_time(runs, monkeypatch):
    """The clock advances only while saving, so one state is saved."""
    monkeypatch.setattr(checkpoints_module, "_WORTH", 50)
    clock = iter(range(1000))
    monkeypatch.setattr(checkpoints_module.time, "monotonic", lambda: next(clock))
    saved = []
    monkeypatch.setattr(torch, "save", lambda *_: saved.append(1))
    monkeypatch.setattr(checkpoints_module, "write_atomically", lambda path, save: save(path))
    runs(seeds=(1,))
    assert len(saved) == 1


def models(folder):
    """The models in a folder, as bytes by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.safetensors"))}


MODEL_1, MODEL_2 = "model-seed1.safetensors", "model-seed2.safetensors"


def test_saving_models_changes_no_table_and_gives_the_same_bytes(runs, tmp_path, monkeypatch):
    tables = runs(save_models=True)
    assert same(tables, train("spcl", "late_fusion", (1, 2), "same"))
    first = models(runs.folder)
    assert list(first) == [MODEL_1, MODEL_2]
    other = Runs(tmp_path / "other", monkeypatch)
    other.killed(at=N_STEPS + 5, save_models=True)
    other(save_models=True)
    assert models(other.folder) == first


def test_seeds_that_were_kept_without_models_are_trained_again_once(runs):
    first = runs()
    assert models(runs.folder) == {}
    assert same(runs(save_models=True), first)
    assert runs.steps == 2 * N_STEPS
    runs(save_models=True)
    assert runs.steps == 0


def test_without_save_models_nothing_is_trained_and_models_remain(runs):
    runs(save_models=True)
    before = models(runs.folder)
    runs()
    assert runs.steps == 0
    assert models(runs.folder) == before


def test_a_deleted_model_is_restored_from_the_kept_one(runs):
    runs(save_models=True)
    before = models(runs.folder)
    (runs.folder / MODEL_2).unlink()
    runs(save_models=True)
    assert runs.steps == 0
    assert models(runs.folder) == before


def test_an_added_seed_leaves_the_models_of_the_others(runs):
    runs(seeds=(1,), save_models=True)
    before = models(runs.folder)
    runs(seeds=(1, 2), save_models=True)
    assert runs.steps == N_STEPS
    assert models(runs.folder).items() > before.items()


def test_models_and_card_of_another_training_are_deleted(runs):
    runs(save_models=True)
    (runs.folder / "card.md").write_text("old")
    runs("none", digest="other")
    assert models(runs.folder) == {}
    assert not (runs.folder / "card.md").exists()
