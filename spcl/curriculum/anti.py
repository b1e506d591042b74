"""Hard first: as many utterances as another curriculum admits, but the hardest.

The anti-curriculum is the control of Hacohen and Weinshall (ICML 2019): if it does as well, the
order from easy to hard is not what helps. The difficulty is SPCL's, rho of the network itself
(arXiv 2605.21565), and in epoch e, of n labelled utterances::

    v = 1 for the pace[e] utterances with the largest rho
"""

import math

import torch
from torch import Tensor

from spcl.curriculum.base import (
    Curriculum,
    CurriculumStep,
    Logits,
    Normalize,
    TrainingSet,
    admitted_loss,
    check_choice,
    score,
)
from spcl.curriculum.measurer import Confidence, Level, Measurer, Spread
from spcl.curriculum.pacing import Pacing

NEEDS: dict[str, dict[str, str]] = {"pace": {}}


class AntiCurriculum(Curriculum):
    """Admit the utterances whose difficulty is at least the threshold.

    Parameters
    ----------
    of
        The curriculum whose pace is followed; whoever fills `TrainingSet.pace` reads it.
    normalize, confidence, spread, level
        See `SelfPacedCurriculum`.

    Notes
    -----
    Which are the hardest shows only while the epoch goes on, so `Pacing` keeps to their number,
    and meets it within a few utterances; where it is all of them, exactly. After the pace's last
    epoch its last value holds. `threshold` is the difficulty from which on the latest step
    admitted; NaN before the first step.
    """

    threshold: Tensor

    def __init__(
        self,
        of: str = "spcl",
        *,
        normalize: Normalize = "all",
        confidence: Confidence = "sum",
        spread: Spread = "sample",
        level: Level = "both",
    ) -> None:
        super().__init__()
        check_choice("normalize", normalize, Normalize)
        self.of = of
        self.normalize = normalize
        self.measure = Measurer(confidence, spread, level)
        self.pacing: Pacing | None = None
        self.register_buffer("threshold", torch.tensor(math.nan, dtype=torch.float64))

    def start(self, training_set: TrainingSet) -> None:
        """Take over the pace.

        Raises
        ------
        ValueError
            The pace is missing.
        """
        if training_set.pace is None or not len(training_set.pace):
            raise ValueError(f"of: the pace of '{self.of}' is missing from TrainingSet")
        n = int((training_set.labels >= 0).sum())
        shares = training_set.pace.double() / max(n, 1)
        self.pacing = Pacing(shares.to(self.threshold.device), n)

    def forward(
        self, logits: Logits, labels: Tensor, lengths: Tensor, rows: Tensor | None = None
    ) -> CurriculumStep:
        if self.pacing is None:
            raise ValueError("call curriculum.start(training_set) before the first step")
        scores = score(logits, labels, lengths)
        s, difficulty = self.measure(scores)
        ease = (-difficulty).masked_fill(~scores.labelled, math.inf)  # hardest first
        self.threshold.copy_(-self.pacing(ease))
        selected = (difficulty >= self.threshold) & scores.labelled
        return CurriculumStep(
            loss=admitted_loss(scores, selected, self.normalize),
            selected=selected,
            difficulty=difficulty,
            confidence=s,
            probability=scores.probability,
        )

    def step(self) -> None:
        """End an epoch: on to the next of the pace."""
        if self.pacing is not None:
            self.pacing.step()


CURRICULUM = AntiCurriculum
