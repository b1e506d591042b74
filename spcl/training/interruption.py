"""Signals that end a training between two steps."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """The signal that asked the process to end, if any.

    Attributes
    ----------
    signal
        SIGTERM (the cluster pre-empts the job, or its time limit is reached), SIGINT (Ctrl-C), or
        None.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    @property
    def status(self) -> int:
        """The exit status of a shell command that the signal ended."""
        return 128 + (self.signal or 0)


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Record the first SIGTERM or SIGINT; a second signal ends the process at once.

    Python delivers signals to the main thread only. In other threads nothing is recorded.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}

    def record(number: int, _frame: FrameType | None) -> None:
        interruption.signal = signal.Signals(number)
        restore()

    def restore() -> None:
        for one, handler in before.items():
            signal.signal(one, handler)

    for one in before:
        signal.signal(one, record)
    try:
        yield interruption
    finally:
        restore()
