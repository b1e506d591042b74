"""Whether a disk has enough free space."""

import shutil
from pathlib import Path

from spcl.errors import UserError


def require_room(folder: Path, need: int) -> None:
    """Check that `need` bytes fit on the disk of `folder`, which exists.

    Raises
    ------
    UserError
        There is not enough free space.
    """
    free = shutil.disk_usage(folder).free
    if need > free:
        raise UserError(
            f"{folder}: {free / 1e9:.1f} GB free, {need / 1e9:.1f} GB needed; free some space"
        )
