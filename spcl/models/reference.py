"""Conversion of state dicts of the authors' code (np4s/SPCL)."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor


def rename(weights: Mapping[str, Tensor], names: Mapping[str, str | None]) -> dict[str, Tensor]:
    """Rename the weights of the reference code to those of this package.

    Parameters
    ----------
    weights
        The state dict of the reference.
    names
        Regular expressions and their replacements, applied in order. The replacement None removes
        weights, because the reference has some that it never uses.
    """
    ours = {}
    for name, value in weights.items():
        for pattern, replacement in names.items():
            if replacement is not None:
                name = re.sub(pattern, replacement, name)
            elif re.search(pattern, name):
                break
        else:
            ours[name] = value
    return ours


def encoder_sizes(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """The arguments `widths`, `n_classes` and `hidden` of a model with encoders and classifiers."""
    outputs = {m: weights[f"encoders.{m}.out.weight"] for m in parts(weights, "encoders.")}
    modality, output = next(iter(outputs.items()))
    return {
        "widths": {m: weight.shape[1] for m, weight in outputs.items()},
        "n_classes": len(weights[f"classifiers.{modality}.bias"]),
        "hidden": len(output),
    }


def parts(weights: Mapping[str, Tensor], prefix: str) -> list[str]:
    """The parts of names between `prefix` and the next dot, for example modalities or layers.

    Raises
    ------
    KeyError
        No name starts with `prefix`.
    """
    found = dict.fromkeys(
        name.removeprefix(prefix).split(".")[0] for name in weights if name.startswith(prefix)
    )
    if not found:
        raise KeyError(f"{prefix}*")
    return list(found)
