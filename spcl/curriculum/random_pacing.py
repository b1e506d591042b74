"""Random: as many utterances as another curriculum admits, drawn anew each epoch.

The random curriculum is the control of Hacohen and Weinshall (ICML 2019): what it gains comes from
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
        The curriculum whose pace is followed; whoever fills `TrainingSet.pace` reads it.
    normalize
        See `spcl.curriculum.base.admitted_loss`.

    Notes
    -----
    The difficulty of an utterance is its place in the epoch's draw, from 0. What is drawn depends
    on the seed of the training and the epoch alone. After the pace's last epoch its last value
    holds.
    """

    def __init__(self, of: str = "spcl", *, normalize: Normalize = "all") -> None:
        super().__init__(normalize=normalize)
        self.of = of

    def start(self, training_set: TrainingSet) -> None:
        """Take over the pace and draw the first epoch.

        Raises
        ------
        ValueError
            The pace is missing.
        """
        if training_set.pace is None or not len(training_set.pace):
            raise ValueError(f"of: the pace of '{self.of}' is missing from TrainingSet")
        self.counts = training_set.pace.to(self.epoch.device)
        self._labels = training_set.labels
        self._seed = training_set.seed
        self._draw()

    def step(self) -> None:
        """End an epoch and draw the next."""
        super().step()
        self._draw()

    def _draw(self) -> None:
        # A generator of its own: the dropout masks stay those of the other curricula.
        seed = (self._seed * 1_000_003 + int(self.epoch) + 1) % 2**63
        generator = torch.Generator().manual_seed(seed)
        place = torch.randperm(len(self._labels), generator=generator)
        self.set_order(place, self._labels)


CURRICULUM = RandomPacing
