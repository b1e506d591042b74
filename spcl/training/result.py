"""The result of training one seed: its history, and the logits of the best epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from torch import Tensor


@dataclass(frozen=True)
class EpochRecord:
    """The measurements of one epoch; see `spcl.tables.schemas.HISTORY`.

    The threshold is the one at the end of the epoch: some curricula change it within an epoch.
    """

    epoch: int
    threshold: float | None
    admitted_share: float
    train_loss: float
    dev_weighted_f1: float | None
    test_weighted_f1: float
    modality_confidence: tuple[float, ...]


@dataclass
class TrainingResult:
    """The result of one seed: M modalities, C classes, n training utterances, labelled or not.

    Attributes
    ----------
    history
        One entry per epoch.
    best_epoch
        From 1; 0 if the first epoch diverged.
    logits
        By split (dev, test, perhaps train), (M, N, C) float32 on the CPU, of the best epoch.
    first_epoch
        (n,) int32, the first epoch that admitted the utterance; 0 = never.
    epochs_admitted
        (n,) int32, the number of epochs that admitted the utterance.
    last_difficulty
        (n,) float64, rho in the last epoch.
    diverged
        The loss, a gradient or the logits became NaN or infinite, and training stopped.
    seconds
        Wall time of all epochs, evaluation included.
    """

    history: list[EpochRecord] = field(default_factory=list)
    best_epoch: int = 0
    logits: dict[str, Tensor] = field(default_factory=dict)
    first_epoch: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    epochs_admitted: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    last_difficulty: np.ndarray = field(default_factory=lambda: np.zeros(0))
    diverged: bool = False
    seconds: float = 0.0

    @property
    def full_at_epoch(self) -> int | None:
        """The first epoch that admitted every labelled utterance; None = never."""
        return next((record.epoch for record in self.history if record.admitted_share == 1), None)

    def state_dict(self) -> dict[str, Any]:
        """The fields that are set before training finishes, as plain values and tensors."""
        return {
            "history": [vars(record) for record in self.history],
            "best_epoch": self.best_epoch,
            "logits": self.logits,
            "seconds": self.seconds,
        }

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Self:
        """Restore a result from its `state_dict`."""
        history = [EpochRecord(**record) for record in state["history"]]
        return cls(**{**state, "history": history})
