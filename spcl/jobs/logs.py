"""What the log of a job says of the job, see `spcl.jobs.job`."""

import fcntl
import os
import re
import socket
import time
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from spcl.jobs.job import DONE, ERROR, INTERRUPTED, STARTED, UNLOCKED

_HEAD, _TAIL = 1024, 16384
"""Bytes of a log that are read."""

_RESUMED = re.compile(rb" resumes in epoch | are already trained$", re.MULTILINE)
"""What a cell says that takes up what an earlier run left."""

_LINE = re.compile(rb"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) [A-Z]+ (.*)$", re.MULTILINE)
_STARTED = re.compile(rf"{STARTED} (\d+) on (\S+?)(, {UNLOCKED})?$")


class End(Enum):
    """How a log ends."""

    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    OPEN = "the job works"
    CUT_OFF = "killed, without a last line"
    UNKNOWN = "no last line, and no lock that could be asked"


@dataclass(frozen=True)
class Log:
    """A log, read.

    Attributes
    ----------
    end
        How it ends.
    last
        Its last line, without time and level; of a failure without the word error.
    host, process
        The machine that the job ran on, and its number there; None where the log was not written by
        `spcl.jobs.job.job`.
    age
        Seconds since the last line came.
    seconds
        From its first to its last line; None where an earlier run had done a part of the job.
    """

    end: End
    last: str
    host: str | None
    process: int | None
    age: float
    seconds: float | None


def read(path: str) -> Log | None:
    """Read the log at `path`; None where there is none, or none that may be read."""
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
    end = _end(words, locked, started)
    seconds = _time(last) - _time(first) if first and last else 0.0
    return Log(
        end=end,
        last=words.removeprefix(ERROR) if end is End.FAILED else words,
        host=started[2] if started else None,
        process=int(started[1]) if started else None,
        age=max(time.time() - changed, 0),
        seconds=max(seconds, 0) if started and not _RESUMED.search(head) else None,
    )


def _end(last: str, locked: bool | None, started: re.Match[str] | None) -> End:
    if locked:
        return End.OPEN
    if last == DONE:
        return End.DONE
    if last.startswith(ERROR):
        return End.FAILED
    if last.startswith(INTERRUPTED):
        return End.INTERRUPTED
    # Of a job on another machine a lock may not show here.
    here = started is not None and started[2] == socket.gethostname() and not started[3]
    return End.CUT_OFF if here and locked is not None else End.UNKNOWN


def _is_locked(file: int) -> bool | None:
    """Whether somebody holds the lock of an open file; None where it cannot be asked."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False


def _time(line: re.Match[bytes]) -> float:
    return datetime.strptime(line[1].decode(), "%Y-%m-%d %H:%M:%S,%f").timestamp()
