"""Weighted F1 on the test split with missing modalities and with noise.

A summary of each perturbation is one number, on the scale of weighted F1:

- modality missing: the mean over the modalities of the cell, each missing alone;
- utterances missing, dialogues missing: the mean over the share from 0 to the largest, which is the
  area under the curve divided by its width (trapezoidal rule);
- noise: the same over the standard deviations, averaged over the modalities.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pandas as pd

from spcl.report.analysis.resampled import Pairs, ResampledScore, resample_counted, weighted_sum
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import CellKey, by_cell, coded_cells
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
        return weighted_sum(zip(weights, by_level.values(), strict=True))

    def summary(self, perturbation: str) -> ResampledScore | None:
        """One score for a perturbation, see the module; None if it was not tried."""
        tried = dict.fromkeys(m for name, m, _ in self.at if name == perturbation)
        if perturbation == "modality_missing":
            single = [m for m in tried if len(m) == 1 < len(self.modalities)]
            scores = [self.at[perturbation, m, 1.0] for m in single]
        else:
            scores = [self.mean(perturbation, m) for m in tried]
        return weighted_sum((1 / len(scores), one) for one in scores) if scores else None

    def drop(self, perturbation: str | None = None) -> ResampledScore | None:
        """The clean score minus the summary of a perturbation; None = minus their mean."""
        chosen = [perturbation] if perturbation else PERTURBATIONS
        tried = [one for one in map(self.summary, chosen) if one]
        if not tried:
            return None
        return weighted_sum([(1.0, self.clean), *((-1 / len(tried), one) for one in tried)])


def perturbed_scores(
    results: Results, perturbations: Collection[str] = tuple(PERTURBATIONS)
) -> dict[CellKey, PerturbedScores]:
    """The scores of every cell whose robustness was given, in the order of the config.

    Without predictions there are no resamples, and so no intervals.

    Parameters
    ----------
    results
        Its metrics, robustness and predictions.
    perturbations
        Those to read.
    """
    metrics = results.metrics
    clean = {
        key: 100 * rows.set_index("seed")["weighted_f1"].sort_index()
        for key, rows in by_cell(metrics[metrics["split"] == "test"])
    }
    read = results.robustness[results.robustness["perturbation"].isin(perturbations)]
    points: dict[CellKey, dict[_Row, pd.Series]] = {}
    for key, rows in by_cell(read):
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


def drops(
    scores: Mapping[CellKey, PerturbedScores],
    pairs: Iterable[tuple[CellKey, CellKey]],
    perturbation: str | None = None,
) -> Pairs:
    """The drops of pairs of cells, where both are known; see `PerturbedScores.drop`."""
    known = [pair for pair in pairs if scores.keys() >= set(pair)]
    both = [[scores[cell].drop(perturbation) for cell in pair] for pair in known]
    return [(one, other) for one, other in both if one and other]


def _resample(points: dict[_Row, pd.Series], tally: Tally | None) -> dict[_Row, ResampledScore]:
    """Resample all perturbations of a cell at once; `tally` is one of `_tallies`."""
    if tally is None:
        return {row: ResampledScore(series, None, 0) for row, series in points.items()}
    every = resample_counted(tally)
    assert every.resampled is not None
    seeds = points[_CLEAN].index
    by_perturbation = np.split(every.resampled.to_numpy(), len(points), axis=1)
    return {
        row: ResampledScore(series, pd.DataFrame(part, columns=seeds), every.n_dialogues)
        for (row, series), part in zip(points.items(), by_perturbation, strict=True)
    }


def _tallies(
    results: Results, points: dict[CellKey, dict[_Row, pd.Series]]
) -> Iterator[tuple[CellKey, Tally]]:
    """Count the answers of each cell under all its perturbations.

    The seed k S + s of a tally stands for perturbation k, in the order of `points`, and the s-th of
    S seeds. A cell whose perturbations or predictions lack a seed is left out.
    """
    predicted = dict(_answers(results))
    test = results.predictions[(results.predictions["split"] == "test").to_numpy()]
    place = np.zeros(len(results.predictions), np.int64)
    place[test.index] = test.groupby([*CELL_KEY, "seed"], observed=True).cumcount()
    for key, cell in coded_cells(results.predictions, results.labels):
        if key not in points:
            continue
        seeds = points[key][_CLEAN].index
        s = seeds.get_indexer(pd.Index(cell.seed))
        complete = all(series.index.equals(seeds) for series in points[key].values())
        if not complete or set(s) != set(range(len(seeds))):
            continue
        answers = [cell.predicted]
        for row in list(points[key])[1:]:
            by_seed = np.stack([predicted[key][(*row, seed)] for seed in seeds])
            answers.append(by_seed[s, place[cell.rows]])
        n = len(answers)
        repeated = replace(
            cell,
            seed=np.repeat(np.arange(n), len(s)) * len(seeds) + np.tile(s, n),
            dialogue=np.tile(cell.dialogue, n),
            true=np.tile(cell.true, n),
        )
        yield key, repeated.tally(np.concatenate(answers).astype(np.int64))


def _answers(results: Results) -> Iterator[tuple[CellKey, dict[tuple[object, ...], np.ndarray]]]:
    """By cell: the classes of its test utterances by perturbation, modality, level and seed."""
    columns = [*_ROW, "seed", "predicted"]
    for table in results.columns("robustness", [*CELL_KEY, *columns]):
        for key, rows in by_cell(table.to_pandas()):
            answers = rows[columns].itertuples(index=False)
            yield key, {tuple(of): predicted for *of, predicted in answers}
