"""Validates a config: its values by the schema, and what a schema cannot see.

Each function raises the first fault as one line that starts with the config file and the key.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from spcl.errors import UserError, choices
from spcl.study.datasets import MODALITY_SETS, extraction, modalities, with_folds
from spcl.study.extensions import BASELINE, CURRICULUM, Kind, find, needs, takes
from spcl.study.grid import AXES, Cell, cell_settings, cells
from spcl.study.python_files import LIBRARY, modules_with
from spcl.study.schema import schema_faults
from spcl.study.tuning import tuning_faults


def check(config: dict[str, Any], schema: Path, source: str) -> None:
    """Validate `config` and fill in the defaults of the schema.

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
        The first fault: an unknown key, a missing key, a wrong value, an undefined name.
    """
    _raise_first(source, schema_faults(config, schema))
    _raise_first(source, _name_faults(config))


def check_cell(config: Mapping[str, Any], cell: Cell, source: str) -> None:
    """Validate a cell, which may be outside of the grid.

    Raises
    ------
    UserError
        A part of its address is not defined in `config`, or a required setting is missing.
    """
    axes = {"datasets": cell.dataset, "baselines": cell.baseline, "curricula": cell.curriculum}
    for axis, name in axes.items():
        _raise_first(source, _undefined(cell.address, name, axis, config))
    if cell.modalities not in MODALITY_SETS:
        raise UserError(
            f"{cell.address}: '{cell.modalities}' is not a set of modalities;"
            f" {choices(cell.modalities, MODALITY_SETS)}"
        )
    _raise_first(source, _missing_settings(cell, config))


def check_cells(config: Mapping[str, Any], source: str) -> None:
    """Validate every cell of the grid.

    Parameters
    ----------
    config
        A checked config that includes the folds of its datasets.
    source
        The config file, for the message.

    Raises
    ------
    UserError
        A required setting of a cell is missing.
    """
    for cell in cells(config):
        check_cell(config, cell, source)


def check_paces(
    config: Mapping[str, Any], wanted: Mapping[str, Mapping[str, Any]], source: str
) -> None:
    """Validate the setting ``of`` of every curriculum that follows the pace of another.

    Parameters
    ----------
    config
        A checked config.
    wanted
        By curriculum, what `spcl.study.extensions.needs` returns.
    source
        The config file, for the message.

    Raises
    ------
    UserError
        The curriculum that it names is not defined, or follows the pace of another itself.
    """
    for name in (name for name, needed in wanted.items() if "pace" in needed):
        entry = config["curricula"][name] or {}
        for settings in (entry.get("settings") or {}, *(entry.get("cells") or [])):
            of = settings.get("of", "spcl")
            key = f"curricula.{name}.settings.of"
            if name in config["grid"]["curricula"] or "of" in settings:
                _raise_first(source, _undefined(key, of, "curricula", config))
            if "pace" in wanted.get(of, ()):
                raise UserError(
                    f"{source}: {key}: '{of}' follows the pace of another curriculum itself; name"
                    " one that does not, such as spcl"
                )


def _raise_first(source: str, faults: Iterable[str]) -> None:
    for fault in faults:
        raise UserError(f"{source}: {fault}")


def _name_faults(config: Mapping[str, Any]) -> Iterable[str]:
    """Faults between keys, and names for which there is no code."""
    for kind in (BASELINE, CURRICULUM):
        for name, entry in config[kind.axis].items():
            yield from _code_faults(kind, name, entry or {})
    extractors = (*modules_with(LIBRARY / "extract", "EXTRACTOR"), "corpus")
    own = {f"datasets.{name}.": dataset for name, dataset in config["datasets"].items()}
    for key, entry in {"": config, **own}.items():
        for letter, choice in entry.get("features", {}).items():
            if (name := choice["extractor"]) not in extractors:
                yield f"{key}features.{letter}: there is no '{name}'; {choices(name, extractors)}"
    yield from tuning_faults(config)
    for axis in ("baselines", "curricula"):
        for name in config["grid"][axis]:
            yield from _undefined(f"grid.{axis}", name, axis, config)
    for name in config["datasets"]:
        yield from _dataset_faults(name, config)
    with_all = {**config, "datasets": with_folds(config["datasets"])}
    for name, curriculum in config["curricula"].items():
        for cell in (curriculum or {}).get("cells", []):
            for key, axis in (("dataset", "datasets"), ("baseline", "baselines")):
                if key in cell:
                    yield from _undefined(f"curricula.{name}.cells", cell[key], axis, with_all)


def _dataset_faults(name: str, config: Mapping[str, Any]) -> Iterable[str]:
    """Faults of one dataset."""
    dataset, key = config["datasets"][name], f"datasets.{name}"
    # A rule deletes its output before it runs, so it may only write to this folder.
    for maker, what in (("simulate", "simulated"), ("download", "downloaded")):
        if maker in dataset and dataset["path"] != f"data/{name}":
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
    asked = config["grid"]["modalities"]
    if not any(set(one) <= set(has) for one in asked):
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


def _undefined(key: str, name: str, axis: str, config: Mapping[str, Any]) -> Iterable[str]:
    """A fault if `axis` does not define the `name` that is used at `key`."""
    if name not in config[axis]:
        yield f"{key}: '{name}' is not defined under {axis}; {choices(name, config[axis])}"


def _code_faults(kind: Kind, name: str, entry: Mapping[str, Any]) -> Iterable[str]:
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


def _missing_settings(cell: Cell, config: Mapping[str, Any]) -> Iterable[str]:
    """A fault for each setting without a default that the config does not give to a cell."""
    chosen = cell_settings(config, cell)
    for kind, name, given in (
        (BASELINE, cell.baseline, chosen["model"]),
        (CURRICULUM, cell.curriculum, chosen["curriculum"]),
    ):
        extension = find(kind, name, (config[kind.axis][name] or {}).get("source"))
        known = takes(extension) or {}
        for setting, needed in known.items():
            if needed and setting not in given:
                yield (
                    f"{extension.key}.{kind.settings}: key '{setting}' is missing for"
                    f" {cell.address}; available: {', '.join(known)}"
                )
