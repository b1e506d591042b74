"""The difficulty rho of the SPCL paper, with the options that the paper and its code leave open."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from spcl.curriculum.base import Scores, check_choice
from spcl.curriculum.difficulty import confidence, harmonic_mean, incoherence

Confidence = Literal["sum", "mean"]
Spread = Literal["sample", "population"]
Level = Literal["both", "utterance", "conversation"]


@dataclass(frozen=True)
class Measurer:
    """How hard each utterance is for the network.

    Attributes
    ----------
    confidence
        ``sum`` over the utterances of a conversation, or their ``mean``: the sum grows with length.
    spread
        ``sample`` divides by M - 1, ``population`` by M.
    level
        ``both``: rho = 2 s l / (s + l), the harmonic mean of the conversation's incoherence and the
        utterance's loss; ``utterance``: rho = l; ``conversation``: rho = s.

    Notes
    -----
    With one modality s is undefined and rho = l.
    """

    confidence: Confidence = "sum"
    spread: Spread = "sample"
    level: Level = "both"

    def __post_init__(self) -> None:
        check_choice("confidence", self.confidence, Confidence)
        check_choice("spread", self.spread, Spread)
        check_choice("level", self.level, Level)

    def __call__(self, scores: Scores) -> tuple[Tensor, Tensor]:
        """Measure one batch, without gradient.

        Returns
        -------
        s_i^m
            (M, B).
        rho
            (N,), infinite where unlabelled.
        """
        s = confidence(
            scores.probability,
            scores.dialogue,
            scores.labelled,
            scores.n_dialogues,
            mean=self.confidence == "mean",
        )
        rho = scores.loss.detach()
        if self.level != "utterance" and len(s) > 1:
            spread = incoherence(s, sample=self.spread == "sample")[scores.dialogue]  # (N,)
            rho = spread if self.level == "conversation" else harmonic_mean(spread, rho)
        return s, rho.masked_fill(~scores.labelled, float("inf"))
