"""`Adam` computes the same as torch.optim.Adam, with fewer imports."""

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from spcl.training.adam import Adam

SETTINGS = {"weight_decay": 1e-2}


def network():
    torch.manual_seed(1)
    return nn.ModuleList([nn.Linear(5, 7), nn.Linear(7, 3), nn.Linear(2, 2)])


def learn(model, optimizer, steps, first=0):
    """Train on data that depend on the step number; the last layer never has a gradient."""
    for step in range(first, first + steps):
        x = torch.randn(4, 5, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        model[1](model[0](x).relu()).square().sum().backward()
        optimizer.step()


def test_steps_equal_those_of_torch_bit_by_bit():
    ours, theirs = network(), network()
    learn(ours, Adam(ours.parameters(), learning_rate=0.01, **SETTINGS), 20)
    learn(theirs, torch.optim.Adam(theirs.parameters(), lr=0.01, fused=True, **SETTINGS), 20)
    assert all(map(torch.equal, ours.parameters(), theirs.parameters()))
    assert not torch.equal(ours[0].weight, network()[0].weight)


@pytest.mark.parametrize("cut", [0, 3])
def test_it_resumes_from_its_state(cut):
    whole = network()
    learn(whole, Adam(whole.parameters(), learning_rate=0.01, **SETTINGS), 6)
    part = network()
    first = Adam(part.parameters(), learning_rate=0.01, **SETTINGS)
    learn(part, first, cut)
    second = Adam(part.parameters(), learning_rate=0.01, **SETTINGS)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    learn(part, second, 6 - cut, first=cut)
    assert all(map(torch.equal, part.parameters(), whole.parameters()))


def test_it_does_not_import_the_compiler():
    program = (
        "import sys, torch; from spcl.training.adam import Adam\n"
        "p = torch.nn.Parameter(torch.ones(3)); adam = Adam([p], learning_rate=1, weight_decay=0)\n"
        "adam.zero_grad(); p.sum().backward(); adam.step()\n"
        "assert p[0] < 1; sys.exit('torch._dynamo' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
