"""Write a pickle that old and new versions of NumPy read."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from spcl.tables.parquet import write_atomically

_RECONSTRUCT = np.empty(0).__reduce__()[0]
_PythonPickler: Any = pickle._Pickler  # the one in C cannot rename a function


def write_pickle(path: Path, content: object) -> None:
    """Pickle builtin values and arrays with protocol 4, completely or not at all.

    NumPy 2 writes the name of a module that versions before 1.26 lack. This function writes the
    old name, which all versions read.

    Raises
    ------
    UserError
        The file cannot be written.
    """

    def save(temporary: Path) -> None:
        with temporary.open("wb") as file:
            _Pickler(file, protocol=4).dump(content)

    write_atomically(path, save)


class _Pickler(_PythonPickler):
    def save_global(self, obj: object, name: str | None = None) -> None:
        if obj is _RECONSTRUCT:
            self.save("numpy.core.multiarray")
            self.save("_reconstruct")
            self.write(pickle.STACK_GLOBAL)
            self.memoize(obj)
        else:
            super().save_global(obj, name)
