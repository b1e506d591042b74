"""Predictions of saved models: those of the training again, and those of new conversations."""

import shutil
import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from safetensors.torch import load_file, save_file

from spcl.__main__ import main
from spcl.data.media import MediaReference
from spcl.extract import build, logmel
from spcl.extract.base import Item
from spcl.models.saved import load
from spcl.prediction.predict import find_models, load_models, predict
from spcl.study.extensions import BASELINE, names
from spcl.tables import parquet
from spcl.tables.schemas import PREDICTED
from tests.conftest import feature_table, make_corpus
from tests.extract import tiny_models
from tests.models.test_baselines import SMALL
from tests.prediction.made_cell import LENGTHS, described, real_extractors, train_made_cell


@pytest.fixture
def run(tmp_path, capsys):
    """Call the command: the table that it writes, and what it prints."""

    def called(cell, given, *options):
        output = tmp_path / "out" / "predictions.parquet"
        output.unlink(missing_ok=True)
        status = main(["predict", str(cell), str(given), "--output", str(output), *options])
        said = "".join(capsys.readouterr())
        assert status == 0, said
        return parquet.read(output, PREDICTED), said

    return called


@pytest.fixture
def refusal(tmp_path, capsys):
    """Call the command: the one line that it ends with."""

    def called(cell, given, *options):
        output = str(tmp_path / "predictions.parquet")
        assert main(["predict", str(cell), str(given), "--output", output, *options]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return called


def some_missing(table, share=0.3):
    """The features with some rows unobserved."""
    observed = np.random.default_rng(1).random(len(table)) > share
    return table.set_column(1, "observed", pa.array(observed))


class TestPredictionsOfTheTraining:
    @pytest.mark.parametrize("scale", ["standard", "none"])
    @pytest.mark.parametrize("baseline", names(BASELINE))
    def test_are_the_same_bytes(self, tmp_path, baseline, scale):
        utterances, features = make_corpus(LENGTHS, unlabelled={3, 20})
        features["a"] = some_missing(features["a"])
        tables = train_made_cell(
            tmp_path, (utterances, features), baseline=baseline, model=SMALL[baseline], scale=scale
        )
        for path, facts in find_models(tmp_path).items():
            found = predict([load(path)], utterances, features)
            stored = tables.predictions.filter(pc.field("seed") == facts.seed)
            found = found.filter(pc.is_in(found["utterance_id"], stored["utterance_id"]))
            for column in ("utterance_id", "predicted", "probabilities", "modality_probabilities"):
                assert found[column].to_pylist() == stored[column].to_pylist()

    def test_of_several_seeds_are_means_with_their_deviation(self, tmp_path):
        corpus = make_corpus(LENGTHS)
        tables = train_made_cell(tmp_path, corpus, seeds=(1, 2, 3)).predictions
        found = predict(load_models(list(find_models(tmp_path)), corpus[0]), *corpus).to_pandas()
        found = found.set_index("utterance_id")
        stored = tables.to_pandas().groupby("utterance_id", sort=False)
        for name, of_seeds in stored:
            row = found.loc[name]
            for mean, spread, column in (
                ("probabilities", "spread", "probabilities"),
                ("modality_probabilities", "modality_spread", "modality_probabilities"),
            ):
                seeds = np.array([np.stack(list(one)) for one in of_seeds[column]], float)
                mean, spread = np.stack(list(row[mean])), np.stack(list(row[spread]))
                np.testing.assert_allclose(mean, seeds.mean(0), rtol=1e-6)
                np.testing.assert_allclose(spread, seeds.std(0, ddof=1), atol=1e-7)
        assert len(stored) > 10

    def test_of_one_seed_have_no_deviation(self, tmp_path):
        corpus = make_corpus(LENGTHS)
        train_made_cell(tmp_path, corpus, seeds=(1,))
        found = predict([load(tmp_path / "model-seed1.safetensors")], *corpus)
        assert found["spread"].null_count == len(found)

    def test_do_not_need_a_modality(self, tmp_path):
        utterances, features = make_corpus(LENGTHS)
        train_made_cell(tmp_path, (utterances, features), seeds=(1,))
        (model,) = load_models(list(find_models(tmp_path)), utterances)
        found = predict([model], utterances, {"t": features["t"]})
        nowhere = features["a"].set_column(1, "observed", pa.array(np.zeros(len(utterances), bool)))
        expected = predict([model], utterances, {"t": features["t"], "a": nowhere})
        assert found.equals(expected)
        assert set(map(tuple, found["observed"].to_pylist())) == {(False, True)}

    def test_are_in_the_order_of_the_input_if_splits_alternate(self, tmp_path):
        utterances, features = make_corpus(LENGTHS)
        train_made_cell(tmp_path, (utterances, features), seeds=(1,))
        models = load_models(list(find_models(tmp_path)), utterances)
        expected = predict(models, utterances, features).sort_by("utterance_id")
        split = pa.array(
            [("test", "dev")[int(d[1:]) % 2] for d in utterances["dialogue_id"].to_pylist()]
        )
        mixed = utterances.set_column(utterances.column_names.index("split"), "split", split)
        found = predict(models, mixed, features)
        assert found["utterance_id"].equals(utterances["utterance_id"])
        found = found.sort_by("utterance_id")
        difference = np.subtract(
            found["probabilities"].to_pylist(), expected["probabilities"].to_pylist()
        )
        assert abs(difference).max() < 1e-6


class TestConversations:
    def test_a_recording_with_a_transcript(self, cell, talk, run):
        table, said = run(cell, talk)
        assert table["speaker"].to_pylist() == ["Joey", "Monica", "Joey"]
        assert table["text"].to_pylist() == ["You did what?", "I cooked it again.", "Great!"]
        assert table["start_s"].to_pylist() == [0.0, 1.6, 3.0]
        assert table["observed"].to_pylist() == [[True, True]] * 3
        probabilities = np.array(table["probabilities"].to_pylist())
        np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-6)
        assert "3 utterances by 2 models" in said
        assert "simulated" in said

    def test_the_features_are_those_of_the_extractors(self, cell, talk, run):
        """Predicted again from features that are extracted here."""
        table, _ = run(cell, talk)
        facts = next(iter(find_models(cell).values()))
        ids = table["utterance_id"].to_pylist()
        items = [
            Item(name, text, audio=MediaReference(str(talk), start, end))
            for name, text, start, end in zip(
                *(table[c].to_pylist() for c in ("utterance_id", "text", "start_s", "end_s")),
                strict=True,
            )
        ]
        features = {
            m: feature_table(ids, one(items).features) for m, one in real_extractors().items()
        }
        utterances = pa.table(
            {
                **{c: table[c] for c in ("dialogue_id", "utterance_id", "position", "speaker")},
                **{c: table[c] for c in ("text", "start_s", "end_s", "audio_path", "video_path")},
                "split": ["test"] * 3,
                "emotion": pa.array([None] * 3, pa.string()).dictionary_encode(),
            }
        )
        described = parquet.describe(
            utterances, dataset="talk", labels=facts.labels, protocol="none", simulated=False
        )
        again = predict(load_models(list(find_models(cell)), utterances), described, features)
        assert again["probabilities"].to_pylist() == table["probabilities"].to_pylist()

    def test_a_transcript_alone_is_predicted_from_its_text(self, cell, talk, run):
        talk.unlink()
        table, said = run(cell, talk.with_suffix(".srt"))
        assert table["observed"].to_pylist() == [[False, True]] * 3
        assert "audio: missing, predicted without it" in said

    def test_the_transcript_may_have_another_name(self, cell, talk, run):
        other = talk.with_name("words.vtt")
        other.write_text("WEBVTT\n\n00:01.000 --> 00:02.000\n<v Anna>Yes.</v>\n")
        table, _ = run(cell, talk, "--transcript", str(other))
        assert table["speaker"].to_pylist() == ["Anna"]
        assert table["audio_path"].to_pylist() == ["talk.wav#t=1,2"]

    def test_an_utterance_after_the_end_of_the_recording_lacks_the_sound(self, cell, talk, run):
        srt = talk.with_suffix(".srt")
        srt.write_text(f"{srt.read_text()}\n4\n00:01:00,000 --> 00:01:01,000\nJoey: Bye.\n")
        table, said = run(cell, talk)
        assert table["observed"].to_pylist() == [[True, True]] * 3 + [[False, True]]
        assert "audio: talk_4: " in said

    def test_a_corpus_with_videos(self, cell, meld_sim, run):
        table, said = run(cell, meld_sim)
        assert len(set(table["dialogue_id"].to_pylist())) > 1
        assert np.array(table["observed"].to_pylist()).all(1).mean() > 0.9
        assert "simulated" in said

    def test_utterances_without_emotions_and_with_features(self, cell, tmp_path, run):
        folder = write_corpus(tmp_path / "mine")
        table, _ = run(cell, folder)
        assert len(table) == 5
        assert table["observed"].to_pylist() == [[True, True]] * 5

    def test_feature_files_alone_are_one_dialogue(self, cell, tmp_path, run):
        folder = write_corpus(tmp_path / "mine")
        (folder / "utterances.csv").unlink()
        table, _ = run(cell, folder)
        assert table["utterance_id"].to_pylist() == [f"u{n}" for n in range(5)]
        assert set(table["dialogue_id"].to_pylist()) == {"mine"}

    def test_features_of_the_extract_command(self, cell, talk, tmp_path, run):
        folder = tmp_path / "extracted"
        folder.mkdir()
        words = tmp_path / "words.txt"
        words.write_text("You did what?\nGreat!\n")
        assert main(["extract", "minilm", str(words), "--output", str(folder / "t.parquet")]) == 0
        sound = tmp_path / "parts.txt"
        sound.write_text("talk.wav#t=0,1\ntalk.wav#t=2,3\n")
        asked = ["--output", str(folder / "a.parquet"), "--option", "bands=8"]
        assert main(["extract", "logmel", str(sound), *asked]) == 0
        table, _ = run(cell, folder)
        assert table["observed"].to_pylist() == [[True, True]] * 2

    def test_a_video_with_a_transcript(self, cell, meld_sim, tmp_path, run):
        clip = next(path for path in meld_sim.rglob("*.mp4"))
        path = tmp_path / "clip.mp4"
        shutil.copy(clip, path)
        path.with_suffix(".vtt").write_text(
            "WEBVTT\n\n00:00.000 --> 00:00.500\n<v Anna>Hello.\n\n"
            "00:00.500 --> 00:00.900\n<v Ben>Yes.\n"
        )
        table, _ = run(cell, path)
        assert table["observed"].to_pylist() == [[True, True]] * 2
        assert table["video_path"].to_pylist() == ["clip.mp4#t=0,0.5", "clip.mp4#t=0.5,0.9"]


def write_corpus(folder, *, emotion="", version=None, width=None):
    """Your corpus: five utterances, features of both modalities as the real extractors write."""
    folder.mkdir()
    head = "dialogue_id,utterance_id,speaker,text" + (",emotion" if emotion else "")
    rows = [f"d{n // 3},u{n},Anna,words" + (f",{emotion}" if emotion else "") for n in range(5)]
    (folder / "utterances.csv").write_text("\n".join([head, *rows]))
    for m, extractor in real_extractors().items():
        x = np.random.default_rng(0).normal(size=(5, width or extractor.width)).astype(np.float32)
        table = described(feature_table([f"u{n}" for n in range(5)], x), extractor)
        if version:
            table = parquet.describe(table, version=version)
        parquet.write(table, folder / f"{m}.parquet", parquet.Schema("features", (), ()))
    return folder


class TestEncodersInFolders:
    """The folder of an encoder may move; its weights must be the same."""

    @pytest.fixture
    def encoder(self, tmp_path):
        return tiny_models.save("roberta", tmp_path / "encoder")

    @pytest.fixture
    def cell(self, tmp_path, encoder):
        """A cell whose text features look as if the encoder had made them."""
        extractor = build("t", "huggingface_text", {"folder": str(encoder)})
        utterances, features = make_corpus(LENGTHS, widths={"t": extractor.width})
        features["t"] = described(features["t"], extractor)
        train_made_cell(tmp_path / "cell", (utterances, features), modalities="t", seeds=(1,))
        return tmp_path / "cell"

    def test_another_place_of_the_same_weights(self, cell, encoder, talk, run, refusal):
        before, _ = run(cell, talk)
        moved = encoder.rename(encoder.with_name("moved"))
        assert f"--folder t=PATH: there is no model in the folder {encoder}" in refusal(cell, talk)
        after, _ = run(cell, talk, "--folder", f"t={moved}")
        assert after["probabilities"].equals(before["probabilities"])

    def test_other_weights_are_refused(self, cell, encoder, talk, run, refusal):
        before, _ = run(cell, talk)
        path = encoder / "model.safetensors"
        weights = load_file(path)
        weights["embeddings.word_embeddings.weight"] += 1.0
        save_file(weights, path, {"format": "pt"})
        line = refusal(cell, talk)
        assert "features of text: version is files " in line
        assert "--other-extractors" in line
        after, _ = run(cell, talk, "--other-extractors")
        assert not after["probabilities"].equals(before["probabilities"])


class TestRefusals:
    def test_features_of_another_version(self, cell, tmp_path, refusal, run):
        folder = write_corpus(tmp_path / "mine", version="numpy 1.0")
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        line = refusal(cell, folder)
        # The text is there, so its features are extracted; the sound is not.
        assert "features of audio: version is numpy 1.0, was" in line
        assert "--other-extractors" in line
        table, said = run(cell, folder, "--other-extractors")
        assert len(table) == 5
        assert "version is numpy 1.0" in said

    def test_another_version_of_an_extractor(self, cell, talk, refusal, run, monkeypatch):
        monkeypatch.setattr(logmel.LogMel, "version", "av 0.1")
        line = refusal(cell, talk)
        assert "features of audio: version is av 0.1, was numpy" in line
        table, _ = run(cell, talk, "--other-extractors")
        assert table["observed"].to_pylist() == [[True, True]] * 3

    def test_another_width(self, cell, tmp_path, refusal):
        folder = write_corpus(tmp_path / "mine", width=7)
        assert "7 numbers an utterance, but the model takes 24" in refusal(cell, folder)

    def test_models_with_other_classes_in_one_folder(self, cell, tmp_path, refusal, talk):
        folder = tmp_path / "mixed"
        utterances, features = make_corpus(LENGTHS)
        train_made_cell(folder, (utterances, features), seeds=(1,))
        shutil.copy(cell / "model-seed2.safetensors", folder)
        assert "model-seed2.safetensors: its widths are not those of model-seed1" in refusal(
            folder, talk
        )

    def test_a_folder_without_models(self, tmp_path, talk, refusal):
        assert "has no models; train the cell with save_models: true" in refusal(tmp_path, talk)

    def test_a_damaged_model(self, cell, tmp_path, talk, refusal):
        path = tmp_path / "model-seed1.safetensors"
        path.write_bytes((cell / path.name).read_bytes()[:-100])
        assert f"{path}: not a readable safetensors file" in refusal(path, talk)

    def test_a_recording_without_a_transcript(self, cell, talk, refusal):
        talk.with_suffix(".srt").unlink()
        assert "there is no transcript beside it" in refusal(cell, talk)

    def test_an_absent_input(self, cell, tmp_path, refusal):
        assert "no such folder or file" in refusal(cell, tmp_path / "absent")

    def test_an_input_with_nothing_that_the_model_takes(self, cell, tmp_path, refusal):
        path = tmp_path / "silent.csv"
        path.write_text("speaker,text\nAnna,\n")
        assert "the input has none of what the model takes: audio, text" in refusal(cell, path)

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            (["--folder", "x=y"], "--folder x=y: write a=PATH"),
            (["--threads", "0"], "--threads 0: write 1 or more"),
        ],
    )
    def test_wrong_options(self, cell, talk, refusal, options, says):
        assert says in refusal(cell, talk, *options)


def test_a_thousand_utterances_with_features_take_seconds(tmp_path):
    """About one second on two cores; the limit is for busy machines."""
    utterances, features = make_corpus([20] * 50, widths={"a": 100, "t": 384})
    train_made_cell(tmp_path, (utterances, features), seeds=(1,), epochs=1)
    start = time.monotonic()
    found = predict(load_models(list(find_models(tmp_path)), utterances), utterances, features)
    assert len(found) == 1000
    assert time.monotonic() - start < 30


def test_no_model_is_loaded_for_a_wrong_output(tmp_path, capsys):
    assert main(["predict", "absent", "absent", "--output", "x.csv"]) == 1
    assert "write a name that ends in .parquet" in capsys.readouterr().err
