"""A corpus on one screen of plain text."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from spcl.data.counts import UNLABELLED, compared, report_table, without_training
from spcl.data.problems import KINDS, Problem
from spcl.errors import printable
from spcl.inspection import facts
from spcl.inspection.find import Found
from spcl.report.footnotes import CLASS_RULES
from spcl.report.formats.terminal import columns, paragraph
from spcl.tables.schemas import MODALITIES

_Report = Sequence[Mapping[str, Any]]
"""Rows of schema `spcl.tables.schemas.CORPUS_REPORT`."""

_PARTS = ("train", "dev", "train and dev", "test")
"""The parts whose published counts are shown, as columns."""

_REMARKS = 8
"""The number of differences from published counts that are shown."""

_KINDS_SHOWN = 5
"""The number of kinds of problems in the summary, the most frequent first."""


def describe(found: Found, width: int) -> list[str]:
    """The description of a corpus, without config lines, for a terminal of that `width`."""
    rows = facts.frame(found.reading.utterances)
    report = _beside_published(found, rows)
    blocks = (
        _heading(found, width),
        columns(list(_counts(rows, found.reading.labels, report)), width),
        _without_training(rows, found.reading.labels, width),
        _remarks(report, width),
        _dialogues(rows, width),
        columns(list(_features(found)), width) if found.features else [],
        _layers(found, width),
        _raw_media(rows, width),
        _problems(found, width),
    )
    return [line for block in blocks if block for line in (*block, "")]


def _beside_published(found: Found, rows: pd.DataFrame) -> _Report:
    """The counts of the corpus report that can be compared with published ones."""
    names = ["split", "dialogue_id", "speaker", "emotion"]
    report = report_table(
        pa.table({name: pa.array(rows[name], pa.string()) for name in names}),
        labels=found.reading.labels,
        dataset="",
        # Feature files often merge train and dev: then their sum is compared.
        protocol="official" if "dev" in facts.splits(rows) else "spcl",
        known_as=None if found.simulated else found.reading.known_as,
    )
    return list(compared(report.to_pylist()))


def all_problems(found: Found, width: int) -> list[str]:
    """The number of problems of each kind, then every problem on one line: kind, place, reason."""
    if not found.problems:
        return ["No problems."]
    return [
        *kinds_of_problems((problem.kind for problem in found.problems), width),
        "",
        *(printable(f"{one.kind}: {_described(one)}") for one in found.problems),
    ]


def kinds_of_problems(kinds: Iterable[str], width: int) -> list[str]:
    """How often each kind occurs and what it means, the most frequent first."""
    return [
        line
        for kind, n in Counter(kinds).most_common()
        for line in paragraph(f"{n:,} x {kind}: {KINDS.get(kind, 'not known here')}", width)
    ]


def _heading(found: Found, width: int) -> list[str]:
    lines = paragraph(f"{found.path}: {found.title}", width)
    name = (found.reading.known_as or "").upper()
    if found.simulated:
        lines += paragraph(f"Simulated{' ' + name if name else ''}: no real recordings.", width)
    elif name:
        lines += paragraph(f"Corpus: {name}", width)
    if found.reading.classes is not None:
        lines += paragraph(f"Labels: {CLASS_RULES[found.reading.classes]}", width)
    if not found.labels_known:
        lines += paragraph(
            "The classes are numbers, and their meaning is unknown. Ask the author of the file,"
            " then name them in order: --labels happy,sad,...",
            width,
        )
    return lines


def _counts(rows: pd.DataFrame, labels: Sequence[str], report: _Report) -> Iterator[list[str]]:
    """Sizes and classes by split, and the published counts, marked with a star."""
    parts = [part for part in _PARTS if any(row["part"] == part for row in report)]
    published = {(row["part"], row["what"], row["label"]): row["published"] for row in report}

    def line(what: str, label: str | None, counts: Iterable[int]) -> list[str]:
        known = (published.get((part, what, label)) for part in parts)
        return [
            f"  {label}" if label else what,
            *(f"{count:,}" for count in counts),
            *("" if count is None else f"{count:,}" for count in known),
        ]

    sizes = facts.sizes(rows)
    yield ["", *sizes.index, "all", *(f"{part.replace(' and ', '+')}*" for part in parts)]
    yield line("dialogues", None, (*sizes["dialogues"], rows["dialogue_id"].nunique()))
    yield line("speakers", None, (*sizes["speakers"], rows["speaker"].nunique()))
    yield line("utterances", None, (*sizes["utterances"], len(rows)))
    classes = facts.classes(rows, labels)
    for label, counts in zip(classes.index, classes.to_numpy(), strict=True):
        if label is not None or counts.any():
            yield line("utterances", label or UNLABELLED, (*counts, counts.sum()))


def _without_training(rows: pd.DataFrame, labels: Sequence[str], width: int) -> list[str]:
    """The classes of the test split that the training split lacks."""
    classes = facts.classes(rows, labels)
    if not {"train", "test"} <= {*classes.columns}:
        return []
    train, test = (dict(zip(labels, classes[split], strict=False)) for split in ("train", "test"))
    words = without_training(train, test)
    return [line for one in words for line in paragraph(f"{one[0].upper()}{one[1:]}.", width)]


def _remarks(report: _Report, width: int) -> list[str]:
    """The differences from published counts, with known reasons."""
    if not report:
        return []
    lines = []
    for row in report:
        if row["count"] != row["published"]:
            what = f"{row['what']} {row['label']}" if row["label"] else row["what"]
            remark = f" ({row['remark']})" if row["remark"] else ""
            words = f"{row['part']}, {what}: {row['count']:,}, not {row['published']:,}{remark}"
            lines.append(words)
    if not lines:
        return ["* published; every count agrees"]
    shown = [line for words in lines[:_REMARKS] for line in paragraph(words, width, "  ")]
    more = [f"  and {len(lines) - _REMARKS:,} other differences"] if lines[_REMARKS:] else []
    return ["* published; the counts differ:", *shown, *more]


def _dialogues(rows: pd.DataFrame, width: int) -> list[str]:
    """Lengths, speakers and emotion shifts."""
    dialogues = facts.lengths(rows)
    single = int((dialogues["utterances"] == 1).sum())
    lines = paragraph(
        f"Utterances a dialogue: {_range(dialogues['utterances'])}; {single:,} of"
        f" {len(dialogues):,} dialogues have one. Speakers a dialogue:"
        f" {_range(dialogues['speakers'])}.",
        width,
    )
    pairs = facts.shifts(rows)
    words = "none, because no dialogue has two labelled utterances"
    if len(pairs):
        words = f"{facts.shift_rate(pairs):.3f} of {len(pairs):,} pairs of labelled neighbours"
    return lines + paragraph(f"Emotion shifts: {words}.", width)


def _range(values: pd.Series) -> str:
    low, high = values.min(), values.max()
    return f"{low:,} to {high:,}, median {values.median():g}" if low < high else f"{low:,}"


def _features(found: Found) -> Iterator[list[str]]:
    """A row for each modality of the corpus' own features."""
    yield ["features", "width", "missing", "zero", "constant", "low", "high", "mean", "deviation"]
    for letter in (letter for letter in MODALITIES if letter in found.features):
        fact = facts.feature_facts(found.features[letter])
        counts = (fact.width, fact.missing, fact.zero, fact.constant)
        scale = (fact.low, fact.high, fact.mean, fact.deviation)
        yield [
            f"  {letter} {MODALITIES[letter]}",
            *(f"{number:,}" for number in counts),
            *(f"{number:.3g}" for number in scale),
        ]


def _layers(found: Found, width: int) -> list[str]:
    """The number of layers of each modality that has several."""
    return [
        line
        for letter, n in found.reading.layers.items()
        for line in paragraph(
            f"The {MODALITIES[letter]} features have {n} layers; their mean is shown. To use one of"
            f" them: {letter}: {{extractor: corpus, options: {{layer: {n}}}}}, or 1 to {n - 1}.",
            width,
        )
    ]


def _raw_media(rows: pd.DataFrame, width: int) -> list[str]:
    counts = {
        "transcripts": (rows["text"] != "").sum(),
        "audio files": rows["audio_path"].notna().sum(),
        "video files": rows["video_path"].notna().sum(),
    }
    words = ", ".join(f"{what} {count:,}" for what, count in counts.items())
    return paragraph(f"Raw material of {len(rows):,} utterances: {words}.", width)


def _problems(found: Found, width: int) -> list[str]:
    """The most frequent kinds of problems, each with its first one."""
    if not found.problems:
        return ["No problems."]
    first: dict[str, Problem] = {}
    for problem in found.problems:
        first.setdefault(problem.kind, problem)
    count = Counter(problem.kind for problem in found.problems)
    lines = [f"Problems: {len(found.problems):,} (--problems lists all)"]
    for kind, n in count.most_common(_KINDS_SHOWN):
        words = f"{n:,} x {kind}, first {_described(first[kind])}"
        lines += paragraph(words, width, "  ")
    if len(count) > _KINDS_SHOWN:
        lines.append(f"  and {len(count) - _KINDS_SHOWN:,} other kinds")
    return lines


def _described(problem: Problem) -> str:
    """For example ``train.csv, train_dia0_utt3, text: empty transcript``."""
    modality = MODALITIES[problem.modality] if problem.modality else None
    place = ", ".join(part for part in (problem.file, problem.utterance_id, modality) if part)
    return f"{place}: {problem.reason}" if place else problem.reason
