"""Write a corpus with its features as a pickle that others' code reads, one module a format.

To add a format, write a module with the members of `Format` and list it in `FORMATS`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from spcl.data.export import dialogue_rnn, sdt, spcl_pickle
from spcl.data.export.content import Content, content_of
from spcl.data.export.readme import notes, readme
from spcl.data.pickles.write import write_pickle
from spcl.data.simulated import FILE_PREFIX
from spcl.errors import UserError
from spcl.tables.parquet import write_atomically


class Format(Protocol):
    """What the module of a format contains."""

    PAPERS: str
    """Whose code reads the format, for the README."""
    FILES: Mapping[str | None, str]
    """The usual name of the file by known corpus; under None, with ``{}`` for the dataset."""
    HAS_DEV: bool
    """Whether the format lists the dialogues of a dev split."""
    NOTES: tuple[str, ...]
    """What a user of the file has to know."""

    def arranged(self, content: Content, /) -> object:
        """What is pickled: builtin types and float32 arrays."""


FORMATS: dict[str, Format] = {"sdt": sdt, "spcl": spcl_pickle, "dialogue_rnn": dialogue_rnn}
"""By the name on the command line."""


def export(
    utterances: pa.Table, features: Mapping[str, pa.Table], format_name: str, folder: Path
) -> list[str]:
    """Write the pickle and its README.

    Parameters
    ----------
    utterances
        Schema `spcl.tables.schemas.UTTERANCES`.
    features
        By modality (t, a, v), schema `spcl.tables.schemas.FEATURES`.
    format_name
        A key of `FORMATS`.
    folder
        It is created. A pickle there is overwritten only if it has a README of this function.

    Returns
    -------
    list of str
        The path of the pickle, and what its user has to know.

    Raises
    ------
    UserError
        The format cannot hold the corpus; the features are of another import; a file of this name
        exists; the disk is full.
    """
    format_ = FORMATS[format_name]
    content = content_of(utterances, features)
    name = format_.FILES.get(content.known_as, format_.FILES[None]).format(content.dataset)
    path = folder / (f"{FILE_PREFIX}{name}" if content.simulated else name)
    described = path.with_suffix(".README.md")
    if path.exists() and not described.exists():
        raise UserError(
            f"{path}: exists and was not written by this command; choose another folder"
        )
    found = notes(content, format_.HAS_DEV, format_.NOTES)
    arranged = format_.arranged(content)
    text = readme(content, path.name, format_name, format_.PAPERS, found)
    write_atomically(described, lambda temporary: _write_text(temporary, text))
    write_pickle(path, arranged)
    return [str(path), *found]


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
