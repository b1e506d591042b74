"""Download one file, however often the connection breaks, and never take wrong bytes for it."""

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

from spcl.data.download.lock import alone
from spcl.data.download.partial_file import PartialFile, Version, span
from spcl.data.download.progress import Progress
from spcl.data.download.room import require_room
from spcl.errors import UserError
from spcl.jobs.job import HEADLINE

log = logging.getLogger("spcl.data")

_TIMEOUT_S = 60.0
"""Without a single byte. A server that sends some may be as slow as it likes."""
_PAUSES_S = (1.0, 4.0, 15.0, 60.0, 180.0)
"""Between attempts that get no further; after these the download gives up."""
_BLOCK = 1 << 20

_PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Answers that another attempt may change."""
_REFUSALS = {
    401: "the server asks for a password",
    403: "the server denies access",
    404: "the server has no such file",
    407: "the proxy asks for a password",
    410: "the server has this file no more",
} | dict.fromkeys(range(300, 400), "the server redirects in a circle or to no web address")
_UNREACHABLE = (socket.gaierror, ConnectionRefusedError, ssl.SSLError)
"""They mean a wrong address or no network, if not one byte has ever come."""


class _BrokenOffError(Exception):
    """The attempt failed in a way that the next one may not; the message says how."""


def download(url: str, target: Path, *, sha256: str, size: int | None, licence: str) -> None:
    """Have the file of `url` at `target`, whole and right, or not at all.

    A file that is there already is checked and left alone. What an earlier call got stays in
    ``<target>.part`` and is gone on with, if the server can do that and the file has not changed.

    Parameters
    ----------
    url
        ``http``, ``https`` or ``file``. The proxies of the environment are obeyed.
    target
        Where to; its folder is created.
    sha256
        What the file must have, 64 hexadecimal digits.
    size
        What it must have, bytes; None where unknown.
    licence
        Under which licence the file stands, a name or an address: said first.

    Raises
    ------
    UserError
        The address or the sum is malformed; nobody answers, or with a refusal, or with other
        bytes; the disk is full; another process is at it.
    """
    sha256 = sha256.lower()
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise UserError(f"{url}: its sha256 is '{sha256}', not 64 hexadecimal digits; correct it")
    if urlsplit(url).scheme not in ("http", "https", "file"):
        raise UserError(f"{url}: not an http, https or file address; correct it")
    log.log(HEADLINE, "%s: its licence is %s; to use it is to agree", target.name, licence)
    otherwise = f"get it by other means and put it at {target}"
    try:
        with alone(target):
            if target.exists():
                fault = _fault(target, sha256, size)
                if fault:
                    raise UserError(f"{target}: {fault}; remove it, and it is downloaded again")
                log.info("%s: is here already", target)
                return
            part = PartialFile(target)
            _fetch(url, part, size, otherwise)
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
        raise UserError(f"{target.parent}: {_words(error)}; mend that and run again") from error


def file_name(url: str) -> str:
    """The name for the file of `url`: the last word of its path, of harmless letters only."""
    name = re.sub(r"[^\w.+-]", "_", Path(unquote(urlsplit(url).path)).name)
    return name.lstrip(".") or "archive"


def _fault(path: Path, sha256: str, size: int | None) -> str | None:
    """Say what is wrong with the file's bytes; None if nothing is."""
    found = path.stat().st_size
    if size is not None and found != size:
        return f"{found} bytes where {size} are expected"
    log.info("%s: checking its sha256", path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return None if digest == sha256 else f"sha256 {digest} where {sha256} is expected"


def _fetch(url: str, part: PartialFile, size: int | None, otherwise: str) -> None:
    """Attempt until the part is whole, or `_PAUSES_S` are used up without getting further."""
    failures, furthest = 0, part.size()
    while True:
        try:
            return _attempt(url, part, size, otherwise)
        except _BrokenOffError as broken:
            if part.size() > furthest:
                failures, furthest = 0, part.size()
            if failures == len(_PAUSES_S):
                raise UserError(
                    f"{url}: {broken}, {failures + 1} times; run again later to go on from"
                    f" byte {part.size()}, or {otherwise}"
                ) from broken
            log.info("%s: %s; trying again in %g s", url, broken, _PAUSES_S[failures])
            time.sleep(_PAUSES_S[failures])
            failures += 1


def _attempt(url: str, part: PartialFile, size: int | None, otherwise: str) -> None:
    """Ask once for what is missing, and append it to the part."""
    version = part.version(url)
    start = part.size() if version else 0
    if version and start == version.size:
        return
    with _answer(url, start, version, part, otherwise) as response:
        offered = Version.offered(url, response)
        if size is not None and offered.size not in (None, size):
            part.remove()
            raise UserError(
                f"{url}: wrong size: {offered.size} bytes where {size} are expected; correct what"
                " is expected or get the file from its publisher"
            )
        rest = span(response)
        if rest is None:
            start = 0
            part.begin(offered)
        elif version and version.continues(offered) and rest[0] == start:
            log.info("%s: going on from byte %d", url, start)
        else:
            part.remove()
            raise _BrokenOffError("the file has changed on the server")
        total = offered.size if size is None else size
        require_room(part.path.parent, (total or 0) - start)
        _append(response, part.path, start, total)


def _append(response: Any, path: Path, start: int, total: int | None) -> None:
    done = start
    with path.open("ab") as file, Progress(f"Download {path.stem}", total, start) as progress:
        while total is None or done <= total:  # one byte too many shows that the size is wrong
            try:
                block = response.read1(_BLOCK)
            except (OSError, http.client.HTTPException) as error:
                raise _BrokenOffError(f"broke off at byte {done} ({_words(error)})") from error
            if not block:
                break
            file.write(block)
            done += len(block)
            progress.reach(done)
    if total is not None and done < total:
        raise _BrokenOffError(f"broke off at byte {done} of {total}")


def _answer(
    url: str, start: int, version: Version | None, part: PartialFile, otherwise: str
) -> Any:
    """Ask for the file, or for what of `version` comes from byte `start` on; the open response."""
    headers = {"Accept-Encoding": "identity", "User-Agent": "spcl"}
    if version:
        headers |= {"Range": f"bytes={start}-"} | version.condition()
    try:
        request = urllib.request.Request(url, headers=headers)
        return urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and version:
            part.remove()
            raise _BrokenOffError("the file has become shorter on the server") from error
        words = _REFUSALS.get(error.code, f"the server answers {error.reason}")
        if error.code in _PASSING:
            raise _BrokenOffError(f"{words} ({error.code})") from error
        raise UserError(
            f"{url}: {words} ({error.code}); correct the address, or {otherwise}"
        ) from error
    except (http.client.InvalidURL, ValueError) as error:
        raise UserError(f"{url}: no valid address ({error}); correct it") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise UserError(
                f"{url}: the server's certificate is not trusted ({reason.verify_message}); if your"
                f" network has its own, name it in SSL_CERT_FILE, or {otherwise}"
            ) from error
        if urlsplit(url).scheme == "file" or (isinstance(reason, _UNREACHABLE) and not part.size()):
            raise UserError(
                f"{url}: cannot be reached ({_words(reason)}); check the address, the network and"
                f" https_proxy, or {otherwise}"
            ) from error
        raise _BrokenOffError(_words(reason)) from error


def _words(error: object) -> str:
    """What the system says of an error, without its number."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
