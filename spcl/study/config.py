"""Validates a config: its values by the schema, and what a schema cannot see.

A fault is one line that starts with the key.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from spcl.errors import UserError, choices
from spcl.study.datasets import MODALITY_SETS, extraction, modalities, with_folds
from spcl.study.extensions import BASELINE, CURRICULUM, Kind, find, needs, takes
from spcl.study.grid import AXES, Cell, cell_settings, cells, strategies
from spcl.study.paths import path_faults
from spcl.study.python_files import LIBRARY, modules_with
from spcl.study.schema import schema_faults
from spcl.study.tuning import tuning_faults
from spcl.study.yaml_files import repeated_keys

_SHOWN = 20
"""The number of faults in an error."""


def check(
    config: dict[str, Any], schema: Path, source: str, files: Iterable[str | Path] = ()
) -> None:
    """Validate `config`, expand its paths and fill in the defaults of the schema.

    Parameters
    ----------
    config
        As read; changed in place.
    schema
        A JSON Schema, as YAML.
    source
        The config file, for the messages.
    files
        The files that `config` was read from, to find keys that one of them has twice.

    Raises
    ------
    UserError
        The faults, a line each: keys written twice, unknown and missing keys, wrong values,
        unusable paths, undefined names, settings that a cell of the grid lacks.
    """
    found = [f"{file}: {fault}" for file in files for fault in repeated_keys(Path(file))]
    found += [f"{source}: {fault}" for fault in _faults(config, schema)]
    if len(found) > _SHOWN:
        found = [*found[:_SHOWN], f"{source}: and {len(found) - _SHOWN} more errors"]
    if found:
        raise UserError(*found)


def check_cell(config: Mapping[str, Any], cell: Cell, source: str) -> None:
    """Validate a cell, which may be outside of the grid.

    Raises
    ------
    UserError
        A part of its address is not defined in `config`, or a required setting is missing.
    """
    axes = {"datasets": cell.dataset, "baselines": cell.baseline, "curricula": cell.curriculum}
    faults = [
        fault
        for axis, name in axes.items()
        for fault in _undefined(cell.address, name, axis, config)
    ]
    if cell.modalities not in MODALITY_SETS:
        faults.append(
            f"{cell.address}: '{cell.modalities}' is not a set of modalities;"
            f" {choices(cell.modalities, MODALITY_SETS)}"
        )
    faults = faults or list(_missing_settings([cell], config))
    if faults:
        raise UserError(*(f"{source}: {fault}" for fault in faults))


def _faults(config: dict[str, Any], schema: Path) -> Iterator[str]:
    """All faults of `config`, without those that follow from others."""
    wrong = schema_faults(config, schema)
    for key in ("datasets", "baselines", "curricula", "grid", "training"):
        config.setdefault(key, {})
    wrong |= path_faults(config)
    yield from wrong.values()
    # An entry with a wrong key of its own may have lost its source.
    lost = {place[:2] for place in wrong if len(place) <= 3}
    sound: dict[str, set[str]] = {BASELINE.axis: set(), CURRICULUM.axis: set()}
    for kind in (BASELINE, CURRICULUM):
        for name in [name for name in config[kind.axis] if (kind.axis, name) not in lost]:
            entry = config[kind.axis][name] or {}
            if "combine" in entry:
                continue
            faults = list(_code_faults(kind, name, entry))
            yield from faults
            if not faults:
                sound[kind.axis].add(name)
    for name, parts in _combined(config).items():
        yield from _combine_faults(name, config["curricula"][name], config)
        if sound[CURRICULUM.axis].issuperset(parts):
            sound[CURRICULUM.axis].add(name)
    yield from _name_faults(config)
    if not any(place[0] == "tuning" for place in wrong if place):
        yield from tuning_faults(config)
    asked = {key: config["grid"].get(key, []) for key in (*sound, "modalities", "seeds")}
    known = {axis: [name for name in asked[axis] if name in sound[axis]] for axis in sound}
    folded = {**config, "datasets": with_folds(config["datasets"]), "grid": asked | known}
    yield from _cell_faults(folded)
    yield from _pace_faults(folded, sound[CURRICULUM.axis])
    yield from _missing_settings(cells(folded), folded)


def _name_faults(config: Mapping[str, Any]) -> Iterator[str]:
    """Faults between keys, and names of extractors and layouts for which there is no code."""
    extractors = (*modules_with(LIBRARY / "extract", "EXTRACTOR"), "corpus")
    own = {f"datasets.{name}.": dataset for name, dataset in config["datasets"].items()}
    for key, entry in {"": config, **own}.items():
        for letter, choice in entry.get("features", {}).items():
            if (name := choice.get("extractor", "corpus")) not in extractors:
                yield f"{key}features.{letter}: there is no '{name}'; {choices(name, extractors)}"
    for axis in ("baselines", "curricula"):
        for name in config["grid"].get(axis, []):
            yield from _undefined(f"grid.{axis}", name, axis, config)
    for name in config["datasets"]:
        yield from _dataset_faults(name, config)


def _cell_faults(config: Mapping[str, Any]) -> Iterator[str]:
    """Names of datasets or folds, and of baselines, in ``cells`` that are not defined."""
    for name, curriculum in config["curricula"].items():
        for cell in (curriculum or {}).get("cells", []):
            for key, axis in (("dataset", "datasets"), ("baseline", "baselines")):
                if key in cell:
                    yield from _undefined(f"curricula.{name}.cells", cell[key], axis, config)


def _pace_faults(config: Mapping[str, Any], sound: Set[str]) -> Iterator[str]:
    """Faults of the setting ``of`` of every curriculum that follows the pace of another.

    Parameters
    ----------
    config
        Of which the schema has taken out what is wrong.
    sound
        The curricula whose code can be read.
    """
    parts = _combined(config)
    follows = {
        name
        for name in sound - parts.keys()
        if "pace" in needs(find(CURRICULUM, name, (config["curricula"][name] or {}).get("source")))
    }
    used = {*config["grid"]["curricula"], *itertools.chain(*parts.values())}
    for name in (name for name in config["curricula"] if name in follows):
        entry = config["curricula"][name] or {}
        for settings in (entry.get("settings", {}), *entry.get("cells", [])):
            of = str(settings.get("of", "spcl"))
            key = f"curricula.{name}.settings.of"
            if name in used or "of" in settings:
                yield from _undefined(key, of, "curricula", config)
            if not follows.isdisjoint((of, *parts.get(of, ()))):
                yield (
                    f"{key}: '{of}' follows the pace of another curriculum itself; name one that"
                    " does not, such as spcl"
                )


def _dataset_faults(name: str, config: Mapping[str, Any]) -> Iterator[str]:
    """Faults of one dataset."""
    dataset, key = config["datasets"][name], f"datasets.{name}"
    # A rule deletes its output before it runs, so it may only write to this folder.
    for maker, what in (("simulate", "simulated"), ("download", "downloaded")):
        if maker in dataset and dataset.get("path") != f"data/{name}":
            yield f"{key}.path: the path of a {what} corpus must be data/{name}"
    if layout := dataset.get("layout"):
        layouts = _layouts(simulated="simulate" in dataset)
        if layout not in layouts:
            yield f"{key}.layout: there is no '{layout}'; {choices(layout, layouts)}"
    if "simulate" in dataset and "download" in dataset:
        yield f"{key}: a corpus is either simulated or downloaded; remove one of the two keys"
    has = modalities(config, name)
    for letter in has:
        if extraction(config, name, letter) is None:
            yield f"{key}.modalities: modality '{letter}' has no extractor; add features.{letter}"
    asked = config["grid"].get("modalities", [])
    if asked and not any(set(one) <= set(has) for one in asked):
        missing = next(letter for letter in asked[0] if letter not in has)
        chosen = "modalities" in dataset
        fix = f"add '{missing}' to {key}.modalities" if chosen else f"add features.{missing}"
        if has:
            fix = f"add {has} here, or {fix}"
        yield (
            f"grid.modalities: {key} has {has or 'no modality'}, which is not enough for"
            f" {', '.join(asked)}; {fix}"
        )
    for fold in with_folds({name: dataset}):
        if fold != name and fold in config["datasets"]:
            yield f"datasets.{fold}: a fold of '{name}' has this name; choose another name"


def _layouts(*, simulated: bool) -> list[str]:
    """The layouts that can be read, or those that can be simulated."""
    data = LIBRARY / "data"
    if not simulated:
        return list(modules_with(data / "formats", "TITLE"))
    writers = modules_with(data / "simulator", "write")
    return [name.removeprefix("layout_") for name in writers if name.startswith("layout_")]


def _undefined(key: str, name: str, axis: str, config: Mapping[str, Any]) -> Iterator[str]:
    """A fault if `axis` does not define the `name` that is used at `key`."""
    if name not in config[axis]:
        yield f"{key}: '{name}' is not defined under {axis}; {choices(name, config[axis])}"


def _combined(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """By curriculum that combines two others: their names."""
    entries = config["curricula"].items()
    return {name: entry["combine"] for name, entry in entries if entry and "combine" in entry}


def _combine_faults(
    name: str, entry: Mapping[str, Any], config: Mapping[str, Any]
) -> Iterator[str]:
    """Faults of a curriculum that combines two others."""
    key = f"curricula.{name}"
    for part in entry["combine"]:
        yield from _undefined(f"{key}.combine", part, "curricula", config)
        if "combine" in (config["curricula"].get(part) or {}):
            yield f"{key}.combine: '{part}' combines two strategies itself; name those that do not"
    for other in sorted(entry.keys() - {"combine"}):
        yield f"{key}.{other}: has no effect with combine; write it under the combined strategies"


def _code_faults(kind: Kind, name: str, entry: Mapping[str, Any]) -> Iterator[str]:
    """A fault if there is no code for `name`, or if its class does not take a setting."""
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
            yield f"{at}: unknown key '{setting}'; {choices(setting, known)}"


def _missing_settings(grid: Iterable[Cell], config: Mapping[str, Any]) -> Iterator[str]:
    """A fault for each setting without a default that the config does not give to some cell."""
    lacking: dict[tuple[str, str, str], list[str]] = {}
    for cell in grid:
        chosen = cell_settings(config, cell)
        used = [(BASELINE, cell.baseline, chosen["model"])]
        for name, one in strategies(cell, chosen).items():
            used.append((CURRICULUM, name, one["settings"]))
        for kind, name, given in used:
            extension = find(kind, name, (config[kind.axis][name] or {}).get("source"))
            known = takes(extension) or {}
            for setting, needed in known.items():
                if needed and setting not in given:
                    fault = (f"{extension.key}.{kind.settings}", setting, ", ".join(known))
                    lacking.setdefault(fault, []).append(cell.address)
    for (key, setting, available), addresses in lacking.items():
        more = f" and {len(addresses) - 1} more cells" if addresses[1:] else ""
        yield (
            f"{key}: key '{setting}' is missing for {addresses[0]}{more}; available: {available}"
        )
