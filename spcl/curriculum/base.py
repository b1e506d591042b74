"""The base class of training strategies: a module that turns logits into a loss.

A curriculum selects the utterances of a step. A balancing method (`spcl.curriculum.balancing`)
decides how much each modality learns from them. Both have this interface.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn

from spcl.curriculum.scores import Logits, Scores

Normalize = Literal["all", "selected"]
ByModality = Mapping[str, Sequence[Tensor]]
"""Gradients or parameters of each modality, in the order of the logits."""


@dataclass
class CurriculumStep:
    """What one training step learns from. N utterances, B dialogues, M modalities.

    Attributes
    ----------
    loss
        Scalar; the only attribute with a gradient.
    selected
        v, (N,) bool: the utterance is admitted. Always False where there is no label.
    difficulty
        rho, (N,): infinite where there is no label.
    confidence
        s_i^m, (M, B): how confident each modality is in each dialogue.
    probability
        softmax(z^m)[y], (M, N): 0 where there is no label.
    separate
        Scalar with a gradient, or None. A second loss, whose gradient `loss` does not contain. Its
        gradient is computed by a second backward pass and given to `Curriculum.adjust`.
    """

    loss: Tensor
    selected: Tensor
    difficulty: Tensor
    confidence: Tensor
    probability: Tensor
    separate: Tensor | None = None


@dataclass(frozen=True)
class TrainingSet:
    """What a strategy may know about the training split before the first epoch.

    It has n utterances of B dialogues, dialogue by dialogue. The argument `rows` of
    `Curriculum.forward` refers to this order. The last four attributes are None unless the
    strategy names them in its ``NEEDS``.

    Attributes
    ----------
    labels
        (n,) int64 in 0..C-1; -1 = unlabelled.
    lengths
        (B,) int64, utterances per dialogue.
    epochs
        The maximum number of epochs.
    seed
        The seed of the training. A curriculum that draws random numbers uses its own generator.
    probes
        By modality, (n, C) float64: log-probabilities of each utterance from a probe on this
        modality that was not fitted on its dialogue. They can be used as logits.
    shift_rate
        (B,) float64: the share of adjacent labelled utterances with different emotions; NaN in a
        dialogue without such a pair.
    pace
        (E,) int64: the number of utterances that another curriculum admitted in each epoch, for the
        same cell and seed.
    teachers
        By modality, (n, C) float64: log-probabilities of each utterance from the same baseline,
        trained on this modality alone without a curriculum, for the same seed.
    """

    labels: Tensor
    lengths: Tensor
    epochs: int
    seed: int
    probes: Mapping[str, Tensor] | None = None
    shift_rate: Tensor | None = None
    pace: Tensor | None = None
    teachers: Mapping[str, Tensor] | None = None

    def require(self, name: str) -> Any:
        """Return the optional attribute `name`.

        Raises
        ------
        ValueError
            It is None.
        """
        value = getattr(self, name)
        if value is None:
            raise ValueError(f"this strategy needs TrainingSet.{name}, which is missing")
        return value


class Curriculum(nn.Module):
    """A strategy without parameters; ``state_dict`` has everything that changes over the epochs.

    A subclass defines `forward`, which measures the difficulty and admits utterances. It may define

    - `start`, which gets the training split before the first epoch,
    - `prepare`, which changes a batch before the model sees it,
    - `adjust`, which changes the gradients of each modality,
    - `step`, which is called after each epoch,
    - `evaluated`, which gets the logits of the splits that `evaluates` names, and the weights.
    """

    threshold: Tensor | None
    """lambda, a scalar buffer; None if the curriculum has no threshold."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("threshold", None)

    def start(self, training_set: TrainingSet) -> None:
        """Prepare for the training split; called once before the first epoch.

        Raises
        ------
        ValueError
            The curriculum cannot use this training set; the message says what to change.
        """

    def forward(
        self, logits: Logits, labels: Tensor, lengths: Tensor, rows: Tensor | None = None
    ) -> CurriculumStep:
        """Score one batch, admit utterances and compute their loss.

        Parameters
        ----------
        logits
            For each modality, {"a": (N, C), ...} or (M, N, C). The joint logits are their sum.
        labels
            (N,) int64 in 0..C-1; -1 = unlabelled.
        lengths
            (B,) int64, utterances per dialogue; their sum is N.
        rows
            (N,) int64, the index of each utterance in the training set. Only curricula that order
            the utterances before training need it.
        """
        raise TypeError(f"{type(self).__name__} does not define forward")

    def step(self) -> None:
        """End an epoch."""

    def prepare(self, batch: Any) -> Any:
        """Return the `spcl.models.Batch` that the model sees in place of `batch`.

        `Batch.hide` makes a modality unobserved.
        """
        return batch

    def adjust(self, gradients: ByModality, separate: ByModality | None = None) -> None:
        """Change the gradients of a step in place, after backward and before clipping.

        Parameters
        ----------
        gradients
            By modality in the order of the logits, the gradients of the parameters that serve this
            modality alone.
        separate
            The gradients of `CurriculumStep.separate` in the same parameters, if the step has it.
        """

    @property
    def uses_parameters(self) -> bool:
        """Whether the model must define ``modality_parameters``, see `spcl.models.parameters`."""
        return type(self).adjust is not Curriculum.adjust

    @property
    def evaluates(self) -> tuple[str, ...]:
        """The splits, ``train`` or ``dev``, whose logits `evaluated` needs now."""
        return ()

    def evaluated(
        self, logits: Mapping[str, Tensor], labels: Mapping[str, Tensor], weights: ByModality
    ) -> None:
        """Use an evaluation; called before the first epoch and after each `step`.

        It is not called while `evaluates` is empty.

        Parameters
        ----------
        logits, labels
            By split, (M, N, C) in evaluation mode, and (N,) with -1 = unlabelled.
        weights
            By modality, the parameters that serve it alone, without gradient. They may be changed
            in place. Empty if `uses_parameters` is false.
        """


def admit(
    scores: Scores,
    selected: Tensor,
    difficulty: Tensor,
    confidence: Tensor,
    normalize: Normalize = "all",
) -> CurriculumStep:
    """Make the step that learns from the `selected` utterances.

    Parameters
    ----------
    scores
        The scores of the batch.
    selected, difficulty, confidence
        See `CurriculumStep`.
    normalize
        See `admitted_loss`.
    """
    loss = admitted_loss(scores, selected, normalize)
    return CurriculumStep(loss, selected, difficulty, confidence, scores.probability)


def admitted_loss(scores: Scores, selected: Tensor, normalize: Normalize) -> Tensor:
    """The loss of a batch over the admitted utterances, a scalar with its gradient.

    Parameters
    ----------
    scores
        The scores of the batch.
    selected
        v, (N,) bool, False where there is no label.
    normalize
        ``all``: sum(v l) / N over the batch, as in the reference code of SPCL; N counts the
        labelled utterances. ``selected``: sum(v l) / sum(v) within a dialogue, as in the figure of
        the paper, averaged over the dialogues with a label.
    """
    admitted = scores.loss * selected
    if normalize == "all":
        return admitted.sum() / scores.labelled.sum().clamp(min=1)

    def by_dialogue(values: Tensor) -> Tensor:
        zeros = admitted.new_zeros(scores.n_dialogues)
        return zeros.index_add(0, scores.dialogue, values.to(zeros.dtype))

    mean = by_dialogue(admitted) / by_dialogue(selected).clamp(min=1)
    return mean.sum() / (by_dialogue(scores.labelled) > 0).sum().clamp(min=1)
