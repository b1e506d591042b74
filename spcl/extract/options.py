"""Checks of the options of extractors, with messages that show the corrected config."""

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from spcl.errors import UserError
from spcl.extract.base import Extractor


def check_options(cls: type[Extractor], name: str, options: Mapping[str, Any], key: str) -> None:
    """Refuse options that are unknown, missing or of the wrong type.

    Parameters
    ----------
    cls
        The class of the extractor.
    name
        Its name in the config.
    options
        Values for the fields of the class.
    key
        The config key of the entry, for example ``features.a``.

    Raises
    ------
    UserError
        The message starts with the config key.
    """
    known = {item.name: item for item in fields(cls)}  # type: ignore[arg-type]
    for option in options:
        if option in known:
            continue
        if not known:
            raise UserError(f"{key}.options.{option}: {name} has no options; remove it")
        right = difflib.get_close_matches(option, known, n=1)
        corrected = {right[0] if right and one == option else one: options[one] for one in options}
        write = f"; write {_as_config(key, name, corrected)}" if right else ""
        raise UserError(
            f"{key}.options.{option}: {name} has no such option{write};"
            f" available: {', '.join(known)}"
        )
    for option, item in known.items():
        if option not in options and item.default is MISSING:
            write = _as_config(key, name, {option: "..."} | dict(options))
            raise UserError(f"{key}.options.{option}: {name} requires it; write {write}")
    types = get_type_hints(cls)
    for option, value in options.items():
        if fault := _type_fault(value, types[option]):
            raise UserError(f"{key}.options.{option}: {fault}")


def _type_fault(value: Any, wanted: Any) -> str | None:
    """Say why `value` does not have the type `wanted`: str, bool, int, float or Literal."""
    if get_origin(wanted) is Literal:
        allowed = [str(choice) for choice in get_args(wanted)]
        return None if value in allowed else f"'{value}' is not allowed; {suggest(value, allowed)}"
    admitted = {float: (int, float)}.get(wanted, (wanted,))
    if isinstance(value, admitted) and (wanted is bool or not isinstance(value, bool)):
        return None
    words = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}[wanted]
    return f"'{value}' is not {words}; write {words}"


def suggest(wrong: Any, known: Sequence[str]) -> str:
    """List the `known` names after the one that is most similar to `wrong`."""
    near = difflib.get_close_matches(str(wrong), known, n=1)
    return (f"did you mean '{near[0]}'? " if near else "") + f"available: {', '.join(known)}"


def _as_config(key: str, name: str, options: Mapping[str, Any]) -> str:
    """The entry in the form that the config has."""
    letter = key.rpartition(".")[2]
    inside = ", ".join(f"{one}: {_yaml(value)}" for one, value in options.items())
    return f"'{letter}: {{extractor: {name}, options: {{{inside}}}}}'"


def _yaml(value: Any) -> str:
    """A value in YAML; JSON is YAML, and plain strings need no quotes."""
    return value if isinstance(value, str) else json.dumps(value)
