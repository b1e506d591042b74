"""The grid: which cells a config asks for, and the settings of each.

Imported by the Snakefile, so it uses the standard library alone.
"""

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from spcl.study.datasets import modalities, owners, trained


@dataclass(frozen=True)
class Cell:
    """One training with all its seeds: the unit of the grid, and one job."""

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


AXES = tuple(field.name for field in fields(Cell))


def cells(config: Mapping[str, Any]) -> list[Cell]:
    """The product of the config's axes, in the config's order.

    Left out are cells that need a modality which their dataset has not, and those whose addresses
    are in ``grid.without``, which the Snakefile sets.
    """
    grid = config["grid"]
    there = {name: set(modalities(config, name)) for name in trained(config["datasets"])}
    product = itertools.product(there, grid["baselines"], grid["modalities"], grid["curricula"])
    asked = (Cell(*axes) for axes in product if there[axes[0]].issuperset(axes[2]))
    without = set(grid.get("without", ()))
    return [cell for cell in asked if cell.address not in without]


def left_out(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """By dataset, the modality sets of the grid that it has not the modalities for."""
    asked = config["grid"]["modalities"]
    lacking = {
        name: [one for one in asked if not set(one) <= set(modalities(config, name))]
        for name in owners(config["datasets"])
    }
    return {name: sets for name, sets in lacking.items() if sets}


def cell_settings(config: Mapping[str, Any], cell: Cell) -> dict[str, Any]:
    """Everything that decides the numbers of `cell`, as plain JSON-like values.

    The general entries come first; then those of the baseline and the curriculum; last the entries
    of ``curricula.<name>.cells`` whose axes fit, each of which may name any of dataset, baseline
    and modalities. What holds for a dataset holds for its folds.

    Returns
    -------
    dict
        ``seeds`` (list of int), ``training``, ``model`` and ``curriculum`` (keyword arguments),
        ``baseline_source`` and ``curriculum_source`` (str or None).
    """
    baseline = config["baselines"].get(cell.baseline) or {}
    curriculum = config["curricula"].get(cell.curriculum) or {}
    chosen = dict(curriculum.get("settings") or {})
    owner = config["datasets"][cell.dataset].get("fold_of", cell.dataset)
    for entry in curriculum.get("cells") or []:
        if cell.matches(entry) or replace(cell, dataset=owner).matches(entry):
            chosen |= {key: value for key, value in entry.items() if key not in AXES}
    return {
        "seeds": list(config["grid"]["seeds"]),
        "training": dict(config["training"]) | dict(baseline.get("training") or {}),
        "model": dict(baseline.get("model") or {}),
        "curriculum": chosen,
        "baseline_source": baseline.get("source"),
        "curriculum_source": curriculum.get("source"),
    }


def needed(needs: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any]) -> set[str]:
    """What a curriculum with these `settings` wants to know beforehand.

    Parameters
    ----------
    needs
        What `spcl.study.extensions.needs` gives: each need with the settings that it depends on.
    settings
        Those of the cell's curriculum.
    """
    return {
        need
        for need, only_with in needs.items()
        if all(settings.get(key) == value for key, value in only_with.items())
    }


def pacing_cell(cell: Cell, settings: Mapping[str, Any]) -> Cell:
    """The cell that sets the pace of `cell`: the same, with the curriculum of the setting ``of``.

    Without that setting it is ``spcl``.
    """
    return replace(cell, curriculum=settings.get("of", "spcl"))
