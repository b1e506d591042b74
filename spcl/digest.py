"""A hash over the code that a rule runs: a script and every module of the project that it imports.

It sees syntax trees, so comments, docstrings, layout and time stamps do not count. Imported by the
Snakefile, so it uses the standard library alone.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_PACKAGE = "spcl"


@cache
def digest(script: str | Path, *modules: str) -> str:
    """Hash `script`, the project modules that it reaches by import, and `modules` with theirs.

    Parameters
    ----------
    script
        Path of a Python file.
    *modules
        Full names of modules that are imported by a name known only at run time, for example
        ``spcl.models.mmgcn``.

    Returns
    -------
    str
        Sixteen hexadecimal digits, the same for the same code under every Python from 3.11.

    Raises
    ------
    FileNotFoundError
        The script or a named module does not exist.
    """
    for name in modules:
        if _path(name) is None:
            raise FileNotFoundError(f"{name}: no such module")
    code, imported = _read(Path(script))
    seen: dict[str, str] = {}
    pending = [*imported, *(part for name in modules for part in _with_parents(name))]
    while pending:
        name = pending.pop()
        path = _path(name)
        if name not in seen and path is not None:
            seen[name], more = _read(path, name)
            pending.extend(more)
    parts = [code, *(f"{name}\n{seen[name]}" for name in sorted(seen))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@cache
def _read(path: Path, name: str = "") -> tuple[str, tuple[str, ...]]:
    """The code of a file without comments and docstrings, and what it may import of the project."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    imported = tuple(dict.fromkeys(_imports(tree, name, path)))
    return _spelt(tree), imported


def _spelt(node: object) -> str:
    """Write a syntax tree down without docstrings, the same under every version of Python.

    Empty fields are left out, for newer versions have more of them.
    """
    if isinstance(node, list):
        return ",".join(_spelt(item) for item in node if not _is_docstring(item))
    if isinstance(node, ast.AST):
        fields = (f"{key}={_spelt(value)}" for key, value in ast.iter_fields(node) if value != [])
        return f"{type(node).__name__}({';'.join(fields)})"
    return repr(node)


def _is_docstring(node: object) -> bool:
    """Whether a statement is only a string."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _imports(tree: ast.AST, name: str, path: Path) -> Iterator[str]:
    """Names that `tree` imports of the project; some are objects in a module, not modules."""
    if isinstance(tree, ast.Import):
        for alias in tree.names:
            yield from _with_parents(alias.name)
    elif isinstance(tree, ast.ImportFrom):
        base = tree.module or ""
        if tree.level:
            package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
            above = package[: len(package) - tree.level + 1]
            base = ".".join([*above, base] if base else above)
        for alias in tree.names:
            yield from _with_parents(f"{base}.{alias.name}")
    elif isinstance(tree, ast.If) and ast.unparse(tree.test).endswith("TYPE_CHECKING"):
        for statement in tree.orelse:
            yield from _imports(statement, name, path)
    else:
        for child in ast.iter_child_nodes(tree):
            yield from _imports(child, name, path)


def _with_parents(name: str) -> Iterator[str]:
    """``a.b.c`` -> ``a``, ``a.b``, ``a.b.c``: importing the last runs them all. Ours only."""
    parts = name.split(".")
    if parts[0] == _PACKAGE:
        for end in range(1, len(parts) + 1):
            yield ".".join(parts[:end])


@cache
def _path(name: str) -> Path | None:
    """The file of the project's module `name`; None where there is no such module."""
    stem = _ROOT.joinpath(*name.split("."))
    for path in (stem.with_suffix(".py"), stem / "__init__.py"):
        if path.is_file():
            return path
    return None
