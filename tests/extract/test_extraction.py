"""Extraction of the features of a corpus: order, missing features, resuming, problems."""

import threading
import time
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq
import pytest

from spcl.errors import UserError
from spcl.extract import Extractor, UnusableError, build, shards
from spcl.extract.extraction import extract
from spcl.tables import parquet, schemas
from spcl.tables.parquet import metadata
from tests.extract.conftest import utterance_table, voice, write_video, write_wav


@dataclass(kw_only=True)
class Lengths(Extractor):
    """Gives the number of letters, twice; records its batches, and can be made to fail."""

    modality = "t"

    factor: float = 1.0

    def __post_init__(self):
        self.calls = []
        self.fail_at = None
        self.spoil = {}

    @property
    def width(self):
        return 2

    @property
    def version(self):
        return "1"

    def load(self, item):
        if not item.text:
            raise UnusableError("empty", "the transcript is empty")
        return item

    def compute(self, loaded, device="cpu", threads=1):
        if len(self.calls) == self.fail_at:
            raise KeyboardInterrupt
        self.calls.append([item.name for item in loaded])
        features = np.array([[len(item.text)] * 2 for item in loaded], np.float32) * self.factor
        for row, item in enumerate(loaded):
            features[row] = self.spoil.get(item.name, features[row])
        return features

    def columns(self, features):
        return {"letters": features[:, 0]}


def corpus(n=200, *, dialogue=20, texts=None):
    texts = texts or {}
    return utterance_table(
        [
            {
                "dialogue_id": f"d{i // dialogue}",
                "utterance_id": f"u{i}",
                "text": texts.get(i, "x" * (i + 1)),
            }
            for i in range(n)
        ]
    )


def vectors(extraction):
    column = extraction.features["features"].combine_chunks()
    return column.flatten().to_numpy().reshape(len(column), -1)


def test_features_have_the_order_of_the_corpus_and_metadata(tmp_path):
    extraction = extract(corpus(), tmp_path, Lengths(factor=2.0), shards=tmp_path / "shards")
    extraction.write(tmp_path / "t.parquet", tmp_path / "t-problems.parquet")
    features = parquet.read(tmp_path / "t.parquet", schemas.FEATURES)
    assert features["utterance_id"].to_pylist() == [f"u{i}" for i in range(200)]
    assert vectors(extraction)[:, 0].tolist() == [2.0 * (i + 1) for i in range(200)]
    assert all(features["observed"].to_pylist())
    facts = metadata(features)
    assert facts.pop("inputs")
    assert facts == {
        "dataset": "made",
        "modality": "t",
        "extractor": "test_extraction",
        "version": "1",
        "options": {"factor": 2.0},
        "width": 2,
        "simulated": True,
    }
    assert parquet.read(tmp_path / "t-problems.parquet", schemas.PROBLEMS).num_rows == 0


def test_shards_are_whole_dialogues_and_are_deleted_at_the_end(tmp_path):
    lengths = Lengths()
    extract(corpus(200, dialogue=20), tmp_path, lengths, shards=tmp_path / "shards")
    assert [len(call) for call in lengths.calls] == [80, 80, 40]
    assert not (tmp_path / "shards").exists()


def test_a_killed_extraction_resumes(tmp_path):
    whole = extract(corpus(), tmp_path, Lengths(), shards=tmp_path / "other")
    killed = Lengths()
    killed.fail_at = 2
    with pytest.raises(KeyboardInterrupt):
        extract(corpus(), tmp_path, killed, shards=tmp_path / "shards")
    assert len(list((tmp_path / "shards").iterdir())) == 2
    resumed = Lengths()
    extraction = extract(corpus(), tmp_path, resumed, shards=tmp_path / "shards")
    assert [len(call) for call in resumed.calls] == [40]
    assert extraction.features.equals(whole.features)
    assert not (tmp_path / "shards").exists()


def test_every_device_gets_shards_of_its_own_and_the_result_is_the_same(tmp_path):
    @dataclass(kw_only=True)
    class OnTwoDevices(Lengths):
        def __post_init__(self):
            super().__post_init__()
            self.used, self.together = [], threading.Barrier(2)

        @property
        def devices(self):
            return ["cuda:0", "cuda:1"]

        def compute(self, loaded, device="cpu", threads=1):
            self.used.append(device)
            self.together.wait(20)  # both compute at the same time
            return super().compute(loaded)

    extractor = OnTwoDevices()
    two = extract(corpus(160), tmp_path, extractor, shards=tmp_path / "two")
    assert sorted(extractor.used) == ["cuda:0", "cuda:1"]
    one = extract(corpus(160), tmp_path, Lengths(), shards=tmp_path / "one")
    assert vectors(two).tolist() == vectors(one).tolist()


def test_the_next_shard_is_decoded_while_one_is_computed(tmp_path):
    @dataclass(kw_only=True)
    class Overlapping(Lengths):
        def __post_init__(self):
            super().__post_init__()
            self.second = threading.Event()

        def load(self, item):
            if item.name == "u159":
                self.second.set()
            return super().load(item)

        def compute(self, loaded, device="cpu", threads=1):
            assert self.second.wait(20)  # in the first shard: u159 belongs to the second one
            return super().compute(loaded)

    done = extract(corpus(160), tmp_path, Overlapping(), shards=tmp_path / "shards")
    assert done.problems.num_rows == 0


def test_only_a_few_shards_are_in_memory(tmp_path):
    @dataclass(kw_only=True)
    class Counting(Lengths):
        def __post_init__(self):
            super().__post_init__()
            self.loaded = self.computed = self.most = 0
            self.lock = threading.Lock()

        def load(self, item):
            with self.lock:
                self.loaded += 1
                self.most = max(self.most, self.loaded - self.computed)
            return super().load(item)

        def compute(self, loaded, device="cpu", threads=1):
            time.sleep(0.02)
            features = super().compute(loaded)
            with self.lock:
                self.computed += len(loaded)
            return features

    counting = Counting()
    extract(corpus(2000), tmp_path, counting, shards=tmp_path / "shards", threads=4)
    assert counting.computed == 2000
    assert counting.most <= 4 * 80


@pytest.mark.parametrize(("m", "name"), [("t", "minilm"), ("a", "egemaps"), ("v", "face_hog")])
def test_defaults_are_equal_to_the_bit_for_any_shards_and_threads(
    tmp_path, noise, monkeypatch, m, name
):
    rows = []
    for i in range(10):
        write_video(tmp_path / f"{i}.mp4", noise[i:], sound=voice(0.4, hertz=100 + 20 * i))
        row = {"dialogue_id": f"d{i}", "utterance_id": f"u{i}", "text": "so " * i + "glad"}
        rows.append(row | {"audio_path": f"{i}.mp4", "video_path": f"{i}.mp4"})
    table, extractor = utterance_table(rows), build(m, name)
    found = []
    for size, threads in ((64, 1), (3, 2), (1, 3)):
        monkeypatch.setattr(shards, "_SIZE", size)
        options = {"shards": tmp_path / f"{size}", "threads": threads}
        found.append(vectors(extract(table, tmp_path, extractor, **options)))
    assert np.isfinite(found[0]).all()
    assert found[0].any()
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)


@pytest.mark.parametrize(
    ("lengths", "table"),
    [
        (Lengths(factor=3.0), corpus()),
        (Lengths(), corpus(texts=dict.fromkeys(range(200), "other"))),
    ],
)
def test_shards_of_other_options_or_inputs_are_not_used(tmp_path, lengths, table):
    killed = Lengths()
    killed.fail_at = 2
    with pytest.raises(KeyboardInterrupt):
        extract(corpus(), tmp_path, killed, shards=tmp_path / "shards")
    extract(table, tmp_path, lengths, shards=tmp_path / "shards")
    assert len(lengths.calls) == 3


def test_a_changed_file_is_read_again(tmp_path):
    logmel = build("a", "logmel", {"bands": 4})
    write_wav(tmp_path / "u.wav", voice(0.3))
    row = {"dialogue_id": "d", "utterance_id": "u", "audio_path": "u.wav"}
    table = utterance_table([row, row | {"utterance_id": "absent", "audio_path": "v.wav"}])
    with pytest.raises(UserError, match="problem_limit"):
        extract(table, tmp_path, logmel, shards=tmp_path / "shards")
    write_wav(tmp_path / "u.wav", voice(0.4, hertz=300))
    options = {"shards": tmp_path / "shards", "problem_limit": 0.5}
    after = extract(table, tmp_path, logmel, **options)
    again = extract(table, tmp_path, logmel, **options)
    assert after.features.equals(again.features)


def test_nan_and_infinite_features_are_unobserved(tmp_path):
    lengths = Lengths()
    lengths.spoil = {"u3": np.nan, "u5": [1.0, -np.inf]}
    extraction = extract(corpus(), tmp_path, lengths, shards=tmp_path / "s", problem_limit=0.01)
    observed = np.array(extraction.features["observed"].to_pylist())
    assert np.flatnonzero(~observed).tolist() == [3, 5]
    assert not vectors(extraction)[~observed].any()
    assert extraction.features["letters"].to_pylist()[2:6] == [3.0, None, 5.0, None]
    assert extraction.problems.to_pylist() == [
        {
            "dataset": "made",
            "file": "",
            "utterance_id": name,
            "modality": "t",
            "kind": "not_finite",
            "reason": "the features are NaN or infinite",
        }
        for name in ("u3", "u5")
    ]


def test_more_problems_than_the_limit_stop_the_extraction(tmp_path):
    table = corpus(texts={3: "", 77: "", 78: "", 150: "", 151: ""})
    with pytest.raises(UserError) as error:
        extract(table, tmp_path, Lengths(), shards=tmp_path / "shards")
    assert str(error.value) == (
        "features.t: 5 of 200 utterances of made have no usable transcript (u3: the transcript is"
        " empty; u77: the transcript is empty; u78: the transcript is empty); that is more than"
        " problem_limit (0.02); fix the corpus or set"
        " problem_limit: 0.025"
    )


def test_after_a_raised_limit_no_work_is_done_again(tmp_path):
    table = corpus(texts={3: "", 77: "", 78: "", 150: "", 151: ""})
    with pytest.raises(UserError):
        extract(table, tmp_path, Lengths(), shards=tmp_path / "shards")
    again = Lengths()
    extraction = extract(table, tmp_path, again, shards=tmp_path / "shards", problem_limit=0.025)
    assert again.calls == []
    assert extraction.problems.num_rows == 5


@pytest.mark.parametrize(
    ("name", "column", "word"),
    [("logmel", "audio_path", "sound"), ("face_hog", "video_path", "video")],
)
def test_a_corpus_without_a_modality_is_refused(tmp_path, name, column, word):
    modality = column[0]
    with pytest.raises(UserError) as error:
        extract(corpus(), tmp_path, build(modality, name), shards=tmp_path / "shards")
    assert str(error.value) == (
        f"features.{modality}: no utterance of made has a {word}; remove '{modality}' from"
        f" features and grid.modalities, or fill the column {column} of the utterances"
    )


def test_features_of_the_wrong_width_are_refused(tmp_path):
    class Wide(Lengths):
        width = 3

    with pytest.raises(ValueError, match=r"expected 3 features, found \(2,\)"):
        extract(corpus(), tmp_path, Wide(), shards=tmp_path / "shards")


def test_media_are_found_below_the_corpus_folder_and_problems_name_the_file(tmp_path, noise):
    (tmp_path / "corpus" / "clips").mkdir(parents=True)
    write_video(tmp_path / "corpus" / "clips" / "u.mp4", noise)
    rows = [
        {"utterance_id": "u", "video_path": "clips/u.mp4"},
        {"utterance_id": "half", "video_path": "clips/u.mp4#t=0,1&xywh=percent:0,0,50,100"},
        {"utterance_id": "bad", "video_path": "clips/absent.mp4#t=0,1"},
        {"utterance_id": "none"},
    ]
    table = utterance_table([{"dialogue_id": "d"} | row for row in rows], simulated=False)
    hog = build("v", "face_hog")
    options = {"shards": tmp_path / "shards", "problem_limit": 0.5}
    extraction = extract(table, tmp_path / "corpus", hog, **options)
    assert extraction.features["observed"].to_pylist() == [True, True, False, False]
    assert extraction.features["face_share"].to_pylist() == [0.0, 0.0, None, None]
    assert not np.array_equal(*vectors(extraction)[:2])
    assert metadata(extraction.features)["simulated"] is False
    assert [(p["file"], p["reason"]) for p in extraction.problems.to_pylist()] == [
        ("clips/absent.mp4", "no such file"),
        ("", "there is no video file"),
    ]


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_corpus_gives_the_same_bytes(tmp_path, threads):
    rows = []
    for i in range(6):
        path = write_wav(tmp_path / f"{i}.wav", voice(0.2, hertz=100 + 20 * i))
        rows.append({"dialogue_id": "d", "utterance_id": f"u{i}", "audio_path": path.name})
    files = []
    for run in ("one", "two"):
        options = {"shards": tmp_path / run, "threads": threads}
        extraction = extract(utterance_table(rows), tmp_path, build("a", "egemaps"), **options)
        extraction.write(tmp_path / f"{run}.parquet", tmp_path / f"{run}-problems.parquet")
        files.append((tmp_path / f"{run}.parquet").read_bytes())
    assert files[0] == files[1]
    assert pq.read_metadata(tmp_path / "one.parquet").num_rows == 6
