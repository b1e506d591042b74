"""Values by utterance id are assigned to the utterances with these ids."""

from pathlib import Path

import numpy as np
import pytest

from spcl.data.feature_files.by_dialogue import read_by_dialogue
from spcl.data.records import Choices

IDS = ["u0", "u1", "u2"]
FIELDS = {
    "speakers": dict(zip(IDS, ["Ann", "Bob", "Cid"], strict=True)),
    "classes": dict(zip(IDS, ["glad", "calm", "sad"], strict=True)),
    "texts": dict(zip(IDS, ["one", "two", "three"], strict=True)),
    "t": dict(zip(IDS, np.eye(3, dtype=np.float32), strict=True)),
}


OTHER = {
    "speakers": ["Dan"],
    "classes": ["glad"],
    "texts": ["four"],
    "t": [np.ones(3)],
    "utterance_ids": ["v0"],
}


def read(*, utterance_ids=IDS, **changed):
    """Dialogue d0 as `FIELDS` has it but for what is changed, and another beside it."""
    own = FIELDS | {"utterance_ids": utterance_ids} | changed
    fields = {name: {"d0": own[name], "d1": OTHER[name]} for name in OTHER}
    return read_by_dialogue(Path("x.pkl"), {"train": ["d0", "d1"]} | fields, Choices())


def rows(reading):
    return [
        (one.utterance_id, one.speaker, one.emotion, one.text, vector.tolist())
        for one, vector in zip(reading.utterances, reading.features["t"], strict=True)
        if one.dialogue_id == "d0"
    ]


EXPECTED = [
    ("u0", "Ann", "glad", "one", [1, 0, 0]),
    ("u1", "Bob", "calm", "two", [0, 1, 0]),
    ("u2", "Cid", "sad", "three", [0, 0, 1]),
]


@pytest.mark.parametrize("field", FIELDS)
def test_fields_may_have_another_order_and_type_of_names(field):
    other = {name.encode(): FIELDS[field][name] for name in reversed(IDS)}
    assert rows(read(**{field: other})) == EXPECTED
    assert rows(read(utterance_ids=[name.encode() for name in IDS], **{field: other})) == EXPECTED


def test_without_a_list_of_names_those_of_the_classes_give_the_order():
    backwards = {name: FIELDS["texts"][name] for name in reversed(IDS)}
    assert rows(read(utterance_ids=None, texts=backwards)) == EXPECTED


def test_a_missing_value_costs_its_row_and_an_unknown_one_is_recorded():
    texts = {"u0": "one", "u2": "three", "u9": "nine"}
    reading = read(texts=texts)
    assert [row[3] for row in rows(reading)] == ["one", "", "three"]
    assert [(p.kind, p.reason) for p in reading.problems] == [
        ("left_out", "dialogue d0: 1 values name no utterance of it; left out")
    ]


@pytest.mark.parametrize(
    ("utterance_ids", "kind", "reason"),
    [
        (IDS[:2], "malformed", "2 utterance ids for 3 labels"),
        ([*IDS, "u3"], "malformed", "4 utterance ids for 3 labels"),
        (["u0", "u1", "u1"], "duplicate", "two utterances with the same id"),
    ],
)
def test_a_dialogue_whose_names_do_not_fit_is_left_out(utterance_ids, kind, reason):
    lists = {name: list(values.values()) for name, values in FIELDS.items()}
    reading = read(utterance_ids=utterance_ids, **lists)
    assert rows(reading) == []
    found = [(problem.kind, problem.reason) for problem in reading.problems]
    assert (kind, f"dialogue d0: {reason}; left out") in found
