"""Self-paced learning (Kumar, Packer and Koller, NeurIPS 2010): easy means a small loss.

Their objective over the weights w and the choice v, with lambda = 1 / K::

    min over w, v of  sum_i v_i l_i(w) - lambda sum_i v_i
    so that           v_i = 1 if l_i < lambda else 0

K is divided by a factor after every iteration, so lambda is multiplied by it. This is SPCL without
the conversation level. As in SPCL, a loss equal to lambda is admitted.
"""

from typing import Literal

from spcl.curriculum.base import Normalize
from spcl.curriculum.spcl import SelfPacedCurriculum

NEEDS: dict[str, dict[str, str]] = {"probes": {"threshold": "auto"}}


class SelfPacedLearning(SelfPacedCurriculum):
    """`SelfPacedCurriculum` with ``level="utterance"``: rho = l.

    Parameters
    ----------
    threshold, growth, normalize, cap, start_share, full_at
        See `SelfPacedCurriculum`.
    """

    def __init__(
        self,
        threshold: float | Literal["auto"],
        growth: float | None = None,
        *,
        normalize: Normalize = "all",
        cap: float = 60.0,
        start_share: float = 0.3,
        full_at: float = 0.5,
    ) -> None:
        super().__init__(
            threshold,
            growth,
            normalize=normalize,
            level="utterance",
            cap=cap,
            start_share=start_share,
            full_at=full_at,
        )


CURRICULUM = SelfPacedLearning
