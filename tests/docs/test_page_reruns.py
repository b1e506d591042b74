"""docs/reruns.md and the tests that hold it."""

import re

import pytest

from tests.docs.pages import Page, defined_in

ROWS = Page("reruns.md").rows_with_tests()


def named(cell):
    """The tests that a cell of a table names, and in which file."""
    (file,) = re.findall(r"`(test_\w+\.py)`", cell) or ["test_reruns.py"]
    return {(f"workflow/{file}", name) for name in re.findall(r"`(test_\w+)`", cell)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_every_row_names_a_test_that_there_is(row):
    tests = named(row[-1])
    assert tests
    assert all(name in defined_in(file) for file, name in tests)


def test_every_test_of_what_reruns_has_a_row():
    held = set().union(*(named(row[-1]) for row in ROWS))
    file = "workflow/test_reruns.py"
    assert {(file, name) for name in defined_in(file)} <= held
