"""Every module that a job may import is listed as decisive or as plumbing."""

import ast
from functools import cache
from pathlib import Path

import pytest

from spcl.provenance.decisive import DECISIVE, PLUMBING, is_plumbing

ROOT = Path(__file__).parents[2]
EXTENSIONS = ("models", "curriculum", "extract", "report/tables", "report/figures")
"""Folders of modules that jobs import by a name from the config or a wildcard."""


def imported(file):
    """The modules of spcl that a file imports anywhere, also for annotations."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: an import relative to its package"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.startswith("spcl.") and file_of(name)}


def file_of(module):
    stem = ROOT.joinpath(*module.split("."))
    files = [path for path in (stem / "__init__.py", stem.with_suffix(".py")) if path.exists()]
    return files[0] if files else None


@cache
def reached():
    """By module that a script imports directly or indirectly, the file that imports it.

    Imports of plumbing are not followed.
    """
    pending = [(path.name, path) for path in sorted(ROOT.glob("scripts/*.py"))]
    for folder in EXTENSIONS:
        pending += [("the config", path) for path in sorted((ROOT / "spcl" / folder).glob("*.py"))]
    found = {}
    while pending:
        _, file = pending.pop()
        for module in imported(file) - found.keys():
            found[module] = file
            if not is_plumbing(module):
                pending.append((module, file_of(module)))
    return found


def decisive(module):
    return any(f"{module}.".startswith(f"{name}.") for name in DECISIVE)


def test_every_imported_module_is_listed_as_decisive_or_plumbing():
    found = reached()
    assert len(found) > 100
    unnamed = {
        name: by.name
        for name, by in found.items()
        if not (decisive(name) or is_plumbing(name) or only_docstring(file_of(name)))
    }
    assert unnamed == {}


def only_docstring(file):
    return len(ast.parse(file.read_text()).body) == 1


@pytest.mark.parametrize("name", [*DECISIVE, *PLUMBING])
def test_every_listed_module_exists_and_is_imported(name):
    found = reached()
    assert any(f"{module}.".startswith(f"{name}.") for module in found)


def test_plumbing_does_not_re_export_decisive_names():
    """Otherwise a decisive module would be imported through plumbing, and not be hashed."""
    borrowed = []
    for module, by in reached().items():
        if is_plumbing(module):
            names = {
                alias.name
                for node in ast.walk(ast.parse(by.read_text()))
                if isinstance(node, ast.ImportFrom) and node.module == module
                for alias in node.names
            }
            handed = {
                alias.asname or alias.name
                for node in ast.walk(ast.parse(file_of(module).read_text()))
                if isinstance(node, ast.ImportFrom) and decisive(node.module or "")
                for alias in node.names
            }
            borrowed += [(module, by.name, name) for name in names & handed]
    assert borrowed == []
