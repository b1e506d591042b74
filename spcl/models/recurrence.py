"""DialogueRNN's recurrence, for several modalities and both directions at once.

DialogueRNN (Majumder et al. 2019, AAAI, arXiv 1811.00405), without a listener's state.
At utterance t, spoken by party s, with x_t the features and P_t a sinusoid of t::

    g_t     = GRU_g([x_t, q_s], g_(t-1))
    c_t     = sum over k < t of softmax_k(w . (g_k + P_k)) (g_k + P_k)
    q_s    <- GRU_p([x_t, c_t], q_s)
    e_t     = GRU_e(q_s, e_(t-1))

A GRU's input map splits into a part for x, done for all t beforehand, and a part for the state. The
softmax is summed as it goes, so a step costs the same at every t.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from spcl.models.attention import sinusoids
from spcl.models.dropout import dropout


@dataclass
class Steps:
    """What K cells run over: T steps of B dialogues.

    Attributes
    ----------
    to_global, to_party
        What the features give to the GRUs' gates, (T, K, B, 3 G) and (T, K, B, 3 P).
    speaker
        (T, K, B) int64: which of the parties speaks.
    n_speakers
        S, how many parties have a state.
    active
        At each step, how many dialogues take part: the first so many. Never grows.
    masks
        Of `Recurrence.draw`.
    """

    to_global: Tensor
    to_party: Tensor
    speaker: Tensor
    n_speakers: int
    active: Sequence[int]
    masks: tuple[Tensor, ...]


class Recurrence(nn.Module):
    """K cells side by side, each with its own weights.

    Parameters
    ----------
    cells
        K.
    global_hidden, party_hidden, emotion_hidden
        Widths of g, q and e: G, P and E.
    dropout
        Of every new state.
    position_dropout
        Of the past global states with their positions.
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
        """Dropout masks of every g, q, past g and e, (T, K, B, .); none in evaluation."""
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
        """Every e, (T, K, B, E); of no meaning where a dialogue takes no part."""
        length, cells, dialogues, _ = steps.to_global.shape
        g = steps.to_global.new_zeros(cells, dialogues, self.global_to_global.shape[1])
        parties = g.new_zeros(cells, dialogues, steps.n_speakers, self.party_to_party.shape[1])
        context = torch.zeros_like(g)
        log_sum = g.new_full((cells, dialogues, 1), -torch.inf)
        positions = sinusoids(length, g.shape[-1], g.device).to(g.dtype)
        # In evaluation nobody looks at them.
        masks = [mask.unbind() for mask in steps.masks] or [positions.unbind()] * 4
        from_party = _Map(self.party_to_global, steps.to_global, steps.active)
        from_global = _Map(self.global_to_global, self.global_bias, steps.active)
        from_context = _Map(self.context_to_party, steps.to_party, steps.active)
        from_self = _Map(self.party_to_party, self.party_bias, steps.active)

        spoken = []
        for n, speaker, position, d_g, d_q, d_k in zip(
            steps.active, steps.speaker.unbind(), positions.unbind(), *masks[:3], strict=True
        ):
            g, parties, context = _head(g, n), _head(parties, n), _head(context, n)
            log_sum = _head(log_sum, n)
            states = parties.flatten(0, 2)  # (K n S, P)
            first = torch.arange(0, len(states), steps.n_speakers, device=g.device)
            spoke = first + _head(speaker, n).flatten()
            q = states.index_select(0, spoke).unflatten(0, (cells, n))
            g = _gru(from_party(q), from_global(g), g)
            q = _gru(from_context(context), from_self(q), q)
            if self.training:
                g, q = g * _head(d_g, n), q * _head(d_q, n)
            parties = states.index_copy(0, spoke, q.flatten(0, 1)).view_as(parties)
            spoken.append(q)
            # The softmax over the past, from that up to here and one more global state.
            past = g + position
            if self.training:
                past = past * _head(d_k, n)
            score = past @ self.attention
            context = torch.lerp(context, past, torch.sigmoid(score - log_sum))
            log_sum = torch.logaddexp(log_sum, score)
        return self._emotions(spoken, steps.active, masks[3])

    def _emotions(
        self, spoken: list[Tensor], active: Sequence[int], masks: Sequence[Tensor]
    ) -> Tensor:
        """The emotion GRU, which nothing else depends on: T of (K, n, P) -> (T, K, B, E)."""
        inputs = torch.baddbmm(
            self.emotion_input_bias, torch.cat(spoken, 1), self.party_to_emotion
        ).split(list(active), 1)
        e = inputs[0].new_zeros(*inputs[0].shape[:2], self.emotion_to_emotion.shape[1])
        from_emotion = _Map(self.emotion_to_emotion, self.emotion_bias, active)
        emotions = []
        for n, u, d in zip(active, inputs, masks, strict=True):
            e = _head(e, n)
            e = _gru(u, from_emotion(e), e)
            if self.training:
                e = e * _head(d, n)
            emotions.append(F.pad(e, (0, 0, 0, active[0] - n)) if n < active[0] else e)
        return torch.stack(emotions)


def together(recurrences: Sequence[Recurrence], steps: Sequence[Steps]) -> list[Tensor]:
    """What each recurrence makes of its own steps in training, run as one with all their cells.

    Parameters
    ----------
    recurrences
        Of the same sizes.
    steps
        One each; numbers of steps and dialogues may differ.
    """
    length = max(len(one.active) for one in steps)
    dialogues = max(one.to_global.shape[2] for one in steps)

    def join(parts: Sequence[Tensor]) -> Tensor:
        return torch.cat([_grown(part, length, dialogues) for part in parts], 1)

    active = [[*one.active, *[0] * (length - len(one.active))] for one in steps]
    joined = Steps(
        join([_learnt(one.to_global, one) for one in steps]),
        join([one.to_party for one in steps]),
        join([one.speaker for one in steps]),
        max(one.n_speakers for one in steps),
        [max(counts) for counts in zip(*active, strict=True)],
        tuple(join(masks) for masks in zip(*(one.masks for one in steps), strict=True)),
    )
    weights = {
        name: torch.cat(
            [
                _learnt(one.get_parameter(name), of)
                if name in _OF_GLOBAL
                else one.get_parameter(name)
                for one, of in zip(recurrences, steps, strict=True)
            ]
        )
        for name, _ in recurrences[0].named_parameters()
    }
    emotions = functional_call(recurrences[0], weights, (joined,))
    return [
        e[: len(one.active), :, : one.to_global.shape[2]]
        for e, one in zip(emotions.chunk(len(steps), 1), steps, strict=True)
    ]


_OF_GLOBAL = ("party_to_global", "global_to_global", "global_bias", "attention")


def _learnt(x: Tensor, steps: Steps) -> Tensor:
    """What makes g, which one step alone gives no gradient: Adam tells that from zero."""
    return x if len(steps.active) > 1 else x.detach()


def _grown(x: Tensor, length: int, dialogues: int) -> Tensor:
    """(T, K, B, ...) with zeros up to T = length and B = dialogues."""
    return F.pad(x, (0, 0) * (x.ndim - 3) + (0, dialogues - x.shape[2], 0, 0, 0, length - len(x)))


class _Map:
    """x_t W + u_t, step after step.

    A step's part in the gradient of W would be a thin product, and a sum as large as W. So the
    steps see W as a constant, and it learns from all of them in one product afterwards.

    Parameters
    ----------
    weight
        W, (K, D, 3 H).
    added
        u, (T, K, B, 3 H), or (K, 1, 3 H) for the same at every step.
    active
        See `Steps`.
    """

    def __init__(self, weight: Tensor, added: Tensor, active: Sequence[int]) -> None:
        self.weight = weight.detach()
        self.inputs: list[Tensor] = []
        if added.ndim == 4:
            parts = [_head(u, n) for u, n in zip(added.unbind(), active, strict=True)]
            added = torch.cat(parts, 1)
        added = _Learn.apply(added.expand(-1, sum(active), -1), weight, self.inputs)
        self.added = iter(added.split(list(active), 1))

    def __call__(self, x: Tensor) -> Tensor:
        self.inputs.append(x.detach())
        return torch.baddbmm(next(self.added), x, self.weight)


class _Learn(torch.autograd.Function):
    """u of all steps as it is. From its gradient W gets its own, the sum of x_t^T grad u_t.

    By then `inputs` holds every x_t.
    """

    @staticmethod
    def forward(ctx: Any, u: Tensor, weight: Tensor, inputs: list[Tensor]) -> Tensor:
        ctx.inputs = inputs
        return u.view_as(u)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad, torch.cat(ctx.inputs, 1).mT @ grad, None


def _head(x: Tensor, n: int) -> Tensor:
    """The first n dialogues of (K, B, ...)."""
    return x if x.shape[1] == n else x[:, :n]


def _uniform(cells: int, rows: int, gates: int) -> nn.Parameter:
    """Weights (K, rows, 3 H), as torch's GRU starts them."""
    bound = (gates // 3) ** -0.5
    return nn.Parameter(nn.init.uniform_(torch.empty(cells, rows, gates), -bound, bound))


def _gru(inputs: Tensor, hidden: Tensor, state: Tensor) -> Tensor:
    """One step of a GRU from its gates' two sums (..., 3 H), in the order reset, update, new."""
    width = state.shape[-1]
    gates, new = inputs.split((2 * width, width), -1)
    hidden_gates, hidden_new = hidden.split((2 * width, width), -1)
    reset, update = torch.sigmoid(gates + hidden_gates).chunk(2, -1)
    new = torch.tanh(torch.addcmul(new, reset, hidden_new))
    return torch.lerp(new, state, update)
