"""The pickles of the field: what was written comes back, whatever the quirks."""

import copy
import dataclasses
import os
import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spcl.data.corpus import read_corpus
from spcl.data.counts import UNLABELLED, report_table
from spcl.data.emotions.labels import IEMOCAP, MELD
from spcl.data.emotions.sentiment import sentiment_classes
from spcl.data.feature_files import fields
from spcl.data.formats import FORMATS, load, recognise
from spcl.data.records import Choices
from spcl.errors import UserError
from tests.data.made_formats import (
    IDS,
    ROWS,
    WIDTHS,
    check_same,
    cosmic_list,
    dialogue_rnn_tuple,
    made,
    made_mosei,
    mosei_tuple,
    python2_pickle,
    sdt_tuple,
    spcl_dict,
    write_pickle,
)


def read(path, labels=None, *, layout, **chosen):
    content = load(path)
    assert recognise(path, content) == layout
    return FORMATS[layout].read(path, content, Choices(labels, **chosen))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "corpus.pkl"


def refused(path, content, labels=None, **chosen):
    """The message for a pickle of `content` that its reader refuses."""
    write_pickle(path, content)
    with pytest.raises(UserError) as error:
        FORMATS[recognise(path, load(path))].read(path, load(path), Choices(labels, **chosen))
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(str(path))
    return str(error.value)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("corpus", ["iemocap", "meld"])
def test_an_spcl_dict_is_read_with_any_form_of_vectors(path, corpus, rows):
    dialogues = made(corpus)
    speakers = "speaker" if corpus == "iemocap" else "speakers"
    write_pickle(path, spcl_dict(dialogues, rows=rows, speakers=speakers))
    reading = read(path, layout="spcl_pickle")
    check_same(reading, dialogues)
    assert reading.known_as == corpus
    assert reading.labels == (IEMOCAP if corpus == "iemocap" else MELD)
    assert reading.problems == []


@pytest.mark.parametrize("ids", IDS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_ids_may_be_a_list_an_array_or_bytes_in_any_protocol(path, ids, protocol):
    dialogues = made("iemocap")
    write_pickle(path, spcl_dict(dialogues, ids=ids), protocol)
    check_same(read(path, layout="spcl_pickle"), dialogues)


def test_a_list_of_ids_keeps_its_order_and_a_set_is_sorted_by_number(path):
    dialogues = made("meld", [2] * 15)
    turned = [*reversed(dialogues[:10]), *dialogues[10:]]
    write_pickle(path, spcl_dict(turned, ids="list", speakers="speakers"))
    check_same(read(path, layout="spcl_pickle"), turned)
    write_pickle(path, spcl_dict(turned, ids="set", speakers="speakers"))
    check_same(read(path, layout="spcl_pickle"), dialogues)


def test_a_list_of_dev_dialogues_is_dev(path):
    dialogues = made("iemocap")
    dialogues[3] = dataclasses.replace(dialogues[3], split="dev")
    write_pickle(path, spcl_dict(dialogues))
    check_same(read(path, layout="spcl_pickle"), dialogues)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("form", ["iemocap", "meld", "meld without v"])
def test_the_three_tuples_of_the_dialogue_rnn_family_are_distinguished(path, form, rows):
    corpus = form.split()[0]
    dialogues = made(corpus)
    write_pickle(path, dialogue_rnn_tuple(dialogues, form, rows=rows))
    reading = read(path, layout="dialogue_rnn")
    check_same(reading, dialogues, "ta" if form == "meld without v" else "tav")
    assert reading.known_as == corpus
    ids = [u.utterance_id for u in reading.utterances]
    assert ids[0] == ("Ses01F_impro00_F000" if corpus == "iemocap" else "dia0_utt0")


@pytest.mark.parametrize("corpus", ["iemocap", "meld"])
def test_cosmic_gives_the_mean_of_its_four_layers_as_text(path, corpus):
    dialogues = made(corpus)
    dialogues[0] = dataclasses.replace(dialogues[0], split="dev")
    layers = (-2, 1, 1, 0)
    content = cosmic_list(dialogues, layers=layers, sentiments=corpus == "meld")
    for whole in (content, tuple(content)):
        write_pickle(path, whole)
        reading = read(path, layout="cosmic")
        expected = [
            np.mean([d.vectors["t"] + np.float32(by) for by in layers], axis=0) for d in dialogues
        ]
        order = sorted(range(len(dialogues)), key=lambda i: dialogues[i].split == "test")
        order = [i for s in ("train", "dev", "test") for i in order if dialogues[i].split == s]
        np.testing.assert_array_equal(
            reading.features["t"], np.concatenate([expected[i] for i in order])
        )
        assert reading.known_as == corpus
        assert {u.split for u in reading.utterances} == {"train", "dev", "test"}


SDT = {"iemocap": "iemocap", "meld": "meld", "graphsmile": "meld"}
"""The forms of SDT's tuple, and the corpus of each."""


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("form", SDT)
def test_the_three_tuples_of_sdt_are_distinguished(path, form, rows):
    dialogues = made(SDT[form])
    content = sdt_tuple(dialogues, form, rows=rows)
    assert len(content) == {"iemocap": 12, "meld": 13, "graphsmile": 14}[form]
    write_pickle(path, content)
    reading = read(path, layout="sdt")
    check_same(reading, dialogues)
    assert reading.known_as == SDT[form]
    assert reading.problems == []
    assert reading.layers == {"t": 4}


@pytest.mark.parametrize("ids", IDS)
@pytest.mark.parametrize("form", SDT)
@pytest.mark.parametrize("protocol", range(2, 6))
def test_sdts_lists_and_tuples_come_back_in_any_protocol(path, form, ids, protocol):
    dialogues = made(SDT[form])
    write_pickle(path, list(sdt_tuple(dialogues, form, ids=ids)), protocol)
    check_same(read(path, layout="sdt"), dialogues)


@pytest.mark.parametrize("form", SDT)
def test_sdts_arrays_of_either_numpy_come_back(path, form):
    dialogues = made(SDT[form])
    content = pickle.dumps(sdt_tuple(dialogues, form, rows="float64"), protocol=2)
    assert b"numpy._core" in content
    for written in (content, content.replace(b"numpy._core", b"numpy.core")):
        path.write_bytes(written)
        check_same(read(path, layout="sdt"), dialogues)


@pytest.mark.parametrize("unread", [None, 3, "words", [], {}, {"a": 1}, np.zeros(2)])
def test_the_last_part_of_sdts_meld_may_be_anything(path, unread):
    dialogues = made("meld")
    write_pickle(path, (*sdt_tuple(dialogues, "meld")[:-1], unread))
    check_same(read(path, layout="sdt"), dialogues)


def test_a_tuple_of_twelve_whose_parts_are_of_other_types_is_not_sdts(path):
    content = list(sdt_tuple(made("iemocap"), "iemocap"))
    content[3] = []
    assert "a list of 12 (dict, dict, dict, list," in refused(path, content)


LAYERS = (-2, 1, 1, 0)


@pytest.mark.parametrize("layout", ["sdt", "cosmic"])
def test_a_layer_is_one_of_the_fields_and_none_is_their_mean(path, layout):
    dialogues = made("iemocap")
    if layout == "sdt":
        content = sdt_tuple(dialogues, "iemocap", layers=LAYERS)
    else:
        content = cosmic_list(dialogues, layers=LAYERS, sentiments=False)
    write_pickle(path, content)
    text = np.concatenate([d.vectors["t"] for d in dialogues])
    each = [text + np.float32(by) for by in LAYERS]
    for layer, expected in enumerate([np.mean(each, axis=0), *each]):
        reading = read(path, layout=layout, layer=layer or None)
        np.testing.assert_array_equal(reading.features["t"], expected)
        assert reading.layers == {"t": 4}
    assert "t" not in read(path, layout=layout, layer=5).features


def test_an_utterance_that_lacks_a_layer_has_the_others(path):
    content = sdt_tuple(made("iemocap"), "iemocap", layers=LAYERS)
    name = next(iter(content[3]))
    content[4][name][0] = None
    write_pickle(path, content)
    lost = [np.isnan(read(path, layout="sdt", layer=n).features["t"]).any() for n in (None, 1, 2)]
    assert lost == [True, False, True]


def test_layers_of_two_widths_are_refused(path):
    dialogues = made("iemocap")
    content = list(sdt_tuple(dialogues, "iemocap"))
    content[5] = {d.name: np.zeros((len(d), 9)) for d in dialogues}
    assert "layers of the text vectors have the widths 6 and 9" in refused(path, content)


def test_four_classes_in_the_tuple_of_cogmen_are_those_of_iemocap(path):
    dialogues = made("iemocap", (6, 6, 4, 4, 6, 6))
    for d in dialogues:
        d.emotions[:] = [IEMOCAP[i % 4] for i in range(len(d))]
    write_pickle(path, dialogue_rnn_tuple(dialogues, "iemocap"))
    reading = read(path, layout="dialogue_rnn")
    check_same(reading, dialogues)
    assert reading.labels == ("hap", "sad", "neu", "ang")
    assert reading.known_as == "iemocap"
    corpus = read_corpus(path, dataset="four", protocol="spcl")
    assert corpus.labels == reading.labels
    report = report_table(
        corpus.utterances,
        labels=corpus.labels,
        dataset="four",
        protocol="spcl",
        known_as=corpus.known_as,
    )
    published = {
        row["label"]: row["published"]
        for row in report.to_pylist()
        if (row["part"], row["what"]) == ("test", "utterances")
    }
    assert published == {"hap": 143, "sad": 245, "neu": 384, "ang": 170, UNLABELLED: None}
    asked = ("a", "b", "c", "d")
    assert read(path, asked, layout="dialogue_rnn").labels == asked


@pytest.mark.parametrize("rename", [{"name": "talk"}, {"highest": 2}, {"named": "neu"}])
def test_four_classes_are_not_guessed(path, rename):
    dialogues = made("iemocap", (6, 6, 4, 4, 6, 6))
    for place, d in enumerate(dialogues):
        d.emotions[:] = [IEMOCAP[min(i % 4, rename.get("highest", 3))] for i in range(len(d))]
        if "name" in rename:
            dialogues[place] = dataclasses.replace(d, name=f"talk{place}")
    content = dialogue_rnn_tuple(dialogues, "iemocap")
    if "named" in rename:
        content[2][dialogues[0].name][0] = rename["named"]
    assert "their meaning is unknown" in refused(path, content)


FORMS_OF_SCORES = {
    "list": list,
    "tuple": tuple,
    "array": lambda scores: np.array([np.nan if s is None else s for s in scores]),
    "float32": lambda scores: [None if s is None else np.float32(s) for s in scores],
    "arrays of one": lambda scores: [np.array([np.nan if s is None else s]) for s in scores],
    "lists of one": lambda scores: [[s] for s in scores],
    "a column": lambda scores: np.array([[np.nan if s is None else s] for s in scores]),
}


@pytest.mark.parametrize("classes", [7, 3, 2])
@pytest.mark.parametrize("form", FORMS_OF_SCORES)
def test_sentiment_scores_are_the_classes_that_the_config_chooses(path, form, classes):
    dialogues = made_mosei()
    write_pickle(path, mosei_tuple(dialogues, scores=FORMS_OF_SCORES[form]))
    scores = [score for d in dialogues for score in d.emotions]
    labels, expected = sentiment_classes(scores, classes)
    reading = read(path, layout="dialogue_rnn", classes=classes)
    places = iter(expected)
    named = [dataclasses.replace(d, emotions=[next(places) for _ in d.emotions]) for d in dialogues]
    check_same(reading, named)
    assert reading.labels == labels
    assert (reading.known_as, reading.classes, dict(reading.names)) == (None, classes, {})


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("protocol", range(2, 6))
def test_mosei_comes_back_with_any_form_of_vectors(path, rows, protocol):
    dialogues = made_mosei()
    write_pickle(path, list(mosei_tuple(dialogues, rows=rows, ids="set")), protocol)
    reading = read(path, layout="dialogue_rnn", classes=2)
    for m in "tav":
        expected = np.concatenate([d.vectors[m] for d in dialogues])
        np.testing.assert_array_equal(reading.features[m], expected)
    path.write_bytes(python2_pickle(mosei_tuple(dialogues)))
    assert read(path, layout="dialogue_rnn", classes=2).utterances == reading.utterances


def test_sentiment_scores_without_a_choice_are_refused_with_the_config_to_write(path):
    message = refused(path, mosei_tuple(made_mosei()))
    assert "sentiment scores; write datasets.<name>.classes: 7 " in message


def test_a_choice_of_classes_is_refused_where_the_labels_are_classes(path):
    write_pickle(path, dialogue_rnn_tuple(made("iemocap"), "iemocap"))
    with pytest.raises(
        UserError, match=r"^datasets\.mine\.classes: 7: .* classes already .*remove"
    ):
        read_corpus(path, dataset="mine", protocol="spcl", choices=Choices(classes=7))


def test_the_order_of_the_classes_of_scores_may_be_chosen_and_no_other_names(path):
    content = mosei_tuple(made_mosei())
    write_pickle(path, content)
    asked = ("positive", "neutral", "negative")
    assert read(path, asked, layout="dialogue_rnn", classes=3).labels == asked
    with pytest.raises(UserError, match="are not the emotions of this corpus"):
        read(path, ("good", "bad", "none"), layout="dialogue_rnn", classes=3)


def test_text_among_sentiment_scores_is_refused(path):
    content = mosei_tuple(made_mosei())
    content[2]["video00"][1] = "positive"
    assert "has a label of type str; labels are sentiment scores" in refused(
        path, content, classes=3
    )


@pytest.mark.parametrize(("odd", "message"), [(-100, "has the number -100"), (0.25, "type float")])
def test_an_odd_number_among_classes_does_not_make_them_scores(path, odd, message):
    content = spcl_dict(made("iemocap"))
    content["label"][content["trainVid"][0]][0] = odd
    assert message in refused(path, content)


def test_emorynlp_in_cosmics_form_is_not_recognised_as_meld(path):
    content = cosmic_list(made("meld"), layers=(0, 0, 0, 0), sentiments=False)
    assert "their meaning is unknown" in refused(path, content)
    seven = ("joyful", "mad", "peaceful", "neutral", "sad", "powerful", "scared")
    reading = read(path, seven, layout="cosmic")
    assert reading.labels == seven
    assert reading.known_as is None


@pytest.mark.parametrize("protocol", [0, 2])
def test_a_pickle_of_python_2_comes_back(path, protocol):
    dialogues = made("iemocap")
    for content, layout in (
        (dialogue_rnn_tuple(dialogues, "iemocap"), "dialogue_rnn"),
        (dialogue_rnn_tuple(dialogues, "iemocap", rows="list of lists"), "dialogue_rnn"),
        (spcl_dict(dialogues, rows="float64"), "spcl_pickle"),
        (sdt_tuple(dialogues, "iemocap"), "sdt"),
        (sdt_tuple(dialogues, "iemocap", rows="list of lists"), "sdt"),
    ):
        path.write_bytes(python2_pickle(content, protocol=protocol))
        check_same(read(path, layout=layout), dialogues)


@given(
    lengths=st.lists(st.integers(1, 8), min_size=6, max_size=12).filter(lambda n: sum(n) >= 7),
    rows=st.sampled_from(sorted(ROWS)),
    ids=st.sampled_from(sorted(IDS)),
    form=st.sampled_from(["iemocap", "meld", "meld without v"]),
    seed=st.integers(0, 99),
)
def test_any_corpus_comes_back_in_any_dress(tmp_path_factory, lengths, rows, ids, form, seed):
    dialogues = made(form.split()[0], lengths, seed=seed)
    path = tmp_path_factory.mktemp("any") / "corpus.pkl"
    write_pickle(path, dialogue_rnn_tuple(dialogues, form, rows=rows, ids=ids))
    modalities = "ta" if form == "meld without v" else "tav"
    check_same(read(path, layout="dialogue_rnn"), dialogues, modalities)


def test_fields_by_utterance_are_matched_by_name_not_by_place(path):
    dialogues = made("iemocap")
    content = spcl_dict(dialogues)
    for key in ("label", "speaker", "sentence", "text", "audio", "visual"):
        for name, values in content[key].items():
            named = {f"{name}_{i}": value for i, value in enumerate(values)}
            turned = reversed(named.items()) if key in ("text", "speaker") else named.items()
            content[key][name] = dict(turned)
    write_pickle(path, content)
    reading = read(path, layout="spcl_pickle")
    check_same(reading, dialogues)
    assert reading.utterances[0].utterance_id == "Ses01F_impro00_0"


@pytest.mark.parametrize("absent", [-1, None, np.nan, -1.0])
def test_minus_one_and_none_are_unlabelled(path, absent):
    dialogues = made("iemocap")
    dialogues[1].emotions[2] = None
    content = spcl_dict(dialogues)
    content["label"][dialogues[1].name][2] = absent
    write_pickle(path, content)
    check_same(read(path, layout="spcl_pickle"), dialogues)


def test_emotions_may_have_their_short_or_long_names(path):
    dialogues = made("iemocap")
    content = spcl_dict(dialogues)
    long = {"hap": "Happiness", "sad": "sadness", "neu": "neutral", "ang": "anger",
            "exc": "excitement", "fru": "Frustrated"}  # fmt: skip
    for spelling in ({}, long):
        content["label"] = {
            d.name: [spelling.get(emotion, emotion) for emotion in d.emotions] for d in dialogues
        }
        write_pickle(path, content)
        check_same(read(path, layout="spcl_pickle"), dialogues)


def test_names_that_two_corpora_share_are_left_as_they_are(path):
    dialogues = [dataclasses.replace(d, name=f"talk{i}") for i, d in enumerate(made("iemocap"))]
    content = spcl_dict(dialogues)
    content["label"] = {d.name: ["anger", "sad"] * 3 for d in dialogues}
    content["speaker"] = {d.name: ["x", "y"] * 3 for d in dialogues}
    write_pickle(path, content)
    reading = read(path, layout="spcl_pickle")
    assert reading.labels == ("anger", "sad")
    assert reading.known_as is None


def unknown_corpus():
    content = spcl_dict([dataclasses.replace(d, name=f"talk{d.name}") for d in made("iemocap")])
    content["speaker"] = {name: ["x"] * len(spoken) for name, spoken in content["speaker"].items()}
    return content


def test_the_order_of_numbers_is_asked_for_not_guessed(path):
    message = refused(path, unknown_corpus())
    assert "numbers from 0 to 5" in message
    assert "labels: [...]" in message


def test_the_order_of_the_config_is_followed(path):
    write_pickle(path, unknown_corpus())
    asked = ("f", "e", "d", "c", "b", "a")
    reading = read(path, asked, layout="spcl_pickle")
    assert reading.labels == asked
    known = [emotion for d in made("iemocap") for emotion in d.emotions]
    expected = [asked[IEMOCAP.index(emotion)] for emotion in known]
    assert [u.emotion for u in reading.utterances] == expected


def test_an_order_that_is_too_short_is_refused(path):
    assert "number 5" in refused(path, unknown_corpus(), ("a", "b"))


def test_four_classes_of_iemocap_are_asked_for(path):
    content = spcl_dict(made("iemocap"))
    for labels in content["label"].values():
        labels[:] = [min(label, 3) for label in labels]
    assert "iemocap has 6" in refused(path, content)
    reading = read(path, ("hap", "sad", "neu", "ang"), layout="spcl_pickle")
    assert reading.known_as == "iemocap"


def test_a_dialogue_in_two_lists_is_an_error_that_names_it(path):
    content = spcl_dict(made("iemocap"))
    content["testVid"].append(content["trainVid"][1])
    assert f"listed for train and for test, first {content['trainVid'][1]}" in refused(
        path, content
    )


def test_a_dialogue_in_no_list_or_without_content_costs_itself(path):
    dialogues = made("iemocap")
    content = spcl_dict(dialogues)
    content["trainVid"] = [*content["trainVid"][1:], "Ses01F_lost"]
    write_pickle(path, content)
    reading = read(path, layout="spcl_pickle")
    check_same(reading, dialogues[1:])
    assert [(problem.kind, problem.reason) for problem in reading.problems] == [
        ("left_out", f"dialogue {dialogues[0].name}: listed for no split; left out"),
        ("missing", "dialogue Ses01F_lost: listed, but not in the file; left out"),
    ]
    assert reading.problems[0].file == "corpus.pkl"


def test_an_empty_dialogue_costs_itself(path):
    dialogues = made("iemocap", (5, 3, 0, 4, 6, 2))
    write_pickle(path, spcl_dict(dialogues))
    reading = read(path, layout="spcl_pickle")
    check_same(reading, [d for d in dialogues if len(d)])
    assert "no utterances" in reading.problems[0].reason


@pytest.mark.parametrize("extra", [-1, 1])
def test_a_wrong_number_of_vectors_costs_that_modality_of_the_dialogue(path, extra):
    dialogues = made("iemocap")
    content = spcl_dict(dialogues, rows="list of arrays")
    rows = content["audio"][dialogues[1].name]
    content["audio"][dialogues[1].name] = rows[:-1] if extra < 0 else [*rows, rows[0]]
    write_pickle(path, content)
    reading = read(path, layout="spcl_pickle")
    n = len(dialogues[1])
    assert f"{n + extra} audio vectors for {n} utterances" in reading.problems[0].reason
    assert [problem.modality for problem in reading.problems] == ["a"] * n
    lost = np.isnan(reading.features["a"]).all(1)
    assert lost.tolist() == [u.dialogue_id == dialogues[1].name for u in reading.utterances]
    assert not np.isnan(reading.features["t"]).any()


@pytest.mark.parametrize(
    "value", [None, [], "words", np.array([]), ["a", "b"], [[1.0, 2.0], [3.0]], np.float32(2), {}]
)
def test_a_value_that_is_not_a_vector_costs_its_row(path, value):
    dialogues = made("iemocap")
    content = spcl_dict(dialogues, rows="list of arrays")
    content["visual"][dialogues[2].name][0] = value
    write_pickle(path, content)
    reading = read(path, layout="spcl_pickle")
    (problem,) = reading.problems
    assert (problem.utterance_id, problem.modality) == (f"{dialogues[2].name}_utt0", "v")
    absent = value is None or (isinstance(value, list | np.ndarray) and not len(value))
    assert problem.kind == ("missing" if absent else "malformed")
    assert np.isnan(reading.features["v"]).all(1).sum() == 1


def test_nan_and_infinity_are_kept_for_the_checks(path):
    dialogues = made("iemocap")
    dialogues[0].vectors["t"][1, 2] = np.nan
    write_pickle(path, spcl_dict(dialogues))
    check_same(read(path, layout="spcl_pickle"), dialogues)
    content = spcl_dict(dialogues, rows="float64")
    content["text"][dialogues[0].name][0, 0] = 1e300
    write_pickle(path, content)
    assert np.isinf(read(path, layout="spcl_pickle").features["t"][0, 0])


def test_vectors_of_two_widths_are_an_error_that_names_dialogues_and_widths(path):
    dialogues = made("iemocap")
    content = spcl_dict(dialogues)
    content["text"][dialogues[3].name] = np.zeros((len(dialogues[3]), 9))
    message = refused(path, content)
    assert f"6 (dialogue {dialogues[0].name}), 9 (dialogue {dialogues[3].name})" in message


def test_different_numbers_of_speakers_and_labels_cost_the_dialogue(path):
    dialogues = made("iemocap")
    content = spcl_dict(dialogues)
    content["speaker"][dialogues[0].name].append("F")
    write_pickle(path, content)
    reading = read(path, layout="spcl_pickle")
    check_same(reading, dialogues[1:])
    assert "6 speakers for 5 labels" in reading.problems[0].reason


def test_a_one_hot_vector_without_a_one_is_an_unknown_speaker(path):
    content = dialogue_rnn_tuple(made("meld"), "meld")
    content[1][0][0] = [0.0] * 9
    write_pickle(path, content)
    reading = read(path, layout="dialogue_rnn")
    assert reading.utterances[0].speaker == "unknown"
    assert reading.problems[0].utterance_id == "dia0_utt0"


def test_a_modality_that_is_absent_is_no_modality(path):
    content = spcl_dict(made("iemocap"))
    del content["visual"]
    write_pickle(path, content)
    assert set(read(path, layout="spcl_pickle").features) == {"t", "a"}


def test_sentences_that_are_absent_are_empty(path):
    content = spcl_dict(made("iemocap"))
    del content["sentence"]
    write_pickle(path, content)
    assert {u.text for u in read(path, layout="spcl_pickle").utterances} == {""}


def test_labels_that_are_no_classes_are_refused(path):
    content = spcl_dict(made("iemocap"))
    content["label"][content["trainVid"][0]][0] = 0.25
    assert "has a label of type float" in refused(path, content)


def test_a_few_bytes_cannot_stand_for_a_corpus_of_any_size(path, monkeypatch):
    monkeypatch.setattr(fields, "MAX_ELEMENTS", 2**18)
    n = 2**10
    vector = [0.5] * n
    content = spcl_dict(made("iemocap"))
    name = content["trainVid"][0]
    for key, value in (("label", 5), ("speaker", "F"), ("text", vector)):
        content[key][name] = [value] * n
    write_pickle(path, content)
    assert n * n > fields.MAX_ELEMENTS
    assert path.stat().st_size < 2**20
    assert "numbers and letters" in refused(path, content)


def test_nested_lists_in_place_of_a_vector_are_not_walked(path):
    bomb = [0.0]
    for _ in range(60):
        bomb = [bomb, bomb]
    content = spcl_dict(made("iemocap"), rows="list of arrays")
    content["text"][content["trainVid"][0]][0] = bomb
    write_pickle(path, content)
    (problem,) = read(path, layout="spcl_pickle").problems
    assert problem.reason == "not a vector of numbers"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"trainVid": [], "labels": {}}, "a dict with the keys trainVid, labels"),
        (tuple(range(7)), "a tuple of 7 (int, int, int, int, int, int, int)"),
        ([{}] * 12, "a list of 12 (dict, "),
        ("text", "a str"),
        (np.zeros((3, 4)), "a ndarray"),
    ],
)
def test_the_message_for_an_unknown_format_describes_the_content(path, content, found):
    write_pickle(path, content)
    with pytest.raises(UserError, match=re.escape(found)):
        recognise(path, load(path))


@pytest.mark.parametrize("name", ["train.csv", "README.md", "clip.mp4", "table.parquet", "a.txt"])
def test_other_files_are_not_opened_as_pickles(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"[what is written here](is no pickle)")
    assert load(path) is None
    assert load(tmp_path) is None


def test_a_pickle_is_known_by_its_name_or_its_first_byte(tmp_path):
    for name, protocol in (("features", 2), ("features.data", 4), ("features.pkl", 0)):
        assert load(write_pickle(tmp_path / name, {"a": 1}, protocol)) == {"a": 1}
    with pytest.raises(UserError, match=r"calls posix\.system"):
        load(write_pickle(tmp_path / "features.bin", Hostile(), 2))


class Hostile:
    def __reduce__(self):
        return os.system, ("echo hostile",)


@pytest.mark.parametrize("corpus", ["iemocap", "meld"])
@pytest.mark.parametrize("protocol", ["spcl", "cogmen", "best-test-epoch"])
def test_a_corpus_of_features_is_checked_and_divided_like_any_other(path, corpus, protocol):
    dialogues = made(corpus, [4] * 12)
    speakers = "speaker" if corpus == "iemocap" else "speakers"
    write_pickle(path, spcl_dict(dialogues, speakers=speakers))
    read = read_corpus(path, dataset="theirs", protocol=protocol)
    assert read.layout == "spcl_pickle"
    assert read.problems == []
    splits = set(read.utterances["split"].to_pylist())
    assert splits == {"train", "test"} | ({"dev"} if protocol != "best-test-epoch" else set())
    for m, width in WIDTHS.items():
        assert read.features[m].values.shape == (48, width)
        assert read.features[m].observed.all()


ODD = [
    None,
    -1,
    7,
    2**64 - 1,
    1.5,
    np.nan,
    "",
    "x",
    "hap",
    b"\xff",
    [],
    {},
    set(),
    [1, 2],
    range(5),
    [[1, 2], [3]],
    np.array(3),
    np.zeros((2, 3, 4)),
    {"a": 1},
    "\udc80",
    [None],
    np.array([None, "x"], dtype=object),
    np.zeros((0, 5)),
    np.float32(2),
    [0] * 9,
]
"""Values that a carelessly written file can have anywhere."""


@given(data=st.data())
def test_a_file_with_anything_anywhere_gives_a_reading_or_a_message(tmp_path_factory, data):
    corpus = data.draw(st.sampled_from(["iemocap", "meld"]))
    kind = data.draw(st.sampled_from(["spcl", "dialogue_rnn", "cosmic", "sdt", "mosei"]))
    chosen = Choices(
        classes=7 if kind == "mosei" else None, layer=data.draw(st.sampled_from([None, 2]))
    )
    content = {
        "spcl": lambda: spcl_dict(made(corpus), rows="list of lists"),
        "dialogue_rnn": lambda: list(dialogue_rnn_tuple(made(corpus), corpus, ids="list")),
        "cosmic": lambda: cosmic_list(made(corpus), layers=range(4), sentiments=corpus == "meld"),
        "sdt": lambda: list(sdt_tuple(made(corpus), corpus, layers=range(4), ids="list")),
        "mosei": lambda: list(mosei_tuple(made_mosei(), scores=list)),
    }[kind]()
    for _ in range(data.draw(st.integers(1, 3))):
        part = content
        while True:
            places = list(part) if isinstance(part, dict) else range(len(part))
            place = data.draw(st.sampled_from(places))
            if isinstance(part[place], dict | list) and part[place] and data.draw(st.booleans()):
                part = part[place]
            else:
                part[place] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
                break
    path = write_pickle(tmp_path_factory.getbasetemp() / "odd.pkl", content)
    try:
        reading = FORMATS[recognise(path, load(path))].read(path, load(path), chosen)
    except UserError:
        return
    assert {len(matrix) for matrix in reading.features.values()} <= {len(reading.utterances)}
