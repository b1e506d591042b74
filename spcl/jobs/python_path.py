"""The path of Python in the commands of a shell.

Snakemake starts the script of a rule with ``sys.executable`` in a command of bash, without quotes:
in a folder whose name has a blank, an apostrophe, a parenthesis or ``&`` no job starts. It has no
setting for this. The Snakefile imports this module, so it uses the standard library alone.
"""

import shlex
import sys

from spcl.errors import UserError


class _Quoted(str):
    """A path that has quotes where it is inserted into a text, such as a command of a shell."""

    __slots__ = ()

    def __format__(self, specification: str) -> str:
        return shlex.quote(self)


def quote_python() -> None:
    """Let Snakemake start scripts whatever the path of Python is."""
    sys.executable = _Quoted(sys.executable)


def refuse_unquotable() -> None:
    """Refuse to submit jobs to a cluster from where their commands would need quotes.

    Raises
    ------
    UserError
        The path of Python has a character that a shell takes for its own.
    """
    if shlex.quote(sys.executable) != sys.executable:
        raise UserError(
            f"{sys.executable!s}: jobs on other nodes cannot be started with this path, because"
            " Snakemake does not quote it; install Python in a folder whose path has only letters,"
            " digits, '.', '_', '-' and '/'"
        )
