"""Coherence: the conversation-level part of SPCL (arXiv 2605.21565) alone.

The difficulty of an utterance is the incoherence of its conversation, rho_ij = s_i, so all
utterances of a conversation are admitted together.
"""

from typing import Literal

from spcl.curriculum.base import Normalize
from spcl.curriculum.difficulty import Confidence, Spread
from spcl.curriculum.spcl import SelfPacedCurriculum

NEEDS: dict[str, dict[str, str]] = {"probes": {"threshold": "auto"}}


class CoherenceCurriculum(SelfPacedCurriculum):
    """`SelfPacedCurriculum` with ``level="conversation"``: rho = s.

    Parameters
    ----------
    threshold, growth, normalize, confidence, spread, cap, start_share, full_at
        See `SelfPacedCurriculum`.

    Notes
    -----
    With one modality s is undefined and rho = l, as in SPCL.
    """

    def __init__(
        self,
        threshold: float | Literal["auto"],
        growth: float | None = None,
        *,
        normalize: Normalize = "all",
        confidence: Confidence = "sum",
        spread: Spread = "sample",
        cap: float = 60.0,
        start_share: float = 0.3,
        full_at: float = 0.5,
    ) -> None:
        super().__init__(
            threshold,
            growth,
            normalize=normalize,
            confidence=confidence,
            spread=spread,
            level="conversation",
            cap=cap,
            start_share=start_share,
            full_at=full_at,
        )


CURRICULUM = CoherenceCurriculum
