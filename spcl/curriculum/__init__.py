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
training loop. One curriculum a file, named as in the config, that ends in
``CURRICULUM = <the class>``; each is imported when it is asked for.
"""

import importlib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from spcl.curriculum.base import Curriculum, CurriculumStep, TrainingSet

__all__ = ["Curriculum", "CurriculumStep", "SelfPacedCurriculum", "TrainingSet", "build"]


def build(curriculum: str | type[Curriculum], **settings: Any) -> Curriculum:
    """Make a curriculum.

    Parameters
    ----------
    curriculum
        The name of one of ours, or of an installed package's (entry points ``spcl.curricula``), or
        a class.
    **settings
        The curriculum's own.

    Raises
    ------
    ValueError
        The name is unknown, or a setting is unknown or out of range; the message names the ones
        that are known.
    """
    cls = _named(curriculum) if isinstance(curriculum, str) else curriculum
    if not issubclass(cls, Curriculum):
        raise ValueError(f"{cls.__name__} is no spcl.curriculum.Curriculum; derive it from that")
    return cls.from_settings(settings)


def _named(name: str) -> type[Curriculum]:
    """The class that a file of this folder, or else an installed package, defines."""
    modules = {point.name: point.value for point in entry_points(group="spcl.curricula")}
    for path in Path(__file__).parent.glob("*.py"):
        if "\nCURRICULUM = " in path.read_text(encoding="utf-8"):
            modules[path.stem] = f"{__name__}.{path.stem}"
    if name not in modules:
        known = ", ".join(sorted(modules))
        raise ValueError(f"curriculum '{name}' is unknown; there are: {known}")
    found: type[Curriculum] = importlib.import_module(modules[name]).CURRICULUM
    return found


def __getattr__(name: str) -> Any:
    if name == "SelfPacedCurriculum":
        return importlib.import_module("spcl.curriculum.spcl").SelfPacedCurriculum
    raise AttributeError(f"module 'spcl.curriculum' has no attribute '{name}'")
