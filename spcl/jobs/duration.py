"""Durations in words. The Snakefile imports this module, so it imports nothing."""


def in_words(seconds: float) -> str:
    """A duration in its largest unit, for example ``3 min``."""
    for unit, size, most in (("s", 1, 90), ("min", 60, 90), ("h", 3600, 48)):
        if round(seconds / size) < most:
            return f"{max(round(seconds / size), 1)} {unit}"
    return f"{round(seconds / 86400)} days"
