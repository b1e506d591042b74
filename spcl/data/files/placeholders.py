"""Files in the place of another: a pointer of Git LFS, or the web page of a failed download.

Each is described by what it is and what to do about it.
"""

import re

LFS_START = b"version https://git-lfs"
LFS_POINTER = ("a pointer of Git LFS", "fetch the file itself: git lfs pull")
WEB_PAGE = ("a web page", "download the file itself")

HEAD_BYTES = 1024
"""The number of first bytes that `placeholder` needs."""

_MARKS = rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?"  # of UTF-8 and UTF-16
_PAGE = re.compile(_MARKS + rb"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)


def placeholder(head: bytes) -> tuple[str, str] | None:
    """What a file with these first bytes is, and what to do; None if it is no placeholder.

    A web page begins with ``<!doctype html`` or ``<html``, perhaps after a byte order mark and
    blanks. SVG, other XML and subtitles are no web pages.
    """
    if head.startswith(LFS_START):
        return LFS_POINTER
    if _PAGE.match(head.replace(b"\0", b"")):  # UTF-16 has zero bytes
        return WEB_PAGE
    return None
