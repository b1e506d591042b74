"""Where the code of a baseline or a curriculum lies: here, in a user's file, in a package.

A config entry ``source`` comes first: a Python file (``my/gru.py``) or an import path
(``mylab.erc.gru``). Then the project's own files, then the entry points of installed packages.
Files are read, not imported, until one is to be used; imported by the Snakefile, so this uses the
standard library alone.
"""

import ast
import difflib
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

from spcl.errors import UserError
from spcl.study.python_files import LIBRARY, constants, constructor, module_file, modules_with

log = logging.getLogger("spcl.study.extensions")

NEEDS = ("probes", "shift_rate", "pace")
"""What a curriculum's ``NEEDS`` may name: the fields of `TrainingSet` that are made on demand."""


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
    settings
        The key of its settings in its config entry.
    given
        What the class is built with beside its settings.
    """

    axis: str
    package: str
    constant: str
    group: str
    settings: str
    given: frozenset[str] = frozenset()


BASELINE = Kind(
    *("baselines", "spcl.models", "MODEL", "spcl.baselines", "model"),
    given=frozenset({"widths", "n_classes", "n_speakers"}),
)
CURRICULUM = Kind("curricula", "spcl.curriculum", "CURRICULUM", "spcl.curricula", "settings")


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

    @property
    def key(self) -> str:
        """Its key in the config, for messages."""
        return f"{self.kind.axis}.{self.name}"

    @property
    def ours(self) -> bool:
        """Whether it is one of the project's own."""
        return (self.module or "").startswith(f"{self.kind.package}.")


def names(kind: Kind) -> list[str]:
    """Those of the project, then those of installed packages, each in alphabetical order."""
    return [*_ours(kind), *sorted(_installed(kind).keys() - _ours(kind))]


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
        There is no such name, file or module, or the file does not define the class.
    """
    key = f"{kind.axis}.{name}"
    if source is not None:
        found = _from_source(kind, name, source)
    elif name in _ours(kind):
        return Extension(kind, name, f"{kind.package}.{name}", _folder(kind) / f"{name}.py")
    elif name in _installed(kind):
        module = _installed(kind)[name]
        key = f"entry point {kind.group}: {name}"
        path = module_file(module)
        if path is None:
            raise UserError(f"{key}: there is no module '{module}'; name one, without a colon")
        found = Extension(kind, name, module, path)
    else:
        known = names(kind)
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
        raise UserError(
            f"{kind.axis}: there is no '{name}';"
            + (f" did you mean '{near[0]}'?" if near else "")
            + f" there are: {', '.join(known)}; for one of your own write"
            f" '{name}: {{source: my/{name}.py}}', see docs/plug-in.md"
        )
    if kind.constant not in constants(found.path):
        raise UserError(
            f"{key}: {found.path} does not define {kind.constant}; end it with"
            f" '{kind.constant} = YourClass'"
        )
    return found


def needs(extension: Extension) -> dict[str, dict[str, Any]]:
    """What a curriculum wants to know beforehand, by the name of a field of `TrainingSet`.

    It is the module's literal ``NEEDS``: each need with the settings that it depends on, empty for
    always; for example ``{"probes": {"threshold": "auto"}}``.

    Raises
    ------
    UserError
        ``NEEDS`` is no literal of this form, or names something else.
    """
    expression = constants(extension.path).get("NEEDS")
    if expression is None:
        return {}
    try:
        wanted = ast.literal_eval(expression)
        wanted = {need: dict(settings) for need, settings in wanted.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise UserError(
            f"{extension.key}: {extension.path}:{expression.lineno}: NEEDS is no literal of the"
            """ form {"probes": {}}; write it out, see docs/plug-in.md"""
        ) from error
    for need in wanted:
        if need not in NEEDS:
            raise UserError(
                f"{extension.key}: {extension.path}:{expression.lineno}: NEEDS names '{need}';"
                f" choose of: {', '.join(NEEDS)}"
            )
    return wanted


@cache
def takes(extension: Extension) -> Mapping[str, bool] | None:
    """The settings that its class takes, in its order: whether each must be given.

    None where its file does not tell, see `spcl.study.python_files.constructor`.
    """
    known = constructor(extension.path, extension.kind.constant)
    if known is None:
        return None
    return {name: needed for name, needed in known.items() if name not in extension.kind.given}


def load(extension: Extension) -> Any:
    """Import the module and give its class.

    Raises
    ------
    UserError
        The import fails, or what it gives is no class; the message names the line.
    """
    try:
        if extension.module is not None:
            module = importlib.import_module(extension.module)
        else:
            module = _import_file(extension.path)
        found = getattr(module, extension.kind.constant)
    except (Exception, SystemExit) as error:  # a script that was never meant for import may exit
        raise UserError(f"{extension.key}: {fault_in(extension.path, error)}") from error
    if not isinstance(found, type):
        raise UserError(
            f"{extension.key}: {extension.kind.constant} of {extension.path} is no class; write"
            f" '{extension.kind.constant} = YourClass', without brackets"
        )
    return found


def fault_in(path: Path, error: BaseException) -> str:
    """Say what failed, and at which line of the user's file; the traceback goes to the log."""
    log.info("%s: fails", path, exc_info=error)
    absolute = path.absolute()
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).absolute() == absolute
    ]
    at = f"{path}:{lines[-1]}" if lines else str(path)
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{at}: {reason}; mend it, the log has the traceback"


def _from_source(kind: Kind, name: str, source: str) -> Extension:
    """Find what a config entry names."""
    key = f"{kind.axis}.{name}.source"
    if source.endswith(".py"):
        path = Path(source).expanduser()
        if not path.is_file():
            raise UserError(f"{key}: there is no file {path}; write its path from {Path.cwd()}")
        return Extension(kind, name, None, path)
    found = module_file(source)
    if found is None:
        raise UserError(
            f"{key}: there is no module '{source}'; install its package, or write a file: my/x.py"
        )
    return Extension(kind, name, source, found)


def _import_file(path: Path) -> ModuleType:
    """Import a file by its path, under a name that no other file has."""
    path = path.absolute()
    name = f"{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: dataclasses look themselves up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@cache
def _folder(kind: Kind) -> Path:
    return LIBRARY.parent.joinpath(*kind.package.split("."))


def _ours(kind: Kind) -> tuple[str, ...]:
    return modules_with(_folder(kind), kind.constant)


@cache
def _installed(kind: Kind) -> Mapping[str, str]:
    """By name, what the entry points of installed packages point to."""
    return {point.name: point.value for point in entry_points(group=kind.group)}
