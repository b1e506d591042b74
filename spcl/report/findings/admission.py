"""In which order does SPCL admit the training utterances?"""

from collections.abc import Iterator

import pandas as pd

from spcl.report.analysis import admissions
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import SPCL, TestScores
from spcl.report.findings.finding import Finding
from spcl.report.findings.sentences import mean_of, signed
from spcl.report.panels import RHO

QUESTION = "In which order does SPCL admit utterances?"
OPEN = "No admissions of spcl were given for a corpus with probe scores."


def answers(results: Results, scores: TestScores) -> Iterator[Finding]:
    """Easy or hard utterances first, by the probes, and which class last. Not tested."""
    for dataset, cells in admissions.orders(results, SPCL).items():
        yield Finding(
            dataset,
            f"Spearman's {RHO} of offline loss and first epoch",
            _order(cells),
            value=float(cells[admissions.RHO].mean()),
            n=int(cells[admissions.SEEDS].max()),
        )


def _order(cells: pd.DataFrame) -> str:
    """The order of admission in the `cells` of one dataset, from `admissions.orders`."""
    known = cells[admissions.RHO].dropna()
    if not cells[admissions.ADMITTED].any():
        return f"{SPCL} never admitted any utterance: the models were not trained."
    if not len(known):
        return f"{SPCL} admitted every utterance in the same epoch: there is no order."
    ends = "" if len(known) == 1 else f"; {signed(known.min(), 2)} to {signed(known.max(), 2)}"
    mean, over = cells.mean(), mean_of(len(cells), "cell")
    half = mean[admissions.ADMITTED] >= 50
    early = f"When {mean[admissions.EARLY]:.0f} % of the utterances had been admitted,"
    when = early if half else "In the end"
    said = (
        f"Spearman's {RHO} of an utterance's offline loss and the epoch that first admitted it is"
        f" {signed(mean[admissions.RHO], 2)} ({over}{ends}; +1 = easy first)."
        f" {when} {mean[admissions.EASY]:.0f} % of the easiest"
        f" third and {mean[admissions.HARD]:.0f} % of the hardest third had been admitted."
    )
    classes = mean.get("class", pd.Series(dtype=float)).sort_values(kind="stable")
    if len(classes) > 1 and classes.iloc[0] < classes.iloc[-1]:
        said += (
            f" By then the most admitted class was {classes.index[-1]} ({classes.iloc[-1]:.0f} %),"
            f" the least admitted {classes.index[0]} ({classes.iloc[0]:.0f} %)."
        )
    return said
