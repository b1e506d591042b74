"""What of a raw corpus decides the numbers: its files, by content.

Imported by the Snakefile, so it uses the standard library alone.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from spcl.provenance.contents import Contents
from spcl.provenance.record import digest

Reads = Literal["documents", "media", "nothing"]
"""What a job reads of a corpus: what an importer opens; the media; or only what was imported."""

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

_SPLIT_FILES = {".json", ".feature"}  # a corpus of several files may be given as one of them
_UNREAD = {"MOCAP_hand", "MOCAP_head", "MOCAP_rotated"}  # IEMOCAP's; gigabytes that no reader opens
_MARK = "SIMULATED.txt"


def kept_contents(corpus: str) -> Path:
    """Where the digests of a corpus' files are kept between runs."""
    return Path(".snakemake", "contents", f"{digest(os.path.abspath(corpus))}.json")


def content(corpus: str, reads: Reads, contents: Contents) -> str | None:
    """Digest of what a job reads of a corpus; None where there is no corpus.

    An importer looks at what it opens, and of the media at their names and first bytes; an
    extractor of sound or video at all bytes of the media. Names count relative to the corpus, so
    one that has moved is the same.
    """
    if not os.path.exists(corpus):
        return None
    files = sorted(_files(corpus))
    media = [path for path in files if _suffix(path) not in _DOCUMENTS | _PROSE]
    documents = [path for path in files if path == corpus or _suffix(path) not in _MEDIA | _PROSE]
    found: dict[str, str | None] = {}
    if reads == "media":
        found = contents.of_files(media)
    elif reads == "documents":
        found = {path: contents.of_start(path) for path in media} | contents.of_files(documents)
    base = corpus if os.path.isdir(corpus) else os.path.dirname(corpus)
    named = {os.path.relpath(path, base or "."): one for path, one in found.items()}
    return digest([os.path.basename(corpus) if os.path.isfile(corpus) else None, named])


def tree(path: str, contents: Contents) -> str:
    """Digest of a file, or of all files of a folder by name: for example, a model's weights."""
    if os.path.isfile(path):
        return contents.of_file(path) or ""
    found = contents.of_files(sorted(_files(path)))
    return digest({os.path.relpath(one, path): content for one, content in found.items()})


def absent(path: str, dataset: str) -> str:
    """What to say where a corpus has to be read and is not there."""
    return (
        f"{path}: no such folder; put the corpus there, as docs/getting-the-corpora.md says, or set"
        f" datasets.{dataset}.path"
    )


def gone(datasets: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A line for each corpus that was imported and is no longer where the config says.

    What was made of it counts as long as the settings are the same.

    Parameters
    ----------
    datasets
        Those of a config, folds among them or not.
    """
    for name, dataset in datasets.items():
        brought = not dataset.keys() & {"simulate", "download", "fold_of"}
        imported = Path("results", "corpora", name, "utterances.parquet")
        if brought and imported.exists() and not Path(dataset["path"]).exists():
            yield (
                f"{dataset['path']}: no such folder; {imported.parent} and its features stay as"
                f" they are; if the corpus has moved, set datasets.{name}.path"
            )


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _files(corpus: str) -> Iterator[str]:
    """The files of a corpus, hidden ones left out; links to folders are followed, each once."""
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
