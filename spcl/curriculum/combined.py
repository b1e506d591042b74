"""Two strategies as one: a curriculum selects the utterances, a balancing method does the rest."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from spcl.curriculum.balancing.base import BalancingMethod
from spcl.curriculum.base import ByModality, Curriculum, CurriculumStep, TrainingSet
from spcl.curriculum.scores import Logits, score


class Combined(Curriculum):
    """Learns from the utterances that `curriculum` selects, balanced by `balancing`.

    Parameters
    ----------
    curriculum
        Its `forward` selects utterances. Its option ``normalize`` must be ``all``: the losses that
        a balancing method adds are divided by the number of labelled utterances as well.
    balancing
        Its other methods are called. Only selected utterances count in what it measures and adds.

    Raises
    ------
    ValueError
        The two cannot be combined.
    """

    def __init__(self, curriculum: Curriculum, balancing: Curriculum) -> None:
        nn.Module.__init__(self)  # without a threshold of its own
        if isinstance(curriculum, BalancingMethod) or not isinstance(balancing, BalancingMethod):
            raise ValueError("combine: name a curriculum first and a balancing method second")
        if getattr(curriculum, "normalize", "all") != "all":
            raise ValueError("combine: the curriculum divides by dialogue; set normalize: all")
        by_modality = getattr(getattr(curriculum, "measure", None), "utterance", "") == "modality"
        if balancing.replaces_loss and by_modality:
            raise ValueError(
                "combine: the balancing method replaces the loss, and a selection by modality would"
                " have no effect; set utterance: joint"
            )
        self.curriculum = curriculum
        self.balancing = balancing

    @property
    def threshold(self) -> Tensor | None:  # type: ignore[override]
        """That of the curriculum."""
        return self.curriculum.threshold

    @property
    def uses_parameters(self) -> bool:
        return self.balancing.uses_parameters

    @property
    def evaluates(self) -> tuple[str, ...]:
        return self.balancing.evaluates

    def start(self, training_set: TrainingSet) -> None:
        self.curriculum.start(training_set)
        self.balancing.start(training_set)

    def prepare(self, batch: Any) -> Any:
        return self.balancing.prepare(batch)

    def forward(
        self, logits: Logits, labels: Tensor, lengths: Tensor, rows: Tensor | None = None
    ) -> CurriculumStep:
        step: CurriculumStep = self.curriculum(logits, labels, lengths, rows)
        return self.balancing.balance(score(logits, labels, lengths), step, rows)

    def adjust(self, gradients: ByModality, separate: ByModality | None = None) -> None:
        self.balancing.adjust(gradients, separate)

    def step(self) -> None:
        """End an epoch."""
        self.curriculum.step()
        self.balancing.step()

    def evaluated(
        self, logits: Mapping[str, Tensor], labels: Mapping[str, Tensor], weights: ByModality
    ) -> None:
        self.balancing.evaluated(logits, labels, weights)
