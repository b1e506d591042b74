"""The base class of balancing methods."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from spcl.curriculum.base import ByModality, Curriculum, CurriculumStep, TrainingSet
from spcl.curriculum.none import admit_all
from spcl.curriculum.scores import Logits, Scores, score


class BalancingMethod(Curriculum):
    """Learns from every labelled utterance, like `NoCurriculum`, and balances the modalities.

    A subclass defines `balance`, which gets the scores of a batch and changes its step; `prepare`;
    `adjust`; or several of them. `spcl.curriculum.combined` calls `balance` with the step of a
    curriculum.

    Attributes
    ----------
    epoch
        The number of finished epochs.
    memory
        Tensors by name that the method keeps from step to step, for ``state_dict``. They are
        replaced, never changed in place.
    """

    replaces_loss = False
    """Whether `balance` computes the joint loss anew, with its gradient for every modality."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch = 0
        self.memory: dict[str, Tensor] = {}
        self._generator: torch.Generator | None = None

    def start(self, training_set: TrainingSet) -> None:
        """Seed the random numbers of the method."""
        # Another stream than that of torch's default generator with the same seed.
        seed = (training_set.seed * 1_000_003 + 1) % 2**63
        self._generator = torch.Generator(training_set.labels.device).manual_seed(seed)

    @property
    def generator(self) -> torch.Generator:
        """The source of all random numbers of the method, on the device of the training.

        Raises
        ------
        ValueError
            `start` was not called.
        """
        if self._generator is None:
            raise ValueError("call curriculum.start(training_set) before the first step")
        return self._generator

    def forward(
        self, logits: Logits, labels: Tensor, lengths: Tensor, rows: Tensor | None = None
    ) -> CurriculumStep:
        scores = score(logits, labels, lengths)
        return self.balance(scores, admit_all(scores), rows)

    def balance(self, scores: Scores, step: CurriculumStep, rows: Tensor | None) -> CurriculumStep:
        """Return the step that is learnt from in place of `step`.

        Parameters
        ----------
        scores
            The scores of the batch.
        step
            The step of the curriculum; without one, that of `NoCurriculum`.
        rows
            See `Curriculum.forward`.
        """
        return step

    def step(self) -> None:
        """End an epoch."""
        self.epoch += 1

    def get_extra_state(self) -> dict[str, Any]:
        """What changes during a training, for ``state_dict``."""
        generator = self._generator and self._generator.get_state()
        return {"epoch": self.epoch, "memory": dict(self.memory), "generator": generator}

    def set_extra_state(self, state: Mapping[str, Any]) -> None:
        """Restore what `get_extra_state` returned."""
        self.epoch = state["epoch"]
        self.memory = dict(state["memory"])
        if state["generator"] is not None:
            self.generator.set_state(state["generator"])
            self.memory = {k: v.to(self.generator.device) for k, v in self.memory.items()}


def unimodal_losses(scores: Scores, selected: Tensor) -> Tensor:
    """CE(z^m, y) of each modality, summed over the selected and divided by the labelled utterances.

    Parameters
    ----------
    scores
        The scores of a batch.
    selected
        v, (N,) bool, False where there is no label.

    Returns
    -------
    (M,), with gradient
    """
    targets = scores.labels.masked_fill(~selected, -1)
    loss = cross_entropy(
        scores.logits.flatten(0, 1),
        targets.repeat(len(scores.logits)),
        ignore_index=-1,
        reduction="none",
    )
    total = loss.view(len(scores.logits), -1).sum(1)
    return total / scores.labelled.sum().clamp(min=1)


def add_loss(step: CurriculumStep, loss: Tensor) -> CurriculumStep:
    """The same step with another loss on top of its own."""
    return replace(step, loss=step.loss + loss)


def scale(gradients: ByModality, factors: Tensor) -> None:
    """Multiply the gradients of each modality by its factor (M,), in place."""
    for own, factor in zip(gradients.values(), factors, strict=True):
        for g in own:
            g.mul_(factor)


def lead(values: Tensor) -> Tensor:
    """How far each modality is ahead of the mean of the others: (M,) -> (M,); 0 for M = 1."""
    others = (values.sum() - values) / max(len(values) - 1, 1)
    return values - others if len(values) > 1 else torch.zeros_like(values)


def lead_ratio(values: Tensor) -> Tensor:
    """Each modality's value divided by the mean of the others: (M,) -> (M,); 1 for M = 1.

    It is 1 where the others have 0, for example in a batch without labels.
    """
    others = (values.sum() - values) / max(len(values) - 1, 1)
    return torch.where(others > 0, values / others, 1.0)
