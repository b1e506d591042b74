"""The memory of one training step, in a process of its own: prints one row as JSON."""

import json
import sys

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.shapes import SHAPES
from benchmarks.sides import Side
from benchmarks.training import batch_of


def measure(baseline: str, shape: str, batch_size: int, device: str) -> dict[str, float]:
    """Bytes that a step holds at its fullest, beyond weights, their gradients and the batch.

    The dialogues are drawn with replacement, so a batch may be larger than the corpus.
    """
    size = SHAPES[shape]
    side = Side(baseline, size, "atv", "spcl", device)
    dialogues = size.corpus("atv", device=device)
    chosen = np.random.default_rng(batch_size).choice(len(dialogues), batch_size)
    side.backward(batch_of(dialogues, chosen[:8]))  # from here on gradients have their memory
    batch = batch_of(dialogues, chosen)
    if device == "cuda":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        side.backward(batch)
        peak = torch.cuda.max_memory_allocated() - before
    else:
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
            side.backward(batch)
        peak = _largest_sum(profiler)
    lengths = dialogues.lengths[chosen]
    return {
        "bytes": peak,
        "utterances": int(lengths.sum()),
        "squared_lengths": int((lengths**2).sum()),
    }


def _largest_sum(profiler: profile) -> int:
    """The largest running sum of what was allocated and freed."""
    kineto = profiler.profiler.kineto_results
    events = [event for event in kineto.events() if event.name() == "[memory]"]
    events.sort(key=lambda event: event.start_ns())
    return int(np.cumsum([event.nbytes() for event in events]).max())


if __name__ == "__main__":
    name, corpus, dialogues_a_step, where, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    print(json.dumps(measure(name, corpus, int(dialogues_a_step), where)))
