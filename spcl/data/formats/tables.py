"""A custom corpus: a table of utterances, Parquet or CSV, and features beside it.

The columns ``dialogue_id`` and ``emotion`` are required; the other columns of
`spcl.tables.schemas.UTTERANCES` and ``session`` are optional. For the features see
`spcl.data.feature_files.beside_table`.
"""

import difflib
import math
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pyarrow.types as pt

from spcl.data import media
from spcl.data.counts import resembles
from spcl.data.emotions.labels import KNOWN, labelled
from spcl.data.emotions.sentiment import LABELS
from spcl.data.feature_files.beside_table import read_features
from spcl.data.files.csv_files import read_csv
from spcl.data.files.parsing import read_facts, read_parquet, readable
from spcl.data.media import MediaReference
from spcl.data.problems import Defect, Problem
from spcl.data.records import Choices, Reading, Utterance
from spcl.errors import UserError, listed
from spcl.tables.schemas import SPLITS, UTTERANCES

TITLE = "a custom corpus (utterances.parquet or utterances.csv, features beside it)"
REMEDY = "see docs/your-own-data.md"

_METADATA = "correct it, or write the table again without metadata"

_NEEDED = ("dialogue_id", "emotion")
_COLUMNS = (*(column.name for column in UTTERANCES.columns), "session")
_COMPARED = 1000
"""Columns of a file that are compared with an expected one: comparison is slow."""
_SPLITS = {name: name for name in SPLITS} | {
    "training": "train",
    "valid": "dev",
    "val": "dev",
    "validation": "dev",
    "development": "dev",
    "testing": "test",
}


def fits(path: Path, content: object) -> bool:
    """Whether a folder has this layout."""
    return bool(_found(path))


def read(folder: Path, content: object, choices: Choices) -> Reading:
    """Read the corpus: dialogues in the order of the table, utterances by position if there is one.

    Emotions are names or integers; an empty cell is unlabelled. The order of names is that of the
    config, else that in the file's metadata, else that of a known corpus, else alphabetical.
    Integers need one of the first two; -1 is unlabelled.

    Returns
    -------
    Reading
        Utterances in dialogue order. `split` is None if there is no such column.

    Raises
    ------
    UserError
        A column is missing or has wrong values; the meaning of integers is unknown; a feature file
        does not fit.
    """
    table = _Table(folder, unlabelled=choices.unlabelled)
    order = table.order()
    emotions, chosen = table.emotions(choices.labels)
    dialogues, names = table.names(order)
    splits = table.splits()
    texts, speakers = table.cells("text"), table.cells("speaker", "speaker")
    starts, ends = table.seconds("start_s"), table.seconds("end_s")
    audio, video = table.paths("a", names), table.paths("v", names)
    utterances = [
        Utterance(
            dialogue_id=dialogues[row],
            utterance_id=names[row],
            speaker=speakers[row],
            text=texts[row],
            emotion=emotions[row],
            split=splits[row],
            start_s=starts[row],
            end_s=ends[row],
            audio_path=audio[row],
            video_path=video[row],
        )
        for row in order
    ]
    by_row = {"dialogue_id": dialogues, "utterance_id": names}
    features, gaps, files = read_features(folder, by_row, order)
    sessions = zip(dialogues, table.cells("session"), strict=True)
    spelt = table.spelt()
    n_labelled = sum(utterance.emotion is not None for utterance in utterances)
    return Reading(
        utterances,
        chosen,
        [*table.problems, *gaps],
        features,
        known_as=table.facts.get("known_as") or resembles(chosen, n_labelled),
        sessions={dialogue: session for dialogue, session in sessions if session},
        simulated=bool(table.facts.get("simulated")),
        names=Counter(spelt[row] for row in order if spelt[row].strip()),
        files={None: table.path.name, **files},
        classes=table.facts.get("classes"),
    )


def _found(folder: Path) -> list[Path]:
    """The tables of utterances in a folder, broken links included."""
    tables = (folder / f"utterances.{kind}" for kind in ("parquet", "csv"))
    return [path for path in tables if os.path.lexists(path)]


class _Table:
    """The columns of the table of utterances; defects of single rows are added to `problems`."""

    def __init__(self, folder: Path, *, unlabelled: bool) -> None:
        found = _found(folder)
        if len(found) != 1:
            raise UserError(
                f"{folder}: it must have one of utterances.parquet and utterances.csv; {REMEDY}"
            )
        self.folder, self.path = folder, found[0]
        self.problems: list[Problem] = []
        self.facts: dict[str, Any] = {}
        self.columns: dict[str, list[Any]] = (
            read_csv(self.path) if self.path.suffix == ".csv" else self._parquet()
        )
        if unlabelled:
            self.columns["emotion"] = [""] * len(next(iter(self.columns.values()), []))
        self._check_columns()
        self.n = len(self.columns["dialogue_id"])
        if not self.n:
            raise UserError(f"{self.path}: has columns but no row; write it again")

    def cells(self, column: str, default: str = "") -> list[str]:
        """A column as text, `default` where the column is absent or a cell is empty."""
        if column not in self.columns:
            return [default] * self.n
        return [_text(value).strip() or default for value in self.columns[column]]

    def order(self) -> list[int]:
        """The rows with a dialogue, by dialogue and position if there is such a column."""
        dialogues = self.cells("dialogue_id")
        kept = [row for row in range(self.n) if dialogues[row]]
        if len(kept) < self.n:
            lost = self.n - len(kept)
            self._note("left_out", f"{lost} rows have no dialogue_id; left out")
        if "position" not in self.columns:
            return kept
        first: dict[str, int] = {}
        for row in kept:
            first.setdefault(dialogues[row], row)
        positions = [_number(value) for value in self.cells("position")]
        lost = sum(math.isnan(positions[row]) for row in kept)
        if lost:
            reason = f"{lost} rows have no position; moved to the end of their dialogues"
            self._note("order", reason)
        last = [math.inf if math.isnan(position) else position for position in positions]
        return sorted(kept, key=lambda row: (first[dialogues[row]], last[row]))

    def names(self, order: Sequence[int]) -> tuple[list[str], list[str]]:
        """Dialogue and utterance ids, row for row.

        Utterance ids that restart in every dialogue get its name as a prefix.
        """
        dialogues, names = self.cells("dialogue_id"), self.cells("utterance_id")
        pairs = Counter((dialogues[row], names[row]) for row in order if names[row])
        restart = len({name for _, name in pairs}) < len(pairs)
        met: Counter[str] = Counter()
        for row in order:
            dialogue = dialogues[row]
            if not names[row]:
                names[row] = f"{dialogue}_{met[dialogue]}"
            elif restart:
                names[row] = f"{dialogue}_{names[row]}"
            met[dialogue] += 1
        return dialogues, names

    def emotions(self, asked: tuple[str, ...] | None) -> tuple[list[str | None], tuple[str, ...]]:
        """The emotions row for row, None = unlabelled, and the order of the labels."""
        stored = self.facts.get("labels")
        labels = asked or (tuple(stored) if stored else None)
        emotions, labels, notes = labelled(self.spelt(), labels, self.path)
        for note in notes:
            self._note("label", note)
        return emotions, labels

    def spelt(self) -> list[str]:
        """The emotions row for row as in the file, with leading and trailing blanks."""
        return [_text(value) for value in self.columns["emotion"]]

    def splits(self) -> list[str | None]:
        """The splits row for row under their usual names, None where a cell is empty."""
        cells = [cell.lower() for cell in self.cells("split")]
        if unknown := sorted(set(cells) - {*_SPLITS, ""}):
            raise UserError(
                f"{self.path}: column 'split' has {listed(unknown)}; write {', '.join(SPLITS)}"
            )
        return [_SPLITS[cell] if cell else None for cell in cells]

    def seconds(self, column: str) -> list[float | None]:
        """A column of times, None where there is no number."""
        numbers = [_number(value) for value in self.cells(column)]
        return [None if math.isnan(number) else number for number in numbers]

    def paths(self, m: str, names: Sequence[str]) -> list[str | None]:
        """A column of media files in the corpus folder; an unusable one is None and a problem."""
        column = {"a": "audio_path", "v": "video_path"}[m]
        kept: list[str | None] = [None] * self.n
        for row, cell in enumerate(self.cells(column)):
            if not cell:
                continue
            reference = MediaReference.parse(cell)
            path = reference.path.replace("\\", "/")  # as Windows writes them
            if fault := _path_fault(path, self.folder):
                self.problems.append(Problem(path, names[row] or None, m, *fault))
            else:
                kept[row] = path + cell[len(reference.path) :]
        return kept

    def _parquet(self) -> dict[str, list[Any]]:
        table = read_parquet(self.path, _COLUMNS)
        for field in table.schema:
            if pt.is_nested(field.type):
                raise UserError(
                    f"{self.path}: column '{listed([field.name])}' has type"
                    f" {listed([str(field.type)])}; write text or numbers"
                )
        with readable(self.path):
            columns = {name: table[name].to_pylist() for name in table.column_names}
            names = pq.read_schema(self.path).names
        self.facts = read_facts(table, self.path)
        self._check_facts()
        return dict[str, list[Any]].fromkeys(names, []) | columns  # other columns only by name

    def _check_facts(self) -> None:
        """Refuse metadata that no stage writes: their meaning is unknown."""
        labels, known_as = self.facts.get("labels"), self.facts.get("known_as")
        named = isinstance(labels, list) and all(isinstance(name, str) for name in labels)
        if labels is not None and not named:
            raise UserError(
                f"{self.path}: its metadata 'labels' is not a list of names; {_METADATA}"
            )
        if known_as not in (None, *KNOWN):
            raise UserError(
                f"{self.path}: its metadata 'known_as' is not one of {', '.join(KNOWN)};"
                f" {_METADATA}"
            )
        classes = self.facts.get("classes")
        if classes is not None and (type(classes) is not int or classes not in LABELS):
            raise UserError(
                f"{self.path}: its metadata 'classes' is not one of"
                f" {', '.join(map(str, LABELS))}; {_METADATA}"
            )

    def _check_columns(self) -> None:
        """Refuse a table without the required columns; record columns that seem misspelled."""
        known = set(_COLUMNS) & set(self.columns)
        others = {name.lower(): name for name in self.columns if name not in known}
        for name in _COLUMNS:
            if name in known:
                continue
            near = difflib.get_close_matches(name, list(others)[:_COMPARED], n=1, cutoff=0.8)
            rename = f"rename '{others[near[0]]}' to it" if near else f"add it; {REMEDY}"
            if name in _NEEDED:
                raise UserError(
                    f"{self.path}: no column '{name}', but {listed(self.columns)}; {rename}"
                )
            if near:
                self._note("note", f"no column '{name}'; perhaps {rename}")

    def _note(self, kind: str, reason: str) -> None:
        self.problems.append(Problem(self.path.name, None, None, kind, reason))


def _path_fault(path: str, folder: Path) -> Defect | None:
    """Why `path` is not a media file of the corpus; nothing outside its folder is opened."""
    try:
        file = (folder / path).resolve()
    except (OSError, ValueError, RuntimeError):  # a null byte, a loop of links
        return "unreadable", "not a path"
    if not file.is_relative_to(folder.resolve()):
        return "unreadable", "outside the folder of the corpus"
    return media.fault(file)


def _text(value: Any) -> str:
    """A cell as text: empty for None and NaN, whole numbers without a fraction."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes):  # some writers do not mark strings as text
        return value.decode("utf-8", errors="replace")
    return str(value)


def _number(cell: str) -> float:
    """The number in a cell, NaN if there is none."""
    try:
        number = float(cell)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
