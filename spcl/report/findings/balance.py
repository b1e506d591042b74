"""Are the modalities better balanced with SPCL?"""

import math
from collections.abc import Iterator, Sequence

from spcl.report.analysis.heads import NETWORK, PROBE, Heads
from spcl.report.analysis.resampled import Pairs, ResampledScore, mean_gain
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, SPCL, TestScores
from spcl.report.findings.finding import Finding, of_gain
from spcl.report.findings.sentences import beside, mean_of, versus
from spcl.tables.schemas import MODALITIES

QUESTION = "Are the modalities better balanced with SPCL?"
OPEN = "No model of two or more modalities was trained with both spcl and none."


_WORDS = {NETWORK: "the same network", PROBE: "a probe"}


def answers(results: Results, scores: TestScores) -> Iterator[Finding]:
    """Compare heads and imbalance degrees, without and with SPCL; pooled over the joint models."""
    heads = Heads(results)
    for dataset, cells in scores.by_dataset(SPCL).items():
        joint = [both for both in scores.pairs(cells, NONE) if len(both[0][2]) > 1]
        for letter, name in MODALITIES.items():
            of_modality = [(cell, base) for cell, base in joint if letter in cell[2]]
            pairs = [(heads.scores[a][letter], heads.scores[b][letter]) for a, b in of_modality]
            change = mean_gain(pairs)
            if change.n_seeds:
                references = [heads.reference(cell, letter) for cell, _ in of_modality]
                changed = _changed(f"the {name} head with {SPCL}", pairs, "scored")
                said = _beside_alone(name, pairs, references) + changed
                yield of_gain(dataset, f"change of the {name} head, points", change, said)
        pairs = heads.imbalances(joint)
        change = mean_gain(pairs)
        if change.n_seeds:
            said = _changed(f"the imbalance degree with {SPCL}", pairs, "was")
            yield of_gain(dataset, "change of the imbalance degree, points", change, said)


def _changed(what: str, pairs: Pairs, verb: str) -> str:
    """The change under SPCL over all cells, and in how many of them it is certain."""
    over = mean_of(len(pairs), "cell")
    said = versus(what, "that without", mean_gain(pairs), over=over, verb=verb)
    gains = [after.gain(before) for after, before in pairs]
    if len(gains) == 1 or any(math.isnan(gain.low) for gain in gains):
        return said
    above, below = sum(gain.low > 0 for gain in gains), sum(gain.high < 0 for gain in gains)
    return (
        f"{said} The 95 % interval of this change is above zero in {above} of {len(gains)} cells"
        f" and below zero in {below}."
    )


def _beside_alone(
    name: str, pairs: Pairs, references: Sequence[tuple[str, ResampledScore | None]]
) -> str:
    """How far the head is from the modality alone; empty where a reference is missing."""
    alone = [score for _, score in references if score is not None]
    if len(alone) < len(pairs):
        return ""
    after, before = (
        mean_gain(list(zip(side, alone, strict=True))) for side in zip(*pairs, strict=True)
    )
    if not (after.n_seeds and before.n_seeds):
        return ""
    kinds = sorted({_WORDS[kind] for kind, _ in references})
    return (
        f"Without a curriculum the {name} head of the joint models is {beside(before.mean)}"
        f" {' or '.join(kinds)} on {name} alone; with"
        f" {SPCL} it is {beside(after.mean)}. "
    )
