"""What one epoch accumulates. All sums stay on the device until the epoch ends."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


class Admissions:
    """The utterances that the curriculum admitted, for the whole training split, on the device.

    Attributes
    ----------
    first_epoch, epochs_admitted
        (n,) int32, see `spcl.training.result.TrainingResult`.
    selected
        (n,) bool, the latest selection of each utterance.
    difficulty
        (n,) float32, the latest difficulty; NaN before the first.
    """

    def __init__(self, n_utterances: int, device: torch.device) -> None:
        self.first_epoch = torch.zeros(n_utterances, dtype=torch.int32, device=device)
        self.epochs_admitted = torch.zeros(n_utterances, dtype=torch.int32, device=device)
        self.selected = torch.zeros(n_utterances, dtype=torch.bool, device=device)
        self.difficulty = torch.full((n_utterances,), math.nan, device=device)

    def record(self, rows: Tensor, selected: Tensor, difficulty: Tensor) -> None:
        """Record one step: the selection and difficulty of the utterances `rows`, all (n,)."""
        self.selected[rows] = selected
        self.difficulty[rows] = difficulty.to(self.difficulty.dtype)

    def end_epoch(self, epoch: int) -> None:
        """Count the selected utterances of `epoch`."""
        self.epochs_admitted += self.selected
        new = self.selected & (self.first_epoch == 0)
        self.first_epoch.masked_fill_(new, epoch)


@dataclass
class Epoch:
    """An unfinished epoch.

    Attributes
    ----------
    number
        From 1.
    order
        (B,) int64, the dialogues in the order of training.
    n_dialogues, n_steps
        The numbers of finished dialogues and steps.
    loss, gradient_norm
        Scalars, summed over the steps.
    confidence
        (M,), the probability of the true class by modality, summed over the utterances.
    """

    number: int
    order: Tensor
    n_dialogues: int
    n_steps: int
    loss: Tensor
    gradient_norm: Tensor
    confidence: Tensor
