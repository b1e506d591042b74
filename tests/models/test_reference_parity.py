"""Our baselines give the logits of the authors' code for the same weights.

`golden.parquet` holds what that code (np4s/SPCL, commit fb2b8d2, under torch 2.13 and
torch_geometric 2.6.1, on a CPU, in evaluation mode) gave for small networks, one dialogue a batch.
A row is one tensor of a case, a case being a baseline and a set of modalities: first every weight
of its state dict, by name and shape alone, in order; then the logits of each dialogue and modality
with their values. Weights and inputs are not kept: `weights` and `inputs` below draw them, the
same for both codes, from uniform numbers of PCG64. The authors' code was run as it is but for two
things: imports of modules that it does not ship were left out, and a `.cuda()` did nothing.
"""

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch

from spcl.errors import UserError
from spcl.models import Batch, load_reference

GOLDEN = Path(__file__).with_name("golden.parquet")
BASELINES = ("biddin", "dialogue_gcn", "mm_dfn", "mmgcn")
MODALITIES = ("atv", "at", "tv", "av")
WIDTHS = {"a": 12, "t": 10, "v": 17}
LENGTHS = (1, 2, 13)
N_SPEAKERS = 3


def uniform(rng, shape):
    """Numbers of mean 0 and variance 1."""
    return torch.from_numpy(((2 * rng.random(shape) - 1) * 3**0.5).astype(np.float32))


def weights(case, names_and_shapes):
    """Draw the state dict of a case: variance 1 / fan-in, norms around 1."""
    rng = np.random.Generator(np.random.PCG64([1, *case.encode()]))
    drawn = {}
    for name, shape in names_and_shapes:
        value = uniform(rng, tuple(shape)) / (shape[-1] if len(shape) > 1 else 4) ** 0.5
        drawn[name] = 1 + value / 4 if "norm" in name and name.endswith("weight") else value
    return drawn


def inputs(case):
    """Draw the dialogues of a case: features by modality, and speakers."""
    rng = np.random.Generator(np.random.PCG64([2, *case.encode()]))
    modalities = case.split("/")[1]
    return [
        (
            {m: uniform(rng, (length, WIDTHS[m])) for m in modalities},
            torch.from_numpy(np.floor(N_SPEAKERS * rng.random(length)).astype(np.int64)),
        )
        for length in LENGTHS
    ]


@pytest.fixture(scope="module")
def golden():
    return pq.read_table(GOLDEN)


@pytest.mark.parametrize("modalities", MODALITIES)
@pytest.mark.parametrize("baseline", BASELINES)
def test_logits_are_the_references(golden, baseline, modalities):
    case = f"{baseline}/{modalities}"
    rows = golden.filter(pc.field("case") == case).to_pylist()
    names_and_shapes = [(row["name"], row["shape"]) for row in rows if row["dialogue"] is None]
    settings = {"window_past": 2, "window_future": 3} if baseline == "dialogue_gcn" else {}
    model = load_reference(
        baseline, weights(case, names_and_shapes), n_speakers=N_SPEAKERS, **settings
    ).eval()
    dialogues = inputs(case)
    compared = 0
    for row in rows:
        if row["dialogue"] is not None:
            features, speakers = dialogues[row["dialogue"]]
            batch = Batch(features, torch.tensor([len(speakers)]), speakers, labels=speakers)
            with torch.no_grad():
                ours = model(batch)[row["name"]]
            theirs = torch.tensor(row["values"]).view(row["shape"])
            torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)
            compared += 1
    assert compared == len(LENGTHS) * len(modalities)


def test_a_checkpoint_of_the_whole_model_is_read_too(golden):
    rows = golden.filter(pc.field("case") == "mmgcn/at").to_pylist()
    drawn = weights("mmgcn/at", [(r["name"], r["shape"]) for r in rows if r["dialogue"] is None])
    plain = load_reference("mmgcn", drawn)
    prefixed = load_reference("mmgcn", {f"net.{name}": value for name, value in drawn.items()})
    for name, value in plain.state_dict().items():
        assert torch.equal(prefixed.state_dict()[name], value)


def test_weights_of_another_baseline_are_a_users_error(golden):
    rows = golden.filter(pc.field("case") == "mmgcn/at").to_pylist()
    drawn = weights("mmgcn/at", [(r["name"], r["shape"]) for r in rows if r["dialogue"] is None])
    for baseline in ("biddin", "dialogue_gcn", "mm_dfn", "late_fusion"):
        with pytest.raises(UserError, match=f"no weights of the reference's {baseline}"):
            load_reference(baseline, drawn)
