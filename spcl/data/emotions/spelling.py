"""Spellings of one name, the label that a name means, and words that may mean no label."""

import unicodedata
from collections.abc import Collection, Iterable

_UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Zs", "Pc")
"""Unicode's categories of blanks, underscores and characters that nobody sees."""

_EMOJI_OR_TEXT = "\ufe0e\ufe0f"
"""They choose how the sign before them is drawn."""

_MISSING = {
    *("", "#n/a", "#n/an/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan"),
    *("<na>", "n/a", "na", "nan", "none", "null"),
}
"""What `pandas.read_csv` takes for no value, `folded`."""

_LONGEST = 1000
"""Characters of a name whose Unicode form is looked at."""


def folded(name: str) -> str:
    """What names have in common that differ only in case, blanks, hyphens or Unicode form.

    Blanks, underscores, hyphens and characters that nobody sees count as nothing, but for a hyphen
    in front, which may be a minus. The Unicode form is NFKC: full-width letters are letters. A very
    long name stays as it is, for that form may take time by the square of its length.
    """
    if len(name) > _LONGEST:
        return name
    seen = ""
    for char in unicodedata.normalize("NFKC", name).casefold():
        category = unicodedata.category(char)
        hyphen_inside = category == "Pd" and seen
        if category not in _UNSEEN and char not in _EMOJI_OR_TEXT and not hyphen_inside:
            seen += char
    return unicodedata.normalize("NFKC", seen)


def grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """The names that differ in spelling alone, by what they have in common (`folded`)."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(folded(name), []).append(name)
    return groups


def labels_of(names: Iterable[str], labels: Collection[str]) -> dict[str, str | None]:
    """By name the label that it is, or else the only one that differs from it in spelling alone.

    None where there is no such label, or more than one.
    """
    groups = grouped(labels)
    meant: dict[str, str | None] = {}
    for name in names:
        alike = groups.get(folded(name), [])
        meant[name] = name if name in alike else alike[0] if len(alike) == 1 else None
    return meant


def may_be_missing(name: str) -> bool:
    """Whether it is a word for "no value", such as ``nan``, ``NA`` or ``None``, in any spelling."""
    return folded(name) in _MISSING
