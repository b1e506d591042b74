"""Simulated corpora follow the real ones, and the readers read them without a problem."""

from collections import Counter
from itertools import chain, pairwise

import av
import cv2
import numpy as np
import pytest

from spcl.data.corpus import read_corpus
from spcl.data.media import MediaReference
from spcl.data.simulated import is_simulated
from spcl.data.simulator import layout_iemocap, layout_meld, simulate
from spcl.data.simulator.face import OFFSETS, draw_face, felt_expression, frames
from spcl.data.simulator.profiles import IEMOCAP, MELD
from spcl.data.simulator.voice import SAMPLE_RATE, draw_voice, felt_voice, speak
from spcl.data.simulator.wording import COMMON, PHRASES, TOPICS, sentence
from spcl.errors import UserError

SEEDS = range(5)


def meld_plan(seed):
    planned = layout_meld.plan(68, np.random.default_rng(seed))
    return {split: list(part.values()) for split, part in planned.items()}


def iemocap_plan(seed):
    return list(layout_iemocap.plan(54, np.random.default_rng(seed)).values())


def labels(dialogues, profile):
    """Each dialogue's labels; None for the codes that are no label of the corpus."""
    return [
        [turn.label if turn.label in profile.frequencies else None for turn in turns]
        for turns in dialogues
    ]


def shift_rate(dialogues):
    pairs = [p for labels in dialogues for p in pairwise(labels) if None not in p]
    return np.mean([one != other for one, other in pairs])


@pytest.mark.parametrize(
    ("plan", "profile"),
    [(iemocap_plan, IEMOCAP), (lambda seed: list(chain(*meld_plan(seed).values())), MELD)],
    ids=["iemocap", "meld"],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_frequencies_and_shift_rate_follow_the_corpus(plan, profile, seed):
    dialogues = labels(plan(seed), profile)
    assert shift_rate(dialogues) == pytest.approx(profile.shift_rate, abs=0.04)
    counts = Counter(label for turns in dialogues for label in turns if label)
    total = sum(profile.frequencies.values())
    for label, n in profile.frequencies.items():
        assert counts[label] / counts.total() == pytest.approx(n / total, abs=0.04)
    assert 330 < sum(map(len, dialogues)) < 430


@pytest.mark.parametrize("seed", SEEDS)
def test_every_split_of_meld_has_every_emotion(seed):
    for dialogues in meld_plan(seed).values():
        counts = Counter(turn.label for turns in dialogues for turn in turns)
        assert min(counts[label] for label in MELD.frequencies) >= 2


@pytest.mark.parametrize("seed", SEEDS)
def test_meld_has_soliloquies_and_a_crowd_and_a_lost_dialogue(seed):
    planned = layout_meld.plan(68, np.random.default_rng(seed))
    train = planned["train"]
    assert 1 in [len(turns) for turns in train.values()]
    assert max(len({turn.speaker for turn in turns}) for turns in train.values()) == 9
    assert sorted(train) != list(range(len(train)))
    assert list(planned["dev"]) == list(range(len(planned["dev"])))
    assert 0 in planned["test"]


def test_iemocap_has_two_speakers_and_some_utterances_without_a_majority():
    for seed in SEEDS:
        dialogues = iemocap_plan(seed)
        assert {turn.speaker for turns in dialogues for turn in turns} == {0, 1}
        lost = sum(turn.label in IEMOCAP.unlabelled for turns in dialogues for turn in turns)
        assert 5 < lost < 50


def test_the_readers_find_nothing_wrong(meld_sim, iemocap_sim):
    for layout, folder in [("meld", meld_sim), ("iemocap", iemocap_sim)]:
        corpus = read_corpus(folder, layout=layout, dataset="sim")
        assert corpus.problems == []
        assert corpus.simulated
        table = corpus.utterances
        assert set(table["split"].to_pylist()) == {"train", "dev", "test"}
        assert table["audio_path"].null_count == table["video_path"].null_count == 0
        assert all(table["text"].to_pylist())
        assert (np.array(table["end_s"]) - np.array(table["start_s"]) > 0.7).all()


def test_the_quirks_of_the_real_trees_are_there(meld_sim, iemocap_sim):
    annotation = (iemocap_sim / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt").read_text()
    assert annotation.startswith("% [START_TIME")
    transcripts = "".join(
        path.read_text() for path in iemocap_sim.glob("Session*/dialog/transcriptions/*.txt")
    )
    assert ": [LAUGHTER]\n" in transcripts
    assert "_FXX0 [" in transcripts
    assert b"\x92" in (meld_sim / "dev_sent_emo.csv").read_bytes()


def test_the_same_seed_gives_the_same_bytes(tmp_path, meld_sim, iemocap_sim):
    for layout, folder in [("meld", meld_sim), ("iemocap", iemocap_sim)]:
        simulate(layout, tmp_path / layout, seed=3, dialogues=6)
        assert contents(tmp_path / layout) == contents(folder)


def test_another_seed_gives_another_corpus(tmp_path, meld_sim):
    simulate("meld", tmp_path / "meld", seed=4, dialogues=3)
    table = "train_sent_emo.csv"
    assert (tmp_path / "meld" / table).read_bytes() != (meld_sim / table).read_bytes()


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_clips_and_films_have_the_real_codecs(meld_sim, iemocap_sim):
    clip = next(meld_sim.glob("train_splits/*.mp4"))
    film = next(iemocap_sim.glob("Session1/dialog/avi/DivX/*.avi"))
    for path, video, audio in [(clip, "h264", "aac"), (film, "mpeg4", "pcm_s16le")]:
        with av.open(str(path)) as container:
            assert container.streams.video[0].codec.canonical_name == video
            assert container.streams.audio[0].codec.canonical_name == audio
            assert container.streams.audio[0].rate == SAMPLE_RATE
            length = float(container.duration / av.time_base)
        if path == clip:
            assert 0.7 < length < 2.8
    table = read_corpus(iemocap_sim, dataset="sim").utterances
    ends = [row["end_s"] for row in table.to_pylist() if row["dialogue_id"] == film.stem]
    assert length == pytest.approx(max(ends) + layout_iemocap.TAIL_S, abs=0.2)


def test_each_actor_sits_where_the_reader_looks(iemocap_sim):
    """The woman of session 1 is on the left of one film and on the right of the other."""
    pictures = {}
    table = read_corpus(iemocap_sim, dataset="sim").utterances
    for row in table.to_pylist():
        if row["dialogue_id"].startswith("Ses01"):
            video = MediaReference.parse(row["video_path"])
            key = (row["dialogue_id"][5], row["speaker"][-1])
            if key not in pictures:
                pictures[key] = mean_picture(iemocap_sim / video.path, video.region)

    def distance(one, other):
        return np.abs(pictures[one] - pictures[other]).mean()

    # Keys: who wears the markers, who is meant.
    for speaker, other in ("FM", "MF"):
        same = distance(("F", speaker), ("M", speaker))
        assert same < distance(("F", speaker), ("M", other))
        assert same < distance(("F", other), ("M", speaker))


def mean_picture(path, region):
    with av.open(str(path)) as container:
        film = np.stack([f.to_ndarray(format="gray") for f in container.decode(video=0)])
    width = film.shape[2]
    left, size = round(region[0] * width / 100), round(region[2] * width / 100)
    return film[:, :, left : left + size].mean(0)


def test_a_detector_finds_the_drawn_faces():
    rng = np.random.default_rng(0)
    cascade = cv2.data.haarcascades + "haarcascade_frontalface_default.xml"
    detector = cv2.CascadeClassifier(cascade)
    found = [
        len(detector.detectMultiScale(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), 1.1, 3)) > 0
        for female in (False, True)
        for shown in OFFSETS
        for picture in frames(draw_face(female, rng), felt_expression(shown, rng), 1, True, rng)
    ]
    assert np.mean(found) > 0.9


def test_anger_is_louder_than_sadness_and_fear_is_higher_than_disgust():
    rng = np.random.default_rng(0)
    voice = draw_voice(False, rng)
    felt = {
        shown: [felt_voice(voice, shown, rng) for _ in range(20)]
        for shown in ("anger", "sadness", "fear", "disgust")
    }
    power = {
        shown: np.mean([np.square(speak(one, 1.0, 1.0, rng)).mean() for one in voices])
        for shown, voices in felt.items()
    }
    assert power["anger"] > 4 * power["sadness"]
    pitch = {shown: np.mean([one.pitch for one in voices]) for shown, voices in felt.items()}
    assert pitch["fear"] > pitch["disgust"] + 3


def test_a_voice_never_leaves_the_range_of_a_sample():
    rng = np.random.default_rng(1)
    for shown in PHRASES:
        sound = speak(felt_voice(draw_voice(True, rng), shown, rng), 0.8, 1.15, rng)
        assert sound.shape == (round(0.8 * SAMPLE_RATE),)
        assert np.abs(sound).max() <= 1
        assert np.isfinite(sound).all()


def test_words_without_a_feeling_fit_any():
    rng = np.random.default_rng(0)
    plain = tuple(phrase.format(topic=topic).lower() for phrase in COMMON for topic in TOPICS)
    assert all(sentence(None, rng).lower().endswith(plain) for _ in range(50))
    assert not any(sentence("anger", rng).lower().endswith(plain) for _ in range(50))


def test_a_killed_run_leaves_nothing_and_the_next_one_clears_up(tmp_path, monkeypatch):
    def fail(folder, dialogues, rng):
        (folder / "half").write_text("written")
        raise KeyboardInterrupt

    monkeypatch.setitem(simulate.__globals__["_LAYOUTS"], "meld", (fail, "MELD.Raw", 3, 9))
    with pytest.raises(KeyboardInterrupt):
        simulate("meld", tmp_path / "meld", seed=1, dialogues=3)
    assert not (tmp_path / "meld").exists()
    monkeypatch.undo()
    simulate("meld", tmp_path / "meld", seed=1, dialogues=3)
    assert is_simulated(tmp_path / "meld")
    assert not (tmp_path / "meld/half").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["meld"]


@pytest.mark.parametrize(
    ("layout", "dialogues", "message"),
    [
        ("iemocap", 4, r"simulate\.dialogues: 4 is out of range .* set it to 5 to 150"),
        ("meld", 2, r"simulate\.dialogues: 2 is out of range"),
        ("pickle", 9, r"layout: 'pickle' cannot be simulated; choose one of iemocap, meld"),
    ],
)
def test_what_cannot_be_simulated_is_said(tmp_path, layout, dialogues, message):
    with pytest.raises(UserError, match=message):
        simulate(layout, tmp_path / "sim", seed=1, dialogues=dialogues)


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(UserError, match="exists already; delete it"):
        simulate("meld", tmp_path, seed=1, dialogues=3)
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_a_simulated_corpus_is_known_from_a_folder_around_it_and_by_its_files(meld_sim, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "corpus").symlink_to(meld_sim)
    (tmp_path / "data" / "real.pkl").touch()
    for path in (meld_sim, tmp_path / "data", tmp_path, meld_sim / "train_sent_emo.csv"):
        assert is_simulated(path)
    assert not is_simulated(tmp_path / "data" / "real.pkl")
    assert not is_simulated(meld_sim / "train_splits")
