"""No curriculum: every labelled utterance from the first epoch. The baseline of all strategies."""

from torch import Tensor

from spcl.curriculum.base import Curriculum, CurriculumStep, admit
from spcl.curriculum.scores import Logits, Scores, confidence, score


class NoCurriculum(Curriculum):
    """The mean cross-entropy of the joint logits over the labelled utterances.

    The difficulty is the loss. Every utterance with a label is selected.
    """

    def forward(
        self, logits: Logits, labels: Tensor, lengths: Tensor, rows: Tensor | None = None
    ) -> CurriculumStep:
        return admit_all(score(logits, labels, lengths))


def admit_all(scores: Scores) -> CurriculumStep:
    """Make the step that learns from every labelled utterance."""
    difficulty = scores.loss.detach().masked_fill(~scores.labelled, float("inf"))
    return admit(scores, scores.labelled, difficulty, confidence(scores))


CURRICULUM = NoCurriculum
