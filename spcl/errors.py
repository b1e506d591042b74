"""The exception for errors that the user can fix, and names in its message."""

import difflib
from collections.abc import Iterable
from itertools import islice

_MOST_NAMES, _LONGEST_NAME = 12, 60  # in a message


class UserError(Exception):
    """An error that the user can fix.

    The message is one line: it starts with the file or the config key, and ends with how to fix it,
    for example ``data/meld: no such folder; put MELD.Raw there or set datasets.meld.path``. Several
    errors, such as those of a config, are several arguments, and a line each.
    `spcl.jobs.job` and the command line print it without a traceback. Control characters, such as a
    line break in a file's name, are written as escape sequences.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__(*map(printable, lines))

    def __str__(self) -> str:
        return "\n".join(self.args)


def printable(text: str) -> str:
    """`text` on one line, with escape sequences for all that a terminal would obey or hide.

    Commands, logs and errors pass all that they quote through this function. It escapes line
    breaks, control characters, marks that change the direction of writing, and lone surrogates.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def listed(names: Iterable[str]) -> str:
    """The first dozen of `names` for a message, each shortened if it is long."""
    shown = [printable(name) for name in islice(names, _MOST_NAMES + 1)]
    short = [n if len(n) <= _LONGEST_NAME else n[: _LONGEST_NAME - 3] + "..." for n in shown]
    return ", ".join(short[:_MOST_NAMES]) + (", ..." if len(short) > _MOST_NAMES else "")


def choices(wrong: object, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the most similar known one, then all known."""
    known = list(known)
    similar = difflib.get_close_matches(str(wrong), known, n=1, cutoff=0.7)
    suggestion = f"did you mean '{similar[0]}'? " if similar else ""
    return f"{suggestion}available: {', '.join(known) or 'none'}"
