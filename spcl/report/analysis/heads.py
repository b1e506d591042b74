"""The head of each modality in every cell: its score, its reference, its contribution."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from spcl.report.analysis import offline
from spcl.report.analysis.contribution import contributions, heads_answers, imbalance, subsets
from spcl.report.analysis.resampled import Pairs, ResampledScore, resample_counted
from spcl.report.analysis.results import Results
from spcl.report.analysis.robustness import perturbed_scores
from spcl.report.analysis.scores import NONE, CellKey, CodedCell, by_cell, coded_cells
from spcl.tables.schemas import MODALITIES

NETWORK, PROBE = "network", "probe"
"""What a head is compared with: the same network on its modality alone, or a probe on it."""


@dataclass(frozen=True)
class Contributions:
    """What the modalities of a cell contribute, and how much that differs.

    Attributes
    ----------
    of_modality
        Shapley values in points; empty where the answers of a subset were not given.
    imbalance
        Largest minus smallest; None for one modality, and without contributions.
    """

    of_modality: dict[str, ResampledScore] = field(default_factory=dict)
    imbalance: ResampledScore | None = None

    def of(self, letter: str) -> dict[str, ResampledScore]:
        """``contribution`` of a modality and ``imbalance`` of the cell, where they are known."""
        both = {"contribution": self.of_modality.get(letter), "imbalance": self.imbalance}
        return {name: score for name, score in both.items() if score is not None}


class Heads:
    """The heads of all cells on the test split.

    Parameters
    ----------
    results
        Its metrics are needed. Intervals and contributions need predictions, those of the network
        the table ``robustness`` too; probes need the corpora's utterances.

    Attributes
    ----------
    runs : dict
        By cell: the metrics, a row a seed.
    scores : dict
        By cell: weighted F1 of each head by its modality.
    subset_scores : dict
        By cell: weighted F1 of the sums of the heads' logits, by subset of the modalities.
    contributions, network_contributions : dict
        By cell: from `subset_scores`, and from the network run with the other modalities
        unobserved. Cells without predictions are absent.
    """

    def __init__(self, results: Results) -> None:
        metrics = results.metrics
        self.runs: dict[CellKey, pd.DataFrame] = {
            key: runs.set_index("seed").sort_index()
            for key, runs in by_cell(metrics[metrics["split"] == "test"])
        }
        cells = dict(coded_cells(results.predictions, results.labels))
        self.subset_scores = _resampled(cells, _answers_of_heads(results, cells))
        self.scores: dict[CellKey, dict[str, ResampledScore]] = {}
        for key in self.runs:
            points = 100 * self.by_modality(key, "modality_weighted_f1")
            counted = self.subset_scores.get(key, {})
            self.scores[key] = {
                letter: replace(counted.get(letter, _UNKNOWN), points=points[letter])
                for letter in key[2]
            }
        self.contributions = _contributions(self.subset_scores)
        self.network_contributions = _contributions(_network_scores(results))
        self._probes = _probe_points(results)

    def by_modality(self, cell: CellKey, column: str) -> pd.DataFrame:
        """A list column of the metrics: a row a seed, a column a modality of the cell."""
        lists = self.runs[cell][column]
        return pd.DataFrame(np.stack(lists.to_list()), lists.index, list(cell[2]))

    def imbalances(self, pairs: Iterable[tuple[CellKey, CellKey]]) -> Pairs:
        """The imbalance degrees of pairs of cells, where both are known."""
        known = self.contributions
        degrees = [
            (known[one].imbalance, known[other].imbalance)
            for one, other in pairs
            if {one, other} <= known.keys()
        ]
        return [(one, other) for one, other in degrees if one and other]

    def reference(self, cell: CellKey, letter: str) -> tuple[str, ResampledScore | None]:
        """What a head is compared with: `NETWORK`, `PROBE` or an empty word, and its score.

        The network is the cell of the same baseline on this modality alone with the curriculum
        none: one reference for all curricula, so that their gaps can be compared. Without such a
        cell, and for a cell of this modality alone, it is the probe.
        """
        head, alone = self.scores[cell][letter], (*cell[:2], letter, NONE)
        if len(cell[2]) > 1 and alone in self.scores:
            return NETWORK, self.scores[alone][letter]
        if (cell[0], letter) in self._probes:
            points = pd.Series(self._probes[cell[0], letter], head.points.index)
            return PROBE, replace(_UNKNOWN, points=points)
        return "", None


_UNKNOWN = ResampledScore(pd.Series(dtype=float), None, 0)
"""A score without resamples."""

Answers = dict[str, np.ndarray]
"""By subset of the modalities: a class for each row of the predictions, -1 = no answer."""


def _contributions(
    by_subset: dict[CellKey, dict[str, ResampledScore]],
) -> dict[CellKey, Contributions]:
    found = {}
    for key, values in by_subset.items():
        of_modality = contributions(values, key[2])
        found[key] = Contributions(of_modality, imbalance(of_modality))
    return found


def _resampled(
    cells: dict[CellKey, CodedCell], answers: Answers
) -> dict[CellKey, dict[str, ResampledScore]]:
    """By cell and subset of its modalities: weighted F1 of the answers, where there are any."""
    found: dict[CellKey, dict[str, ResampledScore]] = {}
    for key, cell in cells.items():
        given = {subset: answers[subset][cell.rows] for subset in subsets(key[2]) if answers}
        found[key] = {
            subset: resample_counted(cell.tally(of_subset))
            for subset, of_subset in given.items()
            if (of_subset >= 0).any()
        }
    return found


def _network_scores(results: Results) -> dict[CellKey, dict[str, ResampledScore]]:
    """By cell and subset: weighted F1 of the network with the other modalities unobserved."""
    found = {}
    for key, scores in perturbed_scores(results, ("modality_missing",)).items():
        observed = {
            "".join(one for one in key[2] if one not in missing): score
            for (_, missing, _), score in scores.at.items()
        }
        found[key] = observed | {key[2]: scores.clean}
    return found


def _answers_of_heads(results: Results, cells: dict[CellKey, CodedCell]) -> Answers:
    """By the sums of the heads' logits; the probabilities are read file by file.

    The empty subset answers the most frequent class of the test split: the constant answer with the
    highest weighted F1.
    """
    n = len(results.predictions)
    answers = {subset: np.full(n, -1, np.int16) for subset in subsets("".join(MODALITIES))}
    start = 0
    for table in results.columns("predictions", ("modality_probabilities",)):
        heads = table["modality_probabilities"].combine_chunks()
        for key, cell in cells.items():
            rows = cell.rows[(cell.rows >= start) & (cell.rows < start + len(table))]
            if len(rows):
                shape = len(rows), len(key[2]), cell.n_classes
                flat = heads.take(pa.array(rows - start)).flatten().flatten().to_numpy()
                constant = int(np.bincount(cell.true).argmax())
                for subset, found in heads_answers(flat.reshape(shape), key[2], constant).items():
                    answers[subset][rows] = found
        start += len(table)
    return answers


def _probe_points(results: Results) -> dict[tuple[str, str], float]:
    """By dataset and modality: weighted F1 of the probe on the labelled test utterances, points.

    The probe is fitted on all of train. Without the corpora's utterances there are no labels.
    """
    if not len(results.utterance_difficulty):
        return {}
    scored = offline.with_emotion(results)
    scored = scored[(scored["split"] == "test") & scored["emotion"].notna()]
    return {
        (str(dataset), str(modality)): offline.probe_scores(rows)[0]
        for (dataset, modality), rows in scored.groupby(["dataset", "modality"], sort=False)
    }
