"""docs/reliability.md and the tests that hold it."""

import ast
import re

import pytest

from tests.docs.pages import ROOT, Page

PAGE = Page("reliability.md")
ROWS = [
    row.strip("| ").split(" | ")
    for row in PAGE.text.splitlines()
    if row.startswith("| ") and not row.endswith("| test |")
]


def defined_in(path):
    """The tests that a file defines."""
    body = ast.parse(path.read_text()).body
    names = [one.name for one in body if isinstance(one, ast.FunctionDef)]
    return {name for name in names if name.startswith("test_")}


def named(row):
    """The file and the test that hold a row."""
    ((file, test),) = re.findall(r"`([\w/]+\.py)`: `(test_\w+)`$", row[-1])
    return file, test


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_every_row_names_the_test_that_holds_it(row):
    file, test = named(row)
    assert test in defined_in(ROOT / "tests" / file)


def test_every_test_of_hostile_conditions_has_a_row():
    held = {named(row) for row in ROWS}
    for path in (ROOT / "tests" / "reliability").glob("test_*.py"):
        assert {(f"reliability/{path.name}", test) for test in defined_in(path)} <= held
