"""Weighted F1 on the test split with missing modalities and with noise.

A summary of each perturbation is one number, on the scale of weighted F1:

- modality missing: the mean over the modalities of the cell, each missing alone;
- utterances missing, dialogues missing: the mean over the share from 0 to the largest, which is the
  area under the curve divided by its width (trapezoidal rule);
- noise: the same over the standard deviations, averaged over the modalities.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from spcl.report.analysis import statistics
from spcl.report.analysis.resampled import ResampledScore, resample_weighted_f1, weighted_sum
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import CellKey, by_cell, coded_answers
from spcl.report.analysis.statistics import Tally
from spcl.tables.schemas import CELL_KEY

PERTURBATIONS = {
    "modality_missing": "one modality missing",
    "utterances_missing": "modalities missing in a share of the utterances",
    "dialogues_missing": "modalities missing in a share of the dialogues",
    "noise": "noise on the features of one modality",
}
"""In words, in the order of the table."""

_Row = tuple[str, str, float]
_ROW = ["perturbation", "modality", "level"]
_CLEAN = ("", "", 0.0)


@dataclass(frozen=True)
class PerturbedScores:
    """The scores of one cell.

    Attributes
    ----------
    modalities
        Of the cell.
    clean
        Without a perturbation.
    at
        By perturbation, perturbed modalities and level.
    """

    modalities: str
    clean: ResampledScore
    at: dict[_Row, ResampledScore]

    def curve(self, perturbation: str, modality: str) -> dict[float, ResampledScore]:
        """The score by level, from 0 (clean) on."""
        found = {
            key[2]: score for key, score in self.at.items() if key[:2] == (perturbation, modality)
        }
        return {0.0: self.clean} | dict(sorted(found.items()))

    def mean(self, perturbation: str, modality: str) -> ResampledScore:
        """The mean over the levels from 0 to the largest."""
        by_level = self.curve(perturbation, modality)
        level = np.array(list(by_level))
        width = np.diff(level) / np.ptp(level)
        weights = (np.r_[width, 0] + np.r_[0, width]) / 2
        return weighted_sum(weights.tolist(), list(by_level.values()))

    def summary(self, perturbation: str) -> ResampledScore | None:
        """One score for a perturbation, see the module; None if it was not tried."""
        tried = dict.fromkeys(m for name, m, _ in self.at if name == perturbation)
        if perturbation == "modality_missing":
            single = [m for m in tried if len(m) == 1 < len(self.modalities)]
            scores = [self.at[perturbation, m, 1.0] for m in single]
        else:
            scores = [self.mean(perturbation, m) for m in tried]
        return weighted_sum([1 / len(scores)] * len(scores), scores) if scores else None

    def drop(self, perturbation: str) -> ResampledScore | None:
        """The clean score minus the summary."""
        summary = self.summary(perturbation)
        return summary and weighted_sum([1.0, -1.0], [self.clean, summary])


def perturbed_scores(results: Results) -> dict[CellKey, PerturbedScores]:
    """The scores of every cell whose robustness was given, in the order of the config.

    Without predictions there are no resamples, and so no intervals.
    """
    metrics = results.metrics
    clean = {
        key: 100 * rows.set_index("seed")["weighted_f1"].sort_index()
        for key, rows in by_cell(metrics[metrics["split"] == "test"])
    }
    points: dict[CellKey, dict[_Row, pd.Series]] = {}
    for key, rows in by_cell(results.robustness):
        if key in clean:
            points[key] = {_CLEAN: clean[key]}
            by_seed = rows.set_index("seed")
            for row, of_row in by_seed.groupby(_ROW, observed=True, sort=False):
                points[key][cast(_Row, row)] = 100 * of_row["weighted_f1"].sort_index()
    tallies = dict(_tallies(results, points))
    found = {}
    for key, by_perturbation in points.items():
        scores = _resample(by_perturbation, tallies.get(key))
        found[key] = PerturbedScores(key[2], scores.pop(_CLEAN), scores)
    return found


def _resample(points: dict[_Row, pd.Series], tally: Tally | None) -> dict[_Row, ResampledScore]:
    """Resample all perturbations of a cell at once; `tally` is one of `_tallies`."""
    if tally is None:
        return {key: ResampledScore(series, None, 0) for key, series in points.items()}
    every = resample_weighted_f1(pd.Series(dtype=float), tally)
    assert every.resampled is not None
    seeds = points[_CLEAN].index
    by_perturbation = np.split(every.resampled.to_numpy(), len(points), axis=1)
    return {
        key: ResampledScore(series, pd.DataFrame(part, columns=seeds), every.n_dialogues)
        for (key, series), part in zip(points.items(), by_perturbation, strict=True)
    }


def _tallies(
    results: Results, points: dict[CellKey, dict[_Row, pd.Series]]
) -> Iterator[tuple[CellKey, Tally]]:
    """Count the answers of each cell under all its perturbations.

    The seed number k S + s of a tally stands for perturbation k, in the order of `points`, and the
    s-th of S seeds. A cell whose perturbations do not have the same seeds is left out.
    """
    predicted = dict(_answers(results))
    test = results.predictions[results.predictions["split"] == "test"]
    place = test.groupby([*CELL_KEY, "seed"], observed=True).cumcount()
    for key, coded, n_dialogues, n_classes in coded_answers(results.predictions, results.labels):
        if key not in points or len(points[key]) == 1:
            continue
        seeds = points[key][_CLEAN].index
        of_cell = predicted[key]
        if not all(series.index.equals(seeds) for series in points[key].values()):
            continue
        s = seeds.get_indexer(pd.Index(coded["seed"]))
        if (s < 0).any() or len(np.unique(s)) < len(seeds):
            continue
        places = place[coded.index].to_numpy()
        answers = [coded["answer"].to_numpy()]
        for perturbation in list(points[key])[1:]:
            by_seed = np.stack([of_cell[(*perturbation, seed)] for seed in seeds])
            answers.append(by_seed[s, places])
        k = np.repeat(np.arange(len(answers)), len(s))
        yield (
            key,
            statistics.tally(
                k * len(seeds) + np.tile(s, len(answers)),
                np.tile(coded["dialogue"].to_numpy(), len(answers)),
                np.tile(coded["true"].to_numpy(), len(answers)),
                np.concatenate(answers).astype(np.int64),
                n_dialogues=n_dialogues,
                n_classes=n_classes,
            ),
        )


def _answers(results: Results) -> Iterator[tuple[CellKey, dict[tuple[object, ...], np.ndarray]]]:
    """By cell: the classes of its test utterances by perturbation, modality, level and seed."""
    for table in results.columns("robustness", [*CELL_KEY, *_ROW, "seed", "predicted"]):
        for key, rows in by_cell(table.to_pandas()):
            yield (
                key,
                {
                    tuple(of): answers
                    for *of, answers in rows[[*_ROW, "seed", "predicted"]].itertuples(index=False)
                },
            )
