"""Random pacing: admit as many utterances as another curriculum, drawn at random in each epoch.

The random curriculum is the control of Hacohen and Weinshall (ICML 2019): its gain comes from
training on fewer utterances at first, and not from their order.
"""

import torch

from spcl.curriculum.base import Normalize, TrainingSet
from spcl.curriculum.predefined import PredefinedCurriculum

NEEDS: dict[str, dict[str, str]] = {"pace": {}}


class RandomPacing(PredefinedCurriculum):
    """Admit exactly as many utterances in each epoch as the curriculum `of` did, at random.

    Parameters
    ----------
    of
        The curriculum whose pace is followed; the caller reads it to fill `TrainingSet.pace`.
    normalize
        See `spcl.curriculum.base.admitted_loss`.

    Notes
    -----
    The difficulty of an utterance is its position in the random order of the epoch, from 0. The
    order depends only on the seed of the training and the epoch. After the last epoch of the pace,
    its last value applies.
    """

    def __init__(self, of: str = "spcl", *, normalize: Normalize = "all") -> None:
        super().__init__(normalize=normalize)
        self.of = of

    def start(self, training_set: TrainingSet) -> None:
        """Take the pace from `training_set` and draw the first epoch."""
        self.counts = training_set.require("pace").to(self.epoch.device)
        self._labels = training_set.labels
        self._seed = training_set.seed
        self._draw()

    def step(self) -> None:
        """End an epoch and draw the next."""
        super().step()
        self._draw()

    def _draw(self) -> None:
        # A separate generator keeps the dropout masks equal to those of other curricula.
        seed = (self._seed * 1_000_003 + int(self.epoch) + 1) % 2**63
        generator = torch.Generator().manual_seed(seed)
        position = torch.randperm(len(self._labels), generator=generator)
        self.set_order(position, self._labels)


CURRICULUM = RandomPacing
