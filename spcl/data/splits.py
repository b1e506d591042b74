"""Split protocols: which dialogues are for training, for the choice of the epoch, and for testing.

A protocol takes the corpus' own splits, dialogue id -> split, in the order of the corpus, and
returns others. Only ``leave-one-session-out`` changes the test split.
"""

import re
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from spcl.errors import UserError

Division = Mapping[str, str]
"""Dialogue id -> ``train``, ``dev`` or ``test``; in the order of the corpus."""

DEV_SHARE = 0.1
"""Of the dialogues outside the test split, in the protocols that take dev from train."""

_IEMOCAP_NAME = re.compile(r"Ses0*(\d+)[FM]_\w+")


def official(division: Division) -> dict[str, str]:
    """The corpus' own splits: MELD's three files; IEMOCAP as in `spcl.data.formats.iemocap`."""
    return dict(division)


def first_tenth(division: Division) -> dict[str, str]:
    """Dev = the first tenth of the training dialogues (train and dev together)."""
    return _with_dev(division, _not_test(division))


def shuffled_tenth(division: Division, seed: int) -> dict[str, str]:
    """Dev = a tenth of the training dialogues, drawn by `seed`."""
    # Sorted first, so that the draw depends only on the names and the seed.
    names = np.array(sorted(_not_test(division)), dtype=object)
    return _with_dev(division, list(np.random.default_rng(seed).permutation(names)))


def without_dev(division: Division) -> dict[str, str]:
    """No dev: the epoch is chosen on test. Only for comparison with papers that did so."""
    return {name: "train" if split == "dev" else split for name, split in division.items()}


def without_session(division: Division, by_dialogue: Mapping[str, str], number: int) -> Division:
    """Test = one session; dev = a tenth of the other sessions' dialogues, drawn by its number.

    Parameters
    ----------
    division
        Only its dialogues are used, not their splits.
    by_dialogue
        Dialogue id -> session.
    number
        The session: its name if all names are numbers, else its position in `sessions`, from 1.

    Raises
    ------
    KeyError
        There is no such session.
    """
    test = numbered(by_dialogue)[number]
    by_session = {name: "test" if by_dialogue[name] == test else "train" for name in division}
    return shuffled_tenth(by_session, number)


def sessions(by_dialogue: Mapping[str, str]) -> tuple[str, ...]:
    """The sessions of a corpus, sorted by number if all names are numbers, else by name."""
    names = set(by_dialogue.values())
    return tuple(sorted(names, key=int if all(map(str.isdecimal, names)) else str))


def numbered(by_dialogue: Mapping[str, str]) -> dict[int, str]:
    """The sessions by number (``protocol_seed``), see `without_session`."""
    names = sessions(by_dialogue)
    if all(map(str.isdecimal, names)):
        return {int(name): name for name in names}
    return dict(enumerate(names, start=1))


def sessions_by_name(dialogue_ids: Iterable[str]) -> dict[str, str]:
    """Dialogue id -> session if every id is named as in IEMOCAP (Ses01F_impro01); else empty."""
    found = {name: _IEMOCAP_NAME.fullmatch(name) for name in dialogue_ids}
    if not all(found.values()):
        return {}
    return {name: match[1] for name, match in found.items() if match}


PROTOCOLS = ("official", "spcl", "cogmen", "leave-one-session-out", "best-test-epoch")
CUTTING_DEV = ("spcl", "cogmen")
"""The protocols that need only the test split of a corpus."""


def divide(
    protocol: str,
    division: Mapping[str, str | None],
    *,
    known_as: str | None,
    by_session: Mapping[str, str],
    seed: int | None,
    dataset: str,
) -> dict[str, str]:
    """Apply a protocol.

    Parameters
    ----------
    protocol
        One of `PROTOCOLS`.
    division
        The corpus' own splits; None for a dialogue without one.
    known_as
        ``iemocap``, ``meld`` or None: ``spcl`` shuffles the dialogues of all corpora but MELD.
    by_session
        Dialogue id -> session, for ``leave-one-session-out``; empty if there are none.
    seed
        Of random protocols; for ``leave-one-session-out`` the session, None = the first.
    dataset
        For the message.

    Raises
    ------
    UserError
        There is no such protocol, or the corpus lacks what it needs: own splits, sessions.
    """
    key = f"datasets.{dataset}.protocol"
    if protocol not in PROTOCOLS:
        raise UserError(
            f"{key}: unknown protocol '{protocol}'; choose one of {', '.join(PROTOCOLS)}"
        )
    if protocol == "leave-one-session-out":
        # A fold is named after its dataset, whose config key the message must name.
        owner = dataset.removesuffix(f"-session{seed}")
        number = _session(division, by_session, seed, owner)
        return dict(without_session(dict.fromkeys(division, "train"), by_session, number))
    known = {name: split for name, split in division.items() if split is not None}
    if len(known) < len(division):
        lost = next(name for name in division if name not in known)
        raise UserError(
            f"{key}: '{protocol}' needs the corpus' own split, and {len(division) - len(known)} of"
            f" {len(division)} dialogues have none ({lost} first); fill the column 'split' with"
            " train, dev and test"
            + (", or write protocol: leave-one-session-out" if by_session else "")
        )
    apply: dict[str, Callable[[Division], dict[str, str]]] = {
        "official": official,
        "spcl": first_tenth if known_as == "meld" else lambda own: shuffled_tenth(own, seed or 0),
        "cogmen": first_tenth,
        "best-test-epoch": without_dev,
    }
    return apply[protocol](known)


def _session(
    division: Iterable[str], by_session: Mapping[str, str], number: int | None, dataset: str
) -> int:
    """The session to leave out; refuse a corpus without sessions, and an unknown number."""
    lost = [name for name in division if name not in by_session]
    if lost:
        raise UserError(
            f"datasets.{dataset}.protocol: 'leave-one-session-out' needs the session of every"
            f" dialogue, and {lost[0]} has none; add a column 'session' to the utterances, or"
            " choose another protocol"
        )
    known = numbered(by_session)
    if number is None:
        return min(known)
    if number not in known:
        choices = ", ".join(map(str, known))
        raise UserError(
            f"datasets.{dataset}.sessions: there is no session {number} to leave out; write"
            f" sessions: [{choices}]"
        )
    return number


def _not_test(division: Division) -> list[str]:
    return [name for name, split in division.items() if split != "test"]


def _with_dev(division: Division, candidates: list[str]) -> dict[str, str]:
    """Make the first tenth of the `candidates` dev, at least one, and the others train."""
    dev = set(candidates[: max(1, round(DEV_SHARE * len(candidates)))])
    return {
        name: "test" if split == "test" else "dev" if name in dev else "train"
        for name, split in division.items()
    }
