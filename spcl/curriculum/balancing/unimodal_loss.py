"""Unimodal losses: each modality's own classification loss beside the joint one.

The plainest method, and the start of most others (Wang, Tran and Feiszli, CVPR 2020, arXiv
1905.12681)::

    loss = L + w sum_m mean_j CE(z_j^m, y_j)
"""

from torch import Tensor

from spcl.curriculum.balancing.base import BalancingMethod, add_loss, unimodal_losses
from spcl.curriculum.base import CurriculumStep
from spcl.curriculum.checks import check_number
from spcl.curriculum.scores import Scores


class UnimodalLoss(BalancingMethod):
    """Add the losses of the modalities to the joint loss.

    Parameters
    ----------
    weight
        w, at least 0.

    Notes
    -----
    With one modality the joint logits are those of the modality, and nothing is added.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        check_number("weight", weight)
        self.weight = weight

    def balance(self, scores: Scores, step: CurriculumStep, rows: Tensor | None) -> CurriculumStep:
        if self.weight == 0 or len(scores.logits) == 1:
            return step
        return add_loss(step, self.weight * unimodal_losses(scores, step.selected).sum())


CURRICULUM = UnimodalLoss
