"""The fields of a feature file: dicts by dialogue, with ids as text and values by utterance."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spcl.data.feature_files.values import identifier, rows
from spcl.data.problems import Problem
from spcl.errors import UserError

MAX_ELEMENTS = 2**28
"""Numbers and letters of a corpus. A small pickle can refer to the same list many times."""
_ROW = 64
"""Elements that one value of a dialogue counts as, because reading it takes as long."""

_VECTORS = re.compile(r"[atv]\d*")


class Fields:
    """The fields of one file.

    Parameters
    ----------
    path
        The file.
    fields
        By name, see `spcl.data.feature_files.by_dialogue.read_by_dialogue`.

    Attributes
    ----------
    vectors
        Modality (a, t, v) -> one or more fields, dialogue id -> vectors.
    problems
        What is wrong with single rows.

    Raises
    ------
    UserError
        A field is not a dict by dialogue, or the ids of its dialogues are not unique text or
        numbers.
    """

    def __init__(self, path: Path, fields: Mapping[str, Any]) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self._file = path.name if path.is_file() else ""
        self._elements = 0
        self.classes = self._by_id(fields["classes"])
        self.speakers = self._by_id(fields["speakers"])
        self.texts = self._by_id(fields.get("texts", {}))
        self._utterance_ids = self._by_id(fields.get("utterance_ids", {}))
        self.vectors = {
            m: [self._by_id(field) for name, field in fields.items() if _is_of(m, name)]
            for m in "tav"
        }

    def _by_id(self, field: object) -> dict[str, Any]:
        """A field with the ids of its dialogues as text."""
        if not isinstance(field, Mapping):
            kind = type(field).__name__
            raise UserError(f"{self.path}: a field is a {kind}; make it a dict by dialogue")
        by_id = {self.dialogue_id(dialogue): value for dialogue, value in field.items()}
        if len(by_id) < len(field):
            raise UserError(
                f"{self.path}: a dialogue id occurs both as text and as a number or bytes;"
                " remove one of them"
            )
        return by_id

    def dialogue_id(self, value: object) -> str:
        """The id of a dialogue as text.

        Raises
        ------
        UserError
            It is neither text nor a whole number.
        """
        name = identifier(value)
        if name is None:
            kind = type(value).__name__
            raise UserError(f"{self.path}: a dialogue id is of type {kind}; make it text")
        return name

    def values(self, field: Mapping[str, Any], dialogue: str) -> Sequence[Any]:
        """The values of a field in a dialogue, in the order of `utterance_ids` if it is a dict."""
        found = field.get(dialogue)
        values = rows(found)
        if isinstance(found, Mapping):
            by_id = {identifier(key): value for key, value in found.items()}
            ids = self.utterance_ids(dialogue)
            values = [by_id.get(name) for name in ids]
            if lost := len(found) - len(by_id.keys() & set(ids)):
                reason = f"dialogue {dialogue}: {lost} values name no utterance of it; left out"
                self.note("left_out", reason)
        self.count(_ROW * len(values))
        return values

    def utterance_ids(self, dialogue: str) -> list[str | None]:
        """What the file calls the utterances of a dialogue; empty where it has no names."""
        classes = self.classes.get(dialogue)
        ids = rows(self._utterance_ids.get(dialogue))
        if not ids and isinstance(classes, Mapping):
            ids = list(classes)
        return [identifier(name) for name in ids]

    def count(self, elements: int) -> None:
        """Count elements that are read.

        Raises
        ------
        UserError
            They are more than `MAX_ELEMENTS` in total.
        """
        self._elements += elements
        if self._elements > MAX_ELEMENTS:
            raise UserError(f"{self.path}: over {MAX_ELEMENTS} numbers and letters; divide it")

    def note(
        self,
        kind: str,
        reason: str,
        utterances: Iterable[str | None] = (None,),
        modality: str | None = None,
    ) -> None:
        """Record a problem of each of the `utterances`, or of the whole file."""
        self.problems += [Problem(self._file, name, modality, kind, reason) for name in utterances]


def _is_of(modality: str, name: str) -> bool:
    """Whether a field of this name has vectors of the modality."""
    return name[0] == modality and _VECTORS.fullmatch(name) is not None
