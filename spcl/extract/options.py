"""Checks of the options of an extractor against the fields of its class."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from spcl.errors import UserError
from spcl.extract.base import Extractor


def check_options(cls: type[Extractor], options: Mapping[str, Any], key: str) -> None:
    """Refuse options that are unknown, missing or of the wrong type.

    Raises
    ------
    UserError
        The message starts with `key`, for example ``features.a.options``.
    """
    known = {item.name: item for item in fields(cls)}  # type: ignore[arg-type]
    for option in options:
        if option not in known:
            available = ", ".join(known) or "none"
            raise UserError(f"{key}.{option}: there is no such option; available: {available}")
    types = get_type_hints(cls)
    for option, item in known.items():
        expected = _expected(types[option])
        required = item.default is MISSING and item.default_factory is MISSING
        if option not in options and required:
            raise UserError(f"{key}.{option}: is missing; write {expected}")
        if option in options and not _has_type(options[option], types[option]):
            raise UserError(f"{key}.{option}: '{options[option]}' is not allowed; write {expected}")


def _has_type(value: Any, wanted: Any) -> bool:
    """Whether `value` has the type `wanted`.

    This is str, bool, int, float, a list of one of them, or a Literal of strings.
    """
    if get_origin(wanted) is Literal:
        return value in get_args(wanted)
    if get_origin(wanted) is list:
        (entry,) = get_args(wanted)
        return isinstance(value, list) and all(_has_type(one, entry) for one in value)
    if isinstance(value, bool):
        return wanted is bool
    return isinstance(value, (int, float) if wanted is float else wanted)


def _expected(wanted: Any) -> str:
    if get_origin(wanted) is Literal:
        return " or ".join(get_args(wanted))
    if get_origin(wanted) is list:
        return "a list, each entry " + _expected(*get_args(wanted))
    return {str: "text", bool: "true or false", int: "a whole number", float: "a number"}[wanted]
