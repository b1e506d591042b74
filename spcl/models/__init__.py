"""The baselines: networks that give each modality's logits for every utterance of a dialogue.

    batch = Batch(features={"a": a, "t": t}, lengths=lengths, speakers=speakers, labels=labels)
    model = build("mmgcn", widths={"a": 512, "t": 768}, n_classes=6, n_speakers=2, hidden=256)
    logits = model(batch)  # {"a": (N, C), "t": (N, C)}; the joint logits are their sum

A dialogue's logits never depend on what else is in the batch. One baseline a file, named as in the
config; each is imported when it is asked for. How each differs from its paper: docs/fidelity.md.
"""

import importlib
from collections.abc import Mapping
from inspect import signature
from typing import Any

from torch import Tensor, nn

from spcl.errors import UserError
from spcl.models.batch import Batch

NAMES = ("biddin", "dialogue_gcn", "late_fusion", "mm_dfn", "mmgcn")

__all__ = ["NAMES", "Batch", "build", "load_reference"]


def build(
    name: str, *, widths: Mapping[str, int], n_classes: int, n_speakers: int, **settings: Any
) -> nn.Module:
    """Make the baseline called `name`, with random weights.

    Parameters
    ----------
    name
        One of `NAMES`.
    widths
        Features of each modality, for example ``{"a": 512, "t": 768}``; its order is that of the
        logits.
    n_classes
        C.
    n_speakers
        The most speakers of any dialogue.
    **settings
        The baseline's own; what is left out is as published.

    Raises
    ------
    UserError
        The name or a setting is unknown, or a setting is out of range.
    """
    model = _model(name, settings)
    try:
        return model(widths=dict(widths), n_classes=n_classes, n_speakers=n_speakers, **settings)
    except ValueError as error:
        raise UserError(f"baselines.{name}.model: {error}") from error


def load_reference(
    baseline: str, state_dict: Mapping[str, Tensor], *, n_speakers: int = 9, **settings: Any
) -> nn.Module:
    """Make a baseline with the weights of a checkpoint of the authors' code (np4s/SPCL).

    Parameters
    ----------
    baseline
        One of `NAMES`.
    state_dict
        The checkpoint's ``state_dict``. All sizes are read from it.
    n_speakers
        The most speakers of any dialogue. DialogueGCN's weights tell it, and only BiDDIN's do not.
    **settings
        What weights do not tell: dropout, windows, heads; by default as published.

    Raises
    ------
    UserError
        The name or a setting is unknown, or the weights are not of this baseline.
    """
    model = _model(baseline, settings)
    weights = {name.removeprefix("net."): value for name, value in state_dict.items()}
    try:
        loaded: nn.Module = model.from_reference(weights, n_speakers=n_speakers, **settings)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"state_dict: no weights of the reference's {baseline} ({reason}); name the baseline"
            " that the checkpoint was trained as"
        ) from error
    return loaded


def _model(name: str, settings: Mapping[str, Any]) -> Any:
    if name not in NAMES:
        raise UserError(
            f"baselines: '{name}' is unknown; choose one of: {', '.join(sorted(NAMES))}"
        )
    model = importlib.import_module(f"spcl.models.{name}").MODEL
    known = [key for key in signature(model).parameters if key not in signature(build).parameters]
    for key in settings:
        if key not in known:
            raise UserError(
                f"baselines.{name}.model.{key}: unknown; its settings are: {', '.join(known)}"
            )
    return model
