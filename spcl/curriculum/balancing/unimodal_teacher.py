"""Unimodal teachers: each classifier also follows a network that was trained on its modality alone.

UMT (Du et al., ICML 2023, arXiv 2305.01233) distils the networks of single modalities into the
multimodal one. With t_j^m the probabilities that the teacher of modality m gives to utterance j::

    loss = L + w sum_m mean_j KL(t_j^m || softmax(z_j^m))
"""

import torch
from torch import Tensor
from torch.nn.functional import kl_div

from spcl.curriculum.balancing.base import BalancingMethod, add_loss
from spcl.curriculum.base import CurriculumStep, TrainingSet
from spcl.curriculum.checks import check_number
from spcl.curriculum.scores import Scores

NEEDS: dict[str, dict[str, str]] = {"teachers": {}}


class UnimodalTeacher(BalancingMethod):
    """Add the divergence of each modality's answers from those of its teacher.

    Parameters
    ----------
    weight
        w, at least 0.

    Notes
    -----
    With one modality the teacher is the same network, and nothing is added.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        check_number("weight", weight)
        self.weight = weight
        self._teachers: Tensor | None = None

    def start(self, training_set: TrainingSet) -> None:
        """Take the answers of the teachers from `training_set`."""
        super().start(training_set)
        if training_set.teachers is not None:
            self._teachers = torch.stack(tuple(training_set.teachers.values()))  # (M, n, C)

    def balance(self, scores: Scores, step: CurriculumStep, rows: Tensor | None) -> CurriculumStep:
        if self.weight == 0 or len(scores.logits) == 1:
            return step
        if self._teachers is None or rows is None:
            raise ValueError(
                "this strategy needs TrainingSet.teachers, and `rows` in every step; call it as"
                " curriculum(logits, labels, lengths, rows)"
            )
        teachers = self._teachers[:, rows].to(scores.logits.dtype)
        own = scores.logits.log_softmax(-1)
        divergence = kl_div(own, teachers, reduction="none", log_target=True).sum(-1)  # (M, N)
        total = (divergence * step.selected).sum()
        return add_loss(step, self.weight * total / scores.labelled.sum().clamp(min=1))


CURRICULUM = UnimodalTeacher
