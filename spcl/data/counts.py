"""Counts of a corpus beside the published ones."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from spcl.data.emotions.labels import KNOWN
from spcl.tables.schemas import CORPUS_REPORT, SPLITS

log = logging.getLogger("spcl.data")

UNLABELLED = "unlabelled"
PARTS = {
    **{split: (split,) for split in SPLITS},
    "train and dev": ("train", "dev"),
    "all": SPLITS,
}
"""Counted parts: each split, the two that protocols divide differently, and the whole corpus."""

_BINS = ((1, 1), (2, 5), (6, 10), (11, 20), (21, 50), (51, None))


@dataclass(frozen=True)
class Published:
    """Published counts of a corpus, by part (`PARTS`).

    Attributes
    ----------
    utterances
        By part and label.
    dialogues, speakers
        By part.
    of_one_utterance
        Dialogues with a single utterance, in the whole corpus.
    """

    utterances: Mapping[str, Mapping[str, int]]
    dialogues: Mapping[str, int]
    speakers: Mapping[str, int] = field(default_factory=dict)
    of_one_utterance: int | None = None


def _total(parts: Mapping[str, Mapping[str, int]], *names: str) -> dict[str, int]:
    return dict(sum((Counter(parts[name]) for name in names), Counter[str]()))


_IEMOCAP = {
    "train and dev": {"hap": 452, "sad": 839, "neu": 1324, "ang": 933, "exc": 742, "fru": 1468},
    "test": {"hap": 143, "sad": 245, "neu": 384, "ang": 170, "exc": 299, "fru": 381},
}
_MELD = {
    split: dict(zip(KNOWN["meld"], counts, strict=True))
    for split, counts in {
        "train": (4710, 1205, 268, 683, 1743, 271, 1109),
        "dev": (470, 150, 40, 111, 163, 22, 153),
        "test": (1256, 281, 50, 208, 402, 68, 345),
    }.items()
}
PUBLISHED = {
    # Busso et al., LREC 2008, as released: six of its emotions, session 5 for testing.
    "iemocap": Published(
        {**_IEMOCAP, "all": _total(_IEMOCAP, *_IEMOCAP) | {UNLABELLED: 10039 - 7380}},
        dialogues={"train and dev": 120, "test": 31, "all": 151},
        speakers={"train and dev": 8, "test": 2, "all": 10},
    ),
    # Poria et al., ACL 2019, and the README of the corpus, for its official splits.
    "meld": Published(
        {
            **_MELD,
            "train and dev": _total(_MELD, "train", "dev"),
            "all": _total(_MELD, *SPLITS),
        },
        dialogues={"train": 1039, "dev": 114, "test": 280, "train and dev": 1153, "all": 1433},
        speakers={"train": 260, "dev": 47, "test": 100},
        of_one_utterance=88,
    ),
}

_NO_DIALOGUE_60 = "the numbers in train run to 1038 without a dialogue 60: 1,039 counts it"
_PICKLED = "as in the circulated pickles: 7,433 utterances, 53 more hap than in the release"
_REMARKS = {  # corpus, part, label or None for dialogues, count
    ("meld", "train", None, 1038): _NO_DIALOGUE_60,
    ("meld", "train and dev", None, 1152): _NO_DIALOGUE_60,
    ("meld", "all", None, 1432): _NO_DIALOGUE_60,
    ("iemocap", "train and dev", "hap", 504): _PICKLED,
    ("iemocap", "test", "hap", 144): _PICKLED,
    ("iemocap", "all", "hap", 648): _PICKLED,
    ("iemocap", "all", UNLABELLED, 0): "only the labelled utterances were kept",
}


def resembles(labels: Sequence[str], n_labelled: int) -> str | None:
    """The published corpus with the same labels and the same size up to a tenth; else None."""
    for name, known in KNOWN.items():
        expected = sum(PUBLISHED[name].utterances["all"][label] for label in known)
        if set(labels) == set(known) and abs(n_labelled - expected) <= expected / 10:
            return name
    return None


def report_table(
    utterances: pa.Table,
    *,
    labels: Sequence[str],
    dataset: str,
    protocol: str,
    known_as: str | None,
) -> pa.Table:
    """Count utterances by label, dialogues by length, and speakers, in each part of `PARTS`.

    Parameters
    ----------
    utterances
        Of schema `spcl.tables.schemas.UTTERANCES`.
    labels
        The order of the rows.
    dataset
        The corpus' name in the config.
    protocol
        How it was split: only parts that it leaves as published are compared.
    known_as
        A key of `PUBLISHED`; None if there is nothing to compare with. If the corpus has some of
        the published labels only, these are compared.

    Returns
    -------
    pyarrow.Table
        Of schema `spcl.tables.schemas.CORPUS_REPORT`.
    """
    columns = ("split", "dialogue_id", "speaker", "emotion")
    rows = list(zip(*(utterances[name].to_pylist() for name in columns), strict=True))
    has_all = known_as is None or set(labels) >= set(KNOWN[known_as])
    found = []
    for part, splits in PARTS.items():
        inside = [row for row in rows if row[0] in splits]
        for what, label, count in _counts(inside, labels):
            expected, remark = _expected(known_as, protocol, part, what, label, count)
            if label == UNLABELLED and not has_all:  # published for all labels
                expected, remark = None, None
            found.append((dataset, part, what, label, count, expected, remark))
    names = [column.name for column in CORPUS_REPORT.columns]
    return CORPUS_REPORT.table(dict(zip(names, map(list, zip(*found, strict=True)), strict=True)))


def log_report(report: pa.Table) -> None:
    """Log the size of each split, the classes without training data, and the differing counts.

    A count differs if it is not the published one.
    """
    by_split: dict[str, dict[str, int]] = {}
    for split in SPLITS:
        part = [row for row in report.to_pylist() if row["part"] == split]
        by = {(row["what"], row["label"]): row["count"] for row in part}
        of_labels = {row["label"]: row["count"] for row in part if row["what"] == "utterances"}
        by_split[split] = of_labels
        log.info(
            "  %s: %d dialogues, %d speakers, utterances: %s",
            split,
            by["dialogues", None],
            by["speakers", None],
            ", ".join(f"{label} {count}" for label, count in of_labels.items()),
        )
    for words in without_training(by_split["train"], by_split["test"]):
        log.warning("  %s", words)
    differing = [row for row in compared(report.to_pylist()) if row["published"] != row["count"]]
    for row in differing:
        label = f" {row['label']}" if row["label"] else ""
        remark = f" ({row['remark']})" if row["remark"] else ""
        counts = (row["count"], row["published"])
        log.info(
            "  %s, %s%s: %d, published are %d%s", row["part"], row["what"], label, *counts, remark
        )
    unknown = sum(row["remark"] is None for row in differing)
    if unknown:
        log.warning(
            "%d counts differ from the published ones for unknown reasons; see report.parquet",
            unknown,
        )


def without_training(train: Mapping[str, int], test: Mapping[str, int]) -> Iterator[str]:
    """Words on each class that occurs on test and never in train.

    Parameters
    ----------
    train, test
        The number of utterances by label.
    """
    for label, n in test.items():
        if n and label != UNLABELLED and not train.get(label):
            yield f"no training data for {label} (test: {n}): no model can learn this class"


def compared(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of a report that have a published count; a sum only if none of its parts has one."""
    counted: set[tuple[str, str | None]] = set()
    for row in rows:
        what = (row["what"], row["label"])
        if row["published"] is None or (row["part"] not in SPLITS and what in counted):
            continue
        if row["part"] != "test":
            counted.add(what)
        yield row


def _counts(
    rows: Sequence[tuple[str, str, str, str | None]], labels: Sequence[str]
) -> Iterator[tuple[str, str | None, int]]:
    """What is counted in one part, the label or length, and the count."""
    emotions = Counter(row[3] for row in rows)
    for label in labels:
        yield "utterances", label, emotions[label]
    yield "utterances", UNLABELLED, emotions[None]
    lengths = Counter(row[1] for row in rows)
    yield "dialogues", None, len(lengths)
    for low, high in _BINS:
        name = f"{low}+" if high is None else f"{low}-{high}" if high > low else str(low)
        inside = sum(low <= n and (high is None or n <= high) for n in lengths.values())
        yield "dialogues by length", name, inside
    yield "speakers", None, len({row[2] for row in rows})


def _expected(
    known_as: str | None, protocol: str, part: str, what: str, label: str | None, count: int
) -> tuple[int | None, str | None]:
    """The published count, and a known reason for a difference."""
    if known_as is None or not _comparable(protocol, part):
        return None, None
    published = PUBLISHED[known_as]
    expected: int | None = None
    if what == "utterances" and label is not None:
        expected = published.utterances.get(part, {}).get(label)
    elif what == "dialogues":
        expected = published.dialogues.get(part)
    elif what == "speakers":
        expected = published.speakers.get(part)
    elif label == "1" and part == "all":
        expected = published.of_one_utterance
    known = what in ("utterances", "dialogues") and expected != count
    return expected, _REMARKS.get((known_as, part, label, count)) if known else None


def _comparable(protocol: str, part: str) -> bool:
    """Whether the protocol leaves the part as published."""
    if protocol == "leave-one-session-out":
        return part == "all"
    return protocol == "official" or part not in ("train", "dev")
