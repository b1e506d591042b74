"""The difficulty rho of the SPCL paper (arXiv 2605.21565), with the options that it leaves open."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from spcl.curriculum.checks import check_choice, check_switch
from spcl.curriculum.scores import Scores, confidence, shift_rate

Confidence = Literal["sum", "mean"]
Spread = Literal["sample", "population"]
Level = Literal["both", "utterance", "conversation"]
Utterance = Literal["joint", "modality"]


@dataclass(frozen=True)
class Measurer:
    """Measures how difficult each utterance is for the network.

    Attributes
    ----------
    confidence
        ``sum`` or ``mean`` over the utterances of a conversation. The sum grows with the length.
    spread
        The standard deviation over modalities: ``sample`` divides by M - 1 as the reference code
        does, ``population`` by M.
    level
        ``both``: rho = 2 s l / (s + l), the harmonic mean of the incoherence s of the conversation
        and the loss l of the utterance; ``utterance``: rho = l; ``conversation``: rho = s.
    utterance
        ``joint``: l is the loss of the joint logits. ``modality``: each modality has its own rho^m,
        from l^m, the loss of its logits z^m.
    dependencies
        Multiply s by 1 + d, where d is the emotion-shift rate of the conversation (`shift_rate`).

    Raises
    ------
    ValueError
        An option is unknown, or has no effect with this level.

    Notes
    -----
    With one modality s is undefined and rho = l, so `dependencies` changes nothing.
    """

    confidence: Confidence = "sum"
    spread: Spread = "sample"
    level: Level = "both"
    utterance: Utterance = "joint"
    dependencies: bool = False

    def __post_init__(self) -> None:
        check_choice("confidence", self.confidence, Confidence)
        check_choice("spread", self.spread, Spread)
        check_choice("level", self.level, Level)
        check_choice("utterance", self.utterance, Utterance)
        check_switch("dependencies", self.dependencies)
        if self.level == "conversation" and self.utterance != "joint":
            raise ValueError("utterance: has no effect with level: conversation; remove it")
        if self.level == "utterance" and self.dependencies:
            raise ValueError("dependencies: has no effect with level: utterance; remove it")

    def __call__(self, scores: Scores) -> tuple[Tensor, Tensor]:
        """Measure one batch, without gradient.

        Returns
        -------
        s_i^m
            (M, B).
        rho
            (N,), with ``utterance: modality`` (M, N); infinite where unlabelled.
        """
        s = confidence(scores, mean=self.confidence == "mean")
        if self.utterance == "modality":
            rho = (-scores.log_probability).clamp(min=0)  # l^m; rounding may give -1e-8
        else:
            rho = scores.loss.detach()
        if self.level != "utterance" and len(s) > 1:
            correction = 1 if self.spread == "sample" else 0
            incoherence = s.std(0, correction=correction)  # s, (B,)
            if self.dependencies:
                incoherence = incoherence * (1 + shift_rate(scores))
            incoherence = incoherence[scores.dialogue]  # (N,)
            rho = incoherence if self.level == "conversation" else harmonic_mean(incoherence, rho)
        return s, rho.masked_fill(~scores.labelled, float("inf"))


def harmonic_mean(s: Tensor, loss: Tensor) -> Tensor:
    """2 s l / (s + l) for tensors (..., N) that are not negative, and 0 where s = l = 0."""
    total = s + loss
    return torch.where(total > 0, 2 * s * loss / total, total)  # NaN stays NaN
