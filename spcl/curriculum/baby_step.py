"""Baby steps: buckets of dialogues, starting with the fewest emotion shifts.

Baby steps (Spitkovsky, Alshawi and Jurafsky, NAACL 2010; Bengio et al., ICML 2009) train on the
easiest bucket first and add one bucket after another until all are included. Hybrid curriculum
learning for emotion recognition in conversation (Yang et al., AAAI 2022) does this with dialogues,
ordered by how often the emotion shifts; its difficulty of dialogue i is::

    (shifts within a speaker + speakers) / (utterances + speakers)

Here the difficulty is the share of adjacent labelled utterances with different emotions, which does
not depend on the length or the speakers. Yang et al. also soften the targets by the similarity of
emotions; that is a separate loss and not part of this curriculum.
"""

import torch

from spcl.curriculum.base import Normalize, TrainingSet
from spcl.curriculum.checks import check_count, check_share
from spcl.curriculum.pacing import full_epoch
from spcl.curriculum.predefined import PredefinedCurriculum

NEEDS: dict[str, dict[str, str]] = {"shift_rate": {}}


class BabyStep(PredefinedCurriculum):
    """Admit whole dialogues, one bucket after another.

    Parameters
    ----------
    buckets
        The number of buckets, >= 1. They have the same number of dialogues, up to one. If there are
        fewer dialogues than buckets, each bucket has one dialogue.
    full_at
        The share of the epochs after which all buckets are included. Buckets are added at equal
        intervals.
    normalize
        See `spcl.curriculum.base.admitted_loss`.

    Notes
    -----
    The difficulty of an utterance is the shift rate of its dialogue. A dialogue without two
    adjacent labelled utterances has the rate 0. Ties keep the order of the training set.
    """

    def __init__(
        self, buckets: int = 5, *, full_at: float = 0.5, normalize: Normalize = "all"
    ) -> None:
        super().__init__(normalize=normalize)
        check_count("buckets", buckets)
        check_share("full_at", full_at)
        self.buckets = buckets
        self.full_at = full_at

    def start(self, training_set: TrainingSet) -> None:
        """Sort the dialogues into buckets by `training_set.shift_rate`."""
        rate = training_set.require("shift_rate").cpu().nan_to_num(0.0)
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
