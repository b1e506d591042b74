"""The supported corpus formats, one module each.

To add a format, write a module with the members of `Format` and list it in `FORMATS`. A format of
feature files needs only to say which part of the file is which field: it calls
`spcl.data.feature_files.by_dialogue.read_by_dialogue` (`spcl_pickle` is an example with named
fields, `sdt` one with a tuple).
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Protocol

from spcl.data.files.disk import read, refuse_hidden
from spcl.data.formats import (
    cosmic,
    dag_erc,
    dialogue_rnn,
    iemocap,
    meld,
    merbench,
    mmsa,
    sdt,
    spcl_pickle,
    tables,
)
from spcl.data.pickles.admitted import short
from spcl.data.pickles.unpickle import unpickle
from spcl.data.records import Choices, Reading
from spcl.errors import UserError


class Format(Protocol):
    """What the module of a format contains.

    `content` is what `load` returns for the path: the content of a pickle or JSON file, None for
    folders and other files.
    """

    TITLE: str
    """What the format is, for a message: "not <title>"."""
    REMEDY: str
    """What to do if the corpus is absent or damaged."""

    def fits(self, path: Path, content: object, /) -> bool:
        """Whether the corpus at `path` has this format."""

    def read(self, path: Path, content: object, choices: Choices, /) -> Reading:
        """Read the corpus.

        A defect of the
        whole corpus raises `UserError`; a defect of single rows is one of the reading's problems.
        """


FORMATS: dict[str, Format] = {
    "tables": tables,
    "iemocap": iemocap,
    "meld": meld,
    "spcl_pickle": spcl_pickle,
    "dialogue_rnn": dialogue_rnn,
    "cosmic": cosmic,
    "sdt": sdt,
    "mmsa": mmsa,
    "dag_erc": dag_erc,
    "merbench": merbench,
}
"""By the name of the layout in a config; the first format that fits is taken."""

_PICKLES = (".pkl", ".pickle", ".p", ".pck", ".joblib", ".pt", ".pth")
_JSON = (".json", ".feature")
DATA_SUFFIXES = (*_PICKLES, *_JSON)
"""Of the files that `load` reads."""

_PICKLE_START = b"\x80"  # of protocol 2 and above


def recognise(path: Path, content: object) -> str:
    """The name of the format of the corpus at `path`.

    Raises
    ------
    UserError
        No format fits; the message says what the file contains.
    """
    for name, format_ in FORMATS.items():
        if format_.fits(path, content):
            return name
    refuse_hidden(path)
    raise UserError(f"{path}: {_summary(content)}no known format; see docs/your-own-data.md")


def load(path: Path) -> object:
    """The content of a pickle or JSON file; None for folders and other files.

    Raises
    ------
    UserError
        The file is damaged, or it is a pickle that calls something.
    """
    if not path.is_file():
        return None
    suffixes = set(path.suffixes)
    if not suffixes.isdisjoint(_JSON):
        return dag_erc.parse(path)
    is_pickle = not suffixes.isdisjoint(_PICKLES) or read(path, 1) == _PICKLE_START
    return unpickle(path) if is_pickle else None


def _summary(content: object) -> str:
    """What a pickle or JSON file contains, for a message; empty for other files."""
    if content is None:
        return ""
    kind = type(content).__name__
    if isinstance(content, Mapping):
        return f"a {kind} with the keys {_first(content)}: "
    if isinstance(content, tuple | list):
        return f"a {kind} of {len(content)} ({_first(type(part).__name__ for part in content)}): "
    return f"a {kind}: "


def _first(items: Iterable[object]) -> str:
    """The first dozen of them, for a message."""
    shown = [short(item) for item in islice(items, 13)]
    return ", ".join(shown[:12]) + (", ..." if len(shown) > 12 else "")
