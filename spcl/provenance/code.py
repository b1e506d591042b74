"""A hash over the code that a rule runs: a script and the modules that it imports.

Modules count that belong to this project, to a plug-in's package or to the working folder; those of
other installed packages have versions, and plumbing (`spcl.provenance.decisive`) decides nothing.
What is hashed are syntax trees, so comments, docstrings, layout and time stamps do not count. A
file is parsed once for each version of it.

Imported by the Snakefile, so it uses the standard library alone.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from spcl.provenance.contents import Contents
from spcl.provenance.decisive import plumbing
from spcl.study.python_files import module_file, syntax

_PACKAGE = "spcl"
_HOLDS_STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)


@cache
def digest(script: str | Path, *modules: str | Path) -> str:
    """Hash `script`, the modules that it reaches by import, and `modules` with theirs.

    Followed are the package ``spcl`` without its plumbing, those of `modules`, and what lies in the
    working folder.

    Parameters
    ----------
    script
        Path of a Python file.
    *modules
        What is imported by a name known only at run time: import paths, for example
        ``spcl.models.mmgcn``, and files, for example ``my/gru.py``.

    Returns
    -------
    str
        Sixteen hexadecimal digits, the same for the same code under every Python from 3.11.

    Raises
    ------
    FileNotFoundError
        The script or a named module does not exist.
    UserError
        A file is not Python.
    """
    files = [Path(script), *(Path(one) for one in modules if str(one).endswith(".py"))]
    named = [str(one) for one in modules if not str(one).endswith(".py")]
    for name in named:
        if module_file(name) is None:
            raise FileNotFoundError(f"{name}: no such module")
    packages = {_PACKAGE, *(name.partition(".")[0] for name in named)}
    parts = []
    pending = [part for name in named for part in _with_parents(name)]
    for file in files:
        code, imported = _read(file)
        parts.append(code)
        pending.extend(imported)
    seen: dict[str, str] = {}
    while pending:
        name = pending.pop()
        top = name.partition(".")[0]
        if name in seen or plumbing(name) or not (top in packages or _lies_here(top)):
            continue
        path = _file(name)
        if path is not None:
            seen[name], more = _read(path, name)
            pending.extend(more)
    parts += (f"{name}\n{seen[name]}" for name in sorted(seen))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def keep_digests() -> None:
    """Keep what was found of each file, for later processes."""
    _contents().save()


@cache
def _contents() -> Contents:
    return Contents(Path(".snakemake", "contents", "code.json"))


@cache
def _this() -> str:
    """Other versions of this module may have hashed other things."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]


@cache
def _read(path: Path, name: str = "") -> tuple[str, list[str]]:
    """A hash of the code of a file without comments and docstrings, and what it may import."""

    def look(_: str) -> list[Any]:
        tree = syntax(path)
        imported = list(dict.fromkeys(_imports(tree, name, path)))
        return [hashlib.sha256(_spelt(tree).encode()).hexdigest(), imported]

    found = _contents().once(str(path.absolute()), f"{_this()} {name}", look)
    if found is None:
        raise FileNotFoundError(f"{path}: no such file")
    code, imported = found
    return code, imported


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
    """Names that `tree` imports; some are objects in a module, not modules."""
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
            if isinstance(child, _HOLDS_STATEMENTS):  # no expression does
                yield from _imports(child, name, path)


def _with_parents(name: str) -> Iterator[str]:
    """``a.b.c`` -> ``a``, ``a.b``, ``a.b.c``: importing the last runs them all."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])


_file = cache(module_file)  # many rules reach the same modules


@cache
def _lies_here(top: str) -> bool:
    """Whether the working folder holds the package or module `top`."""
    return Path(top).is_dir() or Path(f"{top}.py").is_file()
