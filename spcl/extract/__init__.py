"""Extractors: features of text, audio and video from the raw media of a corpus.

Each extractor is a file with its name in the config::

    egemaps = build("a", "egemaps", {"feature_set": "IS10"})
    extracted = egemaps(items)          # extracted.features: (B, 1582)

`spcl.extract.extraction.extract` applies an extractor to a whole corpus. To add an extractor, add a
file to this folder. Its class sets ``modality = "a"``, ``"t"`` or ``"v"``, and it ends in
``EXTRACTOR = <the class>``.

It imports `spcl.data`, `spcl.tables` and `spcl.provenance`. Each extractor imports its own library
(openSMILE, transformers, OpenCV) when it is built. Features that a corpus contains already are read
by `spcl.data`.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spcl.errors import UserError
from spcl.extract.base import Extracted, Extractor, Item, ItemExtractor, UnusableError
from spcl.extract.options import check_options

__all__ = ["Extracted", "Extractor", "Item", "ItemExtractor", "UnusableError", "build", "names"]

_EXTRAS = {"a": "audio", "t": "text", "v": "visual"}


def names(modality: str) -> list[str]:
    """The names of the extractors of `modality` (a, t or v), installed or not.

    The files of this folder are read instead of a list of names. A new extractor therefore does not
    change the code digest of the others, and features that exist stay up to date.
    """
    return sorted(
        path.stem
        for path in Path(__file__).parent.glob("*.py")
        if f'\n    modality = "{modality}"\n' in path.read_text(encoding="utf-8")
    )


def build(modality: str, name: str, options: Mapping[str, Any] | None = None) -> Extractor:
    """Build an extractor.

    Parameters
    ----------
    modality
        a, t or v.
    name
        One of `names(modality)`.
    options
        Values for the fields of its class.

    Raises
    ------
    UserError
        The name or an option is unknown, an option is missing or not allowed, or a package that the
        extractor needs is not installed. The message starts with the config key.
    """
    key = f"features.{modality}"
    if name not in names(modality):
        available = ", ".join(names(modality))
        raise UserError(f"{key}.extractor: there is no '{name}'; available: {available}")
    try:
        cls: type[Extractor] = importlib.import_module(f"spcl.extract.{name}").EXTRACTOR
    except ModuleNotFoundError as error:
        raise UserError(
            f"{key}.extractor: {name} needs the package '{error.name}';"
            f" pip install 'spcl[{_EXTRAS[modality]}]'"
        ) from error
    options = options or {}
    check_options(cls, options, f"{key}.options")
    try:
        return cls(**options)
    except ValueError as error:
        raise UserError(f"{key}.options: {error}") from error
