"""Runs the authors' code (np4s/SPCL) in a process that trains on the given batches.

Run by benchmarks.reference with a Python that has torch, numpy and, for DialogueGCN,
torch_geometric; nothing of this project is imported. Arguments: the clone, a file of random
features (.npz), and the settings as JSON. Each line of dialogue numbers on stdin is one training
step; its wall seconds are written to stdout.
"""

import argparse
import importlib
import json
import sys
import time
import types
from pathlib import Path

import numpy as np
import torch

CLASSES = {  # module and class by the reference's name of the baseline
    "biddin": ("BiDDIN", "MultiBiModel"),
    "dialogue_gcn": ("dialogueGCN", "MultiDialogueGCN"),
    "late_fusion": ("late_fusion", "LateFusion"),
    "mm_dfn": ("MM_DFN", "MM_DFN"),
    "mmgcn": ("MMGCN", "MMGCN"),
}
SIZES = {  # those of the reference's training scripts
    "biddin": {"hidden_dim": 150, "hidden2_dim": 150, "hidden3_dim": 100, "drop_rate": 0.5},
    "dialogue_gcn": {"hidden_dim": 200, "hidden2_dim": 100, "drop_rate": 0.1},
    "late_fusion": {"hidden_dim": 256, "drop_rate": 0.4},
    "mm_dfn": {"hidden_dim": 300, "hidden2_dim": 150, "drop_rate": 0.4},
    "mmgcn": {"hidden_dim": 256, "drop_rate": 0.4},
}


def load_model(clone, settings):
    """The reference's model with its curriculum, fixed where it does not run as published."""
    folder = Path(clone, "code")
    sys.path.insert(0, str(folder))
    baseline, device = settings["baseline"], settings["device"]
    # The package's own __init__ imports modules that were never published, so it does not run.
    package = types.ModuleType("backbone")
    package.__path__ = [str(folder / "backbone")]
    sys.modules["backbone"] = package
    for name, (module, cls) in CLASSES.items():
        wanted = name == baseline
        found = getattr(importlib.import_module(f"backbone.{module}"), cls) if wanted else None
        setattr(package, cls, found)
    if device == "cpu":  # BiDDIN sends a layer to the GPU whatever it runs on
        torch.nn.LayerNorm.cuda = lambda self: self
    widths, classes = settings["widths"], settings["classes"]
    arguments = argparse.Namespace(
        backbone=baseline,
        dataset="random",
        modalities="".join(widths),
        embedding_dim={"random": widths},
        dataset_label_dict={"random": {str(label): label for label in range(classes)}},
        dataset_num_speakers={"random": settings["speakers"]},
        device=device,
        use_cl=True,
        cl_threshold=0.4,
        cl_growth=1.25,
        encoder_modules="transformer",
        encoder_nlayers=2,
        trans_head=1,
        wp=5,
        wf=5,
        use_speaker=False,
        hidden4_dim=100,
        D_att=100,
        listener_state=False,
        context_attention="simple",
    )
    for name, value in SIZES[baseline].items():
        setattr(arguments, name, value)
    torch.manual_seed(0)
    return importlib.import_module("model").Model(arguments).to(device)


def make_batch(corpus, chosen, modalities, device):
    """What the reference's loader returns for the `chosen` dialogues: padded, on the device."""
    lengths = corpus["lengths"]
    starts = np.cumsum(lengths) - lengths
    rows = [np.arange(starts[one], starts[one] + lengths[one]) for one in chosen]

    def padded(values):
        parts = [torch.from_numpy(values[one]) for one in rows]
        return torch.nn.utils.rnn.pad_sequence(parts, batch_first=True).to(device)

    return {
        "tensor": {m: padded(corpus[m]) for m in modalities},
        "length": torch.from_numpy(lengths[chosen]).to(device),
        "speaker_tensor": padded(corpus["speakers"]),
        "label_tensor": torch.from_numpy(corpus["labels"][np.concatenate(rows)]).to(device),
    }


def seconds_of_step(model, optimizer, batch):
    """One training step as in the reference's loop, which also reads three losses."""
    finish = torch.cuda.synchronize if batch["length"].is_cuda else (lambda: None)
    finish()
    start = time.perf_counter()
    model.zero_grad()
    loss, _, _, losses = model.get_loss(batch)
    for one in (loss, *losses.values()):
        one.item()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=2.0)
    optimizer.step()
    finish()
    return time.perf_counter() - start


def main():
    clone, features, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    torch.set_num_threads(settings["threads"])
    answers, sys.stdout = sys.stdout, sys.stderr  # the reference prints, too
    with np.load(features) as file:
        corpus = dict(file)
    model = load_model(clone, settings)
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-8)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        chosen = np.array(line.split(), np.int64)
        batch = make_batch(corpus, chosen, settings["widths"], settings["device"])
        print(seconds_of_step(model, optimizer, batch), file=answers, flush=True)


if __name__ == "__main__":
    main()
