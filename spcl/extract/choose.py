"""Makes an extractor from its name and options in the config, or says what is wrong with them."""

import difflib
import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from spcl.errors import UserError
from spcl.extract.base import Extractor

_EXTRAS = {"a": "audio", "t": "text", "v": "visual"}


def names(modality: str) -> list[str]:
    """The extractors of `modality` (a, t or v), installed or not.

    They are found by reading the files of this folder, not by a list: so a new extractor leaves the
    code of the others, and the features that were made with it, as they are.
    """
    return sorted(
        path.stem
        for path in Path(__file__).parent.glob("*.py")
        if f'\n    modality = "{modality}"\n' in path.read_text(encoding="utf-8")
    )


def extractor(modality: str, name: str, options: Mapping[str, Any] | None = None) -> Extractor:
    """Make the extractor called `name`.

    Parameters
    ----------
    modality
        a, t or v.
    name
        One of `names(modality)`.
    options
        Values for fields of the extractor's class.

    Raises
    ------
    UserError
        The name or an option is unknown, an option's value is not allowed, or a package that the
        extractor needs is not installed. The message starts with the config key.
    """
    key = f"features.{modality}"
    known = names(modality)
    if name not in known:
        raise UserError(f"{key}.extractor: there is no '{name}'; {_choices(name, known)}")
    try:
        cls: type[Extractor] = importlib.import_module(f"spcl.extract.{name}").EXTRACTOR
    except ModuleNotFoundError as error:
        raise UserError(
            f"{key}.extractor: {name} needs the package '{error.name}';"
            f" pip install 'spcl[{_EXTRAS[modality]}]'"
        ) from error
    options = dict(options or {})
    _check(cls, name, options, key)
    try:
        return cls(**options)
    except ValueError as error:
        raise UserError(f"{key}.options: {error}") from error


def _check(cls: type[Extractor], name: str, options: Mapping[str, Any], key: str) -> None:
    """Refuse options that `cls` does not have, lacks, or has with another type."""
    known = {item.name: item for item in fields(cls)}  # type: ignore[arg-type]
    for option in options:
        if option in known:
            continue
        if not known:
            raise UserError(f"{key}.options.{option}: {name} has no options; leave it out")
        right = difflib.get_close_matches(option, known, n=1)
        corrected = {right[0] if right and one == option else one: options[one] for one in options}
        write = f"; write {_as_config(key, name, corrected)}" if right else ""
        raise UserError(
            f"{key}.options.{option}: {name} has no such option{write};"
            f" there are: {', '.join(known)}"
        )
    for option, item in known.items():
        if option not in options and item.default is MISSING:
            write = _as_config(key, name, {option: "..."} | dict(options))
            raise UserError(f"{key}.options.{option}: {name} needs it; write {write}")
    types = get_type_hints(cls)
    for option, value in options.items():
        if fault := _type_fault(value, types[option]):
            raise UserError(f"{key}.options.{option}: {fault}")


def _type_fault(value: Any, wanted: Any) -> str | None:
    """Say why `value` is not of the type `wanted`, one of str, bool, int, float and Literal."""
    if get_origin(wanted) is Literal:
        allowed = [str(choice) for choice in get_args(wanted)]
        return None if value in allowed else f"'{value}' is not allowed; {_choices(value, allowed)}"
    admitted = {float: (int, float)}.get(wanted, (wanted,))
    if isinstance(value, admitted) and (wanted is bool or not isinstance(value, bool)):
        return None
    words = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}[wanted]
    return f"'{value}' is not {words}; write {words}"


def _choices(wrong: Any, known: Sequence[str]) -> str:
    """Name what is known, the nearest to `wrong` first."""
    near = difflib.get_close_matches(str(wrong), known, n=1)
    return (f"did you mean '{near[0]}'? " if near else "") + f"there are: {', '.join(known)}"


def _as_config(key: str, name: str, options: Mapping[str, Any]) -> str:
    """The entry as it would stand in the config, ready to paste."""
    letter = key.rpartition(".")[2]
    inside = ", ".join(f"{one}: {_yaml(value)}" for one, value in options.items())
    return f"'{letter}: {{extractor: {name}, options: {{{inside}}}}}'"


def _yaml(value: Any) -> str:
    """A value in YAML's flow style; JSON is that, and bare words need no quotes."""
    return value if isinstance(value, str) else json.dumps(value)
