"""The table of packages in docs/architecture.md is what the imports say, and has no circle."""

import ast
import re

from tests.docs.pages import ROOT, Page

LIBRARY = ROOT / "spcl"
SHARED = {"errors"}


def rows():
    """Of each package of the page's table, from top to bottom, the packages that it imports."""
    found = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]*)\|$", Page("architecture.md").text, re.M)
    return {package: set(re.findall(r"`(\w+)`", imports)) for package, imports in found}


def imported(package):
    """The packages of spcl that the files of `package` import anywhere."""
    found = set()
    for file in (LIBRARY / package).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    others = {name.split(".")[1] for name in found if name.startswith("spcl.")}
    return {name for name in others if (LIBRARY / name).is_dir()} - {package}


def test_the_table_lists_every_package():
    assert rows().keys() == {path.parent.name for path in LIBRARY.glob("*/__init__.py")}


def test_the_table_lists_what_each_package_imports():
    assert rows() == {package: imported(package) for package in rows()}


def test_a_package_imports_only_packages_below_it():
    above = set()
    for package, imports in rows().items():
        above.add(package)
        assert not imports & above, package


def test_no_module_stands_outside_a_package():
    modules = {path.name for path in LIBRARY.glob("*.py")}
    assert modules == {"__init__.py", "__main__.py", "errors.py"}
