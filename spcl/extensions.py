"""Where the code of a baseline or a curriculum lies: here, in a user's file, in a package.

A config entry ``source`` comes first: a Python file (``my/model.py``) or an import path
(``mylab.erc.model``). Then the project's own files, then the entry points of installed packages.
Files are read, not imported, until one is to be used; imported by the Snakefile, so this uses the
standard library alone.
"""

import ast
import difflib
import importlib
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from spcl.errors import UserError


@dataclass(frozen=True)
class Kind:
    """One of the things that users add.

    Attributes
    ----------
    axis
        Its key in the config.
    package
        The project's own folder of them.
    constant
        What a module must define: the class.
    group
        The entry points' group.
    """

    axis: str
    package: str
    constant: str
    group: str


BASELINE = Kind("baselines", "spcl.models", "MODEL", "spcl.baselines")
CURRICULUM = Kind("curricula", "spcl.curriculum", "CURRICULUM", "spcl.curricula")


@dataclass(frozen=True)
class Extension:
    """The module of one baseline or curriculum.

    Attributes
    ----------
    kind, name
        As in the config.
    module
        Its import path; None for a file that is loaded by its path.
    path
        The file.
    """

    kind: Kind
    name: str
    module: str | None
    path: Path


@cache
def names(kind: Kind) -> list[str]:
    """Those of the project, then those of installed packages, each in alphabetical order."""
    folder = Path(__file__).parent.parent.joinpath(*kind.package.split("."))
    ours = sorted(path.stem for path in folder.glob("*.py") if _constant(path, kind.constant))
    return ours + sorted({point.name for point in entry_points(group=kind.group)} - set(ours))


def find(kind: Kind, name: str, source: str | None = None) -> Extension:
    """Find the module of `name`.

    Parameters
    ----------
    kind
        `BASELINE` or `CURRICULUM`.
    name
        As in the config.
    source
        The config entry's ``source``, if it has one.

    Raises
    ------
    UserError
        There is no such name or file, or the file does not define the class.
    """
    key = f"{kind.axis}.{name}"
    if source is None:
        point = next(iter(entry_points(group=kind.group, name=name)), None)
        if name in _ours(kind):
            source = f"{kind.package}.{name}"
        elif point is not None:
            source = point.value.partition(":")[0]
        else:
            near = difflib.get_close_matches(name, names(kind), n=1, cutoff=0.7)
            raise UserError(
                f"{kind.axis}: there is no '{name}';"
                + (f" did you mean '{near[0]}'?" if near else "")
                + f" there are: {', '.join(names(kind))}; for one of your own write"
                f" '{name}: {{source: path/to/{name}.py}}', see docs/plug-in.md"
            )
    if source.endswith(".py"):
        found = Extension(kind, name, None, Path(source))
    else:
        found = Extension(kind, name, source, _file(source, key))
    if not found.path.is_file():
        raise UserError(f"{key}.source: there is no file {found.path}; write the path of one")
    if not _constant(found.path, kind.constant):
        raise UserError(
            f"{key}.source: {found.path} does not define {kind.constant}; end it with"
            f" '{kind.constant} = YourClass'"
        )
    return found


def needs(extension: Extension) -> Mapping[str, Mapping[str, Any]]:
    """What a curriculum wants to know beforehand, by the name of a field of `TrainingSet`.

    It is the module's literal ``NEEDS``: each need with the settings that it depends on, empty for
    always; for example ``{"probes": {"threshold": "auto"}}``.
    """
    for statement in ast.parse(extension.path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "NEEDS":
            return dict(ast.literal_eval(statement.value))
    return {}


def load(extension: Extension) -> Any:
    """Import the module and give its class.

    Raises
    ------
    UserError
        The import fails; the message says why.
    """
    try:
        if extension.module is not None:
            module = importlib.import_module(extension.module)
        else:
            spec = importlib.util.spec_from_file_location(extension.path.stem, extension.path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules.setdefault(spec.name, module)
            spec.loader.exec_module(module)
    except Exception as error:
        key = f"{extension.kind.axis}.{extension.name}"
        raise UserError(
            f"{key}: {extension.path} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    return getattr(module, extension.kind.constant)


def _ours(kind: Kind) -> list[str]:
    folder = Path(__file__).parent.parent.joinpath(*kind.package.split("."))
    return [path.stem for path in folder.glob("*.py") if _constant(path, kind.constant)]


def _constant(path: Path, constant: str) -> bool:
    return path.is_file() and f"\n{constant} = " in path.read_text(encoding="utf-8")


def _file(module: str, key: str) -> Path:
    """The file of an import path; only its outermost package is looked up, nothing is imported."""
    top, *inner = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        raise UserError(f"{key}.source: there is no module '{top}'; install it or write a file")
    stem = Path(spec.origin).parent.joinpath(*inner) if inner else Path(spec.origin)
    return stem.with_suffix(".py") if not stem.is_dir() else stem / "__init__.py"
