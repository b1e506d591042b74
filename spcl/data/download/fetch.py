"""Download one file: resume after interruptions, and accept only the expected bytes."""

import hashlib
import http.client
import logging
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from spcl.data.download.lock import locked
from spcl.data.download.partial_file import PartialFile, Version, span
from spcl.data.download.progress import progress
from spcl.data.download.room import require_room
from spcl.errors import UserError
from spcl.jobs.job import HEADLINE

log = logging.getLogger("spcl.data")

_TIMEOUT_S = 60.0
"""Without a single byte; there is no limit on the total time."""
_PAUSES_S = (1.0, 4.0, 15.0, 60.0, 180.0)
"""Between attempts that make no progress; after the last one the download fails."""
_BLOCK = 1 << 20

_TEMPORARY = (408, 425, 429, 500, 502, 503, 504)
"""HTTP status codes after which another attempt can succeed."""
_UNREACHABLE = (socket.gaierror, ConnectionRefusedError, ssl.SSLError)
"""Before the first byte these mean a wrong address or no network: another attempt is no use."""


class _InterruptedError(Exception):
    """The attempt failed, the next one can succeed; the message says why."""


def download(url: str, target: Path, *, sha256: str, size: int | None, licence: str) -> None:
    """Download the file of `url` to `target`, complete and checked, or not at all.

    An existing file is checked and left alone. The bytes of an interrupted call stay in
    ``<target>.part``. The next call resumes there if the server supports it and the file has not
    changed.

    Parameters
    ----------
    url
        ``http``, ``https`` or ``file``. The proxies of the environment are used.
    target
        The path; its folder is created.
    sha256
        The expected checksum, 64 hexadecimal digits.
    size
        The expected size, bytes; None if unknown.
    licence
        The licence of the file, a name or an address; it is logged first.

    Raises
    ------
    UserError
        The address or the checksum is malformed; the server cannot be reached, refuses, or sends
        other bytes; the disk is full; another process downloads the same file.
    """
    sha256 = sha256.lower()
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise UserError(f"{url}: its sha256 is '{sha256}', not 64 hexadecimal digits; correct it")
    if urlsplit(url).scheme not in ("http", "https", "file"):
        raise UserError(f"{url}: not an http, https or file address; correct it")
    log.log(
        HEADLINE, "%s: its licence is %s; by using the file you accept it", target.name, licence
    )
    try:
        with locked(target):
            if target.exists():
                fault = _fault(target, sha256, size)
                if fault:
                    raise UserError(f"{target}: {fault}; remove it to download it again")
                log.info("%s: already downloaded", target)
                return
            part = _Download(url, target, size).complete()
            fault = _fault(part.path, sha256, size)
            if fault:
                part.remove()
                raise UserError(
                    f"{url}: wrong bytes: {fault}; run again, and if that does not help, correct"
                    " what is expected or get the file from its publisher"
                )
            part.path.replace(target)
            part.remove()
    except OSError as error:
        raise UserError(f"{target.parent}: {_reason(error)}; fix that and run again") from error


def file_name(url: str) -> str:
    """A file name for `url`: the last part of its path, with safe characters only."""
    name = re.sub(r"[^\w.+-]", "_", Path(unquote(urlsplit(url).path)).name)
    return name.lstrip(".") or "archive"


def _fault(path: Path, sha256: str, size: int | None) -> str | None:
    """What is wrong with the bytes of a file; None if nothing is."""
    found = path.stat().st_size
    if size is not None and found != size:
        return f"expected {size} bytes, found {found}"
    log.info("%s: checking its sha256", path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return None if digest == sha256 else f"expected sha256 {sha256}, found {digest}"


class _Download:
    """The file of `url` on its way to `target`."""

    def __init__(self, url: str, target: Path, size: int | None) -> None:
        self.url = url
        self.size = size
        self.part = PartialFile(target)
        self.otherwise = f"download it in another way and put it at {target}"

    def complete(self) -> PartialFile:
        """Try until the part is complete, or until `_PAUSES_S` attempts made no progress."""
        failures, furthest = 0, self.part.size()
        while True:
            try:
                self._attempt()
                return self.part
            except _InterruptedError as interrupted:
                if self.part.size() > furthest:
                    failures, furthest = 0, self.part.size()
                if failures == len(_PAUSES_S):
                    raise UserError(
                        f"{self.url}: {interrupted}, {failures + 1} times; run again later to"
                        f" resume at byte {self.part.size()}, or {self.otherwise}"
                    ) from interrupted
                pause = _PAUSES_S[failures]
                log.info("%s: %s; trying again in %g s", self.url, interrupted, pause)
                time.sleep(pause)
                failures += 1

    def _attempt(self) -> None:
        """Request what is missing once, and append it to the part."""
        version = self.part.version(self.url)
        start = self.part.size() if version else 0
        if version and start == version.size:
            return
        with self._response(start, version) as response:
            offered = Version.offered(self.url, response)
            if self.size is not None and offered.size not in (None, self.size):
                self.part.remove()
                raise UserError(
                    f"{self.url}: wrong size: expected {self.size} bytes, found {offered.size};"
                    " correct what is expected or get the file from its publisher"
                )
            rest = span(response)
            if rest is None:
                start = 0
                self.part.begin(offered)
            elif version and version.continues(offered) and rest[0] == start:
                log.info("%s: resuming at byte %d", self.url, start)
            else:
                self.part.remove()
                raise _InterruptedError("the file has changed on the server")
            total = offered.size if self.size is None else self.size
            require_room(self.part.path.parent, (total or 0) - start)
            self._append(response, start, total)

    def _append(self, response: Any, start: int, total: int | None) -> None:
        path, done = self.part.path, start
        with path.open("ab") as file, progress(f"Download {path.stem}", total, start) as reach:
            while total is None or done <= total:  # one byte too many shows that the size is wrong
                try:
                    block = response.read1(_BLOCK)
                except (OSError, http.client.HTTPException) as error:
                    raise _InterruptedError(
                        f"interrupted at byte {done} ({_reason(error)})"
                    ) from error
                if not block:
                    break
                file.write(block)
                done += len(block)
                reach(done)
        if total is not None and done < total:
            raise _InterruptedError(f"interrupted at byte {done} of {total}")

    def _response(self, start: int, version: Version | None) -> Any:
        """Request the file, or the rest of `version` from byte `start` on; the open response."""
        url = self.url
        headers = {"Accept-Encoding": "identity", "User-Agent": "spcl"}
        if version:
            headers |= {"Range": f"bytes={start}-"} | version.condition()
        try:
            request = urllib.request.Request(url, headers=headers)
            return urllib.request.urlopen(request, timeout=_TIMEOUT_S)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and version:
                self.part.remove()
                raise _InterruptedError("the file is now shorter on the server") from error
            answer = f"the server answers {error.code} {http.client.responses.get(error.code, '')}"
            if error.code in _TEMPORARY:
                raise _InterruptedError(answer) from error
            if error.code < 400:
                answer = "the server redirects without end or to no web address"
            raise UserError(f"{url}: {answer}; correct the address, or {self.otherwise}") from error
        except (http.client.InvalidURL, ValueError) as error:
            raise UserError(f"{url}: not a valid address ({error}); correct it") from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise UserError(
                    f"{url}: the server's certificate is not trusted ({reason.verify_message}); if"
                    " your network has its own certificates, name their file in SSL_CERT_FILE, or"
                    f" {self.otherwise}"
                ) from error
            never = isinstance(reason, _UNREACHABLE) and not self.part.size()
            if never or urlsplit(url).scheme == "file":
                raise UserError(
                    f"{url}: cannot be reached ({_reason(reason)}); check the address, the network"
                    f" and https_proxy, or {self.otherwise}"
                ) from error
            raise _InterruptedError(_reason(reason)) from error


def _reason(error: object) -> str:
    """What the system says about an error, without its number."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
