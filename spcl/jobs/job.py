"""What every rule's script does around its work: a log file, one-line errors, thread limits.

A log says how its job fares. It begins with the line `STARTED` and ends with `DONE`, `ERROR` or,
after Ctrl-C and of a training also after SIGTERM, `INTERRUPTED`. Its file is locked while the job
works: one that is free and has no such last line is of a job that was killed. `spcl.jobs.logs`
reads it.
"""

import fcntl
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TextIO

from spcl.errors import UserError, printable
from spcl.provenance.inputs import ScriptJob, making_of
from spcl.provenance.record import making

HEADLINE = 25
"""Log level of the few lines that a user wants on the terminal too: above INFO, below WARNING."""

STARTED, UNLOCKED = "started as process", "whose files cannot be locked"
DONE, ERROR, INTERRUPTED = "done", "error: ", "interrupted"


@contextmanager
def job(
    log_path: str | Path, script: ScriptJob | None = None, *, rule: str = ""
) -> Iterator[logging.Logger]:
    """Run one rule's work with its log; end the process with status 1 and one line if it fails.

    Everything from INFO on goes to `log_path`, the tracebacks of unforeseen errors included.
    The terminal gets lines at `HEADLINE` and above.

    Parameters
    ----------
    log_path
        The rule's log file; its folder is created.
    script
        The object ``snakemake`` of the rule's script: each table says that it was made of what this
        names.
    rule
        The rule of the script. `script` has another name for it where a workflow uses this one as
        a module and renames its rules.

    Yields
    ------
    logging.Logger
        The logger ``spcl``. Library modules log to its children.
    """
    log_path = Path(log_path)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    logger = logging.getLogger("spcl")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    file = log_path.open("w", encoding="utf-8")
    to_file = _ToFile(file)
    to_file.setFormatter(_Printable("%(asctime)s %(levelname)s %(message)s"))
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setLevel(HEADLINE)
    to_terminal.setFormatter(_Printable("%(message)s"))
    logging.addLevelName(HEADLINE, "INFO")
    logging.addLevelName(logging.INFO, "INFO")  # whoever asks for it by name means this one
    logger.handlers = [to_file, to_terminal]
    host = socket.gethostname()
    locked = "" if _lock(file) else f", {UNLOCKED}"
    logger.info("%s %d on %s%s", STARTED, os.getpid(), host, locked)
    try:
        with making(making_of(rule, script)) if script else nullcontext():
            yield logger
        logger.info(DONE)
    except UserError as error:
        logger.error("%s%s", ERROR, error)
        sys.exit(1)
    except KeyboardInterrupt:
        logger.info(INTERRUPTED)
        raise
    except Exception as error:
        logger.info("unforeseen:", exc_info=True)
        reason = " ".join(str(error).split())
        logger.error("%s%s: %s (traceback in %s)", ERROR, type(error).__name__, reason, log_path)
        sys.exit(1)
    finally:
        with suppress(OSError):
            file.close()
        logger.handlers = []


class _Printable(logging.Formatter):
    """A record is one line, whatever it quotes; the lines of a traceback follow it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(map(printable, super().formatException(ei).split("\n")))


class _ToFile(logging.StreamHandler[TextIO]):
    """Loses lines on a full disk, and leaves it to the job's own files to say that it is full."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def _lock(log: TextIO) -> bool:
    """Lock the log until it is closed; the kernel does that for a killed process."""
    try:
        fcntl.flock(log, fcntl.LOCK_EX)  # waits at most for somebody who looks at it
    except OSError:  # some shared file systems have no locks
        return False
    return True
