"""Names and texts with characters that no table or terminal can show."""

import re
from dataclasses import replace
from pathlib import Path

from spcl.data.files.text_files import TWICE_ENCODED
from spcl.data.problems import Problem
from spcl.data.records import Reading, Utterance
from spcl.errors import UserError, listed

_NO_TEXT = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]")
"""Control characters, which a terminal would execute, and lone surrogates."""


def check_names(reading: Reading, path: Path) -> None:
    """Refuse a corpus whose names have such characters: they could not be distinguished.

    Raises
    ------
    UserError
        An id, a label, a session or the path of a media file has them.
    """
    names = [*reading.labels, *reading.sessions.values()]
    for one in reading.utterances:
        names += (one.dialogue_id, one.utterance_id, one.audio_path or "", one.video_path or "")
    for name in filter(_NO_TEXT.search, names):
        raise UserError(
            f"{path}: the name '{listed([name])}' has unprintable characters; rename it"
        )


def legible(utterance: Utterance, problems: list[Problem], file: str) -> Utterance:
    """The utterance without such characters in its transcript and its speaker's name."""
    if not (_NO_TEXT.search(utterance.text) or _NO_TEXT.search(utterance.speaker)):
        return utterance
    decoded = [each.translate(TWICE_ENCODED) for each in (utterance.text, utterance.speaker)]
    text, speaker = (_NO_TEXT.sub("", each) for each in decoded)
    if [text, speaker] != decoded:
        reason = "control characters in the transcript or the speaker's name; removed"
        problems.append(Problem(file, utterance.utterance_id, None, "text", reason))
    return replace(utterance, text=text, speaker=speaker)
