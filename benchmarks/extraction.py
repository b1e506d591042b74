"""The utterances a second of the extractors, and the share of their time that is decoding."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import clips, results
from benchmarks.machine import this_machine
from spcl.data.media import MediaReference
from spcl.extract import Extractor, Item, build
from spcl.extract.decoding import pictures, sound
from spcl.extract.files import extract_files

_OFFLINE: Sequence[tuple[str, str, dict[str, Any]]] = (
    ("t", "minilm", {}),
    ("a", "egemaps", {}),
    ("a", "egemaps", {"feature_set": "IS10"}),
    ("a", "egemaps", {"feature_set": "ComParE_2016"}),
    ("a", "logmel", {}),
    ("v", "face_hog", {}),
)
_CLIPS = 20
_TEXTS = (
    "I am so glad that you could come tonight!",
    "No, I never said that, and you know it.",
    "What do you mean?",
    "We have been waiting here for almost an hour, and nobody told us why it takes so long.",
)


def run(
    device: str, threads: int, *, utterances: int = 200, model_utterances: int = 8
) -> Iterator[str]:
    """Measure, leave ``extraction.parquet``, and yield a line an extractor.

    The time of an extractor includes decoding the clips of `benchmarks.clips`, but not building it.
    The models have random weights of the usual sizes and read `model_utterances`.
    """
    machine = this_machine(device, threads)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for number in range(_CLIPS):
            clips.write_clip(folder / f"{number}.mp4", number)
        for modality, name, options in _OFFLINE:
            row = _measured(build(modality, name, options), folder, utterances, threads)
            rows.append(row | {"model": options.get("feature_set", "")})
            results.save("extraction", rows, machine)
            yield _line(rows[-1])
        for model, (modality, name, _) in clips.MODELS.items():
            place = folder / "model"
            clips.write_model(model, place)
            extractor = build(modality, name, {"folder": str(place)})
            shutil.rmtree(place)
            row = _measured(extractor, folder, model_utterances, threads)
            rows.append(row | {"model": model})
            results.save("extraction", rows, machine)
            yield _line(rows[-1])


def _measured(extractor: Extractor, folder: Path, count: int, threads: int) -> dict[str, Any]:
    items = [_item(extractor.modality, folder, number) for number in range(count)]
    extractor(items[:2], threads)  # what is loaded at the first call
    start = time.perf_counter()
    extract_files(extractor, items, folder / "features.parquet", threads=threads)
    seconds = time.perf_counter() - start
    few = items[: min(count, _CLIPS)]
    decoding = _seconds(lambda: [_decode(extractor, item) for item in few])
    whole = _seconds(lambda: extractor(few, 1))
    return {
        "modality": extractor.modality,
        "extractor": extractor.name,
        "utterances": count,
        "seconds": seconds,
        "decoding_share": decoding / whole,
    }


def _item(modality: str, folder: Path, number: int) -> Item:
    clip = MediaReference(str(folder / f"{number % _CLIPS}.mp4"))
    if modality == "t":
        return Item(str(number), text=_TEXTS[number % len(_TEXTS)])
    return Item(str(number)).with_medium(modality, clip)


def _decode(extractor: Extractor, item: Item) -> None:
    """Decode what the extractor reads of an item, and nothing else."""
    if extractor.modality == "a":
        sound(item)
    if extractor.modality == "v":
        frames = getattr(extractor, "frames", 16)  # of VideoMAE
        pictures(item, frames, colour=extractor.name != "face_hog")


def _seconds(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _line(row: dict[str, Any]) -> str:
    rate = row["utterances"] / row["seconds"]
    return (
        f"{row['modality']} {row['extractor']:18}{row['model']:15}{row['utterances']:5} utterances"
        f"{row['seconds']:8.1f} s{rate:8.1f} a second, decoding {row['decoding_share']:.0%}"
    )
