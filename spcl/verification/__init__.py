"""Whether results are what they say: recomputes what can be recomputed, and names what differs.

`files` compares files with what is recorded of them, `remade` makes tables again from their inputs.
Nothing is changed and nothing is trained. May import all that makes a table; not Snakemake.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from spcl.verification.files import Corpus, Results


def verify(folder: Path, corpora: Mapping[str, str] | None = None) -> Iterator[str]:
    """Check all results in a folder.

    Parameters
    ----------
    folder
        The results, with the folders ``cells``, ``gathered`` and so on, as far as they are there.
    corpora
        By dataset, the raw corpus that its files are to be compared with; all bytes are read.

    Yields
    ------
    str
        A line for each thing that does not fit; it begins with the file's name.

    Raises
    ------
    UserError
        There are no results.
    """
    from spcl.verification import remade

    results = Results(folder)
    yield from results.faults()
    yield from results.other_inputs()
    yield from (
        fault for corpus in Corpus.each(results, corpora or {}) for fault in corpus.faults()
    )
    yield from remade.faults(results)
