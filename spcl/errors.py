"""The one kind of error that is meant for the user's eyes, and how names get into its message."""

from collections.abc import Iterable
from itertools import islice

_MOST_NAMES, _LONGEST_NAME = 12, 60  # in a message


class UserError(Exception):
    """A fault that the user can mend.

    The message is one line: it starts with the file or the config key at fault and ends with the
    remedy, for example ``data/meld: no such folder; put MELD.Raw there or set datasets.meld.path``.
    `spcl.jobs.job` and the command line print it without a traceback. What a terminal obeys, such
    as a line break in a file's name, is written as its escape sequence.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


def printable(text: str) -> str:
    """`text` on one line, with escape sequences for all that a terminal would obey or hide.

    Whatever a command, a log or an error quotes passes through here: line breaks, control
    characters, marks that turn the direction of writing, halves of characters.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def listed(names: Iterable[str]) -> str:
    """The first dozen `names` for a message, none of them long."""
    shown = [printable(name) for name in islice(names, _MOST_NAMES + 1)]
    short = [n if len(n) <= _LONGEST_NAME else n[: _LONGEST_NAME - 3] + "..." for n in shown]
    return ", ".join(short[:_MOST_NAMES]) + (", ..." if len(short) > _MOST_NAMES else "")
