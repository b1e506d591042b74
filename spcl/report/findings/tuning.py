"""Were all strategies tuned?"""

import math
from collections.abc import Iterator

from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import TestScores
from spcl.report.findings.finding import Finding
from spcl.report.findings.sentences import mean_of, signed
from spcl.report.tables import tuning

QUESTION = "Were all strategies tuned with the same budget?"
OPEN = (
    "No: all statements are about the settings in the config, which were not tuned here. A gain of"
    " a strategy whose settings were tuned elsewhere may come from this tuning; see"
    " docs/fair-comparison.md."
)


def answers(results: Results, scores: TestScores) -> Iterator[Finding]:
    """The budget, and how much the tuning overestimates its best candidate on dev."""
    data = tuning.compute(results)
    for dataset, cells in data.groupby("dataset", observed=True, sort=False):
        tried = cells["n_candidates"]
        alike = tried.nunique() == 1
        counts = f"{tried.min()}" if alike else f"{tried.min()} to {tried.max()}"
        answer = "Yes" if alike else "Not with the same number of trials"
        optimism = cells["optimism"].mean()
        said = (
            f"{answer}: all statements are about settings that were chosen on dev from {counts}"
            f" candidates a cell (budget {cells['trials'].max()}), with seeds that are not reported"
            " here."
        )
        if not math.isnan(optimism):
            said += (
                " Their score on dev with these seeds minus that with the reported seeds is"
                f" {signed(optimism)} points ({mean_of(len(cells), 'cell')})."
            )
        yield Finding(
            str(dataset),
            "optimism on dev, points",
            said,
            value=float(optimism),
            n=int(cells["n_seeds"].max()),
        )
