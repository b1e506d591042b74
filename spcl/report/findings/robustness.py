"""Is the model more robust with SPCL?"""

from collections.abc import Iterator
from statistics import fmean

from spcl.report.analysis.resampled import mean_gain
from spcl.report.analysis.results import Results
from spcl.report.analysis.robustness import PERTURBATIONS, drops, perturbed_scores
from spcl.report.analysis.scores import NONE, SPCL, TestScores
from spcl.report.findings.finding import Finding, of_gain
from spcl.report.findings.sentences import mean_of, size, versus

QUESTION = "Is the model more robust with SPCL?"
OPEN = "No cell of spcl and the same cell of none were scored under a perturbation."


def answers(results: Results, scores: TestScores) -> Iterator[Finding]:
    """Compare the drop by each perturbation with and without SPCL; pooled over the cells."""
    found = perturbed_scores(results)
    for dataset, cells in scores.by_dataset(SPCL).items():
        both = scores.pairs(cells, NONE)
        for perturbation, words in PERTURBATIONS.items():
            pairs = drops(found, both, perturbation)
            change = mean_gain(pairs)
            if not change.n_seeds:
                continue
            lost = fmean(before.points.mean() for _, before in pairs)
            said = versus(
                f"the drop with {SPCL}",
                "that without",
                change,
                over=mean_of(len(pairs), "cell"),
                verb="is",
            )
            yield of_gain(
                dataset,
                f"change of the drop, {perturbation}, points",
                change,
                f"{words.capitalize()}: without a curriculum weighted F1"
                f" {'drops' if lost >= 0 else 'rises'} by {size(lost)} points. {said}",
            )
