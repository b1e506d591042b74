"""Validates a config against its JSON Schema, and words what is wrong."""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from spcl.errors import choices


def schema_faults(config: dict[str, Any], schema: Path) -> list[str]:
    """Validate `config` and fill in the defaults of the schema.

    Parameters
    ----------
    config
        As read; changed in place.
    schema
        A JSON Schema, as YAML.

    Returns
    -------
    list of str
        The faults, unknown keys first: a misspelt key is often a missing one, too.
    """
    rules = yaml.safe_load(schema.read_text(encoding="utf-8"))
    faults = sorted(
        _Validator(rules).iter_errors(config),
        key=lambda fault: (fault.validator != "additionalProperties", fault.json_path),
    )
    return [_in_words(fault) for fault in faults]


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


_Validator = extend(Draft202012Validator, {"properties": _fill_in})


def _in_words(fault: ValidationError) -> str:
    """Describe a fault; the text starts with the key."""
    key = ".".join(str(part) for part in fault.absolute_path)
    at = f"{key}: " if key else ""
    value, wanted = fault.instance, fault.validator_value
    match fault.validator:
        case "additionalProperties":
            known = list(fault.schema["properties"])
            wrong = next(name for name in value if name not in known)
            return f"{at}unknown key '{wrong}'; {choices(wrong, known)}"
        case "required":
            missing = next(name for name in wanted if name not in value)
            return f"{at}key '{missing}' is missing; config/README.md explains it"
        case "enum":
            return f"{at}'{value}' is not allowed; {choices(value, wanted)}"
        case "pattern":
            return f"{at}{value!r} is not a valid name; use lower-case letters, digits, - and _"
        case "type" if isinstance(value, str) and wanted == "number":
            return f"{at}'{value}' is text, not a number; YAML needs a dot in it, as in 1.0e-4"
        case _:
            return f"{at}{fault.message}; config/README.md explains the key"
