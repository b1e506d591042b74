"""Jobs that a killed Snakemake left at work.

Beside the next run they would train the same cells once more and, when they are done, write over
its tables what was asked of them: other settings, perhaps.
"""

import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path

from spcl.errors import UserError
from spcl.jobs.logs import End, read

_PATIENCE_S = 60
"""A training finishes its step and saves its state before it ends."""


def end_leftover_jobs(logs: Path = Path("logs"), patience: float = _PATIENCE_S) -> list[Path]:
    """End every job that works, by SIGTERM; a training goes on in the next run where it was.

    To be called while no Snakemake works in this folder and before one begins.

    Parameters
    ----------
    logs
        The folder of the jobs' logs.
    patience
        Seconds to wait for them.

    Returns
    -------
    list[Path]
        The logs of those that were ended.

    Raises
    ------
    UserError
        A job works on another machine, or does not end.
    """
    found = {path: job for path in sorted(logs.rglob("*.log")) if (job := _at_work(path))}
    for path, (_, host) in found.items():
        if host != socket.gethostname():
            raise UserError(
                f"{path}: a job that a killed run left works on {host}; cancel it, or wait until it"
                " is done, and run again"
            )
    for process, _ in found.values():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGTERM)
    end = time.monotonic() + patience
    for path, (process, _) in found.items():
        while _at_work(path):
            if time.monotonic() > end:
                raise UserError(
                    f"{path}: a job that a killed run left does not end; end it and run again:"
                    f" kill -9 {process}"
                )
            time.sleep(0.1)
    return list(found)


def _at_work(path: Path) -> tuple[int, str] | None:
    """The process and the machine of the job that writes the log at `path`, if it works."""
    log = read(str(path))
    if log is None or log.end is not End.OPEN or log.process is None or log.host is None:
        return None
    return log.process, log.host
