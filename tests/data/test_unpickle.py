"""The restricted unpickler returns plain values and never calls anything."""
# ruff: noqa: E501 - opcodes read best in one line

import collections
import contextlib
import gzip
import os
import pickle
import pickletools
import re
import struct
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spcl.data.files import disk
from spcl.data.pickles import machine
from spcl.data.pickles.unpickle import unpickle
from spcl.errors import UserError

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "features.pkl"


def same(a, b):
    """Equal in type, order and value; arrays in dtype and shape too."""
    if isinstance(a, np.ndarray):
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        return all(map(same, a.ravel().tolist(), b.ravel().tolist()))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or a != a)


# What comes back

ARRAYS = {
    "float32": np.arange(6, dtype=np.float32).reshape(2, 3),
    "float64": np.linspace(0, 1, 6).reshape(3, 2),
    "float16": np.ones(3, np.float16),
    "int64": np.arange(4),
    "uint8": np.arange(4, dtype=np.uint8),
    "bool": np.array([True, False]),
    "big endian": np.arange(3, dtype=">f4"),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "transposed": np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1),
    "every other": np.arange(12.0).reshape(2, 6)[:, ::2],
    "empty": np.zeros((0, 5)),
    "single": np.array(3.5),
    "text": np.array(["ab", "naïve ☃"]),
    "bytes": np.array([b"a", b"bcd"]),
    "objects": np.array([1, "a", None], dtype=object),
}

VALUES = {
    "numbers": [0, 1, -1, 255, 256, 65536, -(2**31), 2**63, 2**64 - 1, 0.0, -2.5, 1e300],
    "constants": [None, True, False],
    "text": ["", "a", "naïve ☃", "line\nline", "\\", "'\"", "x" * 70_000, "\udc80"],
    "bytes": [b"", b"\x00\xff", b"x" * 70_000],
    "containers": [[], (), {}, set(), frozenset(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, (4,))],
    "sets": [{"a", 1, None, b"c"}, frozenset({2.5})],
    "dict": {"a": {1: [2]}, 3: {b"x": None}},
    "shared": [["same"]] * 3,
    "many floats": [place / 7 for place in range(2500)],
    "floats among others": [0.5, 1, 0.25, "a", 0.125, [0.5], float("inf"), float("-inf")],
    "scalars": [np.float32(2.5), np.float64(-1), np.int64(3), np.bool_(True), np.str_("hi")],
    "range": range(3, 9, 2),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", [*ARRAYS, *VALUES])
def test_plain_values_and_arrays_come_back(path, protocol, name):
    value = {**ARRAYS, **VALUES}[name]
    path.write_bytes(pickle.dumps([value, value], protocol=protocol))
    back = unpickle(path)
    assert same(back, [value, value])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_ordered_and_default_dicts_become_dicts(path, protocol):
    default = collections.defaultdict(list, a=[1])
    ordered = collections.OrderedDict([("b", 1), ("a", 2)])
    path.write_bytes(pickle.dumps([default, ordered, bytearray(b"xy")], protocol=protocol))
    back = unpickle(path)
    assert back[:2] == [{"a": [1]}, {"b": 1, "a": 2}]
    assert list(back[1]) == ["b", "a"]
    assert bytes(back[2]) == b"xy"


def test_the_module_names_of_both_numpys_are_known(path):
    new = pickle.dumps(np.arange(3.0), protocol=2)
    assert b"numpy._core" in new
    for content in (new, new.replace(b"numpy._core", b"numpy.core")):
        path.write_bytes(content)
        assert unpickle(path).tolist() == [0, 1, 2]


def test_text_of_python_2_is_latin_1(path):
    path.write_bytes(b"\x80\x02(U\x03na\xefT\x03\x00\x00\x00na\xefS'na\\xef'\nt.")
    assert unpickle(path) == ("naï",) * 3


def test_an_array_of_python_2_has_its_bytes_in_text(path):
    content = np.array([1.5, -2]).tobytes()
    quoted = repr(content)[1:].encode()
    path.write_bytes(
        b"cnumpy.core.multiarray\n_reconstruct\np1\n(cnumpy\nndarray\np2\n(I0\ntp3\nS'b'\ntRp4\n"
        b"(I1\n(I2\ntcnumpy\ndtype\n(S'f8'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n"
        b"S" + quoted + b"\ntb."
    )
    assert unpickle(path).tolist() == [1.5, -2]


def test_shared_arrays_stay_shared(path):
    array = np.arange(3.0)
    path.write_bytes(pickle.dumps([array, array], protocol=2))
    first, second = unpickle(path)
    assert first is second


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(-9, 9), inner)
    ),
)


@given(value=plain, protocol=st.sampled_from(PROTOCOLS))
def test_any_plain_value_comes_back(tmp_path_factory, value, protocol):
    path = tmp_path_factory.getbasetemp() / "any.pkl"
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    assert same(unpickle(path), value)


# What is refused


class Calling:
    """Pickled as a call of anything with anything."""

    def __init__(self, function, *arguments, state=None):
        self.call = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.call


def text(value):
    return b"\x8c" + bytes([len(value)]) + value.encode()


def named(module, attribute):
    """STACK_GLOBAL on two strings."""
    return text(module) + text(attribute) + b"\x93"


LITTLE_ENDIAN = b"(K\x03" + text("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t"


def array_state(shape, content=b"\x00" * 8, code="f8", state=LITTLE_ENDIAN):
    """An array of protocol 4 that announces `shape` over `content`."""
    reconstruct = named("numpy._core.multiarray", "_reconstruct")
    start = reconstruct + b"(" + named("numpy", "ndarray") + b"K\x00\x85C\x01btR"
    dtype = named("numpy", "dtype") + b"(" + text(code) + b"\x89\x88tR" + state + b"b"
    size = b"(" + b"".join(b"\x8a\x09" + n.to_bytes(9, "little") for n in shape) + b"t"
    return b"\x80\x04" + start + b"(K\x01" + size + dtype + b"\x89C" + bytes([len(content)]) + content + b"tb."  # fmt: skip


LAUGHS = (
    b"\x80\x04" + b"K\x01" + b"2\x86" * 60
)  # a tuple of 2 to the power of 60 ones, in 122 bytes

HOSTILE = {
    "os.system": (pickle.dumps(Calling(os.system, "echo hostile")), "calls posix.system"),
    "eval": (pickle.dumps(Calling(eval, "1 + 1")), "calls builtins.eval"),
    "exec": (pickle.dumps(Calling(exec, "x = 1"), protocol=0), "calls __builtin__.eval|exec"),
    "import": (pickle.dumps(Calling(__import__, "os")), "calls builtins.__import__"),
    "getattr": (pickle.dumps(Calling(getattr, "", "join")), "calls builtins.getattr"),
    "open": (pickle.dumps(Calling(open, "victim", "w")), "calls _?io.open"),
    "in an array of objects": (
        pickle.dumps(np.array([Calling(os.system, "echo hostile")], dtype=object)),
        "calls posix.system",
    ),
    "as the state of an array": (
        pickle.dumps(Calling(np.array, state=Calling(os.system, "echo hostile"))),
        "calls numpy.array",
    ),
    "copyreg": (
        b"\x80\x02ccopy_reg\n_reconstructor\n(c__builtin__\nobject\n" + b"h\x00NtR.",
        "calls copy_reg._reconstructor",
    ),
    "reduce_ex": (b"\x80\x04" + named("builtins", "object.__reduce_ex__") + b".", "calls builtins.object"),
    "a dotted name": (
        b"\x80\x04" + named("numpy._core.multiarray", "scalar.__class__") + b".",
        "calls numpy._core.multiarray.scalar.__class__",
    ),
    "a dotted module": (b"\x80\x04" + named("numpy", "ndarray.tofile") + b".", "numpy.ndarray.tofile"),
    "a deeper module": (b"cnumpy.testing._private.utils\nrunstring\n(S'x'\n(dtR.", "runstring"),
    "a module in the name": (b"\x80\x04" + named("", "os.system") + b".", "calls .os.system"),
    "a name that is no text": (b"\x80\x04K\x01K\x02\x93.", "calls int.int"),
    "a name over two lines": (b"\x80\x04" + named("os\nfake: ok", "sys\x1b[2Jtem") + b".", r"calls os\\nfake"),
    "a name of any length": (b"c" + b"a" * 100_000 + b"\nsystem\n.", r"calls a{40,60}\.\.\."),
    "a call of an array's class": (b"\x80\x04" + named("numpy", "ndarray") + b"K\x08\x85R.", "calls numpy.ndarray"),
    "a call of text": (b"\x80\x04" + text("os.system") + text("ls") + b"\x85R.", "calls a str"),
    "a call of an array": (
        array_state((1,))[:-1] + b")R.",
        "calls a ndarray",
    ),
    "INST": (b"(S'echo hostile'\nios\nsystem\n.", "calls os.system"),
    "OBJ": (b"(" + b"c__builtin__\nlist\n" + b"S'a'\no.", "makes an instance"),
    "NEWOBJ": (b"\x80\x02cnumpy\nndarray\n(I9\nt\x81.", "makes an instance"),
    "NEWOBJ_EX": (b"\x80\x04" + named("builtins", "list") + b")}\x92.", "makes an instance"),
    "BUILD of a dict": (b"\x80\x04}}" + text("a") + b"K\x01sb.", "sets the state"),
    "BUILD of a name": (
        b"\x80\x04" + named("numpy._core.multiarray", "scalar") + b"N}" + text("make") + b"Ns\x86b.",
        "sets the state of a Name",
    ),
    "BUILD of an array twice": (array_state((1,))[:-1] + b"(K\x01tb.", "sets the state of a ndarray"),
    "BUILD of an array's dict": (
        b"\x80\x04" + named("numpy._core.multiarray", "_reconstruct") + b"(" + named("numpy", "ndarray")
        + b"K\x00\x85C\x01btR}" + text("__class__") + b"K\x01sb.",
        "sets the state of a UnfilledArray",
    ),
    "an array of another class": (
        b"\x80\x04" + named("numpy._core.multiarray", "_reconstruct") + b"(" + named("builtins", "list")
        + b"K\x00\x85C\x01btR.",
        "makes an array of a custom class",
    ),
    "items of a name": (b"\x80\x04" + named("builtins", "list") + b"K\x01a.", "puts items into a Name"),
    "items of an array": (array_state((1,))[:-1] + b"K\x00K\x01s.", "puts items into a ndarray"),
    "persistent id": (b"Pmodule\n.", "objects outside the pickle"),
    "binary persistent id": (b"\x80\x02U\x01aQ.", "objects outside the pickle"),
    "extension": (b"\x80\x02\x82\x01.", "extension registry"),
    "wide extension": (b"\x80\x02\x84\x01\x00\x00\x00.", "extension registry"),
    "buffer from outside": (b"\x80\x05\x97.", "outside the pickle"),
    "codec": (b"\x80\x02c_codecs\nencode\n(U\x01aU\x03hextR.", "encodes text"),
    "another codec function": (b"\x80\x02c_codecs\ndecode\n.", "calls _codecs.decode"),
    "type of objects over bytes": (array_state((1,), code="O8"), "array of objects from something else"),
    "type of other kinds": (array_state((1,), code="V8"), "an array of type V8"),
    "type with fields": (
        array_state((1,), state=b"(K\x03" + text("<") + b"N)}K\x10K\x01K\x00t"),
        "structured type",
    ),
    "type with an expression": (array_state((1,), code="f8,(9999,9999)f8"), "an array of type"),
    "text of no characters": (array_state((2,), b"\xff" * 8, code="U1"), "text with invalid characters"),
    "a key that is a tuple": (b"\x80\x04}" + LAUGHS[2:] + b"Ns.", "has a key of type tuple"),
    "a member that is a tuple": (b"\x80\x04\x8f(" + LAUGHS[2:] + b"\x90.", "has a key of type tuple"),
    "a frozenset of tuples": (b"\x80\x04(" + LAUGHS[2:] + b"\x91.", "has a key of type tuple"),
    "a set made of tuples": (
        b"\x80\x02c__builtin__\nset\n](" + LAUGHS[2:] + b"e\x85R.",
        "has a key of type tuple",
    ),
    "a number of any size": (b"\x80\x02\x8a\xff" + b"\x7f" * 255 + b".", "more than 64 bits"),
    "a later protocol": (b"\x80\x09N.", "protocol above 5"),
    "torch's modules": (
        b"\x80\x02ctorch.nn.modules.linear\nLinear\n.",
        r"calls torch.nn.modules.linear.Linear; .*save its tensors as NumPy arrays",
    ),
    "pandas": (b"\x80\x02cpandas.core.frame\nDataFrame\n.", "calls pandas.core.frame.DataFrame"),
    "joblib": (b"\x80\x03cjoblib.numpy_pickle\nNumpyArrayWrapper\n.", r"joblib.*pickle\.dump"),
}  # fmt: skip

ANNOUNCING = {
    "elements": array_state((2**60,)),
    "elements in several axes": array_state((2**20, 2**20, 2**20)),
    "elements of none": array_state((2**60, 0), b""),
    "negative": array_state((2**72 - 1,)),
    "objects": b"\x80\x04" + named("builtins", "range") + b"\x8a\x08" + b"\xff" * 7 + b"\x0f\x85R.",
    "bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b"abc.",
    "bytearray": b"\x80\x05\x96" + struct.pack("<Q", 2**60) + b"abc.",
    "text": b"\x80\x04\x8d" + struct.pack("<Q", 2**63) + b"abc.",
    "text of python 2": b"\x80\x02T\xff\xff\xff\x7fabc.",
    "a frame": b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"N.",
    "a long": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "width of text": array_state((1,), code="U999999999"),
    "width of bytes": array_state((2**60,), b"", code="S999999"),
}


def message(path, content):
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        unpickle(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < len(str(path)) + 400
    return str(error.value)


EVENTS = []
DANGEROUS = {"compile", "exec", "import", "os.exec", "os.system", "os.remove", "subprocess.Popen"}


def watch(event, arguments):
    """Record what a pickle must not do; an audit hook cannot be removed."""
    if event in DANGEROUS or (event == "open" and arguments[1] not in ("r", "rb")):
        EVENTS.append((event, arguments))


sys.addaudithook(watch)


def test_the_audit_hook_of_these_tests_sees_the_calls_of_the_real_unpickler(tmp_path):
    EVENTS.clear()
    pickle.loads(pickle.dumps(Calling(os.system, "true")))
    assert "os.system" in {event for event, _ in EVENTS}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_pickle_is_refused_by_name_and_runs_no_code(path, name):
    content, found = HOSTILE[name]
    path.write_bytes(content)
    EVENTS.clear()
    with pytest.raises(UserError) as error:
        unpickle(path)
    assert EVENTS == []
    assert re.search(found, str(error.value))
    assert message(path, content) == str(error.value)


@pytest.mark.parametrize("name", ANNOUNCING)
def test_a_few_bytes_that_announce_much_allocate_nothing(path, name):
    path.write_bytes(ANNOUNCING[name])
    assert path.stat().st_size < 500
    tracemalloc.start()
    try:
        with pytest.raises(UserError):
            unpickle(path)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("put", [b"r\xff\xff\xff\xff", b"p999999999999\n"])
def test_a_memo_of_huge_indices_allocates_nothing(path, put):
    path.write_bytes(b"\x80\x02N" + put + b".")
    assert unpickle(path) is None


def test_nested_tuples_take_only_the_memory_of_their_bytes(path):
    path.write_bytes(LAUGHS + b".")
    value = unpickle(path)
    for _ in range(60):
        assert value[0] is value[1]
        value = value[0]


def test_lists_nested_to_any_depth_come_back(path):
    path.write_bytes(b"]" * 200_000 + b"a" * 199_999 + b".")
    value = unpickle(path)
    assert len(value) == 1


def test_the_number_of_large_keys_is_limited_because_they_can_collide(path):
    small, large = list(range(2**16)), [number << 40 for number in range(1, 20_000)]
    allowed = {*small, *large[:5000], 0.5, "a"}
    path.write_bytes(pickle.dumps(allowed))
    assert unpickle(path) == allowed
    together = [frozenset(large[at : at + 2000]) for at in range(0, 20_000, 2000)]
    by_call = b"c__builtin__\nset\n(" + pickle.dumps(large)[:-1] + b"tR."
    in_memo = b"N" + b"".join(b"p%d\n" % number for number in large) + b"."
    one_by_one = b"}" + b"".join(b"I%d\nNs" % number for number in large) + b"."
    for content in (pickle.dumps(together), by_call, in_memo, one_by_one):
        assert "keys that are large numbers" in message(path, content)


@pytest.mark.parametrize(
    "copying",
    [
        b"c_codecs\nencode\nh\x00U\x06latin1\x86R",
        b"c__builtin__\nbytearray\nh\x00U\x06latin1\x86R",
    ],
)
def test_content_is_not_copied_many_times(path, copying):
    content = b"T" + struct.pack("<I", 10_000) + b"a" * 10_000 + b"q\x00"
    path.write_bytes(b"\x80\x02(" + content + copying * 20 + b"t.")
    assert "copies its content many times" in message(path, path.read_bytes())


def test_an_array_that_contains_itself_is_refused(path):
    array = np.empty(1, dtype=object)
    array[0] = array
    assert "contains itself" in message(path, pickle.dumps(array))


def test_the_steps_are_bounded(path, monkeypatch):
    monkeypatch.setattr(machine, "MAX_STEPS", 1000)
    assert "takes over 1000 steps" in message(path, b"(" + b"N" * 2000 + b"t.")
    path.write_bytes(pickle.dumps([0.5] * 5000))
    assert len(unpickle(path)) == 5000


def test_the_bytes_are_bounded(path, monkeypatch):
    monkeypatch.setattr(disk, "MAX_LARGE_BYTES", 1000)
    assert "over 0 GiB" in message(path, pickle.dumps(b"x" * 2000))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_large_file_comes_back_though_its_memory_is_given_back_meanwhile(
    path, monkeypatch, protocol
):
    for module in (disk, machine):
        monkeypatch.setattr(module, "LARGE", 10_000)
    rows = np.random.default_rng(0).normal(size=(200, 100))
    content = {"arrays": list(rows), "lists": rows.tolist(), "texts": ["naïve"] * 3, "all": rows}
    path.write_bytes(pickle.dumps(content, protocol))
    assert same(unpickle(path), content)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="an incomplete pickle"):
        unpickle(path)


OTHER = {
    "gzip": (gzip.compress(bytes(10**6)), "gunzip"),
    "a bomb of gzip": (gzip.compress(gzip.compress(bytes(10**8))), "gunzip"),
    "zip": (b"PK\3\4" + bytes(100), "not a readable archive of torch.save"),
    "old torch": (
        b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.",
        "a damaged file of torch.save",
    ),
    "numpy": (b"\x93NUMPY\x01\x00", "a NumPy file"),
    "hdf5": (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    "xz": (b"\xfd7zXZ\x00rest", "unxz"),
    "bzip2": (b"BZh91AY", "bunzip2"),
    "zlib": (b"x\x9crest", "zlib"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "a page": (b"<!DOCTYPE html><html>", "a web page"),
    "nothing": (b"", "empty"),
    "text": (b"hello world, this is no pickle", "not a pickle"),
    "zeros": (bytes(100), "not a pickle"),
    "stack underflow": (b"\x80\x04\x85.", "incomplete pickle|not a pickle"),
    "no mark": (b"\x80\x04Nt.", "not a pickle"),
    "nothing left": (b".", "incomplete pickle"),
    "odd dict": (b"\x80\x04(Nd.", "not a pickle"),
    "wrong memo": (b"\x80\x04h\x07.", "not a pickle"),
    "no utf-8": (b"\x80\x04\x8c\x01\xffN.", "not a pickle"),
    "long line": (b"I" + b"9" * 10_000 + b"\n.", "not a pickle"),
}


@pytest.mark.parametrize("name", OTHER)
def test_other_files_are_refused_with_a_remedy(path, name):
    content, found = OTHER[name]
    assert re.search(found, message(path, content))


def test_a_folder_is_not_a_pickle(tmp_path):
    for path, found in ((tmp_path, "a folder instead"), (tmp_path / "absent", "no such file")):
        with pytest.raises(UserError, match=found):
            unpickle(path)


def plain_or_refused(path):
    """Read a damaged pickle: anything but a value or a UserError fails the test."""
    with contextlib.suppress(UserError):
        unpickle(path)


def example():
    return {"a": np.arange(6.0).reshape(2, 3), "b": [0.5, {"x"}, "text"], 3: (b"y", np.int64(4))}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_truncated_pickle_is_refused(path, protocol):
    content = pickle.dumps(example(), protocol=protocol)
    for end in range(1, len(content)):
        path.write_bytes(content[:end])
        with pytest.raises(UserError):
            unpickle(path)


@settings(max_examples=400)
@given(data=st.data(), protocol=st.sampled_from(PROTOCOLS))
def test_a_damaged_pickle_gives_plain_values_or_a_message(tmp_path_factory, data, protocol):
    path = tmp_path_factory.getbasetemp() / "damaged.pkl"
    content = bytearray(pickle.dumps(example(), protocol=protocol))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    plain_or_refused(path)


@settings(max_examples=300)
@given(content=st.binary(max_size=60))
def test_any_bytes_give_plain_values_or_a_message(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "bytes.pkl"
    path.write_bytes(b"\x80\x04" + content)
    plain_or_refused(path)


def test_every_opcode_of_the_standard_library_is_known():
    known = {ord(opcode.code) for opcode in pickletools.opcodes}
    assert set(machine._OPCODES) | {ord(".")} == known


def test_reading_leaves_numpys_types_as_they_were(path):
    swap = array_state((1,), state=LITTLE_ENDIAN.replace(text("<"), text(">")))
    path.write_bytes(swap)
    assert unpickle(path).dtype == ">f8"
    assert np.dtype("f8").isnative


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_large_arrays_are_not_copied(path, protocol):
    array = np.arange(2**20, dtype=np.float32)
    path.write_bytes(pickle.dumps([array, array[::2].copy()], protocol=protocol))
    size = path.stat().st_size
    tracemalloc.start()
    try:
        back = unpickle(path)
        assert tracemalloc.get_traced_memory()[1] < 1.2 * size
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(back[0], array)
    assert not back[0].flags.writeable
    path.write_bytes(path.read_bytes()[: -size // 2])
    assert "an incomplete pickle" in message(path, path.read_bytes())


def test_the_memory_of_a_large_file_is_given_back_but_for_the_arrays_in_it(path, monkeypatch):
    monkeypatch.setattr(disk, "LARGE", 2**16)
    monkeypatch.setattr(machine, "LARGE", 2**16)
    rng = np.random.default_rng(0)
    content = {
        f"{kind}{n}": value
        for n in range(4)
        for kind, value in (
            ("large", rng.random(2**18 + 7 * n)),  # a view of the file
            ("small", [rng.random(999) for _ in range(40)]),
            ("list", rng.random(5000).tolist()),
            ("text", "so " * 30_000),
        )
    }
    path.write_bytes(pickle.dumps(content, protocol=4))
    found = unpickle(path)
    assert found.keys() == content.keys()
    for name, value in content.items():
        np.testing.assert_array_equal(found[name], value)
        if name.startswith("large"):
            assert not found[name].flags.writeable
