"""MELD.Raw: three CSV files, and an MP4 clip for each utterance (Poria et al., ACL 2019)."""

import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from spcl.data import media
from spcl.data.emotions.labels import MELD, label_order
from spcl.data.emotions.spelling import labels_of
from spcl.data.files.csv_files import read_csv
from spcl.data.files.disk import ABSENT, entries, refuse_hidden
from spcl.data.files.text_files import decode
from spcl.data.problems import Problem
from spcl.data.records import Choices, Reading, Utterance
from spcl.errors import UserError, listed
from spcl.tables.schemas import SPLITS

TITLE = "MELD.Raw (train_sent_emo.csv, dev_sent_emo.csv, test_sent_emo.csv and clips)"
REMEDY = "put MELD.Raw there (https://github.com/declare-lab/MELD)"

LONGEST_S = 60.0
"""Some clips last minutes and contain turns of other speakers."""

_NEEDED = ("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")
_TIMES = ("StartTime", "EndTime")  # text-only copies lack them
_CLIP_FOLDERS = {  # as in the archives, and as in some mirrors
    "train": ("train_splits", "train"),
    "dev": ("dev_splits_complete", "dev"),
    "test": ("output_repeated_splits_test", "test"),
}
_NUMBER = re.compile(r"(\d{1,9})(?:\.0*)?")  # a spreadsheet can turn it into 3.0
_TIME = re.compile(r"(\d{1,3}):(\d{1,3}):(\d{1,3}(?:[,.]\d+)?)")


def fits(path: Path, content: object) -> bool:
    """Whether a folder has this layout."""
    return path.is_dir() and bool(_search(path, ["train_sent_emo.csv"]))


def read(folder: Path, content: object, choices: Choices) -> Reading:
    """Read the corpus: train, dev, test, each in the order of the dialogue and utterance ids.

    The ids restart in every split, so they get its name: ``train_dia0_utt3``. Utterance ids have
    gaps.

    Returns
    -------
    Reading
        Utterances in dialogue order. `split` is that of the file.

    Raises
    ------
    UserError
        The folder does not have this layout, a table has no usable row, or the config has
        other emotions.
    """
    utterances: list[Utterance] = []
    problems: list[Problem] = []
    spelt = Counter[str]()
    for split in SPLITS:
        table = _Table(folder, split, problems)
        for number, row in table.rows():
            utterances.append(table.utterance(number, row))
        table.note_clips_without_a_row()
        spelt += table.spelt
    return Reading(
        utterances, label_order(MELD, choices.labels), problems, known_as="meld", names=spelt
    )


def _search(folder: Path, names: Collection[str]) -> list[Path]:
    """Files and folders with one of these names at any depth, the nearest to the top first."""
    found = [
        Path(parent, name)
        for parent, folders, files in os.walk(folder)
        for name in names
        if name in folders or name in files
    ]
    return sorted(found, key=lambda path: (len(path.parts), path))


class _Table:
    """The CSV file of one split and its clips; their defects are added to `problems`."""

    def __init__(self, folder: Path, split: str, problems: list[Problem]) -> None:
        self.folder = folder
        self.split = split
        self.problems = problems
        tables = _search(folder, [f"{split}_sent_emo.csv"])
        if not tables:
            refuse_hidden(folder)
            raise UserError(
                f"{folder}: not the layout of MELD.Raw: no {split}_sent_emo.csv in it; {REMEDY}"
            )
        self.table = next((path for path in tables if _has_rows(path)), tables[0])
        self.file = self._relative(self.table)
        for other in tables:
            if other != self.table:
                reason = f"not read, because {self.file} is"
                self._note(self._relative(other), None, None, "left_out", reason)
        self.clips = {name: self._relative(path) for name, path in _clips(folder, split).items()}
        self.clip_folder = next(iter(self.clips.values()), "").rpartition("/")[0]
        self.named: set[str] = set()
        self.spelt = Counter[str]()
        if not self.clips:
            reason = f"no clips below {' or '.join(_CLIP_FOLDERS[split])}: text only"
            self._note(self.file, None, None, "missing", reason)

    def rows(self) -> Iterator[tuple[tuple[int, int], dict[str, str]]]:
        """The usable rows with their dialogue and utterance numbers, sorted by these."""
        columns = read_csv(self.table)
        missing = [name for name in _NEEDED if name not in columns]
        if missing:
            raise UserError(
                f"{self.table}: no column {', '.join(missing)}, but {listed(columns)}; {REMEDY}"
            )
        self.spelt.update(filter(str.strip, columns["Emotion"]))
        present = [name for name in (*_NEEDED, *_TIMES) if name in columns]
        rows: dict[tuple[int, int], dict[str, str]] = {}
        cells = zip(*(map(str.strip, columns[name]) for name in present), strict=True)
        for line, row in enumerate((dict(zip(present, row, strict=True)) for row in cells), 2):
            key = _whole(row["Dialogue_ID"]), _whole(row["Utterance_ID"])
            if key[0] is None or key[1] is None:
                reason = f"line {line}: Dialogue_ID or Utterance_ID is not a number; left out"
                self._note(self.file, None, None, "malformed", reason)
            elif key in rows:
                reason = f"dialogue {key[0]}, utterance {key[1]} occurs twice; the first is kept"
                self._note(self.file, None, None, "duplicate", reason)
            else:
                rows[key[0], key[1]] = row
        if not rows:
            raise UserError(
                f"{self.table}: no usable row, with a whole number as Dialogue_ID and as"
                " Utterance_ID; get the file again"
            )
        yield from sorted(rows.items())

    def utterance(self, number: tuple[int, int], row: Mapping[str, str]) -> Utterance:
        dialogue_id = f"{self.split}_dia{number[0]}"
        utterance_id = f"{dialogue_id}_utt{number[1]}"
        emotion = labels_of([row["Emotion"]], MELD)[row["Emotion"]]
        if emotion is None:
            reason = f"unknown emotion '{listed([row['Emotion']])}'; kept as unlabelled"
            self._note(self.file, utterance_id, None, "label", reason)
        if not row["Utterance"]:
            self._note(self.file, utterance_id, "t", "empty", "empty transcript")
        start_s, end_s = self._times(utterance_id, row)
        length_s = 0.0 if start_s is None or end_s is None else end_s - start_s
        clip = self._clip(utterance_id, f"dia{number[0]}_utt{number[1]}.mp4", length_s)
        return Utterance(
            dialogue_id=dialogue_id,
            utterance_id=utterance_id,
            speaker=row["Speaker"],
            text=row["Utterance"],
            emotion=emotion,
            split=self.split,
            start_s=start_s,
            end_s=end_s,
            audio_path=clip,
            video_path=clip,
        )

    def note_clips_without_a_row(self) -> None:
        for name, path in sorted(self.clips.items()):
            if name not in self.named:
                reason = f"no row of {self.table.name} names this clip"
                self._note(path, None, None, "left_out", reason)

    def _times(
        self, utterance_id: str, row: Mapping[str, str]
    ) -> tuple[float, float] | tuple[None, None]:
        """Start and end in the episode, seconds; None if the row has none."""
        if not all(name in row for name in _TIMES):
            return None, None
        start_s, end_s = (_seconds(row[name]) for name in _TIMES)
        if start_s is None or end_s is None or end_s <= start_s:
            shown = " to ".join(repr(listed([row[name]])) for name in _TIMES)
            reason = f"lasts from {shown}; times left out"
            self._note(self.file, utterance_id, None, "times", reason)
            return None, None
        return start_s, end_s

    def _clip(self, utterance_id: str, name: str, length_s: float) -> str | None:
        """The utterance's clip, relative to the corpus; None if there is no usable clip."""
        if not self.clips:
            return None
        self.named.add(name)
        clip = self.clips.get(name)
        fault = media.fault(self.folder / clip) if clip else ("missing", ABSENT)
        if not fault and length_s > LONGEST_S:
            fault = "times", f"lasts {length_s:.0f} s, more than an utterance"
        if not fault:
            return clip
        for modality in "av":
            self._note(clip or f"{self.clip_folder}/{name}", utterance_id, modality, *fault)
        return None

    def _note(
        self, file: str, utterance_id: str | None, modality: str | None, kind: str, reason: str
    ) -> None:
        self.problems.append(Problem(file, utterance_id, modality, kind, reason))

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def _has_rows(table: Path) -> bool:
    return any(map(str.strip, decode(table).splitlines()[1:]))


def _clips(folder: Path, split: str) -> dict[str, Path]:
    """The clips of a split by name, those nearest to the top; without ``._`` files of macOS."""
    clips: dict[str, Path] = {}
    for parent in _search(folder, _CLIP_FOLDERS[split]):
        for clip in entries(parent, "[!.]*.mp4"):
            clips.setdefault(clip.name, clip)
    return clips


def _whole(cell: str) -> int | None:
    """The whole number in a cell; None if there is none."""
    found = _NUMBER.fullmatch(cell)
    return int(found[1]) if found else None


def _seconds(time: str) -> float | None:
    """``hh:mm:ss,mmm`` in seconds; None for another form."""
    found = _TIME.fullmatch(time)
    if not found:
        return None
    hours, minutes, seconds = found.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
