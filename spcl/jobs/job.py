"""The context in which every rule's script runs: a log file, one-line errors, an exit status.

The log shows the state of its job. Its first line starts with `STARTED`, its last line with `DONE`,
`ERROR` or `INTERRUPTED` (after Ctrl-C; for a training also after SIGTERM). The file is locked while
the job runs. So if it is not locked and has no such last line, the job was killed.
`spcl.jobs.logs` reads the logs.
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
from spcl.provenance.inputs import running_job
from spcl.provenance.record import recording

HEADLINE = 25
"""Log level of the few lines that are shown on the terminal too: above INFO, below WARNING."""

STARTED, UNLOCKED = "started as process", "whose files cannot be locked"
DONE, ERROR, INTERRUPTED = "done", "error: ", "interrupted"


@contextmanager
def job(log_path: str | Path, script: Any = None, *, rule: str = "") -> Iterator[logging.Logger]:
    """Run a rule's work with a log; if it fails, print one line and exit with status 1.

    The log contains all records from INFO up, and the tracebacks of unexpected errors. The terminal
    shows records from `HEADLINE` up.

    Parameters
    ----------
    log_path
        The rule's log file; its folder is created.
    script
        The object ``snakemake`` of the rule's script. It becomes the record of every table that
        the script writes.
    rule
        The rule of the script. It has another name in `script` if a workflow that uses this one as
        a module renames its rules.

    Yields
    ------
    logging.Logger
        The logger ``spcl``; the modules of the library log to its children.
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
    logging.addLevelName(HEADLINE, "HEADLINE")
    logger.handlers = [to_file, to_terminal]
    host = socket.gethostname()
    locked = "" if _lock(file) else f", {UNLOCKED}"
    logger.info("%s %d on %s%s", STARTED, os.getpid(), host, locked)
    try:
        with recording(running_job(rule, script)) if script else nullcontext():
            yield logger
        logger.info(DONE)
    except UserError as error:
        logger.error("%s%s", ERROR, error)
        sys.exit(1)
    except KeyboardInterrupt:
        logger.info(INTERRUPTED)
        raise
    except Exception as error:
        logger.info("unexpected error:", exc_info=True)
        reason = " ".join(str(error).split())
        logger.error("%s%s: %s (traceback in %s)", ERROR, type(error).__name__, reason, log_path)
        sys.exit(1)
    finally:
        with suppress(OSError):
            file.close()
        logger.handlers = []


class _Printable(logging.Formatter):
    """Formats a record as one line, whatever it quotes, and then its traceback."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(map(printable, super().formatException(ei).split("\n")))


class _ToFile(logging.StreamHandler[TextIO]):
    """Drops lines on a full disk: the job's own files report that it is full."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def _lock(log: TextIO) -> bool:
    """Lock the log until it is closed; the kernel closes it if the process is killed."""
    try:
        fcntl.flock(log, fcntl.LOCK_EX)  # waits only for a reader of the log
    except OSError:  # some shared file systems have no locks
        return False
    return True
