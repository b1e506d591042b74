"""Curricula: which utterances a training step learns from.

A curriculum is called like a loss and stepped like a learning-rate scheduler::

    curriculum = SelfPacedCurriculum(threshold=0.4, growth=1.25)
    for epoch in range(epochs):
        for batch in loader:
            step = curriculum(logits, labels, lengths)
            step.loss.backward()
            optimizer.step()
        curriculum.step()

This package imports torch and nothing else of the project, so that it can be lifted into any
training loop. One curriculum a file, named as in the config; each is imported when it is asked for.
"""

import importlib
from typing import Any

from spcl.curriculum.base import Curriculum, CurriculumStep, TrainingSet

NAMES = ("none", "spcl")

__all__ = ["NAMES", "Curriculum", "CurriculumStep", "SelfPacedCurriculum", "TrainingSet", "build"]


def build(name: str, **settings: Any) -> Curriculum:
    """Make the curriculum called `name`.

    Raises
    ------
    ValueError
        The name is unknown, or a setting is unknown or out of range; the message names the ones
        that are known.
    """
    if name not in NAMES:
        raise ValueError(f"curriculum '{name}' is unknown; there are: {', '.join(NAMES)}")
    cls: type[Curriculum] = importlib.import_module(f"spcl.curriculum.{name}").CURRICULUM
    return cls.from_settings(settings)


def __getattr__(name: str) -> Any:
    if name == "SelfPacedCurriculum":
        return importlib.import_module("spcl.curriculum.spcl").SelfPacedCurriculum
    raise AttributeError(f"module 'spcl.curriculum' has no attribute '{name}'")
