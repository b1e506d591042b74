"""Stopping between two steps when the process is told to end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Whether the process was told to end, and by which signal.

    Attributes
    ----------
    signal
        SIGTERM (a cluster pre-empts the job, or its time is up), SIGINT (Ctrl-C), or None.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    @property
    def status(self) -> int:
        """The exit status that tells the signal, as shells spell it."""
        return 128 + (self.signal or 0)


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Note SIGTERM and SIGINT instead of dying of them; a second one ends the process at once.

    Only a program's main thread hears of signals; elsewhere nothing is ever noted.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}

    def note(number: int, _frame: FrameType | None) -> None:
        interruption.signal = signal.Signals(number)
        restore()

    def restore() -> None:
        for one, handler in before.items():
            signal.signal(one, handler)

    for one in before:
        signal.signal(one, note)
    try:
        yield interruption
    finally:
        restore()
