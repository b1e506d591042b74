"""Gradient blending: losses weighted by what they gain and how much they overfit.

Wang, Tran and Feiszli, CVPR 2020 (arXiv 1905.12681). There are M + 1 losses: l^m of each modality,
and that of the joint logits. Every few epochs, with T and V a loss on train and dev now, and T' and
V' at the previous evaluation::

    G    = V' - V                          gain
    O    = (V - T) - (V' - T')             overfitting
    w    = max(G, 0) / O^2, divided by the sum over the losses
    loss = w^joint L + sum_m w^m mean_j CE(z_j^m, y_j)

Before the first estimate all weights are equal. If no loss gains, they stay as they are.
"""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from spcl.curriculum.balancing.base import BalancingMethod, unimodal_losses
from spcl.curriculum.base import ByModality, CurriculumStep
from spcl.curriculum.checks import check_count, check_number
from spcl.curriculum.scores import Scores

_SMALLEST = 1e-3
"""The smallest O, so that a loss that does not overfit at all has a finite weight."""


class GradientBlending(BalancingMethod):
    """Learn from a weighted sum of the joint and the unimodal losses.

    Parameters
    ----------
    every
        The number of epochs between two estimates of the weights, at least 1.
    weight
        How much of the loss is blended, from 0 to 1; the rest is the joint loss alone. At 0 the
        method does nothing.

    Notes
    -----
    An estimate evaluates the training split. The paper trains a network for each loss in order to
    estimate the weights; here they are estimated from the classifiers of the one network. With one
    modality the method does nothing.
    """

    def __init__(self, every: int = 5, weight: float = 1.0) -> None:
        super().__init__()
        check_count("every", every)
        check_number("weight", weight, most=1)
        self.every = every
        self.weight = weight

    @property
    def evaluates(self) -> tuple[str, ...]:
        return ("train", "dev") if self.weight and self.epoch % self.every == 0 else ()

    def evaluated(
        self, logits: Mapping[str, Tensor], labels: Mapping[str, Tensor], weights: ByModality
    ) -> None:
        train, dev = (_losses(logits[name], labels[name]) for name in ("train", "dev"))
        w = self.memory.get("weights", torch.full_like(dev, 1 / len(dev)))
        if "dev" in self.memory:
            gain = (self.memory["dev"] - dev).clamp(min=0)
            overfitting = (dev - train) - (self.memory["dev"] - self.memory["train"])
            new = gain / overfitting.abs().clamp(min=_SMALLEST) ** 2
            w = torch.where(new.sum() > 0, new / new.sum(), w)
        self.memory = {"weights": w, "train": train, "dev": dev}

    def balance(self, scores: Scores, step: CurriculumStep, rows: Tensor | None) -> CurriculumStep:
        if self.weight == 0 or len(scores.logits) == 1:
            return step
        if "weights" not in self.memory:
            raise ValueError("call curriculum.evaluated(logits, labels, {}) before the first step")
        w = self.memory["weights"].to(step.loss.dtype)
        unimodal = unimodal_losses(scores, step.selected)
        blended = w[-1] * step.loss + (w[:-1] * unimodal).sum()
        return replace(step, loss=torch.lerp(step.loss, blended, self.weight))


def _losses(logits: Tensor, labels: Tensor) -> Tensor:
    """(M + 1,) float64, the mean loss of each modality, then that of the joint logits (M, N, C)."""
    each = torch.cat([logits, logits.sum(0, keepdim=True)]).double()
    return torch.stack([cross_entropy(z, labels, ignore_index=-1) for z in each])


CURRICULUM = GradientBlending
