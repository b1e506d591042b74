"""Are the modalities better balanced with SPCL?"""

from collections.abc import Iterator

from spcl.report.analysis.heads import head_tallies, probe_points
from spcl.report.analysis.resampled import (
    ResampledScore,
    resample_weighted_f1,
    weighted_sum,
)
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, SPCL, CellKey, TestScores, by_cell
from spcl.report.findings.finding import Finding, of_gain
from spcl.report.findings.sentences import beside, mean_of, versus
from spcl.tables.schemas import MODALITIES

QUESTION = "Are the modalities better balanced with SPCL?"
OPEN = "No model of two or more modalities was trained with both spcl and none."


def answers(results: Results, scores: TestScores) -> Iterator[Finding]:
    """Compare each head with its probe, without and with SPCL; pooled over the joint models."""
    metrics = results.metrics
    tallies, probes = head_tallies(results), probe_points(results)
    heads: dict[tuple[str, str], dict[CellKey, ResampledScore]] = {}
    for key, runs in by_cell(metrics[metrics["split"] == "test"]):
        by_seed = runs.set_index("seed")["modality_weighted_f1"].sort_index()
        for place, letter in enumerate(key[2] if len(key[2]) > 1 else ""):
            points = 100 * by_seed.str[place].astype(float)
            head = resample_weighted_f1(points, tallies.get((key, letter)))
            heads.setdefault((key[0], letter), {})[key] = head
    for (dataset, letter), of_cells in heads.items():
        both = [
            (head, of_cells[(*key[:3], NONE)])
            for key, head in of_cells.items()
            if key[3] == SPCL and (*key[:3], NONE) in of_cells
        ]
        if not both:
            continue
        weights = [1 / len(both)] * len(both)
        after, before = (weighted_sum(weights, side) for side in zip(*both, strict=True))
        change = after.gain(before)
        if not change.n_seeds:
            continue
        name = MODALITIES[letter]
        said = versus(
            f"the {name} head with {SPCL}",
            "that without",
            change,
            over=mean_of(len(both), "cell"),
        )
        probe = probes.get((dataset, letter))
        if probe is not None:
            gaps = [beside(one.points.mean() - probe) for one in (before, after)]
            said = (
                f"Without a curriculum the {name} head of the joint models is {gaps[0]} a probe on"
                f" {name} alone; with {SPCL} it is {gaps[1]} the probe. {said}"
            )
        yield of_gain(dataset, f"change of the {name} head, points", change, said)
