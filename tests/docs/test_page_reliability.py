"""docs/reliability.md and the tests that hold it."""

import re

import pytest

from tests.docs.pages import ROOT, Page, defined_in

ROWS = Page("reliability.md").rows_with_tests()


def named(row):
    """The file and the test that hold a row."""
    ((file, test),) = re.findall(r"`([\w/]+\.py)`: `(test_\w+)`$", row[-1])
    return file, test


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_every_row_names_the_test_that_holds_it(row):
    file, test = named(row)
    assert test in defined_in(file)


def test_every_test_of_hostile_conditions_has_a_row():
    held = {named(row) for row in ROWS}
    for path in (ROOT / "tests" / "reliability").glob("test_*.py"):
        file = f"reliability/{path.name}"
        assert {(file, test) for test in defined_in(file)} <= held
