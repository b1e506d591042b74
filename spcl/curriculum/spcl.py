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

import math
from typing import Literal

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
from spcl.curriculum.pacing import Pacing, check_share, threshold_shares

NEEDS: dict[str, dict[str, str]] = {"probes": {"threshold": "auto"}}


class SelfPacedCurriculum(Curriculum):
    """Admit the utterances whose difficulty is at most the threshold, and raise it every epoch.

    Parameters
    ----------
    threshold
        epsilon, the first threshold, > 0; or ``auto``, which needs no tuning: see Notes.
    growth
        alpha, the factor of an epoch, >= 1. Goes with a number as threshold, as `cap` does.
    normalize
        ``all``: sum(v l) / N over the batch, as the reference code has it and as the published
        settings were tuned. ``selected``: sum(v l) / sum(v) inside a conversation, as in the
        paper's figure. See `admitted_loss`.
    confidence, spread, level
        Of the difficulty, see `Measurer`.
    cap
        A threshold in numbers never passes it.
    start_share
        With ``auto``: the share of the labelled utterances that the first epoch admits.
    full_at
        With ``auto``: the share of the epochs by which everything is admitted.

    Raises
    ------
    ValueError
        A setting is out of range, missing, or does not go with this threshold.

    Notes
    -----
    With one modality s is undefined and rho = l. An unlabelled utterance is in no sum, never
    selected, and does not change another's rho. Nothing here waits for the device.

    ``auto``: `start` measures the difficulty of the training set by the probes, and notes the share
    that epsilon = its quantile `start_share` would admit in each epoch, with the alpha that reaches
    its largest value by `full_at` (`threshold_shares`). The training then admits these shares by
    the network's own difficulty (`Pacing`), and `threshold` is the lambda of the latest step; where
    everything is admitted, the largest of the latest difficulties; NaN before the first step.
    """

    threshold: Tensor

    def __init__(
        self,
        threshold: float | Literal["auto"],
        growth: float | None = None,
        *,
        normalize: Normalize = "all",
        confidence: Confidence = "sum",
        spread: Spread = "sample",
        level: Level = "both",
        cap: float = 60.0,
        start_share: float = 0.3,
        full_at: float = 0.5,
    ) -> None:
        super().__init__()
        check_choice("normalize", normalize, Normalize)
        check_share("start_share", start_share)
        check_share("full_at", full_at)
        self.auto = threshold == "auto"
        idle = (
            {"growth": growth is not None, "cap": cap != 60.0}
            if self.auto
            else {"start_share": start_share != 0.3, "full_at": full_at != 0.5}
        )
        for name, given in idle.items():
            if given:
                raise ValueError(f"{name}: plays no part with threshold: {threshold}; leave it out")
        self.normalize = normalize
        self.measure = Measurer(confidence, spread, level)
        self.growth = growth
        self.cap = cap
        self.start_share = start_share
        self.full_at = full_at
        self.pacing: Pacing | None = None
        first = math.nan if threshold == "auto" else _first_threshold(threshold, growth, cap)
        # Float64, so that epsilon * alpha ** epoch is what Python computes.
        self.register_buffer("threshold", torch.tensor(first, dtype=torch.float64))

    def start(self, training_set: TrainingSet) -> None:
        """With ``threshold: auto``, measure the training set by its probes.

        Raises
        ------
        ValueError
            The probes or all labels are missing.
        """
        if not self.auto:
            return
        if training_set.probes is None:
            raise ValueError("threshold: 'auto' needs the probes' log-probabilities of TrainingSet")
        _, rho = self.measure(score(training_set.probes, training_set.labels, training_set.lengths))
        rho = rho[training_set.labels >= 0]
        if not len(rho):
            raise ValueError("threshold: 'auto' needs labels, and the training set has none")
        shares = threshold_shares(
            rho, training_set.epochs, start_share=self.start_share, full_at=self.full_at
        )
        self.pacing = Pacing(shares.to(self.threshold.device), len(rho))

    def forward(
        self, logits: Logits, labels: Tensor, lengths: Tensor, rows: Tensor | None = None
    ) -> CurriculumStep:
        scores = score(logits, labels, lengths)
        s, difficulty = self.measure(scores)
        if self.pacing is not None:
            self.threshold.copy_(self.pacing(difficulty))
        elif self.auto:
            raise ValueError(
                "threshold: 'auto' measures the training set first;"
                " call curriculum.start(training_set) before the first step"
            )
        selected = (difficulty <= self.threshold) & scores.labelled
        return CurriculumStep(
            loss=admitted_loss(scores, selected, self.normalize),
            selected=selected,
            difficulty=difficulty,
            confidence=s,
            probability=scores.probability,
        )

    def step(self) -> None:
        """End an epoch: lambda <- min(alpha * lambda, cap), or on to the next share."""
        if self.pacing is not None:
            self.pacing.step()
        elif self.growth is not None:
            self.threshold.mul_(self.growth).clamp_(max=self.cap)


def _first_threshold(threshold: float, growth: float | None, cap: float) -> float:
    if isinstance(threshold, str) or not threshold > 0:
        raise ValueError(f"threshold: {threshold} is not above 0; give a number, or auto")
    if growth is None:
        raise ValueError("'growth' is missing; only threshold: auto does without it")
    if not growth >= 1:
        raise ValueError(f"growth: {growth} is below 1")
    return min(threshold, cap)


CURRICULUM = SelfPacedCurriculum
