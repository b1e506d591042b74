"""IEMOCAP_full_release: five sessions of two actors (Busso et al., LREC 2008)."""

import logging
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from spcl.data import media
from spcl.data.emotions.labels import IEMOCAP, IEMOCAP_UNUSED, label_order
from spcl.data.emotions.spelling import labels_of
from spcl.data.files.disk import entries
from spcl.data.files.text_files import decode
from spcl.data.media import MediaReference
from spcl.data.problems import Problem
from spcl.data.records import Choices, Reading, Utterance
from spcl.errors import UserError

log = logging.getLogger("spcl.data")

TITLE = "IEMOCAP_full_release (Session1/dialog/EmoEvaluation/Ses*.txt, ...)"
REMEDY = "put IEMOCAP_full_release there (ask for it at https://sail.usc.edu/iemocap/)"

SESSIONS = (1, 2, 3, 4, 5)
TEST_SESSION = 5
DEV_SESSION = 4
DEV_SHARE = 2 / 3
"""Of session 4's dialogues, the last by name. In the full release these are the 20 of 30 that
DialogXL (Shen et al., AAAI 2021) uses: Ses04F_script01_3 to Ses04M_script03_2."""

LEFT, RIGHT = (0.0, 0.0, 50.0, 100.0), (50.0, 0.0, 50.0, 100.0)

_ANNOTATIONS, _TRANSCRIPTS = "dialog/EmoEvaluation", "dialog/transcriptions"
_WAV, _AVI = "sentences/wav", "dialog/avi/DivX"

_ID = r"Ses\d\d[FM]_\w+_(?P<speaker>[FM])\d+"  # ids with XX before the number are not utterances
_TIME = r"\d{1,6}(?:\.\d+)?"
_SUMMARY = re.compile(
    rf"\[(?P<start>{_TIME})\s*-\s*(?P<end>{_TIME})\]\s+(?P<id>{_ID})\s+(?P<emotion>\w+)\b.*"
)
_TRANSCRIPT = re.compile(rf"(?P<id>{_ID})\s*+(?:\[[^]]*\]\s*+)?:(?P<text>.*)")


def fits(path: Path, content: object) -> bool:
    """Whether a folder has this layout."""
    return path.is_dir() and bool(_sessions(path))


def read(folder: Path, content: object, choices: Choices) -> Reading:
    """Read the corpus: sessions by number, dialogues by name, utterances by start.

    Returns
    -------
    Reading
        Utterances in dialogue order. The video is a time range of the dialogue's AVI file and the
        speaker's half of the picture. `split`: session 5 is test, dev is as in `DEV_SHARE`, the
        rest is train. A missing session is a problem and a warning in the log.

    Raises
    ------
    UserError
        The folder does not have this layout, a folder or file in it cannot be read, an annotation
        file has no utterance, or `choices.labels` are other emotions.
    """
    utterances: list[Utterance] = []
    problems: list[Problem] = []
    spelt = Counter[str]()
    by_dialogue: dict[str, str] = {}
    found = _sessions(folder)
    if not found:
        raise UserError(
            f"{folder}: not the layout of IEMOCAP_full_release:"
            f" no Session1/dialog/EmoEvaluation/Ses*.txt; {REMEDY}"
        )
    for session in SESSIONS:
        base = found.get(session)
        if base is None:
            reason = f"no dialog/EmoEvaluation/Ses*.txt: session {session} is left out"
            problems.append(Problem(f"Session{session}", None, None, "missing", reason))
            log.warning("%s: Session%d: %s", folder, session, reason)
            continue
        available = _available_media(folder, base, problems)
        names = {path.stem for path in entries(base / _ANNOTATIONS, "Ses*.txt")}
        for dialogue_id, split in division(session, names).items():
            recording = _Recording(folder, base, dialogue_id, split, available, problems)
            utterances += recording.utterances()
            spelt += recording.spelt
            by_dialogue[dialogue_id] = str(session)
    return Reading(
        utterances,
        label_order(IEMOCAP, choices.labels),
        problems,
        known_as="iemocap",
        sessions=by_dialogue,
        names=spelt,
    )


def _sessions(folder: Path) -> dict[int, Path]:
    """The folders of the sessions, in `folder` itself or one level below."""
    for pattern in ("Session{}", "*/Session{}"):
        found = {
            session: path
            for session in SESSIONS
            for path in sorted(folder.glob(pattern.format(session)))[:1]
            if entries(path / _ANNOTATIONS, "Ses*.txt")
        }
        if found:
            return found
    return {}


def _available_media(folder: Path, base: Path, problems: list[Problem]) -> str:
    """The modalities of which a session has media: a, v.

    A missing modality is recorded once, and so is a dialogue without annotations.
    """
    available = ""
    for m, part, what in (("a", _WAV, "audio"), ("v", _AVI, "video")):
        if entries(base / part):
            available += m
        else:
            reason = f"no files: session {base.name[-1]} has no {what}"
            problems.append(Problem(_relative(base / part, folder), None, None, "missing", reason))
    annotated = {path.name for path in entries(base / _ANNOTATIONS)}
    for path in entries(base / _TRANSCRIPTS, "Ses*.txt"):
        if path.name not in annotated:
            reason = "a dialogue without annotations; left out"
            problems.append(Problem(_relative(path, folder), None, None, "left_out", reason))
    return available


def division(session: int, dialogue_ids: Iterable[str]) -> dict[str, str]:
    """The split of each dialogue of a session, by name; see `TEST_SESSION` and `DEV_SHARE`."""
    names = sorted(dialogue_ids)
    n_dev = round(DEV_SHARE * len(names)) if session == DEV_SESSION else 0
    rest = "test" if session == TEST_SESSION else "train"
    return {
        name: "dev" if place >= len(names) - n_dev else rest for place, name in enumerate(names)
    }


def speaker_region(utterance_id: str) -> tuple[float, float, float, float]:
    """The half of the picture that shows the speaker, as a region of `MediaReference`.

    The letter in the dialogue's name is that of the actor with the markers, who sits on the left,
    according to public preprocessing code. The speaker is the letter before the utterance's number:
    Ses01F_impro01_M000 is the man of session 1, on the right.
    """
    marked, speaker = utterance_id[5], utterance_id.rsplit("_", 1)[1][0]
    return LEFT if speaker == marked else RIGHT


@dataclass
class _Recording:
    """The files of one dialogue; their defects are added to `problems`."""

    folder: Path
    base: Path
    dialogue_id: str
    split: str
    available: str
    problems: list[Problem]
    spelt: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.annotation = self.base / _ANNOTATIONS / f"{self.dialogue_id}.txt"
        self.transcription = self.base / _TRANSCRIPTS / f"{self.dialogue_id}.txt"
        self.wavs = self.base / _WAV / self.dialogue_id
        self.avi = self.base / _AVI / f"{self.dialogue_id}.avi"

    def utterances(self) -> Iterator[Utterance]:
        """By start."""
        texts = _texts(self.transcription)
        matches = list(self._summaries())
        if not matches:
            raise UserError(
                f"{self.annotation}: it has no annotated utterance; get it again, or remove it"
                " to leave the dialogue out"
            )
        self.spelt.update(match["emotion"] for match in matches)
        meaning = labels_of(self.spelt, (*IEMOCAP, *IEMOCAP_UNUSED))
        matches.sort(key=lambda match: (float(match["start"]), float(match["end"]), match["id"]))
        for utterance_id in sorted(texts.keys() - {match["id"] for match in matches}):
            reason = "a transcript without an annotation; left out"
            self._note(self.transcription, utterance_id, None, "left_out", reason)
        for match in matches:
            utterance_id, emotion = match["id"], meaning[match["emotion"]]
            start_s, end_s = float(match["start"]), float(match["end"])
            if emotion is None:
                reason = f"unknown emotion '{match['emotion']}'; kept as unlabelled"
                self._note(self.annotation, utterance_id, None, "label", reason)
            if not texts.get(utterance_id):
                kind = "empty" if utterance_id in texts else "missing"
                self._note(self.transcription, utterance_id, "t", kind, "no transcript")
            yield Utterance(
                dialogue_id=self.dialogue_id,
                utterance_id=utterance_id,
                speaker=match["speaker"],
                text=texts.get(utterance_id, ""),
                emotion=emotion if emotion in IEMOCAP else None,
                split=self.split,
                start_s=start_s,
                end_s=end_s,
                audio_path=self._audio(utterance_id),
                video_path=self._video(utterance_id, start_s, end_s),
            )

    def _summaries(self) -> Iterator[re.Match[str]]:
        """The line of each utterance in the annotation file."""
        met: set[str] = set()
        for number, line in enumerate(_lines(self.annotation), start=1):
            match = _SUMMARY.fullmatch(line)
            if match and match["id"] not in met:
                met.add(match["id"])
                yield match
            elif match:
                reason = f"line {number}: the utterance occurs twice; the first is kept"
                self._note(self.annotation, match["id"], None, "duplicate", reason)
            elif line.startswith("["):
                reason = f"line {number} has another format; left out"
                self._note(self.annotation, None, None, "malformed", reason)

    def _audio(self, utterance_id: str) -> str | None:
        if "a" not in self.available:  # recorded for the whole session
            return None
        wav = self.wavs / f"{utterance_id}.wav"
        fault = media.fault(wav)
        if fault:
            self._note(wav, utterance_id, "a", *fault)
            return None
        return _relative(wav, self.folder)

    def _video(self, utterance_id: str, start_s: float, end_s: float) -> str | None:
        if "v" not in self.available:
            return None
        fault = media.fault(self.avi)
        if not fault and end_s <= start_s:
            fault = "times", f"no video from {start_s} s to {end_s} s"
        if fault:
            self._note(self.avi, utterance_id, "v", *fault)
            return None
        path = _relative(self.avi, self.folder)
        return str(MediaReference(path, start_s, end_s, speaker_region(utterance_id)))

    def _note(
        self, file: Path, utterance_id: str | None, modality: str | None, kind: str, reason: str
    ) -> None:
        name = _relative(file, self.folder)
        self.problems.append(Problem(name, utterance_id, modality, kind, reason))


def _texts(transcription: Path) -> dict[str, str]:
    """Utterance id -> transcript, without other lines; empty if there is no file."""
    if not os.path.lexists(transcription):
        return {}
    matches = (_TRANSCRIPT.fullmatch(line) for line in _lines(transcription))
    return {match["id"]: match["text"].strip() for match in matches if match}


def _lines(path: Path) -> list[str]:
    """The lines of a text file without leading and trailing blanks."""
    return [line.strip() for line in decode(path).split("\n")]


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
