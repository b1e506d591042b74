"""Names whose class is undecided are refused, and the suggested config lines work."""

import io
import re
import unicodedata

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from spcl.data.corpus import read_corpus
from spcl.data.emotions.labels import IEMOCAP, MELD
from spcl.data.records import Choices
from spcl.errors import UserError
from spcl.inspection.find import find
from tests.data.made_formats import WIDTHS, Dialogue, spcl_dict, write_dag, write_pickle

SPLITS = ("train", "dev", "test")


def dialogues(emotions):
    """A dialogue for each split that has all of the emotions."""
    n = len(emotions)
    return [
        Dialogue(
            name=str(place),
            split=split,
            speakers=["0"] * n,
            emotions=list(emotions),
            texts=["Hello"] * n,
            vectors={m: np.ones((n, width), np.float32) for m, width in WIDTHS.items()},
        )
        for place, split in enumerate(SPLITS)
    ]


def table(emotions):
    n = len(emotions)
    return {
        "dialogue_id": np.repeat(SPLITS, n).tolist(),
        "split": np.repeat(SPLITS, n).tolist(),
        "text": ["Hello"] * 3 * n,
        "emotion": list(emotions) * 3,
    }


def csv_table(folder, emotions):
    pd.DataFrame(table(emotions)).to_csv(folder / "utterances.csv", index=False)
    return folder


def parquet_table(folder, emotions):
    pq.write_table(pa.table(table(emotions)), folder / "utterances.parquet")
    return folder


def json_lists(folder, emotions):
    return write_dag(folder, dialogues(emotions))


def pickled(folder, emotions):
    labels = {place: list(emotions) for place in range(3)}
    content = spcl_dict(dialogues([None] * len(emotions)), speakers="speakers")
    return write_pickle(folder / "features.pkl", content | {"label": labels})


FORMATS = [csv_table, parquet_table, json_lists, pickled]
every_format = pytest.mark.parametrize("write", FORMATS)


def read(path, labels=None):
    """The labels, and the emotions of one split, for all have the same."""
    corpus = read_corpus(path, choices=Choices(labels and tuple(labels)), dataset="mine")
    emotions = corpus.utterances["emotion"].to_pylist()
    n = len(emotions) // 3
    assert emotions == emotions[:n] * 3
    return corpus.labels, emotions[:n]


def question(path, labels=None):
    with pytest.raises(UserError) as error:
        read(path, labels)
    message = str(error.value)
    assert message.isprintable()
    assert message.startswith(f"{path}")
    return message


def answers(message):
    """The lists of labels that a message shows."""
    return [yaml.safe_load(shown) for shown in re.findall(r"\[.*?\](?= to |$)", message)]


ALIKE = [
    ("Joy", "joy"),
    ("JOY", "joy"),
    ("joy", " joy"),
    ("joy", "joy\t"),
    ("very glad", "very  glad"),
    ("very glad", "veryglad"),
    ("very glad", "very\N{NO-BREAK SPACE}glad"),
    ("very glad", "very-glad"),
    ("very glad", "very_glad"),
    ("very-glad", "very\N{EN DASH}glad"),
    ("gen\N{LATIN SMALL LETTER E WITH ACUTE}", "gene\N{COMBINING ACUTE ACCENT}"),
    ("joy", unicodedata.normalize("NFC", "\uff4a\uff4f\uff59")),
    ("joy", "joy\N{ZERO WIDTH SPACE}"),
    ("joy", "j\N{SOFT HYPHEN}oy"),
    ("joy", "\N{ZERO WIDTH NO-BREAK SPACE}joy"),
    ("stra\N{LATIN SMALL LETTER SHARP S}e", "STRASSE"),
    ("\u2639", "\u2639\N{VARIATION SELECTOR-16}"),
]


@every_format
@pytest.mark.parametrize("pair", ALIKE, ids=ascii)
def test_names_that_differ_only_in_spelling_are_refused_until_the_config_decides(
    tmp_path, write, pair
):
    path = write(tmp_path, [*pair, "sad", pair[0]])
    message = question(path)
    assert "(6 utterances)" in message
    assert "(3 utterances)" in message
    assert (
        " differ only in case, blanks, hyphens or Unicode form; write datasets.<name>.labels: ["
        in message
    )
    joined, apart = answers(message)
    assert len(joined) == 2
    assert all(unicodedata.is_normalized("NFC", label) for label in joined)
    _, found = read(path, joined)
    assert found[0] == found[1] == found[3] != found[2] == "sad"
    assert sorted(apart) == sorted([*pair, "sad"])
    assert read(path, apart)[1] == [*pair, "sad", pair[0]]


WORDS = ["nan", "NaN", "NA", "N/A", "n/a", "None", "null", "NULL", "<NA>", "#N/A", "-nan", "1.#IND"]


@every_format
@pytest.mark.parametrize("word", [*WORDS, "none", "na", " nan", "Na\N{ZERO WIDTH SPACE}N"])
def test_a_word_for_no_value_is_a_question(tmp_path, write, word):
    path = write(tmp_path, ["joy", word, "sad"])
    message = question(path)
    assert "(3 utterances) may mean that there is no label; write datasets.<name>." in message
    joined, apart = answers(message)
    assert read(path, joined) == (("joy", "sad"), ["joy", None, "sad"])
    assert read(path, apart)[1] == ["joy", word, "sad"]


@every_format
@pytest.mark.parametrize("names", [["joy", "nan"], ["Joy", "joy"]])
def test_an_answer_that_would_leave_one_class_is_not_offered(tmp_path, write, names):
    assert answers(question(write(tmp_path, names))) == [sorted(names)]


@pytest.mark.parametrize("word", WORDS)
def test_pandas_would_lose_these_words(word):
    assert pd.read_csv(io.StringIO(f"emotion,x\n{word},1\n"))["emotion"].isna().all()


@every_format
@pytest.mark.parametrize(
    "names",
    [
        ("Joy", "Sad"),
        (" joy", "sad "),
        ("-1.5", "1.5"),
        ("+", "-"),
        ("gen\u00e9", "gene"),
        ("a", "b"),
    ],
)
def test_names_in_one_spelling_and_empty_cells_are_no_question(tmp_path, write, names):
    labels, emotions = read(write(tmp_path, [*names, "", *names]))
    assert emotions == [name.strip() for name in (*names, "", *names)[:2]] + [None] + [
        name.strip() for name in names
    ]
    assert set(labels) == {name.strip() for name in names}


@pytest.mark.parametrize("write", [parquet_table, json_lists, pickled])
def test_cells_without_a_value_are_no_question(tmp_path, write):
    assert read(write(tmp_path, ["joy", None, "sad"]))[1] == ["joy", None, "sad"]


@pytest.mark.parametrize("write", [parquet_table, pickled])
def test_names_may_be_bytes(tmp_path, write):
    path = write(tmp_path, [b"Joy", b"joy", b"sad"])
    assert answers(question(path)) == [["Joy", "sad"], ["Joy", "joy", "sad"]]


@every_format
def test_a_known_corpus_is_known_in_any_spelling_and_keeps_its_order(tmp_path, write):
    title = [name.title() for name in MELD]
    assert read(write(tmp_path, title)) == (MELD, list(MELD))
    path = write(tmp_path, [*title, "joy", "nan"])
    assert answers(question(path)) in ([list(MELD)], [list(MELD), sorted([*title, "joy", "nan"])])
    assert read(path, MELD) == (MELD, [*MELD, "joy", None])


@every_format
def test_codes_of_iemocap_without_a_majority_stay_unlabelled(tmp_path, write):
    path = write(tmp_path, [*IEMOCAP, "xxx", "XXX", "oth"])
    assert answers(question(path))[0] == list(IEMOCAP)
    assert read(path, IEMOCAP)[1] == [*IEMOCAP, None, None, None]
    path = write(tmp_path, [*IEMOCAP, "XXX", "oth"])
    assert read(path)[1] == [*IEMOCAP, None, None]
    assert read_corpus(path, dataset="mine").problems == []


@pytest.mark.parametrize("write", [csv_table, parquet_table])
def test_a_word_for_no_value_among_integers_is_unlabelled_and_noted(tmp_path, write):
    path = write(tmp_path, ["0.0", "1", "nan", "-1", ""])
    assert "integers, up to 1" in question(path)
    corpus = read_corpus(path, choices=Choices(("joy", "sad")), dataset="mine")
    assert corpus.utterances["emotion"].to_pylist()[:5] == ["joy", "sad", None, None, None]
    assert "3 utterances are 'nan', which is not a label" in corpus.problems[0].reason


@every_format
def test_labels_take_every_spelling_of_theirs_and_it_is_noted(tmp_path, write):
    path = write(tmp_path, ["Joy", "joy ", "sad", "bored"])
    assert read(path, ["joy", "sad"])[1] == ["joy", "joy", "sad", None]
    reasons = [
        one.reason
        for one in read_corpus(path, choices=Choices(("joy", "sad")), dataset="x").problems
    ]
    assert "Joy (3 utterances), 'joy ' (3 utterances) are read as 'joy'" in reasons
    assert any("'bored'" in reason for reason in reasons)


@every_format
def test_labels_that_differ_only_in_spelling_must_each_be_in_the_file(tmp_path, write):
    path = write(tmp_path, ["Joy", "joy", "sad"])
    assert read(path, ["Joy", "joy", "sad"])[1] == ["Joy", "joy", "sad"]
    message = question(path, ["joy", "Joy", "JOY", "sad"])
    assert "joy, Joy, JOY of datasets.<name>.labels differ only in case" in message
    assert message.endswith("no emotion is called JOY; remove or rename it")


@every_format
def test_a_name_that_two_labels_could_mean_is_a_question(tmp_path, write):
    path = write(tmp_path, ["Joy", "joy", "JOY", "sad"])
    message = question(path, ["joy", "Joy", "sad"])
    assert "JOY (3 utterances) differs from joy, Joy of datasets.<name>.labels only in" in message
    (each,) = answers(message)
    assert read(path, each)[1] == ["Joy", "joy", "JOY", "sad"]


@every_format
def test_labels_of_numbers_never_differ_only_in_spelling(tmp_path, write):
    path = write(tmp_path, [0, 1])
    assert read(path, ["joy", "sad"])[1] == ["joy", "sad"]
    assert question(path, ["joy", "joy "]).endswith("is called joy; remove or rename it")


def test_inspect_asks_the_same_question(tmp_path):
    path = csv_table(tmp_path, ["Joy", "joy", "sad"])
    with pytest.raises(UserError) as error:
        find(path)
    assert str(error.value) == question(path)
    assert find(path, ("joy", "sad")).reading.labels == ("joy", "sad")


def test_a_column_of_sentences_is_asked_about_in_few_words(tmp_path):
    sentences = [f"{word} {n} " + "and so on " * 9 for n in range(200) for word in ("And", "and")]
    assert len(question(csv_table(tmp_path, sentences))) < 1500


@st.composite
def spelt(draw):
    """A name, and one of its spellings."""
    name = draw(st.sampled_from(["joy", "very sad", "tr\u00e8s gai"]))
    text = draw(st.sampled_from([str.lower, str.upper, str.title]))(name)
    text = text.replace(" ", draw(st.sampled_from([" ", "", "  ", "-", "_", "\u00a0", "\u2011"])))
    text = unicodedata.normalize(draw(st.sampled_from(["NFC", "NFD"])), text)
    around = st.sampled_from(["", " ", "\u200b", "\u2060", "_"])
    return name, draw(around) + text + draw(around)


@given(st.lists(spelt(), max_size=6), st.sampled_from(FORMATS))
def test_no_spelling_is_decided_in_silence(tmp_path_factory, pairs, write):
    pairs += [("joy", "joy"), ("calm", "calm")]
    path = write(tmp_path_factory.mktemp("spelt"), [text for _, text in pairs])
    one_each = len(set(pairs)) == len({name for name, _ in pairs})
    try:
        classes = read(path)[1]
    except UserError as error:
        assert not one_each
        joined, apart = (read(path, labels)[1] for labels in answers(str(error)))
        assert len(set(zip(joined, (name for name, _ in pairs), strict=True))) == len(set(joined))
        assert len(set(joined)) == len({name for name, _ in pairs})
        assert apart == [text for _, text in pairs]
    else:
        assert one_each
        assert len(set(zip(classes, pairs, strict=True))) == len(set(classes)) == len(set(pairs))
