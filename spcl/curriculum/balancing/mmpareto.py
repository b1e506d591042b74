"""MMPareto: the joint and the unimodal gradient without conflict.

Wei and Hu, ICML 2024 (arXiv 2405.17730). The parameters of modality m have a gradient g of the
joint loss and a gradient u of the unimodal loss w mean_j CE(z_j^m, y_j)::

    h    = g + u                         if g . u >= 0
    h    = 2 (c g + (1 - c) u)           otherwise; c in 0..1 gives the smallest norm
    g^m <- gain h max(|g + u| / |h|, 1)

What is shared between modalities learns from the joint loss alone.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from spcl.curriculum.balancing.base import BalancingMethod, unimodal_losses
from spcl.curriculum.base import ByModality, CurriculumStep
from spcl.curriculum.checks import check_number
from spcl.curriculum.scores import Scores


class MMPareto(BalancingMethod):
    """Combine the joint and the unimodal gradients of each modality.

    Parameters
    ----------
    weight
        w, the weight of the unimodal losses, at least 0. At 0 the method does nothing.
    gain
        The factor of the combined gradient, at least 0.

    Notes
    -----
    It costs a second backward pass. One pass gives the unimodal gradients of all modalities; where
    a network mixes modalities before its classifiers, u also contains what the unimodal losses of
    the other modalities send through the shared part. With one modality the method does nothing.
    """

    def __init__(self, weight: float = 1.0, gain: float = 1.5) -> None:
        super().__init__()
        check_number("weight", weight)
        check_number("gain", gain)
        self.weight = weight
        self.gain = gain

    def balance(self, scores: Scores, step: CurriculumStep, rows: Tensor | None) -> CurriculumStep:
        if self.weight == 0 or len(scores.logits) == 1:
            return step
        return replace(step, separate=self.weight * unimodal_losses(scores, step.selected).sum())

    def adjust(self, gradients: ByModality, separate: ByModality | None = None) -> None:
        if separate is None:
            return
        for m, joint in gradients.items():
            gg, gu, uu = _products(joint, separate[m])
            sum_square = gg + 2 * gu + uu
            # The smallest norm on the line between g and u; u - g is not 0 where they conflict.
            c = ((uu - gu) / (gg - 2 * gu + uu)).clamp(0, 1)
            c = torch.where(gu >= 0, 0.5, c)
            square = 4 * (c**2 * gg + 2 * c * (1 - c) * gu + (1 - c) ** 2 * uu)
            enlarged = (sum_square / square).clamp(min=1).sqrt()
            scale = self.gain * torch.where((gu >= 0) | (square <= 0), 1.0, enlarged)
            for g, u in zip(joint, separate[m], strict=True):
                g.mul_(2 * c * scale).add_(u * (2 * (1 - c) * scale))


def _products(g: Sequence[Tensor], u: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """g . g, g . u and u . u over all parameters; 0-dimensional."""
    pairs = list(zip(g, u, strict=True))
    return (
        torch.stack([(a * a).sum() for a, _ in pairs]).sum(),
        torch.stack([(a * b).sum() for a, b in pairs]).sum(),
        torch.stack([(b * b).sum() for _, b in pairs]).sum(),
    )


CURRICULUM = MMPareto
