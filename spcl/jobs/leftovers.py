"""Ends jobs that are still running after their Snakemake was killed.

Otherwise the next run would train the same cells at the same time, and a leftover job with other
settings would overwrite the new tables when it finishes.
"""

import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path

from spcl.errors import UserError
from spcl.jobs.logs import State, read

_PATIENCE_S = 60
"""A training finishes its step and saves its state before it ends."""


def end_leftover_jobs(logs: Path = Path("logs"), patience: float = _PATIENCE_S) -> list[Path]:
    """End every running job by SIGTERM; the next run resumes a training from its saved state.

    Call it while no Snakemake runs in this folder and before one starts.

    Parameters
    ----------
    logs
        The folder of the jobs' logs.
    patience
        Seconds to wait until they have ended.

    Returns
    -------
    list[Path]
        The logs of the jobs that were ended.

    Raises
    ------
    UserError
        A job runs on another machine, or does not end.
    """
    found = {path: job for path in sorted(logs.rglob("*.log")) if (job := _running(path))}
    for path, (_, host) in found.items():
        if host != socket.gethostname():
            raise UserError(
                f"{path}: a job of a killed run is still running on {host}; cancel it or wait until"
                " it has finished, then run again"
            )
    for process, _ in found.values():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGTERM)
    end = time.monotonic() + patience
    for path, (process, _) in found.items():
        while _running(path):
            if time.monotonic() > end:
                raise UserError(
                    f"{path}: a job of a killed run does not end; end it and run again:"
                    f" kill -9 {process}"
                )
            time.sleep(0.1)
    return list(found)


def _running(path: Path) -> tuple[int, str] | None:
    """The process and the machine of the job that writes the log at `path`, if it is running."""
    log = read(path)
    if log and log.state is State.RUNNING and log.process and log.host:
        return log.process, log.host
    return None
