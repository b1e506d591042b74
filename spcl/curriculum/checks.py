"""Checks of the settings of training strategies."""

import math
from typing import Any, get_args


def check_choice(name: str, value: str, known: Any) -> None:
    """Refuse a `value` that is not one of the `Literal` `known`.

    Raises
    ------
    ValueError
        The message names the choices.
    """
    if value not in get_args(known):
        raise ValueError(f"{name}: '{value}' is unknown; choose {' or '.join(get_args(known))}")


def check_switch(name: str, value: bool) -> None:
    """Refuse a `value` that is not a boolean.

    Raises
    ------
    ValueError
        `value` is something else, for example a quoted word.
    """
    if not isinstance(value, bool):
        raise ValueError(f"{name}: {value!r} is unknown; choose true or false")


def check_share(name: str, value: float) -> None:
    """Refuse a `value` that is not above 0 and at most 1.

    Raises
    ------
    ValueError
        `value` is out of range.
    """
    if not 0 < value <= 1:
        raise ValueError(f"{name}: {value} is out of range; choose a share above 0 and up to 1")


def check_number(
    name: str, value: float, *, most: float = math.inf, below: float = math.inf
) -> None:
    """Refuse a `value` that is negative, above `most`, or not below `below`.

    Raises
    ------
    ValueError
        `value` is out of range, or not a number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name}: {value!r} is not a number")
    if not (0 <= value <= most and value < below):
        limit = "" if math.isinf(min(most, below)) else f" and {_limit(most, below)}"
        raise ValueError(f"{name}: {value} is out of range; choose at least 0{limit}")


def _limit(most: float, below: float) -> str:
    return f"at most {most}" if most < below else f"below {below}"


def check_count(name: str, value: int) -> None:
    """Refuse a `value` that is not a positive whole number.

    Raises
    ------
    ValueError
        `value` is something else.
    """
    if isinstance(value, bool) or not (isinstance(value, int) and value >= 1):
        raise ValueError(f"{name}: {value} is not a positive whole number")
