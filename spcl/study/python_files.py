"""Finds and parses Python files without running them.

The Snakefile imports this module, so it uses the standard library alone.
"""

import ast
import importlib.util
from functools import cache
from pathlib import Path

from spcl.errors import UserError

LIBRARY = Path(__file__).parents[1]
"""The folder ``spcl``."""


def module_file(module: str) -> Path | None:
    """The file that ``import <module>`` would run; None if there is none.

    Only the outermost package is looked up as Python does it; looking up more would import it.
    """
    top, *inner = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # not a valid name, or a module without a spec
        return None
    if spec is None:
        return None
    if not inner:
        origin = Path(spec.origin or "")
        return origin if origin.suffix == ".py" and origin.is_file() else None
    for folder in spec.submodule_search_locations or ():
        stem = Path(folder).joinpath(*inner)
        for path in (stem / "__init__.py", stem.with_name(f"{stem.name}.py")):
            if path.is_file():
                return path
    return None


def syntax(path: Path) -> ast.Module:
    """The syntax tree of a file; it is parsed once.

    Raises
    ------
    UserError
        It is not valid Python; the message names the line.
    """
    return _syntax(path.absolute(), path)


@cache
def _syntax(absolute: Path, path: Path) -> ast.Module:
    try:
        return ast.parse(absolute.read_text(encoding="utf-8"), filename=str(path))
    except SyntaxError as error:
        raise UserError(f"{path}:{error.lineno}: {error.msg}; fix the line") from error
    except ValueError as error:  # not UTF-8
        raise UserError(f"{path}: {error}; save it as UTF-8") from error


def definitions(path: Path) -> dict[str, ast.stmt]:
    """The statements at the top level of a file that assign, define or import a name, by name.

    If several statements define a name, the last one is returned.
    """
    found: dict[str, ast.stmt] = {}
    for statement in syntax(path).body:
        match statement:
            case ast.Assign(targets=targets):
                names = [one.id for one in targets if isinstance(one, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                names = [name]
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                names = [name]
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names = [alias.asname or alias.name for alias in aliases]
            case _:
                names = []
        found |= dict.fromkeys(names, statement)
    return found


@cache
def modules_with(folder: Path, constant: str) -> tuple[str, ...]:
    """The names of the modules of `folder` that define `constant`, in alphabetical order."""
    return tuple(sorted(path.stem for path in folder.glob("*.py") if constant in definitions(path)))


def constructor(path: Path, name: str) -> dict[str, bool] | None:
    """The parameters of the class `name` of a file, each with whether it is required.

    They are read from its ``__init__`` or that of its base class. Imports of classes are followed
    from file to file.

    Returns
    -------
    dict or None
        None if they can only be found by importing: the class takes any keyword, is decorated, has
        several bases, a metaclass or a ``__new__``, or its ``__init__`` is not found.
    """
    return _constructor(path, name, ())


def _constructor(
    path: Path, name: str, seen: tuple[tuple[Path, str], ...]
) -> dict[str, bool] | None:
    seen = (*seen, (path, name))
    if len(set(seen)) < len(seen):  # derived from itself
        return None
    match definitions(path).get(name):
        case ast.ClassDef(decorator_list=[], keywords=[], bases=bases, body=body):
            own = {one.name: one for one in body if isinstance(one, ast.FunctionDef)}
            if "__init__" in own or "__new__" in own:
                return None if "__new__" in own else _parameters(own["__init__"])
            if not bases:
                return {}
            if len(bases) == 1 and isinstance(bases[0], ast.Name):
                return _constructor(path, bases[0].id, seen)
        case ast.Assign(value=ast.Name(id=other)):
            return _constructor(path, other, seen)
        case ast.ImportFrom(module=str(module), level=0, names=names):
            file = module_file(module)
            original = next(one.name for one in names if name == (one.asname or one.name))
            return _constructor(file, original, seen) if file else None
    return None


def _parameters(init: ast.FunctionDef) -> dict[str, bool] | None:
    """The parameters of an ``__init__`` without ``self``; None if not all have a name."""
    given = init.args
    if init.decorator_list or given.posonlyargs or given.kwarg:
        return None
    optional = len(given.args) - len(given.defaults)
    either = {one.arg: place < optional for place, one in enumerate(given.args)}
    by_name = {
        one.arg: default is None
        for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    }
    return dict(list(either.items())[1:]) | by_name
