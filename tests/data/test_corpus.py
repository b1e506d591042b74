"""A corpus is recognised, read, split and written, and its own features are used."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spcl.data.corpus import read_corpus, write_corpus
from spcl.data.records import Choices
from spcl.difficulty.probe import score_utterances
from spcl.errors import UserError
from spcl.extract import build
from spcl.extract.corpus import corpus_features
from spcl.extract.extraction import extract
from spcl.tables import parquet
from spcl.tables.parquet import metadata
from spcl.tables.schemas import CORPUS_REPORT, FEATURES, PROBLEMS, UTTERANCES
from spcl.training.dialogues import load_corpus
from tests.data.made_formats import (
    cosmic_list,
    made,
    made_mosei,
    mosei_tuple,
    sdt_tuple,
    write_pickle,
)

N = 40


@pytest.fixture
def folder(tmp_path):
    """Ten dialogues of four, in five sessions; sound and text, of scales that differ by 1e5."""
    folder = tmp_path / "mine"
    folder.mkdir()
    number = np.arange(N)
    dialogue = number // 4
    split = np.select([dialogue < 7, dialogue < 8], ["train", "dev"], "test")
    columns = {
        "dialogue_id": [f"d{n}" for n in dialogue],
        "utterance_id": [f"u{n}" for n in number],
        "speaker": [f"s{n % 2}" for n in number],
        "emotion": [("calm", "glad", None)[n % 3] for n in number],
        "split": split.tolist(),
        "session": [str(1 + n // 2) for n in dialogue],
    }
    pq.write_table(pa.table(columns), folder / "utterances.parquet")
    sound = np.random.default_rng(0).normal(size=(N, 3)) * [1e-2, 1, 1e3]
    sound[[3, 17]] = np.nan
    np.save(folder / "a.npy", sound)
    np.save(folder / "t.npy", np.ones((N, 2)))
    return folder


def read(folder, **options):
    return read_corpus(folder, dataset="mine", **options)


def written(corpus, folder):
    paths = [folder / f"{name}.parquet" for name in ("utterances", "problems", "report")]
    write_corpus(corpus, *paths)
    schemas = (UTTERANCES, PROBLEMS, CORPUS_REPORT)
    return [parquet.read(path, schema) for path, schema in zip(paths, schemas, strict=True)]


def test_the_layout_is_recognised(folder, meld_sim, iemocap_sim):
    assert read(folder).layout == "tables"
    assert read(meld_sim).layout == "meld"
    assert read(iemocap_sim).layout == "iemocap"


def test_a_layout_that_does_not_fit_is_refused(folder):
    with pytest.raises(UserError, match=r"mine: not MELD\.Raw .* remove datasets\.mine\.layout"):
        read(folder, layout="meld")
    with pytest.raises(UserError, match=r"unknown layout 'csv'; choose one of .*tables.* remove"):
        read(folder, layout="csv")


def test_the_message_for_an_absent_corpus_names_the_remedy(tmp_path):
    with pytest.raises(UserError, match=r"no such folder or file; put MELD\.Raw there .*\.path"):
        read(tmp_path / "meld", layout="meld")
    with pytest.raises(UserError, match=r"no such folder or file; put the corpus there"):
        read(tmp_path / "meld")


def test_an_unreadable_corpus_is_not_reported_as_another_layout(folder, lock):
    lock(folder)
    for layout in (None, "meld"):
        with pytest.raises(UserError, match=r"mine: cannot be searched \(Permission denied\); fix"):
            read(folder, layout=layout)


def test_an_unreadable_folder_is_reported_if_no_layout_is_recognised(tmp_path, lock):
    (tmp_path / "MELD.Raw").mkdir()
    lock(tmp_path / "MELD.Raw")
    for layout in (None, "meld"):
        with pytest.raises(UserError, match=r"MELD\.Raw: cannot be searched"):
            read(tmp_path, layout=layout)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (os.mkfifo, "a pipe or a device instead of a file"),
        (
            lambda path: path.symlink_to("nowhere"),
            "a link to nowhere, where there is no file; fix",
        ),
    ],
)
def test_a_path_to_neither_file_nor_folder_is_refused(tmp_path, make, message):
    make(tmp_path / "mine")
    with pytest.raises(UserError, match=f"mine: {message}"):
        read(tmp_path / "mine")


def test_the_message_about_a_path_with_a_line_break_is_one_line(tmp_path):
    (tmp_path / "d\nx").mkdir()
    with pytest.raises(UserError, match=r"/d\\nx: not MELD\.Raw"):
        read(tmp_path / "d\nx", layout="meld")


def test_problems_with_names_that_are_no_utf_8_are_written(meld_sim, tmp_path):
    shutil.copytree(meld_sim, tmp_path / "corpus")
    clips = next((tmp_path / "corpus").rglob("*.mp4")).parent
    for name in (b"\xff\xfe.mp4", b"a\nb\x1b.mp4"):
        (clips / os.fsdecode(name)).touch()
    _, problems, _ = written(read(tmp_path / "corpus"), tmp_path)
    names = {row["file"].split("/")[-1] for row in problems.to_pylist()}
    assert {r"\udcff\udcfe.mp4", r"a\nb\x1b.mp4"} <= names


def test_positions_count_from_nought_in_every_dialogue(folder):
    corpus = read(folder)
    assert corpus.utterances["position"].to_pylist() == [0, 1, 2, 3] * 10
    assert corpus.labels == ("calm", "glad")
    dictionary = corpus.utterances["emotion"].combine_chunks().dictionary
    assert dictionary.to_pylist() == ["calm", "glad"]
    assert corpus.utterances["emotion"].null_count == N // 3


def test_the_label_order_of_the_config_is_that_of_the_classes(folder):
    assert read(folder, choices=Choices(("glad", "calm"))).labels == ("glad", "calm")


def test_all_tables_are_written_with_their_facts(folder, tmp_path):
    corpus = read(folder, protocol="cogmen", protocol_seed=4)
    utterances, problems, report = written(corpus, tmp_path / "results")
    assert utterances.equals(corpus.utterances)
    assert metadata(utterances) == {
        "dataset": "mine",
        "labels": ["calm", "glad"],
        "protocol": "cogmen",
        "protocol_seed": 4,
        "layout": "tables",
        "known_as": None,
        "simulated": False,
        "brings": {"a": 3, "t": 2},
    }
    assert [(p["utterance_id"], p["modality"]) for p in problems.to_pylist()] == [
        ("u3", "a"),
        ("u17", "a"),
    ]
    assert metadata(report)["simulated"] is False


def test_the_output_of_an_import_can_be_imported(folder, tmp_path):
    corpus = read(folder, choices=Choices(("glad", "calm")))
    utterances, _, _ = written(corpus, tmp_path / "again")
    again = read(tmp_path / "again")
    assert again.utterances.equals(utterances)
    assert again.labels == ("glad", "calm")


def test_simulated_stays_simulated_whatever_is_made_of_it(iemocap_sim, tmp_path):
    corpus = read(iemocap_sim)
    assert corpus.simulated
    written(corpus, tmp_path / "copy")
    again = read(tmp_path / "copy")
    assert again.simulated


def test_simulated_counts_are_not_held_against_the_published_ones(meld_sim, tmp_path):
    _, _, report = written(read(meld_sim), tmp_path)
    assert report["published"].null_count == len(report)


@pytest.mark.parametrize("left_out", [1, 5])
def test_each_session_can_be_left_out(folder, left_out):
    corpus = read(folder, protocol="leave-one-session-out", protocol_seed=left_out)
    table = corpus.utterances
    tested = {
        session
        for session, split in zip(
            table["session"].to_pylist(), table["split"].to_pylist(), strict=True
        )
        if split == "test"
    }
    assert tested == {str(left_out)}


def test_leave_one_session_out_works_for_iemocap_and_not_for_meld(iemocap_sim, meld_sim):
    corpus = read(iemocap_sim, protocol="leave-one-session-out", protocol_seed=2)
    rows = corpus.utterances.select(["dialogue_id", "split"]).to_pylist()
    assert {row["dialogue_id"][:5] for row in rows if row["split"] == "test"} == {"Ses02"}
    with pytest.raises(UserError, match="leave-one-session-out' needs the session"):
        read(meld_sim, protocol="leave-one-session-out", protocol_seed=1)


class TestFeaturesThatACorpusBrings:
    def bring(self, folder, modality, **options):
        corpus = read(folder)
        utterances = written(corpus, folder.parent / "results")[0]
        return corpus_features(utterances, folder, modality, **options)

    def test_they_are_a_table_of_features_with_its_facts(self, folder, tmp_path):
        extraction = self.bring(folder, "a", problem_limit=0.05)
        extraction.write(tmp_path / "a.parquet", tmp_path / "a-problems.parquet")
        table = parquet.read(tmp_path / "a.parquet", FEATURES)
        assert table["utterance_id"].to_pylist() == [f"u{n}" for n in range(N)]
        values = np.stack(table["features"].to_numpy(zero_copy_only=False))
        source = np.load(folder / "a.npy").astype(np.float32)
        seen = np.isfinite(source).all(1)
        assert table["observed"].to_pylist() == seen.tolist()
        assert (values == np.where(seen[:, None], source, 0)).all()
        facts = metadata(table)
        assert facts.pop("inputs")
        assert facts == {
            "dataset": "mine",
            "modality": "a",
            "extractor": "corpus",
            "version": "tables",
            "options": {},
            "width": 3,
            "simulated": False,
        }
        problems = parquet.read(tmp_path / "a-problems.parquet", PROBLEMS).to_pylist()
        assert [(p["file"], p["utterance_id"], p["kind"], p["reason"]) for p in problems] == [
            ("a.npy", "u3", "missing", "no features"),
            ("a.npy", "u17", "missing", "no features"),
        ]

    def test_features_of_very_different_scales_are_scored_and_standardised(self, folder):
        values = np.random.default_rng(1).normal(size=(N, 6))
        values *= [1e-5, 1e5, 1, 1e5, 0, 1]
        values += [0, 0, 1e5, 1e7, 1e5, 0]
        values[[2, 5], 0] = np.nan, 1e300
        np.save(folder / "a.npy", values)
        features = self.bring(folder, "a", problem_limit=0.05).features
        utterances = read(folder).utterances
        facts = {"dataset": "mine", "protocol": "official", "simulated": True}
        utterances = parquet.describe(utterances, labels=["calm", "glad"], **facts)
        scores = score_utterances(utterances, features, dataset="mine", modality="a", folds=3)
        assert np.isfinite(scores["loss"].drop_null().to_numpy()).all()
        corpus = load_corpus(utterances, {"a": features}, "a", scale="standard", device="cpu")
        train = corpus.splits["train"]
        assert train.observed["a"].tolist() == [n not in (2, 5) for n in range(28)]
        seen = train.features["a"][train.observed["a"]].numpy()
        assert seen.mean(0) == pytest.approx(np.zeros(6), abs=1e-5)
        assert seen.std(0) == pytest.approx([1, 1, 1, 1, 0, 1], abs=1e-5)

    def test_the_digest_follows_the_numbers(self, folder):
        inputs = [metadata(self.bring(folder, "t").features)["inputs"] for _ in range(2)]
        np.save(folder / "t.npy", np.full((N, 2), 2.0))
        changed = metadata(self.bring(folder, "t").features)["inputs"]
        assert inputs[0] == inputs[1] != changed

    def test_too_many_gaps_stop_the_run(self, folder):
        with pytest.raises(UserError, match=r"2 of 40 utterances .* set problem_limit: 0\.05"):
            self.bring(folder, "a")

    def test_the_message_for_an_absent_modality_names_the_config_key(self, folder):
        with pytest.raises(
            UserError, match=r"mine has no visual .* datasets: \{mine: \{modalities: at\}\}"
        ):
            self.bring(folder, "v", options={"layer": 1})
        for name in ("a", "t"):
            (folder / f"{name}.npy").unlink()
        with pytest.raises(UserError, match="nor any others; choose an extractor"):
            self.bring(folder, "v")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"width": 3}, r"width: there is no such option; available: layer, pooling$"),
            ({"layer": 1}, r"layer: the text features of mine have one layer only; remove"),
            ({"layer": "mean"}, r"layer: the text features of mine have one layer only; remove"),
            ({"layer": 0}, r"layer: 0 is not allowed; write mean, or a number from 1$"),
            ({"layer": "2"}, r"layer: '2' is not allowed; write mean, or a number from 1$"),
            ({"layer": True}, r"layer: True is not allowed; write mean, or a number from 1$"),
            ({"pooling": "max"}, r"pooling: 'max' is not allowed; write mean or mean_std$"),
            ({"pooling": []}, r"pooling: \[\] is not allowed; write mean or mean_std$"),
            ({"pooling": "mean_std"}, r"pooling: the text features of mine are one vector an utt"),
        ],
    )
    def test_options_that_do_not_apply_are_refused(self, folder, options, message):
        with pytest.raises(UserError, match=rf"^features\.t\.options\.{message}"):
            self.bring(folder, "t", options=options)

    @pytest.mark.parametrize("layout", ["sdt", "cosmic"])
    def test_a_layer_is_chosen_by_an_option(self, tmp_path, layout):
        dialogues = made("iemocap", (4, 4, 4, 4, 4, 4))
        dialogues[1] = replace(dialogues[1], split="dev")
        layers = (-2, 1, 1, 0)
        contents = {
            "sdt": sdt_tuple(dialogues, "iemocap", layers=layers),
            "cosmic": cosmic_list(dialogues, layers=layers, sentiments=False),
        }
        path = write_pickle(tmp_path / "corpus.pkl", contents[layout])
        utterances = written(read(path, protocol="cogmen"), tmp_path / "results")[0]
        by_id = {}
        inputs = set()
        for layer in (None, "mean", 1, 2, 3, 4):
            options = {} if layer is None else {"layer": layer}
            table = corpus_features(utterances, path, "t", options=options).features
            facts = metadata(table)
            assert facts["options"] == options
            assert facts["version"] == layout
            inputs.add(facts["inputs"])
            by_id[layer] = np.stack(table["features"].to_numpy(zero_copy_only=False))
        assert len(inputs) == 4  # layers 2 and 3 are equal, and so are None and mean
        np.testing.assert_array_equal(by_id[None], by_id["mean"])
        for layer, by in enumerate(layers, 1):
            np.testing.assert_allclose(by_id[layer] - by_id[4], by, atol=1e-6)
        np.testing.assert_allclose(by_id["mean"], by_id[4], atol=1e-6)
        with pytest.raises(UserError, match=r"have 4 layers; write 1 to 4, or mean$"):
            corpus_features(utterances, path, "t", options={"layer": 5})
        if layout == "sdt":
            with pytest.raises(UserError, match="audio features of mine have one layer only"):
                corpus_features(utterances, path, "a", options={"layer": 1})

    @pytest.mark.parametrize("classes", [7, 3, 2])
    def test_the_rule_of_sentiment_scores_is_recorded_and_used_again(self, tmp_path, classes):
        path = write_pickle(tmp_path / "corpus.pkl", mosei_tuple(made_mosei((9, 6, 6, 6, 6, 6))))
        corpus = read(path, protocol="cogmen", choices=Choices(classes=classes))
        utterances = written(corpus, tmp_path / "results")[0]
        assert metadata(utterances)["classes"] == classes
        assert metadata(utterances)["labels"] == list(corpus.labels)
        assert corpus_features(utterances, path, "a").features.num_rows == len(utterances)
        again = read(tmp_path / "results")
        assert again.classes == classes
        assert again.labels == corpus.labels
        assert again.utterances.equals(utterances)

    def test_a_corpus_that_changed_since_the_import_is_refused(self, folder):
        utterances = written(read(folder), folder.parent / "results")[0]
        table = pq.read_table(folder / "utterances.parquet")
        names = [f"new{n}" for n in range(N)]
        pq.write_table(
            table.set_column(1, "utterance_id", pa.array(names)), folder / "utterances.parquet"
        )
        with pytest.raises(
            UserError, match=r"import the corpus again: snakemake .* -f results/corpora"
        ):
            corpus_features(utterances, folder, "t")

    def test_an_extractor_of_media_points_to_them(self, folder, tmp_path):
        utterances = written(read(folder), tmp_path / "results")[0]
        with pytest.raises(
            UserError, match=r"mine has a sound; .* features: \{a: \{extractor: corpus\}\}"
        ):
            extract(utterances, folder, build("a", "logmel"), shards=tmp_path / "shards")
