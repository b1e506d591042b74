"""Which processor a cell runs on, and which of several GPUs.

The Snakefile imports this module, so it uses the standard library alone.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from spcl.errors import UserError

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def gpus() -> list[str]:
    """The GPUs that this process may use, as named in CUDA_VISIBLE_DEVICES.

    Without that variable, which clusters set, they are the NVIDIA device files of this machine.
    CUDA numbers them from 0, whatever the numbers of the files are: a container may have only the
    last one.
    """
    if _VISIBLE in os.environ:
        names = [name.strip() for name in os.environ[_VISIBLE].split(",")]
        return [name for name in names if name not in ("", "-1")]
    return [str(index) for index, _ in enumerate(Path("/dev").glob("nvidia[0-9]*"))]


def choose(device: str) -> str:
    """Turn ``auto`` into ``cuda`` or ``cpu``, whichever this machine has; keep other values."""
    if device != "auto":
        return device
    return "cuda" if gpus() else "cpu"


@contextmanager
def reserved_gpu(device: str, locks: Path | None = None, *, count: int = 1) -> Iterator[str | None]:
    """Reserve a GPU, or several, and hide the others from CUDA, until the context ends.

    Enter it before CUDA starts. The jobs of one user on one machine spread evenly over the GPUs; if
    there are more jobs than GPUs, they share. If a job is killed, the kernel releases its GPU.

    Parameters
    ----------
    device
        ``cuda``, or ``cpu`` to reserve nothing.
    locks
        Folder of the lock files; by default one for each user in the folder of temporary files.
    count
        The number of GPUs; if the machine has fewer, all of them.

    Yields
    ------
    str or None
        The GPUs, separated by commas; None if there is none, or if `device` is ``cpu``.

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
    with ExitStack() as reserved:
        taken: list[str] = []
        try:
            locks.mkdir(parents=True, exist_ok=True)
            for _ in range(min(count, len(found))):
                gpu, lock = _first_free([gpu for gpu in found if gpu not in taken], locks)
                taken.append(gpu)
                reserved.enter_context(lock)
        except OSError as error:
            raise UserError(
                f"{locks}: no GPU can be reserved in this folder ({error.strerror}); delete it, or"
                " set TMPDIR to a folder that you may write to"
            ) from error
        os.environ[_VISIBLE] = ",".join(taken)
        yield os.environ[_VISIBLE]


def _first_free(gpus: Sequence[str], locks: Path) -> tuple[str, IO[str]]:
    """The first GPU with a free lock, and that lock, which is held while its file is open.

    Each GPU has the locks 0, 1, ... Lock 0 of every GPU comes before lock 1 of any GPU, so no GPU
    gets a second job while another one has none.
    """
    number = 0
    while True:
        for gpu in gpus:
            name = f"{gpu.replace('/', '-')}.{number}"  # the name of a part of a GPU has slashes
            file = (locks / name).open("w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return gpu, file
            except BlockingIOError:
                file.close()
        number += 1
