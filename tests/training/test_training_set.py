"""The training set of a curriculum, from tables in the order of the training split."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from spcl.errors import UserError
from spcl.study.grid import Cell
from spcl.tables import parquet, schemas
from spcl.training.dialogues import load_corpus
from spcl.training.training_set import EarlierTables, training_set
from tests.conftest import LABELS, make_corpus
from tests.training.conftest import earlier_tables

CELL = Cell("made", "late_fusion", "ta", "mine")
PACED = Cell("made", "late_fusion", "ta", "spcl")


def known(tables, utterances, features, seed=1):
    corpus = load_corpus(utterances, features, "ta", scale="standard", device="cpu")
    found = training_set(tables, corpus, CELL, paced=PACED, epochs=7, seed=seed)
    return found, corpus.splits["train"]


def history(shares, seed=1):
    n = len(shares)
    rows = {"seed": [seed] * n, "epoch": range(1, n + 1), "admitted_share": shares}
    return pa.table({name: list(values) for name, values in rows.items()})


def shuffled(table):
    return table.take(np.random.default_rng(0).permutation(len(table)))


def test_a_curriculum_without_needs_gets_labels_and_lengths(corpus):
    found, dialogues = known(EarlierTables(), *corpus)
    assert torch.equal(found.labels, dialogues.labels)
    assert found.lengths.tolist() == list(dialogues.lengths)
    assert (found.epochs, found.seed) == (7, 1)
    assert found.probes is found.shift_rate is found.pace is None


def test_probes_have_the_order_of_the_training_split(corpus):
    tables = earlier_tables(*corpus)
    mixed = EarlierTables({m: shuffled(table) for m, table in tables.probes.items()})
    found, dialogues = known(mixed, *corpus)
    assert list(found.probes) == ["t", "a"]
    for m, log_probability in found.probes.items():
        assert log_probability.shape == (len(dialogues.labels), len(LABELS))
        assert log_probability.dtype == torch.float64
        by_id = tables.probes[m].to_pandas().set_index("utterance_id").loc[dialogues.utterance_ids]
        np.testing.assert_allclose(
            log_probability.exp(), np.stack(by_id["probabilities"]), atol=2e-6
        )
        labelled = dialogues.labels >= 0
        own = log_probability[labelled, dialogues.labels[labelled]]
        np.testing.assert_allclose(-own, by_id["loss"][labelled.numpy()], atol=1e-4)


def test_a_probability_of_zero_stays_finite(corpus):
    tables = earlier_tables(*corpus)
    table = tables.probes["t"]
    zeros = pa.array([[1.0, 0.0, 0.0]] * len(table), pa.list_(pa.float32()))
    place = table.column_names.index("probabilities")
    certain = table.set_column(place, "probabilities", zeros)
    found, _ = known(EarlierTables(tables.probes | {"t": certain}), *corpus)
    assert torch.isfinite(found.probes["t"]).all()


def test_shift_rates_have_the_order_of_the_dialogues(corpus):
    tables = earlier_tables(*corpus)
    mixed = EarlierTables(conversations=shuffled(tables.conversations))
    found, dialogues = known(mixed, *corpus)
    first = np.cumsum(dialogues.lengths) - dialogues.lengths
    by_id = tables.conversations.to_pandas().set_index("dialogue_id")["shift_rate"]
    expected = by_id.loc[dialogues.dialogue_ids[first]].to_numpy()
    np.testing.assert_array_equal(found.shift_rate, expected)
    assert np.isnan(expected[dialogues.lengths == 1]).all()


def test_the_pace_is_counts_by_epoch(corpus):
    _, dialogues = known(EarlierTables(), *corpus)
    n = int((dialogues.labels >= 0).sum())
    counts = [0, 7, n - 1, n]
    both = pa.concat_tables([history([0.5], seed=2), history([count / n for count in counts])])
    found, _ = known(EarlierTables(paced=shuffled(both)), *corpus)
    assert found.pace.tolist() == counts


def without_first(table):
    return table.slice(1)


def unheld(table):
    return table.set_column(0, "fold", pa.nulls(len(table), pa.int32()))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (without_first, "1 of 35 rows of the training split are missing, first utterance_id 'u0'"),
        (unheld, "35 of 35 rows of the training split are missing"),
        (
            lambda table: parquet.describe(table, labels=["sad", "happy", "neutral"]),
            "its emotions differ from those of the corpus (happy, sad, neutral)",
        ),
    ],
)
def test_scores_of_another_corpus_are_refused(corpus, change, says):
    tables = earlier_tables(*corpus)
    wrong = tables.probes | {
        "t": change(tables.probes["t"].select(["fold", "utterance_id", "probabilities"]))
    }
    with pytest.raises(UserError) as error:
        known(EarlierTables(wrong), *corpus)
    file = "results/difficulty/made/t.parquet"
    assert str(error.value).startswith(f"{file}: {says}")
    assert str(error.value).endswith(f"; recompute it with: snakemake --cores 1 -f {file}")


def test_conversations_of_another_corpus_are_refused(corpus):
    tables = EarlierTables(conversations=without_first(earlier_tables(*corpus).conversations))
    says = r"results/difficulty/made/conversations.parquet: 1 of 7 rows .* first dialogue_id 'd0'"
    with pytest.raises(UserError, match=says):
        known(tables, *corpus)


def test_a_pace_without_the_seed_is_refused(corpus):
    says = r"results/cells/made/late_fusion/ta/spcl/history.parquet: it has no seed 3; recompute it"
    with pytest.raises(UserError, match=says):
        known(EarlierTables(paced=history([1.0])), *corpus, seed=3)


def test_the_tables_are_read_from_their_files(tmp_path):
    utterances, features = make_corpus([3] * 10)
    tables = earlier_tables(utterances, features)
    paths = [tmp_path / f"{m}.parquet" for m in "at"]
    for path in paths:
        parquet.write(tables.probes[path.stem], path, schemas.UTTERANCE_DIFFICULTY)
    conversations = tmp_path / "conversations.parquet"
    parquet.write(tables.conversations, conversations, schemas.CONVERSATION_DIFFICULTY)
    read = EarlierTables.read(paths, conversations, [])
    assert list(read.probes) == ["a", "t"]
    assert read.paced is None
    found, _ = known(read, utterances, features)
    again, _ = known(tables, utterances, features)
    assert torch.equal(found.probes["t"], again.probes["t"])
    assert torch.equal(found.shift_rate, again.shift_rate)
