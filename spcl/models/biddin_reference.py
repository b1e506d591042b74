"""Conversion of the reference code's BiDDIN weights; see `spcl.models.load_reference`."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import torch
from torch import Tensor

from spcl.models.reference import parts


def convert(weights: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Convert a state dict of the reference code.

    Returns
    -------
    sizes
        Arguments of `BiDDIN`.
    state_dict
        The weights of `BiDDIN`.
    """
    modalities = parts(weights, "uni_bimodel.")
    cells = [
        f"uni_bimodel.{m}.dialog_rnn_{direction}.dialogue_cell."
        for m, direction in product(modalities, "fr")
    ]
    g, p, e = (weights[f"{cells[0]}{gru}_cell.weight_hh"].shape[1] for gru in "gpe")
    network = f"uni_bimodel.{modalities[0]}."
    sizes = {
        "widths": {
            m: weights[f"{cell}g_cell.weight_ih"].shape[1] - p
            for m, cell in zip(modalities, cells[::2], strict=True)
        },
        "n_classes": len(weights[f"{network}smax_fc.bias"]),
        "global_hidden": g,
        "party_hidden": p,
        "emotion_hidden": e,
        "classifier_hidden": len(weights[f"{network}linear.bias"]) // 2,
    }

    def stack(name: str) -> Tensor:
        return torch.stack([weights[cell + name] for cell in cells])

    ours = {
        "recurrence.attention": stack("attention.scalar.weight").mT,
        "recurrence.party_to_emotion": stack("e_cell.weight_ih").mT,
        "recurrence.emotion_input_bias": stack("e_cell.bias_ih")[:, None],
        "recurrence.emotion_to_emotion": stack("e_cell.weight_hh").mT,
        "recurrence.emotion_bias": stack("e_cell.bias_hh")[:, None],
    }
    # The columns of the input weights of a GRU are the features, then a state of this width.
    for gru, name, source, width in (("g", "global", "party", p), ("p", "party", "context", g)):
        inputs = [weights[f"{cell}{gru}_cell.weight_ih"] for cell in cells]
        biases = [weights[f"{cell}{gru}_cell.bias_ih"] for cell in cells]
        ours[f"recurrence.{source}_to_{name}"] = torch.stack([w[:, -width:].T for w in inputs])
        ours[f"recurrence.{name}_to_{name}"] = stack(f"{gru}_cell.weight_hh").mT
        ours[f"recurrence.{name}_bias"] = stack(f"{gru}_cell.bias_hh")[:, None]
        for index, m in enumerate(modalities):
            both = slice(2 * index, 2 * index + 2)  # the directions
            ours[f"to_{name}.{m}.weight"] = torch.cat([w[:, :-width] for w in inputs[both]])
            ours[f"to_{name}.{m}.bias"] = torch.cat(biases[both])
    for m in modalities:
        theirs, head = f"uni_bimodel.{m}.", f"heads.{m}."
        ours[f"{head}qkv.weight"] = torch.cat(
            [weights[f"{theirs}multihead_attn.W_{part}.weight"] for part in "QKV"]
        )
        ours[f"{head}mix.weight"] = weights[f"{theirs}multihead_attn.fc.weight"]
        for kind in ("weight", "bias"):
            ours[f"{head}linear.{kind}"] = weights[f"{theirs}linear.{kind}"]
            ours[f"{head}classify.{kind}"] = weights[f"{theirs}smax_fc.{kind}"]
    return sizes, ours
