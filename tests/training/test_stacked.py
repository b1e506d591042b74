"""Seeds that are trained at the same time have the same results as separate trainings."""

import functools
import os
import signal

import numpy as np
import pytest
import torch

from spcl.models.biddin import BiDDIN
from spcl.provenance.environment import Provenance
from spcl.study.extensions import BASELINE, find, load, names
from spcl.study.grid import Cell
from spcl.training import checkpoints as checkpoints_module
from spcl.training.cell import train_cell
from spcl.training.checkpoints import Checkpoints
from spcl.training.loop import Training
from spcl.training.settings import CellSettings
from spcl.training.stacked import Stacked, stackable
from tests.conftest import make_corpus
from tests.training.conftest import earlier_tables

CORPUS = make_corpus([5, 1, 9, 4, 6, 3, 7, 2, 8, 5, 6, 4], signal=0.7, unlabelled={3, 20})
STAMP = Provenance(
    commit="0", versions={}, device="here", config_digest="0", training_digest="same"
)
CURRICULA = {
    "none": {},
    "spcl": {"threshold": "auto"},
    "anti": {},
    "baby_step": {},
    "random_pacing": {},
    "modality_dropout": {},
    "ogm_ge": {"alpha": 1.0},
    "mmpareto": {},
    "relearning": {"every": 1},
}
MODEL = {
    "global_hidden": 12,
    "party_hidden": 10,
    "emotion_hidden": 8,
    "classifier_hidden": 6,
    "dropout": 0.3,
}
EPOCHS, BATCHES = 3, 3


def train(
    curriculum="spcl",
    *,
    seeds=(1, 2, 3),
    at_once="always",
    device="cpu",
    checkpoints=None,
    **training,
):
    settings = CellSettings.from_config(
        {
            "seeds": seeds,
            "training": {
                "epochs": EPOCHS,
                "batch_size": 3,
                "learning_rate": 0.003,
                "seeds_at_once": at_once,
            }
            | training,
            "model": MODEL,
            "curriculum": CURRICULA[curriculum],
        }
    )
    return train_cell(
        Cell("made", "biddin", "at", curriculum),
        *CORPUS,
        settings,
        earlier(),
        device=device,
        provenance=STAMP,
        checkpoints=checkpoints,
    )


@functools.cache
def earlier():
    """The tables of the earlier stages, with a pace for the curricula that follow one."""
    settings = CellSettings.from_config(
        {
            "seeds": (1, 2, 3, 4, 5),
            "training": {"epochs": EPOCHS, "batch_size": 3, "learning_rate": 0.003},
            "model": {"hidden": 8},
            "curriculum": {"threshold": 0.3, "growth": 1.5},
        }
    )
    paced = train_cell(
        Cell("made", "late_fusion", "at", "spcl"), *CORPUS, settings, provenance=STAMP
    )
    return earlier_tables(*CORPUS, paced=paced.history)


@functools.cache
def alone(seed, curriculum="spcl"):
    return train(curriculum, seeds=(seed,), at_once="never")


def assert_as_alone(tables, seeds=(1, 2, 3), curriculum="spcl"):
    """History and probabilities of each seed equal those of a separate training, to 1e-4."""
    for seed in seeds:
        one, other = tables.of_seed(seed), alone(seed, curriculum)
        for kind in ("history", "curriculum"):
            ours, theirs = (getattr(each, kind).to_pandas() for each in (one, other))
            numbers = ours.select_dtypes("number").columns
            np.testing.assert_allclose(ours[numbers], theirs[numbers], atol=1e-4)
        ours, theirs = (
            np.stack(each.predictions["probabilities"].to_pylist()) for each in (one, other)
        )
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.fixture
def joint_steps(monkeypatch):
    """The number of seeds of each joint step."""
    seeds = []

    def together(models, steps):
        seeds.append(len(steps))
        return as_one(models, steps)

    as_one = BiDDIN.together
    monkeypatch.setattr(BiDDIN, "together", together)
    return seeds


@pytest.mark.parametrize("curriculum", CURRICULA)
def test_every_seed_gives_the_same_result_as_alone(curriculum, joint_steps):
    assert_as_alone(train(curriculum), curriculum=curriculum)
    assert joint_steps == [3] * EPOCHS * BATCHES


def test_a_seed_does_not_depend_on_the_other_seeds():
    for seeds in [(2, 1), (3, 2, 5, 4)]:
        assert_as_alone(train(seeds=seeds), seeds=(2,))


def test_a_cpu_trains_one_seed_after_another_by_default(joint_steps):
    tables = train(at_once="auto")
    assert joint_steps == []
    for seed in (1, 2, 3):
        assert tables.of_seed(seed).history.equals(alone(seed).history)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_trains_all_seeds_at_once(joint_steps):
    together, apart = (
        train(at_once=way, device="cuda").history["train_loss"].to_numpy()
        for way in ("auto", "never")
    )
    assert joint_steps == [3] * EPOCHS * BATCHES
    np.testing.assert_allclose(together, apart, atol=1e-3)


@pytest.mark.parametrize("baseline", names(BASELINE))
def test_only_a_baseline_with_a_recurrence_stacks(baseline):
    assert stackable(load(find(BASELINE, baseline))) == (baseline == "biddin")


@pytest.mark.parametrize("parts", [(), ("together",), ("unroll", "classify")])
def test_a_baseline_that_changes_biddin_does_not_stack(parts):
    assert not stackable(type("Mine", (BiDDIN,), {part: vars(BiDDIN)[part] for part in parts}))


def test_with_too_little_memory_seeds_train_one_after_another(monkeypatch, caplog):
    def too_small(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    working = BiDDIN.together
    steps = 0

    def together(*arguments):
        nonlocal steps
        steps += 1
        return (too_small if steps > 4 else working)(*arguments)

    monkeypatch.setattr(BiDDIN, "together", together)
    with caplog.at_level("INFO", "spcl.training"):
        assert_as_alone(train())
    assert steps == 5
    assert "one after another (CUDA out of memory)" in caplog.text


def test_out_of_memory_after_the_curricula_ran_is_handled(monkeypatch):
    backward = torch.Tensor.backward
    steps = 0

    def too_large(loss):
        nonlocal steps
        steps += 1
        if steps == 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        backward(loss)

    monkeypatch.setattr(torch.Tensor, "backward", too_large)
    assert_as_alone(train())


def test_interrupted_stacked_trainings_resume(tmp_path, monkeypatch, joint_steps):
    monkeypatch.setattr(checkpoints_module, "_WORTH", 0)
    whole = train()
    joint_steps.clear()
    learn, learnt = Training.learn, 0

    def interrupted(training, *step):
        nonlocal learnt
        learnt += 1
        if learnt == 3 * 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return learn(training, *step)

    checkpoints = Checkpoints(tmp_path / "working", tmp_path / "kept")
    with monkeypatch.context() as patch:
        patch.setattr(Training, "learn", interrupted)
        with pytest.raises(SystemExit) as told:
            train(checkpoints=checkpoints)
    assert told.value.code == 143
    assert len(joint_steps) == 5
    tables = train(checkpoints=checkpoints)
    assert len(joint_steps) == EPOCHS * BATCHES
    assert tables.history.equals(whole.history)
    assert tables.predictions.equals(whole.predictions)


def test_a_seed_that_resumes_earlier_does_not_change_the_others(tmp_path, monkeypatch):
    # A process that dies while it saves leaves states of different epochs.
    monkeypatch.setattr(checkpoints_module, "_WORTH", 0)
    save, saved = Checkpoints.save, 0

    class Killed(BaseException):
        pass

    def killed(self, *arguments):
        nonlocal saved
        saved += 1
        if saved == 3 + 2:
            raise Killed
        save(self, *arguments)

    checkpoints = Checkpoints(tmp_path / "working", tmp_path / "kept")
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", killed)
        with pytest.raises(Killed):
            train(checkpoints=checkpoints)
    assert_as_alone(train(checkpoints=checkpoints))


def test_a_seed_that_diverges_does_not_change_the_others(monkeypatch, joint_steps):
    learn = Training.learn

    def spoilt(training, *step):
        if training.seed == 2:
            training.model.heads["a"].classify.bias.grad.fill_(torch.nan)
        return learn(training, *step)

    monkeypatch.setattr(Training, "learn", spoilt)
    tables = train()
    assert tables.of_seed(2).metrics["diverged"].to_pylist() == [True, True]
    assert joint_steps == [3] * BATCHES + [2] * (EPOCHS - 1) * BATCHES
    monkeypatch.undo()
    assert_as_alone(tables, seeds=(1, 3))


def test_a_seed_that_stops_early_does_not_change_the_others():
    together, apart = (train(at_once=way, epochs=6, patience=2) for way in ("always", "never"))
    epochs = [tables.history.group_by("seed").aggregate([("epoch", "max")]).to_pydict()
              for tables in (together, apart)]  # fmt: skip
    assert epochs[0] == epochs[1]
    assert len(set(epochs[0]["epoch_max"])) > 1


def test_the_last_training_of_a_group_steps_alone(joint_steps):
    assert train(seeds=(1,)).history.equals(alone(1).history)
    assert joint_steps == []
    assert Stacked().unfinished == []
