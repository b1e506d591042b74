"""docs/reruns.md and the tests that hold it."""

import ast
import re

import pytest

from tests.docs.pages import ROOT, Page

PAGE = Page("reruns.md")
ROWS = [
    row.strip("| ").split(" | ")
    for row in PAGE.text.splitlines()
    if row.startswith("| ") and not row.endswith("| test |")
]


def defined_in(file):
    """The tests that a file defines."""
    path = ROOT / "tests" / "workflow" / file
    names = [
        one.name for one in ast.parse(path.read_text()).body if isinstance(one, ast.FunctionDef)
    ]
    return {name for name in names if name.startswith("test_")}


def named(cell):
    """The tests that a cell of a table names, and in which file."""
    (file,) = re.findall(r"`(test_\w+\.py)`", cell) or ["test_reruns.py"]
    return {(file, name) for name in re.findall(r"`(test_\w+)`", cell)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_every_row_names_a_test_that_there_is(row):
    tests = named(row[-1])
    assert tests
    assert all(name in defined_in(file) for file, name in tests)


def test_every_test_of_what_reruns_has_a_row():
    held = set().union(*(named(row[-1]) for row in ROWS))
    assert {("test_reruns.py", name) for name in defined_in("test_reruns.py")} <= held
