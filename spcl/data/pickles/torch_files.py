"""The zip archives of ``torch.save``: a pickle, and a member for each storage."""

import zipfile
from pathlib import Path

from spcl.data.files.parsing import refuse_size
from spcl.data.pickles.admitted import RefusedError
from spcl.data.pickles.machine import Machine
from spcl.data.pickles.torch_tensors import Announced, Storage, announced, storage, with_tensors

ZIP_START = b"PK\3\4"
_PICKLE = "data.pkl"


def read_zip(path: Path) -> object:
    """The content of an archive of ``torch.save``, tensors as arrays.

    Raises
    ------
    RefusedError
        It contains something that is not permitted.
    zipfile.BadZipFile, ValueError, KeyError
        It is damaged or another archive.
    """
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        _check_sizes(path, members)
        pickles = [member.filename for member in members if member.filename.endswith(_PICKLE)]
        if len(pickles) != 1:
            raise RefusedError(f"has {len(pickles)} members {_PICKLE}, where torch.save writes one")
        folder = pickles[0].removesuffix(_PICKLE)
        names = {member.filename for member in members}
        order = archive.read(f"{folder}byteorder") if f"{folder}byteorder" in names else b"little"
        storages: dict[Announced, Storage] = {}

        def with_content(reference: object) -> Storage:
            what = announced(reference)
            if what not in storages:
                content = archive.read(f"{folder}data/{what.key}")
                storages[what] = storage(what, content, "<" if order == b"little" else ">")
            return storages[what]

        return Machine(archive.read(pickles[0]), with_tensors(), with_content).run()


def _check_sizes(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive whose content is larger than the file: ``torch.save`` never compresses."""
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise RefusedError("is compressed, as torch.save never does")
    size = sum(member.file_size for member in members)
    refuse_size(path, size)
    if size > path.stat().st_size:
        raise RefusedError("announces more than it has")
