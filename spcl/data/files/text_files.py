"""Text files in UTF-8 or cp1252, even mixed by line, or UTF-16 with a byte order mark."""

import codecs
from pathlib import Path

from spcl.data.files.disk import read

TWICE_ENCODED = {
    code: character
    for code in range(0x80, 0xA0)
    if (character := bytes([code]).decode("cp1252", errors="ignore"))
}
"""Some copies were cp1252, read as Latin-1 and saved again: their quotes are control codes."""

_WIDE = {  # by byte order mark; that of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def decode(path: Path) -> str:
    """The content of a text file.

    Raises
    ------
    UserError
        The file cannot be read.
    """
    content = read(path).removeprefix(codecs.BOM_UTF8)
    wide = next((_WIDE[mark] for mark in _WIDE if content.startswith(mark)), None)
    if wide:
        text = content.decode(wide, errors="replace")
    else:
        text = "".join(map(_line, content.splitlines(keepends=True)))
    return text.translate(TWICE_ENCODED)


def _line(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
