"""Training strategies: what a training step learns from.

Curricula select utterances; balancing methods (`spcl.curriculum.balancing`) decide how much each
modality learns. A strategy is called like a loss and stepped like a learning-rate scheduler::

    curriculum = SelfPacedCurriculum(threshold=0.4, growth=1.25)
    for epoch in range(epochs):
        for batch in loader:
            step = curriculum(logits, labels, lengths)
            step.loss.backward()
            optimizer.step()
        curriculum.step()

This package imports torch and nothing else of the project, so that it can be used in any training
loop. Each strategy is a file with its name in the config, which ends in
``CURRICULUM = <the class>``. It is imported on demand.
"""

import importlib
import inspect
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from spcl.curriculum.base import Curriculum, CurriculumStep, TrainingSet

__all__ = [
    "BalancingMethod",
    "Curriculum",
    "CurriculumStep",
    "SelfPacedCurriculum",
    "TrainingSet",
    "build",
]

_ON_DEMAND = {"BalancingMethod": "balancing.base", "SelfPacedCurriculum": "spcl"}


def build(curriculum: str | type[Curriculum], **settings: Any) -> Curriculum:
    """Build a training strategy.

    Parameters
    ----------
    curriculum
        A class, or the name of a strategy of this package or of an installed package (entry
        points ``spcl.curricula``).
    **settings
        The arguments of the class.

    Raises
    ------
    ValueError
        The name is unknown, or a setting is unknown, missing or out of range.
    """
    cls = _find(curriculum) if isinstance(curriculum, str) else curriculum
    if not issubclass(cls, Curriculum):
        raise ValueError(f"{cls.__name__} is not a subclass of spcl.curriculum.Curriculum")
    parameters = inspect.signature(cls)
    try:
        parameters.bind(**settings)
    except TypeError as error:
        known = ", ".join(parameters.parameters) or "none"
        raise ValueError(f"{error}; available settings: {known}") from None
    return cls(**settings)


def _find(name: str) -> type[Curriculum]:
    """Find the class in a file below this folder, or else in an installed package."""
    modules = {point.name: point.value for point in entry_points(group="spcl.curricula")}
    here = Path(__file__).parent
    for path in here.rglob("*.py"):
        if "\nCURRICULUM = " in path.read_text(encoding="utf-8"):
            inner = path.relative_to(here).with_suffix("").parts
            modules[path.stem] = ".".join([__name__, *inner])
    if name not in modules:
        known = ", ".join(sorted(modules))
        raise ValueError(f"there is no curriculum '{name}'; available: {known}")
    found: type[Curriculum] = importlib.import_module(modules[name]).CURRICULUM
    return found


def __getattr__(name: str) -> Any:
    if name in _ON_DEMAND:
        return getattr(importlib.import_module(f"{__name__}.{_ON_DEMAND[name]}"), name)
    raise AttributeError(f"module 'spcl.curriculum' has no attribute '{name}'")
