"""The progress of a long transfer of bytes: a bar on a terminal, and a log line every minute."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

from spcl.errors import printable

log = logging.getLogger("spcl.data")

_LOG_EVERY_S = 60.0


@contextmanager
def progress(title: str, total: int | None, start: int = 0) -> Iterator[Callable[[int], None]]:
    """Give a function that is called with the number of bytes transferred so far.

    Parameters
    ----------
    title
        What is being done.
    total
        Bytes in total; None if unknown.
    start
        Bytes that an earlier run transferred.
    """
    begin = last = time.monotonic()
    options = {"total": total, "initial": start, "unit": "B", "unit_scale": True}
    # disable=None: no bar where standard error is no terminal.
    with tqdm(desc=printable(title), disable=None, leave=False, **options) as bar:

        def reach(done: int) -> None:
            nonlocal last
            bar.update(done - bar.n)
            now = time.monotonic()
            if now - last >= _LOG_EVERY_S:
                last = now
                line = tqdm.format_meter(done, elapsed=now - begin, ncols=0, **options)
                log.info("%s: %s", title, line.strip())

        yield reach
