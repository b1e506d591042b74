"""The parameters of a network that serve one modality alone: its encoder and its classifier.

Balancing methods (`spcl.curriculum.balancing`) change their gradients. A network lists them in
``modality_parameters() -> {m: [Part, ...]}``; what is shared between modalities is in no list.
"""

from torch import nn

Part = nn.Parameter | tuple[nn.Parameter, slice]
"""A parameter, or some rows of a parameter that has those of several modalities."""


def owned(*modules: nn.ModuleDict) -> dict[str, list[Part]]:
    """The parameters of modules that have one entry for each modality."""
    return {m: [p for part in modules for p in part[m].parameters()] for m in modules[0]}
