"""Which processor a cell runs on, and which GPU of several.

Imported by the Snakefile, so it uses the standard library alone.
"""

import fcntl
import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES spells them.

    A cluster's own choice counts; else every NVIDIA device file of the machine does.
    """
    if _VISIBLE in os.environ:
        return [name for name in os.environ[_VISIBLE].split(",") if name not in ("", "-1")]
    return sorted(path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*"))


def choose(device: str) -> str:
    """Turn ``auto`` into ``cuda`` or ``cpu``, whichever this machine has; keep the others."""
    if device != "auto":
        return device
    return "cuda" if gpus() else "cpu"


@contextmanager
def reserved_gpu(locks: Path | None = None) -> Iterator[str | None]:
    """Hold the least used GPU and let CUDA see no other, until the context ends.

    To be entered before CUDA starts. Jobs of one user on one machine spread evenly; where there
    are more jobs than GPUs, they share. The kernel frees what a killed job held.

    Parameters
    ----------
    locks
        Folder of the lock files; by default one a user, where temporary files lie.

    Yields
    ------
    str or None
        The GPU, or None where there is none.
    """
    found = gpus()
    if not found:
        yield None
        return
    locks = locks or Path(tempfile.gettempdir()) / f"spcl-gpus-{os.getuid()}"
    locks.mkdir(parents=True, exist_ok=True)
    for job, gpu in ((job, gpu) for job in itertools.count() for gpu in found):
        with (locks / f"{gpu}.{job}").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            os.environ[_VISIBLE] = gpu
            yield gpu
            return
