"""IEMOCAP_full_release: five sessions of two actors (Busso et al., LREC 2008)."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from spcl.data import media
from spcl.data.media import MediaReference
from spcl.data.records import Problem, Reading, Utterance
from spcl.errors import UserError

LABELS = ("hap", "sad", "neu", "ang", "exc", "fru")
REMEDY = "put IEMOCAP_full_release there (ask for it at https://sail.usc.edu/iemocap/)"

SESSIONS = (1, 2, 3, 4, 5)
TEST_SESSION = 5
DEV_SESSION = 4
DEV_SHARE = 2 / 3
"""Of session 4's dialogues by name, the last. In the full release these are the 20 of 30 that
DialogXL (Shen et al., AAAI 2021) uses: Ses04F_script01_3 to Ses04M_script03_2."""

LEFT, RIGHT = (0.0, 0.0, 50.0, 100.0), (50.0, 0.0, 50.0, 100.0)

_NO_LABEL = ("xxx", "sur", "fea", "dis", "oth")
"""xxx: no majority. All of these are unlabelled here: context, never training data."""

_ID = r"Ses\d\d[FM]_\w+_(?P<speaker>[FM])\d+"  # ids with XX before the number are no utterances
_SUMMARY = re.compile(
    rf"\[(?P<start>[\d.]+) - (?P<end>[\d.]+)\]\t(?P<id>{_ID})\t(?P<emotion>\w+)\t.*"
)
_TRANSCRIPT = re.compile(rf"(?P<id>{_ID}) \[[^]]*\]:(?P<text>.*)")


def fits(path: Path, content: object) -> bool:
    """Whether a folder has this layout."""
    return any(path.glob("Session*/dialog/EmoEvaluation/Ses*.txt"))


def read(folder: Path, content: object = None, labels: tuple[str, ...] | None = None) -> Reading:
    """Read the corpus: session by session, dialogue by dialogue by name, utterances by start.

    Returns
    -------
    Reading
        Utterances in dialogue order. The video is the stretch of the dialogue's AVI file, and of
        that the speaker's half. `split`: session 5 is test, dev as `DEV_SHARE` says, the rest train.

    Raises
    ------
    UserError
        The folder does not have this layout.
    """
    utterances: list[Utterance] = []
    problems: list[Problem] = []
    for session in SESSIONS:
        base = folder / f"Session{session}"
        annotations = {path.stem: path for path in base.glob("dialog/EmoEvaluation/Ses*.txt")}
        if not annotations:
            raise UserError(
                f"{folder}: not the layout of IEMOCAP_full_release:"
                f" no Session{session}/dialog/EmoEvaluation/Ses*.txt; {REMEDY}"
            )
        for dialogue_id, split in division(session, annotations).items():
            recording = _Recording(folder, base, dialogue_id, split, problems)
            utterances += recording.utterances()
    return Reading(utterances, LABELS, problems, known_as="iemocap")


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

    The letter in the dialogue's name tells which actor wears the markers; that actor sits on the
    left, as public preprocessing code for these files has it. The speaker is the letter before the
    utterance's number: Ses01F_impro01_M000 is the man of session 1, on the right.
    """
    marked, speaker = utterance_id[5], utterance_id.rsplit("_", 1)[1][0]
    return LEFT if speaker == marked else RIGHT


class _Recording:
    """The files of one dialogue; what is wrong with them goes to `problems`."""

    def __init__(
        self, folder: Path, base: Path, dialogue_id: str, split: str, problems: list[Problem]
    ) -> None:
        self.folder = folder
        self.dialogue_id = dialogue_id
        self.split = split
        self.problems = problems
        self.annotation = base / "dialog/EmoEvaluation" / f"{dialogue_id}.txt"
        self.transcription = base / "dialog/transcriptions" / f"{dialogue_id}.txt"
        self.wavs = base / "sentences/wav" / dialogue_id
        self.avi = base / "dialog/avi/DivX" / f"{dialogue_id}.avi"

    def utterances(self) -> Iterator[Utterance]:
        """By start."""
        texts = _texts(self.transcription)
        matches = [match for line in _lines(self.annotation) if (match := _SUMMARY.fullmatch(line))]
        matches.sort(key=lambda match: (float(match["start"]), float(match["end"]), match["id"]))
        for utterance_id in sorted(texts.keys() - {match["id"] for match in matches}):
            reason = "a transcript without an annotation; left out"
            self._note(self.transcription, utterance_id, None, reason)
        for match in matches:
            utterance_id, emotion = match["id"], match["emotion"]
            start_s, end_s = float(match["start"]), float(match["end"])
            if emotion not in LABELS and emotion not in _NO_LABEL:
                reason = f"unknown emotion '{emotion}'; kept as unlabelled"
                self._note(self.annotation, utterance_id, None, reason)
            if not texts.get(utterance_id):
                self._note(self.transcription, utterance_id, "t", "no transcript")
            yield Utterance(
                dialogue_id=self.dialogue_id,
                utterance_id=utterance_id,
                speaker=match["speaker"],
                text=texts.get(utterance_id, ""),
                emotion=emotion if emotion in LABELS else None,
                split=self.split,
                start_s=start_s,
                end_s=end_s,
                audio_path=self._audio(utterance_id),
                video_path=self._video(utterance_id, start_s, end_s),
            )

    def _audio(self, utterance_id: str) -> str | None:
        wav = self.wavs / f"{utterance_id}.wav"
        fault = media.fault(wav)
        if fault:
            self._note(wav, utterance_id, "a", fault)
            return None
        return _relative(wav, self.folder)

    def _video(self, utterance_id: str, start_s: float, end_s: float) -> str | None:
        fault = media.fault(self.avi)
        if not fault and end_s <= start_s:
            fault = f"nothing to see from {start_s} s to {end_s} s"
        if fault:
            self._note(self.avi, utterance_id, "v", fault)
            return None
        path = _relative(self.avi, self.folder)
        return str(MediaReference(path, start_s, end_s, speaker_region(utterance_id)))

    def _note(self, file: Path, utterance_id: str, modality: str | None, reason: str) -> None:
        self.problems.append(Problem(_relative(file, self.folder), utterance_id, modality, reason))


def _texts(transcription: Path) -> dict[str, str]:
    """Utterance id -> transcript. Lines that name no utterance are left out; so is a lost file."""
    if not transcription.is_file():
        return {}
    matches = (_TRANSCRIPT.fullmatch(line) for line in _lines(transcription))
    return {match["id"]: match["text"].strip() for match in matches if match}


def _lines(path: Path) -> list[str]:
    """The lines of a text file without blanks at their ends, UTF-8 or else cp1252."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    return [line.strip() for line in text.splitlines()]


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
