"""Names of speakers.

The files of IEMOCAP call the woman of every session F and the man M, so ten people have two names.
"""

import re

_DIALOGUE = re.compile(r"(Ses0[1-5])[FM]_\w+")
_ACTOR = re.compile(r"Ses0[1-5]_([FM])")


def named_by_session(speaker: str, dialogue_id: str) -> str:
    """The name of a speaker in the whole corpus.

    It is ``Ses01_F`` for F in a dialogue of IEMOCAP's first session, such as ``Ses01M_impro02``.
    Other speakers, and those of dialogues whose id does not tell the session, keep their names.
    """
    session = _DIALOGUE.fullmatch(dialogue_id)
    return f"{session[1]}_{speaker}" if session and speaker in ("F", "M") else speaker


def as_annotated(speaker: str) -> str:
    """The name in the files of the corpus: the inverse of `named_by_session`."""
    actor = _ACTOR.fullmatch(speaker)
    return actor[1] if actor else speaker
