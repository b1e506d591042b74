"""The command line: ``python -m spcl <command>``."""

import argparse
import importlib
import logging
import os
import pkgutil
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import NoReturn

from spcl import __version__
from spcl import cli as commands
from spcl.errors import UserError, printable

_EPILOG = """Snakemake runs trainings and makes tables and figures, see README.md:
  snakemake --cores 2"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments
        The arguments after ``spcl``; by default those of the process.

    Returns
    -------
    int
        The exit status: 0, or 1 after an error, which is printed in one line.
    """
    options = _parser().parse_args(arguments)
    # Commands print what they have to say; the log messages are for the log files of jobs.
    logging.getLogger("spcl").addHandler(logging.NullHandler())
    if isinstance(sys.stdout, TextIOWrapper):  # for letters that the locale lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        options.run(options)
        sys.stdout.flush()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(printable(f"error: {error.filename}: {error.strerror}"), file=sys.stderr)
        return 1
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(printable(message))  # it may quote file names


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m spcl",
        description="Self-paced curriculum learning for emotion recognition in conversations.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"spcl {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for found in pkgutil.iter_modules(commands.__path__):
        command = importlib.import_module(f"{commands.__name__}.{found.name}")
        subparser = subparsers.add_parser(
            found.name,
            help=command.SUMMARY,
            description=command.DESCRIPTION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
