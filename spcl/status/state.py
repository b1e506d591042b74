"""How each job is: by the files that it leaves, its working folder and its log."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from spcl.jobs.logs import End, Log, read
from spcl.status.jobs import Job


class State(StrEnum):
    """What can be known of a job from its files."""

    DONE = "done"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    UNCLEAR = "unclear"
    TO_DO = "to do"


_STATES = {
    End.OPEN: State.RUNNING,
    End.INTERRUPTED: State.INTERRUPTED,
    End.CUT_OFF: State.INTERRUPTED,
    End.FAILED: State.FAILED,
    End.UNKNOWN: State.UNCLEAR,
}


@dataclass(frozen=True)
class Standing:
    """A job and how it is.

    Attributes
    ----------
    job, state
        Which, and how.
    log
        What its log says; None where it has none.
    saved
        Whether it left a state to go on from.
    """

    job: Job
    state: State
    log: Log | None
    saved: bool


def standings(jobs: Iterable[Job]) -> list[Standing]:
    """Look at every job's files, from the working folder."""
    return [_standing(job) for job in jobs]


def _standing(job: Job) -> Standing:
    made = all(map(os.path.exists, job.outputs))
    log = read(job.log)
    saved = not made and job.working is not None and os.path.isdir(job.working)
    return Standing(job, _state(made, log, saved), log, saved)


def _state(made: bool, log: Log | None, saved: bool) -> State:
    if log is not None and log.host is not None and log.end in _STATES:
        return _STATES[log.end]  # of a folder that is there nothing else says whether it is whole
    if made:
        return State.DONE
    return State.INTERRUPTED if saved else State.TO_DO
