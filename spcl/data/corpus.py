"""Read a corpus in any format, and write the tables that every later stage reads."""

import logging
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from spcl.data.checks import check_splits, checked, constant_columns, usable
from spcl.data.counts import log_report, report_table
from spcl.data.files.disk import ABSENT, UnreadableError, entries, read, refuse_hidden
from spcl.data.formats import FORMATS, load, recognise
from spcl.data.problems import Problem, problem_table
from spcl.data.records import Choices, Features, Reading, Utterance
from spcl.data.simulated import is_simulated
from spcl.data.splits import divide, sessions_by_name
from spcl.errors import UserError, listed
from spcl.tables import parquet
from spcl.tables.schemas import CORPUS_REPORT, PROBLEMS, UTTERANCES

log = logging.getLogger("spcl.data")


@dataclass(frozen=True)
class Corpus:
    """A corpus in canonical form.

    Attributes
    ----------
    utterances
        Schema `spcl.tables.schemas.UTTERANCES`, N rows in dialogue order; with a column
        ``session`` if the corpus has sessions.
    problems
        Defects of single rows, in the order in which they were found.
    features
        The corpus' own features by modality (a, t, v), row for row with `utterances`. Empty for
        corpora of raw media.
    labels
        The emotions in the corpus' order.
    dataset
        Its name in the config.
    protocol, protocol_seed
        How it was split.
    layout
        Its format, a key of `spcl.data.formats.FORMATS`.
    known_as
        ``iemocap`` or ``meld`` if it is that corpus, in any format; else None.
    simulated
        Whether it is simulated.
    classes, layers, pooled
        See `spcl.data.records.Reading`.
    """

    utterances: pa.Table
    problems: list[Problem]
    features: Mapping[str, Features]
    labels: tuple[str, ...]
    dataset: str
    protocol: str
    protocol_seed: int | None
    layout: str
    known_as: str | None
    simulated: bool
    classes: int | None = None
    layers: Mapping[str, int] = field(default_factory=dict)
    pooled: frozenset[str] = frozenset()


def read_corpus(
    path: str | Path,
    *,
    layout: str | None = None,
    choices: Choices | None = None,
    dataset: str,
    protocol: str = "official",
    protocol_seed: int | None = 0,
) -> Corpus:
    """Read a corpus, check it and split it.

    Parameters
    ----------
    path
        The corpus' folder or file.
    layout
        One of `spcl.data.formats.FORMATS`; None = recognised by its content.
    choices
        What the config chooses where the files leave a choice.
    dataset
        The corpus' name in the config.
    protocol, protocol_seed
        See `spcl.data.splits`.

    Raises
    ------
    UserError
        `path` does not exist or has another layout; the layout or the protocol is unknown; the
        corpus lacks what the protocol needs; see also `spcl.data.checks`.
    """
    path, choices = Path(path), choices or Choices()
    layout, reading = _read(path, layout, choices, dataset)
    if choices.classes not in (None, reading.classes):
        raise UserError(
            f"datasets.{dataset}.classes: {choices.classes}: the labels of {path} are classes"
            f" already ({listed(reading.labels)}); remove the key"
        )
    reading = checked(reading, path, asked=choices.labels)
    features, gaps = usable(reading, path)
    utterances = reading.utterances
    own: dict[str, str | None] = {}
    for utterance in utterances:
        own[utterance.dialogue_id] = own.get(utterance.dialogue_id) or utterance.split
    by_session = reading.sessions or sessions_by_name(own)
    splits = divide(
        protocol,
        own,
        known_as=reading.known_as,
        by_session=by_session,
        seed=protocol_seed,
        dataset=dataset,
    )
    check_splits(utterances, splits, protocol=protocol, by_session=by_session, dataset=dataset)
    return Corpus(
        utterances=utterance_table(utterances, splits, reading.labels, by_session),
        problems=[*reading.problems, *gaps],
        features=features,
        labels=tuple(reading.labels),
        dataset=dataset,
        protocol=protocol,
        protocol_seed=protocol_seed,
        layout=layout,
        known_as=reading.known_as,
        simulated=reading.simulated or is_simulated(path),
        classes=reading.classes,
        layers=reading.layers,
        pooled=reading.pooled,
    )


def write_corpus(
    corpus: Corpus,
    utterances_path: str | Path,
    problems_path: str | Path,
    report_path: str | Path,
) -> None:
    """Write the tables `UTTERANCES`, `PROBLEMS` and `CORPUS_REPORT` of `spcl.tables.schemas`.

    The log shows the corpus' size, and the differences from published counts.
    """
    report = report_table(
        corpus.utterances,
        labels=corpus.labels,
        dataset=corpus.dataset,
        protocol=corpus.protocol,
        known_as=None if corpus.simulated else corpus.known_as,
    )
    _log(corpus, report)
    facts = {
        "dataset": corpus.dataset,
        "labels": list(corpus.labels),
        "protocol": corpus.protocol,
        "protocol_seed": corpus.protocol_seed,
        "layout": corpus.layout,
        "known_as": corpus.known_as,
        "simulated": corpus.simulated,
        "brings": {m: part.values.shape[1] for m, part in corpus.features.items()},
    }
    if corpus.classes is not None:
        facts["classes"] = corpus.classes
    parquet.write(problem_table(corpus.dataset, corpus.problems), problems_path, PROBLEMS)
    parquet.write(report, report_path, CORPUS_REPORT, simulated=corpus.simulated)
    parquet.write(corpus.utterances, utterances_path, UTTERANCES, **facts)


def _read(path: Path, layout: str | None, choices: Choices, dataset: str) -> tuple[str, Reading]:
    """The name of the format, and the corpus as its reader returns it."""
    key = f"datasets.{dataset}"
    if layout is not None and layout not in FORMATS:
        raise UserError(
            f"{key}.layout: unknown layout '{layout}'; choose one of {', '.join(FORMATS)},"
            " or remove the key"
        )
    if os.path.isdir(path):
        entries(path)  # refuses a folder that cannot be searched
    else:
        try:
            read(path, 1)
        except UnreadableError as error:
            if error.reason != ABSENT:
                raise
            remedy = FORMATS[layout].REMEDY if layout else "put the corpus there"
            raise UserError(
                f"{path}: no such folder or file; {remedy} or set {key}.path"
            ) from error
    content = load(path)
    if layout is None:
        layout = recognise(path, content)
    elif not FORMATS[layout].fits(path, content):
        refuse_hidden(path)
        format_ = FORMATS[layout]
        raise UserError(
            f"{path}: not {format_.TITLE}; {format_.REMEDY}, or remove {key}.layout, so that"
            " the layout is recognised"
        )
    return layout, FORMATS[layout].read(path, content, choices)


def utterance_table(
    utterances: Sequence[Utterance],
    splits: Mapping[str, str],
    labels: Sequence[str],
    by_session: Mapping[str, str],
) -> pa.Table:
    """Utterances in dialogue order as a table, without metadata.

    `splits` and `by_session` are by dialogue. With sessions there is a column ``session``.
    """
    position: list[int] = []
    met: Counter[str] = Counter()
    for utterance in utterances:
        position.append(met[utterance.dialogue_id])
        met[utterance.dialogue_id] += 1
    columns: dict[str, object] = {
        column.name: [getattr(utterance, column.name) for utterance in utterances]
        for column in UTTERANCES.columns
        if column.name not in ("position", "emotion", "split")
    }
    columns["position"] = position
    columns["split"] = [splits[utterance.dialogue_id] for utterance in utterances]
    place = {label: index for index, label in enumerate(labels)}
    codes = [None if u.emotion is None else place[u.emotion] for u in utterances]
    columns["emotion"] = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), list(labels))
    table = UTTERANCES.table(columns)
    if not by_session:
        return table
    session = [by_session.get(utterance.dialogue_id) for utterance in utterances]
    return table.append_column("session", pa.array(session, pa.string()))


def _log(corpus: Corpus, report: pa.Table) -> None:
    """Log the corpus' size, its differences from published counts, and its features."""
    kind = "simulated corpus" if corpus.simulated else "corpus"
    log.info("%s %s: %d utterances", kind, corpus.dataset, len(corpus.utterances))
    log_report(report)
    for m, part in corpus.features.items():
        log.info(
            "  features %s: width %d, %d rows observed, %d columns constant",
            m,
            part.values.shape[1],
            part.observed.sum(),
            constant_columns(part),
        )
    if corpus.problems:
        log.info("  %d problems, see problems.parquet", len(corpus.problems))
