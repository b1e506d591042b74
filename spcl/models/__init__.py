"""The baselines: networks that return the logits of each modality for every utterance.

    batch = Batch(features={"a": a, "t": t}, lengths=lengths, speakers=speakers, labels=labels)
    model = build("mmgcn", widths={"a": 512, "t": 768}, n_classes=6, n_speakers=2, hidden=256)
    logits = model(batch)  # {"a": (N, C), "t": (N, C)}; the joint logits are their sum

The logits of a dialogue do not depend on the other dialogues of the batch. Each baseline is a file
with its name in the config, which ends in ``MODEL = <the class>``. It is imported on demand.
docs/fidelity.md describes how each baseline differs from its paper, docs/plug-in.md how to use a
custom baseline, docs/using-a-model.md how to use a trained one.

Networks, the blocks that they share, and the files of trained ones belong here. It imports torch,
safetensors and `spcl.study`, which finds custom baselines. Losses and the choice of utterances
belong to `spcl.curriculum`.
"""

from collections.abc import Mapping
from inspect import signature
from typing import Any

from torch import Tensor, nn

from spcl.errors import UserError
from spcl.models.batch import Batch
from spcl.models.saved import load
from spcl.study.extensions import BASELINE, find
from spcl.study.extensions import load as load_class

__all__ = ["Batch", "build", "load", "load_reference"]


def build(
    baseline: str | type[nn.Module],
    *,
    widths: Mapping[str, int],
    n_classes: int,
    n_speakers: int,
    **settings: Any,
) -> nn.Module:
    """Build a baseline with random weights.

    Parameters
    ----------
    baseline
        A class, or the name of a baseline of this package or of an installed package, see
        `spcl.study.extensions.names`.
    widths
        The number of features of each modality, for example ``{"a": 512, "t": 768}``. Its order is
        that of the logits.
    n_classes
        C.
    n_speakers
        The maximum number of speakers of a dialogue.
    **settings
        Further arguments of the class; the defaults are the published values.

    Raises
    ------
    UserError
        The name or a setting is unknown, or a setting is missing or out of range. The message
        starts with the key in the config, or with the name of the class.
    """
    sizes = {"widths": dict(widths), "n_classes": n_classes, "n_speakers": n_speakers}
    model, key = _find(baseline, sizes | settings)
    try:
        built: nn.Module = model(**sizes, **settings)
    except ValueError as error:
        raise UserError(f"{key}: {error}") from error
    return built


def load_reference(
    baseline: str, state_dict: Mapping[str, Tensor], *, n_speakers: int = 9, **settings: Any
) -> nn.Module:
    """Build a baseline with the weights of a checkpoint of the authors' code (np4s/SPCL).

    Parameters
    ----------
    baseline
        The name of a baseline of this package.
    state_dict
        The ``state_dict`` of the checkpoint. All sizes are read from it.
    n_speakers
        The maximum number of speakers of a dialogue. Only BiDDIN needs it: the weights of
        DialogueGCN contain it, and the other baselines do not use it.
    **settings
        What the weights do not contain: dropout, windows, heads. The defaults are the published
        values.

    Raises
    ------
    UserError
        The name or a setting is unknown, or the weights belong to another baseline.
    """
    model, _ = _find(baseline, {"widths": {}, "n_classes": 0, "n_speakers": 0} | settings)
    weights = {name.removeprefix("net."): value for name, value in state_dict.items()}
    try:
        loaded: nn.Module = model.from_reference(weights, n_speakers=n_speakers, **settings)
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"state_dict: has no weights of the reference's {baseline} ({reason}); name the"
            " baseline of the checkpoint"
        ) from error
    return loaded


def _find(baseline: str | type[nn.Module], arguments: Mapping[str, Any]) -> tuple[Any, str]:
    """The class, which must accept `arguments`, and the key of its settings for messages."""
    if isinstance(baseline, str):
        model = load_class(find(BASELINE, baseline))
        key = f"baselines.{baseline}.model"
    else:
        model, key = baseline, baseline.__name__
    if not issubclass(model, nn.Module):
        raise UserError(f"{key}: {model.__name__} is not a subclass of torch.nn.Module")
    parameters = signature(model)
    try:
        parameters.bind(**arguments)
    except TypeError as error:
        known = ", ".join(parameters.parameters) or "none"
        raise UserError(f"{key}: {error}; the class takes: {known}") from None
    return model, key
