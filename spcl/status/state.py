"""Reads the state of jobs from their outputs, their working folders and their logs."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from spcl.jobs.logs import End, Log, read
from spcl.status.jobs import Job


class State(StrEnum):
    """The state of a job, as far as its files show it."""

    DONE = "done"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    UNCLEAR = "unclear"
    TO_DO = "to do"


_STATES = {
    End.RUNNING: State.RUNNING,
    End.INTERRUPTED: State.INTERRUPTED,
    End.KILLED: State.INTERRUPTED,
    End.FAILED: State.FAILED,
    End.UNKNOWN: State.UNCLEAR,
}


@dataclass(frozen=True)
class JobStatus:
    """A job and its state.

    Attributes
    ----------
    job, state
        Which job, and its state.
    log
        Its log; None if it has none.
    saved
        Whether it saved a state to resume from.
    """

    job: Job
    state: State
    log: Log | None
    saved: bool


def read_status(jobs: Iterable[Job]) -> list[JobStatus]:
    """Read the files of every job; their paths are relative to the working folder."""
    return [_status(job) for job in jobs]


def _status(job: Job) -> JobStatus:
    complete = all(map(os.path.exists, job.outputs))
    log = read(job.log)
    saved = not complete and job.working is not None and os.path.isdir(job.working)
    return JobStatus(job, _state(complete, log, saved), log, saved)


def _state(complete: bool, log: Log | None, saved: bool) -> State:
    if log is not None and log.host is not None and log.end in _STATES:
        return _STATES[log.end]  # an output folder may exist and still be incomplete
    if complete:
        return State.DONE
    return State.INTERRUPTED if saved else State.TO_DO
