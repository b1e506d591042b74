"""Python files, found and read without running them.

Imported by the Snakefile, so this uses the standard library alone.
"""

import ast
import importlib.util
from functools import cache
from pathlib import Path

from spcl.errors import UserError


def module_file(module: str) -> Path | None:
    """The file that ``import <module>`` would run; None where there is none.

    Only the outermost package is looked up as Python would, for to look up more would import it.
    """
    top, *inner = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # no name at all, or a module that was made by hand
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
    """The syntax tree of a file; it is read once.

    Raises
    ------
    UserError
        It is not Python; the message names the line.
    """
    return _syntax(path.absolute(), path)


@cache
def _syntax(absolute: Path, path: Path) -> ast.Module:
    try:
        return ast.parse(absolute.read_text(encoding="utf-8"), filename=str(path))
    except SyntaxError as error:
        raise UserError(f"{path}:{error.lineno}: {error.msg}; mend the line") from error
    except ValueError as error:  # bytes that are no UTF-8
        raise UserError(f"{path}: {error}; save it as UTF-8") from error


def constants(path: Path) -> dict[str, ast.expr | None]:
    """What a file assigns, defines or imports at its top level, by name.

    Returns
    -------
    dict
        The assigned expression; None for a class, a function and an imported name.
    """
    found: dict[str, ast.expr | None] = {}
    for statement in syntax(path).body:
        match statement:
            case ast.Assign(targets=targets, value=value):
                found |= {one.id: value for one in targets if isinstance(one, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found[name] = value
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                found[name] = None
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {alias.asname or alias.name: None for alias in names}
    return found


@cache
def modules_with(folder: Path, constant: str) -> tuple[str, ...]:
    """The names of the modules of `folder` that define `constant`, in alphabetical order."""
    return tuple(sorted(path.stem for path in folder.glob("*.py") if constant in constants(path)))
