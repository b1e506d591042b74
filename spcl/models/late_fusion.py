"""Late fusion: an encoder and a linear classifier for each modality, without interaction.

The simplest baseline::

    z^m = W^m encoder^m(x^m) + b^m
"""

from collections.abc import Mapping
from typing import Any, Self

from torch import Tensor, nn

from spcl.models.batch import Batch
from spcl.models.encoder import REFERENCE_NAMES, Encoder
from spcl.models.parameters import Part, owned
from spcl.models.reference import encoder_sizes, parts, rename


class LateFusion(nn.Module):
    """One encoder and one linear classifier per modality.

    Parameters
    ----------
    widths, n_classes, n_speakers
        See `spcl.models.build`. The speakers are not used.
    hidden
        Width of the encoder output.
    dropout
        Dropout probability in the encoders.
    layers
        The number of layers of each encoder.
    """

    def __init__(
        self,
        *,
        widths: Mapping[str, int],
        n_classes: int,
        n_speakers: int,
        hidden: int = 256,
        dropout: float = 0.4,
        layers: int = 2,
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(
            {m: Encoder(d, hidden, layers=layers, dropout=dropout) for m, d in widths.items()}
        )
        self.classifiers = nn.ModuleDict({m: nn.Linear(hidden, n_classes) for m in widths})

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The logits of each modality, {"a": (N, C), ...}."""
        return {
            m: self.classifiers[m](encoder(batch, batch.features[m]))
            for m, encoder in self.encoders.items()
        }

    def modality_parameters(self) -> dict[str, list[Part]]:
        """What serves one modality alone, see `spcl.models.parameters`."""
        return owned(self.encoders, self.classifiers)

    @classmethod
    def from_reference(
        cls, weights: Mapping[str, Tensor], *, n_speakers: int, **settings: Any
    ) -> Self:
        """See `spcl.models.load_reference`."""
        ours = rename(
            weights, {r"^encoder\.": "encoders.", r"^uni_fc\.": "classifiers."} | REFERENCE_NAMES
        )
        sizes = encoder_sizes(ours)
        layers = len(parts(ours, f"encoders.{next(iter(sizes['widths']))}.layers."))
        model = cls(n_speakers=n_speakers, layers=layers, **sizes, **settings)
        model.load_state_dict(ours)
        return model


MODEL = LateFusion
