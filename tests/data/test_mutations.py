"""A damaged file is read, or refused in one line that names it."""

import io
import json
import random
import shutil
import signal
import tarfile
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import replace

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from spcl.comparison.published import COLUMNS as PUBLISHED
from spcl.comparison.published import read_published
from spcl.data.download.unpack import unpack
from spcl.data.formats import tables
from spcl.data.media import MediaReference
from spcl.data.records import Choices
from spcl.data.simulator.media import write_avi, write_mp4, write_wav
from spcl.errors import UserError
from spcl.extract.base import Item, UnusableError
from spcl.extract.decoding import pictures, sound
from spcl.inspection import single
from spcl.inspection.find import find
from tests.data.made_formats import (
    cosmic_list,
    dialogue_rnn_tuple,
    made,
    made_mosei,
    mmsa_dict,
    mosei_tuple,
    python2_pickle,
    sdt_tuple,
    spcl_dict,
    write_dag,
    write_merbench,
    write_pickle,
)

TIMES = 1000
LONGEST_S = 5
"""Of one reading; a correct file takes less than a hundredth of this."""
LONGEST_MESSAGE = 1000

TABLE = {
    "dialogue_id": ["d0", "d0", "d1", "d2"],
    "utterance_id": ["u0", "u1", "u2", "u3"],
    "speaker": ["Ann", "Bob", "Ann", "Bob"],
    "text": ["Hello", "So, what?", "", "Ah"],
    "emotion": ["joy", "anger", "joy", "anger"],
    "split": ["train", "train", "dev", "test"],
}
VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)


# A good file of each kind, beside what it needs


def csv(path, columns):
    rows = [list(columns), *zip(*columns.values(), strict=True)]
    path.write_text("".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in rows))
    return path


def parquet(path, columns, facts=None):
    table = pa.table(columns)
    if facts:
        table = table.replace_schema_metadata({"spcl": json.dumps(facts)})
    pq.write_table(table, path, compression="zstd")
    return path


def npy(folder):
    np.save(folder / "a.npy", VECTORS)
    return folder / "a.npy"


def npz(save):
    def write(folder):
        save(folder / "a.npz", utterance_id=TABLE["utterance_id"], features=VECTORS)
        return folder / "a.npz"

    return write


def features_parquet(folder):
    columns = {"utterance_id": TABLE["utterance_id"], "features": VECTORS.tolist()}
    return parquet(folder / "a.parquet", columns)


def features_csv(folder):
    columns = {f"f{place}": column.tolist() for place, column in enumerate(VECTORS.T)}
    return csv(folder / "a.csv", {"utterance_id": TABLE["utterance_id"]} | columns)


def with_table(write):
    """Features, with a sound table of utterances beside them."""

    def both(folder):
        csv(folder / "utterances.csv", TABLE)
        return write(folder)

    return both


def table_csv(folder):
    return csv(folder / "utterances.csv", TABLE)


def table_parquet(folder):
    facts = {"labels": ["anger", "joy"], "known_as": None, "simulated": False}
    return parquet(folder / "utterances.parquet", TABLE | {"start_s": [0.0, 1.0, 2.0, 3.0]}, facts)


def pickled(content, protocol=4):
    return lambda folder: write_pickle(folder / "corpus.pkl", content, protocol)


def pickled_by_python_2(folder):
    content = spcl_dict(IEMOCAP)
    (folder / "corpus.pkl").write_bytes(python2_pickle(content, protocol=0))
    return folder / "corpus.pkl"


def with_tensors(content):
    """The content with tensors instead of arrays of numbers."""
    if isinstance(content, dict):
        return {key: with_tensors(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return type(content)(map(with_tensors, content))
    numbers = isinstance(content, np.ndarray) and content.dtype.kind == "f"
    return torch.from_numpy(content) if numbers else content


def saved_by_torch(content, *, zipped=True):
    def write(folder):
        path = folder / "corpus.pt"
        torch.save(with_tensors(content), path, _use_new_zipfile_serialization=zipped)
        return path

    return write


def merbench(part):
    def write(folder):
        write_merbench(folder, (2, 1, 1), names="tav")
        return folder / part

    return write


def dag(folder):
    write_dag(folder, IEMOCAP)
    return folder / "train_data_roberta.json.feature"


def meld(folder):
    header = "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID,StartTime,EndTime\n"
    row = '"Hello, you",Ross,{},{},0,"00:00:01,500","00:00:02,500"\n'
    for split, emotions in (("train", ("joy", "anger")), ("dev", ("joy",)), ("test", ("anger",))):
        rows = [row.format(emotion, place) for place, emotion in enumerate(emotions)]
        (folder / f"{split}_sent_emo.csv").write_text(header + "".join(rows))
    return folder / "train_sent_emo.csv"


def iemocap(part):
    def write(folder):
        lines = {
            "EmoEvaluation": "[6.2901 - 8.2357]\t{}\t{}\t[2.5000, 2.5000, 2.5000]\n",
            "transcriptions": "{} [006.2901-008.2357]: Excuse me.\n",
        }
        for each, line in lines.items():
            path = folder / f"Session1/dialog/{each}/Ses01F_impro01.txt"
            path.parent.mkdir(parents=True)
            emotions = {"F000": "neu", "M000": "ang"}
            path.write_text(
                "".join(line.format(f"{path.stem}_{turn}", emotions[turn]) for turn in emotions)
            )
        return folder / f"Session1/dialog/{part}/Ses01F_impro01.txt"

    return write


def tarred(mode):
    def write(folder):
        path = folder / "corpus.archive"
        with tarfile.open(path, mode) as archive:
            archive.add(table_csv(folder), "top/utterances.csv")
            archive.add(npy(folder), "top/a.npy")
            link = tarfile.TarInfo("top/link")
            link.type, link.linkname = tarfile.SYMTYPE, "a.npy"
            archive.addfile(link)
        return path

    return write


def zipped(compression):
    def write(folder):
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w", compression) as archive:
            archive.writestr("b.csv", "1,2\n" * 20)
        with zipfile.ZipFile(folder / "corpus.archive", "w", compression) as archive:
            archive.writestr("top/utterances.csv", "a,b\n" * 20)
            archive.writestr("top/inner.zip", inner.getvalue())
        return folder / "corpus.archive"

    return write


def published(folder):
    cells = ["meld", "MM-DFN", "atv", "none", "62.49", "official", "Hu et al., 2022"]
    return csv(folder / "published.csv", {name: [cells.pop(0)] for name in PUBLISHED})


NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 1600)
PICTURES = [np.random.default_rng(k).integers(0, 256, (32, 32, 3), np.uint8) for k in range(3)]


def wav(folder):
    write_wav(folder / "clip.wav", NOISE)
    return folder / "clip.wav"


def film(save, suffix):
    def write(folder):
        save(folder / f"clip.{suffix}", PICTURES, NOISE)
        return folder / f"clip.{suffix}"

    return write


def compressed(codec, suffix):
    def write(folder):
        path = folder / f"clip.{suffix}"
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=16_000, layout="mono")
            samples = (32767 * NOISE).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.rate = 16_000
            container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


def of_variable_rate(folder):
    path = folder / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width = stream.height = 32
        for k, picture in enumerate(PICTURES):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = k * k
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


# How each is read, with its folder


def corpus(path, folder):
    find(folder)


def own_tables(path, folder):
    tables.read(folder, None, Choices())


def one_file(path, folder):
    find(path)


def scored(path, folder):
    find(path, classes=7)


def unpacked(path, folder):
    unpack(path, folder / "unpacked")
    shutil.rmtree(folder / "unpacked")


def described(path, folder):
    single.describe(path, 80)


def scores(path, folder):
    read_published(path)


def heard(path, folder):
    with suppress(UnusableError):  # whoever extracts names the file
        sound(Item("u", audio=MediaReference(str(path), 0.01, 0.05)))


def seen(path, folder):
    with suppress(UnusableError):
        pictures(Item("u", video=MediaReference(str(path))), 2)


IEMOCAP = made("iemocap", (3, 2, 1, 1), widths=dict.fromkeys("tav", 2))
MELD = made("meld", (4, 2, 1, 1), widths=dict.fromkeys("tav", 2))
MOSEI = [replace(d, vectors=IEMOCAP[0].vectors) for d in made_mosei((3, 3, 3, 3))]
MMSA, _ = mmsa_dict((2, 1, 1), ("train", "valid", "test"), n_steps=2)
LAYERS = [0, 1, 0, -1]

KINDS = {
    "NumPy array": (with_table(npy), own_tables),
    "NumPy arrays": (with_table(npz(np.savez)), own_tables),
    "NumPy arrays, compressed": (with_table(npz(np.savez_compressed)), own_tables),
    "features in Parquet": (with_table(features_parquet), own_tables),
    "features in CSV": (with_table(features_csv), own_tables),
    "utterances in Parquet": (table_parquet, corpus),
    "utterances in CSV": (table_csv, corpus),
    "MELD.Raw": (meld, corpus),
    "IEMOCAP's annotations": (iemocap("EmoEvaluation"), corpus),
    "IEMOCAP's transcripts": (iemocap("transcriptions"), corpus),
    "DAG-ERC": (dag, corpus),
    "SPCL": (pickled(spcl_dict(IEMOCAP)), one_file),
    "SPCL, by Python 2": (pickled_by_python_2, one_file),
    "DialogueRNN": (pickled(dialogue_rnn_tuple(MELD, "meld"), 2), one_file),
    "MMSA": (pickled(MMSA), one_file),
    "MMSA, by torch.save": (saved_by_torch(MMSA), one_file),
    "DialogueRNN, by torch.save before 1.6": (
        saved_by_torch(dialogue_rnn_tuple(IEMOCAP, "iemocap"), zipped=False),
        one_file,
    ),
    "tensors in a pickle": (pickled(with_tensors(MMSA)), one_file),
    "MERBench's labels": (merbench("label-6way.npz"), corpus),
    "MERBench's arrays": (merbench("features/a/train_0000.npy"), corpus),
    "COSMIC": (pickled(cosmic_list(IEMOCAP, layers=LAYERS, sentiments=False), 3), one_file),
    "SDT": (pickled(sdt_tuple(MELD, "graphsmile"), 4), one_file),
    "CMU-MOSEI": (pickled(mosei_tuple(MOSEI), 5), scored),
    "tar": (tarred("w"), unpacked),
    "tar, gzip": (tarred("w:gz"), unpacked),
    "tar, bzip2": (tarred("w:bz2"), unpacked),
    "tar, xz": (tarred("w:xz"), unpacked),
    "zip": (zipped(zipfile.ZIP_STORED), unpacked),
    "zip, deflate": (zipped(zipfile.ZIP_DEFLATED), unpacked),
    "zip, bzip2": (zipped(zipfile.ZIP_BZIP2), unpacked),
    "zip, LZMA": (zipped(zipfile.ZIP_LZMA), unpacked),
    "an array to inspect": (npy, described),
    "a table to inspect": (table_parquet, described),
    "published scores": (published, scores),
    "WAV": (wav, heard),
    "sound of MP4": (film(write_mp4, "mp4"), heard),
    "pictures of MP4": (film(write_mp4, "mp4"), seen),
    "pictures of AVI": (film(write_avi, "avi"), seen),
    "sound of Matroska": (film(write_mp4, "mkv"), heard),
    "pictures of Matroska": (film(write_mp4, "mkv"), seen),
    "pictures of a variable rate": (of_variable_rate, seen),
    "Ogg": (compressed("libopus", "ogg"), heard),
    "FLAC": (compressed("flac", "flac"), heard),
}


# What may happen to it


def flipped(content, rng):
    changed = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(content, rng):
    return content[: rng.randrange(len(content))]


def doubled(content, rng):
    start, end = sorted(rng.choices(range(len(content) + 1), k=2))
    return content[:end] + content[start:end] + content[end:]


def swapped(content, rng):
    a, b, c = sorted(rng.choices(range(len(content) + 1), k=3))
    return content[:a] + content[b:c] + content[a:b] + content[c:]


MUTATIONS = (flipped, cut, doubled, swapped)


class Stuck(BaseException):
    """A reading that takes too long; readers do not catch it."""


@contextmanager
def bounded():
    def stop(*_):
        raise Stuck

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.sync", lambda: None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mutated_file_is_read_or_refused_in_one_line_that_names_it(tmp_path, kind):
    write, read = KINDS[kind]
    folder = tmp_path / "work"
    folder.mkdir()
    path = write(folder)
    content = path.read_bytes()
    read(path, folder)
    rng = random.Random(0)
    for number in range(TIMES):
        mutated = MUTATIONS[number % len(MUTATIONS)](content, rng)
        path.write_bytes(mutated)
        try:
            with bounded():
                read(path, folder)
        except UserError as refused:
            message = str(refused)
            assert message.startswith(str(folder)), (number, message)
            assert message.isprintable(), (number, message)
            assert len(message) < LONGEST_MESSAGE, (number, message)
