"""Archives of ``numpy.savez`` with Python objects in them: each array of objects is a pickle."""

import io
import zipfile
from pathlib import Path

import numpy as np

from spcl.data.files.disk import read
from spcl.data.files.parsing import readable, refuse_size
from spcl.data.pickles.unpickle import unpickled

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_objects(path: Path) -> dict[str, object]:
    """The arrays of an archive by name; the object of an array without axes.

    Raises
    ------
    UserError
        It is not such an archive, is damaged or too large, or a pickle in it calls something.
    """
    read(path, 1)
    contents: dict[str, bytes] = {}
    with readable(path), path.open("rb") as file, zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        refuse_size(path, sum(member.file_size for member in members))
        for member in members:
            contents[member.filename.removesuffix(".npy")] = archive.read(member)
    return {name: _object(content, path) for name, content in contents.items()}


def _object(content: bytes, path: Path) -> object:
    """The content of one array."""
    file = io.BytesIO(content)
    with readable(path):
        shape, _, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
        if not dtype.hasobject:
            file.seek(0)
            return np.lib.format.read_array(file, allow_pickle=False)
    array = unpickled(content[file.tell() :], path)
    return array[()] if isinstance(array, np.ndarray) and shape == () == array.shape else array
