"""Baby steps: dialogues in buckets, those first whose emotion seldom shifts.

Baby steps (Spitkovsky, Alshawi and Jurafsky, NAACL 2010; Bengio et al., ICML 2009): the easiest
bucket first, then the next one together with those before it, until all are in. Hybrid curriculum
learning for emotion recognition in conversation (Yang et al., AAAI 2022) does this with dialogues,
by how often the emotion shifts; its difficulty of dialogue i is::

    (shifts within a speaker + speakers) / (utterances + speakers)

Here it is the share of adjacent labelled utterances with different emotions, which counts neither
length nor speakers. Yang et al. also soften the targets by the similarity of emotions; that is a
loss of its own and no part of this curriculum.
"""

import torch

from spcl.curriculum.base import Normalize, TrainingSet
from spcl.curriculum.pacing import check_share, full_epoch
from spcl.curriculum.predefined import PredefinedCurriculum

NEEDS: dict[str, dict[str, str]] = {"shift_rate": {}}


class BabyStep(PredefinedCurriculum):
    """Admit whole dialogues, bucket after bucket.

    Parameters
    ----------
    buckets
        Of as equal a number of dialogues as can be, >= 1. A corpus of fewer dialogues has fewer.
    full_at
        The share of the epochs by which all buckets are in; the buckets between come at equal
        distances.
    normalize
        See `spcl.curriculum.base.admitted_loss`.

    Notes
    -----
    The difficulty of an utterance is the shift rate of its dialogue. A dialogue without two
    adjacent labelled utterances has no shift and a rate of 0. Equals keep the order of the training
    set.
    """

    def __init__(
        self, buckets: int = 5, *, full_at: float = 0.5, normalize: Normalize = "all"
    ) -> None:
        super().__init__(normalize=normalize)
        if not (isinstance(buckets, int) and buckets >= 1):
            raise ValueError(f"buckets: {buckets} is not a whole number from 1 on")
        check_share("full_at", full_at)
        self.buckets = buckets
        self.full_at = full_at

    def start(self, training_set: TrainingSet) -> None:
        """Sort the dialogues into buckets.

        Raises
        ------
        ValueError
            The shift rates are missing.
        """
        if training_set.shift_rate is None:
            raise ValueError("this curriculum needs the shift rates of TrainingSet")
        rate = training_set.shift_rate.cpu().nan_to_num(0.0)
        labels = training_set.labels.cpu()
        dialogue = torch.repeat_interleave(training_set.lengths.cpu())
        self.set_order(rate[dialogue], labels)

        labelled = torch.bincount(dialogue[labels >= 0], minlength=len(rate))
        so_far = labelled[rate.argsort(stable=True)].cumsum(0)  # labelled in the easiest 1, 2, ...
        epochs = torch.arange(training_set.epochs)
        steps = full_epoch(training_set.epochs, self.full_at) - 1
        opened = (1 + epochs * (self.buckets - 1) // steps).clamp(max=self.buckets)
        dialogues = -(-opened * len(rate) // self.buckets)  # rounded up: the first is never empty
        self.counts = so_far[dialogues - 1].to(self.epoch.device)


CURRICULUM = BabyStep
