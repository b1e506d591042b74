"""The candidates of a tuning: pure functions of the config's settings and the search space."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spcl.study.tuning import Candidate

_OVERSAMPLING = 64
"""Points of the sample for each trial: lists and whole numbers give some candidates repeatedly."""


def candidates(
    settings: Mapping[str, Any],
    space: Mapping[str, Mapping[str, Any]],
    *,
    trials: int,
    sample_seed: int = 0,
) -> list[Candidate]:
    """List at most `trials` different candidates.

    The first one is the config's. If `space` consists of lists and all their combinations fit into
    the budget, they follow. Otherwise a scrambled Halton sample of the space follows. Its first
    coordinates do not depend on the number of settings: all curricula of a baseline try the same
    settings of this baseline, in the same order. A larger budget continues the sample.

    Parameters
    ----------
    settings
        Of the config, by part, as `spcl.study.grid.cell_settings` returns them.
    space
        See `spcl.study.tuning.search_space`.
    trials
        The budget of a cell.
    sample_seed
        Scrambles the sample.
    """
    axes = {(part, key): values for part in space for key, values in space[part].items()}
    first = {
        part: {key: settings[part][key] for key in space[part] if key in settings[part]}
        for part in space
    }
    found: list[Candidate] = [first]
    for values in _points(list(axes.values()), trials, sample_seed):
        candidate: Candidate = {part: {} for part in space}
        for (part, key), value in zip(axes, values, strict=True):
            candidate[part][key] = value
        if candidate not in found:
            found.append(candidate)
        if len(found) == trials:
            break
    return found


def _points(axes: Sequence[Any], trials: int, sample_seed: int) -> Iterator[tuple[Any, ...]]:
    """Combinations of values: the full grid if it fits next to the config's, else a sample."""
    if not axes:
        return
    lists = [values for values in axes if isinstance(values, list)]
    if len(lists) == len(axes) and math.prod(map(len, lists)) < trials:
        yield from itertools.product(*lists)
        return
    from scipy.stats import qmc  # takes a second to import

    # The first points of a Sobol sequence would be worse: among eight of them in four dimensions,
    # there are always two lists of two values that change only together.
    for point in qmc.Halton(len(axes), rng=sample_seed).random(_OVERSAMPLING * trials):
        yield tuple(_value(values, u) for values, u in zip(axes, point, strict=True))


def _value(values: Any, u: float) -> Any:
    """The value at the share `u` of a list or range: three digits, or a whole number."""
    if isinstance(values, list):
        return values[int(u * len(values))]
    low, high = values["low"], values["high"]
    value = low * (high / low) ** u if values["scale"] == "log" else low + (high - low) * u
    whole = isinstance(low, int) and isinstance(high, int)
    return min(max(round(value) if whole else float(f"{value:.3g}"), low), high)
