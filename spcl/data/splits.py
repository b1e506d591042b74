"""Split protocols by name: which dialogues train, which choose the epoch, which test.

A protocol takes the corpus' own division, dialogue id -> split, in the order of the corpus, and
gives another. None of them moves a dialogue into or out of the test split.
"""

from collections.abc import Callable, Mapping

import numpy as np

from spcl.errors import UserError

Division = Mapping[str, str]
"""Dialogue id -> ``train``, ``dev`` or ``test``; in the order of the corpus."""

DEV_SHARE = 0.1
"""Of the dialogues that are not for testing, in the protocols that cut dev themselves."""


def official(division: Division) -> dict[str, str]:
    """The corpus' own: MELD's three files; IEMOCAP as in `spcl.data.formats.iemocap`."""
    return dict(division)


def first_tenth(division: Division) -> dict[str, str]:
    """Dev = the first tenth of the training dialogues (train and dev together)."""
    return _with_dev(division, _not_test(division))


def shuffled_tenth(division: Division, seed: int) -> dict[str, str]:
    """Dev = a tenth of the training dialogues, drawn by `seed`."""
    # Sorted first, so that the draw depends on nothing but the names and the seed.
    names = np.array(sorted(_not_test(division)), dtype=object)
    return _with_dev(division, list(np.random.default_rng(seed).permutation(names)))


def without_dev(division: Division) -> dict[str, str]:
    """No dev: the epoch is chosen on test. Only to compare with papers that did so."""
    return {name: "train" if split == "dev" else split for name, split in division.items()}


_PROTOCOLS: dict[str, Callable[[Division, str, int], dict[str, str]]] = {
    "official": lambda division, layout, seed: official(division),
    "spcl": lambda division, layout, seed: (
        shuffled_tenth(division, seed) if layout == "iemocap" else first_tenth(division)
    ),
    "cogmen": lambda division, layout, seed: first_tenth(division),
    "best-test-epoch": lambda division, layout, seed: without_dev(division),
}
PROTOCOLS = tuple(_PROTOCOLS)


def divide(
    protocol: str, division: Division, *, layout: str, seed: int, dataset: str
) -> dict[str, str]:
    """Apply the protocol of that name.

    Parameters
    ----------
    protocol
        One of `PROTOCOLS`.
    division
        The corpus' own.
    layout
        ``iemocap`` or ``meld``: ``spcl`` shuffles IEMOCAP and takes MELD as it comes.
    seed
        For the protocols that draw.
    dataset
        For the message.

    Raises
    ------
    UserError
        There is no protocol of that name.
    """
    if protocol not in _PROTOCOLS:
        raise UserError(
            f"datasets.{dataset}.protocol: unknown protocol '{protocol}';"
            f" choose one of {', '.join(PROTOCOLS)}"
        )
    return _PROTOCOLS[protocol](division, layout, seed)


def _not_test(division: Division) -> list[str]:
    return [name for name, split in division.items() if split != "test"]


def _with_dev(division: Division, candidates: list[str]) -> dict[str, str]:
    """Make the first tenth of the `candidates` dev, at least one, and the others train."""
    dev = set(candidates[: max(1, round(DEV_SHARE * len(candidates)))])
    return {
        name: "test" if split == "test" else "dev" if name in dev else "train"
        for name, split in division.items()
    }
