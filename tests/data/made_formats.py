"""A simulated corpus, written in each supported format of feature files, with its variants.

Nothing here is a real corpus: the vectors are drawn by a seed.
"""

import json
import pickle
import struct
from dataclasses import dataclass, replace

import numpy as np

from spcl.data.emotions.labels import IEMOCAP, MELD

WIDTHS = {"t": 6, "a": 4, "v": 3}


@dataclass(frozen=True)
class Dialogue:
    """One dialogue as every format has to bring it back."""

    name: str
    split: str
    speakers: list
    emotions: list
    texts: list
    vectors: dict

    def __len__(self):
        return len(self.emotions)


def made(corpus, lengths=(5, 3, 1, 4, 6, 2), *, seed=0, widths=WIDTHS):
    """Dialogues of a corpus that is recognised: every emotion occurs, the last third is test."""
    rng = np.random.default_rng(seed)
    order = IEMOCAP if corpus == "iemocap" else MELD
    emotions = [order[i % len(order)] for i in range(sum(lengths))]
    dialogues = []
    for place, n in enumerate(lengths):
        iemocap, session = corpus == "iemocap", 1 + place * 5 // len(lengths)
        dialogues.append(
            Dialogue(
                name=f"Ses0{session}F_impro{place:02d}" if iemocap else str(place),
                split="test" if place >= len(lengths) * 2 / 3 else "train",
                speakers=[("F", "M")[i % 2] if iemocap else str(i % 3) for i in range(n)],
                emotions=[emotions.pop() for _ in range(n)],
                texts=[f"what {place} said in {i}" for i in range(n)],
                vectors={m: rng.normal(size=(n, d)).astype(np.float32) for m, d in widths.items()},
            )
        )
    return dialogues


def check_same(reading, dialogues, modalities="tav", *, prefix="dia"):
    """Assert that a reading is the dialogues, in their order, with equal vectors."""

    def name(dialogue):
        return prefix + dialogue.name if dialogue.name.isdecimal() else dialogue.name

    rows = [
        (name(d), speaker, words, emotion, d.split)
        for d in dialogues
        for speaker, words, emotion in zip(d.speakers, d.texts, d.emotions, strict=True)
    ]
    got = [(u.dialogue_id, u.speaker, u.text, u.emotion, u.split) for u in reading.utterances]
    assert got == rows
    ids = [u.utterance_id for u in reading.utterances]
    assert len(set(ids)) == len(ids)
    assert set(reading.features) == set(modalities)
    for m in modalities:
        expected = np.concatenate([d.vectors[m] for d in dialogues])
        assert reading.features[m].dtype == np.float32
        np.testing.assert_array_equal(reading.features[m], expected)


# How a file may hold the vectors of a dialogue, given as (n, D), and the ids of a split

ROWS = {
    "array": lambda x: x,
    "list of arrays": list,
    "tuple of arrays": tuple,
    "list of lists": lambda x: x.tolist(),
    "float64": lambda x: x.astype(np.float64),
    "float64 by row": lambda x: list(x.astype(np.float64)),
    "big endian": lambda x: x.astype(">f4"),
    "fortran": np.asfortranarray,
    "object array of arrays": lambda x: _objects(list(x)),
    "object array of numbers": lambda x: x.astype(object),
    "rows of one row": lambda x: [row[None] for row in x],
}

IDS = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "set": set,
    "bytes": lambda ids: [name.encode() if isinstance(name, str) else name for name in ids],
}


def _objects(items):
    array = np.empty(len(items), dtype=object)
    for place, item in enumerate(items):
        array[place] = item
    return array


def _by_dialogue(dialogues, value):
    """A field; its dialogues are reversed, because no reader may rely on their order."""
    return {_key(d): value(d) for d in reversed(dialogues)}


def _key(dialogue):
    return int(dialogue.name) if dialogue.name.isdecimal() else dialogue.name


def _ids(dialogues, split, form):
    return IDS[form]([_key(d) for d in dialogues if d.split == split])


def _numbers(dialogue):
    order = MELD if dialogue.name.isdecimal() else IEMOCAP
    return [-1 if emotion is None else order.index(emotion) for emotion in dialogue.emotions]


def _one_hot(dialogue):
    return [np.eye(9)[int(speaker)].tolist() for speaker in dialogue.speakers]


def spcl_dict(dialogues, *, rows="array", ids="list", speakers="speaker"):
    """The dict of SPCL and Ada2I: letters under ``speaker``, places under ``speakers``."""
    spoken = {
        "speaker": lambda d: list(d.speakers),
        "speakers": lambda d: np.array([int(speaker) for speaker in d.speakers]),
    }
    content = {
        "trainVid": _ids(dialogues, "train", ids),
        "testVid": _ids(dialogues, "test", ids),
        speakers: _by_dialogue(dialogues, spoken[speakers]),
        "label": _by_dialogue(dialogues, _numbers),
        "sentence": _by_dialogue(dialogues, lambda d: list(d.texts)),
    }
    if any(d.split == "dev" for d in dialogues):
        content["valVid"] = _ids(dialogues, "dev", ids)
    for m, key in {"t": "text", "a": "audio", "v": "visual"}.items():
        content[key] = _by_dialogue(dialogues, lambda d, m=m: ROWS[rows](d.vectors[m]))
    return content


def dialogue_rnn_tuple(dialogues, form, *, rows="list of arrays", ids="set"):
    """The tuples of DialogueRNN's family; `form` is ``iemocap``, ``meld`` or ``meld without v``."""

    def field(m):
        return _by_dialogue(dialogues, lambda d: ROWS[rows](d.vectors[m]))

    iemocap = form == "iemocap"
    if iemocap:
        names = _by_dialogue(dialogues, lambda d: [f"{d.name}_F{i:03d}" for i in range(len(d))])
        spoken = _by_dialogue(dialogues, lambda d: list(d.speakers))
    else:  # the utterances are numbered from the start in every dialogue
        names = _by_dialogue(dialogues, lambda d: list(range(len(d))))
        spoken = _by_dialogue(dialogues, _one_hot)
    return (
        names,
        spoken,
        _by_dialogue(dialogues, _numbers),
        field("t"),
        field("a"),
        *(() if form == "meld without v" else (field("v"),)),
        _by_dialogue(dialogues, lambda d: list(d.texts)),
        _ids(dialogues, "train", ids),
        _ids(dialogues, "test", ids),
        *(() if iemocap else (_by_dialogue(dialogues, lambda d: [0] * len(d)),)),
    )


def sdt_tuple(dialogues, form, *, layers=(0, 0, 0, 0), rows="list of arrays", ids="set"):
    """SDT's tuples; `form` is ``iemocap``, ``meld`` or ``graphsmile``; `layers` as in COSMIC's."""
    names, spoken, numbers, text, audio, visual, texts, train, test, *feelings = dialogue_rnn_tuple(
        dialogues, "iemocap" if form == "iemocap" else "meld", rows=rows, ids=ids
    )
    shifted = [
        _by_dialogue(dialogues, lambda d, by=by: ROWS[rows](d.vectors["t"] + np.float32(by)))
        for by in layers
    ]
    fields = (*(shifted if any(layers) else [text] * 4), audio, visual, texts, train, test)
    if form == "graphsmile":
        fields = (*feelings, *fields)
    return (names, spoken, numbers, *fields, *(() if form == "iemocap" else ({"any": [None]},)))


SCORES = (-3.0, -1.6666666, -1.0, -0.5, 0.0, 0.3333333, 0.5, 1.0, 1.5, 2.5, 3.0, None)
"""Sentiment scores; -1 is one of them, and None is unlabelled."""


def made_mosei(lengths=(5, 3, 1, 4, 6, 5)):
    """Dialogues of one speaker whose emotions are the `SCORES` in turn."""
    scores = [SCORES[i % len(SCORES)] for i in range(sum(lengths))]
    return [
        replace(
            d,
            name=f"video{place:02d}",
            speakers=["F"] * len(d),
            emotions=[scores.pop(0) for _ in range(len(d))],
        )
        for place, d in enumerate(made("iemocap", lengths))
    ]


def mosei_tuple(dialogues, *, scores=list, rows="list of arrays", ids="list"):
    """The tuple of 9 with scores in place of classes, in any form that `scores` makes of a list."""
    plain = [replace(d, emotions=["hap"] * len(d)) for d in dialogues]
    content = list(dialogue_rnn_tuple(plain, "iemocap", rows=rows, ids=ids))
    content[2] = _by_dialogue(dialogues, lambda d: scores(d.emotions))
    return tuple(content)


def cosmic_list(dialogues, *, layers, sentiments, ids="list", rows="list of arrays"):
    """COSMIC's list; `layers` are what is added to t in the four, so that 0 on average keeps it."""
    iemocap = not dialogues[0].name.isdecimal()
    return [
        _by_dialogue(dialogues, (lambda d: list(d.speakers)) if iemocap else _one_hot),
        _by_dialogue(dialogues, _numbers),
        *((_by_dialogue(dialogues, lambda d: [0] * len(d)),) if sentiments else ()),
        *(
            _by_dialogue(dialogues, lambda d, by=by: ROWS[rows](d.vectors["t"] + np.float32(by)))
            for by in layers
        ),
        _by_dialogue(dialogues, lambda d: list(d.texts)),
        *(_ids(dialogues, split, ids) for split in ("train", "test", "dev")),
    ]


def dag_lists(dialogues, modalities="tav"):
    """DAG-ERC's lists by split; one modality makes ``cls`` one vector."""
    divided = {}
    for d in dialogues:
        utterances = []
        for i, (speaker, emotion, words) in enumerate(
            zip(d.speakers, d.emotions, d.texts, strict=True)
        ):
            vectors = [d.vectors[m][i].tolist() for m in modalities]
            utterance = {"text": words, "speaker": speaker, "label": emotion}
            utterance["cls"] = vectors if len(vectors) > 1 else vectors[0]
            if emotion is None:
                del utterance["label"]
            utterances.append(utterance)
        divided.setdefault(d.split, []).append(utterances)
    return divided


def write_dag(folder, dialogues, modalities="tav", pattern="{}_data_roberta.json.feature"):
    folder.mkdir(exist_ok=True)
    for split, lists in dag_lists(dialogues, modalities).items():
        (folder / pattern.format(split)).write_text(json.dumps(lists), encoding="utf-8")
    return folder


def write_pickle(path, content, protocol=4):
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


# Pickles as Python 2 wrote them: text and the bytes of arrays are both strings of bytes


def python2_pickle(value, *, protocol=2):
    """A pickle of plain values and arrays in the opcodes of Python 2, protocol 0 or 2."""
    start = b"\x80\x02" if protocol == 2 else b""
    return start + b"".join(_python2(value, protocol)) + b"."


def _python2(value, protocol):
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        yield b"N"
    elif isinstance(value, int):
        yield b"I%d\n" % value
    elif isinstance(value, float):
        yield b"F%s\n" % repr(value).encode() if protocol == 0 else b"G" + struct.pack(">d", value)
    elif isinstance(value, str):
        yield _python2_string(value.encode("utf-8"), protocol)
    elif isinstance(value, bytes):
        yield _python2_string(value, protocol)
    elif isinstance(value, np.ndarray):
        yield from _python2_array(value, protocol)
    elif isinstance(value, dict):
        yield b"(d"
        for key, item in value.items():
            yield from _python2(key, protocol)
            yield from _python2(item, protocol)
            yield b"s"
    elif isinstance(value, set):
        yield b"c__builtin__\nset\n("
        yield from _python2(sorted(value), protocol)
        yield b"tR"
    else:
        yield b"(l" if isinstance(value, list) else b"("
        for item in value:
            yield from _python2(item, protocol)
            yield b"a" if isinstance(value, list) else b""
        yield b"" if isinstance(value, list) else b"t"


def _python2_string(content, protocol):
    if protocol == 0:
        return b"S" + repr(content)[1:].encode("ascii") + b"\n"
    if len(content) < 256:
        return b"U" + bytes([len(content)]) + content
    return b"T" + struct.pack("<i", len(content)) + content


def _python2_array(array, protocol):
    code = _python2_string(array.dtype.str[1:].encode(), protocol)
    yield b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\nt"
    yield _python2_string(b"b", protocol) + b"tR("
    yield from _python2(1, protocol)
    yield from _python2(array.shape, protocol)
    yield b"cnumpy\ndtype\n(" + code + b"I0\nI1\ntR(I3\n"
    yield _python2_string(b"<", protocol) + b"NNNI-1\nI-1\nI0\ntbI00\n"
    yield _python2_string(array.tobytes(), protocol) + b"tb"


# MMSA: splits of clips, each a sequence of steps for each modality

SEQUENCES = {
    "array": lambda x: x,
    "float64": lambda x: x.astype(np.float64),
    "big endian": lambda x: x.astype(">f4"),
    "list of arrays": list,
    "object array": lambda x: _objects(list(x)),
    "list of lists": lambda x: x.tolist(),
}
"""How a file may hold (n, steps, width)."""

CLIP_IDS = {
    "list": list,
    "array": np.array,
    "object array": lambda ids: _objects(list(ids)),
    "bytes": lambda ids: [name.encode() for name in ids],
}


def mmsa_dict(
    videos=(5, 3, 4, 2, 3),
    splits=("train", "train", "train", "valid", "test"),
    *,
    n_steps=6,
    widths=WIDTHS,
    lengths=("audio", "vision"),
    rows="array",
    ids="list",
    seed=0,
    scale=3.0,
):
    """A dict of MMSA with padding of zeros; ids are "video$_$clip", clips from 8, shuffled.

    Returns
    -------
    dict
        As in the file.
    dict
        Clip -> modality -> its steps (S_i, D) without padding.
    """
    rng = np.random.default_rng(seed)
    content, true = {}, {}
    for split in dict.fromkeys(splits):
        clips = [
            f"video{place}$_${8 + clip}"
            for place, n in enumerate(videos)
            if splits[place] == split
            for clip in rng.permutation(n)
        ]
        scores = rng.choice(np.array([-1, -0.4, 0, 0.2, 1]) * scale, len(clips))
        part = {
            "id": CLIP_IDS[ids](clips),
            "raw_text": CLIP_IDS[ids]([f"said in {clip}" for clip in clips]),
            "regression_labels": scores.astype(np.float32),
            "classification_labels": np.sign(scores) + 1,
            "annotations": [
                ("Negative", "Neutral", "Positive")[int(np.sign(s)) + 1] for s in scores
            ],
        }
        for m, name in (("t", "text"), ("a", "audio"), ("v", "vision")):
            n_true = rng.integers(1, n_steps + 1, len(clips))
            padded = np.zeros((len(clips), n_steps, widths[m]), np.float32)
            for row, (clip, n) in enumerate(zip(clips, n_true, strict=True)):
                padded[row, :n] = rng.normal(size=(n, widths[m]))
                true.setdefault(clip, {})[m] = padded[row, :n]
            part[name] = SEQUENCES[rows](padded)
            if name in lengths:
                part[f"{name}_lengths"] = n_true.tolist()
        content[split] = part
    return content, true


def write_merbench(
    folder,
    clips=(12, 4, 4),
    *,
    labels="npz",
    steps=True,
    widths=WIDTHS,
    dtype=np.float32,
    seed=0,
    names=("text-bert-UTT", "a_hubert-FRA", "Visual"),
    classes=("angry", "happy", "neutral"),
):
    """A folder of MERBench: clips of train, val and test, their labels, and arrays in folders.

    Returns
    -------
    dict
        Clip -> split, emotion, score, and by modality (S_i, D) or (D,).
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(exist_ok=True)
    clips_of, corpora = {}, {}
    for split, n in zip(("train", "val", "test"), clips, strict=True):
        for place in range(n):
            name = f"{split}_{place:04d}"
            emotion, score = classes[place % len(classes)], float(rng.choice([-2.4, -1, 0, 1, 3]))
            corpora.setdefault(f"{split}_corpus", {})[name] = {"emo": emotion, "val": score}
            shapes = {m: (rng.integers(1, 6), d) if steps else (d,) for m, d in widths.items()}
            clips_of[name] = {"split": split, "emotion": emotion, "score": score} | {
                m: rng.normal(size=shape).astype(dtype) for m, shape in shapes.items()
            }
    if labels == "npz":
        np.savez_compressed(folder / "label-6way.npz", **corpora)
    else:
        rows = [f"{name},{c['emotion']},{c['score']},{c['split']}" for name, c in clips_of.items()]
        (folder / "labels.csv").write_text("\n".join([f"name,{labels},val,split", *rows]))
    for m, name in zip("tav", names, strict=True):
        (folder / "features" / name).mkdir(parents=True, exist_ok=True)
        for clip, content in clips_of.items():
            np.save(folder / "features" / name / f"{clip}.npy", content[m])
    return clips_of
