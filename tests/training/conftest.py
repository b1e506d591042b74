"""Tables of the earlier stages for a small made corpus."""

from spcl.difficulty.conversations import score_conversations
from spcl.difficulty.probe import score_utterances
from spcl.provenance.environment import Provenance
from spcl.study.grid import Cell
from spcl.tables import parquet
from spcl.training.cell import train_cell
from spcl.training.settings import CellSettings
from spcl.training.training_set import EarlierTables

STAMP = Provenance(commit="0", versions={}, device="here", config_digest="0")


def earlier_tables(utterances, features, paced=None, teachers=None):
    """What the difficulty stage makes of a corpus, the history that sets the pace, and teachers."""
    scores = {
        m: score_utterances(utterances, table, dataset="made", modality=m, folds=3)
        for m, table in features.items()
    }
    conversations = score_conversations(utterances, scores, dataset="made")
    return EarlierTables(scores, conversations, paced, teachers or {})


def teacher_tables(utterances, features, *, seeds):
    """By modality, the predictions of late fusion on this modality alone, with those for train."""
    settings = {
        "seeds": seeds,
        "training": {"epochs": 2, "learning_rate": 0.003},
        "model": {"hidden": 8},
        "curriculum": {},
        "predict_train": True,
    }
    tables = {
        m: train_cell(
            Cell("made", "late_fusion", m, "none"),
            utterances,
            features,
            CellSettings.from_config(settings),
            provenance=STAMP,
        )
        for m in features
    }
    return {m: parquet.describe(one.predictions, labels=one.labels) for m, one in tables.items()}
