"""This project's side of a comparison: a model, a curriculum, an optimiser, and its timed step."""

from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import seconds_of
from benchmarks.shapes import Shape
from spcl import curriculum, models
from spcl.models import Batch
from spcl.training.adam import Adam
from spcl.training.gradients import ModalityParameters, backward

CURRICULA: dict[str, dict[str, float]] = {"none": {}, "spcl": {"threshold": 0.4, "growth": 1.25}}


class TrainingStep:
    """The step of one training with the baseline's published sizes.

    Parameters
    ----------
    baseline
        Its name.
    shape, modalities
        Of the corpus.
    pace
        The curriculum's name, one of `CURRICULA`.
    device
        ``cpu`` or ``cuda``.

    Attributes
    ----------
    curriculum
        May be replaced: what a step costs does not depend on the weights.
    """

    def __init__(
        self, baseline: str, shape: Shape, modalities: str, pace: str, device: str
    ) -> None:
        torch.manual_seed(0)
        self.device = device
        model: Any = models.build(
            baseline,
            widths={m: shape.widths[m] for m in modalities},
            n_classes=shape.classes,
            n_speakers=shape.speakers,
        ).to(device)
        self.model = model
        self.parameters = ModalityParameters(model.modality_parameters())
        self.curriculum = curriculum.build(pace, **CURRICULA[pace]).to(device)
        self.optimizer = Adam(self.model.parameters(), learning_rate=1e-4, weight_decay=1e-8)

    def backward(
        self, batch: Batch, rows: Tensor | None = None, logits: Tensor | None = None
    ) -> None:
        """Add the gradients of a batch to the present ones, and let the curriculum adjust them.

        Parameters
        ----------
        batch
            Before `Curriculum.prepare`.
        rows
            The rows of its utterances in the training split, for curricula that need them.
        logits
            (M, N, C) in place of those of the model, so that only the work of the curriculum
            remains.
        """
        batch = self.curriculum.prepare(batch)
        answers = self.model(batch) if logits is None else logits
        step = self.curriculum(answers, batch.labels, batch.lengths, rows)
        backward([(self.curriculum, step, self.parameters)])

    def run(self, batch: Batch, rows: Tensor | None = None) -> None:
        """Do the same as a step of `spcl.training.loop`."""
        self.optimizer.zero_grad()
        self.backward(batch, rows)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 2.0, foreach=True)
        self.optimizer.step()

    def seconds(self, batch: Batch) -> float:
        """Wall seconds of a step."""
        return seconds_of(lambda: self.run(batch), self.device)

    def operations(self, batch: Batch) -> int:
        """The number of operations in the matrix products of a step, forward and backward.

        A multiplication and an addition are two operations.
        """
        with FlopCounterMode(display=False) as counter:
            self.run(batch)
        return counter.get_total_flops()
