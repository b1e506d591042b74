"""Features: their silhouettes are those of scikit-learn, and what is undefined is said in words."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from matplotlib.text import Text
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

from spcl.report.analysis import feature_space
from spcl.report.analysis.feature_space import describe, identities
from spcl.report.analysis.results import Results
from spcl.report.drawing import style
from spcl.report.figures import features as figure
from spcl.report.figures import plot
from spcl.report.tables import tabulate
from spcl.tables import parquet, schemas

LABELS = ["glad", "sad", "angry"]
N = 120
EMOTION = np.array(LABELS, object)[np.arange(N) % 3]
SPEAKER = np.array(["Ann", "Ben", "Cem", "Dan"], object)[np.arange(N) // 3 % 4]


def one_hot(names):
    return (names[:, None] == np.unique(names)).astype(np.float32)


def utterances_of(*, emotion=EMOTION, speaker=SPEAKER, dialogue=None):
    """Dialogues of three utterances with one speaker, unless `dialogue` says otherwise."""
    n = len(emotion)
    table = schemas.UTTERANCES.table(
        {
            "dialogue_id": [f"d{i // 3}" for i in range(n)] if dialogue is None else dialogue,
            "utterance_id": [f"u{i}" for i in range(n)],
            "position": np.arange(n) % 3,
            "speaker": speaker,
            "text": [""] * n,
            "emotion": pa.array(emotion, pa.string()).dictionary_encode(),
            "split": ["train"] * n,
            **dict.fromkeys(("start_s", "end_s", "audio_path", "video_path"), [None] * n),
        }
    )
    facts = {"dataset": "mine", "labels": LABELS, "simulated": False}
    return parquet.describe(table, protocol="official", protocol_seed=0, **facts)


def features_of(vectors, observed=None, modality="a"):
    n, width = vectors.shape
    table = schemas.FEATURES.table(
        {
            "utterance_id": [f"u{i}" for i in range(n)],
            "observed": np.ones(n, bool) if observed is None else observed,
            "features": pa.FixedSizeListArray.from_arrays(
                pa.array(vectors.astype(np.float32).ravel()), width
            ),
        }
    )
    return parquet.describe(
        table,
        dataset="mine",
        modality=modality,
        extractor="corpus",
        version="1",
        options={},
        width=width,
        inputs="",
        simulated=False,
    )


def results_of(folder, vectors, observed=None, **corpus):
    """The files of one corpus; an array a modality, in the order a, t, v."""
    paths = []
    for modality, one in zip("atv", vectors, strict=False):
        paths.append(folder / f"{modality}.parquet")
        parquet.write(features_of(one, observed, modality), paths[-1], schemas.FEATURES)
    parquet.write(utterances_of(**corpus), folder / "utterances.parquet", schemas.UTTERANCES)
    return Results(features=paths, utterances=[folder / "utterances.parquet"])


def texts(results):
    with style.look():
        drawn = figure.draw(figure.compute(results))
        style.headline(drawn, figure.TITLE, figure.CAPTION, [])
        return [text.get_text() for text in drawn.findobj(Text)]


class TestSilhouettes:
    @pytest.mark.parametrize(("held", "other"), [("emotion", "speaker"), ("speaker", "emotion")])
    def test_features_that_are_one_grouping_hold_that_one_alone(self, held, other):
        vectors = one_hot({"emotion": EMOTION, "speaker": SPEAKER}[held])
        space = describe(features_of(vectors), utterances_of())
        assert getattr(space, f"by_{held}").value == pytest.approx(1)
        assert getattr(space, f"by_{other}").value < 0

    def test_they_are_those_of_scikit_learn(self):
        vectors = np.random.default_rng(1).normal(size=(N, 60)) + 2 * one_hot(EMOTION)[:, :1]
        space = describe(features_of(vectors), utterances_of())
        standardised = StandardScaler().fit_transform(vectors.astype(np.float32).astype(float))
        points = PCA(50).fit_transform(standardised)
        assert space.by_emotion.value == pytest.approx(silhouette_score(points, EMOTION), abs=2e-6)
        assert space.by_speaker.value == pytest.approx(silhouette_score(points, SPEAKER), abs=2e-6)
        assert np.abs(space.sample["x"].to_numpy()) == pytest.approx(np.abs(points[:, 0]), abs=2e-6)
        assert (space.by_emotion.n_groups, space.by_speaker.n_groups) == (3, 4)

    def test_random_groups_are_at_chance_however_many_there_are(self):
        rng = np.random.default_rng(1)
        speaker = np.array([f"s{i}" for i in rng.integers(30, size=N)], object)
        vectors = rng.normal(size=(N, 4))
        space = describe(features_of(vectors), utterances_of(speaker=speaker))
        for found in (space.by_emotion, space.by_speaker):
            assert found.value == pytest.approx(found.chance, abs=0.04)
        assert space.by_speaker.value < space.by_emotion.value - 0.1

    def test_neither_scale_nor_offset_of_a_feature_matters(self):
        vectors = np.random.default_rng(1).normal(size=(N, 4))
        scaled = vectors * [1, 10, 1e4, 1e-3] + [0, 5, 0, 1]
        one, other = (describe(features_of(each), utterances_of()) for each in (vectors, scaled))
        assert other.by_emotion.value == pytest.approx(one.by_emotion.value, abs=1e-4)
        assert other.norms.max() > 1e3 * one.norms.max()

    def test_unobserved_and_unlabelled_utterances_are_left_out(self):
        vectors = np.random.default_rng(1).normal(size=(N, 4)) + 3 * one_hot(EMOTION)[:, :1]
        kept = np.arange(N) % 5 != 0
        labelled = np.arange(N) % 7 != 0
        emotion = np.where(labelled, EMOTION, None)
        noisy = np.where(kept[:, None], vectors, 1e9)  # an unobserved row may hold anything
        whole = describe(features_of(noisy, observed=kept), utterances_of(emotion=emotion))
        both = kept & labelled
        points = StandardScaler().fit_transform(vectors[both].astype(np.float32).astype(float))
        assert list(whole.sample["row"]) == list(np.flatnonzero(both))
        expected = silhouette_score(points, EMOTION[both])
        assert whole.by_emotion.value == pytest.approx(expected, abs=1e-5)
        assert len(whole.norms) == kept.sum()
        assert whole.norms == pytest.approx(np.linalg.norm(vectors[kept], axis=1), rel=1e-5)

    def test_utterances_without_a_row_are_not_observed(self):
        space = describe(features_of(one_hot(EMOTION)[:30]), utterances_of())
        assert (space.n_utterances, len(space.norms), len(space.sample)) == (N, 30, 30)

    @pytest.mark.parametrize(
        ("vectors", "corpus", "emotion", "speaker"),
        [
            (one_hot(SPEAKER), {"emotion": ["sad"] * N}, "one emotion", ""),
            (one_hot(EMOTION), {"speaker": ["Ann"] * N}, "", "one speaker"),
            (one_hot(EMOTION), {"speaker": [""] * N}, "", "no speakers are given"),
            (one_hot(EMOTION), {"speaker": ["unknown"] * N}, "", "no speakers are given"),
            (np.full((N, 3), 0.1), {}, "all vectors are equal", "all vectors are equal"),
            (one_hot(EMOTION), {"emotion": [None] * N}, "no utterances", "no utterances"),
            (
                np.eye(3),
                {"emotion": LABELS, "speaker": SPEAKER[:3]},
                "one utterance of each emotion",
                "one speaker",
            ),
            (np.eye(1), {"emotion": ["sad"], "speaker": ["Ann"]}, "one emotion", "one speaker"),
        ],
    )
    def test_what_is_undefined_is_said(self, vectors, corpus, emotion, speaker, tmp_path):
        results = results_of(tmp_path, [vectors], **corpus)
        table = tabulate("features", results)
        (row,) = table.data.to_dict("records")
        for group, why in (("emotion", emotion), ("speaker", speaker)):
            assert np.isnan(row[f"silhouette_{group}"]) == bool(why)
            if why:
                assert row[f"undefined_{group}"] == why
                assert f"No silhouette by {group} (dash): {why} (mine audio)." in table.notes
                assert f"{group.capitalize()}: no silhouette, {why}" in texts(results)

    def test_nothing_observed_is_drawn_as_such(self, tmp_path):
        results = results_of(tmp_path, [one_hot(EMOTION)], observed=np.zeros(N, bool))
        (row,) = tabulate("features", results).data.to_dict("records")
        assert (row["observed"], row["n_sample"]) == (0, 0)
        assert "Norms: 0.0 % observed" in texts(results)

    def test_without_the_corpus_there_is_no_sample_but_norms(self, tmp_path):
        results_of(tmp_path, [one_hot(EMOTION)])
        table = tabulate("features", Results(features=[tmp_path / "a.parquet"]))
        assert list(table.data["n_sample"]) == [0]
        assert list(table.data["observed"]) == [100]
        assert any("were not given" in note for note in table.notes)


class TestSpeakers:
    def test_names_of_several_dialogues_are_the_same_people(self):
        found, why = identities(utterances_of())
        assert list(found) == list(SPEAKER)
        assert not why

    def test_the_ten_actors_of_iemocap_are_ten_people(self):
        session = np.repeat([1, 2, 3, 4, 5], 24)
        speaker = [f"Ses0{s}_{letter}" for s, letter in zip(session, "FM" * 60, strict=True)]
        found, why = identities(
            utterances_of(speaker=speaker, dialogue=[f"Ses0{s}F_impro01" for s in session])
        )
        assert len(set(found)) == 10
        assert not why

    @pytest.mark.parametrize("names", [["F", "M"], ["0", "1", "2"], ["agent", "customer"]])
    def test_names_that_may_start_again_in_each_dialogue_identify_nobody(self, names):
        speaker = np.resize(names, N)
        dialogue = [f"d{i // 6}" for i in range(N)]
        found, why = identities(utterances_of(speaker=speaker, dialogue=dialogue))
        assert pd.isna(found).all()
        assert why == "names may be roles in a dialogue"

    def test_one_dialogue_has_its_own_people(self):
        speaker = np.resize(["F", "M"], N)
        found, why = identities(utterances_of(speaker=speaker, dialogue=["d"] * N))
        assert set(found) == {"F", "M"}
        assert not why

    def test_one_name_in_all_dialogues_is_one_person(self):
        found, _ = identities(utterances_of(speaker=["speaker"] * N))
        assert set(found) == {"speaker"}

    def test_the_unknown_are_left_out(self):
        speaker = np.where(np.arange(N) < 30, "", SPEAKER)
        space = describe(features_of(one_hot(SPEAKER)), utterances_of(speaker=speaker))
        assert space.by_speaker.value == pytest.approx(1)
        assert space.sample["speaker"].isna().sum() == 30


class TestSample:
    def test_it_is_spread_evenly_over_a_large_corpus(self, monkeypatch):
        monkeypatch.setattr(feature_space, "SAMPLE_SIZE", 25)
        space = describe(features_of(one_hot(EMOTION)), utterances_of())
        rows = space.sample["row"]
        assert len(rows) == 25
        assert (rows.iloc[0], rows.iloc[-1]) == (0, N - 1)
        assert set(rows.diff().dropna()) <= {4, 5}
        assert len(space.norms) == N

    def test_a_second_run_writes_the_same_bytes(self, tmp_path):
        rng = np.random.default_rng(0)
        written = []
        vectors = [rng.normal(size=(N, width)) for width in (600, 2, 1)]
        for run in ("first", "second"):
            results = results_of(tmp_path, vectors)
            out = {ext: tmp_path / run / f"features.{ext}" for ext in ("parquet", "svg", "png")}
            plot("features", results, **out)
            tabulate("features", results).write(parquet=tmp_path / run / "table.parquet")
            written.append([path.read_bytes() for path in sorted((tmp_path / run).iterdir())])
        assert written[0] == written[1]


class TestFigure:
    def test_its_numbers_are_those_of_the_table(self, tmp_path):
        rng = np.random.default_rng(0)
        results = results_of(tmp_path, [rng.normal(size=(N, 5)), one_hot(EMOTION)])
        table = tabulate("features", results).data
        data = figure.compute(results)
        numbers = data[data["part"] == "numbers"][list(table)].reset_index(drop=True)
        expected, numbers = (each.astype(object).fillna("") for each in (table, numbers))
        pd.testing.assert_frame_equal(numbers, expected)
        for modality, value in zip("at", table["silhouette_emotion"], strict=True):
            bars = data[(data["part"] == "norm") & (data["modality"] == modality)]
            assert bars["n"].sum() == N
            said = f"Emotion: silhouette {value:+.3f} (chance".replace("-", "−")  # noqa: RUF001
            assert any(text.startswith(said) for text in texts(results))

    def test_one_feature_is_a_line_for_each_group(self, tmp_path):
        results = results_of(tmp_path, [np.arange(N, dtype=float)[:, None]])
        points = figure.compute(results).query("part == 'utterance'")
        assert points["x"].notna().all()
        assert points["y"].isna().all()
        with style.look():
            by_emotion = figure.draw(figure.compute(results)).axes[0]
            heights = {line.get_label(): set(line.get_ydata()) for line in by_emotion.lines}
        assert heights == {"glad": {1}, "sad": {2}, "angry": {3}}

    def test_the_eight_most_frequent_speakers_have_colours(self, tmp_path):
        speaker = np.array([f"s{min(i % 12, i % 7)}" for i in range(N)], object)
        names = [*pd.Series(speaker).value_counts().index, *(f"rare{i}" for i in range(4))]
        speaker[:4] = names[-4:]
        results = results_of(tmp_path, [one_hot(EMOTION)], speaker=speaker)
        with style.look():
            by_speaker = figure.draw(figure.compute(results)).axes[1]
            lines = {line.get_label(): line.get_color() for line in by_speaker.lines}
        assert len(lines) == 9
        assert lines.pop("others") == style.GREY
        assert style.GREY not in lines.values()
        counts = pd.Series(speaker).value_counts()
        assert set(counts.index[:7]) <= set(lines)

    def test_equal_norms_are_one_bar(self, tmp_path):
        data = figure.compute(results_of(tmp_path, [one_hot(EMOTION)]))
        bars = data[(data["part"] == "norm") & (data["n"] > 0)]
        assert list(bars["n"]) == [N]
        assert bars["low"].item() < 1 < bars["high"].item()
