"""No curriculum: every labelled utterance from the first epoch on; the yardstick of the others."""

from torch import Tensor

from spcl.curriculum.base import Curriculum, CurriculumStep, Logits, score
from spcl.curriculum.difficulty import confidence


class NoCurriculum(Curriculum):
    """The mean cross-entropy of the joint logits over the labelled utterances.

    Its difficulty is the loss, and it selects everything that has a label.
    """

    def forward(
        self, logits: Logits, labels: Tensor, lengths: Tensor, rows: Tensor | None = None
    ) -> CurriculumStep:
        scores = score(logits, labels, lengths)
        labelled = scores.labelled
        return CurriculumStep(
            loss=scores.loss.sum() / labelled.sum().clamp(min=1),
            selected=labelled,
            difficulty=scores.loss.detach().masked_fill(~labelled, float("inf")),
            confidence=confidence(
                scores.probability, scores.dialogue, labelled, scores.n_dialogues, mean=False
            ),
            probability=scores.probability,
        )


CURRICULUM = NoCurriculum
