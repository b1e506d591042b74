"""How many utterances the published corpora have, to hold an import against."""

from collections.abc import Iterator, Mapping

PUBLISHED = {
    "iemocap": {
        "train and dev": {"hap": 452, "sad": 839, "neu": 1324, "ang": 933, "exc": 742, "fru": 1468},
        "test": {"hap": 143, "sad": 245, "neu": 384, "ang": 170, "exc": 299, "fru": 381},
    },
    "meld": {
        "train and dev": {
            "neutral": 4710 + 470,
            "surprise": 1205 + 150,
            "fear": 268 + 40,
            "sadness": 683 + 111,
            "joy": 1743 + 163,
            "disgust": 271 + 22,
            "anger": 1109 + 153,
        },
        "test": {
            "neutral": 1256,
            "surprise": 281,
            "fear": 50,
            "sadness": 208,
            "joy": 402,
            "disgust": 68,
            "anger": 345,
        },
    },
}
"""By layout, by part, by label. Dev counts as training here, for protocols move the border."""


def differences(layout: str, counts: Mapping[str, Mapping[str | None, int]]) -> Iterator[str]:
    """Say where an import differs from what is published, a line for each label.

    Parameters
    ----------
    layout
        A key of `PUBLISHED`.
    counts
        Number of utterances by split and label.
    """
    for part, published in PUBLISHED[layout].items():
        for label, expected in published.items():
            splits = ("test",) if part == "test" else ("train", "dev")
            found = sum(counts[split].get(label, 0) for split in splits)
            if found != expected:
                yield f"{part}: {found} utterances are {label}, {expected} are published"
