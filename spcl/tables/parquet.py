"""Writes and reads the tables that one rule passes to another, as Parquet files.

`write` and `read` check a table against its `Schema`. A file is compressed with zstd, is never left
half-written, and has a JSON object as metadata. Its footer contains the record of its job and the
digest of its content: a table that was edited after it was written, or in which a bit has flipped,
is refused.
"""

import errno
import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spcl.errors import UserError
from spcl.provenance.footer import METADATA_KEY, HashedFile, footer_metadata, is_unaltered


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, its type (or a test of the type), its meaning.

    A `finite` column contains vectors of numbers, none of them NaN or infinite.
    """

    name: str
    type: pa.DataType | Callable[[pa.DataType], bool]
    meaning: str
    nullable: bool = False
    finite: bool = False

    def admits(self, type_: pa.DataType) -> bool:
        if isinstance(self.type, pa.DataType):
            return bool(self.type.equals(type_))
        return self.type(type_)


@dataclass(frozen=True)
class Schema:
    """What a kind of table must contain. Other columns are allowed and kept."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    metadata: tuple[str, ...] = ()

    def table(self, columns: Mapping[str, Any] | pa.Table) -> pa.Table:
        """Build a table of this kind from `columns` (by name); each is cast to its type."""
        arrays = {}
        for column in self.columns:
            values = columns[column.name]
            if isinstance(column.type, pa.DataType):
                if isinstance(values, pa.Array | pa.ChunkedArray):
                    values = values.cast(column.type)
                else:
                    values = pa.array(values, type=column.type)
            arrays[column.name] = values
        return pa.table(arrays)

    def fault(self, table: pa.Table, only: Sequence[str] | None = None) -> str | None:
        """Why `table` is not of this kind, in a few words; None if it is.

        With `only`, only these columns are checked.
        """
        for column in self.columns:
            if only is not None and column.name not in only:
                continue
            if column.name not in table.column_names:
                return f"column '{column.name}' is missing"
            found = table.schema.field(column.name).type
            if not column.admits(found):
                return f"column '{column.name}' has type {found}"
            if not column.nullable and table.column(column.name).null_count:
                return f"column '{column.name}' has nulls"
            if column.finite:
                numbers = table.column(column.name).combine_chunks().flatten()
                if not np.isfinite(numbers.to_numpy(zero_copy_only=False)).all():
                    return f"column '{column.name}' contains NaN or infinite numbers"
        if self.key and set(self.key) <= set(table.column_names):
            keys = table.select(list(self.key)).group_by(list(self.key)).aggregate([])
            if keys.num_rows < table.num_rows:
                return f"rows are not unique in ({', '.join(self.key)})"
        present = metadata(table)
        for name in self.metadata:
            if name not in present:
                return f"metadata '{name}' is missing"
        return None


def write(table: pa.Table, path: str | Path, schema: Schema, **meta: Any) -> None:
    """Write `table` to `path`, completely or not at all.

    Parameters
    ----------
    table
        The rows.
    path
        The file; its folder is created.
    schema
        What the table must be.
    **meta
        See `describe`.

    Raises
    ------
    ValueError
        The table does not fit its schema: an error in the calling code.
    UserError
        The file cannot be written.
    """
    table = describe(table, **meta)
    fault = schema.fault(table)
    if fault:
        raise ValueError(f"{path}: not a table of {schema.name}: {fault}")

    def save(temporary: Path) -> None:
        with temporary.open("wb") as file:
            hashed = HashedFile(file, table.schema)
            with pq.ParquetWriter(hashed, table.schema, compression="zstd") as writer:
                writer.write_table(table)
                writer.add_key_value_metadata(footer_metadata(Path(path), hashed.digest))

    write_atomically(Path(path), save)


def read(path: str | Path, schema: Schema, columns: Sequence[str] | None = None) -> pa.Table:
    """Read the table at `path` and check it.

    Parameters
    ----------
    path
        A file that `write` wrote.
    schema
        What the table must be.
    columns
        Read and check only these.

    Raises
    ------
    UserError
        The file does not exist, cannot be read, or is not a table of this kind.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path}: no such file; create it with: {command(path)}")
    remedy = f"delete it and run again: {command(path)}"
    try:
        with path.open("rb") as file:
            parts = pq.ParquetFile(file)
            found = parts.schema_arrow.names
            if is_unaltered(file, parts):
                table = parts.read(None if columns is None else [n for n in columns if n in found])
                fault = schema.fault(table, columns)
            else:
                fault = "it was changed after it was written, or by another program"
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: not a readable Parquet file ({reason}); {remedy}") from error
    if fault:
        raise UserError(f"{path}: not a table of {schema.name}: {fault}; {remedy}")
    return table


def read_all(paths: Sequence[str | Path], schema: Schema) -> pa.Table:
    """Read several tables of one kind and concatenate them.

    Parameters
    ----------
    paths
        Files that `write` wrote.
    schema
        What each must be.

    Raises
    ------
    UserError
        As `read` does, or a file has a row of an earlier one.
    """
    tables = [read(path, schema) for path in paths]
    joined = pa.concat_tables(tables)
    if schema.fault(joined):
        ends = range(1, len(tables) + 1)
        first = next(n for n in ends if schema.fault(pa.concat_tables(tables[:n])))
        path = paths[first - 1]
        raise UserError(
            f"{path}: has rows of another file of its kind, so it may be a copy; delete it and run"
            f" again: {command(path)}"
        )
    return joined


def command(path: Path | str) -> str:
    """The command that makes a file; the config file of the run is not known here."""
    return f"snakemake --cores 1 {path} (with the --configfile of your run, if it had one)"


def describe(table: pa.Table, **meta: Any) -> pa.Table:
    """Add JSON-serialisable values to the metadata of `table`."""
    facts = json.dumps(metadata(table) | meta, sort_keys=True)
    return table.replace_schema_metadata({METADATA_KEY: facts})


def metadata(table: pa.Table) -> dict[str, Any]:
    """The metadata of `table`, see `describe`.

    Raises
    ------
    ValueError
        The metadata is not a JSON object: another program wrote it.
    """
    raw = (table.schema.metadata or {}).get(METADATA_KEY)
    try:
        facts = json.loads(raw) if raw else {}
    except RecursionError:
        facts = None
    if not isinstance(facts, dict):
        raise ValueError("its metadata is no JSON object")
    return facts


def write_atomically(path: Path, save: Callable[[Path], None]) -> None:
    """Call `save` with a temporary path in the same folder, sync that file, rename it to `path`.

    Temporary files that killed processes left are removed. If such a process is still running, its
    own write fails.

    Raises
    ------
    UserError
        The disk is full, or the folder cannot be written to.
    """
    name = f".{path.stem}.{{}}.partial{path.suffix}"
    temporary = path.with_name(name.format(secrets.token_hex(4)))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(name.format("????????")):
            left.unlink(missing_ok=True)
        save(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.errno:
            reason = os.strerror(error.errno)
            remedy = _REMEDIES.get(error.errno, "fix that and run again")
            raise UserError(f"{path}: cannot be written ({reason}); {remedy}") from error
        raise


_REMEDIES = {
    errno.ENOSPC: "free disk space and run again",
    errno.EDQUOT: "free space within your quota and run again",
    errno.EROFS: "make its folder writable, or work in another, and run again",
    errno.EACCES: "make its folder writable, or work in another, and run again",
}
