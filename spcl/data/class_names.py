"""Names of emotions that may be one class or two, or no class at all: the config decides."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import yaml

from spcl.data.labels import KNOWN, of_names
from spcl.data.spelling import folded, label_of
from spcl.errors import UserError

_MISSING = {
    folded(name)
    for name in (
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND"),
        *("1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    )
}
"""What pandas reads as no value (`pandas.read_csv`, ``na_values``), in any case."""


def check_class_names(
    names: Mapping[str, int], asked: Collection[str] | None, path: Path
) -> list[str]:
    """Refuse names whose class nobody has decided.

    Parameters
    ----------
    names
        The emotions as the file spells them, and how many utterances have each.
    asked
        The labels of the config, None where it has none. A name means the label that it is, or else
        the only one that differs from it in spelling alone, see `spcl.data.spelling.folded`.
    path
        The file, for the message.

    Returns
    -------
    list of str
        Which spellings the labels of the config have brought together, in words.

    Raises
    ------
    UserError
        The config has no labels, and two names differ in spelling alone, or one is a word for "no
        value"; or a name differs in spelling alone from two labels.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(folded(name), []).append(name)
    if asked is not None:
        return _taken(names, groups, asked, path)
    alike = [group for group in groups.values() if len(group) > 1]
    missing = [name for group in groups.keys() & _MISSING for name in groups[group]]
    faults = [f"{_counted(group, names)} differ only in {_SPELLING}" for group in alike]
    if missing:
        faults.append(f"{_counted(sorted(missing), names)} may mean that there is no label")
    if faults:
        raise UserError(
            f"{path}: {'; '.join(faults)}; decide it by datasets.<name>.labels:"
            f" {_flow(_together(names, groups))} takes spellings of one name for one class and"
            f" other names for unlabelled, {_flow(of_names(names))} keeps each a class"
        )
    return []


_SPELLING = "case, blanks, hyphens or Unicode form"


def _taken(
    names: Mapping[str, int], groups: Mapping[str, list[str]], asked: Collection[str], path: Path
) -> list[str]:
    """The spellings that `asked` brings together; refuses one that may mean two of them."""
    notes = []
    for group, spellings in groups.items():
        for name in (name for name in spellings if name not in asked):
            label = label_of(name, asked)
            if label is None and any(folded(other) == group for other in asked):
                raise UserError(
                    f"{path}: {_counted([name], names)} differs from several of"
                    f" datasets.<name>.labels only in {_SPELLING}; correct it in the file, or write"
                    f" labels: {_flow([*asked, name])}"
                )
            if label is not None and len(spellings) > 1:
                notes.append(f"{names[name]} utterances are {_written(name)}, taken for {label}")
    return notes


def _together(names: Mapping[str, int], groups: Mapping[str, list[str]]) -> tuple[str, ...]:
    """One label for all spellings of a name, none for a missing one; in a known order if it fits."""
    chosen = {
        group: max(spellings, key=lambda name: (name.isprintable(), names[name]))
        for group, spellings in groups.items()
        if group not in _MISSING
    }
    known = of_names(chosen)
    if known in KNOWN.values():
        return known
    return of_names(
        " ".join(unicodedata.normalize("NFC", name).split()) for name in chosen.values()
    )


def _counted(group: Iterable[str], names: Mapping[str, int]) -> str:
    """Names with the number of their utterances."""
    return ", ".join(f"{_written(name)} ({names[name]} utterances)" for name in group)


def _flow(names: Iterable[str]) -> str:
    return f"[{', '.join(map(_written, names))}]"


def _written(name: str) -> str:
    """A name as a list in a config has it, with escapes for what cannot be told by eye."""
    plain = name.isprintable() and unicodedata.is_normalized("NFKC", name)
    text = yaml.safe_dump([name], default_flow_style=True, allow_unicode=plain, width=2**31)
    return text.strip()[1:-1]
