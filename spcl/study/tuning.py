"""The tuning of a config: the settings that a cell may try, and the checks of the key ``tuning``.

The Snakefile imports this module, so it uses the standard library alone.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from spcl.errors import UserError, choices
from spcl.study.extensions import BASELINE, CURRICULUM, Kind, find, needs, takes
from spcl.study.grid import Cell

TRAINING = (
    *("epochs", "batch_size", "learning_rate", "weight_decay", "clip_norm", "patience", "scale"),
)
"""The settings of `spcl.training.settings.TrainingSettings` that can be tuned."""

Candidate = dict[str, dict[str, Any]]
"""Values of tuned settings, by their part of the cell's settings: training, model, curriculum."""


def search_space(config: Mapping[str, Any], cell: Cell) -> dict[str, dict[str, Any]]:
    """What the settings of `cell` are chosen from.

    All cells of a baseline and a curriculum have the same space.

    Returns
    -------
    dict
        By part (``training``, ``model``, ``curriculum``, those that are tuned) and setting, a list
        of values or a range: ``low``, ``high`` and ``scale`` (``linear`` or ``log``).
    """
    of_baseline = config["tuning"]["baselines"].get(cell.baseline, {})
    parts = {
        "training": {key: of_baseline[key] for key in of_baseline if key in TRAINING},
        "model": {key: of_baseline[key] for key in of_baseline if key not in TRAINING},
        "curriculum": dict(config["tuning"]["curricula"].get(cell.curriculum, {})),
    }
    return {part: values for part, values in parts.items() if values}


def with_candidate(settings: Mapping[str, Any], candidate: Candidate) -> dict[str, Any]:
    """The `settings` of a cell, overridden by those of a candidate."""
    return {**settings, **{part: settings[part] | candidate[part] for part in candidate}}


def chosen(rows: Iterable[Mapping[str, Any]]) -> Candidate:
    """The chosen candidate among the `rows` of a table `spcl.tables.schemas.TUNING`."""
    found: Candidate = json.loads(next(row["settings"] for row in rows if row["chosen"]))
    return found


def tuning_faults(config: Mapping[str, Any]) -> Iterator[str]:
    """Faults of the key ``tuning``, which fits the schema.

    The schema has taken out what is wrong elsewhere in `config`.
    """
    if "tuning" not in config:
        return
    tuning, grid = config["tuning"], config["grid"]
    if both := sorted({*tuning["seeds"]} & {*grid.get("seeds", ())}):
        yield (
            f"tuning.seeds: {both[0]} is also in grid.seeds; tune with other seeds than those that"
            " are reported"
        )
    for name, dataset in config["datasets"].items():
        if dataset.get("protocol") == "best-test-epoch":
            yield (
                f"datasets.{name}.protocol: best-test-epoch has no dev split to tune on; choose"
                " another protocol, or remove tuning"
            )
    for name in grid.get("baselines", ()):
        if not tuning["baselines"].get(name):
            yield (
                f"tuning.baselines: '{name}' of the grid is missing, so that none would not be"
                f" tuned; add for example {name}: {{learning_rate: [5.0e-5, 1.0e-4]}}"
            )
    for name in grid.get("curricula", ()):
        entry = config["curricula"].get(name) or {}
        if any("teachers" in _needs(config, part) for part in entry.get("combine", [name])):
            yield (
                f"tuning: '{name}' needs teachers, which are trained with the grid's seeds alone;"
                " remove it from grid.curricula, or remove tuning"
            )
    for kind, known in ((BASELINE, TRAINING), (CURRICULUM, ())):
        for name, space in tuning[kind.axis].items():
            yield from _space_faults(config, kind, name, space, known)


def _space_faults(
    config: Mapping[str, Any],
    kind: Kind,
    name: str,
    space: Mapping[str, Any],
    training: tuple[str, ...],
) -> Iterator[str]:
    """Faults of what one baseline or curriculum tries."""
    if name not in config[kind.axis]:
        yield (
            f"tuning.{kind.axis}: '{name}' is not defined under {kind.axis};"
            f" {choices(name, config[kind.axis])}"
        )
        return
    entry = config[kind.axis][name] or {}
    if "combine" in entry:
        yield (
            f"tuning.curricula.{name}: the settings of combined strategies cannot be tuned; remove"
            " it, so that the settings of the baseline are tuned alone"
        )
        return
    try:
        own = takes(find(kind, name, entry.get("source")))
    except UserError:
        return  # a fault of the baseline or curriculum itself
    inputs = _needs(config, name) if kind is CURRICULUM else {}
    for setting, values in space.items():
        key = f"tuning.{kind.axis}.{name}.{setting}"
        if own is not None and setting not in (*training, *own):
            yield f"{key}: unknown key '{setting}'; {choices(setting, (*training, *own))}"
        yield from _value_faults(key, values)
        configured = [entry.get("settings") or {}, *(entry.get("cells") or [])]
        tried = [*values] if isinstance(values, list) else []
        tried += [settings[setting] for settings in configured if setting in settings]
        for need, only_with in inputs.items():
            if setting in only_with and only_with[setting] in tried:
                yield (
                    f"{key}: {only_with[setting]} needs other inputs ({need}) than numbers; define"
                    " a second curriculum with it, see source in config/README.md"
                )
    if "pace" in inputs and "of" in space:
        yield f"tuning.{kind.axis}.{name}.of: cannot be tuned; define two curricula"


def _needs(config: Mapping[str, Any], curriculum: str) -> Mapping[str, Mapping[str, Any]]:
    """What a curriculum needs before the first epoch; empty if its code cannot be read."""
    entry = config["curricula"].get(curriculum) or {}
    try:
        return needs(find(CURRICULUM, curriculum, entry.get("source")))
    except UserError:
        return {}


def _value_faults(key: str, values: Any) -> Iterator[str]:
    """Faults of a list or range of values."""
    if isinstance(values, Mapping):
        if not values["low"] < values["high"]:
            yield f"{key}: low ({values['low']}) is not below high ({values['high']})"
        if values["scale"] == "log" and not values["low"] > 0:
            yield f"{key}: scale log needs low above 0, not {values['low']}"
        return
    for value in values:
        if isinstance(value, str) and _is_number(value):
            yield f"{key}: '{value}' is text, not a number; YAML needs a dot in it, as in 1.0e-4"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
