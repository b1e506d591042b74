"""Archives are unpacked completely or not at all, and a hostile one does no harm."""

import bz2
import contextlib
import fcntl
import gzip
import io
import logging
import lzma
import os
import re
import shutil
import stat
import struct
import tarfile
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spcl.data.download import members
from spcl.data.download import unpack as module
from spcl.data.download.unpack import unpack
from spcl.errors import UserError

TREE = {"top/a.csv": b"a,b\n1,2\n", "top/clips/dia0_utt0.mp4": bytes(1000), "top/empty.txt": b""}


def tar(files, *, mode="w:gz", entries=()):
    """The bytes of a tar archive of `files` (name: bytes) and further `entries` (TarInfo)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in entries:
            archive.addfile(info)
    return buffer.getvalue()


def entry(name, type_=tarfile.REGTYPE, target="", **others):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = type_, target
    for key, value in others.items():
        setattr(info, key, value)
    return info


def zipped(files, *, modes=None):
    """The bytes of a zip archive; `modes` gives the Unix mode of some files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (modes or {}).get(name, 0) << 16
            archive.writestr(info, content)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(module.os, "sync", lambda: None)


@pytest.fixture
def made(tmp_path):
    """Unpack an archive of given bytes; the folder."""

    def make(content, name="corpus.bin"):
        archive = tmp_path / "downloads" / name
        archive.parent.mkdir(exist_ok=True)
        archive.write_bytes(content)
        unpack(archive, tmp_path / "data" / "corpus")
        return tmp_path / "data" / "corpus"

    return make


@pytest.fixture
def refused(made, tmp_path):
    """Unpack an archive that must be refused and leave nothing; the message."""

    def make(content, name="corpus.bin"):
        (tmp_path / "outside.txt").write_text("untouched")
        with pytest.raises(UserError) as error:
            made(content, name)
        message = str(error.value)
        assert message.startswith(str(tmp_path / "downloads" / name) + ": ")
        assert "; get a correct copy" in message
        assert "\n" not in message
        assert list((tmp_path / "data").iterdir()) == []
        assert (tmp_path / "outside.txt").read_text() == "untouched"
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "data",
            "downloads",
            "outside.txt",
        ]
        return message

    return make


def content_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz", "zip"])
def test_an_archive_is_recognised_by_content_and_its_only_folder_is_stripped(made, mode):
    folder = made(zipped(TREE) if mode == "zip" else tar(TREE, mode=mode))
    assert content_of(folder) == {name[4:]: content for name, content in TREE.items()}


@pytest.mark.parametrize("format_", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names_are_kept(made, format_):
    name = f"a/{'ö' * 40}/{'x' * 60}/b.txt"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format_) as archive:
        archive.addfile(entry(name))
        archive.addfile(entry("z"))
    assert name in content_of(made(buffer.getvalue()))


def test_several_entries_at_the_top_stay_there(made):
    assert set(content_of(made(tar({"a/x": b"1", "b/y": b"2"})))) == {"a/x", "b/y"}


def test_empty_folders_are_made(made):
    folder = made(tar({"x": b""}, entries=[entry("./deep/empty/", tarfile.DIRTYPE)]))
    assert (folder / "deep/empty").is_dir()


def test_meld_raw_is_unpacked_with_the_archives_inside(made):
    inner = {
        "train": {"train_sent_emo.csv": b"csv", "train_splits/dia0_utt0.mp4": b"clip"},
        "dev": {"dev_splits_complete/dia0_utt0.mp4": b"clip"},
        "test": {"output_repeated_splits_test/._dia0_utt0.mp4": b"?",
                 "output_repeated_splits_test/dia0_utt0.mp4": b"clip"},
    }  # fmt: skip
    outer = {"MELD.Raw/dev_sent_emo.csv": b"csv", "._MELD.Raw": b"?"}
    outer |= {f"MELD.Raw/{name}.tar.gz": tar(files) for name, files in inner.items()}
    assert set(content_of(made(tar(outer)))) == {
        "dev_sent_emo.csv",
        "train/train_sent_emo.csv",
        "train/train_splits/dia0_utt0.mp4",
        "dev/dia0_utt0.mp4",
        "test/dia0_utt0.mp4",
    }


def test_a_single_inner_archive_is_unpacked_in_place(made):
    inner = tar({"MELD/a.csv": b"1", "MELD/b.csv": b"2"})
    assert set(content_of(made(zipped({"MELD.tgz": inner})))) == {"a.csv", "b.csv"}


def test_archives_are_unpacked_one_level_deep(made):
    """So an archive that contains itself ends."""
    innermost = zipped({"x": b"1", "y": b"2"})
    inner = zipped({"again.zip": innermost, "z": b"3"})
    assert content_of(made(zipped({"inner.zip": inner, "w": b"4"}))) == {
        "inner/again.zip": innermost,
        "inner/z": b"3",
        "w": b"4",
    }


def test_an_inner_archive_whose_folder_exists_stays_packed(made):
    inner = zipped({"x": b"1"})
    tree = {"train.zip": inner, "train/y": b"2"}
    assert content_of(made(zipped(tree))) == tree


@pytest.mark.parametrize("name", [".zip", "..zip", "...zip"])
def test_an_inner_archive_named_with_dots_only_gets_a_name(made, name):
    folder = made(zipped({name: zipped({"a": b"1", "b": b"2"}), "c": b"3"}))
    assert content_of(folder) == {"archive/a": b"1", "archive/b": b"2", "c": b"3"}


def test_a_zip_with_another_suffix_is_data(made):
    weights = zipped({"x": b"1"})
    assert content_of(made(tar({"model.npz": weights, "b": b""})))["model.npz"] == weights


@pytest.mark.parametrize("name", ["corpus.pkl", "corpus.json", "corpus.parquet"])
@pytest.mark.parametrize("content", [b"\x80\x04}.", b"", bytes(5000)])
def test_a_file_that_is_no_archive_is_placed_in_the_folder(made, name, content):
    assert content_of(made(content, name)) == {name: content}


def test_files_that_macos_adds_are_left_out(made):
    files = {"a/b.txt": b"1", "a/._b.txt": b"2", "__MACOSX/a/b.txt": b"3", "a/.DS_Store": b"4"}
    assert content_of(made(zipped(files))) == {"b.txt": b"1"}


def test_modes_are_not_kept(made):
    folder = made(tar({"a": b""}, entries=[entry("s", mode=0o6777), entry("n", mode=0)]))
    assert {path.stat().st_mode & 0o7111 for path in folder.iterdir()} == {0}
    assert all(os.access(path, os.R_OK | os.W_OK) for path in folder.iterdir())


def test_links_to_files_inside_become_copies(made):
    entries = [
        entry("d/later", tarfile.SYMTYPE, "../d/other"),
        entry("d/other", tarfile.SYMTYPE, "../x/file"),
        entry("hard", tarfile.LNKTYPE, "./x/file"),
    ]
    folder = made(tar({"x/file": b"content"}, entries=entries))
    assert set(content_of(folder).values()) == {b"content"}
    assert len(content_of(folder)) == 4
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    assert {path.stat().st_nlink for path in folder.rglob("*") if path.is_file()} == {1}


LINK = stat.S_IFLNK | 0o777
HOSTILE = {
    "parent": (tar({"../outside.txt": b"!"}), "leads out"),
    "parent inside": (tar({"a/../../outside.txt": b"!"}), "leads out"),
    "parent of zip": (zipped({"../outside.txt": b"!"}), "leads out"),
    "backslashes": (zipped({"..\\outside.txt": b"!"}), "leads out"),
    "absolute": (tar({"/outside.txt": b"!"}), "absolute"),
    "absolute zip": (zipped({"/outside.txt": b"!"}), "absolute"),
    "drive": (zipped({"C:\\x": b"!"}), "absolute"),
    "line break": (tar({"a\nb": b"!"}), "has control characters"),
    "long": (tar({"x" * 256: b"!"}), "longer than 255 bytes"),
    "no name": (tar({"a": b""}, entries=[entry("./.", tarfile.SYMTYPE, "a")]), "without a name"),
    "no name in zip": (zipped({"a": b"1"}).replace(b"a", b"\0"), "without a name"),
    "deep": (tar({"a/" * 60 + "b": b""}), "folders deep"),
    "link up": (tar({}, entries=[entry("a", tarfile.SYMTYPE, "../outside.txt")]), "link out"),
    "link absolute": (tar({}, entries=[entry("a", tarfile.SYMTYPE, "/etc/passwd")]), "link out"),
    "link in zip": (zipped({"a": b"../outside.txt"}, modes={"a": LINK}), "link out"),
    "link to itself": (tar({}, entries=[entry("a", tarfile.SYMTYPE, "a")]), "not a file of"),
    "link to folder": (tar({"b/c": b""}, entries=[entry("a", tarfile.SYMTYPE, "b")]), "not a file"),
    "link in a circle": (
        tar({}, entries=[entry("a", tarfile.SYMTYPE, "b"), entry("b", tarfile.SYMTYPE, "a")]),
        "not a file of",
    ),
    "hard link up": (tar({}, entries=[entry("a", tarfile.LNKTYPE, "../outside.txt")]), "link out"),
    "write through a link": (
        tar({}, entries=[entry("a", tarfile.SYMTYPE, "b"), entry("a/outside.txt")]),
        "would be the same file",
    ),
    "device": (tar({}, entries=[entry("a", tarfile.CHRTYPE)]), "kind 'device'"),
    "pipe": (tar({}, entries=[entry("a", tarfile.FIFOTYPE)]), "kind 'device'"),
    "pipe in zip": (zipped({"a": b""}, modes={"a": stat.S_IFIFO}), "kind 'device'"),
    "unknown": (tar({}, entries=[entry("a", b"V")]), "kind 'unknown'"),
    "twice": (tar({}, entries=[entry("a"), entry("a")]), "would be the same file"),
    "case": (zipped({"x/A.txt": b"1", "x/a.TXT": b"2"}), "would be the same file"),
    "case of a folder": (tar({"Train/a": b"1", "train/b": b"2"}), "would be the same file"),
    "accents": (tar({"\u00e9": b"1", "e\u0301": b"2"}), "would be the same file"),
    "file as folder": (tar({"a": b"1", "a/b": b"2"}), "would be the same file"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(99), "packed with 7z"),
    "gzip of no tar": (gzip.compress(b"{}" * 999), "no tar archive inside"),
    "no members": (zipped({})[:-5], "damaged or incomplete"),
    "inner": (zipped({"a.tar": tar({"../outside.txt": b""}), "b": b""}), "'a.tar' in it: .*leads"),
    "inner of one name": (
        zipped({"a.zip": zipped(TREE), "a.tar.gz": tar(TREE)}),
        "'a.tar.gz' and 'a.zip' would be the same folder",
    ),
    "inner damage": (zipped({"a.tgz": tar(TREE)[:-40], "b": b""}), "'a.tgz' in it: damaged"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_archives_are_refused(refused, case):
    content, words = HOSTILE[case]
    message = refused(content)
    assert re.search(words, message)


def test_a_file_that_is_only_named_as_an_archive_is_refused(refused):
    assert "not an archive, although it is named as one" in refused(
        b"<html>Please log in", "meld.tar.gz"
    )


def test_an_encrypted_zip_is_refused(refused):
    content = bytearray(zipped({"a.txt": b"1"}))
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(mark) + place] |= 1
    assert "'a.txt' has the kind 'encrypted file'" in refused(bytes(content))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz", "zip"])
def test_a_truncated_archive_is_refused(refused, mode):
    noise = bytes(i * i % 251 for i in range(5000))
    tree = {f"folder/file{i}": noise[i:] for i in range(3)}
    content = zipped(tree) if mode == "zip" else tar(tree, mode=mode)
    whole = len(content) if mode != "w" else 3 * (512 + 5120)  # zeros follow
    between = [512 + 5120, whole] if mode == "w" else []  # a file ends there
    for end in [whole // 3, whole // 2, whole - 20, *between]:
        assert "damaged or incomplete" in refused(content[:end])


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_flipped_bits_are_found_by_the_checksum(refused, pack):
    content = bytearray(pack(tar({"a": bytes(range(256)) * 99, "b": b"2"}, mode="w")))
    content[{gzip.compress: -6, bz2.compress: -4, lzma.compress: len(content) // 2}[pack]] ^= 0x10
    assert "damaged or incomplete" in refused(bytes(content))


def test_a_damaged_header_is_not_the_end(refused):
    content = bytearray(tar({"a": b"1", "b": b"2"}, mode="w"))
    content[1024 + 150] ^= 0xFF  # the checksum of the second header
    assert "damaged or incomplete" in refused(bytes(content))


@pytest.mark.parametrize("make", [tar, zipped])
def test_a_bomb_is_refused_by_its_ratio(refused, made, monkeypatch, make):
    monkeypatch.setattr(module, "_HARMLESS_BYTES", 100_000)
    content = make({"zeros": bytes(100_000 + 200 * 1024), "more": b""})
    assert "zip bomb" in refused(content)
    monkeypatch.setattr(module, "_MOST_TIMES", 10_000)
    made(content)


@pytest.mark.parametrize("make", [tar, zipped])
def test_a_bomb_in_many_small_files_is_refused(refused, monkeypatch, make):
    monkeypatch.setattr(module, "_HARMLESS_BYTES", 100_000)
    monkeypatch.setattr(module, "_MOST_TIMES", 1)
    assert "zip bomb" in refused(make({f"{i}": bytes(10_001) for i in range(10)}))


def test_a_bomb_in_inner_archives_is_refused(refused, monkeypatch):
    monkeypatch.setattr(module, "_HARMLESS_BYTES", 100_000)
    monkeypatch.setattr(module, "_MOST_TIMES", 10)
    inner = zipped({"zeros": bytes(60_000), "x": b""})
    assert "zip bomb" in refused(zipped({"a.zip": inner, "b.zip": inner}))


def test_links_count_with_the_size_of_their_targets(refused, monkeypatch):
    monkeypatch.setattr(module, "_HARMLESS_BYTES", 100_000)
    links = [entry(f"{i}", tarfile.LNKTYPE, "file") for i in range(50)]
    assert "zip bomb" in refused(tar({"file": bytes(10_000)}, mode="w:bz2", entries=links))


def test_a_wrong_size_in_a_header_is_refused(refused):
    """A zip whose directory says that a large file is small."""
    content = zipped({"large": bytes(50_000)})
    claim = struct.pack("<L", 50_000), struct.pack("<L", 10)
    assert "damaged" in refused(content.replace(*claim))


def test_a_sparse_file_is_refused(refused):
    """A few bytes that claim to be a megabyte of zeros."""
    pax = {"GNU.sparse.size": str(10**6), "GNU.sparse.numblocks": "0", "GNU.sparse.map": "0,0"}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(entry("a", pax_headers=pax))
    assert "sparse file" in refused(buffer.getvalue())


def test_an_endless_header_is_refused(refused):
    """tarfile keeps headers in memory; this one would be a bomb there."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(entry("a", pax_headers={"comment": "x" * members._LARGEST_HEADER}))
    assert "has a header of more than" in refused(buffer.getvalue())


def test_an_endless_tail_is_refused(refused, monkeypatch):
    monkeypatch.setattr(members, "_LARGEST_TAIL", 1 << 20)
    content = gzip.compress(tar({"a": b"1"}, mode="w") + bytes(1 << 21))
    assert "too many bytes after its end" in refused(content)


def test_too_many_members_are_refused(refused, monkeypatch):
    monkeypatch.setattr(module, "_MOST_MEMBERS", 10)
    assert "more than 10 files" in refused(tar({f"{i}": b"" for i in range(11)}))


def test_folders_that_no_member_names_count_too(refused, monkeypatch):
    monkeypatch.setattr(module, "_MOST_MEMBERS", 40)
    assert "more than 40 files" in refused(tar({"a/" * 45 + "b": b""}))


def test_skipped_members_count_too(refused, monkeypatch):
    """Skipping a member of a compressed tar unpacks it."""
    monkeypatch.setattr(module, "_HARMLESS_BYTES", 100_000)
    monkeypatch.setattr(module, "_MOST_TIMES", 1)
    content = tar({f"__MACOSX/{i}": bytes(50_000) for i in range(3)})
    assert "zip bomb" in refused(content)


def test_chains_of_links_are_followed_once(made):
    """Following the chain from each link would take minutes."""
    links = [entry(f"{i}", tarfile.SYMTYPE, f"{i + 1}") for i in range(3000)]
    followed = module._ends({link.name: link.linkname for link in links} | dict.fromkeys("ab", "b"))
    assert {end for name, end in followed.items() if name not in "ab"} == {"3000"}
    assert followed["a"] == followed["b"] == "b"
    folder = made(tar({"3000": b"x"}, entries=links[-50:]))
    assert set(content_of(folder).values()) == {b"x"}


def pax(kind, content):
    """An extended header of a tar, for the next member (x) or for all members (g)."""
    info = entry("more", kind, size=len(content))
    return info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % tarfile.BLOCKSIZE)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (pax(b"x", b"1" * 100_000), "a number of more than 64 digits"),
        (
            pax(b"g", b"".join(b"8 %c=abc\n" % c for c in range(33, 126) if c != 61)),
            "over 64 global headers",
        ),
    ],
)
def test_a_header_that_is_slow_to_parse_is_refused(refused, header, words):
    assert words in refused(header + tar({"a": b""}, mode="w"))


@pytest.mark.parametrize("target", ["./" * 3000 + "b", "a/../" * 1500 + "b"])
def test_a_link_of_a_very_long_path_is_refused(refused, target):
    words = "is a link to more than 4096 characters"
    assert words in refused(tar({"b": b""}, entries=[entry("a", tarfile.SYMTYPE, target)]))
    assert words in refused(zipped({"b": b"", "a": target.encode()}, modes={"a": LINK}))


def test_a_very_long_name_is_refused(refused):
    assert "longer than 4096 characters" in refused(zipped({"./" * 3000 + "b": b""}))


def test_headers_take_only_so_much_in_all(refused, monkeypatch):
    monkeypatch.setattr(members, "_ALL_HEADERS", 10_000)
    assert "headers of more than 10000 bytes" in refused(tar({str(i): b"" for i in range(20)}))


def test_a_damaged_compression_in_a_zip_is_refused(refused):
    content = zipped({"a": bytes(range(256))})
    place = content.index(b"PK\1\2") + 10
    assert "not supported" in refused(content[:place] + b"\x63\0" + content[place + 2 :])


def test_the_disk_has_everything_before_the_folder_gets_its_name(made, tmp_path, monkeypatch):
    named = []
    monkeypatch.setattr(
        module.os, "sync", lambda: named.append((tmp_path / "data/corpus").exists())
    )
    made(tar(TREE))
    assert named == [False]


def test_a_folder_with_content_is_not_changed(made, tmp_path):
    folder = tmp_path / "data" / "corpus"
    folder.mkdir(parents=True)
    assert set(content_of(made(tar(TREE)))) == {"a.csv", "clips/dia0_utt0.mp4", "empty.txt"}
    with pytest.raises(UserError, match="already exists; move it away"):
        made(tar({"other": b"1"}))
    assert "other" not in content_of(folder)


def test_the_remains_of_an_interrupted_run_are_removed(made, tmp_path):
    left = tmp_path / "data" / ".corpus.unpacking"
    left.mkdir(parents=True)
    (left / "old").write_text("of the killed run")
    assert "old" not in content_of(made(tar(TREE)))
    assert not left.exists()


def test_two_processes_do_not_unpack_one_archive(made, tmp_path):
    (tmp_path / "downloads").mkdir()
    with (tmp_path / "downloads/.corpus.bin.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process"):
            made(tar(TREE))


def test_a_full_disk_is_reported_before(made, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10**5))
    with pytest.raises(UserError, match=r"GB free, .* GB needed; free some space"):
        made(tar({"a": bytes(10**6)}))
    assert list((tmp_path / "data").iterdir()) == []


def test_a_disk_that_fills_up_leaves_nothing(made, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_write", full)
    with pytest.raises(UserError, match="No space left on device; fix that and run again"):
        made(tar(TREE))
    assert list((tmp_path / "data").iterdir()) == []


def test_an_absent_archive_is_reported(tmp_path):
    with pytest.raises(UserError, match=r"absent\.zip: no such file"):
        unpack(tmp_path / "absent.zip", tmp_path / "folder")


def test_progress_is_logged(made, monkeypatch, caplog):
    monkeypatch.setattr("spcl.data.download.progress._LOG_EVERY_S", 0.0)
    with caplog.at_level(logging.INFO, "spcl.data"):
        made(tar(TREE))
    assert any(message.startswith("Unpack corpus.bin: ") for message in caplog.messages)


SEEDS = [tar(TREE, mode="w"), tar(TREE), zipped(TREE)]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=9))),
)
def test_a_mutilated_archive_is_unpacked_inside_or_refused(tmp_path, content, changes):
    """Whatever the bytes: no other error than a UserError, nothing written elsewhere."""
    work = tmp_path / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    content = bytearray(content)
    for place, change in changes:
        at = int(place * len(content))
        content[at : at + len(change)] = change
    (work / "archive").write_bytes(content)
    with contextlib.suppress(UserError):
        unpack(work / "archive", work / "data" / "corpus")
    assert {path.name for path in work.iterdir()} <= {"archive", ".archive.lock", "data"}
    assert {path.name for path in (work / "data").iterdir()} <= {"corpus"}
