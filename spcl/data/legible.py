"""Is what a corpus calls a text or a name one? Some hold what no table or terminal can."""

import re
from dataclasses import replace
from pathlib import Path

from spcl.data.files.text_files import TWICE_ENCODED
from spcl.data.records import Problem, Reading, Utterance
from spcl.errors import UserError, listed

_NO_TEXT = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]")
"""Control characters, which a terminal would obey, and halves of characters."""


def check_names(reading: Reading, path: Path) -> None:
    """Refuse a corpus with names that are no text: what they stand for could not be told apart.

    Raises
    ------
    UserError
        It is an id, a label, a session or the path of a media file.
    """
    names = [*reading.labels, *reading.sessions.values()]
    for one in reading.utterances:
        names += (one.dialogue_id, one.utterance_id, one.audio_path or "", one.video_path or "")
    for name in filter(_NO_TEXT.search, names):
        raise UserError(
            f"{path}: the name '{listed([name])}' has characters that are no text; rename it"
        )


def legible(utterance: Utterance, problems: list[Problem], file: str) -> Utterance:
    """The utterance, without what is no text in its transcript and its speaker's name."""
    if not (_NO_TEXT.search(utterance.text) or _NO_TEXT.search(utterance.speaker)):
        return utterance
    mended = [each.translate(TWICE_ENCODED) for each in (utterance.text, utterance.speaker)]
    text, speaker = (_NO_TEXT.sub("", each) for each in mended)
    if [text, speaker] != mended:
        reason = "control characters in the transcript or the speaker's name; taken out"
        problems.append(Problem(file, utterance.utterance_id, None, reason))
    return replace(utterance, text=text, speaker=speaker)
