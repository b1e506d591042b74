"""Keep two processes from writing the same file at once."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spcl.errors import UserError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock `path` against other processes that lock it this way; the lock ends with the process.

    The lock is the empty file ``.<name>.lock`` beside `path`. It is not deleted: two processes
    could then have a lock each.

    Raises
    ------
    UserError
        Another process has the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{path}: another process is working on it; wait until it is done"
            ) from None
        yield
