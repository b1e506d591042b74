"""Sequences of vectors, one for each step in time, pooled to one vector for each utterance."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from spcl.data.feature_files.values import rows, size, vector
from spcl.data.files.parsing import refuse_size
from spcl.data.problems import Problem
from spcl.errors import UserError
from spcl.tables.schemas import MODALITIES

_CHUNK = 2**22
"""Numbers that are pooled at a time; they are copied as float64."""

_NUMBER_BYTES = 16
"""What a number in a list counts as: the smallest Python object."""
_ITEM_BYTES = 1024
"""What a list in a list counts as, because reading it takes as long."""

BY_LENGTH = "the length of each clip"
BY_ZEROS = "rows of zeros at the start and the end"


@dataclass
class Pooled:
    """Sequences after pooling.

    Attributes
    ----------
    values
        (n, D) float32; a row of NaN where nothing could be pooled.
    rule
        What told the padding: `BY_LENGTH` or `BY_ZEROS`; empty if there are no steps in time.
    empty
        (n,) bool: sequences without a step.
    not_finite
        (n,) bool: sequences with steps, of which each has NaN or infinity.
    malformed
        Row -> what is wrong with its value.
    n_left_out
        The number of steps with NaN or infinity, which no mean contains.
    n_behind
        The number of sequences with something else than zeros behind their length.
    """

    values: np.ndarray
    rule: str
    empty: np.ndarray
    not_finite: np.ndarray
    malformed: dict[int, str] = field(default_factory=dict)
    n_left_out: int = 0
    n_behind: int = 0


def pooled(
    value: object, lengths: np.ndarray | None, pooling: str, path: Path, what: str
) -> Pooled:
    """Pool the sequences of one modality.

    Parameters
    ----------
    value
        n sequences: an array (n, S, D) with padding, or a list of arrays or lists (S_i, D), which
        has no padding if their lengths differ. The vectors of an array (n, D) or of a list of
        vectors are returned as they are.
    lengths
        (n,) the number of steps of each sequence before its padding; None if unknown.
    pooling
        ``mean``, or ``mean_std`` for mean and standard deviation, (n, 2 D).
    path, what
        The file and the name of the field, for messages.

    Raises
    ------
    UserError
        It has no numbers or another shape; the vectors differ in width; a list is too large.
    """
    if not isinstance(value, np.ndarray) or value.dtype.hasobject:
        return _of_list(rows(value), lengths, pooling, path, what)
    if value.dtype.kind not in "fiub" or value.ndim not in (2, 3) or value.shape[-1] == 0:
        found = f"{value.dtype} of shape {value.shape}"
        raise UserError(f"{path}: {what} is {found}; store numbers (n, steps, width) or (n, width)")
    return _vectors(value) if value.ndim == 2 else pool_padded(value, lengths, pooling)


def pool_padded(steps: np.ndarray, lengths: np.ndarray | None, pooling: str) -> Pooled:
    """Pool padded sequences over their true length.

    Without lengths, padding is what precedes the first and follows the last step that is not zero
    in all columns: some aligned files of MOSI and MOSEI have their padding at the start.

    Parameters
    ----------
    steps
        (n, S, D)
    lengths
        (n,) steps before the padding at the end, or None.
    pooling
        ``mean`` or ``mean_std``.
    """
    n, n_steps, width = steps.shape
    n_moments = 2 if pooling == "mean_std" else 1
    result = Pooled(
        np.full((n, n_moments * width), np.nan, np.float32),
        BY_ZEROS if lengths is None else BY_LENGTH,
        np.zeros(n, bool),
        np.zeros(n, bool),
    )
    place = np.arange(n_steps)
    n_rows = max(1, _CHUNK // max(1, n_steps * width))
    for start in range(0, n, n_rows):
        part = slice(start, start + n_rows)
        x = steps[part]  # (c, S, D)
        filled = (x != 0).any(2)  # (c, S); NaN is not zero
        if lengths is None:
            inside = np.logical_or.accumulate(filled, 1)
            inside &= np.logical_or.accumulate(filled[:, ::-1], 1)[:, ::-1]
        else:
            inside = place < lengths[part, None]
            result.n_behind += int((filled & ~inside).any(1).sum())
        used = inside & np.isfinite(x).all(2)
        result.n_left_out += int((inside & ~used).sum())
        result.empty[part] = ~inside.any(1)
        result.not_finite[part] = inside.any(1) & ~used.any(1)
        with np.errstate(over="ignore"):  # too large becomes infinite, later not observed
            result.values[part] = _moments(x, used, n_moments)
    return result


def _moments(x: np.ndarray, used: np.ndarray, n_moments: int) -> np.ndarray:
    """(c, n_moments * D): mean and deviation of the used steps of (c, S, D)."""
    kept = np.where(used[..., None], x, 0).astype(np.float64)
    with np.errstate(invalid="ignore"):  # without a step, 0 / 0 is NaN
        n_used = used.sum(1)[:, None]
        moments = [kept.sum(1) / n_used]
        if n_moments == 2:
            kept -= moments[0][:, None]
            kept *= used[..., None]
            moments.append(np.sqrt((kept * kept).sum(1) / n_used))
        return np.concatenate(moments, 1)


def joined(parts: Sequence[Pooled], path: Path, what: str) -> Pooled:
    """The sequences of several parts as one.

    Raises
    ------
    UserError
        The widths differ.
    """
    widths = sorted({part.values.shape[1] for part in parts})
    if len(widths) > 1:
        shown = " and ".join(map(str, widths))
        raise UserError(f"{path}: {what} has the widths {shown}; extract all in one way")
    malformed: dict[int, str] = {}
    start = 0
    for part in parts:
        malformed |= {start + row: why for row, why in part.malformed.items()}
        start += len(part.values)
    return Pooled(
        np.concatenate([part.values for part in parts]),
        " or ".join(dict.fromkeys(part.rule for part in parts if part.rule)),
        np.concatenate([part.empty for part in parts]),
        np.concatenate([part.not_finite for part in parts]),
        malformed,
        sum(part.n_left_out for part in parts),
        sum(part.n_behind for part in parts),
    )


def problems_of(
    found: Pooled, utterances: Sequence[str], m: str, pooling: str, file: str
) -> list[Problem]:
    """What told the padding, what was left out, and which utterances are not observed.

    Parameters
    ----------
    found
        The n sequences.
    utterances
        Their n utterance ids.
    m
        The modality: a, t or v.
    pooling
        As for `pooled`.
    file
        Where they are, see `spcl.data.problems.Problem`.
    """
    name = MODALITIES[m]
    problems = []
    if found.rule:
        how = "mean and deviation" if pooling == "mean_std" else "mean"
        reason = f"{name} is the {how} of its steps; {found.rule} told the padding"
        problems.append(Problem(file, None, m, "note", reason))
    if found.n_left_out:
        reason = f"{found.n_left_out} steps have NaN or infinity; left out of the {name} features"
        problems.append(Problem(file, None, m, "not_finite", reason))
    if found.n_behind:
        reason = f"{found.n_behind} clips have numbers behind their length; left out"
        problems.append(Problem(file, None, m, "note", reason))
    by_row = {int(row): ("empty", "no steps") for row in np.flatnonzero(found.empty)}
    reason = "every step has NaN or infinity"
    by_row |= {int(row): ("not_finite", reason) for row in np.flatnonzero(found.not_finite)}
    by_row |= {row: ("malformed", why) for row, why in found.malformed.items()}
    return problems + [Problem(file, utterances[row], m, *by_row[row]) for row in sorted(by_row)]


def _vectors(values: np.ndarray) -> Pooled:
    """Vectors (n, D), which have no steps."""
    with np.errstate(over="ignore"):  # too large becomes infinite, later not observed
        values = np.array(values, np.float32)
    return Pooled(values, "", np.zeros(len(values), bool), np.zeros(len(values), bool))


def _of_list(
    items: Sequence[object], lengths: np.ndarray | None, pooling: str, path: Path, what: str
) -> Pooled:
    """Pool a list of sequences or vectors."""
    found, malformed = _arrays(items, path)
    forms = sorted({(array.shape[-1], array.ndim) for array in found.values()})
    if len(forms) != 1:
        shown = ", ".join(
            f"{'steps' if n_axes == 2 else 'vectors'} of {width}" for width, n_axes in forms
        )
        first = next(iter(malformed.values()), "empty")
        raise UserError(f"{path}: {what} has {shown or f'no numbers ({first})'}; extract all alike")
    ((width, n_axes),) = forms
    if n_axes == 1:
        gap = np.full(width, np.nan, np.float32)
        result = _vectors(np.stack([found.get(row, gap) for row in range(len(items))]))
    else:
        ragged = len({len(array) for array in found.values()}) > 1
        gap = np.zeros((0, width), np.float32)
        parts = []
        for row in range(len(items)):
            array = found.get(row, gap)
            own = lengths[row : row + 1] if lengths is not None else None
            own = np.array([len(array)]) if ragged else own
            parts.append(pool_padded(array[None], own, pooling))
        result = joined(parts, path, what)
        result.empty[list(malformed)] = False
    result.malformed = malformed
    return result


def _arrays(items: Sequence[object], path: Path) -> tuple[dict[int, np.ndarray], dict[int, str]]:
    """The arrays of a list by row, and what is wrong with other rows.

    A small pickle can refer to the same list many times, so what is read is counted.
    """
    found: dict[int, np.ndarray] = {}
    malformed: dict[int, str] = {}
    n_bytes = 0
    for row, item in enumerate(items):
        n_bytes += _ITEM_BYTES
        try:
            if isinstance(item, np.ndarray) and not item.dtype.hasobject and item.ndim == 2:
                found[row] = item
                if item.dtype.kind not in "fiub" or item.shape[1] == 0:
                    raise ValueError("not vectors of numbers")
                n_bytes += 4 * item.size
            elif (inner := rows(item)) and isinstance(inner[0], list | tuple | np.ndarray):
                for step in inner:
                    n_bytes += _ITEM_BYTES + _NUMBER_BYTES * size(step)
                    refuse_size(path, n_bytes)
                found[row] = np.stack([vector(step) for step in inner])
            else:
                n_bytes += _NUMBER_BYTES * size(item)
                refuse_size(path, n_bytes)
                found[row] = vector(item)
        except ValueError as error:
            found.pop(row, None)
            malformed[row] = str(error)
        refuse_size(path, n_bytes)
    return found, malformed
