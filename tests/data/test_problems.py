"""Every problem has one of a few kinds, and each kind occurs."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import spcl.data
from spcl.data.problems import KINDS, Problem, problem_table
from spcl.tables.schemas import PROBLEMS

OF_EXTRACTORS = {
    *("undecodable", "no_track", "slow", "outside", "short"),
    *("long", "silent", "blank", "cancelled", "failed"),
}
"""Kinds that only `spcl.extract` uses."""


def kinds_in(source: str) -> Iterator[str]:
    """The texts of a source file where kinds are: with a reason, or in an assignment."""
    for node in ast.walk(ast.parse(source)):
        places: list[ast.expr] = []
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("Problem", "note")):
            places = node.args
        elif isinstance(node, ast.Tuple) and len(node.elts) == 2:
            places = node.elts[:1]
        elif isinstance(node, ast.Assign):
            places = [node.value]
        for place in places:
            for one in (place.body, place.orelse) if isinstance(place, ast.IfExp) else (place,):
                if isinstance(one, ast.Constant):
                    yield one.value


@pytest.mark.usefixtures("no_collection")
def test_every_kind_is_used_by_the_readers_or_by_the_extractors():
    sources = Path(spcl.data.__file__).parent.rglob("*.py")
    used = {kind for path in sources for kind in kinds_in(path.read_text("utf-8"))}
    assert KINDS.keys() - used == OF_EXTRACTORS


def test_an_unknown_kind_is_a_defect_of_the_program():
    with pytest.raises(ValueError, match="'odd' is no kind of problem; add it to KINDS"):
        Problem("a.csv", None, None, "odd", "reason")


def test_the_table_has_the_kind_and_no_character_that_a_terminal_executes():
    problems = [Problem("a\n.csv", "u0", "a", "missing", "no \x1b[31mfile")]
    table = problem_table("mine", problems)
    assert PROBLEMS.fault(table) is None
    assert table.to_pylist() == [
        {
            "dataset": "mine",
            "file": r"a\n.csv",
            "utterance_id": "u0",
            "modality": "a",
            "kind": "missing",
            "reason": r"no \x1b[31mfile",
        }
    ]
