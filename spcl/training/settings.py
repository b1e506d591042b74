"""The settings of a cell, typed and checked once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

from spcl.errors import UserError


@dataclass(frozen=True)
class TrainingSettings:
    """How the loop runs, whatever the baseline and the curriculum.

    Attributes
    ----------
    epochs
        Epochs to train.
    batch_size
        Dialogues a step.
    learning_rate, weight_decay
        Of Adam.
    clip_norm
        Gradients are scaled down to this 2-norm.
    patience
        Stop after so many epochs without a better one; None = never.
    scale
        ``standard``: features to mean 0 and deviation 1, fitted on observed training rows;
        ``none``: as they are.
    seeds_at_once
        Train all seeds of a cell together, if the baseline allows it; ``auto`` does on a GPU.
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
class CellSettings:
    """Everything that decides the numbers of a cell, beside its inputs.

    Attributes
    ----------
    seeds
        One training each.
    training
        The loop's settings.
    model, curriculum
        Keyword arguments of the baseline and of the curriculum; each checks its own.
    baseline_source, curriculum_source
        Where their code lies, see `spcl.study.extensions.find`; None = where their name leads.
    """

    seeds: tuple[int, ...]
    training: TrainingSettings
    model: Mapping[str, Any] = field(default_factory=dict)
    curriculum: Mapping[str, Any] = field(default_factory=dict)
    baseline_source: str | None = None
    curriculum_source: str | None = None

    @classmethod
    def from_config(cls, settings: Mapping[str, Any]) -> Self:
        """Take what `spcl.study.grid.cell_settings` gives.

        Raises
        ------
        UserError
            A key of ``training`` is unknown.
        """
        known = [item.name for item in fields(TrainingSettings)]
        for key in settings["training"]:
            if key not in known:
                raise UserError(f"training.{key}: no such setting; there are: {', '.join(known)}")
        return cls(
            seeds=tuple(settings["seeds"]),
            training=TrainingSettings(**settings["training"]),
            model=dict(settings["model"]),
            curriculum=dict(settings["curriculum"]),
            baseline_source=settings.get("baseline_source"),
            curriculum_source=settings.get("curriculum_source"),
        )
