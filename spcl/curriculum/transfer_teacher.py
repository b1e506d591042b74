"""Transfer teacher: another model, trained beforehand, determines the order.

Weinshall, Cohen and Amir (ICML 2018) rank the training set by the loss of a teacher, and Hacohen
and Weinshall (ICML 2019) admit a growing share of it by a pacing function. Here the teacher is the
set of probes of the offline difficulty stage, one per modality. They are cross-fitted: no probe was
fitted on the dialogue that it scores::

    l_j = cross_entropy(sum_m log p_j^m, y_j)

With t = 0 in the first epoch, t = 1 in the first full epoch, and s the first share, an epoch admits

====================  ==========================  ==============================================
``linear``            s + (1 - s) t               Platanios et al. (NAACL 2019), equation 6
``root``              sqrt(s^2 + (1 - s^2) t)     the same, equation 7
``geometric``         s^(1 - t)                   Hacohen and Weinshall, fixed exponential pacing
``step``              s where t < 1, else 1       Hacohen and Weinshall, single step pacing
====================  ==========================  ==============================================
"""

from typing import Literal

import torch

from spcl.curriculum.base import Normalize, TrainingSet
from spcl.curriculum.checks import check_choice, check_share
from spcl.curriculum.pacing import full_epoch
from spcl.curriculum.predefined import PredefinedCurriculum
from spcl.curriculum.scores import score

NEEDS: dict[str, dict[str, str]] = {"probes": {}}

PacingFunction = Literal["linear", "root", "geometric", "step"]


class TransferTeacher(PredefinedCurriculum):
    """Admit the utterances with the smallest loss of the probes.

    Parameters
    ----------
    pacing
        How the share of admitted utterances grows, see above.
    start_share
        s, the share of the labelled utterances that the first epoch admits.
    full_at
        The share of the epochs after which everything is admitted.
    normalize
        See `spcl.curriculum.base.admitted_loss`.

    Notes
    -----
    The difficulty of an utterance is the loss of the probes. Ties keep the order of the training
    set.
    """

    def __init__(
        self,
        pacing: PacingFunction = "linear",
        *,
        start_share: float = 0.3,
        full_at: float = 0.5,
        normalize: Normalize = "all",
    ) -> None:
        super().__init__(normalize=normalize)
        check_choice("pacing", pacing, PacingFunction)
        check_share("start_share", start_share)
        check_share("full_at", full_at)
        self.pacing = pacing
        self.start_share = start_share
        self.full_at = full_at

    def start(self, training_set: TrainingSet) -> None:
        """Rank the training set by the loss of `training_set.probes`."""
        probes = training_set.require("probes")
        scores = score(probes, training_set.labels, training_set.lengths)
        self.set_order(scores.loss, training_set.labels)

        steps = full_epoch(training_set.epochs, self.full_at) - 1
        t = (torch.arange(training_set.epochs).double() / steps).clamp(max=1)
        s = self.start_share
        share = {
            "linear": s + (1 - s) * t,
            "root": (s**2 + (1 - s**2) * t).sqrt(),
            "geometric": s ** (1 - t),
            "step": torch.where(t < 1, s, 1.0),
        }[self.pacing]
        n = int(scores.labelled.sum())
        self.counts = (share * n).round().long().to(self.epoch.device)


CURRICULUM = TransferTeacher
