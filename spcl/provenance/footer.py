"""The footer of a table's file: the digest of its content, and the record of its job.

The rows of a Parquet file precede its footer. Their digest is computed while they are written and
is stored in the footer. So an edited table or a flipped bit is found without decoding the rows.
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

from spcl.provenance.record import Record, current_job

METADATA_KEY = b"spcl"
"""The key of the table's metadata, see `spcl.tables.parquet.describe`."""

_FOOTER_KEY = b"spcl.origin"
_DIGITS = 32


@dataclass(frozen=True)
class Footer:
    """What the footer of a table contains.

    Attributes
    ----------
    content
        Digest of the rows and the metadata.
    record
        The record of its job; None if no job of the workflow wrote it.
    beside
        The digests of the job's other files, by file name.
    outputs
        The names of all files of the job, the table first, by the job's names for them; empty if
        the table is not the job's main one.
    """

    content: str
    record: Record | None
    beside: Mapping[str, str]
    outputs: Mapping[str, str]


class HashedFile:
    """A binary file to write a table of the given schema to; it computes the content's digest."""

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._file = file
        self._content = hashlib.sha256(_schema_bytes(schema))
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
        """The digest of what has been written so far."""
        return self._content.hexdigest()[:_DIGITS]


def footer_metadata(path: Path, digest: str) -> dict[bytes, str]:
    """The metadata to write into the footer of the table at `path` with this content `digest`.

    A job writes its main table last: the footer of that one contains the digests of the others.
    """
    values: dict[str, Any] = {"content": digest}
    job = current_job()
    if job is not None:
        values["record"] = job.record.to_json()
        outputs = list(job.outputs.values())
        if path in outputs[:1]:
            values["outputs"] = {name: one.name for name, one in job.outputs.items()}
            values["beside"] = {
                one.name: content_digest(one) for one in outputs[1:] if one.exists()
            }
    return {_FOOTER_KEY: json.dumps(values)}


def is_unaltered(file: BinaryIO, parts: pq.ParquetFile) -> bool:
    """Whether this project wrote the table in `file` and its rows have not changed since."""
    text = (parts.metadata.metadata or {}).get(_FOOTER_KEY)
    return text is not None and json.loads(text)["content"] == _content(file, parts.schema_arrow)


def read_footer(path: str | Path) -> Footer | None:
    """The footer of the table at `path`; None if the table has changed since it was written."""
    try:
        with Path(path).open("rb") as file:
            parts = pq.ParquetFile(file)
            if not is_unaltered(file, parts):
                return None
            values = json.loads(parts.metadata.metadata[_FOOTER_KEY])
        record = Record.from_json(values["record"]) if "record" in values else None
        beside, outputs = values.get("beside", {}), values.get("outputs", {})
        return Footer(values["content"], record, beside, outputs)
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, AttributeError):
        return None


def is_intact(path: Path) -> bool:
    """Whether the table at `path` and its job's other files are as they were written."""
    footer = read_footer(path)
    return footer is not None and all(
        content_digest(path.with_name(name)) == digest for name, digest in footer.beside.items()
    )


def content_digest(path: Path) -> str | None:
    """The digest of a table's content, or of another file's bytes; None for a damaged table."""
    if path.suffix == ".parquet":
        footer = read_footer(path)
        return footer.content if footer else None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]


def _content(file: BinaryIO, schema: pa.Schema) -> str:
    """The digest of everything before the footer, equal to `HashedFile.digest`."""
    size = file.seek(-8, os.SEEK_END)
    rows = size - int.from_bytes(file.read(4), "little")
    found = hashlib.sha256(_schema_bytes(schema))
    file.seek(0)
    while rows > 0 and (part := file.read(min(rows, 1 << 20))):
        found.update(part)
        rows -= len(part)
    return found.hexdigest()[:_DIGITS]


def _schema_bytes(schema: pa.Schema) -> bytes:
    """The part of a table's content that is in the footer: column names and metadata."""
    return "\0".join(schema.names).encode() + ((schema.metadata or {}).get(METADATA_KEY) or b"")
