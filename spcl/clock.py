"""Files with a time stamp of the future, with which Snakemake cannot work.

What is made of them is older than they are: Snakemake throws it away once it is made, or makes it
anew in every run. Imported by the Snakefile, so it uses the standard library alone.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from spcl.errors import UserError
from spcl.raw_corpora import tables

_SKEW_S = 300
"""The clocks of two machines may differ by this."""


def refuse_future(datasets: Mapping[str, Mapping[str, Any]]) -> None:
    """Look at the time stamps of all raw corpora and results.

    Parameters
    ----------
    datasets
        Those of a config, folds among them or not.

    Raises
    ------
    UserError
        A time stamp lies more than five minutes ahead.
    """
    latest = time.time() + _SKEW_S
    for folder, path in _inputs(datasets):
        if path.stat().st_mtime > latest:
            raise UserError(
                f"{path}: its time stamp lies in the future, so what is made of it would be thrown"
                f" away; correct all such: find {folder}/ -newermt now -exec touch {{}} +"
            )


def _inputs(datasets: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[Path, Path]]:
    """The folder to look in, and a file or folder whose time Snakemake looks at."""
    for folder in dict.fromkeys(Path(dataset["path"]) for dataset in datasets.values()):
        stamp = folder / ".snakemake_timestamp"
        if folder.is_dir():
            yield from _of(folder, [stamp if stamp.exists() else folder])
            yield from _of(folder, map(Path, tables(str(folder))))
        elif folder.exists():
            yield folder, folder
    yield from _of(Path("results"), Path("results").rglob("*.parquet"))


def _of(folder: Path, paths: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    return ((folder, path) for path in paths)
