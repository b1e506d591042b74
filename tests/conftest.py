"""What tests of several areas share: the property tests' profile and small made-up corpora."""

import gc

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import settings

from spcl.data.simulator import simulate
from spcl.tables import parquet, schemas

# Time limits on single examples fail on a busy machine and show nothing.
settings.register_profile("spcl", deadline=None, derandomize=True)
settings.load_profile("spcl")

LONGEST_FIRST = ("slurm", "end_to_end", "workflow")


def pytest_collection_modifyitems(items):
    """Begin with the files that take longest, so that no process works alone at the end.

    Make needs --no-loadscope-reorder for this: else the files with most tests come first.
    """

    def place(item):
        found = (n for n, mark in enumerate(LONGEST_FIRST) if item.get_closest_marker(mark))
        return next(found, len(LONGEST_FIRST))

    items.sort(key=place)


LABELS = ("happy", "sad", "neutral")


def make_corpus(lengths, *, seed=0, signal=2.0, unlabelled=(), widths=None):
    """Utterances and features in memory: dialogue i of `lengths[i]` utterances, 60/20/20 split.

    The features carry the label with strength `signal`; the utterances at the indices `unlabelled`
    have none.
    """
    widths = widths or {"a": 4, "t": 6, "v": 5}
    rng = np.random.default_rng(seed)
    n = sum(lengths)
    dialogue = np.repeat(np.arange(len(lengths)), lengths)
    emotion = rng.integers(len(LABELS), size=n)
    cut = np.quantile(np.arange(len(lengths)), [0.6, 0.8])
    names = np.where(dialogue <= cut[0], "train", np.where(dialogue <= cut[1], "dev", "test"))
    labels = pa.array([None if i in unlabelled else LABELS[e] for i, e in enumerate(emotion)])
    utterances = pa.table(
        {
            "dialogue_id": [f"d{d}" for d in dialogue],
            "utterance_id": [f"u{i}" for i in range(n)],
            "position": pa.array(np.concatenate([np.arange(k) for k in lengths]), pa.int32()),
            "speaker": [f"s{s}" for s in rng.integers(2, size=n)],
            "text": ["words"] * n,
            "emotion": labels.dictionary_encode(),
            "split": names,
            "start_s": pa.nulls(n, pa.float64()),
            "end_s": pa.nulls(n, pa.float64()),
            "audio_path": pa.nulls(n, pa.string()),
            "video_path": pa.nulls(n, pa.string()),
        }
    )
    facts = {"dataset": "made", "protocol": "official", "protocol_seed": 0, "simulated": True}
    utterances = parquet.describe(utterances, labels=list(LABELS), **facts)
    assert schemas.UTTERANCES.fault(utterances) is None
    features = {}
    for m, width in widths.items():
        means = rng.normal(size=(len(LABELS), width))
        x = (signal * means[emotion] + rng.normal(size=(n, width))).astype(np.float32)
        features[m] = feature_table([f"u{i}" for i in range(n)], x)
    return utterances, features


def feature_table(utterance_ids, x, observed=None):
    """A feature table of an (N, D) array."""
    observed = np.ones(len(x), bool) if observed is None else observed
    return pa.table(
        {
            "utterance_id": list(utterance_ids),
            "observed": observed,
            "features": pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), x.shape[1]),
        }
    )


@pytest.fixture
def corpus():
    """Twelve dialogues of one to nine utterances."""
    return make_corpus([5, 1, 9, 4, 6, 3, 7, 2, 8, 5, 6, 4], unlabelled={3, 20})


@pytest.fixture(scope="session")
def meld_sim(tmp_path_factory):
    """A simulated corpus in MELD's layout, written once; no test may change it."""
    folder = tmp_path_factory.mktemp("simulated") / "meld-sim"
    simulate("meld", folder, seed=3, dialogues=6)
    return folder


@pytest.fixture(scope="session")
def iemocap_sim(tmp_path_factory):
    """A simulated corpus in IEMOCAP's layout, written once; no test may change it."""
    folder = tmp_path_factory.mktemp("simulated") / "iemocap-sim"
    simulate("iemocap", folder, seed=3, dialogues=6)
    return folder


@pytest.fixture
def no_collection():
    """Objects that other tests left are not finalised while Python 3.11 parses.

    Python takes it for an error if a finaliser writes a traceback, for which it parses too.
    """
    gc.collect()
    gc.disable()
    yield
    gc.enable()
