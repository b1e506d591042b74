"""The training loop: one seed, one model, one curriculum.

Inside an epoch nothing waits for the device; what an epoch measured is fetched once, at its end.
"""

import logging
import math
import time
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from spcl.curriculum import Curriculum
from spcl.training.dialogues import Corpus, Dialogues
from spcl.training.metrics import Scores, confusion_matrix, scores
from spcl.training.settings import TrainingSettings

log = logging.getLogger("spcl.training")

_EVALUATION_BATCH = 64
"""Dialogues a step without gradients. A dialogue's output never depends on it."""


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch left behind; see `spcl.schemas.HISTORY`.

    The threshold is the one in force at the epoch's end: within an epoch some curricula move it.
    """

    epoch: int
    threshold: float | None
    admitted_share: float
    train_loss: float
    dev_weighted_f1: float | None
    test_weighted_f1: float
    modality_confidence: tuple[float, ...]


@dataclass
class Run:
    """One seed's training. M modalities, n labelled or unlabelled training utterances, C classes.

    Attributes
    ----------
    history
        An entry an epoch.
    best_epoch
        From 1; 0 where the first epoch already diverged.
    logits
        By split (dev, test), (M, N, C) float32 on the host, of the best epoch.
    scores
        By split, of the best epoch.
    first_epoch
        (n,) int32, the first epoch that admitted the utterance; 0 = never.
    epochs_admitted
        (n,) int32.
    last_difficulty
        (n,) float64, rho in the last epoch.
    diverged
        The loss became NaN or infinite; training ended there.
    seconds
        Wall time of all epochs, evaluation included.
    """

    history: list[EpochRecord] = field(default_factory=list)
    best_epoch: int = 0
    logits: dict[str, Tensor] = field(default_factory=dict)
    scores: dict[str, Scores] = field(default_factory=dict)
    first_epoch: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    epochs_admitted: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    last_difficulty: np.ndarray = field(default_factory=lambda: np.zeros(0))
    diverged: bool = False
    seconds: float = 0.0

    @property
    def full_at_epoch(self) -> int | None:
        """The first epoch that admitted every labelled utterance; None = never."""
        return next((record.epoch for record in self.history if record.admitted_share == 1), None)


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


def train(
    model: nn.Module,
    curriculum: Curriculum,
    corpus: Corpus,
    settings: TrainingSettings,
    *,
    seed: int,
    choose_on: str = "dev",
) -> Run:
    """Train `model` on the train split and keep its best epoch.

    Trainings with one seed are paired: the order of batches has a generator of its own, and the
    dropout masks come from torch's default generator, which the caller seeds before it builds the
    model, and which nothing else draws from meanwhile.

    Parameters
    ----------
    model
        As `spcl.models.build` gives it, on the corpus' device.
    curriculum
        On the same device; its state changes.
    corpus
        See `load_corpus`.
    settings
        See `TrainingSettings`.
    seed
        Of the order of batches.
    choose_on
        The split whose weighted F1 chooses the epoch.
    """
    dialogues = corpus.splits["train"]
    device = dialogues.labels.device
    optimizer = torch.optim.Adam(
        model.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    order = np.random.default_rng(seed)
    admissions = Admissions(len(dialogues.labels), device)
    n_labelled = int((dialogues.labels >= 0).sum())
    run = Run()
    scored = [name for name in ("dev", "test") if len(corpus.splits[name])]  # some have no dev
    start = time.perf_counter()
    best = -1.0
    for epoch in range(1, settings.epochs + 1):
        model.train()
        loss = torch.zeros((), device=device)
        confidence = torch.zeros(len(corpus.widths), device=device)
        n_steps = 0
        for rows, batch in dialogues.batches(
            order.permutation(len(dialogues)), settings.batch_size
        ):
            step = curriculum(model(batch), batch.labels, batch.lengths, rows)
            optimizer.zero_grad(set_to_none=True)
            step.loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm, foreach=True)
            optimizer.step()
            admissions.record(rows, step.selected, step.difficulty)
            loss += step.loss.detach()
            confidence += step.probability.sum(1)
            n_steps += 1
        admissions.end_epoch(epoch)

        logits = {name: evaluate(model, corpus.splits[name]) for name in scored}
        now = {name: _scores(z, corpus.splits[name].labels) for name, z in logits.items()}
        record = EpochRecord(
            epoch=epoch,
            threshold=None if curriculum.threshold is None else float(curriculum.threshold),
            admitted_share=int(admissions.selected.sum()) / max(n_labelled, 1),
            train_loss=float(loss) / max(n_steps, 1),
            dev_weighted_f1=now["dev"].weighted_f1 if "dev" in now else None,
            test_weighted_f1=now["test"].weighted_f1,
            modality_confidence=tuple((confidence / max(n_labelled, 1)).tolist()),
        )
        curriculum.step()
        run.history.append(record)
        log.info(
            "seed %d epoch %d/%d: loss %.4f, admitted %.1f %%, %s W-F1 %.1f, %.1f s",
            seed,
            epoch,
            settings.epochs,
            record.train_loss,
            100 * record.admitted_share,
            choose_on,
            100 * now[choose_on].weighted_f1,
            time.perf_counter() - start,
        )
        run.diverged = not math.isfinite(record.train_loss)
        better = now[choose_on].weighted_f1 > best and not run.diverged
        if better or not run.logits:
            best = now[choose_on].weighted_f1
            run.best_epoch = 0 if run.diverged else epoch
            run.logits = {name: z.cpu() for name, z in logits.items()}
            run.scores = now
        if run.diverged:
            log.warning("seed %d diverged in epoch %d: the loss is %s", seed, epoch, float(loss))
            break
        if settings.patience is not None and epoch - run.best_epoch >= settings.patience:
            break
    run.seconds = time.perf_counter() - start
    run.first_epoch = admissions.first_epoch.cpu().numpy()
    run.epochs_admitted = admissions.epochs_admitted.cpu().numpy()
    run.last_difficulty = admissions.difficulty.double().cpu().numpy()
    return run


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
