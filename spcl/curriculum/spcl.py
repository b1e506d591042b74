"""SPCL: the self-paced curriculum of the paper (arXiv 2605.21565).

The difficulty rho_ij of an utterance is the harmonic mean of its loss l_ij and the incoherence s_i
of its conversation::

    l_ij   = cross_entropy(sum_m z_ij^m, y_ij)
    s_i^m  = sum_j softmax(z_ij^m)[y_ij]
    s_i    = std_m(s_i^m)
    rho_ij = 2 s_i l_ij / (s_i + l_ij)
    v_ij   = 1 if rho_ij <= lambda else 0
    loss   = sum(v l) / N

The threshold lambda starts at epsilon and is multiplied by alpha after every epoch.

The abstract of the paper goes further than its figure and code: there the utterance level is
"modality-specific", and the conversation level includes "emotional dependencies". Two options, off
by default, follow these words. With ``utterance: modality``::

    l_ij^m = cross_entropy(z_ij^m, y_ij), rho_ij^m and v_ij^m from it as above
    z_ij   = sum_m (v_ij^m z_ij^m + (1 - v_ij^m) stop_gradient(z_ij^m))
    v_ij   = 1 if any v_ij^m is 1, else 0

With ``dependencies: true``, where d_i is the emotion-shift rate of the conversation::

    s_i   <- s_i (1 + d_i)
"""

import math
from typing import Literal

import torch
from torch import Tensor

from spcl.curriculum.base import Curriculum, CurriculumStep, Normalize, TrainingSet, admit
from spcl.curriculum.checks import check_choice, check_share
from spcl.curriculum.difficulty import Confidence, Level, Measurer, Spread, Utterance
from spcl.curriculum.pacing import Pacing, threshold_shares
from spcl.curriculum.scores import Logits, score, stop_gradients

NEEDS: dict[str, dict[str, str]] = {"probes": {"threshold": "auto"}}


class SelfPacedCurriculum(Curriculum):
    """Admit utterances whose difficulty is at most the threshold, which grows every epoch.

    Parameters
    ----------
    threshold
        epsilon, the first threshold, > 0; or ``auto``, which needs no tuning, see Notes.
    growth
        alpha, the growth per epoch, >= 1. Required by a numeric threshold.
    normalize
        ``all``: sum(v l) / N over the batch, as in the reference code; the published settings were
        tuned with it. ``selected``: sum(v l) / sum(v) within a conversation, as in the figure of
        the paper. See `admitted_loss`.
    confidence, spread, level, utterance, dependencies
        Options of the difficulty, see `Measurer`.
    cap
        The maximum of a numeric threshold.
    start_share
        With ``auto``: the share of the labelled utterances that the first epoch admits.
    full_at
        With ``auto``: the share of the epochs after which everything is admitted.

    Raises
    ------
    ValueError
        A setting is out of range, missing, or has no effect with this threshold.

    Notes
    -----
    With one modality s is undefined and rho = l. An unlabelled utterance is never selected and does
    not change the rho of other utterances. No operation waits for the device.

    ``auto``: `start` measures the difficulty of the training set with the probes. It computes the
    share that each epoch would admit if epsilon were the quantile `start_share` of this difficulty
    and alpha such that lambda reaches the largest difficulty at `full_at` (`threshold_shares`).
    Training then admits these shares by the difficulty of the network itself (`Pacing`).
    `threshold` is the lambda of the latest step: if everything is admitted, the largest of the
    latest difficulties; NaN before the first step.

    ``utterance: modality``: a modality that finds an utterance too difficult does not learn from
    it, while the other modalities do. An utterance is selected if at least one modality admits it,
    and its `CurriculumStep.difficulty` is the smallest rho_ij^m. The shares of ``auto`` count pairs
    of an utterance and a modality, so that in the end every modality learns from every utterance.
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
        utterance: Utterance = "joint",
        dependencies: bool = False,
        cap: float = 60.0,
        start_share: float = 0.3,
        full_at: float = 0.5,
    ) -> None:
        super().__init__()
        check_choice("normalize", normalize, Normalize)
        check_share("start_share", start_share)
        check_share("full_at", full_at)
        self.auto = threshold == "auto"
        unused = (
            {"growth": growth is not None, "cap": cap != 60.0}
            if self.auto
            else {"start_share": start_share != 0.3, "full_at": full_at != 0.5}
        )
        for name, given in unused.items():
            if given:
                raise ValueError(f"{name}: has no effect with threshold: {threshold}; remove it")
        self.normalize = normalize
        self.measure = Measurer(confidence, spread, level, utterance, dependencies)
        self.growth = growth
        self.cap = cap
        self.start_share = start_share
        self.full_at = full_at
        self.pacing: Pacing | None = None
        first = math.nan if threshold == "auto" else _first_threshold(threshold, growth, cap)
        # Float64, so that epsilon * alpha ** epoch is what Python computes.
        self.register_buffer("threshold", torch.tensor(first, dtype=torch.float64))

    def start(self, training_set: TrainingSet) -> None:
        """With ``threshold: auto``, measure the difficulty of the training set with the probes.

        Raises
        ------
        ValueError
            The probes are missing, or there are no labels.
        """
        if not self.auto:
            return
        probes = training_set.require("probes")
        _, rho = self.measure(score(probes, training_set.labels, training_set.lengths))
        rho = rho[..., training_set.labels >= 0].flatten()
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
        s, rho = self.measure(scores)
        if self.pacing is not None:
            # Utterance by utterance, so that the latest values are those of all modalities.
            self.threshold.copy_(self.pacing(rho.movedim(-1, 0).flatten()))
        elif self.auto:
            raise ValueError("call curriculum.start(training_set) before the first step")
        selected = (rho <= self.threshold) & scores.labelled
        if rho.ndim == 2:  # by modality
            scores = stop_gradients(scores, selected)
            rho, selected = rho.amin(0), selected.any(0)
        return admit(scores, selected, rho, s, self.normalize)

    def step(self) -> None:
        """End an epoch: lambda <- min(alpha * lambda, cap), or the next share."""
        if self.pacing is not None:
            self.pacing.step()
        elif self.growth is not None:
            self.threshold.mul_(self.growth).clamp_(max=self.cap)


def _first_threshold(threshold: float, growth: float | None, cap: float) -> float:
    if isinstance(threshold, str) or not threshold > 0:
        raise ValueError(f"threshold: {threshold} is not above 0; write a positive number or auto")
    if growth is None:
        raise ValueError("'growth' is missing; it is required unless threshold: auto")
    if not growth >= 1:
        raise ValueError(f"growth: {growth} is below 1")
    return min(threshold, cap)


CURRICULUM = SelfPacedCurriculum
