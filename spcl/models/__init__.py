"""The baselines: networks that give each modality's logits for every utterance of a dialogue.

    batch = Batch(features={"a": a, "t": t}, lengths=lengths, speakers=speakers, labels=labels)
    model = build("mmgcn", widths={"a": 512, "t": 768}, n_classes=6, n_speakers=2, hidden=256)
    logits = model(batch)  # {"a": (N, C), "t": (N, C)}; the joint logits are their sum

A dialogue's logits never depend on what else is in the batch. One baseline a file, named as in the
config, that ends in ``MODEL = <the class>``; each is imported when it is asked for. How each
differs from its paper: docs/fidelity.md; how to use one of your own: docs/plug-in.md.
"""

from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any

from torch import Tensor, nn

from spcl.errors import UserError
from spcl.models.batch import Batch
from spcl.study.extensions import BASELINE, find, load

__all__ = ["Batch", "build", "load_reference"]

_OPEN = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def build(
    baseline: str | type[nn.Module],
    *,
    widths: Mapping[str, int],
    n_classes: int,
    n_speakers: int,
    **settings: Any,
) -> nn.Module:
    """Make a baseline with random weights.

    Parameters
    ----------
    baseline
        The name of one of ours or of an installed package's, or a class; the names:
        `spcl.study.extensions.names`.
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
        The name or a setting is unknown, or a setting is missing or out of range. The message
        starts with the config's key, or with the class.
    """
    model, key = _model(baseline, settings)
    try:
        made: nn.Module = model(
            widths=dict(widths), n_classes=n_classes, n_speakers=n_speakers, **settings
        )
    except ValueError as error:
        raise UserError(f"{key}: {error}") from error
    return made


def load_reference(
    baseline: str, state_dict: Mapping[str, Tensor], *, n_speakers: int = 9, **settings: Any
) -> nn.Module:
    """Make a baseline with the weights of a checkpoint of the authors' code (np4s/SPCL).

    Parameters
    ----------
    baseline
        The name of one of ours.
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
    model, _ = _model(baseline, settings)
    weights = {name.removeprefix("net."): value for name, value in state_dict.items()}
    try:
        loaded: nn.Module = model.from_reference(weights, n_speakers=n_speakers, **settings)
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"state_dict: no weights of the reference's {baseline} ({reason}); name the baseline"
            " that the checkpoint was trained as"
        ) from error
    return loaded


def _model(baseline: str | type[nn.Module], settings: Mapping[str, Any]) -> tuple[Any, str]:
    """The class, checked against `settings`, and the key of its settings for messages."""
    if isinstance(baseline, str):
        model = load(find(BASELINE, baseline))
        key = f"baselines.{baseline}.model"
    else:
        model, key = baseline, baseline.__name__
    if not issubclass(model, nn.Module):
        raise UserError(f"{key}: {model.__name__} is no torch.nn.Module; derive it from that")
    given = [name for name in signature(build).parameters if name not in ("baseline", "settings")]
    known = signature(model).parameters.values()
    own = {one.name: one for one in known if one.kind not in _OPEN}
    takes_any = any(one.kind is Parameter.VAR_KEYWORD for one in known)
    for name in given:
        if own.pop(name, None) is None and not takes_any:
            raise UserError(f"{key}: it takes no '{name}'; its class is given {', '.join(given)}")
    for name in settings:
        if name not in own and not takes_any:
            raise UserError(f"{key}.{name}: unknown; its settings are: {', '.join(own) or 'none'}")
    for name, one in own.items():
        if one.default is Parameter.empty and name not in settings:
            raise UserError(f"{key}.{name}: is missing; its settings are: {', '.join(own)}")
    return model, key
