"""What the reader of a format returns: utterances and features."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from spcl.data.problems import Problem


@dataclass(frozen=True)
class Utterance:
    """One utterance of a raw corpus, as annotated.

    Attributes
    ----------
    dialogue_id, utterance_id
        Unique in the corpus.
    speaker
        As annotated.
    text
        The transcript, may be empty.
    emotion
        One of the corpus' labels, None if unlabelled.
    split
        ``train``, ``dev`` or ``test`` as in the files of the corpus, None if they do not say; see
        `spcl.data.splits`.
    start_s, end_s
        In the recording, seconds; None if unknown.
    audio_path, video_path
        Relative to the corpus folder, optionally with a fragment
        (`spcl.data.media.MediaReference`); None if there is no usable file.
    """

    dialogue_id: str
    utterance_id: str
    speaker: str
    text: str
    emotion: str | None
    split: str | None
    start_s: float | None = None
    end_s: float | None = None
    audio_path: str | None = None
    video_path: str | None = None


@dataclass(frozen=True)
class Choices:
    """What a config chooses where the files of a corpus leave a choice.

    Attributes
    ----------
    labels
        The order of the classes; None if the config has none.
    classes
        The number of classes that sentiment scores become, see `spcl.data.emotions.sentiment`; None
        if the config has none.
    layer
        Which of several fields of vectors of a modality is used, from 1; None for their mean.
    pooling
        How steps in time become a vector: their ``mean``, or ``mean_std`` (mean and deviation).
    unlabelled
        Whether a table of utterances may lack its emotions, because they are to be predicted.
    """

    labels: tuple[str, ...] | None = None
    classes: int | None = None
    layer: int | None = None
    pooling: str = "mean"
    unlabelled: bool = False


@dataclass(frozen=True)
class Features:
    """The corpus' own features of one modality.

    Attributes
    ----------
    values
        (N, D) float32, finite, 0 where not observed.
    observed
        (N,) bool.
    """

    values: np.ndarray
    observed: np.ndarray


@dataclass(frozen=True)
class Reading:
    """A corpus as it is in its files, before a protocol splits it.

    Attributes
    ----------
    utterances
        N of them, in dialogue order.
    labels
        The emotions in the corpus' order.
    problems
        In the order in which they were found.
    features
        By modality (a, t, v), (N, D) float32 with NaN and infinity as in the file; a row of NaN
        where there is no vector. Empty for corpora of raw media.
    known_as
        ``iemocap`` or ``meld`` if it is that corpus, in any format; else None.
    sessions
        Dialogue id -> recording session, if the files say so.
    simulated
        Whether the files say that they are simulated.
    names
        Emotions that are text, as spelled in the files -> number of utterances.
    files
        Modality -> the file with its features, relative to the corpus folder; None -> the file with
        the utterances. For problems that later checks find.
    classes
        The number of classes if the labels are classes of sentiment scores, see
        `spcl.data.emotions.sentiment`; else None.
    layers
        Modality -> the number of its fields of vectors (layers of a model), where there are several
        to choose from.
    pooled
        Modalities whose vectors were pooled over steps in time.
    """

    utterances: list[Utterance]
    labels: tuple[str, ...]
    problems: list[Problem] = field(default_factory=list)
    features: Mapping[str, np.ndarray] = field(default_factory=dict)
    known_as: str | None = None
    sessions: Mapping[str, str] = field(default_factory=dict)
    simulated: bool = False
    names: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str | None, str] = field(default_factory=dict)
    classes: int | None = None
    layers: Mapping[str, int] = field(default_factory=dict)
    pooled: frozenset[str] = frozenset()
