"""Attention and pairwise products within dialogues, against dense matrices."""

import pytest
import torch

from spcl.models import Batch, attention, blocks
from spcl.models.attention import attend
from spcl.models.blocks import mix, pairs, softmax

LENGTHS = [3, 1, 4]


@pytest.fixture(params=["dialogue by dialogue", "padded, as on a GPU"])
def layout(request, monkeypatch):
    if request.param.startswith("padded"):
        for module in (attention, blocks):
            monkeypatch.setattr(module, "by_dialogue", lambda x: False)


def batch_of(lengths):
    zeros = torch.zeros(sum(lengths), dtype=torch.int64)
    return Batch({}, torch.tensor(lengths), zeros, zeros)


def random(*shape, dtype=torch.float32):
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, generator=generator, dtype=dtype, requires_grad=True)


def dense_attention(batch, qkv, heads):
    """Attention over the whole batch, all but the pairs of a dialogue masked out."""
    q, k, v = qkv.unflatten(-1, (3, heads, -1)).permute(1, 2, 0, 3)
    same = batch.dialogue[:, None] == batch.dialogue
    scores = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~same, -torch.inf)
    return (scores.softmax(-1) @ v).transpose(0, 1).flatten(1)


@pytest.mark.parametrize("lengths", [LENGTHS, [1], [5, 5], [1, 1, 1]])
@pytest.mark.parametrize("heads", [1, 3])
def test_attention_is_that_of_the_whole_batch_within_dialogues(lengths, heads, layout):
    batch, qkv = batch_of(lengths), random(sum(lengths), 3 * 6)
    found, expected = attend(batch, qkv, heads=heads), dense_attention(batch, qkv, heads)
    torch.testing.assert_close(found, expected)
    direction = torch.randn_like(found)
    torch.testing.assert_close(
        *(torch.autograd.grad((z * direction).sum(), qkv) for z in (found, expected))
    )


def test_all_pairs_of_a_dialogue_and_no_other_meet(layout):
    batch = batch_of(LENGTHS)
    x, y, z = random(2, 8, 5), random(2, 8, 4), random(2, 8, 5)
    same = (batch.dialogue[:, None] == batch.dialogue).float()
    found = mix(batch, pairs(batch, x, z).square() + 1, y)
    expected = (((x @ z.mT).square() + 1) * same) @ y
    torch.testing.assert_close(found, expected)
    direction = torch.randn_like(found)
    torch.testing.assert_close(
        *(torch.autograd.grad((one * direction).sum(), (x, y, z)) for one in (found, expected))
    )


@pytest.mark.parametrize("lengths", [LENGTHS, [1]])
def test_gradients_are_those_of_finite_differences(lengths):
    batch, n = batch_of(lengths), sum(lengths)
    x, y = random(2, n, 2, dtype=torch.float64), random(2, n, 3, dtype=torch.float64)
    w = random(2 * sum(n * n for n in lengths), dtype=torch.float64)
    for function, inputs in (
        (lambda x, y: pairs(batch, x, y), (x, x.detach().clone().requires_grad_())),
        (lambda w, y: mix(batch, w, y), (w, y)),
        (lambda w: softmax(batch, w, 2), (w,)),
    ):
        assert torch.autograd.gradcheck(function, inputs)
