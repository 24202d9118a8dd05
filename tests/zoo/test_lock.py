from __future__ import annotations

from pathlib import Path

import pytest

from tf2torch.errors import InputError
from tf2torch.zoo.lock import Entry, read, record

A, B = "a" * 64, "b" * 64
URL = "https://example.org/net.tar.gz"


def test_absent_means_empty(tmp_path: Path) -> None:
    assert read(tmp_path / "checksums.lock") == {}


def test_what_is_recorded_is_read(tmp_path: Path) -> None:
    path = tmp_path / "checksums.lock"
    record(path, URL, Entry(A, 10, {"net.ckpt": B}))
    record(path, "https://example.org/a.tar.gz", Entry(B, 20))
    record(path, URL, Entry(B, 30))
    assert read(path) == {URL: Entry(B, 30), "https://example.org/a.tar.gz": Entry(B, 20)}
    assert [child.name for child in tmp_path.iterdir()] == ["checksums.lock"]


def test_is_readable_sorted_and_written_only_for_news(tmp_path: Path) -> None:
    path = tmp_path / "checksums.lock"
    for url in ("https://b.example/2", "https://a.example/1"):
        record(path, url, Entry(A, 10))
    text = path.read_text()
    assert text.index("a.example") < text.index("b.example")
    assert text.count("\n") > 6
    inode = path.stat().st_ino
    record(path, "https://b.example/2", Entry(A, 10))
    assert path.stat().st_ino == inode


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"u": 1}',
        '{"u": {}}',
        '{"u": {"sha256": "short", "size": 1}}',
        '{"u": {"sha256": 5, "size": 1}}',
        f'{{"u": {{"sha256": "{A.upper()}", "size": 1}}}}',
        f'{{"u": {{"sha256": "{A}", "size": "1"}}}}',
        f'{{"u": {{"sha256": "{A}", "size": -1}}}}',
        f'{{"u": {{"sha256": "{A}", "size": true}}}}',
        f'{{"u": {{"sha256": "{A}", "size": 1, "files": ["x"]}}}}',
        f'{{"u": {{"sha256": "{A}", "size": 1, "files": {{"x": "y"}}}}}}',
        f'{{"u": {{"sha256": "{A}", "size": 1, "more": 2}}}}',
    ],
)
def test_broken_is_an_error_and_never_empty(tmp_path: Path, text: str) -> None:
    path = tmp_path / "checksums.lock"
    path.write_text(text)
    with pytest.raises(InputError, match=r"checksums\.lock.*broken.*delete it"):
        read(path)
    with pytest.raises(InputError):
        record(path, URL, Entry(A, 10))
    assert path.read_text() == text
