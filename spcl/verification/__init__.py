"""Whether results are what they say: recomputes what can be recomputed, and names what differs.

`files` compares files with what is recorded of them, `remade` makes tables again from their inputs.
Nothing is changed and nothing is trained. May import all that makes a table; not Snakemake.
"""

from collections.abc import Iterator, Mapping

from spcl.verification.files import Corpus, Results
from spcl.verification.remade import faults


def verify(results: Results, corpora: Mapping[str, str]) -> Iterator[str]:
    """Check all results in a folder.

    Parameters
    ----------
    results
        What lies there; counts what is done.
    corpora
        By dataset, the raw corpus that its files are to be compared with; all bytes are read.

    Yields
    ------
    str
        A line for each thing that does not fit; it begins with the file's name.
    """
    yield from results.faults()
    yield from results.other_inputs()
    for corpus in Corpus.each(results, corpora):
        yield from corpus.faults()
    yield from faults(results)
