"""What lies on the disk where a config says that a raw corpus is.

Imported by the Snakefile, so it uses the standard library alone.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_SUFFIXES = {".csv", ".parquet", ".npz", ".npy"}
_DEPTHS = ("*", "*/*", "*/*/*")  # readers find a corpus up to two folders deeper, too


def tables(corpus: str) -> list[str]:
    """The files of a corpus that hold tables or arrays; none where the corpus is a file.

    A folder's time stamp says nothing of what its files hold, so these are inputs of their own:
    what users mend by hand. Media and the many small files of IEMOCAP are not among them.
    """
    folder = Path(corpus)
    found = (path for depth in _DEPTHS for path in folder.glob(depth) if path.suffix in _SUFFIXES)
    return sorted(str(path) for path in found)


def gone(datasets: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A line for each corpus that was imported and is no longer where the config says.

    Snakemake takes what was made of it for finished, whatever else has changed.

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
