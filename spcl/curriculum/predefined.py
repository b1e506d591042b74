"""The base class of curricula that fix the order of the utterances before an epoch begins.

A subclass ranks the labelled utterances of the training set, and sets how many utterances each
epoch admits: those with the lowest ranks.
"""

import torch
from torch import Tensor

from spcl.curriculum.base import Curriculum, CurriculumStep, Normalize, admit
from spcl.curriculum.checks import check_choice
from spcl.curriculum.scores import Logits, confidence, score


class PredefinedCurriculum(Curriculum):
    """Admit the `counts[e]` utterances of the lowest rank in epoch e.

    A subclass sets `counts` and calls `set_order` in `start`. After the last of the counts, that
    count applies.

    Parameters
    ----------
    normalize
        See `spcl.curriculum.base.admitted_loss`.

    Attributes
    ----------
    epoch
        Scalar int64 buffer, from 0.
    counts
        (E,) int64 buffer.
    difficulty
        (n,) float64 buffer that determines the order, infinite where unlabelled.
    rank
        (n,) int64 buffer: the position in that order, from 0; n where unlabelled.
    """

    epoch: Tensor
    counts: Tensor | None
    difficulty: Tensor
    rank: Tensor

    def __init__(self, *, normalize: Normalize = "all") -> None:
        super().__init__()
        check_choice("normalize", normalize, Normalize)
        self.normalize = normalize
        self.register_buffer("epoch", torch.zeros((), dtype=torch.int64))
        for name in ("counts", "difficulty", "rank"):
            self.register_buffer(name, None)

    def set_order(self, difficulty: Tensor, labels: Tensor) -> None:
        """Rank the labelled utterances; ties keep the order of the training set.

        Parameters
        ----------
        difficulty : (n,)
        labels : (n,) int64, -1 = unlabelled
        """
        device = self.epoch.device
        unlabelled = (labels < 0).to(device)
        difficulty = difficulty.double().to(device).masked_fill(unlabelled, float("inf"))
        order = difficulty.argsort(stable=True)
        rank = torch.empty_like(order)
        rank[order] = torch.arange(len(order), device=device)
        self.difficulty = difficulty
        self.rank = rank.masked_fill(unlabelled, len(rank))

    def forward(
        self, logits: Logits, labels: Tensor, lengths: Tensor, rows: Tensor | None = None
    ) -> CurriculumStep:
        if rows is None:
            raise ValueError(
                "this curriculum needs `rows`, the index of each utterance in the training set;"
                " call it as curriculum(logits, labels, lengths, rows)"
            )
        if self.counts is None:
            raise ValueError("call curriculum.start(training_set) before the first step")
        scores = score(logits, labels, lengths)
        count = self.counts.take(self.epoch.clamp(max=len(self.counts) - 1))
        selected = (self.rank[rows] < count) & scores.labelled
        difficulty = self.difficulty[rows].masked_fill(~scores.labelled, float("inf"))
        return admit(scores, selected, difficulty, confidence(scores), self.normalize)

    def step(self) -> None:
        """End an epoch."""
        self.epoch += 1
