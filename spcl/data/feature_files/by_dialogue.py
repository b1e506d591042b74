"""Feature files that keep each field by dialogue, as nearly all of the field do.

A format's reader says which part of its file is which field; everything else is the same for all
and done here: names, order, speakers, classes, gaps.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from spcl.data.emotions.classes import Class, emotions, known_corpus
from spcl.data.feature_files.values import (
    class_of,
    identifier,
    in_order,
    rows,
    size,
    speaker,
    text,
    vector,
)
from spcl.data.records import Problem, Reading, Utterance
from spcl.errors import UserError
from spcl.tables.schemas import MODALITIES

UNKNOWN_SPEAKER = "unknown"

MAX_ELEMENTS = 2**28
"""Numbers and letters of a corpus. A small pickle may refer to the same list again and again."""
_ROW = 64
"""Elements that one value of a dialogue counts as: to read it takes as long."""


@dataclass(frozen=True)
class ByDialogue:
    """The fields of a feature file, each a dict by dialogue.

    Attributes
    ----------
    path
        The file.
    division
        Split (``train``, ``dev``, ``test``) -> the dialogues' ids. A set has no order and is
        sorted; the order of a list is the corpus'.
    speakers, classes, texts
        By dialogue, N_i of them. `texts` may be empty.
    vectors
        Modality (a, t, v) -> one or more fields of N_i vectors a dialogue. Where there is more than
        one, their mean is taken.
    utterance_ids
        By dialogue, N_i of them, or none. What a field has by utterance is ordered by them, or as
        the classes are.
    may_be
        The known corpora that this format passes round.
    """

    path: Path
    division: Mapping[str, Collection]
    speakers: Mapping
    classes: Mapping
    texts: Mapping
    vectors: Mapping[str, Sequence[Mapping]]
    utterance_ids: Mapping = field(default_factory=dict)
    may_be: tuple[str, ...] = ("iemocap", "meld")

    def read(self, labels: Sequence[str] | None) -> Reading:
        """Bring the fields together.

        Utterances are named ``<dialogue>_utt<position>`` where the file has no names that are
        unique in it; a dialogue that is a number n is named ``dia<n>``.

        Parameters
        ----------
        labels
            The order of the classes from the config, None where it names none.

        Raises
        ------
        UserError
            A dialogue is in two splits; none can be used; the vectors of a modality differ in
            width; nothing says what the classes' numbers mean.
        """
        return _Assembly(self).reading(labels)


class _Assembly:
    """A corpus in the making; what is wrong with it goes to `problems`."""

    def __init__(self, source: ByDialogue) -> None:
        self.source = source
        self.path = source.path
        self.file = source.path.name if source.path.is_file() else ""
        self.elements = 0
        self.problems: list[Problem] = []
        self.classes = self._named(source.classes)
        self.speakers = self._named(source.speakers)
        self.texts = self._named(source.texts)
        self.utterance_ids = self._named(source.utterance_ids)

    def reading(self, labels: Sequence[str] | None) -> Reading:
        division = self._division()
        self.lengths: dict[str, int] = {}
        speakers: dict[str, list[str | None]] = {}
        classes: dict[str, list[Class | None]] = {}
        for dialogue in division:
            spoken = [speaker(value) for value in self._rows(self.speakers, dialogue)]
            labelled = [
                self._class(dialogue, value) for value in self._rows(self.classes, dialogue)
            ]
            if self._fits(dialogue, labelled, spoken):
                self.lengths[dialogue] = len(labelled)
                speakers[dialogue], classes[dialogue] = spoken, labelled
        if not self.lengths:
            first = f" ({self.problems[0].reason})" if self.problems else ""
            raise UserError(f"{self.path}: no dialogue can be used{first}; get the file again")
        met = {c for labelled in classes.values() for c in labelled if c is not None}
        voices = {s for spoken in speakers.values() for s in spoken if s is not None}
        known = known_corpus(self.lengths, voices, met)
        known = known if known in self.source.may_be else None
        order, meaning = emotions(met, known, labels, self.path)
        names = self._utterance_ids()
        utterances = [
            Utterance(
                dialogue_id=_dialogue_id(dialogue),
                utterance_id=name,
                speaker=self._speaker(name, voice),
                text=words,
                emotion=None if class_ is None else meaning[class_],
                split=division[dialogue],
                start_s=None,
                end_s=None,
                audio_path=None,
                video_path=None,
            )
            for dialogue in self.lengths
            for name, voice, words, class_ in zip(
                names[dialogue],
                speakers[dialogue],
                self._texts(dialogue, names[dialogue]),
                classes[dialogue],
                strict=True,
            )
        ]
        spelt = Counter(c for each in classes.values() for c in each if isinstance(c, str))
        features = self._features(names)
        return Reading(utterances, order, self.problems, features, known, names=spelt)

    def _named(self, table: Mapping) -> dict[str, Any]:
        """A field with its dialogues' ids as text."""
        if not isinstance(table, Mapping):
            kind = type(table).__name__
            raise UserError(f"{self.path}: a field is a {kind}; make it a dict by dialogue")
        named = {self._id(dialogue): value for dialogue, value in table.items()}
        if len(named) < len(table):
            raise UserError(
                f"{self.path}: a dialogue's id stands once as text and once as a number or bytes;"
                " remove one of them"
            )
        return named

    def _id(self, value: object) -> str:
        name = identifier(value)
        if name is None:
            kind = type(value).__name__
            raise UserError(f"{self.path}: a dialogue's id is of type {kind}; make it text")
        return name

    def _rows(self, table: Mapping, dialogue: str) -> Sequence[Any]:
        """A field's values in a dialogue; of a dict by utterance, in the order of `_keys`."""
        value = table.get(dialogue)
        values: Sequence[Any] = rows(value)
        if isinstance(value, Mapping):
            named = {identifier(key): each for key, each in value.items()}
            keys = self._keys(dialogue)
            values = [named.get(key) for key in keys]
            if lost := len(value) - len(named.keys() & set(keys)):
                reason = f"dialogue {dialogue}: {lost} values name no utterance of it; left out"
                self._note(None, None, reason)
        self._count(_ROW * len(values))
        return values

    def _keys(self, dialogue: str) -> list[str | None]:
        """What the file calls the utterances of a dialogue; empty where it has no names."""
        own, classes = self.utterance_ids.get(dialogue), self.classes.get(dialogue)
        keys = rows(own) or (list(classes) if isinstance(classes, Mapping) else ())
        return [identifier(key) for key in keys]

    def _count(self, elements: int) -> None:
        self.elements += elements
        if self.elements > MAX_ELEMENTS:
            raise UserError(f"{self.path}: over {MAX_ELEMENTS} numbers and letters; divide it")

    def _division(self) -> dict[str, str]:
        """Dialogue -> split, in the corpus' order, of those that are listed and there."""
        listed: dict[str, dict[str, None]] = {}
        for split, ids in self.source.division.items():
            named = [self._id(value) for value in ids]
            listed[split] = dict.fromkeys(in_order(named) if isinstance(ids, Set) else named)
        for one, other in combinations(listed, 2):
            both = [dialogue for dialogue in listed[one] if dialogue in listed[other]]
            if both:
                raise UserError(
                    f"{self.path}: {len(both)} dialogues are listed for {one} and for {other},"
                    f" first {both[0]}; take them out of one of the lists"
                )
        division = {dialogue: split for split, ids in listed.items() for dialogue in ids}
        for dialogue in in_order(self.classes.keys() - division.keys()):
            self._note(None, None, f"dialogue {dialogue}: listed for no split; left out")
        return division

    def _fits(self, dialogue: str, labelled: Sequence, spoken: Sequence) -> bool:
        """Whether a dialogue can be used at all."""
        reason = None
        keys = self._keys(dialogue)
        if dialogue not in self.classes:
            reason = "listed but not there"
        elif len(labelled) != len(spoken):
            reason = f"{len(spoken)} speakers for {len(labelled)} labels"
        elif keys and len(keys) != len(labelled):
            reason = f"{len(keys)} names of utterances for {len(labelled)} labels"
        elif len(set(keys)) < len(keys):
            reason = "two utterances of one name"
        elif not labelled:
            reason = "no utterances"
        if reason:
            self._note(None, None, f"dialogue {dialogue}: {reason}; left out")
        return reason is None

    def _class(self, dialogue: str, value: object) -> Class | None:
        try:
            return class_of(value)
        except ValueError as error:
            raise UserError(
                f"{self.path}: dialogue {dialogue} has a label {error}; labels are the numbers or"
                " names of classes"
            ) from None

    def _utterance_ids(self) -> dict[str, list[str]]:
        """The file's own where every utterance has one and all differ, else made ones."""
        own = {dialogue: self._keys(dialogue) for dialogue in self.lengths}
        flat = [name for names in own.values() for name in names]
        complete = all(len(own[dialogue]) == n for dialogue, n in self.lengths.items())
        if complete and len(set(flat)) == len(flat) and None not in flat:
            return {dialogue: [str(name) for name in names] for dialogue, names in own.items()}
        return {
            dialogue: [f"{_dialogue_id(dialogue)}_utt{place}" for place in range(n)]
            for dialogue, n in self.lengths.items()
        }

    def _speaker(self, utterance_id: str, voice: str | None) -> str:
        if voice is None:
            self._note(utterance_id, None, f"no speaker; taken as '{UNKNOWN_SPEAKER}'")
        return voice or UNKNOWN_SPEAKER

    def _texts(self, dialogue: str, names: Sequence[str]) -> Iterator[str]:
        found = self._rows(self.texts, dialogue)
        if len(found) != len(names):
            if self.texts:
                self._note_all(names, "t", f"{len(found)} sentences for {len(names)} utterances")
            found = [""] * len(names)
        for value in found:
            words = text(value)
            self._count(len(words))
            yield words

    def _features(self, names: Mapping[str, Sequence[str]]) -> dict[str, np.ndarray]:
        """By modality (N, D) float32, a row of NaN where there is no vector."""
        features = {}
        for m, tables in self.source.vectors.items():
            matrices = [self._matrix(m, self._named(table), names) for table in tables]
            present = [matrix for matrix in matrices if matrix is not None]
            if len(present) == len(tables):
                features[m] = present[0] if len(present) == 1 else np.mean(present, axis=0)
        return features

    def _matrix(
        self, m: str, table: Mapping, names: Mapping[str, Sequence[str]]
    ) -> np.ndarray | None:
        """One field of vectors as (N, D); None where there is not one vector."""
        found: list[np.ndarray | None] = []
        first: dict[int, str] = {}
        for dialogue, n in self.lengths.items():
            values = self._rows(table, dialogue)
            if len(values) != n:
                reason = f"{len(values)} {MODALITIES[m]} vectors for {n} utterances of {dialogue}"
                self._note_all(names[dialogue], m, reason)
                values = ()
                found += [None] * n
            for name, value in zip(names[dialogue], values, strict=False):
                try:
                    self._count(size(value))
                    row = vector(value)
                    first.setdefault(len(row), dialogue)
                    self._count(len(row))
                    found.append(row)
                except ValueError as error:
                    self._note(name, m, str(error))
                    found.append(None)
        if len(first) > 1:
            widths = ", ".join(f"{width} (dialogue {first[width]})" for width in sorted(first))
            raise UserError(
                f"{self.path}: {MODALITIES[m]} vectors of different widths: {widths};"
                " extract them all in one way"
            )
        if not first:
            return None
        gap = np.full(next(iter(first)), np.nan, np.float32)
        return np.stack([gap if found_row is None else found_row for found_row in found])

    def _note_all(self, names: Iterable[str], modality: str, reason: str) -> None:
        for name in names:
            self._note(name, modality, reason)

    def _note(self, utterance_id: str | None, modality: str | None, reason: str) -> None:
        self.problems.append(Problem(self.file, utterance_id, modality, reason))


def _dialogue_id(name: str) -> str:
    return f"dia{name}" if name.isdecimal() else name
