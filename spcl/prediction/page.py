"""A conversation and its predicted emotions as one HTML page that works offline.

Colour is never needed: each class also has a pattern and a short name. The table below the time
line contains all that the time line shows, for readers without sight or without a mouse.
"""

import base64
import json
import mimetypes
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from spcl.data import media
from spcl.data.media import SOUND, VIDEO, MediaReference
from spcl.errors import UserError, listed
from spcl.prediction.page_parts import SCRIPT, STYLE
from spcl.report.formats.html import escape
from spcl.tables.parquet import metadata
from spcl.tables.schemas import MODALITIES

_COLORS = (  # of Okabe and Ito, readable by colour-blind people
    *("#E69F00", "#56B4E9", "#009E73", "#F0E442"),
    *("#0072B2", "#D55E00", "#CC79A7", "#8C8C8C"),
)
_ANGLES = (None, 45, 135, 90)
"""Of the stripes of a class, in turn; None = without."""


@dataclass(frozen=True)
class _Clip:
    """The recording of an utterance: which source, and which part of it in seconds."""

    source: int
    start: float
    end: float | None


@dataclass(frozen=True)
class _Answer:
    """The most probable class of a head: its index, probability and deviation over seeds."""

    label: int
    probability: float
    spread: float | None

    @property
    def text(self) -> str:
        """``72 %``, or ``72 % ± 5`` with several seeds."""
        percent = f"{100 * self.probability:.0f} %"
        return percent if self.spread is None else f"{percent} ± {100 * self.spread:.0f}"


@dataclass(frozen=True)
class _Utterance:
    """An utterance and the answers about it.

    Attributes
    ----------
    row
        Of the predictions.
    joint, own
        The answer of all modalities together, and of each alone; None where it is missing.
    clip
        Its recording; None if there is none.
    """

    row: Mapping[str, Any]
    joint: _Answer
    own: tuple[_Answer | None, ...]
    clip: _Clip | None

    @classmethod
    def of(cls, row: Mapping[str, Any], labels: Sequence[str], clip: _Clip | None) -> Self:
        spread = row["spread"] or [None] * len(labels)
        spreads = row["modality_spread"] or [spread] * len(row["observed"])
        index = labels.index(row["predicted"])
        own = []
        for p, s, observed in zip(
            row["modality_probabilities"], spreads, row["observed"], strict=True
        ):
            best = max(range(len(labels)), key=p.__getitem__)
            own.append(_Answer(best, p[best], s[best]) if observed else None)
        joint = _Answer(index, row["probabilities"][index], spread[index])
        return cls(row, joint, tuple(own), clip)

    def differs(self, own: _Answer | None) -> bool:
        """Whether a modality alone gives another answer than all together."""
        return own is not None and own.label != self.joint.label

    @property
    def is_apart(self) -> bool:
        """Whether any modality alone gives another answer."""
        return any(map(self.differs, self.own))

    @property
    def times(self) -> str:
        """``0:12 to 0:15``, empty if unknown."""
        start, end = self.row["start_s"], self.row["end_s"]
        return "" if start is None or end is None else f"{_clock(start)} to {_clock(end)}"


def render(
    predictions: pa.Table,
    *,
    dialogue: str | None,
    folder: Path,
    beside: Path,
    embed_limit_mb: float = 10.0,
) -> str:
    """The page of one dialogue.

    Parameters
    ----------
    predictions
        Schema `spcl.tables.schemas.PREDICTED`, with metadata.
    dialogue
        Which one; None if there is only one.
    folder
        The folder of the recordings. Those that do not exist are left out.
    beside
        The folder of the page, for relative paths to the recordings.
    embed_limit_mb
        If the recordings together are not larger, they become part of the page.

    Raises
    ------
    UserError
        There is no such dialogue, or there are several and none is chosen.
    """
    facts = metadata(predictions)
    name = _chosen(predictions["dialogue_id"].to_pylist(), dialogue)
    rows = predictions.filter(pc.field("dialogue_id") == name).sort_by("position").to_pylist()
    sources, labels = _Sources(folder, beside, embed_limit_mb), facts["labels"]
    utterances = [_Utterance.of(row, labels, sources.clip(row)) for row in rows]
    codes = _codes(labels)
    classes = "".join(_class_style(index) for index in range(len(labels)))
    lines = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(name)}: emotions</title>",
        f"<style>{STYLE}{classes}</style>\n</head>\n<body>",
        f"<h1>{escape(name)}</h1>",
        *_introduction(utterances, facts),
        *sources.player(),
        *_legend(labels, codes),
        *_timeline(utterances, labels, codes),
        *_table(utterances, facts),
        f"<script>const SOURCES = {sources.as_json()};{SCRIPT}</script>\n</body>\n</html>\n",
    ]
    return "\n".join(lines)


class _Sources:
    """The recordings of a page. They are opened once each, and only if they look like media."""

    def __init__(self, folder: Path, beside: Path, embed_limit_mb: float) -> None:
        self._folder, self._beside = folder, beside
        self._limit = embed_limit_mb * 1e6
        self._paths: dict[Path, int | None] = {}

    @property
    def _found(self) -> list[Path]:
        return [path for path, index in self._paths.items() if index is not None]

    def clip(self, row: Mapping[str, Any]) -> _Clip | None:
        """The recording of an utterance, video before sound; None if there is none."""
        for text in (row["video_path"], row["audio_path"]):
            if not text:
                continue
            reference = MediaReference.parse(text)
            path = self._folder / reference.path
            if path not in self._paths:
                usable = path.suffix.lower() in (*SOUND, *VIDEO) and media.fault(path) is None
                self._paths[path] = len(self._found) if usable else None
            index = self._paths[path]
            if index is not None:
                return _Clip(index, reference.start_s or 0.0, reference.end_s)
        return None

    def as_json(self) -> str:
        """The addresses of the recordings, for the script."""
        found = self._found
        embed = sum(path.stat().st_size for path in found) <= self._limit
        addresses = [_data(path) if embed else self._relative(path) for path in found]
        return json.dumps(addresses).replace("<", "\\u003c")

    def player(self) -> Iterator[str]:
        if self._found:
            kind = "video" if any(p.suffix.lower() in VIDEO for p in self._found) else "audio"
            yield (
                f'<{kind} id="player" controls preload="metadata"'
                f' aria-label="The recording"></{kind}>'
            )

    def _relative(self, path: Path) -> str:
        return quote(Path(os.path.relpath(path, self._beside)).as_posix())


def _data(path: Path) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _chosen(dialogues: Sequence[str], asked: str | None) -> str:
    known = list(dict.fromkeys(dialogues))
    if asked is None and len(known) == 1:
        return known[0]
    if asked not in known:
        problem = f"there is no dialogue '{asked}'" if asked else f"has {len(known)} dialogues"
        raise UserError(f"the predictions: {problem}; choose one: --dialogue {listed(known)}")
    return str(asked)


def _codes(labels: Sequence[str]) -> list[str]:
    """The shortest beginnings, of at least two letters, that differ between the classes."""
    codes = []
    for label in labels:
        others = [other for other in labels if other != label]
        lengths = range(2, len(label) + 1)
        distinct = (label[:n] for n in lengths if not any(o.startswith(label[:n]) for o in others))
        codes.append(next(distinct, label))
    return codes


def _class_style(index: int) -> str:
    color, angle = _COLORS[index % len(_COLORS)], _ANGLES[index % len(_ANGLES)]
    fill = color
    if angle is not None:
        fill = f"repeating-linear-gradient({angle}deg,{color} 0 5px,#fff 5px 7px)"
    return f".c{index}{{--color:{color};--fill:{fill}}}\n"


def _introduction(utterances: Sequence[_Utterance], facts: Mapping[str, Any]) -> Iterator[str]:
    if facts["simulated"]:
        yield (
            '<p class="simulated">Simulated data: the models or the recordings are simulated. These'
            " answers say nothing about real people.</p>"
        )
    seeds = facts["seeds"]
    models = "One model" if len(seeds) == 1 else f"{len(seeds)} models (one a seed)"
    spread = "" if len(seeds) == 1 else " ± is the standard deviation over seeds."
    apart = sum(one.is_apart for one in utterances)
    yield (
        f"<p>{models} of {escape(facts['baseline'])} with curriculum"
        f" {escape(facts['curriculum'])}, trained on {escape(facts['trained_on'])}.{spread}"
        f" In {apart} of {len(utterances)} utterances at least one modality alone gives another"
        " answer (≠).</p>"
        '<p class="small">A probability is an estimate of the models. It is not a measurement of'
        " what a person feels.</p>"
    )


def _legend(labels: Sequence[str], codes: Sequence[str]) -> Iterator[str]:
    items = (
        f'<li><span class="swatch c{index}"></span>{escape(label)} <abbr>{escape(code)}</abbr></li>'
        for index, (label, code) in enumerate(zip(labels, codes, strict=True))
    )
    yield f'<ul class="legend" aria-label="Classes">{"".join(items)}</ul>'


def _timeline(
    utterances: Sequence[_Utterance], labels: Sequence[str], codes: Sequence[str]
) -> Iterator[str]:
    """A lane for each speaker; without times, all utterances are equally long."""
    timed = all(one.times for one in utterances)
    spans = [
        (one.row["start_s"], one.row["end_s"]) if timed else (float(place), place + 1.0)
        for place, one in enumerate(utterances)
    ]
    begin = min(start for start, _ in spans)
    whole = max(max(end for _, end in spans) - begin, 1e-3)
    lanes: dict[str, list[str]] = {}
    for number, (one, (start, end)) in enumerate(zip(utterances, spans, strict=True)):
        says = (one.row["speaker"], one.times, f"{labels[one.joint.label]} {one.joint.text}")
        left, width = 100 * (start - begin) / whole, 100 * (end - start) / whole
        lanes.setdefault(one.row["speaker"], []).append(
            f'<a class="block c{one.joint.label}" style="left:{left:.3f}%;width:{width:.3f}%"'
            f' href="#u{number}" tabindex="-1" title="{escape(", ".join(filter(None, says)))}">'
            f"<span>{escape(codes[one.joint.label])}</span></a>"
        )
    axis = f"{_clock(begin)} to {_clock(begin + whole)}" if timed else "in order, without times"
    yield f'<h2>Time line</h2>\n<p class="small">{axis}. The table has the same content.</p>'
    wide = max(100.0, 2.2 * len(utterances))
    yield f'<div class="timeline" aria-hidden="true"><div style="min-width:{wide:.0f}%">'
    for speaker, blocks in lanes.items():
        yield f'<div class="lane"><b>{escape(speaker or "?")}</b><div>{"".join(blocks)}</div></div>'
    yield "</div></div>"


def _table(utterances: Sequence[_Utterance], facts: Mapping[str, Any]) -> Iterator[str]:
    labels = facts["labels"]
    modalities = facts["modalities"] if len(facts["modalities"]) > 1 else ""
    yield "<h2>Utterances</h2>"
    yield '<p class="controls small">'
    if modalities:
        yield (
            '<label><input type="checkbox" id="apart"> Only where a modality alone gives another'
            " answer</label>"
        )
    yield "<span>Keys: j or ↓ next, k or ↑ previous, p play or pause.</span></p>"
    alone = [f"{MODALITIES[m].capitalize()} alone" for m in modalities]
    heads = ["Time", "Speaker", "Utterance", "Emotion", "Probability", *alone]
    yield "<table>\n<thead><tr>"
    yield "".join(f'<th scope="col">{head}</th>' for head in heads) + "</tr></thead>\n<tbody>"
    for number, one in enumerate(utterances):
        cells = [
            f'<td class="time">{_time(one)}</td>',
            f"<td>{escape(one.row['speaker'])}</td>",
            f'<td class="words">{escape(one.row["text"])}</td>',
            f"<td>{_chip(one.joint, labels)}{_details(one.row, labels)}</td>",
            f"<td>{_bar(one.joint)}{one.joint.text}</td>",
        ]
        for head, own in zip(alone, one.own if modalities else (), strict=True):
            cells.append(f'<td data-head="{head}">{_of_modality(one, own, labels)}</td>')
        apart = ' class="apart"' if one.is_apart else ""
        yield f'<tr id="u{number}" tabindex="-1"{apart}>{"".join(cells)}</tr>'
    yield "</tbody></table>"


def _chip(answer: _Answer, labels: Sequence[str]) -> str:
    return f'<span class="chip c{answer.label}">{escape(labels[answer.label])}</span>'


def _of_modality(utterance: _Utterance, own: _Answer | None, labels: Sequence[str]) -> str:
    if own is None:
        return '<span class="small">missing</span>'
    sign = '<b title="another answer than all together">≠</b> ' if utterance.differs(own) else ""
    return f"{sign}{_chip(own, labels)} {own.text}"


def _details(row: Mapping[str, Any], labels: Sequence[str]) -> str:
    """All classes, the most probable first."""
    spread = row["spread"] or [None] * len(labels)
    answers = [_Answer(i, p, spread[i]) for i, p in enumerate(row["probabilities"])]
    answers.sort(key=lambda answer: -answer.probability)
    items = (f"<li>{escape(labels[one.label])} {one.text}</li>" for one in answers)
    return f"<details><summary>all classes</summary><ul>{''.join(items)}</ul></details>"


def _bar(answer: _Answer) -> str:
    p, s = 100 * answer.probability, 100 * (answer.spread or 0)
    low, high = max(p - s, 0), min(p + s, 100)
    return (
        f'<span class="bar" aria-hidden="true"><i class="c{answer.label}" style="width:{p:.1f}%">'
        f'</i><u style="left:{low:.1f}%;width:{high - low:.1f}%"></u></span>'
    )


def _time(utterance: _Utterance) -> str:
    """The start, as a button that plays the utterance if there is a recording."""
    start, clip = utterance.row["start_s"], utterance.clip
    shown = "" if start is None else _clock(start)
    if clip is None:
        return shown
    end = "" if clip.end is None else f' data-end="{clip.end:g}"'
    return (
        f'<button type="button" data-source="{clip.source}" data-start="{clip.start:g}"{end}'
        f' aria-label="Play utterance {utterance.row["position"] + 1}">▶ {shown}</button>'
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
