"""Which processor a cell runs on, and which GPU of several.

Imported by the Snakefile, so it uses the standard library alone.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from spcl.errors import UserError

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES spells them.

    A cluster's own choice counts; else every NVIDIA device file of the machine does. CUDA numbers
    those it finds from 0, whatever the files' own numbers are: a container may have but the last.
    """
    if _VISIBLE in os.environ:
        names = [name.strip() for name in os.environ[_VISIBLE].split(",")]
        return [name for name in names if name not in ("", "-1")]
    return [str(index) for index, _ in enumerate(Path("/dev").glob("nvidia[0-9]*"))]


def choose(device: str) -> str:
    """Turn ``auto`` into ``cuda`` or ``cpu``, whichever this machine has; keep the others."""
    if device != "auto":
        return device
    return "cuda" if gpus() else "cpu"


@contextmanager
def reserved_gpu(device: str, locks: Path | None = None) -> Iterator[str | None]:
    """Hold the least used GPU and let CUDA see no other, until the context ends.

    To be entered before CUDA starts. Jobs of one user on one machine spread evenly; where there
    are more jobs than GPUs, they share. The kernel frees what a killed job held.

    Parameters
    ----------
    device
        ``cuda``, or ``cpu``: then nothing is held.
    locks
        Folder of the lock files; by default one a user, where temporary files lie.

    Yields
    ------
    str or None
        The GPU, or None where there is none or none is asked for.

    Raises
    ------
    UserError
        Files in `locks` cannot be written or locked.
    """
    found = gpus() if device == "cuda" else []
    if not found:
        yield None
        return
    locks = locks or Path(tempfile.gettempdir()) / f"spcl-gpus-{os.getuid()}"
    with ExitStack() as held:
        try:
            locks.mkdir(parents=True, exist_ok=True)
            with (locks / "choosing").open("w") as choosing:
                fcntl.flock(choosing, fcntl.LOCK_EX)  # one after another, each within milliseconds
                gpu = min(found, key=lambda one: _jobs_on(one, locks))
                held.enter_context(_seat(gpu, locks))
        except OSError as error:
            raise UserError(
                f"{locks}: no GPU can be reserved in this folder ({error.strerror}); delete it, or"
                " set TMPDIR to a folder of your own"
            ) from error
        os.environ[_VISIBLE] = gpu
        yield gpu


def _jobs_on(gpu: str, locks: Path) -> int:
    """How many jobs hold a seat on a GPU."""
    taken, number = 0, 0
    while _path(gpu, number, locks).exists():
        with _path(gpu, number, locks).open("w") as seat:
            taken += not _locked(seat)
        number += 1
    return taken


def _seat(gpu: str, locks: Path) -> IO[str]:
    """The first free seat on a GPU, held as long as the file is open."""
    number = 0
    while not _locked(seat := _path(gpu, number, locks).open("w")):
        seat.close()
        number += 1
    return seat


def _path(gpu: str, number: int, locks: Path) -> Path:
    return locks / f"{gpu.replace('/', '-')}.{number}"  # a part of a GPU may have slashes


def _locked(file: IO[str]) -> bool:
    """Lock a file if nobody else has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
