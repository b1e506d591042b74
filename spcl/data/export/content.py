"""A corpus and its features by dialogue, as the pickles of the field store them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from spcl.data.emotions.labels import KNOWN
from spcl.data.feature_files.values import UNLABELLED
from spcl.data.speakers import as_annotated
from spcl.errors import UserError
from spcl.tables.arrays import feature_matrix, strings
from spcl.tables.parquet import metadata
from spcl.tables.schemas import SPLITS

MODALITIES = "tav"
MAX_SPEAKERS = 9
"""The formats have a place for this many speakers of a dialogue, as MELD has."""

_SENTIMENTS = {"neutral": 0, "joy": 1, "fear": 2, "sadness": 2, "disgust": 2, "anger": 2}
"""Of MELD's emotions: 0 neutral, 1 positive, 2 negative. MELD's surprise can be any."""


@dataclass(frozen=True)
class Content:
    """A corpus by dialogue.

    Attributes
    ----------
    dataset, known_as, simulated, protocol, protocol_seed
        As in the metadata of the utterances.
    labels
        The emotions by number: in the published order of a known corpus, else in that of the
        corpus.
    splits
        ``train``, ``dev`` and ``test`` -> dialogue ids in the order of the corpus.
    utterance_ids, texts
        By dialogue.
    speakers
        By dialogue: ``M`` and ``F`` of IEMOCAP, else numbers from 0 by first appearance.
    numbers
        By dialogue: the label of each utterance, -1 = unlabelled.
    sentiments
        By dialogue: 0 neutral, 1 positive, 2 negative where MELD's emotion determines it, else -1.
    vectors
        By modality and dialogue: (N_i, D) float32, 0 where not observed.
    extractors
        Modality -> the metadata of its features.
    unobserved
        Modality -> number of utterances without features.
    """

    dataset: str
    known_as: str | None
    simulated: bool
    protocol: str
    protocol_seed: int | None
    labels: tuple[str, ...]
    splits: Mapping[str, list[str]]
    utterance_ids: Mapping[str, list[str]]
    texts: Mapping[str, list[str]]
    speakers: Mapping[str, list[str]] | Mapping[str, list[int]]
    numbers: Mapping[str, list[int]]
    sentiments: Mapping[str, list[int]]
    vectors: Mapping[str, Mapping[str, np.ndarray]]
    extractors: Mapping[str, Mapping]
    unobserved: Mapping[str, int]

    @property
    def is_iemocap(self) -> bool:
        """Whether the corpus has the IEMOCAP form of a format; all others have that of MELD."""
        return self.known_as == "iemocap"

    @property
    def n_unlabelled(self) -> int:
        """The number of unlabelled utterances."""
        return sum(numbers.count(UNLABELLED) for numbers in self.numbers.values())

    def one_hot(self) -> dict[str, list[list[int]]]:
        """By dialogue: a one-hot vector of `MAX_SPEAKERS` for the speaker of each utterance."""
        return {
            dialogue: [[int(place == one) for place in range(MAX_SPEAKERS)] for one in speakers]
            for dialogue, speakers in self.speakers.items()
        }

    def as_tuple(self, vectors: str) -> tuple[object, ...]:
        """The fields of DialogueRNN and its successors; outside IEMOCAP the last is sentiments.

        `vectors` has the modality of each field of vectors, for example ``tav``.
        """
        fields = (
            self.utterance_ids,
            self.speakers if self.is_iemocap else self.one_hot(),
            self.numbers,
            *(self.vectors[m] for m in vectors),
            self.texts,
            self.not_test(),
            self.splits["test"],
        )
        return fields if self.is_iemocap else (*fields, self.sentiments)

    def not_test(self) -> list[str]:
        """The dialogues of train and dev, in the order of the corpus."""
        test = set(self.splits["test"])
        return [dialogue for dialogue in self.numbers if dialogue not in test]


def content_of(utterances: pa.Table, features: Mapping[str, pa.Table]) -> Content:
    """Arrange a corpus by dialogue.

    Parameters
    ----------
    utterances, features
        As in `spcl.data.export.export`.

    Raises
    ------
    UserError
        The features lack utterances; a dialogue has more than `MAX_SPEAKERS` speakers; a speaker of
        IEMOCAP is neither M nor F.
    """
    facts = metadata(utterances)
    ids, dialogue_of = strings(utterances, "utterance_id"), strings(utterances, "dialogue_id")
    rows: dict[str, list[int]] = {}
    for row, dialogue in enumerate(dialogue_of):
        rows.setdefault(dialogue, []).append(row)
    emotion = strings(utterances, "emotion")
    labels = _order(facts.get("known_as"), facts["labels"])
    number = {label: place for place, label in enumerate(labels)}
    sentiment = _SENTIMENTS if facts.get("known_as") == "meld" else {}
    split_of = dict(zip(dialogue_of, strings(utterances, "split"), strict=True))
    columns = {
        "utterance_ids": ids.tolist(),
        "texts": strings(utterances, "text").tolist(),
        "numbers": [number.get(one, UNLABELLED) for one in emotion],
        "sentiments": [sentiment.get(one, UNLABELLED) for one in emotion],
    }
    vectors, unobserved = {}, {}
    for m in MODALITIES:
        lost = set(ids) - set(features[m]["utterance_id"].to_pylist())
        if lost:
            raise UserError(
                f"datasets.{facts['dataset']}: the features {m} lack {len(lost)} utterances, first"
                f" {min(lost)}: they are of another import; extract them again with Snakemake"
            )
        matrix, observed = feature_matrix(features[m], ids)
        vectors[m] = {dialogue: matrix[found] for dialogue, found in rows.items()}
        unobserved[m] = int((~observed).sum())
    return Content(
        dataset=facts["dataset"],
        known_as=facts.get("known_as"),
        simulated=facts["simulated"],
        protocol=facts["protocol"],
        protocol_seed=facts["protocol_seed"],
        labels=labels,
        splits={split: [d for d in rows if split_of[d] == split] for split in SPLITS},
        speakers=_speakers(facts, strings(utterances, "speaker"), rows),
        vectors=vectors,
        extractors={m: metadata(features[m]) for m in MODALITIES},
        unobserved=unobserved,
        **{
            name: {dialogue: [values[row] for row in found] for dialogue, found in rows.items()}
            for name, values in columns.items()
        },
    )


def _order(known_as: str | None, labels: list[str]) -> tuple[str, ...]:
    """The published order of the same labels, else their own."""
    known = KNOWN.get(known_as or "", ())
    return tuple(known if set(known) == set(labels) else labels)


def _speakers(
    facts: Mapping, names: np.ndarray, rows: Mapping[str, list[int]]
) -> dict[str, list[str]] | dict[str, list[int]]:
    """By dialogue: the letters of IEMOCAP's speakers, or numbers by first appearance."""
    if facts.get("known_as") == "iemocap":
        letters = {d: [as_annotated(name) for name in names[found]] for d, found in rows.items()}
        for dialogue, spoken in letters.items():
            if others := set(spoken) - {"M", "F"}:
                raise UserError(
                    f"datasets.{facts['dataset']}: dialogue {dialogue} has the speaker"
                    f" '{min(others)}', and the format has only M and F for IEMOCAP; name the"
                    " speakers M and F in the corpus"
                )
        return letters
    numbers: dict[str, list[int]] = {}
    for dialogue, found in rows.items():
        place = {name: n for n, name in enumerate(dict.fromkeys(names[found]))}
        if len(place) > MAX_SPEAKERS:
            raise UserError(
                f"datasets.{facts['dataset']}: dialogue {dialogue} has {len(place)} speakers, and"
                f" the format has {MAX_SPEAKERS}; divide the dialogue or leave it out"
            )
        numbers[dialogue] = [place[names[row]] for row in found]
    return numbers
