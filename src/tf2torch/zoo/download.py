"""One file over HTTP: retried, and resumed where an earlier run stopped.

Beside the unfinished file lies `<file>.json`: the URL that it comes from, its full size, and the server's ETag or date,
so that half a file is never continued with the other half of a different one.
"""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Self

import requests
import urllib3

from tf2torch import files
from tf2torch.errors import MachineError
from tf2torch.progress import Progress

CHUNK = 1 << 16
GOOD_STRETCH = 1 << 20  # bytes; a connection that brought so much makes the earlier failures forgotten
UNPACKED = 1.25  # unpacked bytes per byte of an archive of trained weights, which hardly compress; with some room
RETRIED = {408, 429, 500, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Transfer:
    """How patient a download is."""

    attempts: int = 4  # failures in a row before giving up
    backoff: float = 1.0  # seconds before the second attempt; doubled before each further one
    connect_timeout: float = 10.0  # seconds
    read_timeout: float = 30.0  # seconds without a byte
    limit: int = 8 << 30  # bytes


class DownloadError(Exception):
    """Why a download failed, as half a sentence. For the caller to complete with what the user can do."""


class WrongSizeError(DownloadError):
    """The server's file does not have the size that the caller knows it to have."""

    def __init__(self, found: int) -> None:
        super().__init__(f"it has {found} bytes")
        self.found = found


class _RetryableError(Exception):
    """A failure that another attempt may get over."""


@dataclass(frozen=True, slots=True)
class _Origin:
    """What the unfinished file is a part of."""

    url: str
    size: int | None = None  # of the whole file, in bytes
    validator: str | None = None  # the ETag, or the date of the last change

    @classmethod
    def read(cls, part: Path) -> Self | None:
        try:
            return cls(**files.read_json(_record(part)))
        except TypeError:
            return None


def download(url: str, part: Path, *, size: int | None = None, transfer: Transfer | None = None) -> None:
    """Completes the file `part` with what `url` serves. What `part` holds already is continued if the server agrees.

    size: the bytes that the whole file must have, if known. `part` stays for the next run when this is interrupted.
    Raises DownloadError when the server cannot be reached or refuses, MachineError when the disk is too small.
    """
    transfer = transfer or Transfer()
    part.parent.mkdir(parents=True, exist_ok=True)
    failures = 0
    with requests.Session() as session:
        while True:
            before = _length(part)
            try:
                return _attempt(session, url, part, size, transfer)
            except _RetryableError as error:
                failures = 1 if _length(part) - before >= GOOD_STRETCH else failures + 1
                if failures >= transfer.attempts:
                    raise DownloadError(f"{error} (tried {failures} times)") from error
                pause = transfer.backoff * 2 ** (failures - 1)
                print(f"{url}: {error}; trying again in {pause:g} s", file=sys.stderr, flush=True)
                time.sleep(pause)


def discard(part: Path) -> None:
    """Deletes an unfinished file and what is recorded about it."""
    part.unlink(missing_ok=True)
    _record(part).unlink(missing_ok=True)


def _attempt(session: requests.Session, url: str, part: Path, size: int | None, transfer: Transfer) -> None:
    origin = _Origin.read(part)
    have = _length(part) if origin and origin.url == url and (origin.validator or origin.size) else 0
    if have and origin and have == origin.size and size in (None, have):
        return
    headers = {"Accept-Encoding": "identity"}  # the bytes as they are stored: checksums are made of these
    if have and origin:
        headers["Range"] = f"bytes={have}-"
        if origin.validator:
            headers["If-Range"] = origin.validator
    timeout = (transfer.connect_timeout, transfer.read_timeout)
    with _network_errors(), session.get(url, headers=headers, timeout=timeout, stream=True) as response:
        if url.startswith("https:") and not response.url.startswith("https:"):
            raise DownloadError(f"the server sends on to {response.url}, which is not encrypted")
        continued = _continued(response, origin, part) if have and origin else None
        if continued is None:
            have, continued = 0, _opened(response, url)
        total = size if continued.size is None else continued.size
        if total is not None and size not in (None, total):
            raise WrongSizeError(total)
        most = transfer.limit if total is None else total
        if most > transfer.limit:
            raise DownloadError(f"it has {most} bytes, more than the limit of {transfer.limit}")
        _check_space(part, have, total)
        if not have:
            part.unlink(missing_ok=True)
            files.write_json(_record(part), asdict(continued))
        _receive(response, part, have, total, most)


def _opened(response: requests.Response, url: str) -> _Origin:
    """What a response to a request for the whole file brings."""
    status = response.status_code
    if status in RETRIED:
        raise _RetryableError(f"the server answers {_phrase(status)}")
    if status != HTTPStatus.OK:
        raise DownloadError(f"the server answers {_phrase(status)}")
    length = response.headers.get("Content-Length", "")
    return _Origin(url, int(length) if length.isdecimal() else None, _validator(response))


def _continued(response: requests.Response, origin: _Origin, part: Path) -> _Origin | None:
    """`origin`, if the response continues `part`; None if it is anything else.

    Where the server offers a rest that does not fit, `part` is given up and another attempt starts from nothing.
    """
    if response.status_code not in (HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
        return None
    first, total = _content_range(response)
    same_file = _validator(response) in (None, origin.validator) and origin.size in (None, total)
    if response.status_code == HTTPStatus.PARTIAL_CONTENT and first == _length(part) and same_file:
        return _Origin(origin.url, total, origin.validator)
    discard(part)
    raise _RetryableError("the file changed on the server since an earlier run took half of it; starting anew")


def _receive(response: requests.Response, part: Path, have: int, total: int | None, most: int) -> None:
    """Appends the body of the response, undecoded, up to `most` bytes in all."""
    with part.open("ab") as file, Progress(part.stem, total, start=have) as progress:
        for chunk in response.raw.stream(CHUNK, decode_content=False):
            file.write(chunk)
            progress.update(len(chunk))
            if progress.done > most:
                raise DownloadError(f"the server sends more than {most} bytes")
        if total is not None and progress.done < total:
            raise _RetryableError(f"the connection ended after {progress.done} of {total} bytes")


def _check_space(part: Path, have: int, total: int | None) -> None:
    free = shutil.disk_usage(part.parent).free
    needed = 0 if total is None else total - have + int(UNPACKED * total)
    if free < needed:
        raise MachineError(
            f"{part.parent} has {free / 1e9:.1f} GB left, but downloading and unpacking {part.stem} takes "
            f"{needed / 1e9:.1f} GB. Free some space, then run the same command again."
        )


@contextmanager
def _network_errors() -> Iterator[None]:
    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        reason, worth_another = _diagnosis(error)
        raise (_RetryableError if worth_another else DownloadError)(reason) from error


def _diagnosis(error: BaseException) -> tuple[str, bool]:
    """What went wrong, in words, and whether another attempt may help."""
    chain = list(_causes(error))

    def caused_by(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in chain)

    if caused_by(requests.exceptions.ProxyError):
        return "the proxy that HTTPS_PROXY or HTTP_PROXY names does not answer or refuses", True
    if caused_by(ssl.SSLCertVerificationError):
        hint = "behind a company's proxy: REQUESTS_CA_BUNDLE=file with RUNTIME=local"
        return f"the server's certificate is not trusted ({hint})", False
    if caused_by(ssl.SSLError, requests.exceptions.SSLError):
        return "no encrypted connection came about", False
    if caused_by(socket.gaierror):
        return "the host was not found; is there a network?", True
    if caused_by(ConnectionRefusedError):
        return "the connection was refused", True
    if caused_by(requests.Timeout, urllib3.exceptions.TimeoutError):
        return "no answer in time", True
    if caused_by(requests.ConnectionError, urllib3.exceptions.ProtocolError):
        return "the connection broke", True
    return str(error), False


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _record(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _validator(response: requests.Response) -> str | None:
    """What identifies this version of the file: a strong ETag, else the date. A weak ETag promises no equal bytes."""
    etag: str | None = response.headers.get("ETag")
    date: str | None = response.headers.get("Last-Modified")
    return date if etag is None or etag.startswith("W/") else etag


def _content_range(response: requests.Response) -> tuple[int | None, int | None]:
    """The first byte and the total of `Content-Range: bytes 100-199/200`; None where they are not given."""
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
    return (int(match[1]), int(match[2])) if match else (None, None)


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
