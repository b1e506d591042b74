"""Validates a config against its JSON Schema, and words what is wrong."""

import copy
import difflib
import math
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from spcl.errors import choices, listed
from spcl.study.yaml_files import LOADER

Place = tuple[Any, ...]
"""The keys and positions that lead to a value."""

_BEYOND = 2**63
"""The first whole number that no table can hold."""

_KINDS = {
    "array": "a list",
    "integer": "a whole number",
    "null": "empty",
    "number": "a number",
    "object": "a mapping of keys",
    "string": "text",
}


def schema_faults(config: dict[str, Any], schema: Path) -> dict[Place, str]:
    """Validate `config`, fill in the defaults of the schema, and take out what is wrong.

    Parameters
    ----------
    config
        As read; changed in place. What remains has the types of the schema, and may lack keys that
        it requires.
    schema
        A JSON Schema, as YAML.

    Returns
    -------
    dict
        The first fault of each place, unknown keys first. A key that is missing because it is
        misspelt is one fault.
    """
    validator = _Validator(yaml.load(schema.read_text(encoding="utf-8"), LOADER))
    found = sorted(
        validator.iter_errors(config),
        key=lambda fault: (
            fault.validator != "additionalProperties",
            [str(part) for part in fault.absolute_path],
        ),
    )
    faults: dict[Place, str] = {}
    wrong: dict[Place, dict[str, Any] | None] = {}
    for fault in found:
        for place, words in _in_words(fault, faults):
            faults.setdefault(place, words)
            if fault.validator not in ("required", "dependentRequired"):
                # An entry stays defined, so that its name is no fault elsewhere.
                mapping = fault.validator == "type" and "object" in fault.validator_value
                wrong.setdefault(place, {} if mapping else None)
    for place, number in _numbers(config):
        if why := _unusable(number):
            faults.setdefault(place, f"{_key(place)}{why}")
    for place in sorted(wrong, key=_depth_and_position, reverse=True):
        _replace(config, place, wrong[place])
    if wrong:
        list(validator.iter_errors(config))  # for the defaults of what was taken out
    return faults


def _fill_in(
    validator: Any, properties: Mapping[str, Any], instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """Set missing properties to their defaults, then validate all properties."""
    if isinstance(instance, dict):
        for name, rules in properties.items():
            if "default" in rules:
                instance.setdefault(name, copy.deepcopy(rules["default"]))
    yield from Draft202012Validator.VALIDATORS["properties"](
        validator, properties, instance, schema
    )


def _is_whole(checker: object, value: object) -> bool:
    """Python's type decides: a program that wants an integer stops at 2.0, which JSON allows."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(checker: object, value: object) -> bool:
    return _is_whole(checker, value) or (isinstance(value, float) and math.isfinite(value))


_Validator = extend(
    Draft202012Validator,
    {"properties": _fill_in},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_whole, "number": _is_finite}
    ),
)


def _numbers(value: object, place: Place = ()) -> Iterator[tuple[Place, int | float]]:
    """All numbers in `value`, also where the schema allows anything."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _numbers(inner, (*place, index))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield place, value


def _depth_and_position(place: Place) -> tuple[int, int]:
    return len(place), place[-1] if isinstance(place[-1], int) else -1


def _replace(config: Any, place: Place, by: dict[str, Any] | None) -> None:
    """Replace the value at `place`, or take it out."""
    *outer, last = place
    for part in outer:
        config = config[part]
    if by is not None:
        config[last] = by
    elif isinstance(config, list):
        del config[last]
    else:
        config.pop(last, None)


def _key(place: Place) -> str:
    return ".".join(map(str, place)) + ": " if place else ""


def _in_words(fault: ValidationError, unknown: Collection[Place]) -> Iterator[tuple[Place, str]]:
    """Places and descriptions of a fault, which start with the key.

    Parameters
    ----------
    fault
        From jsonschema. One is about all unknown keys of a mapping.
    unknown
        The places of the unknown keys.
    """
    place = tuple(fault.absolute_path)
    at = _key(place)
    value, wanted = fault.instance, fault.validator_value
    if fault.validator == "additionalProperties":
        known = list(fault.schema["properties"])
        for wrong in value:
            if wrong not in known:
                yield (*place, wrong), f"{at}unknown key '{wrong}'; {choices(wrong, known)}"
    elif fault.validator == "required":
        for missing in (name for name in wanted if name not in value):
            misspelt = [str(one[-1]) for one in unknown if one[:-1] == place]
            if not difflib.get_close_matches(missing, misspelt, cutoff=0.7):
                words = f"{at}key '{missing}' is missing; config/README.md explains it"
                yield (*place, missing), words
    else:
        of_name = "propertyNames" in fault.absolute_schema_path
        yield (*place, value) if of_name else place, f"{at}{_of_value(fault)}"


def _of_value(fault: ValidationError) -> str:
    """What is wrong with a value, and the remedy."""
    value, wanted = fault.instance, fault.validator_value
    shown = listed([str(value)])
    match fault.validator:
        case "enum":
            return f"'{shown}' is not allowed; {choices(value, map(str, wanted))}"
        case "pattern" if re.fullmatch("[a-z0-9][a-z0-9_-]*", value):
            return f"'{shown}' has a part twenty times in a row; use another name"
        case "pattern":
            name = listed([repr(value)])
            return f"{name} is not a valid name; use lower-case letters, digits, - and _"
        case "uniqueItems":
            return f"{shown} has an entry twice; remove one of them"
        case "maxLength":
            return f"'{shown}' has {len(value)} characters; a name has at most {wanted}"
        case "minimum":
            return f"{shown} is too small; write {wanted} or more"
        case "exclusiveMinimum":
            return f"{shown} is too small; write more than {wanted}"
        case "maximum":
            return f"{shown} is too large; write {wanted} or less"
        case "type":
            return _of_type(value, shown, wanted)
        case _:
            return f"{fault.message}; config/README.md explains the key"


def _of_type(value: object, shown: str, wanted: str | list[str]) -> str:
    kinds = [wanted] if isinstance(wanted, str) else wanted
    match value:
        case str() if "number" in kinds:
            return f"'{shown}' is text, not a number; YAML needs a dot in it, as in 1.0e-4"
        case str() if "integer" in kinds:
            return f"'{shown}' is text, not a whole number; write digits without quotes"
        case bool() if "string" in kinds:
            return f"{shown} is not text; YAML reads yes, no, on and off so: put it in quotes"
        case int() | float() if "string" in kinds:
            return f"{shown} is a number, not text; put it in quotes: '{shown}'"
        case float() if {"number", "integer"} & {*kinds}:
            words = _unusable(value)
            return words or f"{shown} is not a whole number; write it without a fraction"
        case _:
            allowed = " or ".join(_KINDS[kind] for kind in kinds)
            return f"'{shown}' is not {allowed}; config/README.md explains the key"


def _unusable(number: float) -> str | None:
    """What is wrong if it is not finite, or too large for every table."""
    if isinstance(number, float):
        finite = math.isfinite(number)
        return None if finite else f"{number} is not a number to compute with; write a finite one"
    if -_BEYOND <= number < _BEYOND:
        return None
    return f"{listed([str(number)])} is too large; write less than 2 ** 63"
