"""Errors of the libraries that parse files from elsewhere, turned into one line.

A damaged or hostile file may make a library raise anything. Every reader calls libraries inside
`parsing` or `readable`, and nothing but these calls: a defect of our own code must not be hidden.
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
"""That a row takes at least, with its names and texts as Python has them."""
_ROWS = 256
"""Of a table, read at a time: a word of its dictionary may be long."""


@contextmanager
def parsing(refusal: Callable[[str], Exception]) -> Iterator[None]:
    """Turn what a library raises into `refusal`, which is given the reason in a few words.

    An error of the refusal's own kind passes as it is.
    """
    try:
        yield
    except Exception as error:
        refused = refusal(_reason(error))
        if isinstance(error, type(refused)):
            raise
        raise refused from error


def readable(path: Path, remedy: str = "write it again") -> AbstractContextManager[None]:
    """`parsing` for a file that is lost as a whole if it is damaged: the refusal is a UserError."""
    kind = f"{path.suffix} file".lstrip()
    return parsing(lambda why: UserError(f"{path}: not a readable {kind} ({why}); {remedy}"))


def read_npy(path: Path) -> np.ndarray:
    """An array of NumPy's as it lies in the file, which is not read but mapped.

    So a header that promises more than the file holds fails before memory is taken.

    Raises
    ------
    UserError
        The file cannot be read, or is no such file, or holds Python objects.
    """
    read(path, 1)
    with readable(path, WITHOUT_OBJECTS):
        return np.lib.format.open_memmap(path, mode="r")


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """A Parquet file of any origin, or those of `columns` that it has.

    Raises
    ------
    UserError
        The file cannot be read, is no such file, or unpacks to more than `MAX_BYTES`.
    """
    read(path, 1)
    with readable(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        schema = file.schema_arrow
        fields = [field for field in schema if columns is None or field.name in columns]
        names = None if columns is None else [field.name for field in fields]
        # A few bytes may stand for millions of rows that are alike. What the file says of each
        # column is not asked for: where that is damaged, Arrow ends the process.
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
    """What the metadata of a Parquet file say, see `spcl.tables.parquet.metadata`.

    Raises
    ------
    UserError
        They are no JSON object.
    """
    with readable(path, "write it again, or without metadata"):
        return metadata(table)


def refuse_size(path: Path, size: float) -> None:
    """Refuse a file whose content would take more than `MAX_BYTES` in memory.

    Raises
    ------
    UserError
        `size`, in bytes, is more.
    """
    if size > MAX_BYTES:
        raise UserError(f"{path}: would take over {MAX_BYTES / 2**30:.0f} GiB; divide it")


def _unpacked(column: pa.Array) -> int:
    """Bytes that an array takes, with each word of a dictionary as often as it occurs."""
    plain = column.dictionary_decode() if pt.is_dictionary(column.type) else column
    return int(plain.nbytes)


def _reason(error: Exception) -> str:
    """The first line of what an error says."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    words = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    line = words.splitlines()[0]
    return line if len(line) <= _LONGEST_REASON else f"{line[: _LONGEST_REASON - 3]}..."
