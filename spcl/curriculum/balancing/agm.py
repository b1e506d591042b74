"""AGM: adaptive gradient modulation.

Li et al., ICCV 2023 (arXiv 2308.07686). The lead of a modality is compared with its mean over all
steps so far, and its gradient is changed by the difference. In step i, for the utterances j::

    s^m  = mean_j log softmax(z_j^m)[y_j]
    r^m  = exp(s^m - mean of s^n over n != m)
    t^m <- t^m (i - 1) / i + r^m / i
    g^m <- exp(alpha (t^m - r^m)) g^m

The paper obtains the answer of one modality from forward passes with the others masked (Shapley
values). Here it is z^m: the joint logits are a sum, so the masked passes would add nothing.
"""

import torch
from torch import Tensor

from spcl.curriculum.balancing.base import BalancingMethod, lead, scale
from spcl.curriculum.base import ByModality, CurriculumStep
from spcl.curriculum.checks import check_number
from spcl.curriculum.scores import Scores

_LARGEST = 7.0
"""The largest exponent. A modality that falls behind would otherwise get an infinite gradient."""


class AGM(BalancingMethod):
    """Scale the gradient of each modality by how its lead differs from its mean.

    Parameters
    ----------
    alpha
        The strength, at least 0.

    Notes
    -----
    A step that admits no utterance does not change the mean. With one modality r = t = 1, and the
    method does nothing.
    """

    change: Tensor

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        check_number("alpha", alpha)
        self.alpha = alpha

    def balance(self, scores: Scores, step: CurriculumStep, rows: Tensor | None) -> CurriculumStep:
        n = step.selected.sum()
        log_p = scores.log_probability.masked_fill(~step.selected, 0.0).double()
        ratio = lead(log_p.sum(1) / n.clamp(min=1)).exp()
        i = self.memory.get("steps", torch.zeros_like(n)) + (n > 0)
        mean = self.memory.get("mean", torch.zeros_like(ratio))
        mean = mean + (ratio - mean) / i.clamp(min=1) * (n > 0)
        self.memory = {"steps": i, "mean": mean}
        self.change = self.alpha * (mean - ratio)
        return step

    def adjust(self, gradients: ByModality, separate: ByModality | None = None) -> None:
        scale(gradients, self.change.clamp(max=_LARGEST).exp())


CURRICULUM = AGM
