"""Does the third modality help?"""

from collections.abc import Iterator

from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, SPCL, CellKey, TestScores
from spcl.report.findings.finding import Finding, of_gain
from spcl.report.findings.sentences import mean_of, versus
from spcl.report.tables.modality_gain import ALL, PAIRS

QUESTION = "Does the third modality help?"
OPEN = "No cell with all three modalities has a corresponding cell with two of them."


def answers(results: Results, scores: TestScores) -> Iterator[Finding]:
    """All three modalities minus the best pair, for none and for spcl, and the change."""
    by_dataset: dict[str, dict[str, dict[str, tuple[CellKey, CellKey]]]] = {}
    for cell in scores.points:
        if cell[2] == ALL and cell[3] in (NONE, SPCL):
            two = [(*cell[:2], pair, cell[3]) for pair in PAIRS]
            two = [other for other in two if other in scores.points]
            if two:
                best = max(two, key=lambda other: scores.points[other].mean())
                of_dataset = by_dataset.setdefault(cell[0], {})
                of_dataset.setdefault(cell[3], {})[cell[1]] = (cell, best)
    for dataset, both in by_dataset.items():
        for curriculum, how in ((NONE, "without a curriculum"), (SPCL, f"with {SPCL}")):
            held = list(both.get(curriculum, {}).values())
            gain = scores.pooled(held, test=False)
            if gain.n_seeds:
                over = mean_of(len(held), "baseline")
                first = f"all three modalities {how}"
                said = versus(first, "the best pair of two", gain, over=over)
                measure = f"{ALL} minus the best pair under {curriculum}, points"
                yield of_gain(dataset, measure, gain, said)
        shared = [name for name in both.get(NONE, {}) if name in both.get(SPCL, {})]
        # Twice a difference of two: what all three gain over the pair, less the same under none.
        twice = [both[SPCL][name] for name in shared]
        twice += [(pair, three) for three, pair in (both[NONE][name] for name in shared)]
        change = scores.pooled(twice, over=len(shared) or None, test=False)
        if change.n_seeds:
            said = versus(
                f"the third modality with {SPCL}",
                "without",
                change,
                over=mean_of(len(shared), "baseline"),
                verb="brought",
            )
            yield of_gain(dataset, "its change under spcl, points", change, said)
