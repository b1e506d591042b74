"""Problems of a corpus: what costs a row or a part of one, but does not stop the run."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import pyarrow as pa

from spcl.errors import printable
from spcl.tables.schemas import PROBLEMS

KINDS = {
    # files
    "missing": "there is no such file, folder, transcript or vector",
    "unreadable": "the file cannot be opened, or must not be because it is outside the corpus",
    "empty": "the file, the dialogue or the transcript is empty",
    "pointer": "a pointer of Git LFS or a web page instead of the file",
    "undecodable": "the decoder of sound or video fails",
    "no_track": "the media file has no sound or no picture",
    "slow": "decoding exceeds the time limit",
    # content of media and features
    "outside": "the times of the utterance are outside the file",
    "short": "too little sound",
    "long": "the media file is much longer than annotated",
    "silent": "the sound is silent",
    "blank": "every picture has one colour",
    "cancelled": "the channels cancel each other; the loudest is used",
    "not_finite": "features are NaN or infinite",
    "malformed": "a line or a vector has another form, or their number does not fit",
    "failed": "the extractor raised an error",
    # annotation
    "left_out": "an utterance, a dialogue, a column or a file is not used",
    "duplicate": "an utterance occurs more than once",
    "order": "rows are not in the order of their dialogue",
    "times": "the annotated times of an utterance are impossible",
    "label": "an emotion is unknown or spelled in several ways",
    "speaker": "a speaker is missing",
    "text": "a transcript or a name has characters that were removed",
    "note": "other remarks",
}
"""The kinds of problems and what they mean. Every problem has one."""

Defect = tuple[str, str]
"""A kind and a reason, see `Problem`, where the place of the problem is not yet known."""


@dataclass(frozen=True)
class Problem:
    """A defect of the corpus that costs a row or a part of one, but does not stop the run.

    Attributes
    ----------
    file
        The defective file, relative to the corpus folder.
    utterance_id
        None if it belongs to no utterance.
    modality
        ``a``, ``t`` or ``v``; None for all.
    kind
        One of `KINDS`.
    reason
        What is wrong, and what was done about it.
    """

    file: str
    utterance_id: str | None
    modality: str | None
    kind: str
    reason: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"'{self.kind}' is no kind of problem; add it to KINDS")
        for name in ("file", "reason"):  # both can contain unprintable characters
            object.__setattr__(self, name, printable(getattr(self, name)))


def problem_table(dataset: str, problems: Iterable[Problem]) -> pa.Table:
    """The problems of one dataset as a table of schema `spcl.tables.schemas.PROBLEMS`."""
    problems = list(problems)
    names = [attribute.name for attribute in fields(Problem)]
    columns = {name: [getattr(problem, name) for problem in problems] for name in names}
    return PROBLEMS.table({"dataset": [dataset] * len(problems), **columns})
