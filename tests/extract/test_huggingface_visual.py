"""Pictures and clips: encoders in a folder, crops, pooling and the processors of the models."""

import cv2
import numpy as np
import pytest

from spcl.data.media import MediaReference
from spcl.errors import UserError
from spcl.extract import Item, build
from spcl.extract.decoding import pictures
from tests.extract.conftest import write_video

IMAGES = ["vit", "dinov2", "clip", "siglip"]
VIDEOS = ["videomae", "xclip"]
WIDTHS = {"clip": 12, "xclip": 12}


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Three items of 20 pictures; in the last there is a face in the first half."""
    folder, rng = tmp_path_factory.mktemp("videos"), np.random.default_rng(0)
    made = []
    for k in range(3):
        shown = cv2.resize(rng.integers(0, 250, (6, 8), np.uint8), (160, 120))
        shown = [np.roll(shown, 7 * step * (k + 1), 1) for step in range(20)]
        path = write_video(folder / f"{k}.mp4", shown)
        made.append(Item(f"u{k}", video=MediaReference(str(path))))
    return made


class HalfFaces:
    """Finds a face of 40 pixels at the left of a picture whose first pixel is dark."""

    version = "half 1"

    def __init__(self, detector, side):
        assert (detector, side) == ("dlib", 320)

    def largest(self, picture, margin=0.0):
        assert picture.ndim == 3
        assert margin == 0.2
        return picture[:40, :40] if picture[0, 0, 0] < 128 else None


def make(tiny, name, **options):
    extractor = "huggingface_video" if name in VIDEOS else "huggingface_image"
    return build("v", extractor, {"folder": tiny(name), "crop": "none"} | options)


def directly(folder, frames):
    """The model's own vector of some frames, as transformers computes it: (F, D), or (1, D)."""
    import torch
    from transformers import AutoImageProcessor, AutoModel

    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    pixels = processor(frames, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        for method in ("get_image_features", "get_video_features"):
            if hasattr(model, method):
                return getattr(model, method)(pixels).pooler_output.numpy()
        states = model(pixels).last_hidden_state
    return (states.mean(1) if model.config.model_type == "videomae" else states[:, 0]).numpy()


@pytest.mark.parametrize("name", IMAGES)
def test_pictures_get_what_transformers_computes_for_them(tiny, videos, name):
    extract = make(tiny, name, pooling="mean_std", frames=3)
    extracted = extract(videos)
    assert extract.width == 2 * WIDTHS.get(name, 16)
    assert extracted.reasons == [None] * 3
    for item, features in zip(videos, extracted.features, strict=True):
        vectors = directly(tiny(name), pictures(item, 3, colour=True))
        expected = np.concatenate([vectors.mean(0), vectors.std(0)])
        np.testing.assert_allclose(features, expected, atol=1e-5)


@pytest.mark.parametrize("name", VIDEOS)
def test_clips_get_what_transformers_computes_for_them(tiny, videos, name):
    extract = make(tiny, name, clips=2, pooling="mean_std")
    extracted = extract(videos)
    assert extract.width == 2 * WIDTHS.get(name, 16)
    assert extracted.reasons == [None] * 3
    for item, features in zip(videos, extracted.features, strict=True):
        frames = pictures(item, 8, colour=True)
        vectors = np.concatenate([directly(tiny(name), part) for part in (frames[:4], frames[4:])])
        expected = np.concatenate([vectors.mean(0), vectors.std(0)])
        np.testing.assert_allclose(features, expected, atol=1e-5)


@pytest.mark.parametrize("name", IMAGES + VIDEOS)
def test_neither_batches_nor_threads_change_anything(tiny, videos, name):
    one = make(tiny, name, batch_size=1)(videos, threads=1)
    many = make(tiny, name)(videos, threads=2)
    assert np.isfinite(one.features).all()
    np.testing.assert_allclose(one.features, many.features, atol=1e-5)


@pytest.mark.parametrize("name", IMAGES + VIDEOS)
def test_half_precision_is_close(tiny, videos, name):
    half = make(tiny, name, precision="bfloat16")(videos).features
    full = make(tiny, name)(videos).features
    assert half.dtype == np.float32
    assert 0 < np.abs(half - full).max() < 0.3


@pytest.mark.parametrize("name", IMAGES + VIDEOS)
def test_the_input_is_that_of_the_whole_processor(tiny, name):
    import torch
    from transformers import AutoImageProcessor

    extract = make(tiny, name)
    frames = list(np.random.default_rng(1).integers(0, 256, (4, 50, 70, 3), np.uint8))
    processor = AutoImageProcessor.from_pretrained(tiny(name), backend="pil")
    expected = processor(frames, return_tensors="np")["pixel_values"].reshape(4, 3, 32, 32)
    resized = extract.resized(frames)
    assert resized.dtype == np.uint8
    np.testing.assert_allclose(extract.normalised(torch.from_numpy(resized)), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["vit", "videomae"])
def test_faces_are_cut_and_their_share_is_the_last_feature(tiny, videos, monkeypatch, name):
    monkeypatch.setattr("spcl.extract.pretrained_visual.Faces", HalfFaces)
    extract = make(tiny, name, crop="face")
    extracted = extract(videos)
    assert extract.width == 17
    assert extract.version.endswith(", half 1")
    np.testing.assert_array_equal(extracted.columns["face_share"], extracted.features[:, -1])
    for item, features in zip(videos, extracted.features, strict=True):
        frames = pictures(item, 8 if name == "vit" else 4, colour=True)
        dark = [frame[0, 0, 0] < 128 for frame in frames]
        if name == "vit":
            cut = [f[:40, :40] if d else f for f, d in zip(frames, dark, strict=True)]
            expected = np.concatenate([directly(tiny(name), [one]) for one in cut]).mean(0)
            np.testing.assert_allclose(features[:-1], expected, atol=1e-5)
        assert features[-1] == pytest.approx(np.mean(dark))
    assert 0 < extracted.features[:, -1].mean() < 1


def test_without_crops_there_is_no_share_of_faces(tiny, videos):
    extracted = make(tiny, "vit")(videos)
    assert extracted.features.shape == (3, 16)
    assert extracted.columns == {}


@pytest.mark.parametrize("token", ["first", "mean"])
@pytest.mark.parametrize("layers", [[-1], [1]])
def test_tokens_of_a_layer_can_be_asked_for(tiny, videos, token, layers):
    import torch
    from transformers import AutoImageProcessor, AutoModel

    extract = make(tiny, "clip", token=token, layers=layers, frames=1)
    processor = AutoImageProcessor.from_pretrained(tiny("clip"), backend="pil")
    pixels = processor(pictures(videos[0], 1, colour=True), return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        encoder = AutoModel.from_pretrained(tiny("clip")).vision_model
        states = encoder(pixels, output_hidden_states=True).hidden_states[layers[0]][0]
    expected = states[0] if token == "first" else states.mean(0)
    np.testing.assert_allclose(extract(videos[:1]).features[0], expected, atol=1e-5)


def test_a_model_without_class_token_pools_itself(tiny, videos, tmp_path):
    import torch
    from transformers import AutoImageProcessor, SiglipModel

    whole = SiglipModel.from_pretrained(tiny("siglip"), dtype=torch.float32)
    whole.vision_model.save_pretrained(tmp_path)
    AutoImageProcessor.from_pretrained(tiny("siglip")).save_pretrained(tmp_path)
    alone = build("v", "huggingface_image", {"folder": str(tmp_path), "crop": "none"})(videos)
    together = make(tiny, "siglip")(videos)
    np.testing.assert_allclose(alone.features, together.features, atol=1e-5)


def test_an_utterance_without_video_is_not_observed(tiny):
    assert make(tiny, "vit")([Item("u")]).reasons[0].kind == "missing"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("vit", {"frames": 0}, "frames: 0 is not allowed"),
        ("xclip", {"clips": 0}, "clips: 0 is not allowed"),
        ("siglip", {"token": "first"}, "token: the model has no class token; write model or mean"),
        ("clip", {"layers": [1]}, "after all layers; write [-1], or token: mean"),
        ("xclip", {"layers": [1]}, "after all layers; write [-1]"),
        ("videomae", {"layers": [5]}, "layers: the model has no layer 5; write -3 to 2"),
    ],
)
def test_an_option_that_does_not_suit_the_model_is_refused(tiny, name, options, message):
    with pytest.raises(UserError) as error:
        make(tiny, name, **options)
    assert str(error.value).startswith("features.v.options")
    assert message in str(error.value)


@pytest.fixture(scope="module")
def convolutional(tmp_path_factory):
    """A model that returns a map of features instead of token vectors."""
    from transformers import ConvNextConfig, ConvNextImageProcessorPil, ConvNextModel

    folder = tmp_path_factory.mktemp("convolutional")
    config = ConvNextConfig(num_stages=1, hidden_sizes=[8], depths=[1], out_features=["stage1"])
    ConvNextModel(config).save_pretrained(folder)
    ConvNextImageProcessorPil(size={"shortest_edge": 32}).save_pretrained(folder)
    return str(folder)


def test_a_convolutional_model_pools_itself(videos, convolutional):
    import torch
    from transformers import AutoImageProcessor, AutoModel

    options = {"folder": convolutional, "crop": "none", "frames": 2}
    extracted = build("v", "huggingface_image", options)(videos[:1])
    processor = AutoImageProcessor.from_pretrained(convolutional, backend="pil")
    pixels = processor(pictures(videos[0], 2, colour=True), return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        pooled = AutoModel.from_pretrained(convolutional)(pixels).pooler_output
    expected = pooled.reshape(2, 8).mean(0)
    np.testing.assert_allclose(extracted.features[0], expected, atol=1e-5)


@pytest.mark.parametrize("option", [{"token": "mean"}, {"token": "first"}, {"layers": [1]}])
def test_tokens_of_a_convolutional_model_are_refused(convolutional, option):
    options = {"folder": convolutional, "crop": "none"} | option
    with pytest.raises(UserError, match="write"):
        build("v", "huggingface_image", options)
