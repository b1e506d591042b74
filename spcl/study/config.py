"""Checks a config against its schema; what is wrong comes out as one line."""

import copy
import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from spcl.errors import UserError
from spcl.study.datasets import MODALITY_SETS, extraction, modalities, with_folds
from spcl.study.extensions import BASELINE, CURRICULUM, Kind, find, needs, takes
from spcl.study.grid import AXES, Cell, cell_settings, cells
from spcl.study.python_files import LIBRARY, modules_with


def check(config: dict[str, Any], schema: Path, source: str) -> None:
    """Check `config` and fill in the defaults that `schema` names.

    Parameters
    ----------
    config
        As read; changed in place.
    schema
        A JSON Schema, as YAML.
    source
        The config file, for the message.

    Raises
    ------
    UserError
        The first fault: an unknown key with the nearest known one, a missing key, a wrong value,
        a name that is used and not defined.
    """
    rules = yaml.safe_load(schema.read_text(encoding="utf-8"))
    # A misspelt key is often a missing one too: name the spelling.
    faults = sorted(
        _Validator(rules).iter_errors(config),
        key=lambda fault: (fault.validator != "additionalProperties", fault.json_path),
    )
    for message in (_in_words(fault) for fault in faults):
        raise UserError(f"{source}: {message}")
    for message in _undefined_names(config):
        raise UserError(f"{source}: {message}")


def check_cell(config: Mapping[str, Any], cell: Cell, source: str) -> None:
    """Check the address of a cell that somebody asks for.

    Raises
    ------
    UserError
        A part of it is not defined in `config`, or is no set of modalities, or it lacks a setting.
    """
    axes = {"datasets": cell.dataset, "baselines": cell.baseline, "curricula": cell.curriculum}
    for axis, name in axes.items():
        for message in _undefined(cell.address, name, axis, config):
            raise UserError(f"{source}: {message}")
    if cell.modalities not in MODALITY_SETS:
        raise UserError(
            f"{cell.address}: '{cell.modalities}' is no set of modalities; there are:"
            f" {', '.join(MODALITY_SETS)}"
        )
    for message in _lacking(cell, config):
        raise UserError(f"{source}: {message}")


def check_cells(config: Mapping[str, Any], source: str) -> None:
    """Check that every cell of the grid has the settings that it must be given.

    Parameters
    ----------
    config
        A checked one, with the folds of its datasets.
    source
        The config file, for the message.

    Raises
    ------
    UserError
        A cell lacks one.
    """
    for cell in cells(config):
        check_cell(config, cell, source)


def check_paces(
    config: Mapping[str, Any], wanted: Mapping[str, Mapping[str, Any]], source: str
) -> None:
    """Check that every curriculum that follows another's pace has one to follow.

    Parameters
    ----------
    config
        A checked one.
    wanted
        By curriculum, what `spcl.study.extensions.needs` gives.
    source
        The config file, for the message.

    Raises
    ------
    UserError
        The curriculum of a setting ``of`` is not defined, or follows another itself.
    """
    for name in (name for name, needed in wanted.items() if "pace" in needed):
        entry = config["curricula"][name] or {}
        for settings in (entry.get("settings") or {}, *(entry.get("cells") or [])):
            of = settings.get("of", "spcl")
            key = f"{source}: curricula.{name}.settings.of"
            for message in _undefined(key, of, "curricula", config):
                if name in config["grid"]["curricula"] or "of" in settings:
                    raise UserError(message)
            if "pace" in wanted.get(of, ()):
                raise UserError(
                    f"{key}: '{of}' follows the pace of another itself; name one that does not,"
                    " such as spcl"
                )


def _fill_in(
    validator: Any, properties: Mapping[str, Any], instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """Give absent properties their defaults, then validate them all."""
    if isinstance(instance, dict):
        for name, rules in properties.items():
            if "default" in rules:
                instance.setdefault(name, copy.deepcopy(rules["default"]))
    yield from Draft202012Validator.VALIDATORS["properties"](
        validator, properties, instance, schema
    )


_Validator = extend(Draft202012Validator, {"properties": _fill_in})


def _in_words(fault: ValidationError) -> str:
    """Say what is wrong, beginning with the key."""
    key = ".".join(str(part) for part in fault.absolute_path)
    at = f"{key}: " if key else ""
    value, wanted = fault.instance, fault.validator_value
    match fault.validator:
        case "additionalProperties":
            known = list(fault.schema["properties"])
            wrong = next(name for name in value if name not in known)
            return f"{at}unknown key '{wrong}'; {_choices(wrong, known)}"
        case "required":
            missing = next(name for name in wanted if name not in value)
            return f"{at}key '{missing}' is missing; config/README.md explains it"
        case "enum":
            return f"{at}'{value}' is not allowed; {_choices(value, wanted)}"
        case "pattern":
            return f"{at}{value!r} is no name; use lower-case letters, digits, - and _"
        case "type" if isinstance(value, str) and wanted == "number":
            return f"{at}'{value}' is text, not a number; YAML wants a dot in it, as in 1.0e-4"
        case _:
            return f"{at}{fault.message}; config/README.md explains the key"


def _choices(wrong: str, known: Sequence[str]) -> str:
    """Name what is known, the nearest to `wrong` first."""
    near = difflib.get_close_matches(str(wrong), known, n=1, cutoff=0.7)
    all_ = ", ".join(known) or "none"
    return (f"did you mean '{near[0]}'? " if near else "") + f"there are: {all_}"


def _undefined_names(config: Mapping[str, Any]) -> Iterable[str]:
    """Faults between keys, or between a key and the library, which a schema cannot see."""
    for kind in (BASELINE, CURRICULUM):
        for name, entry in config[kind.axis].items():
            yield from _unfound(kind, name, entry or {})
    computing = modules_with(LIBRARY / "extract", "EXTRACTOR")
    extractors = (*computing, "corpus")  # the last: features that the corpus brings
    own = {f"datasets.{name}.": dataset for name, dataset in config["datasets"].items()}
    for key, entry in {"": config, **own}.items():
        for letter, choice in entry.get("features", {}).items():
            if (name := choice["extractor"]) not in extractors:
                yield f"{key}features.{letter}: there is no '{name}'; {_choices(name, extractors)}"
    for axis in ("baselines", "curricula"):
        for name in config["grid"][axis]:
            yield from _undefined(f"grid.{axis}", name, axis, config)
    for name in config["datasets"]:
        yield from _unusable(name, config)
    known = {**config, "datasets": with_folds(config["datasets"])}
    for name, curriculum in config["curricula"].items():
        for cell in (curriculum or {}).get("cells", []):
            for key, axis in (("dataset", "datasets"), ("baseline", "baselines")):
                if key in cell:
                    yield from _undefined(f"curricula.{name}.cells", cell[key], axis, known)


def _unusable(name: str, config: Mapping[str, Any]) -> Iterable[str]:
    """Faults of one dataset."""
    dataset, key = config["datasets"][name], f"datasets.{name}"
    there = modalities(config, name)
    # Only there may a rule write, for what it writes is deleted when it runs again.
    for maker, what in (("simulate", "simulated"), ("download", "downloaded")):
        if maker in dataset and dataset["path"] != f"data/{name}":
            yield f"{key}.path: a {what} corpus lies in data/{name}; write that"
    if layout := dataset.get("layout"):
        layouts = _layouts(simulated="simulate" in dataset)
        if layout not in layouts:
            yield f"{key}.layout: there is no '{layout}'; {_choices(layout, layouts)}"
    if "simulate" in dataset and "download" in dataset:
        yield f"{key}: a corpus is simulated or downloaded, not both; leave one out"
    for letter in there:
        if extraction(config, name, letter) is None:
            yield f"{key}.modalities: modality '{letter}' has no extractor; add features.{letter}"
    asked = config["grid"]["modalities"]
    if not any(set(one) <= set(there) for one in asked):
        lacking = next(letter for letter in asked[0] if letter not in there)
        chosen = "modalities" in dataset
        more = f"put '{lacking}' into {key}.modalities" if chosen else f"add features.{lacking}"
        has = f"{key} has {there or 'no modality'}, and {', '.join(asked)} want more"
        yield f"grid.modalities: {has}; " + (f"ask for {there} too, or {more}" if there else more)
    for fold in with_folds({name: dataset}):
        if fold != name and fold in config["datasets"]:
            yield f"datasets.{fold}: a fold of '{name}' has this name; choose another"


def _layouts(*, simulated: bool) -> list[str]:
    """Those that can be read, or that can be simulated."""
    data = LIBRARY / "data"
    if not simulated:
        return list(modules_with(data / "formats", "TITLE"))
    writers = modules_with(data / "simulator", "write")
    return [name.removeprefix("layout_") for name in writers if name.startswith("layout_")]


def _undefined(key: str, name: str, axis: str, config: Mapping[str, Any]) -> Iterable[str]:
    """A fault where `name`, used under `key`, is none of those that `axis` defines."""
    if name not in config[axis]:
        yield f"{key}: '{name}' is not defined under {axis}; {_choices(name, list(config[axis]))}"


def _unfound(kind: Kind, name: str, entry: Mapping[str, Any]) -> Iterable[str]:
    """A fault where there is no code for `name`, or it has not what the `entry` sets."""
    try:
        extension = find(kind, name, entry.get("source"))
        if kind is CURRICULUM:
            needs(extension)
        known = takes(extension)
    except UserError as error:
        yield str(error)
        return
    if known is None:
        return
    key = f"{extension.key}.{kind.settings}"
    chosen = [(key, setting) for setting in entry.get(kind.settings, {})]
    for cell in entry.get("cells", []):
        chosen += [(f"{extension.key}.cells", setting) for setting in cell if setting not in AXES]
    for at, setting in chosen:
        if setting not in known:
            yield f"{at}: unknown key '{setting}'; {_choices(setting, list(known))}"


def _lacking(cell: Cell, config: Mapping[str, Any]) -> Iterable[str]:
    """A fault where a setting is missing that a cell's baseline or curriculum must be given."""
    chosen = cell_settings(config, cell)
    for kind, name, given in (
        (BASELINE, cell.baseline, chosen["model"]),
        (CURRICULUM, cell.curriculum, chosen["curriculum"]),
    ):
        extension = find(kind, name, (config[kind.axis][name] or {}).get("source"))
        known = takes(extension) or {}
        for setting in (setting for setting, needed in known.items() if needed):
            if setting not in given:
                yield (
                    f"{extension.key}.{kind.settings}: key '{setting}' is missing for"
                    f" {cell.address}; there are: {', '.join(known)}"
                )
