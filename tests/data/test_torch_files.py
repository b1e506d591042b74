"""Tensors come back as NumPy arrays, as PyTorch reads them, and nothing in a file is run."""

import io
import os
import pickle
import re
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spcl.data.files import disk
from spcl.data.formats import load
from spcl.data.pickles import torch_tensors
from spcl.data.pickles.unpickle import unpickle
from spcl.errors import UserError

BASE = torch.arange(24.0).reshape(4, 6)
VALUES = {
    "a tensor": BASE,
    "rows of one tensor": list(BASE),
    "large": torch.arange(2.0**19),
    "transposed": BASE.T,
    "every other": BASE[1:, ::2],
    "one number": torch.tensor(3.5),
    "no numbers": torch.zeros(0, 5),
    "of a parameter": torch.nn.Parameter(torch.ones(2)),
    "beside arrays": {"a": [np.arange(6.0).reshape(2, 3), BASE], 3: ("x", None, {1, 2}, b"y")},
    **{
        str(dtype): torch.tensor([0, 1, 2, 100]).to(dtype)
        for dtype in (
            torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
            torch.int8, torch.uint8, torch.bool,
        )
    },
}  # fmt: skip
CONTAINERS = ("zip", "legacy", "pickle")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "features.pt"


def save(value, path, container="zip", protocol=2):
    if container == "pickle":
        path.write_bytes(pickle.dumps(value, protocol))
    else:
        zipped = container == "zip"
        torch.save(value, path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    return path


def check_same(value, back):
    if isinstance(value, torch.Tensor):
        value = value.detach()
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    if isinstance(value, np.ndarray):
        assert back.dtype == value.dtype
        np.testing.assert_array_equal(back, value)
        assert not back.flags.writeable or not back.size
    elif isinstance(value, dict):
        assert list(value) == list(back)
        check_same(list(value.values()), list(back.values()))
    elif isinstance(value, list | tuple):
        assert type(value) is type(back)
        for one, other in zip(value, back, strict=True):
            check_same(one, other)
    else:
        assert value == back


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("name", VALUES)
def test_tensors_come_back_as_arrays(path, name, container):
    for protocol in range(0 if container == "pickle" else 2, pickle.HIGHEST_PROTOCOL + 1):
        save([VALUES[name], VALUES[name]], path, container, protocol)
        check_same([VALUES[name], VALUES[name]], unpickle(path))


@given(data=st.data())
def test_any_view_comes_back(tmp_path_factory, data):
    shape = data.draw(st.lists(st.integers(0, 4), max_size=3))
    tensor = torch.arange(float(np.prod(shape, initial=1))).reshape(shape)
    for axis, n in enumerate(shape):
        start, step = data.draw(st.integers(0, n)), data.draw(st.integers(1, 2))
        tensor = tensor.movedim(axis, 0)[start::step].movedim(0, axis)
    tensor = tensor.permute(data.draw(st.permutations(range(len(shape)))))
    path = tmp_path_factory.getbasetemp() / "any.pt"
    check_same(tensor, unpickle(save(tensor, path, data.draw(st.sampled_from(CONTAINERS)))))


def test_what_pytorch_reads_with_weights_only_is_the_same(path):
    value = {"a": BASE, "b": [BASE[0], torch.ones(2, dtype=torch.bfloat16)]}
    check_same(torch.load(save(value, path), weights_only=True), unpickle(path))


def test_a_file_of_torch_is_read_without_importing_torch(path):
    save({"a": BASE}, path)
    code = (
        "import sys; from pathlib import Path; from spcl.data.formats import load;"
        f" assert load(Path({str(path)!r}))['a'].shape == (4, 6); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# What is refused


class Hostile:
    def __reduce__(self):
        return os.system, ("echo hostile > hostile",)


class Marked(torch.Tensor):
    pass


def quantised():
    floats = torch.zeros(2)
    arguments = (floats.untyped_storage(), 0, (2,), (1,), (torch.per_tensor_affine, 0.1, 0), False)

    class Quantised:
        def __reduce__(self):
            return torch._utils._rebuild_qtensor, (*arguments, None)

    return Quantised()


class Calling:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


REFUSED = {
    "os.system": (Hostile, r"calls posix\.system"),
    "a subclass": (lambda: BASE.as_subclass(Marked), "calls torch._tensor._rebuild_from_type_v2"),
    "sparse": (lambda: torch.eye(2).to_sparse(), r"calls torch\._utils\._rebuild_sparse_tensor"),
    "quantised": (quantised, r"calls torch\.(_utils|storage)\.\w+"),
    "complex": (lambda: torch.ones(2, dtype=torch.cfloat), r"calls torch\.ComplexFloatStorage"),
    "meta": (
        lambda: torch.empty(2**40, device="meta"),
        r"calls torch\._utils\._rebuild_meta_tensor_no_storage",
    ),
    "a module": (lambda: torch.nn.Linear(1, 1), r"calls torch\.nn\.modules\.linear\.Linear"),
    "terabytes of torch.Tensor": (lambda: Calling(torch.Tensor, 2**42), r"calls torch\.Tensor"),
    "terabytes of a storage": (
        lambda: Calling(torch.UntypedStorage, 2**42),
        r"calls torch\.storage\.UntypedStorage",
    ),
    "terabytes of bytearray": (lambda: Calling(bytearray, 2**42), "."),
    "unpickled inside": (
        lambda: Calling(torch.storage._load_from_bytes, pickle.dumps(Hostile())),
        r"calls torch\.storage\._load_from_bytes|a storage that is not one",
    ),
}  # fmt: skip


def message(path):
    with pytest.raises(UserError) as error:
        unpickle(path)
    assert str(error.value).startswith(f"{path}: ")
    assert str(error.value).isprintable()
    assert len(str(error.value)) < len(str(path)) + 400
    return str(error.value)


@pytest.mark.parametrize("container", ["zip", "legacy"])
@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_by_name(path, name, container, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    make, found = REFUSED[name]
    save({"x": make()}, path, container)
    assert re.search(found, message(path))
    assert not (tmp_path / "hostile").exists()


def test_code_in_the_storage_of_a_plain_pickle_is_refused(path):
    inner = io.BytesIO()
    torch.save(Hostile(), inner, _use_new_zipfile_serialization=False)
    path.write_bytes(pickle.dumps(Calling(torch.storage._load_from_bytes, inner.getvalue())))
    assert "calls posix.system" in message(path)
    inner = io.BytesIO()
    torch.save([1], inner, _use_new_zipfile_serialization=False)
    path.write_bytes(pickle.dumps(Calling(torch.storage._load_from_bytes, inner.getvalue())))
    assert "something else than a storage" in message(path)


def rewritten(path, change=None, *, compression=zipfile.ZIP_STORED, without=(), more=()):
    """The archive with another pickle, or without some members."""
    with zipfile.ZipFile(path) as archive:
        members = {one.filename: archive.read(one) for one in archive.infolist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            if name.split("/", 1)[1] not in without:
                known = change is not None and name.endswith("data.pkl")
                archive.writestr(name, change(content) if known else content)
        for name, content in more:
            archive.writestr(name, content)


def number(n):
    return b"\x8a\x08" + n.to_bytes(8, "little")


ANNOUNCING = {
    "shape": lambda content: content.replace(b"K\x04K\x06\x86", number(2**40) + b"K\x06\x86"),
    "offset": lambda content: content.replace(b"K\x00K\x04K\x06", number(2**40) + b"K\x04K\x06"),
    "strides": lambda content: content.replace(b"K\x06K\x01\x86", number(2**40) + b"K\x01\x86"),
    "strides of zero": lambda content: ANNOUNCING["shape"](
        content.replace(b"K\x06K\x01\x86", b"K\x00K\x00\x86")
    ),
    "storage": lambda content: content.replace(b"K\x18t", number(2**40) + b"t"),
    "negative": lambda content: content.replace(b"K\x04K\x06\x86", b"J\xff\xff\xff\xffK\x06\x86"),
    "empty": lambda content: content.replace(b"K\x04K\x06\x86", b"K\x00" + number(2**40) + b"\x86"),
}  # fmt: skip


@pytest.mark.parametrize("name", ANNOUNCING)
def test_a_tensor_that_announces_terabytes_allocates_nothing(path, name):
    rewritten(save(BASE, path), lambda content: changed(content, ANNOUNCING[name]))
    tracemalloc.start()
    try:
        assert "none of its code was run" in message(path)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def changed(content, change):
    """Fails if nothing was replaced."""
    assert change(content) != content
    return change(content)


def test_a_storage_announced_by_a_legacy_file_allocates_nothing(path):
    save(BASE, path, "legacy")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"K\x18N", number(2**40) + b"N"))
    assert path.read_bytes() != content
    assert "announces" in message(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(path):
    save(BASE, path)
    bomb = ("features/data/9", bytes(10**7))
    rewritten(path, compression=zipfile.ZIP_DEFLATED, more=[bomb])
    assert path.stat().st_size < 10**5
    assert "is compressed" in message(path)


def test_an_archive_that_is_too_large_is_refused(path, monkeypatch):
    monkeypatch.setattr(disk, "MAX_BYTES", 1000)
    monkeypatch.setattr("spcl.data.files.parsing.MAX_BYTES", 1000)
    save(torch.zeros(1000), path)
    assert "over 0 GiB" in message(path)


def test_a_storage_that_a_plain_pickle_repeats_is_read_once(path, monkeypatch):
    times = []
    read_legacy = torch_tensors.read_legacy
    monkeypatch.setattr(
        torch_tensors, "read_legacy", lambda *given: times.append(1) or read_legacy(*given)
    )
    inner = io.BytesIO()
    torch.save(torch.ones(3)._typed_storage(), inner, _use_new_zipfile_serialization=False)
    content = pickle.dumps(inner.getvalue(), 4)[:-1]
    call = b"\x80\x04ctorch.storage\n_load_from_bytes\n("
    path.write_bytes(b"(" + call + content + b"q\x00tR" + (call[2:] + b"h\x00tR") * 99 + b"l.")
    assert len(unpickle(path)) == 100
    assert len(times) == 1


@pytest.mark.parametrize(
    ("without", "found"),
    [
        (("data/0",), "not a readable archive of torch.save"),
        (("data.pkl",), "has 0 members data.pkl"),
    ],
)
def test_an_archive_without_a_member_is_refused(path, without, found):
    rewritten(save(BASE, path), without=without)
    assert found in message(path)


def test_another_archive_is_refused(tmp_path):
    path = tmp_path / "arrays.pt"
    with path.open("wb") as file:
        np.savez(file, a=np.zeros(3))
    assert "has 0 members data.pkl" in message(path)


def test_a_big_endian_archive_is_read_in_its_order(path):
    save(BASE, path)
    with zipfile.ZipFile(path) as archive:
        members = {one.filename: archive.read(one) for one in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            if name.endswith("byteorder"):
                content = b"big"
            if name.endswith("data/0"):
                content = np.frombuffer(content, "<f4").astype(">f4").tobytes()
            archive.writestr(name, content)
    np.testing.assert_array_equal(load(path), BASE.numpy())


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_truncated_file_is_refused(path, container):
    content = save({"a": BASE, "b": [1.5]}, path, container).read_bytes()
    for end in range(1, len(content), 7):
        path.write_bytes(content[:end])
        message(path)
