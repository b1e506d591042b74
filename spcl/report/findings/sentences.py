"""Sentences about numbers, which claim no more than the intervals support."""

import math

from spcl.report import footnotes, panels
from spcl.report.analysis.scores import Gain


def versus(first: str, second: str, gain: Gain, *, over: str = "", verb: str = "scored") -> str:
    """Say by how much `first` is above or below `second`.

    "More" or "less" is said without a caution only where the 95 % interval excludes zero.

    Parameters
    ----------
    first, second
        What is compared.
    gain
        The first minus the second, in points.
    over
        What it is a mean of, such as ``mean of 16 cells``.
    verb
        What the first did.
    """
    basis = footnotes.seeds_in_words([gain.n_seeds])
    behind = ", ".join(filter(None, [span(gain.low, gain.high), over, basis]))
    direction = "more" if gain.mean >= 0 else "less"
    statement = f"{first} {verb} {size(gain.mean)} points {direction} than {second} ({behind})"
    if gain.n_seeds == 1:
        return f"{capital(statement)}. With one seed no conclusion can be drawn."
    if math.isnan(gain.low):
        return (
            f"{capital(statement)}. There is no interval, because predictions are missing or"
            " there are too few test dialogues: no conclusion can be drawn."
        )
    if gain.low > 0 or gain.high < 0:
        return f"{capital(statement)}."
    return (
        f"No difference between {first} and {second} could be shown:"
        f" {signed(gain.mean)} points ({behind})."
    )


def span(low: float, high: float) -> str:
    """``95 % interval +0.2 to +1.3``; empty if unknown."""
    if math.isnan(low) or math.isnan(high):
        return ""
    # An end close to zero keeps its sign, because the sentence depends on it.
    ends = (signed(end, _decimals(end)) for end in (low, high))
    return "95 % interval {} to {}".format(*ends)


def signed(value: float, decimals: int = 1) -> str:
    """``+0.6``."""
    return panels.signed(value, decimals).text


def size(value: float) -> str:
    """The absolute value, with enough decimals not to be 0.0."""
    return f"{abs(value):.{_decimals(value)}f}"


def _decimals(value: float) -> int:
    """Enough decimals not to be 0.0, at least one."""
    return 1 if abs(value) >= 0.05 or value == 0 else math.ceil(-math.log10(abs(value)))


def beside(value: float) -> str:
    """``5.8 points below``."""
    return f"{size(value)} points {'above' if value >= 0 else 'below'}"


def mean_of(n: int, what: str) -> str:
    """``mean of 16 cells``, ``1 cell``."""
    return f"mean of {n} {what}s" if n > 1 else f"{n} {what}"


def listed(names: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def capital(sentence: str) -> str:
    """Begin with a capital. Names keep the spelling of the config."""
    first = sentence.split(" ", 1)[0]
    is_word = first in ("the", "all", "by", "of")
    return sentence[0].upper() + sentence[1:] if is_word else sentence
