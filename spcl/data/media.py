"""Media files: references to parts of them, and a check before they are decoded."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spcl.data.files.disk import UnreadableError, read
from spcl.data.files.placeholders import HEAD_BYTES, placeholder
from spcl.data.problems import Defect

SOUND = (".aac", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav", ".wma")
VIDEO = (
    *(".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm"),
    ".wmv",
)
"""Suffixes of files."""

_NUMBER = r"\d+(?:\.\d+)?"
_TIME = rf"t=(?=[\d,])(?P<start>{_NUMBER})?(?:,(?P<end>{_NUMBER}))?"
_REGION = rf"xywh=percent:(?P<region>{_NUMBER}(?:,{_NUMBER}){{3}})"
_FRAGMENT = rf"#(?=t|xywh)(?:{_TIME})?(?:(?:(?<=\d)&|(?<=#)){_REGION})?"
_REFERENCE = re.compile(rf"(?P<path>.*?)(?:{_FRAGMENT})?", re.DOTALL)


@dataclass(frozen=True)
class MediaReference:
    """A media file or a part of one, as in W3C Media Fragments URI 1.0.

    Written ``path#t=start,end&xywh=percent:x,y,w,h``. Each dimension, the start and the end are
    optional. The path is not percent-encoded.

    Attributes
    ----------
    path
        The file.
    start_s, end_s
        The time range, seconds, non-negative; None = from the beginning, to the end.
    region
        The region of the picture, (left, top, width, height) in percent of its size; None = all.
    """

    path: str
    start_s: float | None = None
    end_s: float | None = None
    region: tuple[float, float, float, float] | None = None

    @classmethod
    def parse(cls, text: str) -> "MediaReference":
        """Parse what `str` wrote. Text after ``#`` that is not a fragment belongs to the path."""
        found = _REFERENCE.fullmatch(text)
        assert found is not None  # a path alone always matches
        start, end, region = found["start"], found["end"], found["region"]
        if region is not None:
            x, y, w, h = (float(number) for number in region.split(","))
        return cls(
            found["path"],
            None if start is None else float(start),
            None if end is None else float(end),
            None if region is None else (x, y, w, h),
        )

    def __str__(self) -> str:
        dimensions = []
        if self.start_s is not None or self.end_s is not None:
            start = "" if self.start_s is None else _decimal(self.start_s)
            end = "" if self.end_s is None else "," + _decimal(self.end_s)
            dimensions.append(f"t={start}{end}")
        if self.region is not None:
            dimensions.append("xywh=percent:" + ",".join(map(_decimal, self.region)))
        return self.path + ("#" + "&".join(dimensions) if dimensions else "")


def _decimal(number: float) -> str:
    """The shortest decimal that parses to `number`; fragments have no exponents."""
    return np.format_float_positional(number, trim="-")


def fault(path: Path) -> Defect | None:
    """Why `path` cannot be a media file; None if it has to be decoded to know.

    Its suffix does not matter: the decoder recognises the format by the content.
    """
    try:
        head = read(path, HEAD_BYTES)
    except UnreadableError as error:
        return ("missing" if error.missing else "unreadable"), error.reason
    if not head:
        return "empty", "the file is empty"
    if found := placeholder(head):
        what, remedy = found
        return "pointer", f"{what}, not a media file; {remedy}"
    return None
