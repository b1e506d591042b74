"""Tables of a made corpus with features, as the workflow stores them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from spcl.data.emotions.labels import IEMOCAP, MELD
from spcl.tables.parquet import describe
from spcl.tables.schemas import FEATURES, UTTERANCES

LABELS = {"iemocap": IEMOCAP, "meld": MELD, None: ("calm", "cross", "glad")}
WIDTHS = {"t": 5, "a": 4, "v": 3}


@dataclass(frozen=True)
class Row:
    """An utterance and its vectors; a vector of None is not observed."""

    dialogue: str
    utterance: str
    speaker: str
    text: str
    emotion: str | None
    split: str
    vectors: dict


def rows_of(known_as, lengths, *, seed=0, splits=("train", "dev", "test"), speakers=2, gaps=0.0):
    """Dialogues of these lengths; a share of `gaps` of labels and vectors is absent."""
    rng = np.random.default_rng(seed)
    rows = []
    for place, n in enumerate(lengths):
        iemocap = known_as == "iemocap"
        dialogue = f"Ses0{1 + place % 5}F_impro{place:02d}" if iemocap else f"talk_{place}"
        for i in range(n):
            who = int(rng.integers(speakers))
            rows.append(
                Row(
                    dialogue=dialogue,
                    utterance=f"{dialogue}_u{i}",
                    speaker=f"{dialogue[:5]}_{'FM'[who]}" if iemocap else f"Person {who}",
                    text=f"word {i}",
                    emotion=None if rng.random() < gaps else str(rng.choice(LABELS[known_as])),
                    split=splits[place % len(splits)],
                    vectors={
                        m: None if rng.random() < gaps else rng.normal(size=d).astype(np.float32)
                        for m, d in WIDTHS.items()
                    },
                )
            )
    return rows


def tables(rows, known_as, *, labels=None, dataset="mine", simulated=False):
    """The utterances and, by modality, the features."""
    labels = labels or LABELS[known_as]
    met, position = {}, []
    for row in rows:
        position.append(met.get(row.dialogue, 0))
        met[row.dialogue] = position[-1] + 1
    codes = [None if row.emotion is None else labels.index(row.emotion) for row in rows]
    utterances = UTTERANCES.table(
        {
            "dialogue_id": [row.dialogue for row in rows],
            "utterance_id": [row.utterance for row in rows],
            "position": position,
            "speaker": [row.speaker for row in rows],
            "text": [row.text for row in rows],
            "emotion": pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), list(labels)),
            "split": [row.split for row in rows],
            **dict.fromkeys(("start_s", "end_s", "audio_path", "video_path"), [None] * len(rows)),
        }
    )
    facts = {"dataset": dataset, "simulated": simulated}
    split = {"protocol": "official", "protocol_seed": 0}
    utterances = describe(utterances, labels=list(labels), known_as=known_as, **split, **facts)
    features = {}
    for m, width in WIDTHS.items():
        vectors = [row.vectors[m] for row in rows]
        filled = [np.zeros(width, np.float32) if x is None else x for x in vectors]
        table = FEATURES.table(
            {
                "utterance_id": [row.utterance for row in rows],
                "observed": [x is not None for x in vectors],
                "features": pa.FixedSizeListArray.from_arrays(np.concatenate(filled), width),
            }
        )
        described = {"modality": m, "extractor": f"made_{m}", "version": "1", "inputs": "0"}
        features[m] = describe(table, width=width, options={"layer": 2}, **described, **facts)
    return utterances, features
