"""Spellings of a name, the label that a name means, and words that can mean no label."""

import unicodedata
from collections.abc import Collection, Iterable, Sequence

import yaml

_UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Zs", "Pc")
"""Unicode categories of blanks, underscores and invisible characters."""

_EMOJI_OR_TEXT = "\ufe0e\ufe0f"
"""Variation selectors: they choose how the character before them is drawn."""

_MISSING = {
    *("", "#n/a", "#n/an/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan"),
    *("<na>", "n/a", "na", "nan", "none", "null"),
}
"""What `pandas.read_csv` reads as no value, `folded`."""

_LONGEST = 1000
"""Characters of the longest name that is folded."""

_LONGEST_LIST = 2000
"""Characters of the longest list of labels in a message."""


def folded(name: str) -> str:
    """The same text for all names that differ only in case, blanks, hyphens or Unicode form.

    Blanks, underscores, hyphens and invisible characters are removed, except for a leading hyphen,
    which can be a minus. The Unicode form is NFKC: full-width letters are letters. A very long name
    is returned unchanged, because the time of normalisation can grow with its square.
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
    """Lists of names that differ only in spelling, by their `folded` form."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(folded(name), []).append(name)
    return groups


def labels_of(names: Iterable[str], labels: Collection[str]) -> dict[str, str | None]:
    """Name -> the equal label, or else the only label that differs only in spelling.

    None if there is no such label, or more than one.
    """
    groups = grouped(labels)
    meant: dict[str, str | None] = {}
    for name in names:
        alike = groups.get(folded(name), [])
        meant[name] = name if name in alike else alike[0] if len(alike) == 1 else None
    return meant


def may_be_missing(name: str) -> bool:
    """Whether it can mean "no value", such as ``nan``, ``NA`` or ``None``, in any spelling."""
    return folded(name) in _MISSING


def flow(names: Sequence[str]) -> str:
    """A list in the syntax of a config, with escape sequences for characters that look alike."""
    plain = all(name.isprintable() and unicodedata.is_normalized("NFKC", name) for name in names)
    text = yaml.safe_dump(
        list(names), default_flow_style=True, allow_unicode=plain, width=float("inf")
    ).strip()
    return text if len(text) <= _LONGEST_LIST else "[...]"
