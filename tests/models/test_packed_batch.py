"""Packed batches, and the conversion of rows between layouts."""

import pytest
import torch

from spcl.models import Batch
from spcl.models.attention import sinusoids
from spcl.models.dropout import dropout
from spcl.models.graph import ModalityGraph
from spcl.models.rows import Rows, take
from spcl.models.window import WindowGraph


def batch_of(lengths, speakers=None, **more):
    n = sum(lengths)
    speakers = torch.zeros(n, dtype=torch.int64) if speakers is None else torch.tensor(speakers)
    return Batch({"t": torch.randn(n, 2)}, torch.tensor(lengths), speakers, speakers, **more)


def test_padding_puts_every_utterance_into_its_dialogue_and_packing_brings_it_back():
    batch = batch_of([2, 1, 3], max_length=4)
    x = torch.arange(1.0, 13).view(6, 2)
    padded = batch.pad(x)
    assert padded[..., 0].tolist() == [[1, 3, 0, 0], [5, 0, 0, 0], [7, 9, 11, 0]]
    assert torch.equal(batch.pack(padded), x)
    assert batch.dialogue.tolist() == [0, 0, 1, 2, 2, 2]
    assert batch.position.tolist() == [0, 1, 0, 0, 1, 2]


def test_the_longest_dialogue_is_found_where_it_is_not_given():
    assert batch_of([2, 5, 3]).max_length == 5


def test_rows_that_do_not_fit_together_are_refused():
    with pytest.raises(ValueError, match="v: 3 rows, but there are 4 labels"):
        Batch(
            {"t": torch.zeros(4, 2), "v": torch.zeros(3, 2)},
            torch.tensor([4]),
            torch.zeros(4),
            torch.zeros(4),
        )


def test_gradients_of_moved_rows_are_right():
    batch = batch_of([2, 4, 1])
    x = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
    padded = torch.randn(3, 4, 2, dtype=torch.float64, requires_grad=True)
    window = WindowGraph.of(batch, past=1, future=2, n_speakers=1)
    assert torch.autograd.gradcheck(batch.pad, x)
    assert torch.autograd.gradcheck(batch.pack, padded)
    assert torch.autograd.gradcheck(window.sources, x)
    scores = torch.randn(7, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(window.softmax_out, scores)


def test_rows_that_are_not_kept_are_zeros_even_of_nothing_finite():
    x = torch.tensor([[torch.nan], [1.0]])
    there = Rows(torch.tensor([1, 0]), torch.tensor([True, False]))
    back = Rows(torch.tensor([0, 0]), torch.tensor([False, True]))
    assert take(x, there, back).flatten().tolist() == [1, 0]


def test_the_edges_of_a_window_are_those_of_a_slow_loop():
    past, future, n_speakers = 1, 2, 3
    speakers = [0, 2, 2, 1, 0, 1, 1, 2]
    batch = batch_of([5, 3], speakers)
    graph = WindowGraph.of(batch, past=past, future=future, n_speakers=n_speakers)
    expected = torch.zeros(8, 8, 2 * n_speakers**2)  # target, source, relation
    for start, end in ((0, 5), (5, 8)):
        for j in range(start, end):
            for i in range(max(start, j - past), min(end, j + future + 1)):
                relation = 2 * (n_speakers * speakers[j] + speakers[i]) + (j >= i)
                expected[i, j, relation] = 1
    expected /= expected.sum(1, keepdim=True).clamp(min=1)
    dense = torch.zeros_like(expected)
    source = graph.sources(torch.arange(8.0)[:, None]).long().squeeze(-1)
    for i, column in torch.cartesian_prod(torch.arange(8), torch.arange(past + 1 + future)):
        relation = graph.relation[i, column]
        dense[i, source[i, column], relation] += graph.share[i, column]
    torch.testing.assert_close(dense, expected)

    scores = torch.randn(8, past + 1 + future)
    weights = graph.softmax_out(scores)
    leaving = torch.zeros(8).index_add(0, source.flatten(), weights.flatten())
    torch.testing.assert_close(leaving, torch.ones(8))
    assert weights[graph.share == 0].abs().max() == 0


def test_the_modality_graph_is_the_papers_matrix():
    torch.manual_seed(0)
    batch, h = batch_of([3, 2]), torch.randn(2, 5, 4)
    expected = torch.zeros(10, 10)
    nodes = h.flatten(0, 1)
    for x in range(10):
        for y in range(10):
            same_dialogue = batch.dialogue[x % 5] == batch.dialogue[y % 5]
            if same_dialogue and (x // 5 == y // 5 or x % 5 == y % 5):
                cosine = torch.cosine_similarity(nodes[x], nodes[y], dim=0)
                expected[x, y] = 1 - torch.arccos(0.99999 * cosine) / torch.pi
    root = expected.sum(1).rsqrt()
    expected = root[:, None] * expected * root
    signal = torch.randn(2, 5, 3)
    found = ModalityGraph.of(batch, h).aggregate(signal)
    torch.testing.assert_close(found.flatten(0, 1), expected @ signal.flatten(0, 1))


def test_a_zero_node_has_cosine_0_with_all_others():
    h = torch.randn(1, 3, 4)
    h[0, 1] = 0
    h.requires_grad_()
    graph = ModalityGraph.of(batch_of([3]), h)
    torch.testing.assert_close(graph.within.view(3, 3)[1], torch.full((3,), 0.5))
    graph.within.sum().backward()
    assert h.grad.isfinite().all()
    assert h.grad.abs().max() < 1e3


def test_equal_nodes_have_an_angle_even_when_their_cosine_passes_one():
    h = torch.ones(1, 6, 7) * torch.logspace(-3, 3, 6)[None, :, None] / 3
    h.requires_grad_()
    graph = ModalityGraph.of(batch_of([6]), h)
    assert graph.within.min() > 0.99
    graph.within.sum().backward()
    assert h.grad.isfinite().all()


def test_angles_are_computed_in_float32():
    h = torch.randn(2, 5, 64).bfloat16()
    h[:, 1] = h[:, 0]
    h.requires_grad_()
    full = ModalityGraph.of(batch_of([5]), h.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = ModalityGraph.of(batch_of([5]), h)
    assert half.within.dtype == torch.float32
    assert torch.equal(half.within, full.within)
    assert torch.equal(half.across, full.across)
    half.within.sum().backward()
    assert h.grad.isfinite().all()


def test_positions_are_sines_and_cosines():
    positions = sinusoids(50, 7, torch.device("cpu"))
    assert positions.shape == (50, 7)
    assert positions[0].tolist() == [0, 1, 0, 1, 0, 1, 0]
    for column, turn in ((2, torch.sin), (3, torch.cos)):
        angle = torch.tensor(3 / 10_000 ** (2 / 7))
        torch.testing.assert_close(positions[3, column], turn(angle))


@pytest.mark.parametrize("p", [0.1, 0.3, 0.4, 0.5, 0.9])
def test_dropout_keeps_the_mean(p):
    torch.manual_seed(0)
    x = torch.ones(400_002)
    dropped = dropout(x, p)
    torch.testing.assert_close(dropped.unique(), torch.tensor([0, 1 / (1 - p)]), atol=0, rtol=1e-4)
    assert abs(float((dropped == 0).float().mean()) - p) < 0.004
    assert abs(float(dropped.double().mean()) - 1) < 0.02
    assert dropout(x, p, training=False) is x


def test_entries_are_dropped_independently_of_their_neighbours():
    torch.manual_seed(0)
    kept = (dropout(torch.ones(400_000), 0.4) > 0).float().view(-1, 4)  # drawn four at a time
    torch.testing.assert_close(kept.mean(0), torch.full((4,), 0.6), atol=0.01, rtol=0)
    torch.testing.assert_close(kept.T.corrcoef(), torch.eye(4), atol=0.02, rtol=0)


def test_dropout_drops_the_same_entries_of_the_gradient():
    x = torch.randn(3, 5, 7, requires_grad=True)
    dropped = dropout(x, 0.5)
    dropped.sum().backward()
    assert torch.equal(x * x.grad, dropped)
