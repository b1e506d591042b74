"""The training of one seed: one model, one strategy, step by step.

Within an epoch nothing waits for the device. The measurements are copied to the CPU once, at the
end of the epoch.
"""

import copy
import logging
import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spcl.curriculum import Curriculum, CurriculumStep
from spcl.jobs.duration import in_words
from spcl.models import Batch
from spcl.training.adam import Adam
from spcl.training.dialogues import Corpus
from spcl.training.epoch import Admissions, Epoch
from spcl.training.evaluation import evaluate, score_logits
from spcl.training.gradients import ModalityParameters, backward
from spcl.training.result import EpochRecord, TrainingResult
from spcl.training.settings import TrainingSettings

log = logging.getLogger("spcl.training")


class Training:
    """The training of one seed. It can stop between any two steps and resume from its state.

    Trainings with the same seed are paired. The order of the batches has its own generator. The
    dropout masks come from torch's default generator: the caller seeds it before building the
    model, and nothing else draws from it during the training.

    Parameters
    ----------
    model
        Returned by `spcl.models.build`, on the device of the corpus.
    curriculum
        On the same device, after `Curriculum.start`. Training changes its state.
    corpus
        See `load_corpus`.
    settings
        See `TrainingSettings`.
    seed
        For the order of the batches.
    choose_on
        The split whose weighted F1 selects the best epoch.

    Attributes
    ----------
    result
        The result so far. The admissions are filled in when training has finished.
    """

    def __init__(
        self,
        model: nn.Module,
        curriculum: Curriculum,
        corpus: Corpus,
        settings: TrainingSettings,
        *,
        seed: int,
        choose_on: str = "dev",
    ) -> None:
        self.model = model
        self.curriculum = curriculum
        self.corpus = corpus
        self.settings = settings
        self.seed = seed
        self.choose_on = choose_on
        self.dialogues = corpus.splits["train"]
        self.device = self.dialogues.labels.device
        self.n_labelled = max(int((self.dialogues.labels >= 0).sum()), 1)
        self.scored = [name for name in ("dev", "test") if len(corpus.splits[name])]
        self.optimizer = Adam(
            model.parameters(),
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        self.admissions = Admissions(len(self.dialogues.labels), self.device)
        self.shuffling = np.random.default_rng(seed)
        network: Any = model
        self.parameters = ModalityParameters(
            network.modality_parameters() if curriculum.uses_parameters else {}
        )
        self.result = TrainingResult()
        self.best = -1.0
        self.best_weights: dict[str, Tensor] = {}
        self.epoch = self._new_epoch()
        self._show_evaluation({})

    @property
    def finished(self) -> bool:
        """Whether no step remains."""
        epochs, patience = len(self.result.history), self.settings.patience
        return (
            self.result.diverged
            or epochs >= self.settings.epochs
            or (patience is not None and epochs - self.result.best_epoch >= patience > 0)
        )

    @property
    def random_state(self) -> Tensor:
        """The state of torch's default generator on this device."""
        if self.device.type == "cuda":
            return torch.cuda.get_rng_state(self.device)
        return torch.get_rng_state()

    @random_state.setter
    def random_state(self, state: Tensor) -> None:
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state, self.device)
        else:
            torch.set_rng_state(state)

    def step(self) -> bool:
        """Train on one batch; True if it was the last of the epoch, which then ends."""
        start = time.perf_counter()
        self.model.train()
        rows, batch = self.batch()
        step = self.curriculum(self.model(batch), batch.labels, batch.lengths, rows)
        self.optimizer.zero_grad()
        backward([(self.curriculum, step, self.parameters)])
        return self.learn(rows, batch, step, start)

    def batch(self) -> tuple[Tensor, Batch]:
        """The next batch as the strategy prepares it, and its rows in the training split."""
        rest = self.epoch.order[self.epoch.n_dialogues :]
        rows, batch = self.dialogues.batch(rest[: self.settings.batch_size].numpy())
        return rows, self.curriculum.prepare(batch)

    def learn(self, rows: Tensor, batch: Batch, step: CurriculumStep, start: float) -> bool:
        """Update the weights from the gradients of `step`, which began at time `start`."""
        epoch = self.epoch
        norm = nn.utils.clip_grad_norm_(
            self.model.parameters(), self.settings.clip_norm, foreach=True
        )
        self.optimizer.step()
        self.admissions.record(rows, step.selected, step.difficulty)
        epoch.loss += step.loss.detach()
        epoch.gradient_norm += norm
        epoch.confidence += step.probability.sum(1)
        epoch.n_dialogues += len(batch)
        epoch.n_steps += 1
        ended = epoch.n_dialogues == len(epoch.order)
        if ended:
            self._end_epoch(start)
        self.result.seconds += time.perf_counter() - start
        return ended

    def best_model(self) -> nn.Module:
        """The model with the weights of the best epoch, for a training that has finished."""
        self.model.load_state_dict(self.best_weights)
        return self.model

    def _new_epoch(self) -> Epoch:
        return Epoch(
            number=len(self.result.history) + 1,
            order=torch.from_numpy(self.shuffling.permutation(len(self.dialogues))),
            n_dialogues=0,
            n_steps=0,
            loss=torch.zeros((), device=self.device),
            gradient_norm=torch.zeros((), device=self.device),
            confidence=torch.zeros(len(self.corpus.widths), device=self.device),
        )

    def _end_epoch(self, start: float) -> None:
        """Score the splits, keep the logits if the epoch is the best, and start the next epoch."""
        result, epoch, threshold = self.result, self.epoch, self.curriculum.threshold
        self.admissions.end_epoch(epoch.number)
        logits = {name: evaluate(self.model, self.corpus.splits[name]) for name in self.scored}
        f1 = {
            name: score_logits(z, self.corpus.splits[name].labels).weighted_f1
            for name, z in logits.items()
        }
        record = EpochRecord(
            epoch=epoch.number,
            threshold=None if threshold is None else float(threshold),
            admitted_share=int(self.admissions.selected.sum()) / self.n_labelled,
            train_loss=float(epoch.loss) / max(epoch.n_steps, 1),
            dev_weighted_f1=f1.get("dev"),
            test_weighted_f1=f1["test"],
            modality_confidence=tuple((epoch.confidence / self.n_labelled).tolist()),
        )
        result.history.append(record)
        self.curriculum.step()
        self._log_epoch(record, f1[self.choose_on], result.seconds + time.perf_counter() - start)
        # A gradient can become NaN and spoil the weights although the loss was finite.
        checked = {"loss": record.train_loss, "gradient": float(epoch.gradient_norm)}
        checked |= {f"logits on {name}": float(z.sum()) for name, z in logits.items()}
        wrong = [name for name, value in checked.items() if not math.isfinite(value)]
        result.diverged = bool(wrong)
        better = f1[self.choose_on] > self.best and not wrong
        if better or not result.logits:
            self.best = f1[self.choose_on]
            result.best_epoch = 0 if wrong else epoch.number
            result.logits = {name: z.cpu() for name, z in logits.items()}
            self.best_weights = copy.deepcopy(self.model.state_dict())
        if wrong:
            log.warning(
                "seed %d diverged in epoch %d: the %s is %s",
                self.seed,
                epoch.number,
                wrong[0],
                checked[wrong[0]],
            )
        if self.finished:
            result.first_epoch = self.admissions.first_epoch.cpu().numpy()
            result.epochs_admitted = self.admissions.epochs_admitted.cpu().numpy()
            result.last_difficulty = self.admissions.difficulty.double().cpu().numpy()
        else:
            self._show_evaluation(logits)
            self.epoch = self._new_epoch()

    def _show_evaluation(self, known: Mapping[str, Tensor]) -> None:
        """Give the strategy the logits that it asks for; `known` has those of some splits."""
        splits = {name: self.corpus.splits[name] for name in self.curriculum.evaluates}
        if splits:
            self.curriculum.evaluated(
                {n: known[n] if n in known else evaluate(self.model, splits[n]) for n in splits},
                {name: split.labels for name, split in splits.items()},
                self.parameters.weights(),
            )

    def _log_epoch(self, record: EpochRecord, f1: float, seconds: float) -> None:
        remaining = self.settings.epochs - record.epoch
        log.info(
            "seed %d epoch %d/%d: loss %.4f, admitted %.1f %%, %s W-F1 %.1f, %s%s",
            self.seed,
            record.epoch,
            self.settings.epochs,
            record.train_loss,
            100 * record.admitted_share,
            self.choose_on,
            100 * f1,
            in_words(seconds),
            f", about {in_words(seconds / record.epoch * remaining)} left" if remaining else "",
        )

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step and the result depend on, as plain values and tensors.

        It includes torch's default generator. Tensors are not copied.
        """
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "curriculum": self.curriculum.state_dict(),
            "admissions": vars(self.admissions),
            "shuffling": self.shuffling.bit_generator.state,
            "dropout": self.random_state,
            "epoch": vars(self.epoch),
            "best": self.best,
            "best_weights": self.best_weights,
            "result": self.result.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from the `state_dict` of a training with the same arguments."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.curriculum.load_state_dict(state["curriculum"])
        for name, value in state["admissions"].items():
            getattr(self.admissions, name).copy_(value)
        self.shuffling.bit_generator.state = state["shuffling"]
        self.random_state = state["dropout"]
        self.epoch = Epoch(**state["epoch"])
        for name in ("loss", "gradient_norm", "confidence"):
            setattr(self.epoch, name, getattr(self.epoch, name).to(self.device))
        self.best = state["best"]
        self.best_weights = state["best_weights"]
        self.result = TrainingResult.from_state_dict(state["result"])
