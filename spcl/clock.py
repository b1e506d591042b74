"""Files with a time stamp of the future, with which Snakemake cannot work.

What is made of them is older than they are: Snakemake throws it away once it is made, or makes it
anew in every run. Imported by the Snakefile, so it uses the standard library alone.
"""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from spcl.errors import UserError

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
        if _time(path) > latest:
            raise UserError(
                f"{path}: its time stamp lies in the future, so what is made of it would be thrown"
                f" away; correct all such: find -H {quote(str(folder))} -newermt now"
                " -exec touch {} +"
            )


def _inputs(datasets: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[Path, Path]]:
    """The folder to look in, and a file or folder whose time Snakemake looks at."""
    for corpus in dict.fromkeys(Path(dataset["path"]) for dataset in datasets.values()):
        stamp = corpus / ".snakemake_timestamp"  # of a corpus that a rule made
        yield corpus, stamp if stamp.exists() else corpus
    for folder, _, names in os.walk("results"):  # unlike glob, heeds no folder that goes meanwhile
        for name in names:
            if name.endswith(".parquet"):
                yield Path("results"), Path(folder, name)


def _time(path: Path) -> float:
    """Of the last change, in seconds; 0 for what is not there."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
