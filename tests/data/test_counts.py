"""An import is compared with published counts, and known differences are explained."""

import pyarrow as pa
import pytest

from spcl.data.counts import PUBLISHED, log_report, report_table, resembles
from spcl.data.emotions.labels import IEMOCAP, MELD


def corpus(counts):
    """Utterances by split and label, ten a dialogue."""
    rows = [
        (split, f"{split}{n // 10}", "Ann", emotion)
        for split, by_label in counts.items()
        for n, emotion in enumerate(e for e, count in by_label.items() for _ in range(count))
    ]
    names = ("split", "dialogue_id", "speaker", "emotion")
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def report(counts, known_as, protocol="official"):
    labels = {"iemocap": IEMOCAP, "meld": MELD}[known_as or "meld"]
    return report_table(
        corpus(counts), labels=labels, dataset="mine", protocol=protocol, known_as=known_as
    )


def row(table, part, what, label=None):
    (found,) = [
        one
        for one in table.to_pylist()
        if (one["part"], one["what"], one["label"]) == (part, what, label)
    ]
    return found


def meld():
    return {split: dict(PUBLISHED["meld"].utterances[split]) for split in ("train", "dev", "test")}


def test_the_published_numbers_add_up():
    for name, total in (("iemocap", 10039), ("meld", 13708)):
        utterances = PUBLISHED[name].utterances
        assert sum(utterances["all"].values()) == total
        dialogues = PUBLISHED[name].dialogues
        assert dialogues["all"] == dialogues["train and dev"] + dialogues["test"]
    assert [sum(part.values()) for part in meld().values()] == [9989, 1109, 2610]
    assert sum(PUBLISHED["iemocap"].utterances["test"].values()) == 1622
    assert sum(PUBLISHED["iemocap"].utterances["train and dev"].values()) == 5758


def test_a_class_on_test_without_training_data_is_logged(caplog):
    counts = {"train": {"joy": 2}, "dev": {"anger": 1}, "test": {"joy": 1, "anger": 3}}
    log_report(report(counts, None))
    (said,) = [entry.message for entry in caplog.records if entry.levelname == "WARNING"]
    assert said.strip() == ("no training data for anger (test: 3): no model can learn this class")


def test_every_part_is_counted_by_label_by_length_and_by_speaker():
    table = report({"train": {"joy": 12}, "dev": {"joy": 1}, "test": {"anger": 3}}, None)
    assert row(table, "train", "utterances", "joy")["count"] == 12
    assert row(table, "train and dev", "utterances", "joy")["count"] == 13
    assert row(table, "all", "dialogues")["count"] == 4
    assert row(table, "all", "dialogues by length", "1")["count"] == 1
    assert row(table, "all", "dialogues by length", "2-5")["count"] == 2
    assert row(table, "all", "dialogues by length", "6-10")["count"] == 1
    assert row(table, "test", "speakers")["count"] == 1
    assert table["published"].null_count == len(table)


def test_published_meld_counts_agree_except_for_those_made_up_here():
    table = report(meld(), "meld")
    for one in table.to_pylist():
        if one["what"] == "utterances" and one["published"] is not None:
            assert one["count"] == one["published"]
            assert one["remark"] is None


@pytest.mark.parametrize(
    ("protocol", "compared"),
    [
        ("official", {"train", "dev", "test", "train and dev", "all"}),
        ("spcl", {"test", "train and dev", "all"}),
        ("leave-one-session-out", {"all"}),
    ],
)
def test_only_parts_that_the_protocol_leaves_as_they_were_are_compared(protocol, compared):
    table = report(meld(), "meld", protocol)
    assert {r["part"] for r in table.to_pylist() if r["published"] is not None} == compared


def test_the_pickles_53_more_happy_utterances_are_explained(caplog):
    published = PUBLISHED["iemocap"].utterances
    counts = {
        "train": published["train and dev"] | {"hap": 504},
        "test": published["test"] | {"hap": 144},
    }
    table = report(counts, "iemocap", "spcl")
    found = row(table, "train and dev", "utterances", "hap")
    assert (found["count"], found["published"]) == (504, 452)
    assert "53 more hap" in found["remark"]
    with caplog.at_level("INFO", "spcl.data"):
        log_report(table)
    assert "test, utterances hap: 144, published are 143 (as in the circulated" in caplog.text


def test_unknown_differences_are_counted_in_one_warning(caplog):
    counts = meld()
    counts["test"]["joy"] -= 1
    counts["dev"]["fear"] += 2
    with caplog.at_level("INFO", "spcl.data"):
        log_report(report(counts, "meld"))
    assert "test, utterances joy: 401, published are 402" in caplog.text
    assert "dev, utterances fear: 42, published are 40" in caplog.text
    assert "train and dev, utterances fear" not in caplog.text
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "counts differ from the published ones" in warning.getMessage()


def test_the_dialogue_that_meld_lacks_is_explained():
    rows = [("train", f"d{n}", "Ann", "joy") for n in range(1038)]
    names = ("split", "dialogue_id", "speaker", "emotion")
    table = pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    found = row(
        report_table(table, labels=MELD, dataset="m", protocol="official", known_as="meld"),
        "train",
        "dialogues",
    )
    assert found["published"] == 1039
    assert "dialogue 60" in found["remark"]


def test_a_known_corpus_is_recognised_by_labels_and_size():
    assert resembles(MELD, 13708) == "meld"
    assert resembles(MELD[::-1], 13000) == "meld"
    assert resembles(IEMOCAP, 7433) == "iemocap"
    assert resembles(MELD, 500) is None
    assert resembles(IEMOCAP[:4], 7433) is None
