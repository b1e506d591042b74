"""Features of files and texts that belong to no corpus."""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from spcl.data.files.disk import entries
from spcl.data.files.text_files import decode
from spcl.data.media import SOUND, VIDEO, MediaReference
from spcl.errors import UserError
from spcl.extract.base import Extractor, Item
from spcl.extract.shards import extract_shards, extractor_options
from spcl.provenance.digest_cache import DigestCache
from spcl.tables import parquet
from spcl.tables.parquet import describe
from spcl.tables.schemas import EXTRACTED

MEDIA = (*SOUND, *VIDEO)
"""The suffixes of the files that are taken from a folder. A file that is named is always taken."""


def items(paths: Sequence[Path], modality: str) -> list[Item]:
    """The items of some paths, each with a name of its own.

    Parameters
    ----------
    paths
        Folders, which are searched for files, and files: media, also with a fragment such as
        ``#t=1,2``; or text files with the suffix ``.txt``. A line of a text file is a text (t) or
        the path of a medium (a, v).

    Raises
    ------
    UserError
        A path does not exist, there is no item, or an item occurs twice.
    """
    found = [item for path in paths for item in _of_path(path, modality)]
    if not found:
        wanted = "text files (.txt)" if modality == "t" else f"media ({' '.join(MEDIA)})"
        raise UserError(
            f"{', '.join(map(str, paths))}: there are no {wanted} in it; name the files"
        )
    for name, times in Counter(item.name for item in found).items():
        if times > 1:
            raise UserError(f"{name}: is given {times} times; give it once")
    return found


def extract_files(
    extractor: Extractor, items: Sequence[Item], output: Path, *, threads: int
) -> pa.Table:
    """Extract the features of `items` and write them.

    If it is interrupted, finished shards stay in a folder beside `output` for the next call.

    Returns
    -------
    pyarrow.Table
        What was written; schema `spcl.tables.schemas.EXTRACTED`.
    """
    shards = output.with_name(f"{output.name}.shards")
    table = extract_shards(
        extractor,
        items,
        [item.name for item in items],
        shards,
        title=extractor.name,
        threads=threads,
        contents=DigestCache(shards / "digests.json"),
    )
    table = describe(
        table.rename_columns({"utterance_id": "name"}),
        modality=extractor.modality,
        extractor=extractor.name,
        version=extractor.version,
        options=extractor_options(extractor),
        width=extractor.width,
    )
    parquet.write(table, output, EXTRACTED)
    shutil.rmtree(shards, ignore_errors=True)
    return table


def _of_path(path: Path, modality: str) -> list[Item]:
    if path.is_dir():
        suffixes = (".txt",) if modality == "t" else MEDIA
        inside = [one for one in _walk(path) if one.suffix.lower() in suffixes]
        return [item for one in inside for item in _of_file(one, modality)]
    return _of_file(path, modality)


def _walk(folder: Path) -> list[Path]:
    """All files below `folder`, sorted."""
    found = []
    for path in entries(folder):
        found += _walk(path) if path.is_dir() else [path]
    return found


def _of_file(path: Path, modality: str) -> list[Item]:
    if path.suffix.lower() != ".txt":
        if modality == "t":
            raise UserError(f"{path}: not a text file; write one text a line into a .txt file")
        return [_medium(str(path), path.parent, modality)]
    lines = decode(path).splitlines()
    if modality == "t":
        return [Item(f"{path}:{n}", line.strip()) for n, line in enumerate(lines, 1)]
    return [_medium(line.strip(), path.parent, modality) for line in lines if line.strip()]


def _medium(text: str, folder: Path, modality: str) -> Item:
    """A file or a part of one; a relative path in a list is relative to the list."""
    reference = MediaReference.parse(text) if not Path(text).exists() else MediaReference(text)
    if not Path(reference.path).exists() and (folder / reference.path).exists():
        reference = replace(reference, path=str(folder / reference.path))
    return Item(text).with_medium(modality, reference)
