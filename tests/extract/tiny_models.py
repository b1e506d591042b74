"""Models of all supported kinds, tiny and with random weights, as `save_pretrained` writes them."""

from functools import partial

WIDTH = 16
_TRANSFORMER = {
    "hidden_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
_BART = {
    "d_model": WIDTH,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
}
_SPEECH = _TRANSFORMER | {
    "conv_dim": (8,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
    "vocab_size": 8,
}
_PICTURE = _TRANSFORMER | {"image_size": 32, "patch_size": 16}
_WORDS = {"vocab_size": 300, "max_position_embeddings": 160}


def save(name, folder):
    """Write the model `name` of `MODELS` into `folder`."""
    import torch

    torch.manual_seed(0)
    model, *others = MODELS[name]()
    for parameter in model.parameters():  # so that every weight matters
        torch.nn.init.normal_(parameter, 0.05, 0.2)
    model.save_pretrained(folder)
    for one in others:
        one.save_pretrained(folder)
    return folder


def byte_tokenizer(*, special=True):
    """A byte-level tokenizer: `<s>`, text and `</s>`, or without special tokens and padding."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    names = ["<s>", "<pad>", "</s>", "<unk>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    numbers = {token: k for k, token in enumerate([*names, *letters])}
    tokenizer = Tokenizer(models.BPE(numbers, [], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    if not special:
        return PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )


def _text(name, *, special=True, **options):
    import transformers

    config = getattr(transformers, f"{name}Config")(**options)
    return getattr(transformers, f"{name}Model")(config), byte_tokenizer(special=special)


def _speech(name, norm="layer", **options):
    import transformers

    options = {"feat_extract_norm": norm, "do_stable_layer_norm": norm == "layer"} | options
    config = getattr(transformers, f"{name}Config")(**_SPEECH, **options)
    extractor = transformers.Wav2Vec2FeatureExtractor(return_attention_mask=norm == "layer")
    return getattr(transformers, f"{name}Model")(config), extractor


def _data2vec():
    from transformers import Data2VecAudioConfig, Data2VecAudioModel, Wav2Vec2FeatureExtractor

    config = Data2VecAudioConfig(**_SPEECH, conv_pos_kernel_size=5)
    return Data2VecAudioModel(config), Wav2Vec2FeatureExtractor(return_attention_mask=True)


def _whisper():
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperModel

    numbers = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "vocab_size": 8}
    config = WhisperConfig(
        **_BART,
        **numbers,
        num_mel_bins=16,
        max_source_positions=100,
        decoder_start_token_id=0,
        max_target_positions=8,
    )
    extractor = WhisperFeatureExtractor(feature_size=16, chunk_length=2)
    return WhisperModel(config), extractor


def _ast():
    from transformers import ASTConfig, ASTFeatureExtractor, ASTModel

    size = {"max_length": 156, "num_mel_bins": 36}
    config = ASTConfig(**_TRANSFORMER, **size)
    return ASTModel(config), ASTFeatureExtractor(**size)


def _vit():
    from transformers import ViTConfig, ViTImageProcessorPil, ViTModel

    processor = ViTImageProcessorPil(size={"height": 32, "width": 32})
    return ViTModel(ViTConfig(**_PICTURE)), processor


def _dinov2():
    from transformers import BitImageProcessorPil, Dinov2Config, Dinov2Model

    config = Dinov2Config(**{k: v for k, v in _PICTURE.items() if k != "intermediate_size"})
    processor = BitImageProcessorPil(
        size={"shortest_edge": 36}, crop_size={"height": 32, "width": 32}
    )
    return Dinov2Model(config), processor


def _contrastive(name, **options):
    import transformers

    config = getattr(transformers, f"{name}Config")(
        text_config=_TRANSFORMER | {"vocab_size": 20, "max_position_embeddings": 8},
        vision_config=_PICTURE,
        **options,
    )
    size = {"shortest_edge": 32} if name == "CLIP" else {"height": 32, "width": 32}
    options = {"crop_size": {"height": 32, "width": 32}} if name == "CLIP" else {}
    processor = getattr(transformers, f"{name}ImageProcessorPil")(size=size, **options)
    return getattr(transformers, f"{name}Model")(config), processor


def _clip_processor(cls):
    return cls(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})


def _videomae():
    from transformers import VideoMAEConfig, VideoMAEImageProcessorPil, VideoMAEModel

    config = VideoMAEConfig(**_PICTURE, num_frames=4)
    return VideoMAEModel(config), _clip_processor(VideoMAEImageProcessorPil)


def _xclip():
    from transformers import VideoMAEImageProcessorPil, XCLIPConfig, XCLIPModel

    config = XCLIPConfig(
        text_config=_TRANSFORMER | {"vocab_size": 20, "max_position_embeddings": 8},
        vision_config=_PICTURE
        | {
            "num_frames": 4,
            "mit_hidden_size": 12,
            "mit_intermediate_size": 24,
            "mit_num_hidden_layers": 1,
            "mit_num_attention_heads": 2,
        },
        projection_dim=12,
        prompt_layers=1,
        prompt_num_attention_heads=2,
    )
    return XCLIPModel(config), _clip_processor(VideoMAEImageProcessorPil)


_T5 = {"d_model": WIDTH, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2}
_ROPE = _TRANSFORMER | {"num_key_value_heads": 1} | _WORDS

MODELS = {
    "roberta": partial(_text, "Roberta", **_TRANSFORMER, **_WORDS),
    "mpnet": partial(_text, "MPNet", **_TRANSFORMER, **_WORDS),
    "qwen2": partial(_text, "Qwen2", special=False, **_ROPE),
    "t5": partial(_text, "T5", vocab_size=300, **_T5),
    "bart": partial(_text, "Bart", **_BART, **_WORDS),
    "wav2vec2": partial(_speech, "Wav2Vec2"),
    "wav2vec2-group": partial(_speech, "Wav2Vec2", "group"),
    "hubert": partial(_speech, "Hubert"),
    "wavlm": partial(_speech, "WavLM"),
    "data2vec": _data2vec,
    "whisper": _whisper,
    "ast": _ast,
    "vit": _vit,
    "dinov2": _dinov2,
    "clip": partial(_contrastive, "CLIP", projection_dim=12),
    "siglip": partial(_contrastive, "Siglip"),
    "videomae": _videomae,
    "xclip": _xclip,
}
