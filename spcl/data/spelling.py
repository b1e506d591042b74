"""Two spellings of one name: what they have in common, and the label that a name means."""

import re
import unicodedata
from collections.abc import Iterable

_BLANKS = re.compile(r"[\s_-]+")
_LONGEST = 1000


def folded(name: str) -> str:
    """What names have in common that differ only in case, blanks, hyphens or Unicode form.

    A hyphen and an underscore count as a blank. Characters that nobody sees, such as a zero-width
    space, count as nothing. The Unicode form is NFKC, so that full-width letters are letters. A
    very long name stays as it is, for that form may take time by the square of its length.
    """
    if len(name) > _LONGEST:
        return name
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    seen = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return _BLANKS.sub(" ", seen).strip()


def label_of(name: str, labels: Iterable[str]) -> str | None:
    """The label that is `name`, or else the only one that differs from it in spelling alone.

    None where there is no such label, or more than one.
    """
    labels = tuple(labels)
    if name in labels:
        return name
    alike = [label for label in labels if folded(label) == folded(name)]
    return alike[0] if len(alike) == 1 else None
