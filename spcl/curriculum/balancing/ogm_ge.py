"""OGM-GE: on-the-fly gradient modulation with generalisation enhancement.

Peng et al., CVPR 2022 (arXiv 2203.15332). The modality that is ahead gets a smaller gradient. Noise
is added, because a smaller gradient has less noise, which helps to generalise. For the utterances j
of a step::

    s^m  = sum_j softmax(z_j^m)[y_j]
    r^m  = s^m / mean of s^n over n != m
    k^m  = 1 - tanh(alpha r^m) if r^m > 1, else 1
    g^m <- k^m g^m + e,   e ~ N(0, (deviation of the entries of g^m)^2)

g^m is the gradient of one parameter of modality m.
"""

import torch
from torch import Tensor

from spcl.curriculum.balancing.base import BalancingMethod, lead_ratio
from spcl.curriculum.base import ByModality, CurriculumStep, TrainingSet
from spcl.curriculum.checks import check_number
from spcl.curriculum.scores import Scores


class OGMGE(BalancingMethod):
    """Reduce the gradient of the modalities that are ahead, and add noise to all.

    Parameters
    ----------
    alpha
        How much the gradient is reduced, at least 0. At 0 the method does nothing.
    start_at, end_at
        The shares of the epochs between which the gradients are changed.

    Notes
    -----
    With one modality the method does nothing.
    """

    ratio: Tensor

    def __init__(self, alpha: float = 0.1, *, start_at: float = 0.0, end_at: float = 0.5) -> None:
        super().__init__()
        check_number("alpha", alpha)
        check_number("start_at", start_at, most=1)
        check_number("end_at", end_at, most=1)
        self.alpha = alpha
        self.start_at = start_at
        self.end_at = end_at
        self.epochs = 0

    def start(self, training_set: TrainingSet) -> None:
        super().start(training_set)
        self.epochs = training_set.epochs

    def balance(self, scores: Scores, step: CurriculumStep, rows: Tensor | None) -> CurriculumStep:
        self.ratio = lead_ratio((step.probability * step.selected).sum(1))
        return step

    def adjust(self, gradients: ByModality, separate: ByModality | None = None) -> None:
        if self.alpha == 0 or len(gradients) == 1:
            return
        generator = self.generator  # without `start`, the epochs are not known either
        if not self.start_at * self.epochs <= self.epoch < self.end_at * self.epochs:
            return
        k = torch.where(self.ratio > 1, 1 - torch.tanh(self.alpha * self.ratio), 1.0)
        for own, factor in zip(gradients.values(), k, strict=True):
            for g in own:
                noise = torch.empty_like(g).normal_(generator=generator) * g.std(correction=0)
                g.mul_(factor).add_(noise)


CURRICULUM = OGMGE
