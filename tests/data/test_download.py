"""A download gets there whatever the server does, and takes nothing but the right bytes."""

import fcntl
import hashlib
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from spcl.data.download import fetch as module
from spcl.data.download.fetch import download, file_name
from spcl.errors import UserError
from spcl.jobs.job import HEADLINE

CONTENT = bytes(range(256)) * 4000  # about a megabyte
SUM = hashlib.sha256(CONTENT).hexdigest()
HALF = len(CONTENT) // 2


class Server(ThreadingHTTPServer):
    """Serves one file on loopback. `misbehaviours` has one entry a request, then it behaves."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.etag, self.ranges = CONTENT, '"one"', True
        self.misbehaviours, self.requests = [], []
        self.released = threading.Event()  # ends a stall when the test is over

    def handle_error(self, *_):
        """A client that goes away while it is answered is no fault."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/corpus.tar.gz"

    @property
    def asked(self):
        """The Range of each request."""
        return [headers.get("Range") for headers in self.requests]


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        server.requests.append(dict(self.headers))
        misbehave = server.misbehaviours.pop(0) if server.misbehaviours else Handler.behave
        misbehave(self)

    def behave(self, *, cut=None, length=None, content=None, pieces=1, span=None):
        """Answer; `cut` breaks off after so many bytes, the other words replace what is right."""
        body = self.server.content if content is None else content
        whole, start = len(body), 0
        if self.server.ranges and (asked := self.headers.get("Range")):
            condition = self.headers.get("If-Range", self.server.etag)
            if condition == self.server.etag:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
        body = body[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", span or f"bytes {start}-{whole - 1}/{whole}")
        if length != "none":
            self.send_header("Content-Length", str(length or len(body)))
        if self.server.etag:
            self.send_header("ETag", self.server.etag)
        self.end_headers()
        body = body[:cut]
        for piece in range(pieces):
            self.wfile.write(body[piece * len(body) // pieces : (piece + 1) * len(body) // pieces])
            self.wfile.flush()

    def refuse(self, code, **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()


def breaks_off(after=HALF, **others):
    return lambda handler: handler.behave(cut=after, **others)


def answers(code, **headers):
    return lambda handler: handler.refuse(code, **headers)


def stalls(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(CONTENT)))
    handler.send_header("ETag", handler.server.etag)
    handler.end_headers()
    handler.wfile.write(CONTENT[:HALF])
    handler.wfile.flush()
    handler.server.released.wait(10)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(module, "_PAUSES_S", (0.0, 0.01, 0.02))
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "download" / "corpus.tar.gz"


def get(url, target, *, sha256=SUM, size=None):
    download(url, target, sha256=sha256, size=size, licence="GPL-3.0")


def left(target):
    """The files beside the lock."""
    return sorted(path.name for path in target.parent.iterdir() if path.suffix != ".lock")


def test_a_file_is_downloaded_and_nothing_else_is_left(server, target):
    get(server.url, target, size=len(CONTENT))
    assert target.read_bytes() == CONTENT
    assert left(target) == ["corpus.tar.gz"]
    assert server.asked == [None]


def test_the_licence_is_said_before_the_first_request(server, target, caplog):
    with caplog.at_level(logging.INFO, "spcl"), pytest.raises(UserError):
        get("http://127.0.0.1:1/x", target)
    assert "GPL-3.0" in caplog.messages[0]
    assert caplog.records[0].levelno == HEADLINE


def test_a_file_that_is_there_is_checked_and_not_downloaded(server, target):
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    get(server.url, target)
    assert server.requests == []


def test_a_wrong_file_that_somebody_put_there_is_refused_and_kept(server, target):
    target.parent.mkdir()
    target.write_bytes(b"something else")
    with pytest.raises(UserError, match=r"corpus\.tar\.gz: sha256 .* remove it"):
        get(server.url, target)
    assert target.read_bytes() == b"something else"


def test_a_broken_connection_is_taken_up_where_it_broke(server, target):
    server.misbehaviours = [breaks_off(), breaks_off(1000)]
    get(server.url, target, size=len(CONTENT))
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={HALF}-", f"bytes={HALF + 1000}-"]
    assert server.requests[1]["If-Range"] == '"one"'


def test_a_killed_download_goes_on_where_it_was(server, target):
    server.misbehaviours = [breaks_off()] + [answers(503)] * 4
    with pytest.raises(UserError, match=f"go on from byte {HALF}"):
        get(server.url, target)
    assert left(target) == ["corpus.tar.gz.part", "corpus.tar.gz.part.json"]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked[-1] == f"bytes={HALF}-"


def test_after_sigkill_the_next_process_goes_on(server, target):
    server.misbehaviours = [stalls]
    arguments = f"{server.url!r}, Path({str(target)!r}), sha256={SUM!r}, size=None, licence=''"
    code = (
        f"from pathlib import Path; from spcl.data.download.fetch import *; download({arguments})"
    )
    part = target.with_name("corpus.tar.gz.part")
    with subprocess.Popen([sys.executable, "-c", code], env=os.environ) as process:
        while process.poll() is None and not (part.exists() and part.stat().st_size >= HALF - 9999):
            time.sleep(0.01)
        process.kill()
    got = part.stat().st_size
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={got}-"]


def test_a_download_killed_just_before_its_end_asks_for_nothing_more(server, target):
    server.misbehaviours = [breaks_off()] + [answers(503)] * 4
    with pytest.raises(UserError):
        get(server.url, target)
    with target.with_name("corpus.tar.gz.part").open("ab") as part:
        part.write(CONTENT[HALF:])
    server.requests.clear()
    get(server.url, target)
    assert server.requests == []
    assert target.read_bytes() == CONTENT


def test_a_server_that_breaks_off_again_and_again_is_followed_while_it_gets_further(server, target):
    server.misbehaviours = [breaks_off(HALF // 10)] * 12
    get(server.url, target)
    assert target.read_bytes() == CONTENT


def test_a_server_without_ranges_is_asked_anew(server, target):
    server.ranges = False
    server.misbehaviours = [breaks_off()]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={HALF}-"]


def test_a_server_without_ranges_that_always_breaks_off_is_given_up(server, target):
    server.ranges = False
    server.misbehaviours = [breaks_off()] * 20
    with pytest.raises(UserError, match="broke off at byte"):
        get(server.url, target)
    assert len(server.requests) == 1 + len(module._PAUSES_S)


def test_a_file_that_changed_between_attempts_starts_anew(server, target):
    def changes(handler):
        handler.behave(cut=HALF, content=b"old" * len(CONTENT), length=len(CONTENT))
        handler.server.etag = '"two"'

    server.misbehaviours = [changes]
    get(server.url, target)
    assert target.read_bytes() == CONTENT


def test_a_rest_of_another_version_is_not_appended(server, target):
    """The server does not know If-Range: it sends the rest of what is another file now."""

    def rest_of_another(handler):
        send = handler.send_header
        handler.send_header = lambda name, word: send(name, '"two"' if name == "ETag" else word)
        handler.behave()

    server.misbehaviours = [breaks_off(), rest_of_another]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={HALF}-", None]


@pytest.mark.parametrize(
    "span", ["bytes 7-999/1024000", "bytes 512000-1023999/1024001", "nonsense"]
)
def test_a_rest_that_starts_elsewhere_is_not_appended(server, target, span):
    server.misbehaviours = [breaks_off(), lambda handler: handler.behave(span=span)]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={HALF}-", None]


def test_a_file_that_became_shorter_starts_anew(server, target):
    server.misbehaviours = [breaks_off(), answers(416)]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={HALF}-", None]


def test_a_part_without_its_note_or_of_another_address_is_not_gone_on_with(server, target):
    part = target.with_name("corpus.tar.gz.part")
    note = target.with_name("corpus.tar.gz.part.json")
    for text in [None, "{", "[]", json.dumps({"url": "x", "etag": None, "modified": None})]:
        target.parent.mkdir(exist_ok=True)
        target.unlink(missing_ok=True)
        part.write_bytes(b"from elsewhere")
        if text is not None:
            note.write_text(text)
        get(server.url, target)
        assert target.read_bytes() == CONTENT
    assert set(server.asked) == {None}


def test_without_version_headers_the_sum_alone_decides(server, target):
    server.etag = None
    server.misbehaviours = [breaks_off()]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={HALF}-"]
    assert "If-Range" not in server.requests[1]


def test_wrong_bytes_are_named_and_removed(server, target):
    server.content = b"x" * len(CONTENT)
    found = hashlib.sha256(server.content).hexdigest()
    with pytest.raises(UserError) as error:
        get(server.url, target, size=len(CONTENT))
    message = str(error.value)
    assert all(word in message for word in (server.url, SUM, found, "run again"))
    assert "\n" not in message
    assert left(target) == []


def test_a_wrong_size_is_told_before_the_bytes_are_sent(server, target):
    with pytest.raises(UserError, match=f"{len(CONTENT)} bytes where {HALF} are expected"):
        get(server.url, target, size=HALF)
    assert left(target) == []


def test_a_server_that_says_no_length_is_stopped_where_the_size_is_exceeded(server, target):
    server.misbehaviours = [lambda h: h.behave(length="none", content=CONTENT * 20)]
    with pytest.raises(UserError, match=r"wrong bytes: \d+ bytes where 1000 are expected"):
        get(server.url, target, size=1000)
    assert left(target) == []


def test_a_file_without_a_length_is_downloaded(server, target):
    server.misbehaviours = [lambda handler: handler.behave(length="none")]
    get(server.url, target)
    assert target.read_bytes() == CONTENT


def test_a_length_that_is_too_large_ends_in_one_line(server, target):
    server.misbehaviours = [lambda h: h.behave(length=len(CONTENT) + 5)]
    server.misbehaviours += [answers(503)] * 9
    with pytest.raises(UserError, match=r"503.* times; run again later"):
        get(server.url, target)


def test_a_stalled_connection_is_taken_up(server, target, monkeypatch):
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.1)
    server.misbehaviours = [stalls]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={HALF}-"]


def test_a_slow_server_is_waited_for(server, target, monkeypatch):
    """All of it takes longer than the timeout, which is for silence alone."""
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.8)

    def slow(handler):
        plain = handler.wfile.flush
        handler.wfile.flush = lambda: (plain(), handler.server.released.wait(0.09))
        handler.behave(pieces=10)

    server.misbehaviours = [slow]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None]


def test_a_server_that_is_busy_at_first_is_asked_again(server, target):
    server.misbehaviours = [answers(503), answers(429), answers(500)]
    get(server.url, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("code", "words"),
    [(401, "password"), (403, "denies access"), (404, "no such file"), (418, "answers")],
)
def test_a_refusal_is_final_and_one_line(server, target, code, words):
    server.misbehaviours = [answers(code)] * 9
    with pytest.raises(UserError, match=rf"{words}.*\({code}\).*put it at .*corpus\.tar\.gz") as e:
        get(server.url, target)
    assert "\n" not in str(e.value)
    assert len(server.requests) == 1


def test_redirects_are_followed(server, target):
    server.misbehaviours = [answers(302, Location="/elsewhere"), breaks_off()]
    server.misbehaviours += [answers(307, Location="/again")]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked[-1] == f"bytes={HALF}-"


def test_redirects_in_a_circle_are_told(server, target):
    server.misbehaviours = [answers(302, Location="/corpus.tar.gz")] * 30
    with pytest.raises(UserError, match="redirects in a circle"):
        get(server.url, target)


def test_a_server_that_is_not_there_is_told_at_once(server, target):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UserError, match=r"cannot be reached.*https_proxy.*put it at"):
        get(f"http://127.0.0.1:{port}/x", target)


def test_a_name_that_does_not_resolve_is_told_at_once(server, target, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UserError, match=r"cannot be reached \(Name or service not known\)"):
        get("http://corpus.invalid/x", target)


def test_plain_http_behind_an_https_address_is_told_at_once(server, target):
    with pytest.raises(UserError, match="cannot be reached"):
        get(server.url.replace("http:", "https:"), target)


@pytest.mark.parametrize("url", ["ftp://host/x", "data:,x", "corpus.tar.gz", "http://h:port/x"])
def test_what_is_no_web_address_is_refused(target, url):
    with pytest.raises(UserError, match="address"):
        get(url, target)


@pytest.mark.parametrize("sha256", ["", "abc", "g" * 64, SUM + "0"])
def test_a_malformed_sum_is_refused(target, sha256):
    with pytest.raises(UserError, match="64 hexadecimal digits"):
        get("http://127.0.0.1/x", target, sha256=sha256)


def test_a_file_address_is_copied(tmp_path, target):
    source = tmp_path / "source.tar.gz"
    source.write_bytes(CONTENT)
    get(source.as_uri(), target, sha256=SUM.upper(), size=len(CONTENT))
    assert target.read_bytes() == source.read_bytes() == CONTENT
    with pytest.raises(UserError, match="cannot be reached"):
        get((tmp_path / "absent").as_uri(), target.with_name("other"))


def test_two_at_once_do_not_share_a_part(server, target):
    target.parent.mkdir()
    with target.with_name(".corpus.tar.gz.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process is working on it"):
            get(server.url, target)
    assert server.requests == []
    get(server.url, target)


def test_a_full_disk_is_told_before_the_download(server, target, monkeypatch):
    usage = shutil.disk_usage(target.parent.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(UserError, match=r"0\.0 GB free where .* are needed; make room"):
        get(server.url, target)


def test_a_folder_that_cannot_be_written_is_told(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="mend that"):
        get(server.url, tmp_path / "file" / "x")


def test_progress_is_logged_now_and_then(server, target, monkeypatch, caplog):
    monkeypatch.setattr("spcl.data.download.progress._LOG_EVERY_S", 0.0)
    with caplog.at_level(logging.INFO, "spcl.data"):
        get(server.url, target)
    lines = [message for message in caplog.messages if message.startswith("Download corpus")]
    assert any("100%, 1 of 1 MB" in line and "MB/s" in line for line in lines)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://host/a/MELD.Raw.tar.gz?download=1", "MELD.Raw.tar.gz"),
        ("http://host/", "archive"),
        ("http://host/..", "archive"),
        ("http://host/a%2F..%2F.b%00c d", "b_c_d"),
    ],
)
def test_the_file_name_is_the_last_word_of_the_address(url, name):
    assert file_name(url) == name
