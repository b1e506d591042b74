"""Find the corpus that a path means: the path itself, or a corpus below or above it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from spcl.data.checks import checked, usable
from spcl.data.formats import DATA_SUFFIXES, FORMATS, Format, load, recognise
from spcl.data.problems import Problem
from spcl.data.records import Choices, Features, Reading
from spcl.data.simulated import is_simulated
from spcl.errors import UserError

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_DOWN, _UP = 2, 3  # how many levels of folders are searched
_SIGNS = ("utterances.*", "*_sent_emo.csv", "Session[1-5]", "label*.npz", "label*.csv")
"""Every folder that is a corpus has one of these at the top."""

_MOST_CLASSES = 64  # of a corpus whose labels are numbers


@dataclass(frozen=True)
class Found:
    """A corpus as it is in its files.

    Attributes
    ----------
    path
        As the user would write it.
    layout
        The name of its format, a key of `spcl.data.formats.FORMATS`.
    title
        The title of the format.
    reading
        The checked result of its reader.
    features
        The corpus' own features by modality; empty for corpora of raw media.
    problems
        From reading, checks and features.
    simulated
        Whether it is simulated.
    labels_known
        False if the classes are numbers of unknown meaning.
    """

    path: Path
    layout: str
    title: str
    reading: Reading
    features: Mapping[str, Features]
    problems: list[Problem]
    simulated: bool
    labels_known: bool


def find(path: Path, labels: tuple[str, ...] | None = None, classes: int | None = None) -> Found:
    """Find and read the corpus at `path`, below it or above it.

    Parameters
    ----------
    path
        A file or folder.
    labels
        The emotions in the order of their numbers, for formats with numbers. None: unknown; then
        the classes are shown as numbers.
    classes
        The number of classes of sentiment scores, see `spcl.data.emotions.sentiment`.

    Raises
    ------
    UserError
        The path does not exist, is an archive, or does not have exactly one corpus; there are
        `classes` for labels that are no scores.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; name one that exists")
    if _is_archive(path):
        raise UserError(f"{path}: an archive; unpack it and inspect the result")
    content = load(path)
    try:
        layout = recognise(path, content)
    except UserError as nothing_fits:
        path = _elsewhere(path, nothing_fits)
        content = load(path)
        layout = recognise(path, content)
    else:
        path = _narrowed(path, layout)
    return _read(path, content, layout, Choices(labels, classes))


def _read(path: Path, content: object, layout: str, choices: Choices) -> Found:
    format_ = FORMATS[layout]
    known = True
    try:
        reading = checked(format_.read(path, content, choices), path, asked=choices.labels)
    except UserError as error:
        if choices.labels is not None:
            raise
        reading, known = _with_numbers(path, content, format_, error), False
    if choices.classes not in (None, reading.classes):
        raise UserError(f"{path}: its labels are classes, not scores; leave --classes out")
    features, gaps = usable(reading, path)
    return Found(
        path,
        layout,
        format_.TITLE,
        reading,
        features,
        [*reading.problems, *gaps],
        simulated=reading.simulated or is_simulated(path),
        labels_known=known,
    )


def _with_numbers(path: Path, content: object, format_: Format, error: UserError) -> Reading:
    """The corpus with numbers as labels, if the unknown label order was the only error."""
    numbers = tuple(map(str, range(_MOST_CLASSES)))
    try:
        reading = checked(format_.read(path, content, Choices(numbers)), path, asked=numbers)
    except UserError:
        raise error from None
    met = [int(u.emotion) for u in reading.utterances if u.emotion is not None]
    if not met:
        raise error
    return replace(reading, labels=numbers[: max(met) + 1])


def _narrowed(path: Path, layout: str) -> Path:
    """The folder at or below `path` that is the corpus, because readers search subfolders too."""
    inside = _inside(path) if path.is_dir() else []
    if not any(_layout(one) == layout for one in inside):
        return path
    whole = [one for one in inside if _is_whole(one)]
    if len(whole) > 1:
        raise _several(path, whole)
    return _narrowed(whole[0], layout) if whole else path


def _elsewhere(path: Path, nothing_fits: UserError) -> Path:
    """The only corpus below `path`, or else the corpus above it."""
    inside = _inside(path)
    if len(inside) > 1:  # there can be a vocabulary beside the corpus
        inside = [one for one in inside if _fits(one)] or inside
    if len(inside) > 1:
        raise _several(path, inside)
    if inside:
        return inside[0]
    for parent in list(path.absolute().parents)[:_UP]:
        # Check only the folder itself: a reader would search everything below, perhaps a disk.
        if any(next(parent.glob(sign), None) for sign in _SIGNS) and _layout(parent):
            return Path(os.path.relpath(parent))
    archives = [child.name for child in _children(path) if _is_archive(child)]
    if archives:
        raise UserError(f"{path}: contains an archive, {archives[0]}; unpack it and inspect again")
    raise nothing_fits


def _several(path: Path, corpora: list[Path]) -> UserError:
    names = ", ".join(map(str, corpora[:5])) + (", ..." if len(corpora) > 5 else "")
    return UserError(f"{path}: contains more than one corpus; inspect one of {names}")


def _inside(folder: Path) -> list[Path]:
    """The corpora on the first level below `folder` that has any."""
    level = [folder]
    for _ in range(_DOWN):
        level = [child for parent in level for child in _children(parent)]
        found = [path for path in level if _layout(path) or _is_data_file(path)]
        if found:
            return found
    return []


def _children(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(child for child in folder.iterdir() if not child.name.startswith("."))


def _layout(folder: Path) -> str | None:
    """The format of a folder, None if it has none."""
    fitting = (name for name, format_ in FORMATS.items() if format_.fits(folder, None))
    return next(fitting, None) if folder.is_dir() else None


def _fits(path: Path) -> bool:
    """Whether a file or folder has a known format."""
    try:
        return bool(recognise(path, load(path)))
    except UserError:
        return False


def _is_whole(folder: Path) -> bool:
    """Whether a folder can be read without its surroundings."""
    layout = _layout(folder)
    try:
        return layout is not None and bool(FORMATS[layout].read(folder, None, Choices()))
    except UserError:
        return False


def _is_data_file(path: Path) -> bool:
    return path.is_file() and path.suffix in DATA_SUFFIXES


def _is_archive(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in _ARCHIVES
