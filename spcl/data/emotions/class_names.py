"""Names of emotions that may be one class or two, or no class: the config must decide."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from spcl.data.emotions.labels import KNOWN, of_names
from spcl.data.emotions.spelling import flow, grouped, labels_of, may_be_missing
from spcl.data.records import Reading
from spcl.errors import UserError, listed

_SPELLING = "case, blanks, hyphens or Unicode form"


def check_class_names(reading: Reading, asked: Sequence[str] | None, path: Path) -> None:
    """Refuse names whose class is undecided.

    Parameters
    ----------
    reading
        From the reader of a format; its `names` are checked.
    asked
        The labels of the config, None if it has none. For the names that a label matches see
        `spcl.data.emotions.spelling.labels_of`.
    path
        The file, for the message.

    Raises
    ------
    UserError
        The config has no labels, and two names differ only in spelling or a name can mean "no
        value"; or two of its labels differ only in spelling, and the file does not have both or has
        a third spelling.
    """
    if asked is None:
        _check_undecided(reading, path)
    else:
        _check_asked(reading.names, asked, path)


def spellings_taken(reading: Reading) -> list[str]:
    """For each label with several spellings in the file, a sentence that lists them."""
    meant = labels_of(reading.names, reading.labels)
    taken = {label: [n for n in meant if meant[n] == label] for label in reading.labels}
    return [
        f"{_counted(spellings, reading.names)} are read as '{label}'"
        for label, spellings in taken.items()
        if len(spellings) > 1
    ]


def _check_undecided(reading: Reading, path: Path) -> None:
    names = sorted(reading.names)
    alike = [name for same in grouped(names).values() if len(same) > 1 for name in same]
    missing = [name for name in names if may_be_missing(name)]
    faults = []
    if alike:
        faults.append(f"{_counted(alike, reading.names)} differ only in {_SPELLING}")
    if missing:
        faults.append(f"{_counted(missing, reading.names)} may mean that there is no label")
    decided = (name for name in names if not may_be_missing(name))
    joined = KNOWN.get(reading.known_as or "") or of_names(decided)
    choices = []
    if len(joined) > 1:
        choices.append(f"{flow(joined)} to merge spellings and leave other names unlabelled")
    if len(names) > 1 and joined not in KNOWN.values():
        choices.append(f"{flow(names)} to make each a class")
    if faults and choices:
        raise UserError(
            f"{path}: {'; '.join(faults)}; write datasets.<name>.labels: {', or '.join(choices)}"
        )


def _check_asked(names: Mapping[str, int], asked: Sequence[str], path: Path) -> None:
    spelt = grouped(names)
    for key, labels in grouped(asked).items():
        if len(labels) == 1:
            continue
        for label in labels:
            if label not in names:
                raise UserError(
                    f"{path}: {_shown(labels)} of datasets.<name>.labels differ only in"
                    f" {_SPELLING}, and no emotion is called {_shown([label])}; remove or rename it"
                )
        for name in spelt[key]:
            if name not in labels:
                raise UserError(
                    f"{path}: {_counted([name], names)} differs from {_shown(labels)} of"
                    f" datasets.<name>.labels only in {_SPELLING}; correct it in the file, or"
                    f" write labels: {flow([*asked, name])}"
                )


def _counted(group: Iterable[str], names: Mapping[str, int]) -> str:
    """Names with the number of their utterances, for a message."""
    return listed(f"{_shown([name])} ({names[name]} utterances)" for name in group)


def _shown(names: Iterable[str]) -> str:
    return listed(flow([name])[1:-1] for name in names)
