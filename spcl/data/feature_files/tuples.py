"""Pickled tuples whose parts have no names: the length and the types of the parts tell the form."""

from collections.abc import Iterable, Mapping
from typing import Any

from spcl.data.feature_files.values import lists_ids
from spcl.tables.schemas import SPLITS

UNREAD = "unread"
"""The name of a part that nobody reads and that may be anything."""

Form = tuple[str, ...]
"""The names of the parts, see `spcl.data.feature_files.by_dialogue.read_by_dialogue`."""


def fields_of(content: object, forms: Iterable[Form]) -> dict[str, Any] | None:
    """The parts of a tuple or list by name, in the first of the `forms` that it has; else None.

    ``train``, ``dev`` and ``test`` are lists of ids, `UNREAD` is anything; every other part is a
    dict by dialogue.
    """
    if not isinstance(content, tuple | list):
        return None
    for form in forms:
        if len(content) != len(form):
            continue
        fields = dict(zip(form, content, strict=True))
        if all(
            lists_ids(part) if name in SPLITS else isinstance(part, Mapping)
            for name, part in fields.items()
            if name != UNREAD
        ):
            return fields
    return None
