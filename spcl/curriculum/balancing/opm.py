"""OPM: on-the-fly prediction modulation.

Wei et al., TPAMI 2024 (arXiv 2410.11582). The modality that is ahead is left out of the joint
prediction at random, so that the others must learn. For the utterances j of a step::

    s^m = sum_j softmax(z_j^m)[y_j]
    r^m = s^m / mean of s^n over n != m
    q^m = base (1 + slope tanh(r^m - 1)) if r^m > 1, else 0
    z_j = sum of z_j^m over the m that remain; m is left out of a dialogue with probability q^m
"""

from dataclasses import replace

import torch
from torch import Tensor

from spcl.curriculum.balancing.base import BalancingMethod, lead_ratio
from spcl.curriculum.base import CurriculumStep, admitted_loss
from spcl.curriculum.checks import check_number
from spcl.curriculum.scores import Scores, leave_out


class OPM(BalancingMethod):
    """Leave the modalities that are ahead out of the sum of the joint logits, at random.

    Parameters
    ----------
    base
        The probability for a modality that is barely ahead, at least 0 and at most 1. At 0 the
        method does nothing.
    slope
        How much the probability grows with the lead, at least 0.

    Notes
    -----
    No dialogue loses all its modalities, because they are never all ahead. With one modality
    nothing is left out.
    """

    replaces_loss = True

    def __init__(self, base: float = 0.35, slope: float = 0.5) -> None:
        super().__init__()
        check_number("base", base, most=1)
        check_number("slope", slope)
        self.base = base
        self.slope = slope

    def balance(self, scores: Scores, step: CurriculumStep, rows: Tensor | None) -> CurriculumStep:
        if self.base == 0:
            return step
        r = lead_ratio((step.probability * step.selected).sum(1))
        q = torch.where(r > 1, self.base * (1 + self.slope * torch.tanh(r - 1)), 0.0)
        u = torch.rand(len(r), scores.n_dialogues, generator=self.generator, device=r.device)
        left_out = (u < q[:, None])[:, scores.dialogue]  # (M, N)
        return replace(step, loss=admitted_loss(leave_out(scores, left_out), step.selected, "all"))


CURRICULUM = OPM
