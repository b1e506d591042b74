"""Single values of a feature file (bytes, numbers, lists or arrays) as plain Python values.

No function iterates over a value of unknown type: a few bytes of a pickle can stand for lists of
any size.
"""

import math
import re
from collections.abc import Iterable, Sequence, Set
from numbers import Integral, Real
from typing import Any

import numpy as np

from spcl.data.emotions.classes import Class

UNLABELLED = -1
"""The number that means no label, as None does."""

MAX_CLASS = 2**16
"""The highest number of a class. Large numbers can be chosen so that a set of them is slow."""

LOWEST_SCORE = -3

MAX_ONE_HOT = 64
"""The longest one-hot vector of a speaker."""

_NUMBER = (Real, np.bool_, type(None))


class NoVectorError(ValueError):
    """There is no vector, or an empty one."""


def rows(value: object) -> Sequence[Any]:
    """The N_i values of a dialogue, or the numbers of a vector; empty for anything else."""
    if isinstance(value, np.ndarray) and value.ndim:
        return list(value)
    return value if isinstance(value, list | tuple) else ()


def lists_ids(value: object) -> bool:
    """Whether it can be the list of dialogue ids of a split."""
    if isinstance(value, np.ndarray):
        return value.ndim == 1
    return isinstance(value, list | tuple | Set | range)


def size(value: object) -> int:
    """The number of its elements, without those of nested lists."""
    if isinstance(value, np.ndarray):
        return value.size
    return len(value) if isinstance(value, list | tuple) else 1


def identifier(value: object) -> str | None:
    """An id as text; None if the value is not an id."""
    if isinstance(value, str | bytes):
        return _decoded(value).strip()
    return str(int(value)) if isinstance(value, Integral) else None


def naturally_sorted(names: Iterable[str]) -> list[str]:
    """Sorted with the numbers in them by size: dia2 comes before dia10."""
    return sorted(names, key=_natural_key)


def speaker(value: object) -> str | None:
    """The speaker's name or number; of a one-hot vector, the position of the one."""
    if isinstance(value, np.ndarray) and not value.ndim:
        value = value[()]
    if isinstance(value, list | tuple | np.ndarray):
        flags = rows(value[: MAX_ONE_HOT + 1])
        if len(flags) > MAX_ONE_HOT or not all(isinstance(flag, _NUMBER) for flag in flags):
            return None
        places = [place for place, flag in enumerate(flags) if flag]
        return str(places[0]) if len(places) == 1 else None
    whole = _whole(value)
    return identifier(value if whole is None else whole) or None


def class_of(value: object) -> Class | None:
    """A label as a number, or as a name with leading and trailing blanks; None = unlabelled.

    Raises
    ------
    ValueError
        It is neither.
    """
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    if isinstance(value, str | bytes):
        name = _decoded(value)
        return name if name.strip() else None
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return None
    whole = _whole(value)
    if whole is None:
        raise ValueError(f"of type {type(value).__name__}")
    if not -MAX_CLASS < whole < MAX_CLASS:
        raise ValueError("that is a number outside the range of classes")
    return None if whole == UNLABELLED else whole


def score(value: object) -> float | None:
    """A sentiment score; None = unlabelled.

    Raises
    ------
    ValueError
        It is not a number.
    """
    if isinstance(value, list | tuple | np.ndarray) and size(value) == 1:
        value = value.reshape(-1)[0] if isinstance(value, np.ndarray) else value[0]
    if value is None:
        return None
    if not isinstance(value, Real):
        raise ValueError(f"of type {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("that is too large a number") from None
    return None if math.isnan(number) else number


def is_score(value: object) -> bool:
    """Whether it can be a sentiment score and no class: from -3 to 0, and not -1 (unlabelled)."""
    try:
        number = score(value)
    except ValueError:
        return False
    return number is not None and number != UNLABELLED and LOWEST_SCORE <= number < 0


def text(value: object) -> str:
    """A transcript; a list of words is joined."""
    if isinstance(value, list | tuple):
        return " ".join(word for word in map(identifier, value) if word)
    return identifier(value) or ""


def vector(value: Any) -> np.ndarray:
    """(D,) float32; infinite where a number is too large for float32.

    Raises
    ------
    NoVectorError
        There is none.
    ValueError
        It is not a vector of numbers.
    """
    if isinstance(value, np.ndarray) and not value.ndim:
        raise ValueError("not a vector of numbers")
    if isinstance(value, list | tuple | np.ndarray) and len(value) == 1:
        value = value[0] if isinstance(value[0], list | tuple | np.ndarray) else value
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        value = rows(value)
    if isinstance(value, list | tuple):
        if not all(issubclass(kind, _NUMBER) for kind in set(map(type, value))):
            raise ValueError("not a vector of numbers")
        try:
            value = np.array(value, np.float64)
        except OverflowError:
            raise ValueError("not a vector of numbers") from None
    if value is None or (isinstance(value, np.ndarray) and value.size == 0):
        raise NoVectorError("no vector")
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "fiub":
        raise ValueError("not a vector of numbers")
    with np.errstate(over="ignore"):
        return np.asarray(value, np.float32)


def _whole(value: object) -> int | None:
    """A whole number, also if it is stored as a float; None for anything else."""
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return int(value)
    return None


def _natural_key(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(len(part) if place % 2 else 0, part) for place, part in enumerate(parts)]


def _decoded(name: str | bytes) -> str:
    """Text without lone surrogates, which no file can store."""
    if isinstance(name, bytes):
        name = name.decode("latin-1")
    return name if name.isascii() else name.encode("utf-8", "replace").decode("utf-8")
