"""Errors of libraries that parse untrusted files, as one-line messages.

A damaged or hostile file can make a library raise any exception. Readers call libraries inside
`parsing` or `readable`, and only the library calls: a defect of this project must not be hidden.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt

from spcl.data.files.disk import MAX_BYTES, read
from spcl.errors import UserError
from spcl.tables.parquet import metadata

WITHOUT_OBJECTS = "write it again with NumPy, without Python objects in it"

_LONGEST_REASON = 200
_ROW_BYTES = 256
"""The least memory of a row, with its names and texts as Python objects."""
_ROWS = 256
"""Of a table, read at a time: an entry of its dictionary can be long."""


@contextmanager
def parsing(refusal: Callable[[str], Exception]) -> Iterator[None]:
    """Replace what a library raises by `refusal`, which is called with a short reason.

    An error of the same type as the refusal is raised unchanged.
    """
    try:
        yield
    except Exception as error:
        refused = refusal(first_line(error))
        if isinstance(error, type(refused)):
            raise
        raise refused from error


def readable(path: Path, remedy: str = "write it again") -> AbstractContextManager[None]:
    """`parsing` for a file that cannot be used at all if it is damaged: raises a UserError."""
    kind = f"{path.suffix} file".lstrip()
    return parsing(lambda why: UserError(f"{path}: not a readable {kind} ({why}); {remedy}"))


def read_npy(path: Path) -> np.ndarray:
    """A NumPy array, memory-mapped.

    So a header that announces more than the file contains fails before memory is allocated.

    Raises
    ------
    UserError
        The file cannot be read, is not a NumPy file, or contains Python objects.
    """
    read(path, 1)
    with readable(path, WITHOUT_OBJECTS):
        return np.lib.format.open_memmap(path, mode="r")


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """An untrusted Parquet file; of its columns only those in `columns`, if given.

    Raises
    ------
    UserError
        The file cannot be read, is not Parquet, or takes more than `MAX_BYTES` in memory.
    """
    read(path, 1)
    with readable(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        schema = file.schema_arrow
        fields = [field for field in schema if columns is None or field.name in columns]
        names = None if columns is None else [field.name for field in fields]
        # A few bytes can stand for millions of equal rows. The statistics of the columns are not
        # used: if they are damaged, Arrow ends the process.
        refuse_size(path, file.metadata.num_rows * max(_ROW_BYTES, 4 * len(fields)))
        batches, size = [], 0
        for batch in file.iter_batches(_ROWS, columns=names):
            batches.append(batch)
            size += sum(map(_unpacked, batch.columns))
            refuse_size(path, size)
        table = pa.Table.from_batches(batches, pa.schema(fields, schema.metadata))
        table.validate(full=True)
        return table


def read_facts(table: pa.Table, path: Path) -> dict[str, Any]:
    """The metadata of a Parquet file, see `spcl.tables.parquet.metadata`.

    Raises
    ------
    UserError
        They are not a JSON object.
    """
    with readable(path, "write it again, or without metadata"):
        return metadata(table)


def refuse_size(path: Path, size: float) -> None:
    """Refuse a file whose content takes more than `MAX_BYTES` in memory.

    Raises
    ------
    UserError
        `size`, in bytes, is more.
    """
    if size > MAX_BYTES:
        raise UserError(f"{path}: takes over {MAX_BYTES / 2**30:.0f} GiB; divide it")


def _unpacked(column: pa.Array) -> int:
    """Bytes of an array, with each entry of a dictionary as often as it occurs."""
    plain = column.dictionary_decode() if pt.is_dictionary(column.type) else column
    return int(plain.nbytes)


def first_line(error: Exception) -> str:
    """The first line of an error's message, at most 200 characters."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    words = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    line = words.splitlines()[0]
    return line if len(line) <= _LONGEST_REASON else f"{line[: _LONGEST_REASON - 3]}..."
