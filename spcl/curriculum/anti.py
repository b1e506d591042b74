"""Anti-curriculum: admit as many utterances as another curriculum, but the most difficult ones.

The anti-curriculum is the control of Hacohen and Weinshall (ICML 2019): if it does as well, the
order from easy to difficult is not what helps. The difficulty is SPCL's, rho of the network itself
(arXiv 2605.21565), and in epoch e, of n labelled utterances::

    v = 1 for the pace[e] utterances with the largest rho
"""

import math

import torch
from torch import Tensor

from spcl.curriculum.base import Curriculum, CurriculumStep, Normalize, TrainingSet, admit
from spcl.curriculum.checks import check_choice
from spcl.curriculum.difficulty import Confidence, Level, Measurer, Spread
from spcl.curriculum.pacing import Pacing
from spcl.curriculum.scores import Logits, score

NEEDS: dict[str, dict[str, str]] = {"pace": {}}


class AntiCurriculum(Curriculum):
    """Admit the utterances whose difficulty is at least the threshold.

    Parameters
    ----------
    of
        The curriculum whose pace is followed; the caller reads it to fill `TrainingSet.pace`.
    normalize, confidence, spread, level
        See `SelfPacedCurriculum`.

    Notes
    -----
    The most difficult utterances of an epoch are not known before its end. `Pacing` therefore
    follows their number and meets it within a few utterances; if all utterances are admitted, it
    meets it exactly. After the last epoch of the pace, its last value applies. `threshold` is the
    smallest difficulty that the latest step admitted; NaN before the first step.
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
        """Take the pace from `training_set`."""
        pace = training_set.require("pace")
        n = int((training_set.labels >= 0).sum())
        shares = pace.double() / max(n, 1)
        self.pacing = Pacing(shares.to(self.threshold.device), n)

    def forward(
        self, logits: Logits, labels: Tensor, lengths: Tensor, rows: Tensor | None = None
    ) -> CurriculumStep:
        if self.pacing is None:
            raise ValueError("call curriculum.start(training_set) before the first step")
        scores = score(logits, labels, lengths)
        s, difficulty = self.measure(scores)
        ease = (-difficulty).masked_fill(~scores.labelled, math.inf)  # most difficult first
        self.threshold.copy_(-self.pacing(ease))
        selected = (difficulty >= self.threshold) & scores.labelled
        return admit(scores, selected, difficulty, s, self.normalize)

    def step(self) -> None:
        """End an epoch."""
        if self.pacing is not None:
            self.pacing.step()


CURRICULUM = AntiCurriculum
