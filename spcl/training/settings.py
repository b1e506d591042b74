"""The settings of a cell, as typed values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of the training loop.

    Attributes
    ----------
    epochs
        The maximum number of epochs.
    batch_size
        Dialogues per step.
    learning_rate, weight_decay
        For Adam.
    clip_norm
        The maximum 2-norm of the gradient; a larger gradient is scaled down.
    patience
        Stop after this number of epochs without improvement; None = never.
    scale
        ``standard``: scale features to mean 0 and standard deviation 1, fitted on the observed
        training rows; ``none``: do not scale.
    seeds_at_once
        Whether to train all seeds of a cell at the same time, if the baseline supports it; ``auto``
        does so on a GPU.
    """

    epochs: int
    batch_size: int = 32
    learning_rate: float = 1e-4
    weight_decay: float = 1e-8
    clip_norm: float = 2.0
    patience: int | None = None
    scale: Literal["standard", "none"] = "standard"
    seeds_at_once: Literal["auto", "always", "never"] = "auto"


@dataclass(frozen=True)
class RobustnessSettings:
    """The perturbations of the test split that a trained model is scored under.

    Attributes
    ----------
    modality_missing
        Every set of modalities is unobserved in turn.
    utterances_missing, dialogues_missing
        Shares, above 0 to 1, of the utterances or whole dialogues in which each modality is
        unobserved.
    noise
        Standard deviations of Gaussian noise on the features of one modality, in standard
        deviations of the feature.
    seed
        For masks and noise.
    """

    modality_missing: bool = False
    utterances_missing: Sequence[float] = ()
    dialogues_missing: Sequence[float] = ()
    noise: Sequence[float] = ()
    seed: int = 0


@dataclass(frozen=True)
class CellSettings:
    """Everything that determines the results of a cell, except its inputs.

    Attributes
    ----------
    seeds
        Each seed is trained once.
    training
        The settings of the loop.
    robustness
        What the model of the best epoch is scored under.
    model, curriculum
        Keyword arguments of the baseline and of the curriculum, which check them.
    baseline_source, curriculum_source
        The config's ``source``, see `spcl.study.extensions.find`; None = found by name.
    combine
        ``settings`` and ``source`` of the two strategies that the curriculum combines, by name.
    predict_train
        Whether the predictions include the training split, as those of a teacher do.
    """

    seeds: tuple[int, ...]
    training: TrainingSettings
    model: Mapping[str, Any] = field(default_factory=dict)
    curriculum: Mapping[str, Any] = field(default_factory=dict)
    robustness: RobustnessSettings = RobustnessSettings()
    baseline_source: str | None = None
    curriculum_source: str | None = None
    combine: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    predict_train: bool = False

    @classmethod
    def from_config(cls, settings: Mapping[str, Any]) -> Self:
        """Convert what `spcl.study.grid.cell_settings` returns, from a validated config."""
        return cls(
            **{
                **settings,
                "seeds": tuple(settings["seeds"]),
                "training": TrainingSettings(**settings["training"]),
                "robustness": RobustnessSettings(**settings.get("robustness", {})),
            }
        )
