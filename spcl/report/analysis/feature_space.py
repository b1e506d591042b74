"""How the features of a corpus lie in space: projection, norms, grouping by emotion and speaker."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

from spcl.report.analysis.results import Results
from spcl.tables.arrays import feature_matrix, strings
from spcl.tables.parquet import metadata

SAMPLE_SIZE = 2000
"""Most utterances of a sample."""

N_COMPONENTS = 50
"""Most principal components in which silhouettes are computed."""

N_SHUFFLES = 5
"""Random assignments that a silhouette is compared with."""

_UNKNOWN = ("", "unknown")
"""What an import writes where an utterance has no speaker."""

_DECIMALS = 6
"""The digits beyond depend on the number of threads."""


@dataclass(frozen=True)
class Silhouette:
    """Mean silhouette of a sample grouped by emotion or speaker (Rousseeuw, 1987).

    Attributes
    ----------
    value
        From -1 to 1; NaN if it is undefined.
    chance
        The mean over `N_SHUFFLES` random assignments of groups of the same sizes. It is lower for
        more groups, because a point is compared with the nearest group but its own.
    n_groups
        Emotions or speakers in the sample.
    undefined
        Why there is no value; empty if there is one.
    """

    value: float
    chance: float
    n_groups: int
    undefined: str = ""


@dataclass(frozen=True)
class FeatureSpace:
    """The features of a corpus in one modality.

    Attributes
    ----------
    dataset, modality, extractor, width
        As in the metadata of the features.
    n_utterances
        Utterances of the corpus.
    norms : (O,)
        Euclidean norms of all observed vectors.
    sample
        Observed labelled utterances, at most `SAMPLE_SIZE`, evenly spaced in the order of the
        corpus. Columns: ``row`` in the table of utterances, ``x`` and ``y`` (the first principal
        components; NaN where there are fewer), ``emotion``, ``speaker`` (None = unknown).
    explained
        Share of the variance in each of the components ``x`` and ``y`` that exist.
    by_emotion, by_speaker
        Silhouettes of the sample.
    """

    dataset: str
    modality: str
    extractor: str
    width: int
    n_utterances: int
    norms: np.ndarray
    sample: pd.DataFrame
    explained: tuple[float, ...]
    by_emotion: Silhouette
    by_speaker: Silhouette


def feature_spaces(results: Results) -> Iterator[FeatureSpace]:
    """Describe each file of features, with the utterances of its corpus.

    If the utterances of a corpus are not given, its sample is empty.
    """
    wanted = ("utterance_id", "dialogue_id", "speaker", "emotion")
    corpora = {metadata(one)["dataset"]: one for one in results.columns("utterances", wanted)}
    for features in results.columns("features", ("utterance_id", "observed", "features")):
        yield describe(features, corpora.get(metadata(features)["dataset"]))


def describe(features: pa.Table, utterances: pa.Table | None) -> FeatureSpace:
    """Project the features of one modality and compute their silhouettes.

    Parameters
    ----------
    features
        Of schema `spcl.tables.schemas.FEATURES`.
    utterances
        Of schema `spcl.tables.schemas.UTTERANCES`, of the same corpus.
    """
    facts = metadata(features)
    ids = strings(features if utterances is None else utterances, "utterance_id")
    vectors, observed = feature_matrix(features, ids)
    nobody = np.full(len(ids), None, object)
    emotion, speaker, unnamed = nobody, nobody, ""
    if utterances is not None:
        emotion = strings(utterances, "emotion")
        speaker, unnamed = identities(utterances)
    rows = _evenly_spaced(np.flatnonzero(observed & pd.notna(emotion)))
    points, explained = principal_components(vectors[rows])
    x, y = (_column(points, index) for index in range(2))
    sample = {"row": rows, "x": x, "y": y, "emotion": emotion[rows], "speaker": speaker[rows]}
    return FeatureSpace(
        dataset=facts["dataset"],
        modality=facts["modality"],
        extractor=facts["extractor"],
        width=facts["width"],
        n_utterances=len(ids),
        norms=np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))[observed],
        sample=pd.DataFrame(sample),
        explained=explained[:2],
        by_emotion=silhouette(points, emotion[rows], "emotion"),
        by_speaker=silhouette(points, speaker[rows], "speaker", unnamed),
    )


def identities(utterances: pa.Table) -> tuple[np.ndarray, str]:
    """Who speaks each utterance.

    A name is one person in the whole corpus, but names that all occur in one of several dialogues
    may be roles, or numbers that start again in each dialogue: then nobody is identified. An import
    writes one name for all where the corpus has none.

    Returns
    -------
    (N,) array of objects
        A name for each person; None = unknown.
    str
        Why nobody is identified; empty if somebody is.
    """
    speaker, dialogue = strings(utterances, "speaker"), strings(utterances, "dialogue_id")
    known = ~np.isin(speaker, _UNKNOWN)
    nobody = np.full(len(speaker), None, object)
    names = set(speaker[known])
    if not names:
        return nobody, "no speakers are given"
    if len(names) > 1:
        in_dialogue = pd.Series(speaker[known]).groupby(dialogue[known]).nunique()
        if len(names) <= in_dialogue.max() and len(in_dialogue) > 1:
            return nobody, "names may be roles in a dialogue"
    return np.where(known, speaker, nobody), ""


def principal_components(vectors: np.ndarray) -> tuple[np.ndarray, tuple[float, ...]]:
    """Standardise each feature and project.

    Parameters
    ----------
    vectors : (N, D)

    Returns
    -------
    (N, K) float64
        At most `N_COMPONENTS` principal components; none if all vectors are equal.
    tuple of K floats
        Share of the variance in each.
    """
    if len(vectors):
        vectors = vectors[:, np.ptp(vectors, axis=0) > 0]
    if not vectors.size:
        return np.empty((len(vectors), 0)), ()
    standardised = StandardScaler().fit_transform(vectors.astype(np.float64))
    # With the default of 10, the last components of a flat spectrum change the silhouette by 0.001.
    pca = PCA(min(N_COMPONENTS, *standardised.shape), n_oversamples=50, random_state=0)
    points = pca.fit_transform(standardised)
    return _rounded(points), tuple(_rounded(pca.explained_variance_ratio_).tolist())


def silhouette(points: np.ndarray, groups: np.ndarray, what: str, unnamed: str = "") -> Silhouette:
    """The mean silhouette of points of known group.

    Parameters
    ----------
    points : (N, K)
    groups : (N,)
        Emotion or speaker; None = unknown.
    what
        The word for a group.
    unnamed
        Why no group is known.
    """
    known = pd.notna(groups)
    points, names = points[known], groups[known].astype(str)
    n_groups = len(set(names))
    if unnamed:
        why = unnamed
    elif not len(names):
        why = "no utterances"
    elif n_groups == 1:
        why = f"one {what}"
    elif n_groups == len(names):
        why = f"one utterance of each {what}"
    elif not np.ptp(points, axis=0).any():
        why = "all vectors are equal"
    else:
        rng = np.random.default_rng(0)
        shuffled = [silhouette_score(points, rng.permutation(names)) for _ in range(N_SHUFFLES)]
        value, chance = _rounded(np.array([silhouette_score(points, names), np.mean(shuffled)]))
        return Silhouette(float(value), float(chance), n_groups)
    return Silhouette(np.nan, np.nan, n_groups, why)


def _evenly_spaced(rows: np.ndarray) -> np.ndarray:
    """At most `SAMPLE_SIZE` of `rows`."""
    if len(rows) <= SAMPLE_SIZE:
        return rows
    return rows[np.linspace(0, len(rows) - 1, SAMPLE_SIZE).round().astype(int)]


def _column(points: np.ndarray, index: int) -> np.ndarray:
    """One component; NaN if there are fewer."""
    return points[:, index] if index < points.shape[1] else np.full(len(points), np.nan)


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.round(values, _DECIMALS) + 0.0  # -0.0 becomes 0.0
