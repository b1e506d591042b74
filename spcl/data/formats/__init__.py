"""The file formats of the field, one a file, and how each is told from its content.

A format's module has four things: ``TITLE``, what it is in words; ``fits(path, content)``, whether
it is this one; ``read(path, content, labels)``, a `spcl.data.records.Reading`; and ``REMEDY``, what
to do where it is absent or broken. `content` is what a pickle or JSON file holds, None for folders
and other files.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from types import ModuleType

from spcl.data.files.disk import read, refuse_hidden
from spcl.data.formats import (
    cosmic,
    dag_erc,
    dialogue_rnn,
    iemocap,
    meld,
    spcl_pickle,
    tables,
)
from spcl.data.pickles.admitted import short
from spcl.data.pickles.unpickle import unpickle
from spcl.errors import UserError

FORMATS: dict[str, ModuleType] = {
    "tables": tables,
    "iemocap": iemocap,
    "meld": meld,
    "spcl_pickle": spcl_pickle,
    "dialogue_rnn": dialogue_rnn,
    "cosmic": cosmic,
    "dag_erc": dag_erc,
}
"""By the name of the layout in a config."""

_PICKLES = {".pkl", ".pickle", ".p", ".pck", ".joblib", ".pt", ".pth"}
_JSON = {".json", ".feature"}
_PICKLE_START = b"\x80"  # of protocol 2 and above


def recognise(path: Path, content: object) -> str:
    """The name of the format at `path`.

    Raises
    ------
    UserError
        It fits none; the message says what was found.
    """
    for name, format_ in FORMATS.items():
        if format_.fits(path, content):
            return name
    refuse_hidden(path)
    raise UserError(
        f"{path}: {_found(content)}no known format; docs/your-own-data.md shows those that are"
    )


def load(path: Path) -> object:
    """What a pickle or JSON file holds; None for folders and other files.

    Raises
    ------
    UserError
        The file is no such file, or a pickle that calls something.
    """
    if not path.is_file():
        return None
    suffixes = set(path.suffixes)
    if suffixes & _JSON:
        return dag_erc.parse(path)
    is_pickle = suffixes & _PICKLES or read(path, 1) == _PICKLE_START
    return unpickle(path) if is_pickle else None


def _found(content: object) -> str:
    """What a pickle or JSON file holds, in words for a message; empty where it is neither."""
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
