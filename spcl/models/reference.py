"""Reading the state dicts of the authors' code (np4s/SPCL)."""

import re
from collections.abc import Mapping

from torch import Tensor


def renamed(weights: Mapping[str, Tensor], names: Mapping[str, str | None]) -> dict[str, Tensor]:
    """The weights under our names.

    Parameters
    ----------
    weights
        The reference's state dict.
    names
        Regular expressions and what to put in their place, applied in turn; None leaves out the
        weights whose name matches, for the reference has some that it never uses.
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


def parts(weights: Mapping[str, Tensor], prefix: str) -> list[str]:
    """What follows `prefix` in the weights' names, up to the next dot: modalities, or layers.

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
