"""Modality dropout: whole modalities are missing in training, so that the others must do.

ModDrop (Neverova et al., TPAMI 2016, arXiv 1501.00102): in every step, modality m of dialogue i is
missing with probability p. If all would be missing, one of them is kept, drawn from those that the
dialogue has.
"""

from typing import Any

import torch

from spcl.curriculum.balancing.base import BalancingMethod
from spcl.curriculum.checks import check_number


class ModalityDropout(BalancingMethod):
    """Hide modalities of dialogues from the model, at random.

    Parameters
    ----------
    p
        The probability that a modality is missing, at least 0 and below 1.

    Notes
    -----
    A missing modality is unobserved in all utterances of the dialogue: its features are zero, and
    its classifier still gives logits. With one modality nothing is hidden.
    """

    def __init__(self, p: float = 0.2) -> None:
        super().__init__()
        check_number("p", p, below=1)
        self.p = p

    def prepare(self, batch: Any) -> Any:
        everywhere = torch.ones_like(batch.labels, dtype=torch.bool)
        observed = torch.stack([batch.observed.get(m, everywhere) for m in batch.features])
        u = torch.rand(len(observed), len(batch), generator=self.generator, device=observed.device)
        present = torch.zeros_like(u).index_add(1, batch.dialogue, observed.to(u.dtype)) > 0
        u = u * present  # the modality that is kept is one that the dialogue has
        hidden = (u < self.p) & (u < u.amax(0))  # (M, B)
        return batch.hide(dict(zip(batch.features, hidden[:, batch.dialogue], strict=True)))


CURRICULUM = ModalityDropout
