"""Hostile files give a one-line error that names the file, with bounded time and memory."""

import json
import os
import pickle
import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from spcl.data.feature_files import fields
from spcl.data.files import parsing
from spcl.data.formats import iemocap, load, tables
from spcl.data.records import Choices
from spcl.errors import UserError
from spcl.inspection import single
from spcl.inspection.find import find

FEATURES = np.arange(12, dtype=np.float32).reshape(4, 3)
COLUMNS = {
    "dialogue_id": ["d0", "d0", "d1", "d2"],
    "utterance_id": ["u0", "u1", "u2", "u3"],
    "emotion": ["glad", "calm", "", "glad"],
}
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.fixture
def folder(tmp_path):
    write_table(tmp_path)
    return tmp_path


def write_table(folder, facts=None, columns=COLUMNS):
    table = pa.table(columns).replace_schema_metadata(facts and {"spcl": facts})
    pq.write_table(table, folder / "utterances.parquet")
    return folder / "utterances.parquet"


def tables_read(folder):
    return tables.read(folder, None, Choices())


def refused(path, read, *arguments):
    """The message that refuses a file, which is named in it."""
    with pytest.raises(UserError) as error:
        read(*arguments)
    message = str(error.value)
    assert message.startswith(str(path))
    assert message.isprintable()
    return message


# NumPy


def changed(path, *changes):
    """Overwrite bytes of an archive where each header in it begins, and of its directory."""
    content = bytearray(path.read_bytes())
    for mark, offset, new in changes:
        at = content.find(mark)
        while at >= 0:
            content[at + offset : at + offset + len(new)] = new
            at = content.find(mark, at + 1)
    path.write_bytes(content)


LOCAL, DIRECTORY = b"PK\3\4", b"PK\1\2"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([(LOCAL, 6, b"\1"), (DIRECTORY, 8, b"\1")], "is encrypted"),
        ([(LOCAL, 8, b"\x63"), (DIRECTORY, 10, b"\x63")], "compression method is not supported"),
        ([(LOCAL, 90, b"\xff\xff\xff")], "not a readable .npz file"),
        ([(DIRECTORY, 0, b"PK\7\7")], "Bad magic number"),
    ],
)
def test_an_archive_of_arrays_that_cannot_be_unpacked_is_named(folder, changes, words):
    path = folder / "a.npz"
    np.savez_compressed(path, utterance_id=COLUMNS["utterance_id"], features=FEATURES)
    tables_read(folder)
    changed(path, *changes)
    message = refused(path, tables_read, folder)
    assert words in message
    assert message.endswith("write it again with NumPy, without Python objects in it")


def test_an_archive_may_not_name_more_rows_than_it_has(folder):
    path = folder / "a.npz"
    np.savez(path, utterance_id=[f"u{n}" for n in range(6)], features=FEATURES)
    assert "6 names in utterance_id for 4 rows" in refused(path, tables_read, folder)


def test_an_archive_of_arrays_that_would_fill_memory_is_not_unpacked(folder, monkeypatch):
    path = folder / "a.npz"
    np.savez_compressed(path, features=np.zeros((4, 10**6), np.float32))
    monkeypatch.setattr(parsing, "MAX_BYTES", 10**6)
    tracemalloc.start()
    assert "takes over" in refused(path, tables_read, folder)
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


@pytest.mark.parametrize("shape", ["True", "(True, 3)", "(4.0, 3)", "'4'", "[4, 3]", "(-4, -3)"])
def test_an_array_with_an_invalid_shape_is_refused(folder, shape):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    content = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + bytes(48)
    path = folder / "a.npy"
    path.write_bytes(content)
    refused(path, tables_read, folder)
    refused(path, single.describe, path, 80)


# Parquet


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ("no JSON", "Expecting value"),
        ("[1]", "its metadata is no JSON object"),
        ("7", "its metadata is no JSON object"),
        (DEEP, "its metadata is no JSON object"),
        ('{"labels": ' + "9" * 5000 + "}", "not a readable .parquet file"),
        ('{"labels": 7}', "its metadata 'labels' is not a list of names"),
        ('{"labels": {"a": 1}}', "its metadata 'labels' is not a list of names"),
        ('{"labels": ["a", 1]}', "its metadata 'labels' is not a list of names"),
        ('{"known_as": []}', "its metadata 'known_as' is not one of iemocap, meld"),
        ('{"known_as": {"a": []}}', "its metadata 'known_as' is not one of iemocap, meld"),
        ('{"known_as": "emodb"}', "its metadata 'known_as' is not one of iemocap, meld"),
        (b"\xff\xfe", "not a readable .parquet file"),
    ],
)
def test_metadata_that_no_stage_writes_are_refused(folder, facts, words):
    path = write_table(folder, facts)
    assert words in refused(path, tables_read, folder)


def test_a_table_to_inspect_whose_metadata_are_no_object_is_named(folder):
    path = write_table(folder, DEEP)
    assert "its metadata is no JSON object" in refused(path, single.describe, path, 80)


def test_a_column_of_lists_of_lists_is_no_column_of_names(folder):
    path = write_table(folder, columns=COLUMNS | {"speaker": [[["a"]]] * 4})
    assert "column 'speaker' has type list<" in refused(path, tables_read, folder)


def test_a_table_of_a_few_bytes_for_very_many_rows_is_refused(folder):
    """All rows are equal, so each takes less than a bit."""
    path = folder / "a.parquet"
    rows = parsing.MAX_BYTES // 256 + 1
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([rows], pa.int32()), pa.array([True]))
    pq.write_table(pa.table({"f": pc.run_end_decode(runs)}), path)
    assert path.stat().st_size < rows // 100
    assert "takes over 4 GiB; divide it" in refused(path, tables_read, folder)


# JSON and pickles


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (DEEP, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("[" + "9" * 5000 + "]", "not JSON"),
        ('{"train": [[], {}], "test": 7}', "not a list of dialogues"),
    ],
)
def test_json_of_another_shape_is_named(tmp_path, content, words):
    path = tmp_path / "corpus.json"
    path.write_text(content)
    assert words in refused(path, find, path)


def dialogue(**fields):
    return [{"text": "Hello", "speaker": "Ann", "label": "joy", "cls": [1.0]} | fields] * 2


def split(one):
    return {"train": [one], "test": [dialogue(label="anger")]}


@pytest.mark.parametrize("label", [10**4000, -(10**30), 2**63], ids=["long", "negative", "64 bits"])
def test_a_label_that_counts_no_class_is_named(tmp_path, label):
    path = tmp_path / "corpus.json"
    path.write_text(json.dumps(split(dialogue(label=label))))
    assert "has a label that is a number outside the range" in refused(path, find, path)


def test_a_pipe_is_no_pickle_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "corpus.pkl")
    assert load(tmp_path / "corpus.pkl") is None


# What might take time by the square of its size, or by more than its size


def test_two_columns_with_the_same_name_are_found_among_very_many(tmp_path):
    path = tmp_path / "utterances.csv"
    names = [f"c{n}" for n in range(100_000)]
    path.write_text(",".join([*names, names[-1]]) + "\n")
    assert "two columns have the name 'c99999'" in refused(path, tables_read, tmp_path)


def test_a_line_of_blanks_is_no_transcript(tmp_path):
    path = tmp_path / "Ses01F_impro01.txt"
    path.write_text("Ses01F_impro01_F000" + " " * 200_000 + "x\nSes01F_impro01_F001 : Yes.\n")
    assert iemocap._texts(path) == {"Ses01F_impro01_F001": "Yes."}


def test_a_very_long_class_name_is_not_normalised(tmp_path):
    accents = "a" + "\u0315\u0300" * 200_000
    emotions = [accents, "calm", "", "calm"]
    write_table(tmp_path, columns=COLUMNS | {"emotion": emotions})
    assert tables.read(tmp_path, None, Choices(("calm",))).utterances[0].emotion is None


def test_lists_that_dialogues_share_are_read_only_so_often(tmp_path, monkeypatch):
    monkeypatch.setattr(fields, "MAX_ELEMENTS", 2**24)
    names = [f"d{n}" for n in range(3000)]
    content = {"trainVid": names[:2000], "testVid": names[2000:]}
    for field, values in {"speaker": ["F", "M"], "label": ["joy", "anger"]}.items():
        content[field] = dict.fromkeys(names, values * 5000)
    path = tmp_path / "corpus.pkl"
    path.write_bytes(pickle.dumps(content))
    assert path.stat().st_size < 200_000
    assert "numbers and letters; divide it" in refused(path, find, path)
