"""Reads the state of a job from its log, see `spcl.jobs.job`."""

import fcntl
import os
import re
import socket
import time
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from spcl.jobs.job import DONE, ERROR, INTERRUPTED, STARTED, UNLOCKED

_HEAD, _TAIL = 1024, 16384
"""Bytes that are read at the start and at the end of a log."""

_RESUMED = re.compile(rb" resumes in epoch | are already trained$", re.MULTILINE)
"""What a cell logs when it resumes or reuses earlier work."""

_LINE = re.compile(rb"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) [A-Z]+ (.*)$", re.MULTILINE)
_STARTED = re.compile(rf"{STARTED} (\d+) on (\S+?)(, {UNLOCKED})?$")


class State(StrEnum):
    """The state of a job, as far as its files show it."""

    DONE = "done"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    UNCLEAR = "unclear"
    TO_DO = "to do"


@dataclass(frozen=True)
class Log:
    """What is read from a log.

    Attributes
    ----------
    state
        Of the job: a killed one is interrupted, and unclear means that it is running or killed.
    last
        Its last line, without time and level; after a failure also without the word error.
    host, process
        The machine and the process number of the job; None if `spcl.jobs.job.job` did not write the
        log.
    age
        Seconds since the last line was written.
    seconds
        From its first to its last line; None if an earlier run did a part of the job.
    """

    state: State
    last: str
    host: str | None
    process: int | None
    age: float
    seconds: float | None

    @property
    def killed(self) -> bool:
        """Whether its job was killed: it was interrupted without saying so."""
        return self.state is State.INTERRUPTED and not self.last.startswith(INTERRUPTED)


def read(path: str | Path) -> Log | None:
    """Read the log at `path`; None if there is no readable one."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        locked = _is_locked(file)  # before it is read: a job writes its last line, then unlocks
        size, changed = os.fstat(file).st_size, os.fstat(file).st_mtime
        head = os.pread(file, _HEAD, 0)
        tail = os.pread(file, _TAIL, max(size - _TAIL, 0))
    finally:
        os.close(file)
    first, (*_, last) = _LINE.search(head), (None, *_LINE.finditer(tail))
    words = last[2].decode(errors="replace") if last else ""
    started = _STARTED.match(first[2].decode(errors="replace")) if first else None
    state = _state(words, locked, started)
    seconds = _time(last) - _time(first) if first and last else 0.0
    return Log(
        state=state,
        last=words.removeprefix(ERROR) if state is State.FAILED else words,
        host=started[2] if started else None,
        process=int(started[1]) if started else None,
        age=max(time.time() - changed, 0),
        seconds=max(seconds, 0) if started and not _RESUMED.search(head) else None,
    )


def _state(last: str, locked: bool | None, started: re.Match[str] | None) -> State:
    if locked:
        return State.RUNNING
    if last == DONE:
        return State.DONE
    if last.startswith(ERROR):
        return State.FAILED
    if last.startswith(INTERRUPTED):
        return State.INTERRUPTED
    # The lock of a job on another machine may not be visible here.
    here = started is not None and started[2] == socket.gethostname() and not started[3]
    return State.INTERRUPTED if here and locked is not None else State.UNCLEAR


def _is_locked(file: int) -> bool | None:
    """Whether another process has locked an open file; None if locks do not work here."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False


def _time(line: re.Match[bytes]) -> float:
    return datetime.strptime(line[1].decode(), "%Y-%m-%d %H:%M:%S,%f").timestamp()
