"""How far a long transfer of bytes has come: a bar on a terminal, and now and then a line."""

import logging
import time
from types import TracebackType

from tqdm import tqdm

from spcl.errors import printable

log = logging.getLogger("spcl.data")

_LOG_EVERY_S = 60.0


class Progress:
    """Report how many of `total` bytes are done; a context.

    Parameters
    ----------
    title
        What is being done, in words.
    total
        Bytes in all; None where nobody knows.
    start
        Bytes that an earlier run did.
    """

    def __init__(self, title: str, total: int | None, start: int = 0) -> None:
        self.title = title
        self.total = total
        self.start = start
        self._begin = self._last = time.monotonic()
        self._bar = tqdm(
            desc=printable(title),
            total=total,
            initial=start,
            unit="B",
            unit_scale=True,
            disable=None,  # where standard error is no terminal
            leave=False,
        )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()

    def reach(self, done: int) -> None:
        """Say that `done` bytes are done in all."""
        self._bar.update(done - self._bar.n)
        now = time.monotonic()
        if now - self._last >= _LOG_EVERY_S:
            self._last = now
            log.info("%s: %s", self.title, self._words(done, now - self._begin))

    def _words(self, done: int, seconds: float) -> str:
        """For example ``41 %, 4300 of 10500 MB, 12.5 MB/s, 8 min left``."""
        rate = (done - self.start) / seconds if seconds else 0.0
        speed = f"{rate / 1e6:.1f} MB/s"
        if not self.total:
            return f"{done / 1e6:.0f} MB, {speed}"
        left = f", {(self.total - done) / rate / 60:.0f} min left" if rate else ""
        return (
            f"{done / self.total:.0%}, {done / 1e6:.0f} of {self.total / 1e6:.0f} MB, {speed}{left}"
        )
