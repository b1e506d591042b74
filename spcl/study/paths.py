"""The paths of a config: ``~`` and environment variables in them, and where they may lead."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from spcl.errors import UserError
from spcl.study.schema import Place

OUTPUTS = ("results", "logs", "benchmarks", ".snakemake")
"""The folders that the workflow writes to, besides those of simulated and downloaded corpora."""

_VARIABLE = re.compile(r"\$(?:(\w+)|\{([^}]*)\})", re.ASCII)  # as in os.path.expandvars


def path_faults(config: Mapping[str, Any]) -> dict[Place, str]:
    """Expand every path of `config` in place; the faults of those that cannot be used, by place.

    Inputs and outputs may not lie in each other. An input in a folder of outputs is deleted with
    it, and an input around such a folder changes with every run.
    """
    made = {
        dataset["path"]
        for dataset in config["datasets"].values()
        if "path" in dataset and dataset.keys() & {"simulate", "download"}
    }
    faults = {}
    for place, entry in _paths(config):
        name = str(place[-1])
        try:
            entry[name] = expanded(entry[name])
        except UserError as error:
            faults[place] = f"{'.'.join(place)}: {error}"
            continue
        overlap = None if entry[name] in made else _overlap(entry[name], made)
        if overlap:
            faults[place] = f"{'.'.join(place)}: '{entry[name]}' {overlap}"
    return faults


def expanded(path: str) -> str:
    """The path with the values of ``~``, ``~user``, ``$NAME`` and ``${NAME}``.

    A path that exists as it is written keeps its ``$``.

    Raises
    ------
    UserError
        There is no such user, or the variable is not set.
    """
    if not os.path.lexists(path):
        for found in _VARIABLE.finditer(path):
            if not os.environ.get(name := found[1] or found[2]):
                raise UserError(
                    f"'{path}': the environment variable '{name}' is not set; set it, or write the"
                    " path without it"
                )
        path = os.path.expandvars(path)
    home = os.path.expanduser(path)
    if home.startswith("~") and not os.path.lexists(home):
        user = home.partition("/")[0]
        raise UserError(f"'{path}': '{user}' is no user of this machine; write the path without it")
    return home


def _paths(config: Mapping[str, Any]) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The place of every path, and the mapping in which it is."""
    datasets: Mapping[str, Any] = config["datasets"]
    for name, dataset in datasets.items():
        if "path" in dataset:
            yield ("datasets", name, "path"), dataset
    for axis in ("baselines", "curricula"):
        for name, entry in config[axis].items():
            if entry and str(entry.get("source")).endswith(".py"):
                yield (axis, name, "source"), entry
    owners: dict[Place, Mapping[str, Any]] = {(): config}
    owners |= {("datasets", name): dataset for name, dataset in datasets.items()}
    for outer, owner in owners.items():
        for letter, choice in owner.get("features", {}).items():
            options = choice.get("options", {})
            if isinstance(options.get("folder"), str):  # of a model
                yield (*outer, "features", letter, "options", "folder"), options


def _overlap(path: str, made: Iterable[str]) -> str | None:
    """What is wrong if `path` lies in a folder of outputs, or such a folder in it."""
    real = os.path.realpath(path)
    for folder in (*OUTPUTS, *made):
        output = os.path.realpath(folder)
        if folder in OUTPUTS and _inside(real, output):
            return f"is in {folder}, which the workflow writes to; move it, for example into data"
        if real != output and _inside(output, real):
            return (
                f"contains {folder}, which the workflow writes to; move the files into a folder of"
                " their own, for example in data"
            )
    return None


def _inside(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder
