"""`python -m spcl inspect`: any path is recognised, counted and turned into config lines."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml

from spcl.__main__ import main
from spcl.data.emotions.labels import IEMOCAP
from spcl.data.problems import KINDS, Problem, problem_table
from spcl.data.records import Features, Utterance
from spcl.inspection import facts, figures, paste, text
from spcl.inspection.find import find
from spcl.report.drawing import style
from spcl.report.formats.terminal import columns
from spcl.study.config import check
from spcl.tables import parquet, schemas
from tests.conftest import make_corpus
from tests.data import made_formats

EMOTIONS = ("calm", "cross", "glad")
SCHEMA = Path(__file__).parents[2] / "workflow" / "schemas" / "config.schema.yaml"


@pytest.fixture
def inspect(capsys, monkeypatch):
    """What the command prints; an error if it ends with one."""

    def run(*words, width=200):
        monkeypatch.setenv("COLUMNS", str(width))
        status = main(["inspect", *map(str, words)])
        said = capsys.readouterr()
        assert status == 0, said.err
        return said.out

    return run


@pytest.fixture
def fault(capsys):
    """The one line that the command ends with."""

    def run(*words):
        assert main(["inspect", *map(str, words)]) == 1
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        assert said.count("\n") == 1
        return said

    return run


def write_own(folder, dialogues, *, splits=("train", "train", "dev", "test"), features="at"):
    """A custom corpus; `dialogues` are lists of emotions, two speakers take turns."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["dialogue_id,speaker,text,emotion" + (",split" if splits else "")]
    for d, emotions in enumerate(dialogues):
        for i, emotion in enumerate(emotions):
            split = f",{splits[d % len(splits)]}" if splits else ""
            lines.append(f"d{d},{'AB'[i % 2]},words,{emotion}{split}")
    (folder / "utterances.csv").write_text("\n".join(lines))
    for letter in features:
        values = np.random.default_rng(0).normal(size=(len(lines) - 1, 3)).astype(np.float32)
        np.save(folder / f"{letter}.npy", values)
    return folder


@pytest.fixture
def own(tmp_path):
    dialogues = [["calm", "cross", "calm"], ["glad"], ["calm", "calm"], ["glad", "cross"]]
    return write_own(tmp_path / "mine", dialogues)


def pasted(said):
    """The config lines as YAML reads them."""
    return yaml.safe_load(said.split("Paste into a config:")[1].split("\ndrawn:")[0])


def numbers(said, word):
    """The row of the table that starts with `word`."""
    (line,) = (line for line in said.splitlines() if line.split()[:1] == [word])
    return line.split()[1:]


class TestFinding:
    def test_a_folder_above_or_inside_means_the_corpus(self, meld_sim, tmp_path):
        (tmp_path / "data").mkdir()
        corpus = tmp_path / "data" / "MELD.Raw"
        shutil.copytree(meld_sim, corpus)
        for path in (tmp_path, tmp_path / "data", corpus, corpus / "train_splits"):
            found = find(path)
            assert found.path.resolve() == corpus.resolve()
            assert found.layout == "meld"
            assert found.simulated

    def test_a_file_inside_means_its_corpus(self, own):
        assert find(own / "utterances.csv").path.resolve() == own.resolve()

    def test_a_folder_with_only_a_pickle_means_the_pickle(self, tmp_path):
        path = write_pickle(tmp_path / "features" / "iemocap.pkl")
        (tmp_path / "features" / "vocabulary.pkl").write_bytes(pickle.dumps({"words": [1]}))
        found = find(tmp_path)
        assert found.path == path
        assert found.reading.known_as == "iemocap"

    def test_of_several_corpora_one_must_be_named(self, own, iemocap_sim, meld_sim, fault):
        write_own(own.parent / "yours", [["calm"], ["cross"]])
        assert fault(own.parent).endswith(f"inspect one of {own}, {own.parent / 'yours'}\n")
        assert "contains more than one corpus" in fault(meld_sim.parents[1])

    def test_an_archive_is_to_be_unpacked(self, tmp_path, fault):
        archive = tmp_path / "MELD.Raw.tar.gz"
        archive.write_bytes(b"\x1f\x8b")
        assert "an archive; unpack it" in fault(archive)
        assert "contains an archive, MELD.Raw.tar.gz; unpack it" in fault(tmp_path)

    def test_an_unknown_path_is_an_error(self, tmp_path, fault):
        assert "no such file or folder" in fault(tmp_path / "absent")
        (tmp_path / "notes.txt").write_text("words")
        assert "no known format" in fault(tmp_path)
        assert "no known format" in fault(tmp_path / "notes.txt")

    def test_a_pickle_that_calls_something_is_refused(self, tmp_path, fault):
        path = tmp_path / "evil.pkl"
        path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
        assert "system" in fault(path)


def write_pickle(path):
    """An IEMOCAP of two dialogues in the form of SPCL's pickle."""
    path.parent.mkdir(parents=True)
    rng = np.random.default_rng(0)
    names = {"Ses01F_impro01": [0, 1, 2, 3, 4, 5], "Ses05M_impro01": [5, 5, 2]}
    content = {
        "trainVid": ["Ses01F_impro01"],
        "testVid": ["Ses05M_impro01"],
        "label": names,
        "speaker": {name: ["M", "F"] * (len(n) // 2) + ["M"] * (len(n) % 2)
                    for name, n in names.items()},
        "sentence": {name: ["words"] * len(n) for name, n in names.items()},
    }  # fmt: skip
    for key, width in (("text", 7), ("audio", 5), ("visual", 6)):
        content[key] = {name: rng.normal(size=(len(n), width)) for name, n in names.items()}
    path.write_bytes(pickle.dumps(content))
    return path


class TestScreen:
    def test_counts_are_shown_by_split(self, own, inspect):
        said = inspect(own)
        assert numbers(said, "dialogues") == ["2", "1", "1", "4"]
        assert numbers(said, "utterances") == ["4", "2", "2", "8"]
        assert numbers(said, "speakers") == ["2", "2", "2", "2"]
        assert numbers(said, "calm") == ["2", "2", "0", "4"]
        assert "Utterances a dialogue: 1 to 3, median 2; 1 of 4 dialogues have one." in said
        assert "unlabelled" not in said

    def test_a_class_on_test_without_training_data_is_named(self, own, tmp_path, inspect):
        assert "o training data" not in inspect(own)
        dialogues = [["calm", "glad"], ["glad"], ["cross"], ["cross", "calm", "cross"]]
        said = inspect(write_own(tmp_path / "without", dialogues))
        assert "No training data for cross (test: 2): no model can learn this class." in said
        unsplit = write_own(tmp_path / "unsplit", dialogues, splits=())
        assert "o training data" not in inspect(unsplit)

    def test_shifts_are_counted_inside_dialogues(self, own, inspect):
        assert "Emotion shifts: 0.750 of 4 pairs of labelled neighbours." in inspect(own)

    def test_features_show_width_scale_and_gaps(self, own, inspect):
        values = np.array(
            [[1, 2], [0, 2], [np.nan, 2], [np.inf, 2], [0, 0], [-4, 2], [0, 2], [0, 2]]
        )
        np.save(own / "a.npy", values)
        said = inspect(own)
        row = next(line for line in said.splitlines() if "a audio" in line).split()
        assert row[2:6] == ["2", "2", "1", "0"]  # width, missing, zero, constant
        assert row[6:8] == ["-4", "2"]
        assert "Problems: 2" in said
        assert "a.npy" in inspect(own, "--problems") or "d0" in inspect(own, "--problems")

    def test_a_simulated_corpus_is_called_simulated_and_not_compared(self, meld_sim, inspect):
        said = inspect(meld_sim)
        assert "Simulated MELD: no real recordings." in said
        assert "published" not in said

    def test_a_real_corpus_is_compared_with_the_published_counts(self, meld_sim, tmp_path, inspect):
        corpus = tmp_path / "MELD.Raw"
        shutil.copytree(meld_sim, corpus)
        (corpus / "SIMULATED.txt").unlink()
        said = inspect(corpus)
        assert numbers(said, "disgust")[-3:] == ["271", "22", "68"]
        assert "* published; the counts differ:" in said
        assert said.count("\n") < 60

    def test_published_counts_of_train_and_dev_are_merged_if_the_corpus_merges_them(
        self, tmp_path, inspect
    ):
        said = inspect(write_pickle(tmp_path / "f" / "iemocap.pkl"))
        assert said.split("\n")[3].split() == ["train", "test", "all", "train+dev*", "test*"]
        assert numbers(said, "exc") == ["1", "0", "1", "742", "299"]

    def test_raw_media_are_counted(self, iemocap_sim, inspect):
        found = find(iemocap_sim)
        n = len(found.reading.utterances)
        assert f"audio files {n}, video files {n}" in inspect(iemocap_sim).replace("\n  ", " ")

    @pytest.mark.parametrize("width", [40, 64, 80, 200])
    def test_no_line_but_those_to_paste_is_wider_than_the_terminal(self, width, own, meld_sim):
        for corpus in (own, meld_sim):
            lines = text.describe(find(corpus), width)
            words = str(corpus).split("/")  # a path has no blanks to break at
            assert all(len(line) <= width for line in lines if words[1] not in line)

    def test_columns_keep_the_first_and_drop_the_last(self):
        rows = [["", "train", "dev"], ["a very long name indeed", "1", "2"]]
        assert columns(rows, 80)[1] == "a very long name indeed      1    2"
        assert columns(rows, 20) == ["          train  dev", "a very …      1    2"]
        assert (
            columns(rows, 15) == ["        train", "a very…      1"]
            or max(map(len, columns(rows, 15))) <= 15
        )

    def test_problems_are_grouped_by_kind_and_listed_on_request(self, meld_sim, tmp_path, inspect):
        corpus = tmp_path / "corpus"
        shutil.copytree(meld_sim, corpus)
        for clip in sorted(corpus.glob("train_splits/*.mp4"))[:3]:
            clip.unlink()
        (corpus / "test.mp4").write_bytes(b"")
        table = corpus / "train_sent_emo.csv"
        first, *rows = table.read_text("utf-8").splitlines()
        table.write_text("\n".join([first, *rows, rows[-1]]), "utf-8")
        said = inspect(corpus)
        assert "Problems: 7 (--problems lists all)\n  6 x missing, first train_splits" in said
        assert ", audio: no such file\n  1 x duplicate, first train_sent_emo.csv: dialogue " in said
        counts, problems = inspect(corpus, "--problems").split("\n\n")
        assert counts.splitlines() == [
            f"{n} x {kind}: {KINDS[kind]}" for n, kind in ((6, "missing"), (1, "duplicate"))
        ]
        assert problems.splitlines() == [
            f"{one.kind}: {', '.join(filter(None, (one.file, one.utterance_id, modality)))}:"
            f" {one.reason}"
            for one in find(corpus).problems
            for modality in ({"a": "audio", "v": "visual"}.get(one.modality),)
        ]

    def test_a_corpus_without_problems_has_none_to_list(self, meld_sim, inspect):
        assert inspect(meld_sim, "--problems") == "No problems.\n"


class TestClasses:
    @pytest.fixture
    def numbered(self, tmp_path):
        return write_own(tmp_path / "numbered", [[0, 2, 1], [1, 0], [0, 2], [2, 1]])

    def test_unnamed_classes_are_shown_by_number_and_asked_for(self, numbered, inspect):
        said = inspect(numbered)
        assert numbers(said, "0") == ["2", "1", "0", "3"]
        assert numbers(said, "2") == ["1", "1", "1", "3"]
        assert "Fix this first: Name the classes" in said
        assert "labels" not in pasted(said)["datasets"]["numbered"]

    def test_an_order_can_be_tried_and_is_pasted(self, numbered, inspect):
        said = inspect(numbered, "--labels", "calm, cross,glad")
        assert numbers(said, "glad") == ["1", "1", "1", "3"]
        assert "Mend" not in said
        assert pasted(said)["datasets"]["numbered"]["labels"] == list(EMOTIONS)

    def test_numbers_of_a_known_corpus_need_no_names(self, tmp_path, inspect):
        said = inspect(write_pickle(tmp_path / "f" / "iemocap.pkl"))
        assert all(label in said for label in IEMOCAP)
        assert "Corpus: IEMOCAP" in said
        assert "Name the classes" not in said

    def test_sentiment_scores_are_shown_as_classes_on_request(self, tmp_path, inspect, fault):
        path = made_formats.write_pickle(
            tmp_path / "mosei.pkl", made_formats.mosei_tuple(made_formats.made_mosei())
        )
        assert "write datasets.<name>.classes: 7" in fault(path)
        assert "or inspect it with --classes 7" in fault(path)
        for classes in (7, 3, 2):
            said = inspect(path, "--classes", classes)
            assert f"Labels: {classes} classes by " in said
            assert pasted(said)["datasets"]["mosei"]["classes"] == classes
        assert "leave --classes out" in fault(
            write_pickle(tmp_path / "f" / "iemocap.pkl"), "--classes", "3"
        )

    def test_the_number_of_layers_is_shown_with_the_config_line(self, tmp_path, inspect):
        path = made_formats.write_pickle(
            tmp_path / "corpus.pkl",
            made_formats.sdt_tuple(made_formats.made("iemocap"), "iemocap", layers=(0, 1, 2, 3)),
        )
        said = inspect(path)
        assert "The text features have 4 layers; their mean is shown." in said
        assert "t: {extractor: corpus, options: {layer: 4}}" in said
        assert pasted(said)["datasets"]["iemocap"]["features"]["t"] == {"extractor": "corpus"}


class TestConfig:
    def test_features_of_the_corpus_are_used_and_missing_modalities_left_out(self, own, inspect):
        assert pasted(inspect(own)) == {
            "datasets": {
                "mine": {
                    "path": str(own),
                    "protocol": "official",
                    "modalities": "at",
                    "features": {"a": {"extractor": "corpus"}, "t": {"extractor": "corpus"}},
                }
            }
        }

    def test_raw_media_get_extractors(self, meld_sim, inspect):
        config = pasted(inspect(meld_sim))
        assert config["features"] == {
            "a": {"extractor": "egemaps"},
            "t": {"extractor": "minilm"},
            "v": {"extractor": "face_hog"},
        }
        assert config["datasets"]["meld-sim"] == {"path": str(meld_sim), "protocol": "official"}

    def test_single_utterances_with_only_text_are_a_corpus(self, tmp_path, inspect):
        corpus = write_own(tmp_path / "words", [[EMOTIONS[i % 3]] for i in range(88)], features="")
        said = inspect(corpus)
        assert "1; 88 of 88 dialogues have one" in said
        assert "Emotion shifts: none" in said
        config = pasted(said)
        assert config["datasets"]["words"]["modalities"] == "t"
        assert config["features"] == {"t": {"extractor": "minilm"}}

    @pytest.mark.parametrize(
        ("splits", "expected"),
        [(("train", "dev", "test"), "official"), (("train", "test"), "spcl")],
    )
    def test_the_protocol_is_one_that_the_corpus_supports(self, splits, expected, tmp_path):
        corpus = write_own(tmp_path / "c", [["calm", "cross"]] * 12, splits=splits)
        assert paste.protocol(find(corpus)) == ({"protocol": expected}, [])

    def test_without_splits_the_missing_key_is_reported(self, tmp_path, inspect):
        corpus = write_own(tmp_path / "c", [["calm", "cross"]] * 12, splits=())
        said = inspect(corpus)
        assert numbers(said, "dialogues") == ["12", "12"]
        assert "Fix this first: datasets.c.protocol:" in said
        assert pasted(said)["datasets"]["c"]["protocol"] == "official"

    def test_sessions_replace_splits(self, tmp_path):
        corpus = write_own(tmp_path / "c", [["calm", "cross"]] * 12, splits=())
        lines = (corpus / "utterances.csv").read_text().splitlines()
        with_session = [f"{line},{i % 24 // 8 + 1}" for i, line in enumerate(lines[1:])]
        (corpus / "utterances.csv").write_text("\n".join([lines[0] + ",session", *with_session]))
        keys = {"protocol": "leave-one-session-out", "sessions": [1, 2, 3]}
        assert paste.protocol(find(corpus)) == (keys, [])

    @pytest.mark.parametrize("name", ["My Corpus: v2", "ünï", "---", "a", "2024", "null"])
    def test_any_folder_name_gives_a_valid_config(self, name, tmp_path, inspect):
        corpus = write_own(tmp_path / name, [["calm", "cross"]] * 4)
        config = complete(pasted(inspect(corpus)))
        (dataset,) = config["datasets"].values()
        assert dataset["path"] == str(corpus)
        check(config, SCHEMA, "pasted")

    def test_what_is_pasted_passes_the_check(self, own, meld_sim, tmp_path, inspect):
        for corpus in (own, meld_sim, write_pickle(tmp_path / "f" / "iemocap.pkl")):
            config = complete(pasted(inspect(corpus)))
            check(config, SCHEMA, "pasted")


def complete(config):
    """A config with all that `inspect` leaves to the user."""
    return config | {
        "name": "tried",
        "grid": {"baselines": ["mmgcn"], "modalities": ["t"], "curricula": ["none"], "seeds": [1]},
        "training": {"epochs": 1},
        "baselines": {"mmgcn": {}},
        "curricula": {"none": {}},
    }


class TestSingleFiles:
    def test_an_array_alone_is_described(self, tmp_path, inspect):
        np.save(tmp_path / "text.npy", np.array([[1.0, np.nan], [2.0, -3.0], [0.0, 0.0]]))
        said = inspect(tmp_path / "text.npy")
        assert "an array of 3 rows, width 2" in said
        assert "1 rows with NaN or infinity, 1 of zeros" in said
        assert "A corpus needs utterances.csv beside it" in " ".join(said.split())

    def test_an_array_beside_a_table_names_its_corpus(self, own, inspect):
        assert f"inspect {own}" in " ".join(inspect(own / "a.npy").split())

    @pytest.mark.parametrize("values", [np.zeros(3), np.array([["a", "b"]])])
    def test_an_array_of_another_kind_is_a_fault(self, values, tmp_path, fault):
        np.save(tmp_path / "a.npy", values)
        assert "; store " in fault(tmp_path / "a.npy")

    def test_a_table_of_the_project_is_recognised_by_its_schema(self, tmp_path, inspect):
        utterances, features = make_corpus([3, 2, 4], unlabelled={1})
        path = tmp_path / "utterances.parquet"
        parquet.write(utterances, path, schemas.UTTERANCES)
        said = inspect(path)
        assert "utterances.parquet: utterances, simulated, 9 rows" in " ".join(said.split())
        assert "0 to 3 (0..N-1 inside the dialogue, without gaps)" in " ".join(said.split())
        assert "1 null" in said
        assert "protocol: official" in said
        facts_ = {"dataset": "made", "modality": "a", "extractor": "x", "version": "1"}
        facts_ |= {"options": {}, "width": 4, "inputs": "0", "simulated": True}
        parquet.write(features["a"], tmp_path / "a.parquet", schemas.FEATURES, **facts_)
        assert "vectors of 4" in inspect(tmp_path / "a.parquet")

    def test_a_table_of_problems_shows_the_counts_by_kind(self, tmp_path, inspect):
        kinds = ("label", "missing", "missing")
        problems = [Problem("a.csv", "u0", None, kind, "reason") for kind in kinds]
        path = tmp_path / "problems.parquet"
        parquet.write(problem_table("mine", problems), path, schemas.PROBLEMS)
        said = inspect(path)
        assert f"\n2 x missing: {KINDS['missing']}\n1 x label: {KINDS['label']}\n" in said
        parquet.write(problem_table("mine", []), path, schemas.PROBLEMS)
        assert " x " not in inspect(path)

    def test_a_foreign_table_shows_its_columns(self, tmp_path, inspect):
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"x": [1.5, 2.5], "y": ["a", None]}), tmp_path / "t.parquet")
        said = inspect(tmp_path / "t.parquet")
        assert "a table of another program" in said
        assert "1.5 to 2.5" in said

    def test_a_damaged_table_is_a_fault(self, tmp_path, fault):
        (tmp_path / "t.parquet").write_bytes(b"PAR1")
        assert "not a readable .parquet file" in fault(tmp_path / "t.parquet")


def utterance(dialogue, speaker, emotion, split="train"):
    return Utterance(dialogue, "", speaker, "", emotion, split, None, None, None, None)


class TestFacts:
    rows = facts.frame(
        [
            utterance("d", "A", "x"),
            utterance("d", "B", "y"),
            utterance("d", "A", None),
            utterance("d", "A", "x"),
            utterance("e", "A", "y", None),
        ]
    )

    def test_unlabelled_utterances_are_skipped(self):
        pairs = facts.shifts(self.rows)
        assert list(zip(pairs["before"], pairs["after"], strict=True)) == [("x", "y"), ("y", "x")]
        assert facts.shift_rate(pairs) == 1.0
        assert facts.transitions(pairs, ["x", "y"]).tolist() == [[0, 1], [1, 0]]

    def test_a_speakers_own_shifts_leave_out_the_others(self):
        pairs = facts.shifts(self.rows, within_speaker=True)
        assert list(zip(pairs["before"], pairs["after"], strict=True)) == [("x", "x")]
        assert facts.shift_rate(pairs) == 0.0

    def test_dialogues_without_a_split_are_counted_as_such(self):
        assert facts.splits(self.rows) == ["train", facts.NO_SPLIT]
        assert facts.classes(self.rows, ["x", "y"])[facts.NO_SPLIT].tolist() == [0, 1, 0]

    def test_features_without_an_observed_row_have_no_scale(self):
        fact = facts.feature_facts(Features(np.zeros((2, 3), np.float32), np.zeros(2, bool)))
        assert (fact.width, fact.missing, fact.zero, fact.constant) == (3, 2, 0, 0)
        assert np.isnan(fact.mean)


class TestFigures:
    def test_each_is_drawn_twice_and_named(self, own, inspect, tmp_path):
        said = inspect(own, "--plots", tmp_path / "drawn")
        names = {f"{stem}.{kind}" for stem in ("lengths", "classes", "shifts")
                 for kind in ("svg", "png")}  # fmt: skip
        assert {path.name for path in (tmp_path / "drawn").iterdir()} == names
        assert all(f"drawn: {tmp_path / 'drawn' / name}" in said for name in names)

    def test_those_of_simulated_corpora_say_so(self, meld_sim, tmp_path):
        figures.plot(find(meld_sim), tmp_path)
        words = "Simulated data (meld-sim): no real recordings."
        for path in tmp_path.glob("*.svg"):
            assert words in path.read_text()

    def test_the_same_corpus_gives_the_same_bytes(self, own, tmp_path):
        for name in ("one", "two"):
            figures.plot(find(own), tmp_path / name)
        for path in (tmp_path / "one").iterdir():
            assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()

    def test_rows_of_the_matrix_sum_to_100_percent_and_show_n(self, own):
        found = find(own)
        with style.look():
            figure = figures.draw_shifts(facts.frame(found.reading.utterances), EMOTIONS)
            matrix = figure.axes[0]
            shares = np.array([float(one.get_text()) for one in matrix.texts])
            assert matrix.get_yticklabels()[0].get_text() == "calm (n = 2)"
            assert shares.reshape(-1, 3).sum(axis=1) == pytest.approx(100, abs=1)

    def test_single_utterances_have_no_shifts_to_draw(self, tmp_path):
        found = find(write_own(tmp_path / "words", [["calm"], ["cross"]] * 4, features=""))
        figures.plot(found, tmp_path / "drawn")
        with style.look():
            figure = figures.draw_shifts(facts.frame(found.reading.utterances), EMOTIONS)
            assert "there are no shifts" in figure.texts[0].get_text()


def test_a_broken_json_is_a_fault(tmp_path, fault):
    (tmp_path / "c.json").write_text(json.dumps([{"words": 1}])[:-1])
    assert "c.json" in fault(tmp_path / "c.json")
