"""How does SPCL compare with its components and other strategies?"""

from collections.abc import Iterator

from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import NONE, SPCL, TestScores
from spcl.report.findings.finding import Finding, of_gain
from spcl.report.findings.sentences import listed, mean_of, versus
from spcl.report.tables.ablation import WORDS

QUESTION = "How does SPCL compare with its components and other strategies?"
OPEN = "No cell of spcl was trained."

CONTROLS = ("random_pacing", "spl", "coherence")
"""Without these three the contribution of the components remains unknown."""


def answers(results: Results, scores: TestScores) -> Iterator[Finding]:
    """Compare SPCL with each rival, pooled over the cells of a corpus."""
    trained = list(dict.fromkeys(cell[3] for cell in scores.points))
    rivals = [*CONTROLS, *(name for name in trained if name not in (*CONTROLS, SPCL, NONE))]
    for dataset, cells in scores.by_dataset(SPCL).items():
        absent = []
        for rival in rivals:
            both = scores.pairs(cells, rival)
            gain = scores.pooled(both, test=False)
            if gain.n_seeds:
                whole = f"{rival} ({WORDS[rival]})" if rival in WORDS else rival
                said = versus(SPCL, whole, gain, over=mean_of(len(both), "cell"))
                yield of_gain(dataset, f"{SPCL} minus {rival}, points", gain, said)
            elif rival in CONTROLS:
                absent.append(rival)
        if absent:
            yield Finding(
                dataset,
                "not trained",
                f"{listed(absent)} {'was' if len(absent) == 1 else 'were'} not trained, so"
                f" this contribution to {SPCL} is unknown; to measure it, extend grid.curricula as"
                " in config/strategies.yaml.",
            )
