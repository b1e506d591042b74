"""The digest of the code of a rule: its script and the modules that this imports.

It covers modules of this project, of the package of a custom baseline or curriculum, and of the
working folder. It does not cover other installed packages, nor the plumbing that decides no number
(`spcl.provenance.decisive`). Syntax trees are hashed, so comments, docstrings, layout and time
stamps do not matter.

The Snakefile imports this module, so it uses the standard library alone.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from spcl.provenance.decisive import is_plumbing
from spcl.provenance.digest_cache import DigestCache
from spcl.study.python_files import module_file, syntax

_PACKAGE = "spcl"
_CONTAINS_STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)


@cache
def digest(script: str | Path, *modules: str | Path) -> str:
    """Hash `script`, `modules`, and all modules that they import directly or indirectly.

    Imports are followed into the package ``spcl`` except its plumbing, into the packages of
    `modules`, and into the working folder.

    Parameters
    ----------
    script
        Path of a Python file.
    *modules
        What the script imports by a name from the config: import paths, for example
        ``spcl.models.mmgcn``, and files, for example ``my/gru.py``.

    Returns
    -------
    str
        Sixteen hexadecimal digits; the same for every version of Python from 3.11.

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
        if name in seen or is_plumbing(name) or not (top in packages or _is_local(top)):
            continue
        module = _read_module(name)
        if module is not None:
            seen[name], imported = module
            pending.extend(imported)
    parts += (f"{name}\n{seen[name]}" for name in sorted(seen))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def save_digests() -> None:
    """Cache the digests of all files that were read, for later processes."""
    _cache().save()


@cache
def _cache() -> DigestCache:
    return DigestCache(Path(".snakemake", "contents", "code.json"))


@cache
def _version() -> str:
    """The version of this module: another one may compute other digests."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]


@cache
def _read_module(name: str) -> tuple[str, list[str]] | None:
    """What `_read` returns for a module; None if there is no module of this name."""
    path = module_file(name)
    return None if path is None else _read(path, name)


def _read(path: Path, name: str = "") -> tuple[str, list[str]]:
    """The digest of a file's code, and the names that it imports."""

    def compute(_: str) -> list[Any]:
        tree = syntax(path)
        imported = list(dict.fromkeys(_imports(tree, name, path)))
        return [hashlib.sha256(_as_text(tree).encode()).hexdigest(), imported]

    found = _cache().once(str(path.absolute()), f"{_version()} {name}", compute)
    if found is None:
        raise FileNotFoundError(f"{path}: no such file")
    code, imported = found
    return code, imported


def _as_text(node: object) -> str:
    """A syntax tree without docstrings as text; the same for every version of Python.

    Empty fields are left out because newer versions of Python have more of them.
    """
    if isinstance(node, list):
        return ",".join(_as_text(item) for item in node if not _is_docstring(item))
    if isinstance(node, ast.AST):
        fields = (f"{key}={_as_text(value)}" for key, value in ast.iter_fields(node) if value != [])
        return f"{type(node).__name__}({';'.join(fields)})"
    return repr(node)


def _is_docstring(node: object) -> bool:
    """Whether a statement consists of a string alone."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _imports(tree: ast.AST, name: str, path: Path) -> Iterator[str]:
    """The names that `tree` imports: modules, and objects in modules."""
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
            if isinstance(child, _CONTAINS_STATEMENTS):  # expressions contain no import
                yield from _imports(child, name, path)


def _with_parents(name: str) -> Iterator[str]:
    """``a.b.c`` -> ``a``, ``a.b``, ``a.b.c``: importing the last one runs all of them."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])


@cache
def _is_local(top: str) -> bool:
    """Whether the package or module `top` is in the working folder."""
    return Path(top).is_dir() or Path(f"{top}.py").is_file()
