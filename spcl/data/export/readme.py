"""What the user of an exported file has to know."""

import json
from collections.abc import Sequence

from spcl.data.export.content import MAX_SPEAKERS, Content
from spcl.tables.schemas import MODALITIES, SPLITS


def notes(content: Content, has_dev: bool, of_format: Sequence[str]) -> list[str]:
    """What the format cannot say, one sentence without a full stop each."""
    found = list(of_format)
    if content.splits["dev"] and not has_dev:
        n = len(content.splits["dev"])
        found.append(f"the format has no dev split: its {n} dialogues are listed for train")
    if content.n_unlabelled:
        found.append(
            f"warning: {content.n_unlabelled} unlabelled utterances have the label -1: code that"
            " does not leave them out fails or trains on them"
        )
    found += [
        f"{n} utterances have no {MODALITIES[m]} features: their vectors are zeros"
        for m, n in content.unobserved.items()
        if n
    ]
    return found


def readme(
    content: Content, file_name: str, format_name: str, papers: str, found: Sequence[str]
) -> str:
    """The README of an exported file, in Markdown."""
    seed = "" if content.protocol_seed is None else f", seed {content.protocol_seed}"
    lines = [
        f"# {file_name}",
        "",
        *(
            ["**SIMULATED: nobody said, wrote or felt any of it.**", ""]
            if content.simulated
            else []
        ),
        f"Dataset `{content.dataset}` in the format `{format_name}` ({papers}), written by"
        " `python -m spcl export`. The table below names the extractors: the features can differ"
        " from those of the papers.",
        "",
        f"- Split protocol: `{content.protocol}`{seed}.",
        *(f"- {split}: {_size(content, split)}." for split in SPLITS),
        "- Labels: "
        + ", ".join(f"{place} {label}" for place, label in enumerate(content.labels))
        + ".",
        f"- Speakers: {_speakers(content)}.",
        *(f"- {note[0].upper()}{note[1:]}." for note in found),
    ]
    if not content.is_iemocap and format_name != "spcl":
        lines.append(
            "- Sentiments (last field): 0 neutral, 1 positive, 2 negative, as MELD's emotions"
            " determine them; -1 for surprise, for unlabelled utterances and for other corpora."
        )
    lines += ["", "| modality | width | extractor | options | version |", "|---|---|---|---|---|"]
    for m, facts in content.extractors.items():
        options = json.dumps(facts["options"], ensure_ascii=False, sort_keys=True)
        cells = (MODALITIES[m], facts["width"], facts["extractor"], options, facts["version"])
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _size(content: Content, split: str) -> str:
    dialogues = content.splits[split]
    n = sum(len(content.numbers[dialogue]) for dialogue in dialogues)
    return f"{len(dialogues)} dialogues, {n} utterances"


def _speakers(content: Content) -> str:
    if content.is_iemocap:
        return "M and F, the man and the woman of the session"
    return f"numbered from 0 in each dialogue by first appearance, at most {MAX_SPEAKERS}"
