"""SPCL: the self-paced curriculum of the paper (arXiv 2605.21565).

An utterance is as hard as the harmonic mean of two things, its own loss l_ij and the incoherence
s_i of its conversation::

    l_ij   = cross_entropy(sum_m z_ij^m, y_ij)
    s_i^m  = sum_j softmax(z_ij^m)[y_ij]
    s_i    = std_m(s_i^m)
    rho_ij = 2 s_i l_ij / (s_i + l_ij)
    v_ij   = 1 if rho_ij <= lambda else 0
    loss   = sum(v l) / N

The threshold lambda starts at epsilon and grows by the factor alpha after every epoch.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from spcl.curriculum.base import Curriculum, CurriculumStep, Logits, Scores, score
from spcl.curriculum.difficulty import confidence, harmonic_mean, incoherence

Normalize = Literal["all", "selected"]
Confidence = Literal["sum", "mean"]
Spread = Literal["sample", "population"]
Level = Literal["both", "utterance", "conversation"]


class SelfPacedCurriculum(Curriculum):
    """Admit the utterances whose difficulty is at most the threshold, and raise it every epoch.

    Parameters
    ----------
    threshold
        epsilon, the first threshold, > 0.
    growth
        alpha, the factor of an epoch, >= 1.
    normalize
        ``all``: sum(v l) / N over the batch, as the reference code has it and as the published
        settings were tuned; N counts the labelled utterances. ``selected``: sum(v l) / sum(v)
        inside a conversation, as in the paper's figure, averaged over those with a label.
    confidence
        ``sum`` over the utterances of a conversation, or their ``mean``: the sum grows with length.
    spread
        ``sample`` divides by M - 1, ``population`` by M.
    level
        ``both``: rho as above; ``utterance``: rho = l, plain self-paced learning; ``conversation``:
        rho = s.
    cap
        The threshold never passes it.

    Notes
    -----
    With one modality s is undefined and rho = l. An unlabelled utterance is in no sum, never
    selected, and does not change another's rho. Nothing here waits for the device.
    """

    threshold: Tensor

    def __init__(
        self,
        threshold: float,
        growth: float,
        *,
        normalize: Normalize = "all",
        confidence: Confidence = "sum",
        spread: Spread = "sample",
        level: Level = "both",
        cap: float = 60.0,
    ) -> None:
        super().__init__()
        if not threshold > 0:
            raise ValueError(f"threshold: {threshold} is not above 0")
        if not growth >= 1:
            raise ValueError(f"growth: {growth} is below 1")
        for name, value, known in (
            ("normalize", normalize, Normalize),
            ("confidence", confidence, Confidence),
            ("spread", spread, Spread),
            ("level", level, Level),
        ):
            if value not in get_args(known):
                raise ValueError(
                    f"{name}: '{value}' is unknown; choose {' or '.join(get_args(known))}"
                )
        self.growth = growth
        self.normalize = normalize
        self.confidence = confidence
        self.spread = spread
        self.level = level
        self.cap = cap
        # Float64, so that epsilon * alpha ** epoch is what Python computes.
        self.register_buffer("threshold", torch.tensor(min(threshold, cap), dtype=torch.float64))

    def forward(
        self, logits: Logits, labels: Tensor, lengths: Tensor, rows: Tensor | None = None
    ) -> CurriculumStep:
        scores = score(logits, labels, lengths)
        s = confidence(
            scores.probability,
            scores.dialogue,
            scores.labelled,
            scores.n_dialogues,
            mean=self.confidence == "mean",
        )
        difficulty = self._difficulty(scores, s).masked_fill(~scores.labelled, float("inf"))
        selected = (difficulty <= self.threshold) & scores.labelled
        return CurriculumStep(
            loss=self._loss(scores, selected),
            selected=selected,
            difficulty=difficulty,
            confidence=s,
            probability=scores.probability,
        )

    def step(self) -> None:
        """End an epoch: lambda <- min(alpha * lambda, cap)."""
        self.threshold.mul_(self.growth).clamp_(max=self.cap)

    def _difficulty(self, scores: Scores, s: Tensor) -> Tensor:
        loss = scores.loss.detach()
        if self.level == "utterance" or len(s) == 1:
            return loss
        spread = incoherence(s, sample=self.spread == "sample")[scores.dialogue]  # (N,)
        return spread if self.level == "conversation" else harmonic_mean(spread, loss)

    def _loss(self, scores: Scores, selected: Tensor) -> Tensor:
        admitted = scores.loss * selected
        if self.normalize == "all":
            return admitted.sum() / scores.labelled.sum().clamp(min=1)

        def by_dialogue(values: Tensor) -> Tensor:
            zeros = admitted.new_zeros(scores.n_dialogues)
            return zeros.index_add(0, scores.dialogue, values.to(zeros.dtype))

        mean = by_dialogue(admitted) / by_dialogue(selected).clamp(min=1)
        return mean.sum() / (by_dialogue(scores.labelled) > 0).sum().clamp(min=1)


CURRICULUM = SelfPacedCurriculum
