"""The few names that a pickle may use, and what each of them creates.

A name never gives the object itself: a pickle that names ``numpy.ndarray`` gets a placeholder that
only ``_reconstruct`` accepts, and an array is created only from the bytes that the pickle has. So
nothing in a pickle can create, call or change an object of the program.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_EMPTY = 1_000_000
"""The longest axis of an empty array, and the longest range: neither takes bytes in the file."""

SMALL = 2**16
MAX_LARGE = 10_000
"""An integer is its own hash, so keys can be chosen that all collide in a dict or set. There are
too few integers below `SMALL` to cost time; of all others a pickle may have `MAX_LARGE`."""

_DTYPE = re.compile(r"[<>=|]?(?:b1|[iu][1248]|f(?:2|4|8|16)|O[48]?|[SU][1-9]\d{0,5})")
_HIGHEST_CHARACTER = 0x10FFFF


class RefusedError(Exception):
    """The pickle contains something that is not permitted; the message follows "a pickle that"."""


@dataclass(frozen=True, slots=True)
class Name:
    """A permitted global on the stack: its name, and what a call of it creates."""

    path: str
    make: Callable[..., object] | None


class ElementType:
    """A NumPy dtype as a pickle describes it; its byte order follows later."""

    __slots__ = ("code", "order")

    def __init__(self, code: str, align: object = False, copy: object = True) -> None:
        if not isinstance(code, str) or not _DTYPE.fullmatch(code):
            raise RefusedError(f"has an array of type {short(code)}")
        self.code = code
        self.order = ""

    def build(self, state: Any) -> None:
        """Set the byte order from a dtype's state: (version, order, None, None, None, ...)."""
        order = state[1]
        if any(part is not None for part in state[2:5]) or order not in ("<", ">", "|", "="):
            raise RefusedError("has an array of a structured type")
        self.order = order

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.order + self.code.lstrip("<>=|") if self.order else self.code)


class UnfilledArray:
    """An array before the pickle gives its content."""

    __slots__ = ("array",)

    def __init__(self, subtype: object, shape: object = (0,), code: object = b"b") -> None:
        if not (isinstance(subtype, Name) and subtype.path == "numpy.ndarray"):
            raise RefusedError("makes an array of a custom class")
        self.array: np.ndarray | None = None

    def build(self, state: Any) -> np.ndarray:
        """Create it from an array's state: (version, shape, dtype, Fortran order, content)."""
        _, shape, dtype, fortran, content = state
        self.array = array(content, dtype, shape, "F" if fortran else "C")
        return self.array


def array(
    content: object,
    dtype: object,
    shape: object,
    order: str = "C",
    axis_order: tuple[int, ...] | None = None,
) -> np.ndarray:
    """An array over the bytes in the pickle, without a copy.

    Raises
    ------
    RefusedError
        The shape does not match the number of bytes, or the type is not a plain one.
    """
    if not isinstance(dtype, ElementType):
        raise RefusedError("makes an array without a type")
    if not (isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)):
        raise RefusedError("makes an array without a shape")
    if 0 in shape and max(shape) > MAX_EMPTY:
        raise RefusedError(f"announces an empty array of shape {short(shape)}")
    if isinstance(content, str):  # bytes as Python 2 wrote them
        content = content.encode("latin-1")
    if dtype.dtype.hasobject:
        if not isinstance(content, list):
            raise RefusedError("makes an array of objects from something else")
        elements = np.fromiter(content, dtype=object, count=len(content))
    elif (
        isinstance(content, bytes | bytearray | memoryview)
        and len(content) % dtype.dtype.itemsize == 0
    ):
        elements = np.frombuffer(content, dtype.dtype)
    else:
        raise RefusedError("makes an array from something else than its bytes")
    if elements.size != math.prod(shape):
        raise RefusedError(
            f"announces an array of shape {short(shape)} for {elements.size} elements"
        )
    if elements.dtype.kind == "U" and elements.size:
        letters = elements.view(dtype.dtype.byteorder.replace("|", "=") + "u4")
        if letters.max() > _HIGHEST_CHARACTER:
            raise RefusedError("has text with invalid characters")
    if order == "K" and axis_order is not None:
        return elements.reshape(shape).transpose(axis_order)
    return elements.reshape(shape, order="F" if order == "F" else "C")


def short(value: object) -> str:
    """A value from a pickle for a message: printable, on one line, shortened."""
    text = value if isinstance(value, str) else type(value).__name__
    if isinstance(value, tuple) and all(type(item) is int for item in value[:9]):
        text = str(value[:8])
    text = ascii(text[:60])[1:-1]
    return text if len(text) < 60 else text[:57] + "..."


def _scalar(dtype: object, content: object) -> object:
    return array(content, dtype, ())[()]


def _encoded(text: str = "", encoding: str = "latin-1") -> bytes:
    """Bytes, as Python 3 writes them in protocols 0 to 2."""
    if encoding.replace("-", "") != "latin1":
        raise RefusedError("encodes text")
    return text.encode("latin-1")


def _bytearray(content: str | bytes = b"", encoding: str = "latin-1") -> bytearray:
    return bytearray(
        content if isinstance(content, bytes | memoryview) else _encoded(content, encoding)
    )


def _set(key: "Keys", items: object = ()) -> set:
    return set(map(key, _listed(items)))


def _frozenset(key: "Keys", items: object = ()) -> frozenset:
    return frozenset(map(key, _listed(items)))


def _mapping(key: "Keys", items: object = ()) -> dict:
    return {key(pair[0]): pair[1] for pair in _listed(items)}


def _defaultdict(factory: object = None) -> dict:
    """A plain dict: the default is lost."""
    return {}


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > MAX_EMPTY:
        raise RefusedError(f"announces a range of {len(numbers)} numbers")
    return numbers


def _listed(items: object) -> list:
    if not isinstance(items, list | tuple):
        raise RefusedError("makes a container from something else than a list")
    return list(items)


class Keys:
    """Checks the keys of dicts and the members of sets of one pickle."""

    def __init__(self) -> None:
        self.large = 0

    def __call__(self, value: Any) -> Any:
        """Return `value` if it is permitted. Tuples are not: hashing nested ones can take for ever.

        Raises
        ------
        RefusedError
            It is neither text nor a number, or there are too many large numbers and fractions.
        """
        if value is None or isinstance(value, str | bytes):
            return value
        if not isinstance(value, int | float | np.number | np.bool_):
            raise RefusedError(f"has a key of type {type(value).__name__}")
        self.large += not -SMALL < hash(value) < SMALL
        if self.large > MAX_LARGE:
            raise RefusedError(f"has over {MAX_LARGE} keys that are large numbers or fractions")
        return value


_BUILTINS: dict[str, Callable[..., object] | None] = {
    "bytearray": _bytearray,
    "bytes": _encoded,
    "dict": _mapping,
    "frozenset": _frozenset,
    "int": None,
    "list": None,
    "range": _range,
    "set": _set,
    "xrange": _range,
}
_CORES = ("numpy.core", "numpy._core")
Names = Mapping[tuple[str, str], Callable[..., object] | None]
"""By module and name what a call creates; None marks a placeholder that cannot be called."""

ADMITTED: Names = {
    **{(m, name): make for m in ("builtins", "__builtin__") for name, make in _BUILTINS.items()},
    **{(f"{core}.multiarray", "_reconstruct"): UnfilledArray for core in _CORES},
    **{(f"{core}.multiarray", "scalar"): _scalar for core in _CORES},
    **{(f"{core}.numeric", "_frombuffer"): array for core in _CORES},
    ("numpy", "ndarray"): None,
    ("numpy", "dtype"): ElementType,
    ("_codecs", "encode"): _encoded,
    ("collections", "OrderedDict"): _mapping,
    ("collections", "defaultdict"): _defaultdict,
}
"""What plain values and arrays need."""

WITH_KEYS = (_set, _frozenset, _mapping)
"""Those whose first argument is the pickle's `Keys`."""


def name(module: object, attribute: object, names: Names) -> Name:
    """The global of this module and name.

    Raises
    ------
    RefusedError
        It is not in `names`.
    """
    path = f"{short(module)}.{short(attribute)}"
    if type(module) is not str or type(attribute) is not str or (module, attribute) not in names:
        raise RefusedError(f"calls {path}")
    return Name(path, names[module, attribute])
