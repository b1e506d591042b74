"""From a raw tree to the two tables that every later stage reads."""

import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from spcl import parquet
from spcl.data.counts import differences
from spcl.data.formats import iemocap, meld
from spcl.data.records import Problem, Utterance, problem_table
from spcl.data.simulated import is_simulated
from spcl.data.splits import divide
from spcl.errors import UserError
from spcl.schemas import PROBLEMS, SPLITS, UTTERANCES

log = logging.getLogger("spcl.data")

LAYOUTS = {"iemocap": iemocap, "meld": meld}
"""Readers of raw trees by the name of the layout."""


@dataclass(frozen=True)
class Corpus:
    """A corpus in canonical form.

    Attributes
    ----------
    utterances
        Of schema `spcl.schemas.UTTERANCES`, in dialogue order.
    problems
        What was found wanting, in the order it was found.
    labels
        The emotions in the corpus' order.
    dataset
        Its name in the config.
    protocol, protocol_seed
        How it was split.
    simulated
        Whether the simulator wrote it.
    """

    utterances: pa.Table
    problems: list[Problem]
    labels: tuple[str, ...]
    dataset: str
    protocol: str
    protocol_seed: int
    simulated: bool


def read_corpus(
    layout: str,
    folder: str | Path,
    *,
    dataset: str,
    protocol: str = "official",
    protocol_seed: int = 0,
) -> Corpus:
    """Read a raw corpus and split it.

    Parameters
    ----------
    layout
        One of `LAYOUTS`.
    folder
        The root of the raw tree.
    dataset
        The corpus' name in the config.
    protocol, protocol_seed
        See `spcl.data.splits`.

    Raises
    ------
    UserError
        The folder is absent or has another layout; the layout or the protocol is unknown.
    """
    folder = Path(folder)
    if layout not in LAYOUTS:
        raise UserError(
            f"datasets.{dataset}.layout: unknown layout '{layout}';"
            f" choose one of {', '.join(LAYOUTS)}"
        )
    reader = LAYOUTS[layout]
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; {reader.REMEDY} or set datasets.{dataset}.path")
    reading = reader.read(folder)
    utterances, problems = reading.utterances, reading.problems
    division = {utterance.dialogue_id: utterance.split for utterance in utterances}
    splits = divide(protocol, division, layout=layout, seed=protocol_seed, dataset=dataset)
    corpus = Corpus(
        utterances=_table(utterances, splits, reader.LABELS),
        problems=problems,
        labels=reader.LABELS,
        dataset=dataset,
        protocol=protocol,
        protocol_seed=protocol_seed,
        simulated=is_simulated(folder),
    )
    _report(corpus, layout)
    return corpus


def write_corpus(corpus: Corpus, utterances_path: str | Path, problems_path: str | Path) -> None:
    """Write both tables; their schemas are `UTTERANCES` and `PROBLEMS` of `spcl.schemas`."""
    parquet.write(problem_table(corpus.dataset, corpus.problems), problems_path, PROBLEMS)
    parquet.write(
        corpus.utterances,
        utterances_path,
        UTTERANCES,
        dataset=corpus.dataset,
        labels=list(corpus.labels),
        protocol=corpus.protocol,
        protocol_seed=corpus.protocol_seed,
        simulated=corpus.simulated,
    )


def _table(
    utterances: list[Utterance], splits: dict[str, str], labels: tuple[str, ...]
) -> pa.Table:
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
    codes = [None if u.emotion is None else labels.index(u.emotion) for u in utterances]
    columns["emotion"] = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), list(labels))
    return UTTERANCES.table(columns)


def _report(corpus: Corpus, layout: str) -> None:
    """Log the corpus' size by split, and where a real one differs from what is published."""
    table = corpus.utterances
    rows = zip(table["split"].to_pylist(), table["dialogue_id"].to_pylist(), strict=True)
    dialogues = Counter(split for split, _ in dict.fromkeys(rows))
    counts = {split: Counter[str | None]() for split in SPLITS}
    for split, emotion in zip(
        table["split"].to_pylist(), table["emotion"].to_pylist(), strict=True
    ):
        counts[split][emotion] += 1
    kind = "simulated corpus" if corpus.simulated else "corpus"
    log.info("%s %s: %d utterances", kind, corpus.dataset, len(table))
    for split in SPLITS:
        by_label = ", ".join(f"{label} {counts[split][label]}" for label in corpus.labels)
        log.info(
            "  %s: %d dialogues, %d utterances (%s, unlabelled %d)",
            split,
            dialogues[split],
            counts[split].total(),
            by_label,
            counts[split][None],
        )
    if not corpus.simulated:
        for line in differences(layout, counts):
            log.warning("  %s", line)
    if corpus.problems:
        log.info("  %d problems, see problems.parquet", len(corpus.problems))
