"""A download completes despite an unreliable server, and accepts only the expected bytes."""

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
        """A client that disconnects during the answer is no error."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/corpus.tar.gz"

    @property
    def asked(self):
        """The Range header of each request."""
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
        """Answer; `cut` interrupts after so many bytes, the others replace correct values."""
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


def interrupts(after=HALF, **others):
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


def test_the_licence_is_logged_before_the_first_request(server, target, caplog):
    with caplog.at_level(logging.INFO, "spcl"), pytest.raises(UserError):
        get("http://127.0.0.1:1/x", target)
    assert "GPL-3.0" in caplog.messages[0]
    assert caplog.records[0].levelno == HEADLINE


def test_an_existing_file_is_checked_and_not_downloaded(server, target):
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    get(server.url, target)
    assert server.requests == []


def test_an_existing_wrong_file_is_refused_and_kept(server, target):
    target.parent.mkdir()
    target.write_bytes(b"something else")
    with pytest.raises(UserError, match=r"corpus\.tar\.gz: expected sha256 .* remove it"):
        get(server.url, target)
    assert target.read_bytes() == b"something else"


def test_an_interrupted_download_resumes_at_the_next_byte(server, target):
    server.misbehaviours = [interrupts(), interrupts(1000)]
    get(server.url, target, size=len(CONTENT))
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={HALF}-", f"bytes={HALF + 1000}-"]
    assert server.requests[1]["If-Range"] == '"one"'


def test_the_next_call_resumes_a_failed_download(server, target):
    server.misbehaviours = [interrupts()] + [answers(503)] * 4
    with pytest.raises(UserError, match=f"resume at byte {HALF}"):
        get(server.url, target)
    assert left(target) == ["corpus.tar.gz.part", "corpus.tar.gz.part.json"]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked[-1] == f"bytes={HALF}-"


def test_the_next_process_resumes_after_sigkill(server, target):
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


def test_a_complete_part_needs_no_request(server, target):
    server.misbehaviours = [interrupts()] + [answers(503)] * 4
    with pytest.raises(UserError):
        get(server.url, target)
    with target.with_name("corpus.tar.gz.part").open("ab") as part:
        part.write(CONTENT[HALF:])
    server.requests.clear()
    get(server.url, target)
    assert server.requests == []
    assert target.read_bytes() == CONTENT


def test_attempts_are_unlimited_while_they_make_progress(server, target):
    server.misbehaviours = [interrupts(HALF // 10)] * 12
    get(server.url, target)
    assert target.read_bytes() == CONTENT


def test_a_download_from_a_server_without_ranges_starts_again_from_the_beginning(server, target):
    server.ranges = False
    server.misbehaviours = [interrupts()]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={HALF}-"]


def test_attempts_without_progress_are_limited(server, target):
    server.ranges = False
    server.misbehaviours = [interrupts()] * 20
    with pytest.raises(UserError, match="interrupted at byte"):
        get(server.url, target)
    assert len(server.requests) == 1 + len(module._PAUSES_S)


def test_a_file_that_changed_between_attempts_starts_again_from_the_beginning(server, target):
    def changes(handler):
        handler.behave(cut=HALF, content=b"old" * len(CONTENT), length=len(CONTENT))
        handler.server.etag = '"two"'

    server.misbehaviours = [changes]
    get(server.url, target)
    assert target.read_bytes() == CONTENT


def test_a_rest_of_another_version_is_not_appended(server, target):
    """A server that ignores If-Range sends the rest of a file that is another one now."""

    def rest_of_another(handler):
        send = handler.send_header
        handler.send_header = lambda name, word: send(name, '"two"' if name == "ETag" else word)
        handler.behave()

    server.misbehaviours = [interrupts(), rest_of_another]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={HALF}-", None]


@pytest.mark.parametrize(
    "span", ["bytes 7-999/1024000", "bytes 512000-1023999/1024001", "nonsense"]
)
def test_a_rest_that_starts_elsewhere_is_not_appended(server, target, span):
    server.misbehaviours = [interrupts(), lambda handler: handler.behave(span=span)]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={HALF}-", None]


def test_a_file_that_became_shorter_starts_again_from_the_beginning(server, target):
    server.misbehaviours = [interrupts(), answers(416)]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={HALF}-", None]


def test_a_part_without_its_note_or_of_another_address_is_not_resumed(server, target):
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


def test_without_version_headers_the_checksum_decides(server, target):
    server.etag = None
    server.misbehaviours = [interrupts()]
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


def test_a_wrong_size_is_reported_before_the_bytes_are_sent(server, target):
    with pytest.raises(UserError, match=f"expected {HALF} bytes, found {len(CONTENT)}"):
        get(server.url, target, size=HALF)
    assert left(target) == []


def test_without_a_length_the_download_stops_where_the_size_is_exceeded(server, target):
    server.misbehaviours = [lambda h: h.behave(length="none", content=CONTENT * 20)]
    with pytest.raises(UserError, match=r"wrong bytes: expected 1000 bytes, found \d+"):
        get(server.url, target, size=1000)
    assert left(target) == []


def test_a_file_without_a_length_is_downloaded(server, target):
    server.misbehaviours = [lambda handler: handler.behave(length="none")]
    get(server.url, target)
    assert target.read_bytes() == CONTENT


def test_a_length_that_is_too_large_is_a_one_line_error(server, target):
    server.misbehaviours = [lambda h: h.behave(length=len(CONTENT) + 5)]
    server.misbehaviours += [answers(503)] * 9
    with pytest.raises(UserError, match=r"503.* times; run again later"):
        get(server.url, target)


def test_a_stalled_connection_is_resumed(server, target, monkeypatch):
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.1)
    server.misbehaviours = [stalls]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={HALF}-"]


def test_a_slow_server_does_not_time_out(server, target, monkeypatch):
    """The download takes longer than the timeout, which limits the time without a byte."""
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.8)

    def slow(handler):
        plain = handler.wfile.flush
        handler.wfile.flush = lambda: (plain(), handler.server.released.wait(0.09))
        handler.behave(pieces=10)

    server.misbehaviours = [slow]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None]


def test_temporary_failures_of_the_server_are_retried(server, target):
    server.misbehaviours = [answers(503), answers(429), answers(500)]
    get(server.url, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("code", "words"),
    [(401, "Unauthorized"), (403, "Forbidden"), (404, "Not Found"), (418, "answers 418")],
)
def test_a_refusal_is_final_and_one_line(server, target, code, words):
    server.misbehaviours = [answers(code)] * 9
    with pytest.raises(UserError, match=rf"answers {code} .*put it at .*corpus\.tar\.gz") as e:
        get(server.url, target)
    assert "\n" not in str(e.value)
    assert len(server.requests) == 1


def test_redirects_are_followed(server, target):
    server.misbehaviours = [answers(302, Location="/elsewhere"), interrupts()]
    server.misbehaviours += [answers(307, Location="/again")]
    get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked[-1] == f"bytes={HALF}-"


def test_endless_redirects_are_reported(server, target):
    server.misbehaviours = [answers(302, Location="/corpus.tar.gz")] * 30
    with pytest.raises(UserError, match="redirects without end"):
        get(server.url, target)


def test_an_absent_server_is_reported_without_a_retry(server, target):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UserError, match=r"cannot be reached.*https_proxy.*put it at"):
        get(f"http://127.0.0.1:{port}/x", target)


def test_an_unknown_host_is_reported_without_a_retry(server, target, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UserError, match=r"cannot be reached \(Name or service not known\)"):
        get("http://corpus.invalid/x", target)


def test_plain_http_behind_an_https_address_is_reported_without_a_retry(server, target):
    with pytest.raises(UserError, match="cannot be reached"):
        get(server.url.replace("http:", "https:"), target)


@pytest.mark.parametrize("url", ["ftp://host/x", "data:,x", "corpus.tar.gz", "http://h:port/x"])
def test_other_addresses_are_refused(target, url):
    with pytest.raises(UserError, match="address"):
        get(url, target)


@pytest.mark.parametrize("sha256", ["", "abc", "g" * 64, SUM + "0"])
def test_a_malformed_checksum_is_refused(target, sha256):
    with pytest.raises(UserError, match="64 hexadecimal digits"):
        get("http://127.0.0.1/x", target, sha256=sha256)


def test_a_file_address_is_copied(tmp_path, target):
    source = tmp_path / "source.tar.gz"
    source.write_bytes(CONTENT)
    get(source.as_uri(), target, sha256=SUM.upper(), size=len(CONTENT))
    assert target.read_bytes() == source.read_bytes() == CONTENT
    with pytest.raises(UserError, match="cannot be reached"):
        get((tmp_path / "absent").as_uri(), target.with_name("other"))


def test_two_processes_do_not_share_a_part(server, target):
    target.parent.mkdir()
    with target.with_name(".corpus.tar.gz.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process is working on it"):
            get(server.url, target)
    assert server.requests == []
    get(server.url, target)


def test_a_full_disk_is_reported_before_the_download(server, target, monkeypatch):
    usage = shutil.disk_usage(target.parent.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(UserError, match=r"0\.0 GB free, .* needed; free some space"):
        get(server.url, target)


def test_a_folder_that_cannot_be_written_is_reported(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="fix that"):
        get(server.url, tmp_path / "file" / "x")


def test_progress_is_logged(server, target, monkeypatch, caplog):
    monkeypatch.setattr("spcl.data.download.progress._LOG_EVERY_S", 0.0)
    with caplog.at_level(logging.INFO, "spcl.data"):
        get(server.url, target)
    lines = [message for message in caplog.messages if message.startswith("Download corpus")]
    assert any("100% 1.02M/1.02M" in line and "B/s" in line for line in lines)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://host/a/MELD.Raw.tar.gz?download=1", "MELD.Raw.tar.gz"),
        ("http://host/", "archive"),
        ("http://host/..", "archive"),
        ("http://host/a%2F..%2F.b%00c d", "b_c_d"),
    ],
)
def test_the_file_name_is_the_last_part_of_the_address(url, name):
    assert file_name(url) == name
