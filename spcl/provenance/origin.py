"""What a table says of itself, in its file's footer: its content's digest, and what it is made of.

The rows of a Parquet file stand before its footer. Their digest is taken while they are written and
goes into the footer, so that an edited table, or one in which a bit has flipped, is known as such
without being decoded.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from spcl.provenance.record import Record, current

METADATA_KEY = b"spcl"
"""Of the facts that travel with a table, see `spcl.tables.parquet.describe`."""

_ORIGIN_KEY = b"spcl.origin"
_DIGITS = 32


@dataclass(frozen=True)
class Origin:
    """What a table says of itself.

    Attributes
    ----------
    content
        Digest of its rows and its metadata.
    record
        What it was made of; None for one that no job of the workflow wrote.
    beside
        By file name, the content of what its job left beside it.
    outputs
        The names of all files that its job left, itself first, by the job's names for them; empty
        where another of them stands for all.
    """

    content: str
    record: Record | None
    beside: Mapping[str, str]
    outputs: Mapping[str, str]


class HashedFile:
    """A binary file to write a table of this schema to, which knows the digest of its content."""

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._file = file
        self._content = hashlib.sha256(_meaning(schema))
        self.closed = False

    def write(self, data: bytes) -> int:
        self._content.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self.closed = True

    @property
    def digest(self) -> str:
        """Of what was written so far."""
        return self._content.hexdigest()[:_DIGITS]


def described(path: Path, digest: str) -> dict[bytes, str]:
    """What the footer of the table at `path` has to say, whose content has this `digest`.

    The job that is at work writes its main table last: that one vouches for the others.
    """
    told: dict[str, Any] = {"content": digest}
    job = current()
    if job is not None:
        told["record"] = job.record.to_json()
        outputs = list(job.outputs.values())
        if path in outputs[:1]:
            told["outputs"] = {name: one.name for name, one in job.outputs.items()}
            told["beside"] = {one.name: content(one) for one in outputs[1:] if one.exists()}
    return {_ORIGIN_KEY: json.dumps(told)}


def unaltered(file: BinaryIO, parts: pq.ParquetFile) -> bool:
    """Whether the rows in `file` are those that were written, by us."""
    told = (parts.metadata.metadata or {}).get(_ORIGIN_KEY)
    return told is not None and json.loads(told)["content"] == _content(file, parts.schema_arrow)


def origin(path: str | Path) -> Origin | None:
    """What the table at `path` says of itself; None where it is not as it was written."""
    try:
        with Path(path).open("rb") as file:
            parts = pq.ParquetFile(file)
            if not unaltered(file, parts):
                return None
            told = json.loads(parts.metadata.metadata[_ORIGIN_KEY])
        record = Record.from_json(told["record"]) if "record" in told else None
        beside, outputs = told.get("beside", {}), told.get("outputs", {})
        return Origin(told["content"], record, beside, outputs)
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, AttributeError):
        return None


def whole(path: Path) -> bool:
    """Whether the table at `path` and all that its job left beside it are as they were written."""
    found = origin(path)
    return found is not None and all(
        content(path.with_name(name)) == told for name, told in found.beside.items()
    )


def content(path: Path) -> str | None:
    """The digest of a table's content, or of another file's bytes; None for a damaged table."""
    if path.suffix == ".parquet":
        found = origin(path)
        return found.content if found else None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]


def _content(file: BinaryIO, schema: pa.Schema) -> str:
    """The digest of what stands before a Parquet file's footer, as `HashedFile` has it."""
    size = file.seek(-8, os.SEEK_END)
    rows = size - int.from_bytes(file.read(4), "little")
    found = hashlib.sha256(_meaning(schema))
    file.seek(0)
    while rows > 0 and (part := file.read(min(rows, 1 << 20))):
        found.update(part)
        rows -= len(part)
    return found.hexdigest()[:_DIGITS]


def _meaning(schema: pa.Schema) -> bytes:
    """What of a table's meaning stands behind its rows in the file: names and metadata."""
    return "\0".join(schema.names).encode() + ((schema.metadata or {}).get(METADATA_KEY) or b"")
