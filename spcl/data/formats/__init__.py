"""The file formats of the field, one a file, and how each is told from its content.

A format's module has four things: ``TITLE``, what it is in words; ``fits(path, content)``, whether
it is this one; ``read(path, content, labels)``, a `spcl.data.records.Reading`; and ``REMEDY``, what
to do where it is absent or broken. `content` is what a pickle or JSON file holds, None for folders
and other files.
"""

import json
from pathlib import Path
from types import ModuleType

from spcl.data.formats import iemocap, meld, tables
from spcl.errors import UserError

FORMATS: dict[str, ModuleType] = {"tables": tables, "iemocap": iemocap, "meld": meld}
"""By the name of the layout in a config."""


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
    raise UserError(f"{path}: no known format; docs/your-own-data.md shows those that are")


def load(path: Path) -> object:
    """What a pickle or JSON file holds; None for folders and other files.

    Raises
    ------
    UserError
        The file is no such file, or a pickle that calls something.
    """
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))
    return None
