"""Transcripts of one conversation: CSV, SubRip (SRT) and WebVTT, with the speakers.

- CSV: columns ``text``, ``speaker``, ``start`` and ``end``, in seconds or as 0:01:02.5. Only
  ``text`` is required.
- SRT: a cue is an utterance. If every cue begins with a name and a colon, these are the speakers.
- WebVTT: the voices (``<v Joey>``) are the speakers. A cue with several voices becomes several
  utterances with the same times.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from spcl.data.files.csv_files import read_csv
from spcl.data.files.text_files import decode
from spcl.data.media import VIDEO, MediaReference
from spcl.data.records import Utterance
from spcl.errors import UserError, listed

SUFFIXES = (".csv", ".srt", ".vtt")
"""Of transcripts."""

_TIME = re.compile(r"(?:(?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d+(?:[.,]\d+)?)")
_TIMES = re.compile(r"^\s*([\d:.,]+)[ \t]*-->[ \t]*([\d:.,]+)")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]*)>")
_TAG = re.compile(r"</?[A-Za-z\d:][^>]*>|\{\\[^}]*\}")
_NAME = re.compile(r"\s*([^\W\d_][^:\n]{0,40}?)\s*:\s+(?=\S)")


@dataclass(frozen=True)
class _Cue:
    """A part of a transcript; its line in the file, for messages."""

    text: str
    speaker: str
    start_s: float | None
    end_s: float | None
    line: int


def read_conversation(transcript: Path, medium: Path | None) -> list[Utterance]:
    """Read the utterances of a conversation.

    Parameters
    ----------
    transcript
        A file with one of `SUFFIXES`.
    medium
        The recording: sound, or video with sound. Utterances without times have no part of it.

    Returns
    -------
    list of Utterance
        In the order of their starts. The paths of their media are relative to the folder of
        `medium`. The dialogue has the name of the transcript.

    Raises
    ------
    UserError
        The transcript cannot be read, has no utterances, or has impossible times.
    """
    if transcript.suffix.lower() == ".csv":
        cues = list(_csv_cues(transcript))
    else:
        cues = _named(list(_timed_cues(transcript)))
    for cue in cues:
        if cue.start_s is not None and cue.end_s is not None and cue.end_s <= cue.start_s:
            raise UserError(
                f"{transcript}: line {cue.line}: the utterance ends at {cue.end_s:g} s, not after"
                f" its start at {cue.start_s:g} s; correct the times"
            )
    if not cues:
        raise UserError(f"{transcript}: has no utterances; see docs/using-a-model.md")
    cues.sort(key=lambda cue: cue.start_s or 0.0)
    dialogue, digits = transcript.stem, len(str(len(cues)))
    utterances = []
    for number, cue in enumerate(cues, 1):
        part = None
        if medium is not None and cue.start_s is not None and cue.end_s is not None:
            part = str(MediaReference(medium.name, cue.start_s, cue.end_s))
        has_video = medium is not None and medium.suffix.lower() in VIDEO
        utterances.append(
            Utterance(
                dialogue_id=dialogue,
                utterance_id=f"{dialogue}_{number:0{digits}}",
                speaker=cue.speaker,
                text=cue.text,
                emotion=None,
                split=None,
                start_s=cue.start_s,
                end_s=cue.end_s,
                audio_path=part,
                video_path=part if has_video else None,
            )
        )
    return utterances


def _csv_cues(path: Path) -> Iterator[_Cue]:
    columns = read_csv(path)
    if "text" not in columns:
        raise UserError(
            f"{path}: no column 'text', but {listed(columns)}; the columns of a transcript are"
            " speaker, start, end and text"
        )
    blank = [""] * len(columns["text"])
    rows = zip(
        *(columns.get(name, blank) for name in ("text", "speaker", "start", "end")), strict=True
    )
    for line, (text, speaker, start, end) in enumerate(rows, 2):
        times = [_seconds(cell, path, line) if cell.strip() else None for cell in (start, end)]
        yield _Cue(text.strip(), speaker.strip(), times[0], times[1], line)


def _timed_cues(path: Path) -> Iterator[_Cue]:
    """The cues of SRT and WebVTT, without headers and notes."""
    lines = decode(path).splitlines()
    at = 0
    while at < len(lines):
        if not (times := _TIMES.match(lines[at])):
            at += 1
            continue
        first = at
        start, end = (_seconds(time, path, first + 1) for time in times.groups())
        at += 1
        while at < len(lines) and lines[at].strip() and not _TIMES.match(lines[at]):
            at += 1
        # Without an empty line between two cues, the last line is the number of the next one.
        whole = at < len(lines) and lines[at].strip() and lines[at - 1].strip().isdigit()
        words = " ".join(lines[first + 1 : at - 1 if whole else at])
        before, *voices = _VOICE.split(words)
        parts = [("", before), *zip(voices[::2], voices[1::2], strict=True)]
        for speaker, part in parts:
            if text := html.unescape(_TAG.sub("", part)).strip():
                yield _Cue(
                    " ".join(text.split()), html.unescape(speaker).strip(), start, end, first + 1
                )


def _named(cues: list[_Cue]) -> list[_Cue]:
    """The cues with the names at their beginnings as speakers, if all begin with one."""
    names = [None if cue.speaker else _NAME.match(cue.text) for cue in cues]
    if not all(names):
        return cues
    return [
        replace(cue, speaker=name[1], text=cue.text[name.end() :])
        for cue, name in zip(cues, names, strict=True)
        if name
    ]


def _seconds(cell: str, path: Path, line: int) -> float:
    """A time such as ``62.5``, ``1:02.5`` or ``00:01:02,500`` in seconds."""
    cell = cell.strip()
    if found := _TIME.fullmatch(cell):
        seconds = float(found["seconds"].replace(",", "."))
        return 3600 * int(found["hours"] or 0) + 60 * int(found["minutes"]) + seconds
    if re.fullmatch(r"\d+(?:\.\d+)?", cell):
        return float(cell)
    raise UserError(
        f"{path}: line {line}: '{cell}' is not a time; write seconds, or hours:minutes:seconds"
    )
