"""CGGM: classifier-guided gradient modulation.

Guo et al., NeurIPS 2024 (arXiv 2411.01409). The classifier of each modality judges how fast the
modality progresses. A modality that progresses faster gets a smaller gradient, and the gradient of
each classifier is turned towards that of the joint prediction. With a^m the accuracy of z^m on a
step, d^m its increase since the previous step (0 if it fell), and D = softmax(z) - y the gradient
of the loss in the logits::

    B^m   = rho (1 - d^m / sum_n d^n);  rho (M - 1) / M if no modality progresses
    g^m  <- B^m g^m
    loss  = L + w / M sum_m B^m (1 - cos(D, D^m))
"""

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from spcl.curriculum.balancing.base import BalancingMethod, add_loss, scale
from spcl.curriculum.base import ByModality, CurriculumStep
from spcl.curriculum.checks import check_number
from spcl.curriculum.scores import Scores


class CGGM(BalancingMethod):
    """Modulate size and direction of each modality's gradient by the progress of its classifier.

    Parameters
    ----------
    rho
        The scale of the gradients, at least 0. At 0 they are not changed, and the direction has the
        same weight for every modality.
    weight
        w, the weight of the direction, at least 0.

    Notes
    -----
    With one modality the method does nothing.
    """

    factors: Tensor

    def __init__(self, rho: float = 1.3, weight: float = 0.2) -> None:
        super().__init__()
        check_number("rho", rho)
        check_number("weight", weight)
        self.rho = rho
        self.weight = weight

    def balance(self, scores: Scores, step: CurriculumStep, rows: Tensor | None) -> CurriculumStep:
        M, _, C = scores.logits.shape
        if M == 1:
            return step
        n = step.selected.sum()
        right = (scores.logits.argmax(-1) == scores.labels) & step.selected
        accuracy = right.sum(1) / n.clamp(min=1)
        before = self.memory.get("accuracy", torch.zeros_like(accuracy))
        self.memory = {"accuracy": torch.where(n > 0, accuracy, before)}
        progress = (self.memory["accuracy"] - before).clamp(min=0)
        share = torch.where(progress.sum() > 0, progress / progress.sum(), 1 / M)
        self.factors = self.rho * (1 - share)
        if self.weight == 0:
            return step
        classes = torch.arange(C, device=scores.labels.device)
        target = (scores.labels[:, None] == classes).to(scores.logits.dtype)
        joint = (scores.logits.detach().sum(0).softmax(-1) - target) * step.selected[:, None]
        own = (scores.logits.softmax(-1) - target) * step.selected[:, None]
        turned = 1 - cosine_similarity(own.flatten(1), joint.flatten()[None], dim=1)  # (M,)
        factors = self.factors if self.rho else torch.ones_like(self.factors)
        return add_loss(step, self.weight / M * (factors * turned).sum() * (n > 0))

    def adjust(self, gradients: ByModality, separate: ByModality | None = None) -> None:
        if self.rho and len(gradients) > 1:
            scale(gradients, self.factors)


CURRICULUM = CGGM
