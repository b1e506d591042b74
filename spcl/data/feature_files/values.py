"""Single values of a feature file, which may be bytes, numbers, lists or arrays, as plain ones.

Nothing here walks into what it does not know: in a pickle a few bytes may stand for lists of any
size.
"""

import re
from collections.abc import Iterable, Sequence, Set
from numbers import Integral, Real
from typing import Any

import numpy as np

from spcl.data.emotions.classes import Class

UNLABELLED = -1
"""The number that stands for no label; so does None."""

MAX_CLASS = 2**16
"""The highest number of a class. Many large numbers can be chosen that cost a set much time."""

MAX_ONE_HOT = 64
"""Of a speaker's one-hot vector, the longest."""

_NUMBER = (Real, np.bool_, type(None))


def rows(value: object) -> Sequence[Any]:
    """The N_i values of a dialogue, or the numbers of a vector; empty where there are none."""
    if isinstance(value, np.ndarray) and value.ndim:
        return list(value)
    return value if isinstance(value, list | tuple) else ()


def lists_ids(value: object) -> bool:
    """Whether it may be the list of a split's dialogues."""
    if isinstance(value, np.ndarray):
        return value.ndim == 1
    return isinstance(value, list | tuple | Set | range)


def size(value: object) -> int:
    """How many elements it has, those of lists inside it not counted."""
    if isinstance(value, np.ndarray):
        return value.size
    return len(value) if isinstance(value, list | tuple) else 1


def identifier(value: object) -> str | None:
    """An id as text; None if it is none."""
    if isinstance(value, str | bytes):
        return _decoded(value).strip()
    return str(int(value)) if isinstance(value, Integral) else None


def in_order(names: Iterable[str]) -> list[str]:
    """Sorted, the numbers in them by size: dia2 comes before dia10."""
    return sorted(names, key=_by_size)


def speaker(value: object) -> str | None:
    """A speaker's name or place in the dialogue; of a one-hot vector, the place of the one."""
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
    """A label as a number, or as a name with the blanks at its ends; None = unlabelled.

    Raises
    ------
    ValueError
        It is neither; the message says what it is.
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
        raise ValueError("that is a number far too large")
    return None if whole == UNLABELLED else whole


def text(value: object) -> str:
    """A transcript; words in a list are joined."""
    if isinstance(value, list | tuple):
        return " ".join(word for word in map(identifier, value) if word)
    return identifier(value) or ""


def vector(value: Any) -> np.ndarray:
    """(D,) float32; infinite where a number is too large for that.

    Raises
    ------
    ValueError
        It is none; the message says so.
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
        raise ValueError("no vector")
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "fiub":
        raise ValueError("not a vector of numbers")
    with np.errstate(over="ignore"):
        return np.asarray(value, np.float32)


def _whole(value: object) -> int | None:
    """A number without a fraction, also where it is stored as a float."""
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return int(value)
    return None


def _by_size(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(len(part) if place % 2 else 0, part) for place, part in enumerate(parts)]


def _decoded(name: str | bytes) -> str:
    """Text without half characters, which no file can hold."""
    if isinstance(name, bytes):
        name = name.decode("latin-1")
    return name if name.isascii() else name.encode("utf-8", "replace").decode("utf-8")
