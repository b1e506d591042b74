"""Tables of the earlier stages for a small made corpus."""

from spcl.difficulty.conversations import score_conversations
from spcl.difficulty.probe import score_utterances
from spcl.training.training_set import EarlierTables


def earlier_tables(utterances, features, paced=None):
    """What the difficulty stage makes of a corpus, and the history that sets the pace."""
    scores = {
        m: score_utterances(utterances, table, dataset="made", modality=m, folds=3)
        for m, table in features.items()
    }
    conversations = score_conversations(utterances, scores, dataset="made")
    return EarlierTables(scores, conversations, paced)
