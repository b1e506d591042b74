"""Is the model more robust with SPCL?"""

from collections.abc import Iterator

from spcl.report.analysis.resampled import weighted_sum
from spcl.report.analysis.results import Results
from spcl.report.analysis.robustness import PERTURBATIONS, perturbed_scores
from spcl.report.analysis.scores import NONE, SPCL, TestScores
from spcl.report.findings.finding import Finding, of_gain
from spcl.report.findings.sentences import mean_of, size, versus

QUESTION = "Is the model more robust with SPCL?"
OPEN = "No cell of spcl and the same cell of none were scored under a perturbation."


def answers(results: Results, scores: TestScores) -> Iterator[Finding]:
    """Compare the drop by each perturbation with and without SPCL; pooled over the cells."""
    found = perturbed_scores(results)
    for dataset, cells in scores.by_dataset(SPCL).items():
        both = [pair for pair in scores.pairs(cells, NONE) if found.keys() >= set(pair)]
        for perturbation, words in PERTURBATIONS.items():
            by_pair = [[found[cell].drop(perturbation) for cell in pair] for pair in both]
            drops = [(one, other) for one, other in by_pair if one and other]
            if not drops:
                continue
            after, before = (
                weighted_sum((1 / len(drops), one) for one in side)
                for side in zip(*drops, strict=True)
            )
            change = after.gain(before)
            if not change.n_seeds:
                continue
            lost = before.points.mean()
            said = versus(
                f"the drop with {SPCL}",
                "that without",
                change,
                over=mean_of(len(drops), "cell"),
                verb="is",
            )
            yield of_gain(
                dataset,
                f"change of the drop, {perturbation}, points",
                change,
                f"{words.capitalize()}: without a curriculum weighted F1"
                f" {'drops' if lost >= 0 else 'rises'} by {size(lost)} points. {said}",
            )
