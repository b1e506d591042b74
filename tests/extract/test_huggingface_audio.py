"""Sound: encoders in a folder, windows, padding and pooling."""

import shutil

import numpy as np
import pytest

from spcl.data.media import MediaReference
from spcl.errors import UserError
from spcl.extract import Item, build
from spcl.extract.base import Reason
from tests.extract.conftest import write_wav

NAMES = ["wav2vec2", "wav2vec2-group", "hubert", "wavlm", "data2vec", "whisper", "ast"]
SECONDS = [0.5, 1.3, 0.9, 1.3, 0.2]

pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """Items with noise that rises, of `SECONDS`, and 3.3 s; the samples are multiples of 2**-15."""
    folder, rng = tmp_path_factory.mktemp("sounds"), np.random.default_rng(0)
    made = []
    for k, seconds in enumerate([*SECONDS, 3.3]):
        n = round(16_000 * seconds)
        samples = (rng.normal(0, 3000, n) * np.linspace(0.2, 1, n)).astype(np.int16)
        path = write_wav(folder / f"{k}.wav", samples)
        made.append(Item(f"u{k}", audio=MediaReference(str(path))))
    return made


def make(tiny, name, **options):
    defaults = {"folder": tiny(name), "overlap_s": 0.5}
    return build("a", "huggingface_audio", defaults | options)


def directly(folder, item, layer=-1):
    """The frame vectors (F, D) of a short sound, as transformers computes them."""
    import torch
    from transformers import AutoFeatureExtractor, AutoModel

    from spcl.extract.decoding import sound

    signal = sound(item)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    inputs = AutoFeatureExtractor.from_pretrained(folder)(
        signal, sampling_rate=16_000, return_tensors="pt"
    )
    encoder = model.get_encoder() if model.config.is_encoder_decoder else model
    with torch.no_grad():
        output = encoder(**inputs, output_hidden_states=True)
    states = [*output.hidden_states[:-1], output.last_hidden_state][layer][0].numpy()
    if model.config.model_type == "whisper":
        return states[: -(-len(signal) // 320)]
    if model.config.model_type == "audio-spectrogram-transformer":
        spectra = 1 + (len(signal) - 400) // 160
        frames = (spectra - 16) // 10 + 1
        bands = (36 - 16) // 10 + 1
        return states[2:].reshape(bands, -1, states.shape[1])[:, :frames].mean(0)
    return states


@pytest.mark.parametrize("name", NAMES)
def test_sounds_get_what_transformers_computes_for_one(tiny, sounds, name):
    extract = make(tiny, name, pooling="mean_std")
    extracted = extract(sounds[:5])
    assert extract.width == 32
    assert extracted.reasons == [None] * 5
    for item, features in zip(sounds, extracted.features, strict=False):
        frames = directly(tiny(name), item)
        expected = np.concatenate([frames.mean(0), frames.std(0)])
        np.testing.assert_allclose(features, expected, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_neither_batches_nor_threads_change_anything(tiny, sounds, name):
    one = make(tiny, name, batch_size=1)(sounds, threads=1)
    many = make(tiny, name)(sounds, threads=2)
    assert one.reasons == [None] * 6
    np.testing.assert_allclose(one.features, many.features, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "pads"), [("wav2vec2", True), ("wav2vec2-group", False), ("data2vec", False)]
)
def test_sounds_are_padded_only_if_this_changes_nothing(tiny, name, pads):
    assert make(tiny, name).pads is pads


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("name", ["wav2vec2", "whisper", "ast"])
def test_another_layer_can_be_asked_for(tiny, sounds, name, layer):
    extracted = make(tiny, name, layers=[layer])(sounds[:1])
    expected = directly(tiny(name), sounds[0], layer).mean(0)
    np.testing.assert_allclose(extracted.features[0], expected, atol=1e-5)


def cut(item, begin, end):
    """An item of the samples from `begin` to `end` of another."""
    reference = MediaReference(item.audio.path, begin / 16_000, end / 16_000)
    return Item("part", audio=reference)


def test_a_long_sound_is_read_in_windows_and_each_frame_counts_once(tiny, sounds):
    extract = make(tiny, "whisper", window_s=1.6, overlap_s=0.4)
    (features,) = extract(sounds[-1:]).features
    # 165 frames of 0.02 s; windows of 80 with an overlap of 20, the last ends with the sound.
    parts = [(0, 0, 70), (60, 10, 52), (85, 27, 80)]
    frames = []
    for begin, first, end in parts:
        item = cut(sounds[-1], begin * 320, min((begin + 80) * 320, 52_800))
        frames.append(directly(tiny("whisper"), item)[first:end])
    assert sum(map(len, frames)) == 165
    np.testing.assert_allclose(features, np.concatenate(frames).mean(0), atol=1e-5)


@pytest.mark.parametrize("name", ["wav2vec2", "ast"])
def test_windows_hold_as_many_frames_as_the_sound(tiny, sounds, name):
    extract = make(tiny, name, window_s=1.0)
    loaded = extract.load(sounds[-1])
    assert len(loaded.parts) > 3
    n = 52_800
    expected = (n - 400) // 320 + 1 if name == "wav2vec2" else ((n - 400) // 160 - 15) // 10 + 1
    assert sum(part.keep.stop - part.keep.start for part in loaded.parts) == expected


@pytest.mark.parametrize(("name", "seconds"), [("wav2vec2", 30), ("whisper", 2), ("ast", 1.575)])
def test_the_window_is_what_the_model_was_made_for(tiny, name, seconds):
    assert make(tiny, name)._window == seconds * 16_000


def test_the_sound_is_decoded_at_the_rate_of_the_model(tiny, sounds, tmp_path):
    from transformers import Wav2Vec2FeatureExtractor

    folder = shutil.copytree(tiny("hubert"), tmp_path / "model")
    Wav2Vec2FeatureExtractor(sampling_rate=8000).save_pretrained(folder)
    (part,) = build("a", "huggingface_audio", {"folder": str(folder)}).load(sounds[0]).parts
    assert part.data.shape == (4000,)


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_is_close(tiny, sounds, name):
    half = make(tiny, name, precision="bfloat16")(sounds[:2]).features
    full = make(tiny, name)(sounds[:2]).features
    assert half.dtype == np.float32
    assert 0 < np.abs(half - full).max() < 0.2


def test_a_sound_shorter_than_a_frame_is_not_observed(tiny, tmp_path):
    path = write_wav(tmp_path / "short.wav", np.arange(399, dtype=np.int16))
    extracted = make(tiny, "wav2vec2")([Item("u", audio=MediaReference(str(path)))])
    assert extracted.reasons == [
        Reason("short", "there are 399 samples of sound, and the model needs 400 at 16000 Hz")
    ]
    path = write_wav(tmp_path / "enough.wav", np.arange(400, dtype=np.int16))
    extracted = make(tiny, "wav2vec2")([Item("u", audio=MediaReference(str(path)))])
    assert extracted.reasons == [None]


def test_an_utterance_without_sound_is_not_observed(tiny):
    assert make(tiny, "hubert")([Item("u")]).reasons[0].kind == "missing"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("whisper", {"window_s": 2.1}, "window_s: 2.1 is more than the model can read; write 2 or"),
        ("ast", {"window_s": 30}, "window_s: 30 is more than the model can read"),
        ("wav2vec2", {"window_s": 0.01}, "window_s: 0.01 is too short"),
        ("whisper", {"overlap_s": 2}, "overlap_s: 2 is not less than the window of 2 s"),
        ("whisper", {"overlap_s": -1}, "overlap_s: -1 is not allowed"),
        ("whisper", {"window_s": float("nan")}, "window_s: nan is not allowed"),
        ("whisper", {"layers": [7]}, "layers: the model has no layer 7; write -3 to 2"),
    ],
)
def test_an_option_that_does_not_suit_the_model_is_refused(tiny, name, options, message):
    with pytest.raises(UserError) as error:
        make(tiny, name, **options)
    assert str(error.value).startswith("features.a.options")
    assert message in str(error.value)


def test_a_model_with_other_frames_is_refused(tmp_path):
    from transformers import Wav2Vec2BertConfig, Wav2Vec2BertModel, Wav2Vec2FeatureExtractor

    config = Wav2Vec2BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    Wav2Vec2BertModel(config).save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    with pytest.raises(UserError, match="type wav2vec2-bert is not supported"):
        build("a", "huggingface_audio", {"folder": str(tmp_path)})
