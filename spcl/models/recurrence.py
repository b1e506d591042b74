"""The recurrence of DialogueRNN, for several modalities and both directions at once.

DialogueRNN (Majumder et al. 2019, AAAI, arXiv 1811.00405), without the state of listeners. At
utterance t, spoken by party s, with x_t the features and P_t the positional encoding of t::

    g_t     = GRU_g([x_t, q_s], g_(t-1))
    c_t     = sum over k < t of softmax_k(w . (g_k + P_k)) (g_k + P_k)
    q_s    <- GRU_p([x_t, c_t], q_s)
    e_t     = GRU_e(q_s, e_(t-1))

The input map of a GRU is split into a part for x, which is computed for all t in advance, and a
part for the state. The softmax is accumulated, so the cost of a step does not grow with t.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spcl.models.attention import sinusoids
from spcl.models.dropout import dropout


@dataclass
class Steps:
    """The input of K cells: T steps of B dialogues.

    Attributes
    ----------
    to_global, to_party
        The contribution of the features to the gates of the GRUs, (T, K, B, 3 G) and
        (T, K, B, 3 P).
    speaker
        (T, K, B) int64: the index of the speaking party.
    n_speakers
        S, the number of parties with a state.
    active
        For each step, the number n of dialogues that have this step: the first n. Non-increasing.
    masks
        From `Recurrence.draw`.
    """

    to_global: Tensor
    to_party: Tensor
    speaker: Tensor
    n_speakers: int
    active: Sequence[int]
    masks: tuple[Tensor, ...]


class Recurrence(nn.Module):
    """K cells with separate weights, computed together.

    Parameters
    ----------
    cells
        K.
    global_hidden, party_hidden, emotion_hidden
        Widths of g, q and e: G, P and E.
    dropout
        Dropout probability of every new state.
    position_dropout
        Dropout probability of the past global states with their positions.
    """

    def __init__(
        self,
        cells: int,
        *,
        global_hidden: int,
        party_hidden: int,
        emotion_hidden: int,
        dropout: float,
        position_dropout: float,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.position_dropout = position_dropout
        self.party_to_global = _uniform(cells, party_hidden, 3 * global_hidden)
        self.global_to_global = _uniform(cells, global_hidden, 3 * global_hidden)
        self.global_bias = _uniform(cells, 1, 3 * global_hidden)
        self.context_to_party = _uniform(cells, global_hidden, 3 * party_hidden)
        self.party_to_party = _uniform(cells, party_hidden, 3 * party_hidden)
        self.party_bias = _uniform(cells, 1, 3 * party_hidden)
        self.party_to_emotion = _uniform(cells, party_hidden, 3 * emotion_hidden)
        self.emotion_input_bias = _uniform(cells, 1, 3 * emotion_hidden)
        self.emotion_to_emotion = _uniform(cells, emotion_hidden, 3 * emotion_hidden)
        self.emotion_bias = _uniform(cells, 1, 3 * emotion_hidden)
        self.attention = nn.Parameter(torch.empty(cells, global_hidden, 1))
        nn.init.uniform_(self.attention, -(global_hidden**-0.5), global_hidden**-0.5)

    def draw(self, length: int, dialogues: int) -> tuple[Tensor, ...]:
        """Draw dropout masks for every g, q, past g and e, (T, K, B, .); () in evaluation mode."""
        if not self.training:
            return ()
        cells, p_width, e_width = self.party_to_emotion.shape
        g_width, ones = self.global_to_global.shape[1], self.attention.new_ones(())
        return tuple(
            dropout(ones.expand(length, cells, dialogues, width), p)
            for width, p in (
                (g_width, self.dropout),
                (p_width, self.dropout),
                (g_width, self.position_dropout),
                (e_width // 3, self.dropout),
            )
        )

    def forward(self, steps: Steps) -> Tensor:
        """Every e, (T, K, B, E); undefined after the end of a dialogue."""
        length, cells, dialogues, _ = steps.to_global.shape
        g = steps.to_global.new_zeros(cells, dialogues, self.global_to_global.shape[1])
        parties = g.new_zeros(cells, dialogues, steps.n_speakers, self.party_to_party.shape[1])
        context = torch.zeros_like(g)
        log_sum = g.new_full((cells, dialogues, 1), -torch.inf)
        positions = sinusoids(length, g.shape[-1], g.device).to(g.dtype)
        # In evaluation mode the masks are not used.
        masks = [mask.unbind() for mask in steps.masks] or [positions.unbind()] * 4
        from_party = _Map(self.party_to_global, steps.to_global, steps.active)
        from_global = _Map(self.global_to_global, self.global_bias, steps.active)
        from_context = _Map(self.context_to_party, steps.to_party, steps.active)
        from_self = _Map(self.party_to_party, self.party_bias, steps.active)

        spoken = []
        for n, speaker, position, d_g, d_q, d_k in zip(
            steps.active, steps.speaker.unbind(), positions.unbind(), *masks[:3], strict=True
        ):
            g, parties, context = _first(g, n), _first(parties, n), _first(context, n)
            log_sum = _first(log_sum, n)
            states = parties.flatten(0, 2)  # (K n S, P)
            first = torch.arange(0, len(states), steps.n_speakers, device=g.device)
            spoke = first + _first(speaker, n).flatten()
            q = states.index_select(0, spoke).unflatten(0, (cells, n))
            g = _gru(from_party(q), from_global(g), g)
            q = _gru(from_context(context), from_self(q), q)
            if self.training:
                g, q = g * _first(d_g, n), q * _first(d_q, n)
            parties = states.index_copy(0, spoke, q.flatten(0, 1)).view_as(parties)
            spoken.append(q)
            # Add one more global state to the softmax over the past.
            past = g + position
            if self.training:
                past = past * _first(d_k, n)
            score = past @ self.attention
            context = torch.lerp(context, past, torch.sigmoid(score - log_sum))
            log_sum = torch.logaddexp(log_sum, score)
        return self._emotions(spoken, steps.active, masks[3])

    def _emotions(
        self, spoken: list[Tensor], active: Sequence[int], masks: Sequence[Tensor]
    ) -> Tensor:
        """The emotion GRU, which no other state depends on: T of (K, n, P) -> (T, K, B, E)."""
        inputs = torch.baddbmm(
            self.emotion_input_bias, torch.cat(spoken, 1), self.party_to_emotion
        ).split(list(active), 1)
        e = inputs[0].new_zeros(*inputs[0].shape[:2], self.emotion_to_emotion.shape[1])
        from_emotion = _Map(self.emotion_to_emotion, self.emotion_bias, active)
        emotions = []
        for n, u, d in zip(active, inputs, masks, strict=True):
            e = _first(e, n)
            e = _gru(u, from_emotion(e), e)
            if self.training:
                e = e * _first(d, n)
            emotions.append(F.pad(e, (0, 0, 0, active[0] - n)) if n < active[0] else e)
        return torch.stack(emotions)


class _Map:
    """Computes x_t W + u_t, one step after another.

    With ordinary autograd, each step would add a product of small matrices to the gradient of W.
    Here W is constant within the steps, and its gradient is computed afterwards from all steps in
    one product.

    Parameters
    ----------
    weight
        W, (K, D, 3 H).
    added
        u, (T, K, B, 3 H), or (K, 1, 3 H) if it is the same at every step.
    active
        See `Steps`.
    """

    def __init__(self, weight: Tensor, added: Tensor, active: Sequence[int]) -> None:
        self.weight = weight.detach()
        self.inputs: list[Tensor] = []
        if added.ndim == 4:
            parts = [_first(u, n) for u, n in zip(added.unbind(), active, strict=True)]
            added = torch.cat(parts, 1)
        added = _WithWeightGradient.apply(added.expand(-1, sum(active), -1), weight, self.inputs)
        self.added = iter(added.split(list(active), 1))

    def __call__(self, x: Tensor) -> Tensor:
        self.inputs.append(x.detach())
        return torch.baddbmm(next(self.added), x, self.weight)


class _WithWeightGradient(torch.autograd.Function):
    """The identity for u of all steps, which adds the gradient of W: the sum of x_t^T grad u_t.

    `inputs` contains every x_t when backward runs.
    """

    @staticmethod
    def forward(ctx: Any, u: Tensor, weight: Tensor, inputs: list[Tensor]) -> Tensor:
        ctx.inputs = inputs
        return u.view_as(u)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad, torch.cat(ctx.inputs, 1).mT @ grad, None


def _first(x: Tensor, n: int) -> Tensor:
    """The first n dialogues of x (K, B, ...)."""
    return x if x.shape[1] == n else x[:, :n]


def _uniform(cells: int, rows: int, gates: int) -> nn.Parameter:
    """Weights (K, rows, 3 H) with the initialisation of torch's GRU."""
    bound = (gates // 3) ** -0.5
    return nn.Parameter(nn.init.uniform_(torch.empty(cells, rows, gates), -bound, bound))


def _gru(inputs: Tensor, hidden: Tensor, state: Tensor) -> Tensor:
    """One step of a GRU from the two sums (..., 3 H) of its gates, ordered reset, update, new."""
    width = state.shape[-1]
    gates, new = inputs.split((2 * width, width), -1)
    hidden_gates, hidden_new = hidden.split((2 * width, width), -1)
    reset, update = torch.sigmoid(gates + hidden_gates).chunk(2, -1)
    new = torch.tanh(torch.addcmul(new, reset, hidden_new))
    return torch.lerp(new, state, update)
