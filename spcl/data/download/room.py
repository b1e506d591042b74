"""Whether a disk has room for what is to come."""

import shutil
from pathlib import Path

from spcl.errors import UserError


def require_room(folder: Path, need: int) -> None:
    """Check that `need` bytes fit on the disk of `folder`, which exists.

    Raises
    ------
    UserError
        They do not.
    """
    free = shutil.disk_usage(folder).free
    if need > free:
        raise UserError(
            f"{folder}: {free / 1e9:.1f} GB free where {need / 1e9:.1f} GB are needed; make room"
        )
