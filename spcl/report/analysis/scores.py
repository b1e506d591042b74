"""Scores of every cell on the test split by seed, and intervals and tests of differences."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spcl.report.analysis import statistics
from spcl.report.analysis.results import Results
from spcl.report.analysis.statistics import MeanVariance, Tally
from spcl.tables.schemas import CELL_KEY

CellKey = tuple[str, ...]
"""Dataset, baseline, modalities, curriculum."""

NONE = "none"
"""The curriculum that the others are compared with."""

SPCL = "spcl"
"""The curriculum of the project."""


@dataclass(frozen=True)
class Gain:
    """A paired difference in weighted F1, in points.

    Attributes
    ----------
    n_seeds
        Seeds that both cells have.
    mean, sd
        Over these seeds; sd is NaN with one.
    low, high
        95 % bootstrap interval over dialogues and seeds; NaN without predictions, and below
        `statistics.FEWEST_DIALOGUES`.
    p, test
        Two-sided p-value and ``wilcoxon`` or ``permutation``; NaN and empty with one seed.
    """

    n_seeds: int = 0
    mean: float = math.nan
    sd: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    test: str = ""

    def columns(self, name: str) -> dict[str, float]:
        """The columns of `spcl.report.columns.estimate`."""
        return {
            name: self.mean,
            f"{name}_sd": self.sd,
            f"{name}_low": self.low,
            f"{name}_high": self.high,
        }


class TestScores:
    """Weighted F1 on the test split of every cell.

    Parameters
    ----------
    results
        Its metrics are needed; without predictions there are no intervals and, below
        `statistics.WILCOXON_SEEDS` seeds, no tests.

    Attributes
    ----------
    points : dict
        By cell: a series of weighted F1 in points by seed, in the order of the metrics.
    """

    __test__ = False  # pytest must not collect it

    def __init__(self, results: Results) -> None:
        metrics = results.metrics
        test = metrics[metrics["split"] == "test"]
        self.points: dict[CellKey, pd.Series] = {
            key: 100 * rows.set_index("seed")["weighted_f1"].sort_index()
            for key, rows in by_cell(test)
        }
        self._tallies = dict(tallies(results.predictions, results.labels))
        self._resampled: dict[CellKey, np.ndarray] = {}

    def interval(self, cell: CellKey) -> tuple[float, float]:
        """95 % bootstrap interval of the cell's mean over seeds, in points; NaN if unknown."""
        if cell not in self._tallies:
            return math.nan, math.nan
        observed = 100 * statistics.weighted_f1(self._tallies[cell].counts.sum(1))
        return statistics.bootstrap_interval(
            observed,
            100 * self._scores(cell),
            self.n_dialogues(cell),
            within=statistics.SCORES,
        )

    def n_dialogues(self, cell: CellKey) -> int:
        """Test dialogues with a label; 0 without predictions."""
        found = self._tallies.get(cell)
        return 0 if found is None else int((found.counts[0, :, 2].sum(-1) > 0).sum())

    def gain(self, cell: CellKey, base: CellKey, *, test: bool = True) -> Gain:
        """The score of `cell` minus that of `base`, paired by seed; `test` = with a p-value."""
        return self.pooled([(cell, base)], test=test)

    def by_dataset(self, curriculum: str) -> dict[str, list[CellKey]]:
        """By dataset, the cells of a curriculum."""
        found: dict[str, list[CellKey]] = {}
        for cell in self.points:
            if cell[3] == curriculum:
                found.setdefault(cell[0], []).append(cell)
        return found

    def pairs(self, cells: Iterable[CellKey], base: str) -> list[tuple[CellKey, CellKey]]:
        """Each cell with that of the curriculum `base`, where there is such another cell."""
        both = [(cell, (*cell[:3], base)) for cell in cells if cell[3] != base]
        return [(cell, other) for cell, other in both if other in self.points]

    def pooled(
        self,
        pairs: Sequence[tuple[CellKey, CellKey]],
        *,
        over: int | None = None,
        test: bool = True,
    ) -> Gain:
        """Mean over `pairs` of one dataset of the first cell's score minus the second's.

        Dialogues, and seeds, are resampled for all pairs at once; in a permutation a dialogue swaps
        its two systems in all pairs at once. Only seeds that every cell has count.

        Parameters
        ----------
        pairs
            Every cell should exist; if one is missing, the gain is empty.
        over
            Divisor of the sum over the pairs; None = their number.
        test
            With a p-value.
        """
        if not pairs or not all(cell in self.points for pair in pairs for cell in pair):
            return Gain()
        share = 1 / (over or len(pairs))
        differences, resampled = self._differences(pairs, share)
        seeds = differences.index.to_numpy()
        if len(seeds) == 0:
            return Gain()
        counts = [self._paired(cell, base, seeds) for cell, base in pairs]
        known = [pair for pair in counts if pair is not None]
        low = high = p = math.nan
        named = ""
        if resampled is not None:
            low, high = statistics.bootstrap_interval(
                differences.to_numpy(),
                resampled,
                self.n_dialogues(pairs[0][0]),
                within=statistics.DIFFERENCES,
            )
        if test and len(seeds) >= statistics.WILCOXON_SEEDS:
            p, named = statistics.wilcoxon_p(differences.to_numpy()), "wilcoxon"
        elif test and len(seeds) > 1 and len(known) == len(pairs):
            permuted = np.sum([statistics.permuted(*both) for both in known], axis=0)
            p, named = statistics.share_as_extreme(permuted), "permutation"
        sd = float(differences.std()) if len(seeds) > 1 else math.nan
        return Gain(len(seeds), float(differences.mean()), sd, low, high, p, named)

    def variance(self, cell: CellKey, base: CellKey) -> MeanVariance | None:
        """Variance of `gain` in points squared, as its interval has it; None without interval."""
        if cell not in self.points or base not in self.points:
            return None
        differences, resampled = self._differences([(cell, base)], 1.0)
        n_dialogues = self.n_dialogues(cell)
        if resampled is None or n_dialogues < statistics.FEWEST_DIALOGUES:
            return None
        return statistics.mean_variance(differences.to_numpy(), resampled, n_dialogues)

    def _differences(
        self, pairs: Sequence[tuple[CellKey, CellKey]], share: float
    ) -> tuple[pd.Series, np.ndarray | None]:
        """`share` of the sum over `pairs` of the differences in points.

        By seed that all cells have, and (B, S) in resamples; None where predictions are missing.
        """
        by_pair = [self.points[cell] - self.points[base] for cell, base in pairs]
        differences = share * pd.concat(by_pair, axis=1).sum(axis=1, skipna=False).dropna()
        seeds = differences.index.to_numpy()
        if len(seeds) == 0 or any(self._paired(*pair, seeds) is None for pair in pairs):
            return differences, None
        resampled = share * np.sum(
            [self._of(cell, seeds) - self._of(base, seeds) for cell, base in pairs], axis=0
        )
        return differences, 100 * resampled

    def _of(self, cell: CellKey, seeds: np.ndarray) -> np.ndarray:
        """(B, S) weighted F1 of a cell for `seeds`, 0..1."""
        return self._scores(cell)[:, np.searchsorted(self._tallies[cell].seeds, seeds)]

    def _scores(self, cell: CellKey) -> np.ndarray:
        """(B, S) weighted F1 of a cell, 0..1; computed once."""
        if cell not in self._resampled:
            self._resampled[cell] = statistics.bootstrap_scores(self._tallies[cell])
        return self._resampled[cell]

    def _paired(
        self, cell: CellKey, base: CellKey, seeds: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Counts of `base` and `cell` for `seeds`; None where predictions of one are missing."""
        counts = []
        for key in (base, cell):
            found = self._tallies.get(key)
            if found is None or not np.isin(seeds, found.seeds).all():
                return None
            counts.append(found.counts[np.searchsorted(found.seeds, seeds)])
        return counts[0], counts[1]


def shown_beside_none(curricula: Iterable[str]) -> str:
    """The one curriculum that a figure compares with none: spcl, else the first; may be empty."""
    rivals = [name for name in dict.fromkeys(curricula) if name != NONE]
    return "spcl" if "spcl" in rivals else "".join(rivals[:1])


def by_cell(frame: pd.DataFrame) -> Iterator[tuple[CellKey, pd.DataFrame]]:
    """The rows of every cell, in the order of the config."""
    if len(frame):
        for key, rows in frame.groupby(list(CELL_KEY), observed=True, sort=True):
            yield tuple(str(part) for part in key), rows


@dataclass(frozen=True)
class CodedCell:
    """The labelled test rows of a cell's predictions as numbers.

    Attributes
    ----------
    rows : (N,)
        Their places in the frame of the predictions.
    seed, dialogue, true, predicted : (N,) int
        Cells of a dataset share the numbers of dialogues. Classes have the order of its labels.
    n_dialogues, n_classes
        Of the dataset.
    """

    rows: np.ndarray
    seed: np.ndarray
    dialogue: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    n_dialogues: int
    n_classes: int

    def tally(self, answers: np.ndarray) -> Tally:
        """Count (N,) answers to these rows; -1 = not answered, not counted."""
        return statistics.tally(
            self.seed,
            self.dialogue,
            np.where(answers < 0, -1, self.true),
            answers,
            n_dialogues=self.n_dialogues,
            n_classes=self.n_classes,
        )


def coded_cells(
    predictions: pd.DataFrame, labels: dict[str, list[str]]
) -> Iterator[tuple[CellKey, CodedCell]]:
    """The test predictions of every cell as numbers; classes by the dataset's `labels`."""
    if not len(predictions):
        return
    tested = (predictions["split"] == "test") & predictions["emotion"].notna()
    test = predictions[tested].assign(rows=np.flatnonzero(tested))
    for dataset, rows in test.groupby("dataset", observed=True):
        emotions = pd.Index(labels[str(dataset)])
        coded = rows.assign(
            dialogue=pd.factorize(rows["dialogue_id"])[0],
            true=_codes(rows["emotion"], emotions),
            predicted=_codes(rows["predicted"], emotions),
        )
        n_dialogues = int(coded["dialogue"].max()) + 1
        for key, of_cell in by_cell(coded):
            names = ("rows", "seed", "dialogue", "true", "predicted")
            columns = {name: of_cell[name].to_numpy() for name in names}
            yield key, CodedCell(**columns, n_dialogues=n_dialogues, n_classes=len(emotions))


def tallies(
    predictions: pd.DataFrame, labels: dict[str, list[str]]
) -> Iterator[tuple[CellKey, Tally]]:
    """Count every cell's test predictions; see `coded_cells`."""
    for key, cell in coded_cells(predictions, labels):
        yield key, cell.tally(cell.predicted)


def _codes(column: pd.Series, emotions: pd.Index) -> np.ndarray:
    """The place of each value of a categorical in `emotions`."""
    place = emotions.get_indexer(pd.Index(column.cat.categories))
    return place[column.cat.codes.to_numpy()]


def over_seeds(values: pd.Series) -> tuple[float, float]:
    """Mean and standard deviation (by S - 1; NaN with one seed)."""
    return float(values.mean()), float(values.std()) if len(values) > 1 else math.nan
