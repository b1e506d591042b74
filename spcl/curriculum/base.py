"""What every curriculum is: a module that turns logits into a loss over the admitted utterances."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import torch
from torch import Tensor, nn

from spcl.curriculum.difficulty import true_class_probability

Logits = Mapping[str, Tensor] | Tensor
Normalize = Literal["all", "selected"]


@dataclass
class CurriculumStep:
    """What one training step learns from. N utterances, B dialogues, M modalities.

    Attributes
    ----------
    loss
        Scalar; the only member with a gradient.
    selected
        v, (N,) bool: the utterance is learnt from. Never true where there is no label.
    difficulty
        rho, (N,): infinite where there is no label.
    confidence
        s_i^m, (M, B): how sure each modality is of each dialogue.
    probability
        softmax(z^m)[y], (M, N): 0 where there is no label.
    """

    loss: Tensor
    selected: Tensor
    difficulty: Tensor
    confidence: Tensor
    probability: Tensor


@dataclass(frozen=True)
class TrainingSet:
    """What a curriculum may know of the training split before the first epoch.

    n utterances of B dialogues, dialogue by dialogue; `rows` of `Curriculum.forward` counts in this
    order. The last three are None where the curriculum does not name them in its ``NEEDS``.

    Attributes
    ----------
    labels
        (n,) int64 in 0..C-1; -1 = unlabelled.
    lengths
        (B,) int64, utterances a dialogue.
    epochs
        The most epochs that will be trained.
    seed
        Of the training. What a curriculum draws at random comes from a generator of its own.
    probes
        By modality, (n, C) float64: log-probabilities that a probe on this modality alone gave to
        each utterance without having seen its dialogue. They are logits too.
    shift_rate
        (B,) float64: the share of adjacent labelled utterances with different emotions; NaN in a
        dialogue without such a pair.
    pace
        (E,) int64: the utterances that another curriculum admitted in each of its epochs, for the
        same cell and seed.
    """

    labels: Tensor
    lengths: Tensor
    epochs: int
    seed: int
    probes: Mapping[str, Tensor] | None = None
    shift_rate: Tensor | None = None
    pace: Tensor | None = None


class Curriculum(nn.Module):
    """A curriculum without parameters; ``state_dict`` holds what changes over the epochs.

    A subclass says what is difficult and what is admitted in `forward`, and what changes from one
    epoch to the next in `step`. One that wants to know the training split first defines `start`.
    """

    threshold: Tensor | None
    """lambda, a scalar buffer; None where the curriculum has no threshold."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("threshold", None)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Make one from a config's settings.

        Raises
        ------
        ValueError
            A setting is unknown or missing; the message names those that are known.
        """
        parameters = inspect.signature(cls).parameters
        takes_any = inspect.Parameter.VAR_KEYWORD in [one.kind for one in parameters.values()]
        known = {name: one for name, one in parameters.items() if one.kind is not one.VAR_KEYWORD}
        unknown = [name for name in settings if name not in known and not takes_any]
        missing = [
            name
            for name, parameter in known.items()
            if parameter.default is inspect.Parameter.empty and name not in settings
        ]
        if unknown or missing:
            what = f"setting '{unknown[0]}' is unknown" if unknown else f"'{missing[0]}' is missing"
            raise ValueError(f"{what}; settings: {', '.join(known) or 'none'}")
        return cls(**settings)

    def start(self, training_set: TrainingSet) -> None:
        """Look at the training split once, before the first epoch.

        Raises
        ------
        ValueError
            The curriculum cannot work with it; the message says what to change.
        """

    def forward(
        self, logits: Logits, labels: Tensor, lengths: Tensor, rows: Tensor | None = None
    ) -> CurriculumStep:
        """Score, admit and sum up one batch.

        Parameters
        ----------
        logits
            Of each modality, {"a": (N, C), ...} or (M, N, C). The joint logits are their sum.
        labels
            (N,) int64 in 0..C-1; -1 = unlabelled.
        lengths
            (B,) int64, utterances a dialogue; they sum to N.
        rows
            (N,) int64, the place of each utterance in the training set. Only curricula that order
            utterances before the training want it.
        """
        raise TypeError(f"{type(self).__name__} does not define forward")

    def step(self) -> None:
        """End an epoch."""


@dataclass
class Scores:
    """What every curriculum starts from, computed once a batch.

    Attributes
    ----------
    labelled : (N,) bool
    dialogue : (N,) int64, the index of each utterance's dialogue
    loss : l, (N,), cross-entropy of the joint logits, with its gradient; 0 where unlabelled
    probability : softmax(z^m)[y], (M, N), without gradient; 0 where unlabelled
    n_dialogues : B
    """

    labelled: Tensor
    dialogue: Tensor
    loss: Tensor
    probability: Tensor
    n_dialogues: int


def score(logits: Logits, labels: Tensor, lengths: Tensor) -> Scores:
    """Stack the modalities and compute what every curriculum needs of a batch.

    Half-precision logits are widened to float32, so autocast does not move the threshold.

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    stacked = torch.stack(tuple(logits.values())) if isinstance(logits, Mapping) else logits
    if stacked.ndim != 3 or labels.shape != stacked.shape[1:2] or lengths.ndim != 1:
        raise ValueError(
            "expected logits (M, N, C) or {modality: (N, C)}, labels (N,) and lengths (B,); got"
            f" {tuple(stacked.shape)}, {tuple(labels.shape)} and {tuple(lengths.shape)}"
        )
    if stacked.dtype not in (torch.float32, torch.float64):
        stacked = stacked.float()
    loss = nn.functional.cross_entropy(stacked.sum(0), labels, ignore_index=-1, reduction="none")
    return Scores(
        labelled=labels >= 0,
        # The sum of the lengths is known from the labels, so nothing waits for the device.
        dialogue=torch.repeat_interleave(lengths, output_size=labels.shape[0]),
        loss=loss,
        probability=true_class_probability(stacked.detach(), labels),
        n_dialogues=lengths.shape[0],
    )


def admitted_loss(scores: Scores, selected: Tensor, normalize: Normalize) -> Tensor:
    """The loss of a batch over what is admitted, a scalar with its gradient.

    Parameters
    ----------
    scores
        Of the batch.
    selected
        v, (N,) bool, never true where there is no label.
    normalize
        ``all``: sum(v l) / N over the batch, as the reference code of SPCL has it; N counts the
        labelled utterances. ``selected``: sum(v l) / sum(v) inside a dialogue, as in the paper's
        figure, averaged over the dialogues with a label.
    """
    admitted = scores.loss * selected
    if normalize == "all":
        return admitted.sum() / scores.labelled.sum().clamp(min=1)

    def by_dialogue(values: Tensor) -> Tensor:
        zeros = admitted.new_zeros(scores.n_dialogues)
        return zeros.index_add(0, scores.dialogue, values.to(zeros.dtype))

    mean = by_dialogue(admitted) / by_dialogue(selected).clamp(min=1)
    return mean.sum() / (by_dialogue(scores.labelled) > 0).sum().clamp(min=1)


def check_choice(name: str, value: str, known: Any) -> None:
    """Refuse a setting that is none of the `Literal` `known`.

    Raises
    ------
    ValueError
        The message names the choices.
    """
    if value not in get_args(known):
        raise ValueError(f"{name}: '{value}' is unknown; choose {' or '.join(get_args(known))}")
