"""Keep two processes from writing the same file at once."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spcl.errors import UserError


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold `path` against other processes that ask for it this way; a killed one lets go.

    The lock is the empty file ``.<name>.lock`` beside `path`. It stays: to delete it would let two
    processes hold a lock each.

    Raises
    ------
    UserError
        Another process holds it.
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
