"""Transfer teacher: the order of difficulty comes from another model, trained beforehand.

Weinshall, Cohen and Amir (ICML 2018) rank the training set by a teacher's loss, and Hacohen and
Weinshall (ICML 2019) admit a growing share of it by a pacing function. The teacher here is the
probes of the offline difficulty stage, one a modality and cross-fitted, so that none has seen the
dialogue that it judges::

    l_j = cross_entropy(sum_m log p_j^m, y_j)

With t = 0 in the first epoch and 1 in the one that is full, and s the first share, epoch e admits

====================  ==========================  ==============================================
``linear``            s + (1 - s) t               Platanios et al. (NAACL 2019), equation 6
``root``              sqrt(s^2 + (1 - s^2) t)     the same, equation 7
``geometric``         s^(1 - t)                   Hacohen and Weinshall, fixed exponential pacing
``step``              s where t < 1, else 1       Hacohen and Weinshall, single step pacing
====================  ==========================  ==============================================
"""

from typing import Literal

import torch

from spcl.curriculum.base import Normalize, TrainingSet, check_choice, score
from spcl.curriculum.pacing import check_share, full_epoch
from spcl.curriculum.predefined import PredefinedCurriculum

NEEDS: dict[str, dict[str, str]] = {"probes": {}}

PacingFunction = Literal["linear", "root", "geometric", "step"]


class TransferTeacher(PredefinedCurriculum):
    """Admit the utterances that the probes together find easiest.

    Parameters
    ----------
    pacing
        How the share grows, see above.
    start_share
        s, the share of the labelled utterances that the first epoch admits.
    full_at
        The share of the epochs by which everything is admitted.
    normalize
        See `spcl.curriculum.base.admitted_loss`.

    Notes
    -----
    The difficulty of an utterance is the probes' loss. Equals keep the order of the training set.
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
        """Rank the training set by the probes' loss.

        Raises
        ------
        ValueError
            The probes are missing.
        """
        if training_set.probes is None:
            raise ValueError("this curriculum needs the probes' log-probabilities of TrainingSet")
        scores = score(training_set.probes, training_set.labels, training_set.lengths)
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
