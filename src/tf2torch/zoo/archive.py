"""Unpacking of downloaded archives (tar, tar.gz, zip), which are taken for hostile until every member was looked at."""

from __future__ import annotations

import gzip
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, cast

from tf2torch.errors import InputError

CHUNK = 1 << 20
LARGEST_HEADER = 16 << 20  # bytes; tarfile reads a header into memory whole, whatever size it claims
SMALL = 1 << 20  # bytes; so little is no bomb, however well it was compressed

_PLAIN = re.compile(r"[A-Za-z0-9_.+=@, -]+")
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error),
    *(
        EOFError,
        RuntimeError,
        ValueError,
        OverflowError,
    ),  # RuntimeError: endless recursion, encryption, unknown methods
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may ask of the machine."""

    members: int = 1000
    member_bytes: int = 8 << 30
    expansion: int = 100  # unpacked bytes per byte of the archive; trained weights stay below 2


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    size: int
    kind: str  # "file", "directory", or in words what else it is
    open: Callable[[], IO[bytes]]


def unpack(
    archive: Path, folder: Path, rename: Callable[[str], str | None], limits: Limits | None = None
) -> list[Path]:
    """Writes some members of `archive` into `folder` and returns their paths.

    rename: from the base name of a member to its name in `folder`; None leaves the member out. Every member is checked,
    wanted or not. The format is told by the content, not by the file's name.

    Raises InputError where the archive is damaged, or where any member could write outside `folder`, is no plain file
    or directory, or breaks a limit. `folder` may then hold some files already and is to be thrown away.
    """
    limits = limits or Limits()
    most = max(SMALL, limits.expansion * archive.stat().st_size)
    written: list[Path] = []
    total = 0
    with _damage_said(archive), archive.open("rb") as raw:
        for count, member in enumerate(_members(raw, most), start=1):
            total += member.size
            if reason := _objection(member, count, total, most, limits):
                raise InputError(f"The archive {archive.name} is refused and was not unpacked: {reason}.")
            name = rename(member.name.rstrip("/").rpartition("/")[2])
            if name is None or member.kind != "file":
                continue
            path = folder / name
            if path in written:
                raise InputError(f"The archive {archive.name} is refused: it holds two files for {name}.")
            with member.open() as source, path.open("xb") as target:
                shutil.copyfileobj(source, target, CHUNK)
            if path.stat().st_size != member.size:
                raise EOFError(f"{member.name!r} ends after {path.stat().st_size} of {member.size} bytes")
            written.append(path)
    return written


def _objection(member: _Member, count: int, total: int, most: int, limits: Limits) -> str | None:
    """Why this member makes the archive unacceptable, if it does."""
    shown = repr(member.name[:100])
    parts = member.name.removeprefix("./").rstrip("/").split("/")
    if count > limits.members:
        return f"it has more than {limits.members} members"
    if ".." in parts or not all(_PLAIN.fullmatch(part) for part in parts):
        return f"the name {shown} is not a plain path inside the archive"
    if member.kind not in ("file", "directory"):
        return f"{shown} is {member.kind}, not a file or a directory"
    if not 0 <= member.size <= limits.member_bytes:
        return f"{shown} claims {member.size} bytes, over the limit of {limits.member_bytes}"
    if total > most:
        return f"it unpacks to more than {most} bytes, over {limits.expansion} times its own size"
    return None


@contextmanager
def _damage_said(archive: Path) -> Iterator[None]:
    """What the standard library raises for damaged archives, as one InputError. Refusals of the disk pass unchanged."""
    try:
        yield
    except _DAMAGE as error:
        raise InputError(
            f"The archive {archive.name} is damaged, or is no tar, tar.gz or zip file: {error}. Fetch it again."
        ) from error


def _members(raw: IO[bytes], most: int) -> Iterator[_Member]:
    magic = raw.read(4)
    raw.seek(0)
    if magic.startswith(b"PK"):
        yield from _zip_members(raw)
    elif magic.startswith(b"\x1f\x8b"):
        with gzip.GzipFile(fileobj=raw) as stream:
            yield from _tar_members(_Bounded(cast("IO[bytes]", stream), most))
    else:
        yield from _tar_members(_Bounded(raw, most))


def _zip_members(raw: IO[bytes]) -> Iterator[_Member]:
    with zipfile.ZipFile(raw) as archive:
        for info in archive.infolist():
            if info.header_offset < 0:
                raise zipfile.BadZipFile(f"{info.orig_filename!r} lies before the start of the file")
            mode = info.external_attr >> 16  # the type bits of Unix; 0 where the archive was made elsewhere
            if info.is_dir():
                kind = "directory"
            elif stat.S_IFMT(mode) in (0, stat.S_IFREG):
                kind = "file"
            else:
                kind = "a link or a device"
            # The original name: the standard library cuts the other one at a NUL.
            yield _Member(info.orig_filename, info.file_size, kind, partial(archive.open, info))


def _tar_members(stream: _Bounded) -> Iterator[_Member]:
    with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r:") as archive:
        for info in archive:
            if info.isdir():
                kind = "directory"
            elif info.isreg() and not info.issparse():
                kind = "file"
            else:
                kind = "a link, a device or a sparse file"
            # None only for what holds no data, which `kind` says.
            read = cast("Callable[[], IO[bytes]]", partial(archive.extractfile, info))
            yield _Member(info.name, info.size, kind, read)
        # tarfile takes a broken header, or none, for the end. The true end is a block of zeros.
        stream.seek(archive.offset)
        if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError(f"no valid header at byte {archive.offset}")
    while stream.read(CHUNK):  # to the end, where gzip keeps its checksum
        pass


class _Bounded:
    """What tarfile reads through: neither a header of gigabytes nor an endless stream gets past it."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream, self._limit = stream, limit
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LARGEST_HEADER:
            raise tarfile.ReadError(f"a header claims {size} bytes")
        data = self._stream.read(size)
        if self._stream.tell() > self._limit + LARGEST_HEADER:
            raise tarfile.ReadError("the stream goes on beyond every limit")
        return data
