"""The training of one seed: one model, one curriculum, step by step.

Inside an epoch nothing waits for the device; what an epoch measured is fetched once, at its end.
"""

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spcl.curriculum import Curriculum, CurriculumStep
from spcl.jobs.duration import in_words
from spcl.models import Batch
from spcl.training.adam import Adam
from spcl.training.dialogues import Corpus, Dialogues
from spcl.training.metrics import Scores, confusion_matrix, scores
from spcl.training.run import EpochRecord, Run
from spcl.training.settings import TrainingSettings

log = logging.getLogger("spcl.training")

_EVALUATION_BATCH = 64
"""Dialogues a step without gradients. A dialogue's output never depends on it."""


class Admissions:
    """What the curriculum admitted, by training utterance, kept on the device."""

    def __init__(self, n_utterances: int, device: torch.device) -> None:
        self.first_epoch = torch.zeros(n_utterances, dtype=torch.int32, device=device)
        self.epochs_admitted = torch.zeros(n_utterances, dtype=torch.int32, device=device)
        self.selected = torch.zeros(n_utterances, dtype=torch.bool, device=device)
        self.difficulty = torch.full((n_utterances,), math.nan, device=device)

    def record(self, rows: Tensor, selected: Tensor, difficulty: Tensor) -> None:
        """Keep one step's choice for the utterances `rows`, all (n,)."""
        self.selected[rows] = selected
        self.difficulty[rows] = difficulty.to(self.difficulty.dtype)

    def end_epoch(self, epoch: int) -> None:
        self.epochs_admitted += self.selected
        new = self.selected & (self.first_epoch == 0)
        self.first_epoch.masked_fill_(new, epoch)


@dataclass
class Epoch:
    """An epoch under way; the sums stay on the device.

    Attributes
    ----------
    number
        From 1.
    order
        (B,) int64, the dialogues in the order of training.
    n_dialogues, n_steps
        Those done.
    loss, gradient_norm
        Scalars, summed over the steps.
    confidence
        (M,), the probability of the true class by modality, summed over the utterances.
    """

    number: int
    order: Tensor
    n_dialogues: int
    n_steps: int
    loss: Tensor
    gradient_norm: Tensor
    confidence: Tensor


class Training:
    """One seed's training. It can stop between any two steps and go on from its state.

    Trainings with one seed are paired: the order of batches has a generator of its own, and the
    dropout masks come from torch's default generator, which the caller seeds before it builds the
    model, and which nothing else draws from meanwhile.

    Parameters
    ----------
    model
        As `spcl.models.build` gives it, on the corpus' device.
    curriculum
        On the same device, started; its state changes.
    corpus
        See `load_corpus`.
    settings
        See `TrainingSettings`.
    seed
        Of the order of batches.
    choose_on
        The split whose weighted F1 chooses the epoch.

    Attributes
    ----------
    run
        What has come of it so far. The admissions are filled in when it has finished.
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
        self.run = Run()
        self.best = -1.0
        self.epoch = self._new_epoch()

    @property
    def finished(self) -> bool:
        """Whether there is no step left."""
        epochs, patience = len(self.run.history), self.settings.patience
        return (
            self.run.diverged
            or epochs >= self.settings.epochs
            or (patience is not None and epochs - self.run.best_epoch >= patience > 0)
        )

    @property
    def random_state(self) -> Tensor:
        """Of torch's default generator on this device."""
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
        """Train on one batch, and say whether it was the last of an epoch, which it then ended."""
        start = time.perf_counter()
        self.model.train()
        rows, batch = self.batch()
        step = self.curriculum(self.model(batch), batch.labels, batch.lengths, rows)
        self.optimizer.zero_grad()
        step.loss.backward()
        return self.learn(rows, batch, step, start)

    def batch(self) -> tuple[Tensor, Batch]:
        """The next batch, and its rows of the training split."""
        rest = self.epoch.order[self.epoch.n_dialogues :]
        return self.dialogues.batch(rest[: self.settings.batch_size].numpy())

    def learn(self, rows: Tensor, batch: Batch, step: CurriculumStep, start: float) -> bool:
        """Move the weights by the gradients of `step`, which began at `start`; see `step`."""
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
        self.run.seconds += time.perf_counter() - start
        return ended

    def _new_epoch(self) -> Epoch:
        return Epoch(
            number=len(self.run.history) + 1,
            order=torch.from_numpy(self.shuffling.permutation(len(self.dialogues))),
            n_dialogues=0,
            n_steps=0,
            loss=torch.zeros((), device=self.device),
            gradient_norm=torch.zeros((), device=self.device),
            confidence=torch.zeros(len(self.corpus.widths), device=self.device),
        )

    def _end_epoch(self, start: float) -> None:
        """Score the splits, keep the epoch if it is the best, and begin the next."""
        run, done, threshold = self.run, self.epoch, self.curriculum.threshold
        number = done.number
        self.admissions.end_epoch(number)
        logits = {name: evaluate(self.model, self.corpus.splits[name]) for name in self.scored}
        now = {name: _scores(z, self.corpus.splits[name].labels) for name, z in logits.items()}
        record = EpochRecord(
            epoch=number,
            threshold=None if threshold is None else float(threshold),
            admitted_share=int(self.admissions.selected.sum()) / self.n_labelled,
            train_loss=float(done.loss) / max(done.n_steps, 1),
            dev_weighted_f1=now["dev"].weighted_f1 if "dev" in now else None,
            test_weighted_f1=now["test"].weighted_f1,
            modality_confidence=tuple((done.confidence / self.n_labelled).tolist()),
        )
        self.curriculum.step()
        run.history.append(record)
        seconds = run.seconds + time.perf_counter() - start
        to_come = self.settings.epochs - number
        log.info(
            "seed %d epoch %d/%d: loss %.4f, admitted %.1f %%, %s W-F1 %.1f, %s%s",
            self.seed,
            number,
            self.settings.epochs,
            record.train_loss,
            100 * record.admitted_share,
            self.choose_on,
            100 * now[self.choose_on].weighted_f1,
            in_words(seconds),
            f", about {in_words(seconds / number * to_come)} left" if to_come else "",
        )
        # A gradient that is no number spoils the weights though its loss was one.
        finite = {"loss": record.train_loss, "gradient": float(done.gradient_norm)}
        finite |= {f"logits on {name}": float(z.sum()) for name, z in logits.items()}
        wrong = [name for name, value in finite.items() if not math.isfinite(value)]
        run.diverged = bool(wrong)
        better = now[self.choose_on].weighted_f1 > self.best and not wrong
        if better or not run.logits:
            self.best = now[self.choose_on].weighted_f1
            run.best_epoch = 0 if wrong else number
            run.logits = {name: z.cpu() for name, z in logits.items()}
        if wrong:
            log.warning(
                "seed %d diverged in epoch %d: the %s is %s",
                self.seed,
                number,
                wrong[0],
                finite[wrong[0]],
            )
        if self.finished:
            run.first_epoch = self.admissions.first_epoch.cpu().numpy()
            run.epochs_admitted = self.admissions.epochs_admitted.cpu().numpy()
            run.last_difficulty = self.admissions.difficulty.double().cpu().numpy()
        else:
            self.epoch = self._new_epoch()

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on and all that has come so far, as plain values.

        torch's default generators are part of it. Tensors are not copied.
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
            "run": self.run.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another training with the same arguments gave this `state_dict`."""
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
        self.run = Run.from_state_dict(state["run"])


@torch.no_grad()
def evaluate(model: nn.Module, dialogues: Dialogues) -> Tensor:
    """The logits of every modality in evaluation mode, (M, N, C), in the split's order."""
    model.eval()
    chunks = [
        torch.stack(tuple(model(batch).values()))
        for _, batch in dialogues.batches(np.arange(len(dialogues)), _EVALUATION_BATCH)
    ]
    return torch.cat(chunks, 1)


def _scores(logits: Tensor, labels: Tensor) -> Scores:
    joint = logits.sum(0)
    return scores(confusion_matrix(joint.argmax(-1), labels, joint.shape[-1]))
