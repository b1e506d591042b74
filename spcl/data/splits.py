"""Split protocols: which dialogues are for training, for the choice of the epoch, and for testing.

=========================  =======================================================================
``official``               the corpus' own splits: MELD's three files; IEMOCAP as in
                           `spcl.data.formats.iemocap`
``spcl``                   dev is a random tenth of the dialogues outside the test split; of MELD,
                           the first tenth
``cogmen``                 dev is the first tenth of the dialogues outside the test split
``leave-one-session-out``  test is one session, dev a random tenth of the other dialogues
``best-test-epoch``        no dev: the epoch is chosen on test
=========================  =======================================================================

Only ``leave-one-session-out`` changes the test split.
"""

import re
from collections.abc import Iterable, Mapping

import numpy as np

from spcl.errors import UserError

PROTOCOLS = ("official", "spcl", "cogmen", "leave-one-session-out", "best-test-epoch")
CUTTING_DEV = ("spcl", "cogmen")
"""The protocols that need only the test split of a corpus."""

DEV_SHARE = 0.1
"""Of the dialogues outside the test split, in the protocols that take dev from train."""

_IEMOCAP_NAME = re.compile(r"Ses0*(\d+)[FM]_\w+")


def sessions(by_dialogue: Mapping[str, str]) -> tuple[str, ...]:
    """The sessions of a corpus, sorted by number if all names are numbers, else by name."""
    names = set(by_dialogue.values())
    return tuple(sorted(names, key=int if all(map(str.isdecimal, names)) else str))


def numbered(by_dialogue: Mapping[str, str]) -> dict[int, str]:
    """The sessions by their number, or by position from 1 if a name is not a number."""
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
        session = numbered(by_session)[number]
        others = {name: "test" if by_session[name] == session else "train" for name in division}
        return _shuffled_tenth(others, number)
    known = {name: split for name, split in division.items() if split is not None}
    if len(known) < len(division):
        lost = next(name for name in division if name not in known)
        raise UserError(
            f"{key}: '{protocol}' needs the corpus' own split, and {len(division) - len(known)} of"
            f" {len(division)} dialogues have none (first {lost}); fill the column 'split' with"
            " train, dev and test"
            + (", or write protocol: leave-one-session-out" if by_session else "")
        )
    if protocol == "official":
        return known
    if protocol == "best-test-epoch":  # only for comparison with papers that did so
        return {name: "train" if split == "dev" else split for name, split in known.items()}
    if protocol == "spcl" and known_as != "meld":
        return _shuffled_tenth(known, seed or 0)
    return _with_dev(known, _not_test(known))


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


def _not_test(division: Mapping[str, str]) -> list[str]:
    return [name for name, split in division.items() if split != "test"]


def _shuffled_tenth(division: Mapping[str, str], seed: int) -> dict[str, str]:
    """Dev = a tenth of the dialogues outside the test split, drawn by `seed`."""
    # Sorted first, so that the draw depends only on the names and the seed.
    names = np.array(sorted(_not_test(division)), dtype=object)
    return _with_dev(division, list(np.random.default_rng(seed).permutation(names)))


def _with_dev(division: Mapping[str, str], candidates: list[str]) -> dict[str, str]:
    """Make the first tenth of the `candidates` dev, at least one, and the others train."""
    dev = set(candidates[: max(1, round(DEV_SHARE * len(candidates)))])
    return {
        name: "test" if split == "test" else "dev" if name in dev else "train"
        for name, split in division.items()
    }
