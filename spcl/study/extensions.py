"""Finds the code of a baseline or curriculum: of this project, in your file, or in a package.

The ``source`` of the config entry has priority: a Python file (``my/gru.py``) or an import path
(``mylab.erc.gru``). Then come the modules of this project, then the entry points of installed
packages. Files are parsed, and imported only by `load`. The Snakefile imports this module, so it
uses the standard library alone.
"""

import ast
import hashlib
import importlib
import importlib.util
import logging
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from spcl.errors import UserError, choices
from spcl.study.python_files import LIBRARY, constructor, definitions, module_file, modules_with

log = logging.getLogger("spcl.study.extensions")

NEEDS = ("probes", "shift_rate", "pace", "teachers")
"""The names allowed in the ``NEEDS`` of a curriculum: the optional fields of `TrainingSet`."""


@dataclass(frozen=True)
class Kind:
    """Baselines or curricula: what users can add.

    Attributes
    ----------
    axis
        Their key in the config.
    packages
        The packages of this project that contain them.
    constant
        The name that a module must define: the class.
    group
        The group of their entry points.
    settings
        The key of their settings in a config entry.
    given
        Arguments of the class that are no settings.
    """

    axis: str
    packages: tuple[str, ...]
    constant: str
    group: str
    settings: str
    given: frozenset[str] = frozenset()


BASELINE = Kind(
    *("baselines", ("spcl.models",), "MODEL", "spcl.baselines", "model"),
    given=frozenset({"widths", "n_classes", "n_speakers"}),
)
CURRICULUM = Kind(
    "curricula",
    ("spcl.curriculum", "spcl.curriculum.balancing"),
    "CURRICULUM",
    "spcl.curricula",
    "settings",
)


@dataclass(frozen=True)
class Extension:
    """The module of one baseline or curriculum.

    Attributes
    ----------
    kind, name
        As in the config.
    module
        Its import path; None for a file that is imported by its path.
    path
        The file.
    """

    kind: Kind
    name: str
    module: str | None
    path: Path

    @property
    def key(self) -> str:
        """Its key in the config."""
        return f"{self.kind.axis}.{self.name}"

    @property
    def ours(self) -> bool:
        """Whether it belongs to this project."""
        return (self.module or "").startswith(f"{self.kind.packages[0]}.")


def names(kind: Kind) -> list[str]:
    """The names of this project, then those of installed packages, each in alphabetical order."""
    return [*sorted(_ours(kind)), *sorted(_installed(kind).keys() - _ours(kind).keys())]


def find(kind: Kind, name: str, source: str | None = None) -> Extension:
    """Find the module of `name`.

    Parameters
    ----------
    kind
        `BASELINE` or `CURRICULUM`.
    name
        As in the config.
    source
        The ``source`` of the config entry, if any.

    Raises
    ------
    UserError
        There is no such name, file or module, or the file does not define the class.
    """
    key = f"{kind.axis}.{name}"
    if source is not None:
        found = _from_source(kind, name, source)
    elif name in _ours(kind):
        module = f"{_ours(kind)[name]}.{name}"
        return Extension(
            kind, name, module, LIBRARY.parent.joinpath(*module.split(".")).with_suffix(".py")
        )
    elif name in _installed(kind):
        module = _installed(kind)[name]
        key = f"entry point {kind.group}: {name}"
        path = module_file(module)
        if path is None:
            raise UserError(f"{key}: there is no module '{module}'; name a module, without a colon")
        found = Extension(kind, name, module, path)
    else:
        raise UserError(
            f"{kind.axis}: there is no '{name}'; {choices(name, names(kind))}; for your own code"
            f" write '{name}: {{source: my/{name}.py}}', see docs/plug-in.md"
        )
    if kind.constant not in definitions(found.path):
        raise UserError(
            f"{key}: {found.path} does not define {kind.constant}; end it with"
            f" '{kind.constant} = YourClass'"
        )
    return found


def needs(extension: Extension) -> dict[str, dict[str, Any]]:
    """The fields of `TrainingSet` that a curriculum needs before the first epoch.

    They are the keys of the literal ``NEEDS`` in its module. The value of a key is the settings
    under which the field is needed, empty for always: ``{"probes": {"threshold": "auto"}}``.

    Raises
    ------
    UserError
        ``NEEDS`` is not a literal of this form, or has an unknown key.
    """
    expression = getattr(definitions(extension.path).get("NEEDS"), "value", None)
    if expression is None:
        return {}
    try:
        wanted = ast.literal_eval(expression)
        wanted = {need: dict(settings) for need, settings in wanted.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise UserError(
            f"{extension.key}: {extension.path}:{expression.lineno}: NEEDS is not a literal of"
            """ the form {"probes": {}}; see docs/plug-in.md"""
        ) from error
    for need in wanted:
        if need not in NEEDS:
            raise UserError(
                f"{extension.key}: {extension.path}:{expression.lineno}: NEEDS has the unknown key"
                f" '{need}'; {choices(need, NEEDS)}"
            )
    return wanted


@cache
def takes(extension: Extension) -> Mapping[str, bool] | None:
    """The settings that its class takes, each with whether it is required.

    None if the file does not show them, see `spcl.study.python_files.constructor`.
    """
    known = constructor(extension.path, extension.kind.constant)
    if known is None:
        return None
    return {name: needed for name, needed in known.items() if name not in extension.kind.given}


def load(extension: Extension) -> Any:
    """Import the module and return its class.

    Raises
    ------
    UserError
        The import fails (the message names the line), or the module does not define a class.
    """
    try:
        if extension.module is not None:
            module = importlib.import_module(extension.module)
        else:
            module = _import_file(extension.path)
        found = getattr(module, extension.kind.constant)
    except (Exception, SystemExit) as error:  # importing a script may exit
        raise UserError(f"{extension.key}: {fault_in(extension.path, error)}") from error
    if not isinstance(found, type):
        raise UserError(
            f"{extension.key}: {extension.kind.constant} of {extension.path} is not a class; write"
            f" '{extension.kind.constant} = YourClass', without parentheses"
        )
    return found


def fault_in(path: Path, error: BaseException) -> str:
    """Describe an error and its line in the user's file; write the traceback to the log."""
    log.info("%s: failed", path, exc_info=error)
    absolute = path.absolute()
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).absolute() == absolute
    ]
    at = f"{path}:{lines[-1]}" if lines else str(path)
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{at}: {reason}; fix it; the log has the traceback"


def _from_source(kind: Kind, name: str, source: str) -> Extension:
    """Find the file or module that a config entry names."""
    key = f"{kind.axis}.{name}.source"
    if source.endswith(".py"):
        path = Path(source).expanduser()
        if not path.is_file():
            raise UserError(
                f"{key}: there is no file {path}; give its path relative to {Path.cwd()}"
            )
        return Extension(kind, name, None, path)
    found = module_file(source)
    if found is None:
        raise UserError(
            f"{key}: there is no module '{source}'; install its package, or name a file: my/x.py"
        )
    return Extension(kind, name, source, found)


def _import_file(path: Path) -> ModuleType:
    """Import a file by its path, under a module name that depends on the path."""
    path = path.absolute()
    name = f"{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: dataclasses look up their module there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@cache
def _ours(kind: Kind) -> Mapping[str, str]:
    """The package of each name of this project."""
    return {
        name: package
        for package in kind.packages
        for name in modules_with(LIBRARY.parent.joinpath(*package.split(".")), kind.constant)
    }


@cache
def _installed(kind: Kind) -> Mapping[str, str]:
    """The modules that the entry points of installed packages name, by name."""
    return {point.name: point.value for point in entry_points(group=kind.group)}
