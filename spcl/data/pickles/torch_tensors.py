"""Tensors of PyTorch as NumPy arrays, without PyTorch.

The names that ``torch.save`` writes for plain tensors are admitted, as `spcl.data.pickles.admitted`
does for NumPy. PyTorch's own ``torch.load(weights_only=True)`` runs no code of a file either. But
it admits calls that allocate what they announce (``bytearray``, ``torch.Tensor``), refuses NumPy
arrays, and cannot read a plain pickle with tensors.

Sparse, quantised, complex and nested tensors, and those of a subclass, are refused by name.
"""

import math
import re
from dataclasses import dataclass

import numpy as np

from spcl.data.pickles.admitted import ADMITTED, MAX_EMPTY, Name, Names, RefusedError, short
from spcl.data.pickles.machine import Machine

LEGACY_START = re.compile(rb"\x80[\2-\5](?:\x95.{8})?\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19\.", re.DOTALL)
"""Of a file that ``torch.save`` wrote before PyTorch 1.6, and of a storage in a plain pickle: a
pickle of a magic number."""

_BFLOAT16 = "torch.BFloat16Storage"
_ELEMENTS = {
    "torch.DoubleStorage": "f8",
    "torch.FloatStorage": "f4",
    "torch.HalfStorage": "f2",
    _BFLOAT16: "u2",
    "torch.LongStorage": "i8",
    "torch.IntStorage": "i4",
    "torch.ShortStorage": "i2",
    "torch.CharStorage": "i1",
    "torch.ByteStorage": "u1",
    "torch.BoolStorage": "b1",
}
_STORAGES: dict[tuple[str, str], None] = {
    ("torch", path.removeprefix("torch.")): None for path in _ELEMENTS
}


@dataclass(frozen=True, slots=True)
class Storage:
    """The numbers that one or more tensors share, (M,)."""

    numbers: np.ndarray


@dataclass(frozen=True, slots=True)
class Announced:
    """A storage as a pickle refers to it."""

    key: str
    type_path: str
    size: int

    @property
    def n_bytes(self) -> int:
        return self.size * np.dtype(_ELEMENTS[self.type_path]).itemsize


def announced(reference: object) -> Announced:
    """The storage that a persistent id means: ("storage", type, key, device, size, ...).

    Raises
    ------
    RefusedError
        It is something else, or a part of a storage.
    """
    match reference:
        case ("storage", Name(path=path), str(key), str(), int(size), *rest):
            if path in _ELEMENTS and type(size) is int and size >= 0 and rest in ([], [None]):
                return Announced(key, path, size)
    raise RefusedError("refers to something else than a storage of torch.save")


def storage(what: Announced, content: bytes | memoryview, order: str = "<") -> Storage:
    """The storage with this content; bfloat16 becomes float32.

    Raises
    ------
    RefusedError
        The content has another size than announced.
    """
    if len(content) != what.n_bytes:
        raise RefusedError(f"announces {what.n_bytes} bytes where there are {len(content)}")
    numbers = np.frombuffer(content, order + _ELEMENTS[what.type_path])
    if what.type_path == _BFLOAT16:  # float32 without its lower half
        numbers = (numbers.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return Storage(numbers)


def read_legacy(data: bytes, names: Names) -> object:
    """The content of a file that begins with `LEGACY_START`.

    It is several pickles, and after them the storages. The pickle of the content comes before the
    storages, so it is read twice: first to know their types, then with them.

    Raises
    ------
    RefusedError
        It contains something that is not permitted.
    ValueError
        It is damaged.
    """
    found: dict[str, Announced] = {}

    def without_content(reference: object) -> Storage:
        what = announced(reference)
        if what.n_bytes > len(data) or found.setdefault(what.key, what) != what:
            raise RefusedError(f"announces {what.n_bytes} bytes in a file of {len(data)}")
        dtype = np.float32 if what.type_path == _BFLOAT16 else _ELEMENTS[what.type_path]
        return Storage(np.broadcast_to(np.zeros(1, dtype), what.size))

    magic = LEGACY_START.match(data)
    if magic is None:
        raise ValueError("another start")
    version = Machine(data, place=magic.end())
    version.run()
    about = Machine(data, place=version.place)
    system = about.run()
    little = not isinstance(system, dict) or system.get("little_endian", True)
    start = about.place
    first = Machine(data, names, without_content, place=start)
    first.run()
    keys = Machine(data, place=first.place)
    listed = keys.run()
    if not isinstance(listed, list) or set(listed) != found.keys():
        raise ValueError("the storages are not those of its tensors")
    storages: dict[str, Storage] = {}
    view, place = memoryview(data), keys.place
    for key in listed:
        what = found[key]
        content = view[place + 8 : place + 8 + what.n_bytes]  # after the number of elements
        storages[key] = storage(what, content, "<" if little else ">")
        place += 8 + what.n_bytes
    return Machine(data, names, lambda one: storages[announced(one).key], place=start).run()


class _Stored:
    """Reads the storage of a tensor in a plain pickle, whose bytes are a legacy file.

    A pickle can refer to the same bytes many times; they are read once.
    """

    def __init__(self) -> None:
        self._read: dict[int, tuple[bytes | memoryview, Storage]] = {}

    def __call__(self, content: object) -> Storage:
        if not isinstance(content, bytes | memoryview) or not LEGACY_START.match(content):
            raise RefusedError("has a storage that is not one of torch.save")
        if id(content) not in self._read:  # which stays its own while it is kept here
            found = read_legacy(bytes(content), {**ADMITTED, **_STORAGES})
            if not isinstance(found, Storage):
                raise RefusedError("has something else than a storage in a tensor")
            self._read[id(content)] = content, found
        return self._read[id(content)][1]


def _tensor(
    content: object,
    offset: object,
    shape: object,
    strides: object,
    requires_grad: object = False,
    hooks: object = None,
    metadata: object = None,
) -> np.ndarray:
    """A tensor as a read-only view of its storage.

    Raises
    ------
    RefusedError
        It is larger than its storage, or is a view that changes signs.
    """
    if not isinstance(content, Storage) or metadata:
        raise RefusedError("makes a tensor of an unusual kind")
    sizes, steps = _whole_numbers(shape), _whole_numbers(strides)
    (start,) = _whole_numbers((offset,))
    numbers = content.numbers
    if len(sizes) != len(steps) or len(sizes) > 32:
        raise RefusedError("makes a tensor whose shape and strides do not fit")
    if 0 in sizes:
        if max(sizes) > MAX_EMPTY:
            raise RefusedError(f"announces an empty tensor of shape {short(shape)}")
        return np.zeros(sizes, numbers.dtype)
    last = start + sum((n - 1) * step for n, step in zip(sizes, steps, strict=True))
    if last >= len(numbers) or math.prod(sizes) > len(numbers):
        raise RefusedError(
            f"announces a tensor of shape {short(shape)} for {len(numbers)} elements"
        )
    in_bytes = [step * numbers.strides[0] for step in steps]
    return np.lib.stride_tricks.as_strided(numbers[start:], sizes, in_bytes, writeable=False)


def _parameter(data: object, requires_grad: object = False, hooks: object = None) -> object:
    """The tensor of a parameter."""
    if not isinstance(data, np.ndarray):
        raise RefusedError("makes a parameter of something else than a tensor")
    return data


def _whole_numbers(value: object) -> tuple[int, ...]:
    if not isinstance(value, tuple) or not all(type(n) is int and n >= 0 for n in value):
        raise RefusedError("makes a tensor whose shape is not whole numbers")
    return value


def with_tensors() -> Names:
    """`ADMITTED` and what plain tensors need, for one pickle."""
    return {
        **ADMITTED,
        **_STORAGES,
        ("torch.storage", "_load_from_bytes"): _Stored(),
        ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        ("torch._utils", "_rebuild_parameter"): _parameter,
    }
