"""The grid of a config: its cells, and the settings of each.

The Snakefile imports this module, so it uses the standard library alone.
"""

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from spcl.study.datasets import modalities, owners, trained


@dataclass(frozen=True)
class Cell:
    """One training with all its seeds: the unit of the grid, and one job of the workflow."""

    dataset: str
    baseline: str
    modalities: str
    curriculum: str

    @property
    def address(self) -> str:
        """The cell's folder below ``results/cells``."""
        return f"{self.dataset}/{self.baseline}/{self.modalities}/{self.curriculum}"

    def matches(self, selector: Mapping[str, Any]) -> bool:
        """Whether the axes named in `selector` have this cell's values."""
        return all(selector.get(axis, value) == value for axis, value in asdict(self).items())


CELL_TABLES = ("metrics", "history", "predictions", "robustness", "curriculum")
"""The tables of a cell, each a Parquet file in its folder; the first is written last."""

MODEL_FILE = "model-seed{}.safetensors"
"""The name of a seed's model in the folder of its cell, with ``save_models: true``."""

AXES = tuple(field.name for field in fields(Cell))


def cells(config: Mapping[str, Any]) -> list[Cell]:
    """The product of the config's axes, in the config's order.

    Cells are left out if their dataset lacks one of their modalities, or if their address is in
    ``grid.without``, which the Snakefile sets.
    """
    grid = config["grid"]
    there = {name: set(modalities(config, name)) for name in trained(config["datasets"])}
    product = itertools.product(there, grid["baselines"], grid["modalities"], grid["curricula"])
    asked = (Cell(*axes) for axes in product if there[axes[0]].issuperset(axes[2]))
    without = set(grid.get("without", ()))
    return [cell for cell in asked if cell.address not in without]


def left_out(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """By dataset, the modality sets of the grid that it lacks a modality for."""
    asked = config["grid"]["modalities"]
    lacking = {
        name: [one for one in asked if not set(one) <= set(modalities(config, name))]
        for name in owners(config["datasets"])
    }
    return {name: sets for name, sets in lacking.items() if sets}


def cell_settings(config: Mapping[str, Any], cell: Cell) -> dict[str, Any]:
    """Everything that decides the numbers of `cell`, as plain JSON-like values.

    The general settings are overridden by those of the baseline and of the curriculum, and these by
    the entries of ``curricula.<name>.cells`` that match the cell. An entry may name a dataset, a
    baseline and modalities; an entry for a dataset also matches its folds.

    Returns
    -------
    dict
        ``seeds`` (list of int), ``training``, ``model``, ``curriculum`` and ``robustness``
        (keyword arguments), ``baseline_source`` and ``curriculum_source`` (str or None). If the
        curriculum combines two strategies, ``combine`` has the ``settings`` and the ``source`` of
        each by name.
    """
    baseline = config["baselines"].get(cell.baseline) or {}
    curriculum = config["curricula"].get(cell.curriculum) or {}
    chosen = dict(curriculum.get("settings") or {})
    owner = config["datasets"][cell.dataset].get("fold_of", cell.dataset)
    for entry in curriculum.get("cells") or []:
        if cell.matches(entry) or replace(cell, dataset=owner).matches(entry):
            chosen |= {key: value for key, value in entry.items() if key not in AXES}
    combined = {}
    for name in curriculum.get("combine") or []:
        part = cell_settings(config, replace(cell, curriculum=name))
        combined[name] = {"settings": part["curriculum"], "source": part["curriculum_source"]}
    return {
        "seeds": list(config["grid"]["seeds"]),
        "training": dict(config["training"]) | dict(baseline.get("training") or {}),
        "model": dict(baseline.get("model") or {}),
        "curriculum": chosen,
        "robustness": dict(config.get("robustness", {})),
        "baseline_source": baseline.get("source"),
        "curriculum_source": curriculum.get("source"),
    } | ({"combine": combined} if combined else {})


def strategies(cell: Cell, settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The strategy of `cell`, or the two that it combines: ``settings`` and ``source`` by name.

    Parameters
    ----------
    cell
        The cell.
    settings
        What `cell_settings` returns.
    """
    own = {"settings": settings["curriculum"], "source": settings["curriculum_source"]}
    return settings.get("combine") or {cell.curriculum: own}


def model_files(config: Mapping[str, Any]) -> dict[int, str]:
    """The names of the models in the folder of each cell, by seed; none without ``save_models``."""
    saved = config["grid"]["seeds"] if config.get("save_models") else []
    return {seed: MODEL_FILE.format(seed) for seed in saved}


def cell_files(config: Mapping[str, Any]) -> dict[str, str]:
    """The files in the folder of each cell, by the names of the outputs of its job."""
    tables = {table: f"{table}.parquet" for table in CELL_TABLES}
    return tables | {f"model_{seed}": name for seed, name in model_files(config).items()}


def needed(needs: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any]) -> set[str]:
    """The needs of a curriculum with these `settings`.

    Parameters
    ----------
    needs
        What `spcl.study.extensions.needs` returns: each need with the settings that it depends on.
    settings
        The settings of the cell's curriculum.
    """
    return {
        need
        for need, only_with in needs.items()
        if all(settings.get(key) == value for key, value in only_with.items())
    }


def pacing_cell(cell: Cell, settings: Mapping[str, Any]) -> Cell:
    """The cell whose pace `cell` follows: the same cell with the curriculum of the setting ``of``.

    The default of that setting is ``spcl``. `settings` is what `cell_settings` returns; if it
    combines two strategies, the first has the pace.
    """
    first = next(iter(strategies(cell, settings).values()))
    return replace(cell, curriculum=first["settings"].get("of", "spcl"))
