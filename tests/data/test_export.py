"""An exported pickle, read back, is the corpus that was exported."""

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spcl.cli import export as command
from spcl.data.export import FORMATS, export
from spcl.data.formats import FORMATS as READERS
from spcl.data.formats import load, recognise
from spcl.data.records import Choices
from spcl.data.simulated import is_simulated
from spcl.errors import UserError
from tests.data.made_export import LABELS, WIDTHS, rows_of, tables

LAYOUTS = {"spcl": "spcl_pickle", "dialogue_rnn": "dialogue_rnn", "sdt": "sdt"}
corpora = st.fixed_dictionaries(
    {
        "known_as": st.sampled_from(["iemocap", "meld", None]),
        "lengths": st.lists(st.integers(1, 5), min_size=3, max_size=8),
        "seed": st.integers(0, 2**16),
        "splits": st.permutations(["train", "dev", "test"]),
        "gaps": st.sampled_from([0.0, 0.3]),
    }
)
kinds = pytest.mark.parametrize("known_as", LABELS)
formats = pytest.mark.parametrize("format_name", FORMATS)


def exported(rows, known_as, format_name, folder, **more):
    utterances, features = tables(rows, known_as, **more)
    path, *notes = export(utterances, features, format_name, folder)
    (written,) = [one for one in folder.iterdir() if one.suffix == ".pkl"]
    assert str(written) == path
    return written, notes


def read_back(path, format_name, labels):
    content, choices = load(path), Choices(labels=labels)
    assert recognise(path, content) == LAYOUTS[format_name]
    return READERS[LAYOUTS[format_name]].read(path, content, choices)


def expected(rows, known_as, format_name):
    """The rows as they come back, split by split."""
    has_dev = FORMATS[format_name].HAS_DEV
    splits = {"dev": "dev" if has_dev else "train"}
    found = []
    for split in ("train", "dev", "test"):
        places = {}
        for row in rows:
            known = places.setdefault(row.dialogue, {})
            place = str(known.setdefault(row.speaker, len(known)))
            speaker = row.speaker[-1] if known_as == "iemocap" else place
            if (came_back := splits.get(row.split, row.split)) == split:
                found.append((row, (row.dialogue, speaker, row.text, row.emotion, came_back)))
    return found


@formats
@given(corpora)
def test_what_was_written_is_read_back(tmp_path_factory, format_name, drawn):
    known_as = drawn["known_as"]
    rows = rows_of(**drawn)
    path, _ = exported(rows, known_as, format_name, tmp_path_factory.mktemp("exported"))
    reading = read_back(path, format_name, LABELS[known_as])
    order = expected(rows, known_as, format_name)
    got = [(u.dialogue_id, u.speaker, u.text, u.emotion, u.split) for u in reading.utterances]
    assert got == [values for _, values in order]
    if format_name != "spcl":
        assert [u.utterance_id for u in reading.utterances] == [row.utterance for row, _ in order]
    for m, width in WIDTHS.items():
        vectors = [row.vectors[m] for row, _ in order]
        filled = [np.zeros(width, np.float32) if x is None else x for x in vectors]
        assert reading.features[m].dtype == np.float32
        np.testing.assert_array_equal(reading.features[m], np.stack(filled))
    assert reading.problems == []


@formats
@pytest.mark.parametrize("known_as", ["iemocap", "meld"])
def test_a_known_corpus_is_recognised_without_labels_in_the_config(tmp_path, format_name, known_as):
    rows = rows_of(known_as, [6] * 12)
    assert {row.emotion for row in rows} == set(LABELS[known_as])
    path, _ = exported(rows, known_as, format_name, tmp_path)
    reading = read_back(path, format_name, None)
    assert reading.known_as == known_as
    assert reading.labels == LABELS[known_as]


@formats
@kinds
def test_the_file_is_a_plain_pickle_for_any_numpy(tmp_path, format_name, known_as):
    path, _ = exported(rows_of(known_as, [3, 2, 4], gaps=0.3), known_as, format_name, tmp_path)
    written = path.read_bytes()
    assert written[:2] == b"\x80\x04"
    assert b"numpy._core" not in written
    content = pickle.loads(written)
    arrays = [x for field in _fields(content) if isinstance(field, dict) for x in field.values()]
    arrays = [x for x in arrays if isinstance(x, np.ndarray)]
    assert {x.dtype for x in arrays} == {np.dtype(np.float32)}
    assert all(x.flags.writeable for x in arrays)


def _fields(content):
    return content.values() if isinstance(content, dict) else content


@pytest.mark.parametrize(
    ("format_name", "known_as", "name", "n_fields"),
    [
        ("sdt", "iemocap", "iemocap_multimodal_features.pkl", 12),
        ("sdt", "meld", "meld_multimodal_features.pkl", 13),
        ("sdt", None, "mine_multimodal_features.pkl", 13),
        ("dialogue_rnn", "iemocap", "IEMOCAP_features.pkl", 9),
        ("dialogue_rnn", "meld", "MELD_features_raw1.pkl", 10),
        ("dialogue_rnn", None, "mine_features.pkl", 10),
        ("spcl", "iemocap", "iemocap.pkl", 9),
        ("spcl", "meld", "meld.pkl", 9),
        ("spcl", None, "mine.pkl", 9),
    ],
)
def test_the_file_has_its_usual_name_and_fields(tmp_path, format_name, known_as, name, n_fields):
    path, _ = exported(rows_of(known_as, [2, 2, 2]), known_as, format_name, tmp_path)
    assert path.name == name
    assert len(load(path)) == n_fields
    assert path.with_suffix(".README.md").is_file()


def test_the_four_text_fields_of_sdt_are_equal(tmp_path):
    path, notes = exported(rows_of("meld", [2, 2, 2]), "meld", "sdt", tmp_path)
    fields = load(path)
    for dialogue, vectors in fields[3].items():
        for field in fields[4:7]:
            np.testing.assert_array_equal(field[dialogue], vectors)
    assert any("four text fields" in note for note in notes)


def test_speakers_of_meld_are_one_hot_of_nine_or_numbers(tmp_path):
    rows = rows_of("meld", [9, 2, 2])
    people = [dataclasses.replace(row, speaker=f"p{n}") for n, row in enumerate(rows)]
    path, _ = exported(people, "meld", "dialogue_rnn", tmp_path)
    assert load(path)[1]["talk_0"] == np.eye(9, dtype=int).tolist()
    path, _ = exported(people, "meld", "spcl", tmp_path / "other")
    assert load(path)["speakers"]["talk_0"] == list(range(9))


@formats
def test_ten_speakers_in_a_dialogue_are_refused(tmp_path, format_name):
    rows = rows_of("meld", [10, 2, 2])
    people = [dataclasses.replace(row, speaker=f"p{n}") for n, row in enumerate(rows)]
    with pytest.raises(UserError, match=r"datasets.mine: dialogue talk_0 has 10 speakers"):
        exported(people, "meld", format_name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_speaker_of_iemocap_without_a_letter_is_refused(tmp_path):
    rows = rows_of("iemocap", [2, 2, 2])
    rows[3] = dataclasses.replace(rows[3], speaker="unknown")
    with pytest.raises(UserError, match=r"has the speaker 'unknown'.* only M and F"):
        exported(rows, "iemocap", "sdt", tmp_path)


def test_sentiments_are_written_where_the_emotion_determines_them(tmp_path):
    emotions = ["neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger", None]
    rows = [
        dataclasses.replace(row, emotion=emotion)
        for row, emotion in zip(rows_of("meld", [4, 2, 2]), emotions, strict=True)
    ]
    path, _ = exported(rows, "meld", "dialogue_rnn", tmp_path)
    sentiments = [one for found in load(path)[9].values() for one in found]
    assert sentiments == [0, -1, 2, 2, 1, 2, 2, -1]
    path, _ = exported(rows_of(None, [2, 2, 2]), None, "dialogue_rnn", tmp_path / "other")
    assert {one for found in load(path)[9].values() for one in found} == {-1}


def test_a_known_corpus_has_the_published_numbers_whatever_the_order_in_the_config(tmp_path):
    order = tuple(reversed(LABELS["iemocap"]))
    rows = rows_of("iemocap", [6] * 12)
    path, _ = exported(rows, "iemocap", "spcl", tmp_path, labels=order)
    assert [u.emotion for u in read_back(path, "spcl", None).utterances] == [
        row.emotion for row, _ in expected(rows, "iemocap", "spcl")
    ]


@formats
def test_what_the_format_cannot_say_is_in_the_notes_and_the_readme(tmp_path, format_name):
    rows = rows_of("meld", [4, 3, 5], gaps=0.5)
    path, notes = exported(rows, "meld", format_name, tmp_path)
    said = path.with_suffix(".README.md").read_text("utf-8")
    n_unlabelled = sum(row.emotion is None for row in rows)
    n_blind = sum(row.vectors["v"] is None for row in rows)
    assert n_unlabelled
    assert n_blind
    for words in (f"warning: {n_unlabelled} unlabelled", f"{n_blind} utterances have no visual"):
        assert any(note.startswith(words) for note in notes)
        assert words[1:] in said
    has_no_dev = any("no dev split: its 1 dialogues" in note for note in notes)
    assert has_no_dev == (format_name != "spcl")
    assert ("no dev split" in said) == has_no_dev
    for words in ("`official`, seed 0", "0 neutral, 1 surprise", '| made_a | {"layer": 2} | 1 |'):
        assert words in said
    assert "SIMULATED" not in said


@formats
def test_a_simulated_corpus_says_so(tmp_path, format_name):
    path, _ = exported(rows_of("meld", [2, 2, 2]), "meld", format_name, tmp_path, simulated=True)
    assert path.name.startswith("simulated_")
    assert "SIMULATED" in path.with_suffix(".README.md").read_text("utf-8")
    assert is_simulated(path)
    path, _ = exported(rows_of("meld", [2, 2, 2]), "meld", format_name, tmp_path / "real")
    assert not is_simulated(path)


def test_only_its_own_files_are_overwritten(tmp_path):
    rows = rows_of("iemocap", [2, 2, 2])
    path, _ = exported(rows, "iemocap", "spcl", tmp_path)
    first = path.read_bytes()
    exported(rows, "iemocap", "spcl", tmp_path)
    assert path.read_bytes() == first
    path.with_suffix(".README.md").unlink()
    path.write_bytes(b"theirs")
    with pytest.raises(UserError, match="was not written by this command"):
        exported(rows, "iemocap", "spcl", tmp_path)
    assert path.read_bytes() == b"theirs"


def test_features_of_another_import_are_refused(tmp_path):
    rows = rows_of(None, [2, 2, 2])
    utterances, _ = tables(rows, None)
    _, features = tables(rows[1:], None)
    with pytest.raises(UserError, match="lack 1 utterances, first talk_0_u0"):
        export(utterances, features, "spcl", tmp_path)


def test_the_command_offers_every_format():
    assert list(FORMATS) == [*command.FORMATS]
