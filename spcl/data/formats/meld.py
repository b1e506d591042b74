"""MELD.Raw: three CSV files and one MP4 clip an utterance (Poria et al., ACL 2019)."""

import csv
import io
import logging
import re
from collections.abc import Iterator
from pathlib import Path

from spcl.data import media
from spcl.data.records import Problem, Reading, Utterance
from spcl.errors import UserError
from spcl.schemas import SPLITS

log = logging.getLogger("spcl.data")

LABELS = ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")
REMEDY = "put MELD.Raw there (https://github.com/declare-lab/MELD)"

_COLUMNS = ("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID",
            "StartTime", "EndTime")  # fmt: skip
_CLIP_FOLDERS = {  # as the archives unpack, and as some mirrors name them
    "train": ("train_splits", "train/train_splits", "train"),
    "dev": ("dev_splits_complete", "dev/dev_splits_complete", "dev"),
    "test": ("output_repeated_splits_test", "test/output_repeated_splits_test", "test"),
}
_TIME = re.compile(r"(\d+):(\d+):(\d+)[,.](\d+)")


def fits(path: Path, content: object) -> bool:
    """Whether a folder has this layout."""
    return path.is_dir() and any(path.rglob("train_sent_emo.csv"))


def read(folder: Path, content: object = None, labels: tuple[str, ...] | None = None) -> Reading:
    """Read the corpus: train, dev, test, each in the order of the dialogues' and utterances' ids.

    The ids restart in every split, so they get its name: ``train_dia0_utt3``. Utterance ids skip
    numbers; the order is theirs, positions are counted by whoever needs them.

    Returns
    -------
    Reading
        Utterances in dialogue order. `split` is the file that an utterance stands in.

    Raises
    ------
    UserError
        The folder does not have this layout.
    """
    utterances: list[Utterance] = []
    problems: list[Problem] = []
    for split in SPLITS:
        table = _table(folder, split)
        clips = _clips(folder, split)
        if clips is None:
            reason = f"no folder with clips ({', '.join(_CLIP_FOLDERS[split])}): text only"
            problems.append(Problem(_relative(table, folder), None, None, reason))
        named: set[str] = set()
        for row in _ordered(table, folder, problems):
            clip = f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}.mp4"
            named.add(clip)
            utterances.append(_utterance(row, split, folder, table, clips, clip, problems))
        for path in sorted(clips.glob("*.mp4")) if clips else ():
            if path.name not in named and not path.name.startswith("."):
                reason = f"no row of {table.name} names this clip"
                problems.append(Problem(_relative(path, folder), None, None, reason))
    return Reading(utterances, LABELS, problems, known_as="meld")


def _table(folder: Path, split: str) -> Path:
    """The CSV file of a split: at the top, or beside the clips as train.tar.gz packs it."""
    name = f"{split}_sent_emo.csv"
    for path in (folder / name, folder / split / name):
        if path.is_file():
            return path
    raise UserError(
        f"{folder}: not the layout of MELD.Raw: no {name} in it or in {split}/; {REMEDY}"
    )


def _clips(folder: Path, split: str) -> Path | None:
    for name in _CLIP_FOLDERS[split]:
        if next((folder / name).glob("*.mp4"), None):
            return folder / name
    return None


def _ordered(table: Path, folder: Path, problems: list[Problem]) -> list[dict[str, str]]:
    """The usable rows of a CSV file, by dialogue and utterance number."""
    rows: dict[tuple[int, int], dict[str, str]] = {}
    for number, row in enumerate(_rows(table, folder), start=2):
        try:
            key = int(row["Dialogue_ID"]), int(row["Utterance_ID"])
        except ValueError:
            reason = f"line {number}: Dialogue_ID or Utterance_ID is not a number; left out"
            problems.append(Problem(_relative(table, folder), None, None, reason))
            continue
        if key in rows:
            reason = f"dialogue {key[0]}, utterance {key[1]} stands twice; the first is kept"
            problems.append(Problem(_relative(table, folder), None, None, reason))
            continue
        rows[key] = row
    return [rows[key] for key in sorted(rows)]


def _rows(table: Path, folder: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file. Some copies were saved as cp1252 by a spreadsheet."""
    content = table.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        log.info("%s: not UTF-8, read as cp1252", _relative(table, folder))
        text = content.decode("cp1252", errors="replace")
    reader = csv.DictReader(io.StringIO(text, newline=""), restval="")
    missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise UserError(f"{table}: no column {', '.join(missing)}; {REMEDY}")
    for row in reader:
        yield {name: row[name].strip() for name in _COLUMNS}


def _utterance(
    row: dict[str, str],
    split: str,
    folder: Path,
    table: Path,
    clips: Path | None,
    clip: str,
    problems: list[Problem],
) -> Utterance:
    dialogue_id = f"{split}_dia{int(row['Dialogue_ID'])}"
    utterance_id = f"{dialogue_id}_utt{int(row['Utterance_ID'])}"

    def note(file: Path, modality: str | None, reason: str) -> None:
        problems.append(Problem(_relative(file, folder), utterance_id, modality, reason))

    emotion: str | None = row["Emotion"].lower()
    if emotion not in LABELS:
        note(table, None, f"unknown emotion '{emotion}'; kept as unlabelled")
        emotion = None
    if not row["Utterance"]:
        note(table, "t", "empty transcript")
    start_s, end_s = _seconds(row["StartTime"]), _seconds(row["EndTime"])
    if start_s is None or end_s is None or end_s <= start_s:
        note(table, None, f"lasts from {row['StartTime']!r} to {row['EndTime']!r}; times left out")
        start_s = end_s = None
    path = None
    if clips is not None:
        fault = media.fault(clips / clip)
        if fault:
            note(clips / clip, "a", fault)
            note(clips / clip, "v", fault)
        else:
            path = _relative(clips / clip, folder)
    return Utterance(
        dialogue_id=dialogue_id,
        utterance_id=utterance_id,
        speaker=row["Speaker"],
        text=row["Utterance"],
        emotion=emotion,
        split=split,
        start_s=start_s,
        end_s=end_s,
        audio_path=path,
        video_path=path,
    )


def _seconds(time: str) -> float | None:
    """``hh:mm:ss,mmm`` in seconds; None if it is not of that form."""
    found = _TIME.fullmatch(time)
    if not found:
        return None
    hours, minutes, seconds, fraction = found.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(f"{seconds}.{fraction}")


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
