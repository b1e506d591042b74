"""``spcl verify``: recomputes what can be recomputed from results, and reports what differs.

`files` compares files with their records; `rerun` runs jobs again and compares their tables.
Nothing is changed and nothing is trained. May import all that makes a table; not Snakemake.
"""

from collections.abc import Iterator, Mapping

from spcl.verification.files import Results, corpus_faults
from spcl.verification.rerun import faults


def verify(results: Results, corpora: Mapping[str, str]) -> Iterator[str]:
    """Check all results in a folder.

    Parameters
    ----------
    results
        The results; counts what was checked.
    corpora
        The raw corpora to compare with, by dataset; all their bytes are read.

    Yields
    ------
    str
        A line for each fault, which starts with the file's name.
    """
    yield from results.faults()
    yield from results.outdated()
    yield from corpus_faults(results, corpora)
    yield from faults(results)
