"""The number of threads that torch uses on the CPU, for a while."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_lock = threading.Lock()
_users = 0
_before = 1
_changed = threading.local()  # .here: the setting of this Python thread is not the previous one


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Use `count` threads inside the block.

    Several Python threads can be inside at the same time, with the same `count`. The previous
    number is restored when the last of them leaves, because torch keeps a part of this setting per
    process and a part per Python thread.
    """
    global _users, _before
    with _lock:
        if not _users and not getattr(_changed, "here", False):
            _before = torch.get_num_threads()
        _users += 1
        _changed.here = True
        torch.set_num_threads(count)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                torch.set_num_threads(_before)
                _changed.here = False
