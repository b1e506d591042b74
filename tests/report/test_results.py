"""Inputs are read when asked for, in the config's order, and named when they are damaged."""

import pandas as pd
import pyarrow.parquet as pq
import pytest
from made_results import EMOTIONS, make_results

from spcl.errors import UserError
from spcl.report.analysis.results import Results

KINDS = ["metrics", "history", "predictions", "robustness", "curriculum", "utterance_difficulty"]
KINDS += ["conversation_difficulty", "benchmarks", "features", "utterances"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_one_frame_of_all_its_files(paths, kind):
    frame = getattr(Results(**paths), kind)
    rows = [pq.read_metadata(path).num_rows for path in paths[kind]]
    assert len(frame) == (len(rows) if kind == "features" else sum(rows))


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_without_files_has_the_same_columns(paths, kind):
    empty = getattr(Results(), kind)
    assert len(empty) == 0
    assert list(empty.columns) == list(getattr(Results(**paths), kind).columns)


def test_grouping_keeps_the_order_of_the_paths(paths):
    backwards = Results(metrics=paths["metrics"][::-1])
    expected = list(dict.fromkeys(backwards.metrics["modalities"]))
    assert expected == ["av", "at", "atv"]
    groups = backwards.metrics.groupby("modalities", observed=True).size()
    assert list(groups.index) == expected


def test_cells_are_distinguished_by_their_columns_not_by_their_paths(paths, tmp_path):
    moved = tmp_path / "x.parquet"
    moved.write_bytes(paths["metrics"][0].read_bytes())
    original = Results(metrics=paths["metrics"][:1]).metrics
    pd.testing.assert_frame_equal(Results(metrics=[moved]).metrics, original)


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    results = Results(metrics=[tmp_path / "absent.parquet"])
    with pytest.raises(UserError, match=r"absent.parquet: no such file"):
        _ = results.metrics


def test_a_file_of_another_kind_is_named(paths):
    with pytest.raises(UserError, match="not a table of metrics"):
        _ = Results(metrics=paths["history"]).metrics


@pytest.mark.parametrize("kind", ["metrics", "utterances", "features", "utterance_difficulty"])
def test_any_kind_with_the_mark_names_the_simulated_corpora(paths, kind):
    assert Results(**{kind: paths[kind]}).simulated == ("iemocap-sim",)


def test_a_real_corpus_is_not_called_simulated(tmp_path):
    real = make_results(
        tmp_path, datasets=("meld",), baselines=("mmgcn",), seeds=(1,), simulated=False, epochs=2
    )
    assert Results(**real).simulated == ()


def test_labels_come_in_the_order_of_the_corpus(paths):
    assert Results(**paths).labels == {"iemocap-sim": EMOTIONS["iemocap"]}


def test_features_are_summed_up_without_being_read(paths):
    row = Results(**paths).features.iloc[0]
    assert row["extractor"] == "egemaps"
    assert 0 < row["n_observed"] < row["n_utterances"]
