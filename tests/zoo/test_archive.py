from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tf2torch.errors import InputError
from tf2torch.zoo.archive import LARGEST_HEADER, Limits, unpack

CONTENT = random.Random(1).randbytes(3000)
Entry = tuple[tarfile.TarInfo, bytes]


def entry(name: str, content: bytes = b"", **attributes: object) -> Entry:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, content


GOOD = entry("./nets/net.ckpt", CONTENT)


def tar(*entries: Entry, compress: bool = True) -> bytes:
    """Block by block, because tarfile refuses to write what a hostile archive holds."""
    blocks = [info.tobuf() + content + bytes(-len(content) % tarfile.BLOCKSIZE) for info, content in entries]
    data = b"".join(blocks) + bytes(2 * tarfile.BLOCKSIZE)
    data += bytes(-len(data) % tarfile.RECORDSIZE)
    return gzip.compress(data, mtime=0) if compress else data


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def zip_link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


@pytest.fixture
def unpacked(tmp_path: Path) -> Callable[..., dict[str, bytes]]:
    """Unpacks the bytes of an archive; returns what lies in the folder then."""

    def run(data: bytes, limits: Limits | None = None) -> dict[str, bytes]:
        (tmp_path / "archive").write_bytes(data)
        folder = tmp_path / "unpacked"
        folder.mkdir()
        paths = unpack(tmp_path / "archive", folder, lambda name: name if name.startswith("net.ckpt") else None, limits)
        assert sorted(paths) == sorted(folder.iterdir())
        assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "unpacked"]
        return {path.name: path.read_bytes() for path in paths}

    return run


WANTED = {"net.ckpt": CONTENT, "net.ckpt.meta": b"meta"}
GOOD_ARCHIVES = {
    "tar.gz": tar(entry(".", type=tarfile.DIRTYPE), entry("./readme"), GOOD, entry("net.ckpt.meta", b"meta")),
    "tar": tar(GOOD, entry("a b/net.ckpt.meta", b"meta"), compress=False),
    "zip": zipped(("nets/", b""), ("nets/net.ckpt", CONTENT), ("net.ckpt.meta", b"meta"), ("eval.graph", b"x")),
    "stored zip": zipped(("net.ckpt", CONTENT), ("net.ckpt.meta", b"meta"), method=zipfile.ZIP_STORED),
}


@pytest.mark.parametrize("data", GOOD_ARCHIVES.values(), ids=GOOD_ARCHIVES)
def test_writes_the_wanted_members_and_no_other(unpacked: Callable[..., dict[str, bytes]], data: bytes) -> None:
    assert unpacked(data) == WANTED


HOSTILE_ENTRIES = {
    "absolute": entry("/etc/passwd", b"x"),
    "parent": entry("../net.ckpt", b"x"),
    "parent inside": entry("a/../../net.ckpt", b"x"),
    "only parent": entry("..", type=tarfile.DIRTYPE),
    "backslash": entry("..\\net.ckpt", b"x"),
    "drive": entry("C:net.ckpt", b"x"),
    "empty part": entry("a//b", b"x"),
    "newline": entry("a\nb", b"x"),
    "not ASCII": entry("n\u00ebt", b"x"),
    "surrogate": entry("n\udcff", b"x"),
    "shell": entry("$(x)", b"x"),
    "symbolic link": entry("link", type=tarfile.SYMTYPE, linkname="/etc"),
    "harmless link": entry("link", type=tarfile.SYMTYPE, linkname="net.ckpt"),
    "hard link": entry("hard", type=tarfile.LNKTYPE, linkname="nets/net.ckpt"),
    "fifo": entry("fifo", type=tarfile.FIFOTYPE),
    "device": entry("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    "block device": entry("disk", type=tarfile.BLKTYPE),
    "sparse": entry("sparse", type=tarfile.GNUTYPE_SPARSE),
    "twice": entry("other/net.ckpt", b"x"),
}


@pytest.mark.parametrize("hostile", HOSTILE_ENTRIES.values(), ids=HOSTILE_ENTRIES)
@pytest.mark.parametrize("first", [True, False])
def test_one_hostile_member_spoils_the_archive(
    unpacked: Callable[..., dict[str, bytes]], tmp_path: Path, hostile: Entry, first: bool
) -> None:
    with pytest.raises(InputError, match="archive archive is"):
        unpacked(tar(hostile, GOOD) if first else tar(GOOD, hostile))
    assert {path.name for path in tmp_path.iterdir()} == {"archive", "unpacked"}
    assert not any(path.is_symlink() for path in (tmp_path / "unpacked").iterdir())


HOSTILE_ZIPS = {
    "absolute": ("/etc/passwd", b"x"),
    "parent": ("../x", b"x"),
    "link": (zip_link("link"), b"/etc"),
    "twice": ("other/net.ckpt", b"x"),
}


@pytest.mark.parametrize("hostile", HOSTILE_ZIPS.values(), ids=HOSTILE_ZIPS)
def test_one_hostile_member_spoils_the_zip(
    unpacked: Callable[..., dict[str, bytes]], hostile: tuple[str | zipfile.ZipInfo, bytes]
) -> None:
    with pytest.raises(InputError, match="refused"):
        unpacked(zipped(("net.ckpt", CONTENT), hostile))


def test_a_name_that_the_standard_library_would_cut(unpacked: Callable[..., dict[str, bytes]]) -> None:
    with pytest.raises(InputError, match="not a plain path"):
        unpacked(zipped(("net.ckpt_and_more", CONTENT)).replace(b"net.ckpt_and", b"net.ckpt\0and"))


BOMBS = {
    "many": (tar(*(entry(f"f{number}") for number in range(1001))), None, "more than 1000 members"),
    "large": (tar(GOOD), Limits(member_bytes=2999), "over the limit of 2999"),
    "dense tar": (tar(entry("zeros", bytes(30_000_000))), None, "over 100 times its own size"),
    "dense zip": (zipped(("zeros", bytes(30_000_000))), None, "over 100 times its own size"),
    "sum": (tar(*(entry(f"f{number}", bytes(600_000)) for number in range(3))), None, "times its own size"),
    "lie": (tar(entry("net.ckpt", size=7 << 30)), None, "times its own size"),
    "header": (
        tar(entry("@LongLink", bytes(LARGEST_HEADER + 1024), type=tarfile.GNUTYPE_LONGNAME), GOOD),
        None,
        "header claims",
    ),
    "pax header": (
        tar(entry("x", bytes(LARGEST_HEADER + 1024), type=tarfile.XHDTYPE), GOOD),
        None,
        "header claims",
    ),
    "nested headers": (tar(*(entry("@LongLink", b"x\0", type=tarfile.GNUTYPE_LONGNAME),) * 3000), None, "damaged"),
    "endless tail": (tar(GOOD)[:-8] + gzip.compress(bytes(40_000_000)), None, "damaged"),
}


@pytest.mark.parametrize(("data", "limits", "reason"), BOMBS.values(), ids=BOMBS)
def test_bombs(unpacked: Callable[..., dict[str, bytes]], data: bytes, limits: Limits | None, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        unpacked(data, limits)


def test_an_endless_stream_after_the_archive_is_refused(unpacked: Callable[..., dict[str, bytes]]) -> None:
    with pytest.raises(InputError, match="beyond every limit"):
        unpacked(tar(GOOD) + gzip.compress(bytes(40_000_000)))


NO_ARCHIVES = {
    "empty": b"",
    "page": b"<!doctype html><title>Sign in to the hotel</title>" * 100,
    "gzip of a page": gzip.compress(b"<!doctype html>" * 100),
    "zeros": bytes(10),
    "zip magic": b"PK\x03\x04 and nothing else",
    "gzip magic": b"\x1f\x8b",
    "unknown compression": b"\xfd7zXZ\x00" + bytes(600),
    "wrong CRC": tar(GOOD)[:-8] + bytes(8),
    "broken second header": tar(GOOD, compress=False)[: 512 * 7] + b"\xff" * 1024,
}


@pytest.mark.parametrize("data", NO_ARCHIVES.values(), ids=NO_ARCHIVES)
def test_what_is_no_archive(unpacked: Callable[..., dict[str, bytes]], data: bytes) -> None:
    with pytest.raises(InputError, match="damaged, or is no tar"):
        unpacked(data)


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_truncated(unpacked: Callable[..., dict[str, bytes]], kind: str, share: float) -> None:
    data = GOOD_ARCHIVES[kind]
    with pytest.raises(InputError, match="damaged"):
        unpacked(data[: int(share * len(data))])


@pytest.mark.parametrize("size", range(0, 10240, 512))
def test_a_truncated_plain_tar(unpacked: Callable[..., dict[str, bytes]], size: int) -> None:
    data = GOOD_ARCHIVES["tar"]
    end = len(data.rstrip(b"\0")) // 512 * 512 + 512
    if size <= end:
        with pytest.raises(InputError, match="damaged"):
            unpacked(data[:size])
    else:
        assert unpacked(data[:size]) == WANTED


@pytest.mark.parametrize("kind", GOOD_ARCHIVES)
def test_random_damage_is_refused_or_harmless(tmp_path: Path, kind: str) -> None:
    generator = random.Random(2)
    archive, folder = tmp_path / "archive", tmp_path / "unpacked"
    outcomes = set()
    for attempt in range(300):
        data = bytearray(GOOD_ARCHIVES[kind])
        for _ in range(generator.randint(1, 8)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        archive.write_bytes(data)
        target = folder / str(attempt)
        target.mkdir(parents=True)
        try:
            unpack(archive, target, lambda name: name if name.startswith("net.ckpt") else None)
            outcomes.add("unpacked")
        except InputError:
            outcomes.add("refused")
    assert "refused" in outcomes
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "unpacked"]
