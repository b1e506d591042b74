"""Overlapping windows of a long sound."""

from itertools import pairwise


def windows(total: int, length: int, overlap: int) -> list[tuple[int, slice]]:
    """Windows of `length` frames that cover `total` frames.

    Where two windows overlap, each frame counts once: up to the middle of the overlap in the first
    window, and from there on in the second. The last window ends with the sound, so its overlap
    can be longer.

    Returns
    -------
    list of (begin, keep)
        The first frame of a window in the sound, and which frames of the window count.
    """
    if total <= length:
        return [(0, slice(0, total))]
    begins = [*range(0, total - length, length - overlap), total - length]
    middles = [(second + first + length) // 2 for first, second in pairwise(begins)]
    edges = pairwise([0, *middles, total])
    return [
        (begin, slice(first - begin, end - begin))
        for begin, (first, end) in zip(begins, edges, strict=True)
    ]
