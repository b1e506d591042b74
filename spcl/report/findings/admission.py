"""In which order does SPCL admit the training utterances?"""

from collections.abc import Iterator

import pandas as pd

from spcl.report.analysis import admissions
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import SPCL, TestScores
from spcl.report.findings.finding import Finding
from spcl.report.findings.sentences import mean_of, signed
from spcl.report.panels import RHO

QUESTION = "What is admitted when?"
OPEN = "No admissions of spcl were given whose corpus has probe scores."


def answers(results: Results, scores: TestScores) -> Iterator[Finding]:
    """Easy or hard first, by the probes; which class last. Described, not tested."""
    for dataset, cells in admissions.orders(results, SPCL).items():
        yield Finding(
            dataset,
            f"Spearman's {RHO} of offline loss and first epoch",
            _order(cells),
            value=float(cells[admissions.RHO].mean()),
            n=int(cells[admissions.SEEDS].max()),
        )


def _order(cells: pd.DataFrame) -> str:
    """What `admissions.orders` says of one dataset."""
    known = cells[admissions.RHO].dropna()
    if not cells[admissions.ADMITTED].any():
        return f"{SPCL} never admitted any utterance: nothing was learnt."
    if not len(known):
        return f"{SPCL} admitted every utterance in the same epoch: there is no order."
    ends = "" if len(known) == 1 else f"; {signed(known.min(), 2)} to {signed(known.max(), 2)}"
    mean, over = cells.mean(), mean_of(len(cells), "cell")
    half = mean[admissions.ADMITTED] >= 50
    early = f"When {mean[admissions.EARLY]:.0f} % of the utterances had been in,"
    when = early if half else "In the end"
    said = (
        f"Spearman's {RHO} of an utterance's offline loss and the epoch that first admitted it is"
        f" {signed(mean[admissions.RHO], 2)} ({over}{ends}; +1 = easy first)."
        f" {when} {mean[admissions.EASY]:.0f} % of the easiest"
        f" third had been and {mean[admissions.HARD]:.0f} % of the hardest."
    )
    classes = mean.get("class", pd.Series(dtype=float)).sort_values(kind="stable")
    if len(classes) > 1 and classes.iloc[0] < classes.iloc[-1]:
        said += (
            f" Of the classes {classes.index[-1]} came in first ({classes.iloc[-1]:.0f} %),"
            f" {classes.index[0]} last ({classes.iloc[0]:.0f} %)."
        )
    return said
