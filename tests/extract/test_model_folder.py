"""Models in folders: what is loaded, and what is refused before anything is extracted."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from spcl.errors import UserError
from spcl.extract import Item, build

EXTRACTORS = {
    "text": ("t", "huggingface_text", {}),
    "audio": ("a", "huggingface_audio", {"overlap_s": 0.1}),
    "image": ("v", "huggingface_image", {"crop": "none"}),
    "video": ("v", "huggingface_video", {"crop": "none"}),
}
KINDS = {
    "roberta": "text",
    "t5": "text",
    "hubert": "audio",
    "whisper": "audio",
    "ast": "audio",
    "vit": "image",
    "clip": "image",
    "videomae": "video",
    "xclip": "video",
}
ONE_OF_EACH = ["roberta", "hubert", "vit", "videomae"]
ITEMS = [Item("u", text="I am so glad!")]


def make(kind, folder, **options):
    modality, extractor, defaults = EXTRACTORS[kind]
    return build(modality, extractor, {"folder": str(folder)} | defaults | options)


def refusal(kind, folder, **options):
    """The message with which a folder is refused; one line that begins with its key."""
    with pytest.raises(UserError) as error:
        make(kind, folder, **options)
    message = str(error.value)
    assert message.isprintable()
    assert message.startswith(f"features.{EXTRACTORS[kind][0]}.options.folder: ")
    return message


@pytest.fixture
def copied(tiny, tmp_path):
    """A copy of the folder of a tiny model."""
    return lambda name: Path(shutil.copytree(tiny(name), tmp_path / name))


def change_weights(folder, change):
    """Rewrite ``model.safetensors`` after `change` of the dictionary of its tensors."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def to_pickle(folder):
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


@pytest.mark.parametrize("wanted", EXTRACTORS)
@pytest.mark.parametrize("name", KINDS)
def test_a_model_of_another_kind_is_refused_with_its_extractor(tiny, name, wanted):
    found = KINDS[name]
    if found == wanted:
        make(wanted, tiny(name))
        return
    modality, extractor, _ = EXTRACTORS[found]
    message = refusal(wanted, tiny(name))
    assert f") is of {found}, not of {wanted}; write features.{modality}: " in message
    assert message.endswith(f"{{extractor: {extractor}}}")


def test_a_model_that_no_extractor_supports_is_refused(tmp_path):
    from transformers import ClapConfig

    ClapConfig().save_pretrained(tmp_path)
    message = refusal("audio", tmp_path)
    assert "(clap) is of audio and text, not of audio; no extractor supports it" in message


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_folder_without_a_model_is_refused(name, tmp_path):
    message = refusal(KINDS[name], tmp_path)
    assert "there is no model in the folder" in message


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_folder_without_weights_is_refused(copied, name):
    folder = copied(name)
    (folder / "model.safetensors").unlink()
    assert "there are no weights in the folder" in refusal(KINDS[name], folder)


@pytest.mark.parametrize("name", ["hubert", "whisper", "vit", "videomae"])
def test_a_folder_without_preprocessor_is_refused(copied, name):
    folder = copied(name)
    (folder / "preprocessor_config.json").unlink()
    message = refusal(KINDS[name], folder)
    assert f"there is no preprocessor_config.json in the folder {folder}; put" in message


@pytest.mark.parametrize(
    ("name", "file"),
    [
        *((name, "model.safetensors") for name in ONE_OF_EACH),
        *((name, "config.json") for name in ONE_OF_EACH),
        *((name, "preprocessor_config.json") for name in ONE_OF_EACH[1:]),
    ],
)
@pytest.mark.parametrize(
    "content",
    [b"", b"[" * 100_000, bytes(100), b"\xff", b"[]"],
    ids=["no", "deep", "zero", "byte", "list"],
)
def test_a_damaged_file_is_refused(copied, name, file, content):
    folder = copied(name)
    (folder / file).write_bytes(content)
    refusal(KINDS[name], folder)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("roberta", "encoder.layer.1.attention.self.query.weight"),
        ("roberta", "embeddings.position_embeddings.weight"),
        ("t5", "encoder.block.0.layer.0.SelfAttention.q.weight"),
        ("hubert", "encoder.layers.0.attention.k_proj.bias"),
        ("whisper", "encoder.conv1.weight"),
        ("vit", "embeddings.cls_token"),
        ("clip", "visual_projection.weight"),
        ("videomae", "encoder.layer.0.layernorm_before.bias"),
        ("xclip", "mit.position_embedding"),
    ],
)
def test_missing_weights_are_refused_because_they_would_be_random(copied, name, key):
    folder = copied(name)
    change_weights(folder, lambda weights: weights.pop(key))
    message = refusal(KINDS[name], folder)
    assert "would be random; download the model again" in message
    assert key.rpartition(".")[0] in message


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("roberta", "pooler."),
        ("t5", "decoder."),
        ("hubert", "masked_spec_embed"),
        ("whisper", "decoder."),
        ("vit", "pooler."),
        ("clip", "text_model."),
        ("xclip", "prompts_"),
    ],
)
def test_weights_that_are_not_used_may_be_missing(tiny, copied, name, prefix):
    folder = copied(name)

    def change(weights):
        unused = [key for key in weights if key.startswith(prefix)]
        assert unused
        for key in unused:
            del weights[key]

    change_weights(folder, change)
    assert make(KINDS[name], folder).width == make(KINDS[name], tiny(name)).width


def test_only_the_layers_that_are_used_must_be_there(copied):
    folder = copied("roberta")
    change_weights(folder, lambda weights: weights.pop("encoder.layer.1.output.dense.weight"))
    make("text", folder, layers=[1])
    assert "encoder.layer.1.output.dense.weight" in refusal("text", folder, layers=[2])


def test_weights_of_another_size_are_refused(copied):

    folder = copied("roberta")
    key = "encoder.layer.0.output.dense.weight"
    change_weights(folder, lambda weights: weights.update({key: torch.zeros(3, 3)}))
    assert f"{key} would be random" in refusal("text", folder)


def test_a_model_that_gives_no_numbers_is_refused(copied):
    folder = copied("roberta")
    key = "encoder.layer.0.output.dense.bias"
    change_weights(folder, lambda weights: weights[key].fill_(float("nan")))
    assert "its features are NaN or infinite in float32" in refusal("text", folder)
    message = refusal("text", folder, precision="bfloat16")
    assert "NaN or infinite in bfloat16; write precision: float32" in message


def test_weights_in_several_files_are_loaded(tiny, tmp_path):
    from transformers import AutoModel, AutoTokenizer

    AutoModel.from_pretrained(tiny("roberta")).save_pretrained(tmp_path, max_shard_size="10KB")
    AutoTokenizer.from_pretrained(tiny("roberta")).save_pretrained(tmp_path)
    parts = sorted(tmp_path.glob("model-*.safetensors"))
    assert len(parts) > 1
    together, divided = (make("text", one)(ITEMS).features for one in (tiny("roberta"), tmp_path))
    np.testing.assert_array_equal(together, divided)
    parts[-1].unlink()
    assert "cannot be loaded" in refusal("text", tmp_path)


def test_a_pickle_is_refused_and_the_remedy_is_named(copied):
    folder = copied("roberta")
    to_pickle(folder)
    message = refusal("text", folder)
    assert "are a pickle (pytorch_model.bin), and loading a pickle can execute code" in message
    assert "save_pretrained(folder)" in message
    assert "allow_pickle: true" in message


def test_a_pickle_can_be_allowed(tiny, copied):
    folder = copied("roberta")
    to_pickle(folder)
    features = make("text", folder, allow_pickle=True)(ITEMS).features
    np.testing.assert_array_equal(features, make("text", tiny("roberta"))(ITEMS).features)


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_an_allowed_pickle_cannot_call_functions(copied, tmp_path):
    folder = copied("roberta")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Attack(tmp_path / "attacked"), 2))
    refusal("text", folder, allow_pickle=True)
    assert not (tmp_path / "attacked").exists()


def test_code_in_the_folder_is_not_executed(copied, tmp_path):
    folder = copied("roberta")
    mark = tmp_path / "executed"
    (folder / "own.py").write_text(f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n")
    config = json.loads((folder / "config.json").read_text())
    own = {"AutoConfig": "own.Config", "AutoModel": "own.Model"}
    config |= {"model_type": "own", "auto_map": own}
    (folder / "config.json").write_text(json.dumps(config))
    assert "cannot be loaded" in refusal("text", folder)
    assert not mark.exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_half_precision_of_16_bits_needs_a_gpu(tiny):
    with pytest.raises(UserError) as error:
        make("text", tiny("roberta"), precision="float16")
    assert str(error.value) == (
        "features.t.options: precision: float16 needs a GPU; write bfloat16 or float32"
    )


@pytest.mark.parametrize("name", ["roberta", "clip", "videomae"])
def test_a_replica_on_another_device_gives_the_same(tiny, name):
    extract = make(KINDS[name], tiny(name))
    loaded = [extract.example()] * 2
    first, other = (extract.compute(loaded, device) for device in ("cpu", "cpu:0"))
    assert len(extract._replicas) == 2
    np.testing.assert_array_equal(first, other)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", KINDS)
def test_every_gpu_gives_what_the_cpu_gives(tiny, name, precision):
    extract = make(KINDS[name], tiny(name), precision=precision)
    expected = make(KINDS[name], tiny(name))
    loaded = [extract.example()] * 3
    limit = 1e-4 if precision == "float32" else 0.3
    for device in extract.devices:
        assert device.startswith("cuda:")
        features = extract.compute(loaded, device)
        np.testing.assert_allclose(features, expected.compute(loaded), atol=limit)
