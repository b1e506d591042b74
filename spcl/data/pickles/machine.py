"""The part of pickle's stack machine that creates plain values.

The opcodes are those of protocols 0 to 5, see `pickletools` of the standard library. Calls go to
`spcl.data.pickles.admitted`; instances of classes, persistent ids (except for those of tensors) and
the extension registry are refused; the size of the result is bounded by the size of the file.
Strings of Python 2 are decoded as Latin-1, as published code for such files does.
"""

import codecs
import mmap
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import numpy as np

from spcl.data.files.disk import LARGE
from spcl.data.pickles.admitted import (
    ADMITTED,
    WITH_KEYS,
    ElementType,
    Keys,
    Name,
    Names,
    RefusedError,
    UnfilledArray,
    name,
    short,
)

MAX_STEPS = 20_000_000
"""Opcodes that are carried out, a run of floats counts as one; an array takes about twenty."""

_SHARED = 2**20
"""From this size on, bytes are a view of the file: a copy would double the memory of a corpus."""

_OUTSIDE = "refers to objects outside the pickle"
_LARGE = "has a number of more than 64 bits"

_OPCODES: dict[int, Callable[["Machine"], None]] = {}
_Method = TypeVar("_Method", bound=Callable[..., None])


def _opcodes(codes: bytes | Mapping[bytes, Any]) -> Callable[[_Method], _Method]:
    """Register a method for an opcode, or for each of several opcodes with its argument."""

    def register(method: _Method) -> _Method:
        if isinstance(codes, bytes):
            _OPCODES[codes[0]] = method
        else:
            for code, argument in codes.items():
                _OPCODES[code[0]] = partial(method, argument=argument)
        return method

    return register


class Machine:
    """The bytes, the position in them, the stack, the stacks below the marks, and the memo.

    Parameters
    ----------
    data
        The pickle, and what follows it.
    names
        The permitted globals, see `spcl.data.pickles.admitted.ADMITTED`.
    persistent
        Gives the object of a persistent id; None: they are refused.
    place
        Where the pickle starts.
    """

    def __init__(
        self,
        data: bytes | mmap.mmap,
        names: Names = ADMITTED,
        persistent: Callable[[object], object] | None = None,
        *,
        place: int = 0,
    ) -> None:
        self.data = data
        self.names = names
        self.persistent = persistent
        self.place = place
        self.released = 0
        self.copied = 0
        self.stack: list[Any] = []
        self.marked: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.key = Keys()

    def run(self) -> object:
        data, stop = self.data, ord(".")
        for _ in range(MAX_STEPS):
            code = data[self.place]
            self.place += 1
            if code == stop:
                return self.stack.pop()
            _OPCODES[code](self)
        raise RefusedError(f"takes over {MAX_STEPS} steps")

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        end = self.place + size
        if end > len(self.data):
            self.place = len(self.data)
            raise ValueError
        taken = self.data[self.place : end]
        self.place = end
        return taken

    def line(self) -> str:
        """The rest of the line, as protocol 0 writes its arguments."""
        end = self.data.find(b"\n", self.place)
        return self.take((end if end >= 0 else len(self.data)) - self.place + 1)[:-1].decode(
            "latin-1"
        )

    def number(self, size: int) -> int:
        """The next `size` bytes as an unsigned number."""
        return int.from_bytes(self.take(size), "little")

    def below_mark(self) -> list[Any]:
        """Pop everything above the last mark."""
        if self.place - self.released > LARGE:
            self._release()
        above, self.stack = self.stack, self.marked.pop()
        return above

    def _release(self) -> None:
        """Give the memory of the bytes before `place` back; no opcode goes back to them."""
        end = self.place // mmap.PAGESIZE * mmap.PAGESIZE
        if end > self.released:
            if isinstance(self.data, mmap.mmap):
                self.data.madvise(mmap.MADV_DONTNEED, self.released, end - self.released)
            self.released = end

    def count_copy(self, size: int) -> None:
        """Refuse copies that are together larger than the file itself."""
        self.copied += size
        if self.copied > len(self.data):
            raise RefusedError("copies its content many times")

    # Numbers and text

    @_opcodes({b"N": None, b"\x88": True, b"\x89": False})
    def constant(self, argument: bool | None) -> None:
        self.stack.append(argument)

    @_opcodes({b"K": 1, b"M": 2})
    def integer(self, argument: int) -> None:
        self.stack.append(self.number(argument))

    @_opcodes(b"J")
    def integer_signed(self) -> None:
        self.stack.append(int.from_bytes(self.take(4), "little", signed=True))

    @_opcodes({b"I": "", b"L": "L"})
    def integer_line(self, argument: str) -> None:
        line = self.line()
        truth = {"00": False, "01": True}.get(line)
        number = line.removesuffix(argument)
        self.stack.append(_bounded(int(number)) if truth is None else truth)

    @_opcodes(b"\x8a")
    def integer_long(self) -> None:
        self.stack.append(
            _bounded(int.from_bytes(self.take(self.number(1)), "little", signed=True))
        )

    @_opcodes(b"G")
    def floats(self) -> None:
        """A float, and the floats that follow it directly."""
        run = _FLOATS.match(self.data, self.place - 1)
        if run is None:
            self.take(8)
            return
        pairs = np.frombuffer(run[0], [("opcode", "u1"), ("value", ">f8")])
        self.stack += pairs["value"].tolist()
        self.place = run.end()

    @_opcodes(b"F")
    def float_line(self) -> None:
        """A float in decimals, and the floats that follow it, each appended to the list below."""
        run = _APPENDED_FLOATS.match(self.data, self.place - 1)
        if run is None:
            self.stack.append(float(self.line()))
            return
        values = [float(line) for line in run[0].decode("ascii")[1:-2].split("\naF")]
        self._top(list).extend(values[:-1])
        self.stack.append(values[-1])
        self.place = run.end() - 1

    @_opcodes(
        {
            b"U": (1, "latin-1"),
            b"T": (4, "latin-1"),
            b"\x8c": (1, "utf-8"),
            b"X": (4, "utf-8"),
            b"\x8d": (8, "utf-8"),
        }
    )
    def text(self, argument: tuple[int, str]) -> None:
        size, encoding = argument
        self.stack.append(self.take(self.number(size)).decode(encoding, "surrogatepass"))

    @_opcodes({b"C": 1, b"B": 4, b"\x8e": 8, b"\x96": 8})
    def bytes_(self, argument: int) -> None:
        size = self.number(argument)
        start = self.place
        if size < _SHARED:
            self.stack.append(self.take(size))
        elif start + size <= len(self.data):
            self._release()
            self.stack.append(memoryview(self.data)[start : start + size].toreadonly())
            self.place += size
            self.released = -(-self.place // mmap.PAGESIZE) * mmap.PAGESIZE  # behind the view
        else:
            self.place = len(self.data)
            raise ValueError

    @_opcodes(b"S")
    def python2_text_line(self) -> None:
        quoted = self.line().strip()
        if len(quoted) < 2 or quoted[0] != quoted[-1] or quoted[0] not in "'\"":
            raise ValueError
        content, _ = codecs.escape_decode(quoted[1:-1].encode("latin-1"))
        self.stack.append(content.decode("latin-1"))

    @_opcodes(b"V")
    def text_line(self) -> None:
        self.stack.append(self.line().encode("latin-1").decode("raw-unicode-escape"))

    # Containers

    @_opcodes({b"]": list, b")": tuple, b"}": dict, b"\x8f": set})
    def empty(self, argument: type) -> None:
        self.stack.append(argument())

    @_opcodes(b"(")
    def mark(self) -> None:
        self.marked.append(self.stack)
        self.stack = []

    @_opcodes(b"l")
    def list_(self) -> None:
        items = self.below_mark()
        self.stack.append(items)

    @_opcodes(b"t")
    def tuple_(self) -> None:
        items = self.below_mark()
        self.stack.append(tuple(items))

    @_opcodes({b"\x85": 1, b"\x86": 2, b"\x87": 3})
    def tuple_of(self, argument: int) -> None:
        items = tuple(self.stack[-argument:])
        if len(items) < argument:
            raise IndexError
        self.stack[-argument:] = [items]

    @_opcodes(b"d")
    def dict_(self) -> None:
        items = self.below_mark()
        self.stack.append({})
        self._set_items(items)

    @_opcodes(b"\x91")
    def frozenset_(self) -> None:
        items = self.below_mark()
        self.stack.append(frozenset(map(self.key, items)))

    @_opcodes(b"a")
    def append(self) -> None:
        item = self.stack.pop()
        self._top(list).append(item)

    @_opcodes(b"e")
    def appends(self) -> None:
        items = self.below_mark()
        self._top(list).extend(items)

    @_opcodes(b"s")
    def set_item(self) -> None:
        items = self.stack[-2:]
        del self.stack[-2:]
        self._set_items(items)

    @_opcodes(b"u")
    def set_items(self) -> None:
        self._set_items(self.below_mark())

    @_opcodes(b"\x90")
    def add_items(self) -> None:
        items = self.below_mark()
        self._top(set).update(map(self.key, items))

    def _set_items(self, items: list[Any]) -> None:
        target = self._top(dict)
        for label, value in zip(items[::2], items[1::2], strict=True):
            target[self.key(label)] = value

    def _top(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise RefusedError(f"puts items into a {type(self.stack[-1]).__name__}")
        return self.stack[-1]

    # The stack and the memo

    @_opcodes(b"0")
    def pop(self) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.below_mark()

    @_opcodes(b"1")
    def pop_mark(self) -> None:
        self.below_mark()

    @_opcodes(b"2")
    def duplicate(self) -> None:
        self.stack.append(self.stack[-1])

    @_opcodes({b"q": 1, b"r": 4})
    def put(self, argument: int) -> None:
        self._put(self.number(argument))

    @_opcodes(b"p")
    def put_line(self) -> None:
        self._put(_bounded(int(self.line())))

    def _put(self, index: int) -> None:
        follows = index <= len(self.memo) + 1  # as picklers count
        self.memo[index if follows else self.key(index)] = self.stack[-1]

    @_opcodes(b"\x94")
    def memoize(self) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    @_opcodes({b"h": 1, b"j": 4})
    def get(self, argument: int) -> None:
        self._get(self.number(argument))

    @_opcodes(b"g")
    def get_line(self) -> None:
        self._get(int(self.line()))

    def _get(self, index: int) -> None:
        value = self.memo[index]
        if type(value) is UnfilledArray:
            value = value.array
            if value is None:
                raise RefusedError("has an array that contains itself")
        self.stack.append(value)

    @_opcodes(b"\x80")
    def protocol(self) -> None:
        if self.number(1) > 5:
            raise RefusedError("has a protocol above 5")

    @_opcodes(b"\x95")
    def frame(self) -> None:
        if self.number(8) > len(self.data) - self.place:
            self.place = len(self.data)
            raise ValueError

    # Names and calls

    @_opcodes(b"c")
    def global_line(self) -> None:
        self.stack.append(name(self.line(), self.line(), self.names))

    @_opcodes(b"\x93")
    def global_stack(self) -> None:
        attribute = self.stack.pop()
        self.stack.append(name(self.stack.pop(), attribute, self.names))

    @_opcodes(b"R")
    def call(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if type(function) is not Name or type(arguments) is not tuple:
            raise RefusedError(f"calls a {type(function).__name__}")
        if function.make is None:
            raise RefusedError(f"calls {function.path}")
        if function.make in WITH_KEYS:
            arguments = (self.key, *arguments)
        result = function.make(*arguments)
        if isinstance(result, str | bytes | bytearray | set | frozenset | dict):
            self.count_copy(len(result))
        self.stack.append(result)

    @_opcodes(b"b")
    def build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if type(state) is not tuple or type(target) not in (ElementType, UnfilledArray):
            raise RefusedError(f"sets the state of a {type(target).__name__}")
        if type(target) is ElementType:
            target.build(state)
        else:
            if isinstance(state[-1], str | list):
                self.count_copy(len(state[-1]))
            self.stack[-1] = target.build(state)

    @_opcodes(b"Q")
    def outside(self) -> None:
        """An object outside the pickle, by its persistent id."""
        if self.persistent is None:
            raise RefusedError(_OUTSIDE)
        self.stack.append(self.persistent(self.stack.pop()))

    @_opcodes(b"i")
    def instance_line(self) -> None:
        raise RefusedError(f"calls {short(self.line())}.{short(self.line())}")

    @_opcodes(
        {
            b"o": "makes an instance of a class",
            b"\x81": "makes an instance of a class",
            b"\x92": "makes an instance of a class",
            b"P": _OUTSIDE,
            b"\x82": "uses the extension registry",
            b"\x83": "uses the extension registry",
            b"\x84": "uses the extension registry",
            b"\x8b": _LARGE,
            b"\x97": "stores its arrays outside the pickle",
            b"\x98": "stores its arrays outside the pickle",
        }
    )
    def refuse(self, argument: str) -> None:
        raise RefusedError(argument)


_FLOATS = re.compile(rb"(?:G.{8})++", re.DOTALL)
_APPENDED_FLOATS = re.compile(rb"(?:F[-+.\deinf]++\na)++")


def _bounded(number: int) -> int:
    """`number`, if it has at most 64 bits, as classes, ids and lengths have."""
    if not -(2**63) <= number < 2**64:
        raise RefusedError(_LARGE)
    return number
