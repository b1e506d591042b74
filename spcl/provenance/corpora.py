"""Digests of raw corpora, over the files that a job reads.

The Snakefile imports this module, so it uses the standard library alone.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from spcl.provenance.digest_cache import DigestCache
from spcl.provenance.record import json_digest

Reads = Literal["documents", "media", "nothing"]
"""What a job reads of a corpus: the documents that an importer opens, the media, or no file."""

_MEDIA = frozenset(
    {".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".aiff", ".wma"}
    | {".mp4", ".m4v", ".mkv", ".avi", ".mov", ".webm", ".mpg", ".mpeg", ".ts", ".flv", ".wmv"}
    | {".jpg", ".jpeg", ".png"}
)
_DOCUMENTS = frozenset(
    {".csv", ".tsv", ".txt", ".json", ".feature", ".parquet", ".npz", ".npy"}
    | {".pkl", ".pickle", ".p", ".pck", ".joblib", ".pt", ".pth"}
)
_PROSE = frozenset({".md", ".rst", ".html", ".pdf", ".docx", ".py", ".sh", ".ipynb", ".log"})
"""Files of any other suffix count as documents and as media."""

_SPLIT_FILES = {".json", ".feature"}  # the config may name one file of a corpus of several
_UNREAD = {"MOCAP_hand", "MOCAP_head", "MOCAP_rotated"}  # gigabytes of IEMOCAP that no reader opens
_MARK = "SIMULATED.txt"


def cache_path(corpus: str) -> Path:
    """The file that caches the digests of a corpus' files between runs."""
    return Path(".snakemake", "contents", f"{json_digest(os.path.abspath(corpus))}.json")


def corpus_digest(corpus: str, reads: Reads, cache: DigestCache) -> str | None:
    """Digest of what a job reads of a corpus; None if there is no corpus.

    An importer reads the documents, and the names and first bytes of the media. An extractor of
    sound or video reads all bytes of the media. Names are relative to the corpus, so its digest
    stays the same when it is moved.
    """
    if not os.path.exists(corpus):
        return None
    files = sorted(_files(corpus))
    media = [path for path in files if _suffix(path) not in _DOCUMENTS | _PROSE]
    documents = [path for path in files if path == corpus or _suffix(path) not in _MEDIA | _PROSE]
    found: dict[str, str | None] = {}
    if reads == "media":
        found = cache.of_files(media)
    elif reads == "documents":
        found = {path: cache.of_start(path) for path in media} | cache.of_files(documents)
    base = corpus if os.path.isdir(corpus) else os.path.dirname(corpus)
    named = {os.path.relpath(path, base or "."): one for path, one in found.items()}
    return json_digest([os.path.basename(corpus) if os.path.isfile(corpus) else None, named])


def tree_digest(path: str, cache: DigestCache) -> str:
    """Digest of a file, or of all files of a folder by name: for example, a model's weights."""
    if os.path.isfile(path):
        return cache.of_file(path) or ""
    found = cache.of_files(sorted(_files(path)))
    return json_digest({os.path.relpath(one, path): content for one, content in found.items()})


def absent(path: str, dataset: str) -> str:
    """The error message for a corpus that has to be read and does not exist."""
    return (
        f"{path}: no such folder; put the corpus there, as docs/getting-the-corpora.md says, or set"
        f" datasets.{dataset}.path"
    )


def gone(datasets: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A warning for each corpus that was imported and no longer exists at its path in the config.

    Its results remain valid as long as the settings are the same.

    Parameters
    ----------
    datasets
        Those of a config, with or without folds.
    """
    for name, dataset in datasets.items():
        brought = not dataset.keys() & {"simulate", "download", "fold_of"}
        imported = Path("results", "corpora", name, "utterances.parquet")
        if brought and imported.exists() and not Path(dataset["path"]).exists():
            yield (
                f"{dataset['path']}: no such folder; {imported.parent} and its features remain"
                f" as they are; if the corpus has moved, set datasets.{name}.path"
            )


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _files(corpus: str) -> Iterator[str]:
    """The files of a corpus except hidden ones; each folder that a link leads to is read once."""
    if not os.path.isdir(corpus):
        folder, suffix = os.path.dirname(corpus), _suffix(corpus)
        yield corpus
        for name in os.listdir(folder or "."):
            path = os.path.join(folder, name)
            beside = name == _MARK or (suffix in _SPLIT_FILES and _suffix(name) in _SPLIT_FILES)
            if beside and path != corpus and not name.startswith(".") and os.path.isfile(path):
                yield path
        return
    entered = set()
    for folder, folders, names in os.walk(corpus, followlinks=True):
        facts = os.stat(folder)
        if (facts.st_dev, facts.st_ino) in entered:
            folders.clear()
            continue
        entered.add((facts.st_dev, facts.st_ino))
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in _UNREAD
        )
        yield from (os.path.join(folder, name) for name in names if not name.startswith("."))
