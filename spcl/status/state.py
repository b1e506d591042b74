"""Reads the state of jobs from their outputs, their working folders and their logs."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from spcl.jobs.logs import Log, State, read
from spcl.status.jobs import Job


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
    unfinished = State.INTERRUPTED if saved else State.TO_DO
    state: State = State.DONE if complete else unfinished
    if log and log.host and log.state is not State.DONE:
        state = log.state  # an output folder may exist and still be incomplete
    return JobStatus(job, state, log, saved)
