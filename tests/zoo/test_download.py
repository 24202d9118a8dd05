from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from file_server import Answer, FileServer

from tf2torch.errors import MachineError
from tf2torch.zoo.download import DownloadError, Transfer, WrongSizeError, discard, download

QUICK = Transfer(attempts=3, backoff=0.001, read_timeout=0.3)
HALF = 150_000

# What goes wrong, request by request, and the number of the requests that ask for a range.
RECOVERIES = {
    "all is well": ([Answer()], 0),
    "the connection drops half-way": ([Answer(cut=HALF)], 1),
    "it drops in every part of the file": ([Answer(cut=100_000), Answer(cut=100_000), Answer(cut=70_000)], 3),
    "the server ignores Range": ([Answer(cut=HALF), Answer(ranges=False)], 1),
    "the range starts elsewhere": ([Answer(cut=HALF), Answer(shift=10)], 1),
    "the range is refused": ([Answer(cut=HALF), Answer(shift=10**6)], 1),
    "busy twice": ([Answer(status=503), Answer(status=503)], 0),
    "busy in the middle": ([Answer(cut=HALF), Answer(status=502)], 2),
    "silence": ([Answer(stall=HALF)], 1),
    "no length": ([Answer(chunked=True)], 0),
    "no length, and cut": ([Answer(chunked=True, cut=HALF)], 1),
    "fewer bytes than announced": ([Answer(length=10**6)], 1),
}


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "net.tar.gz.part"


@pytest.mark.parametrize(("answers", "ranges"), RECOVERIES.values(), ids=RECOVERIES)
def test_recovers(server: FileServer, part: Path, answers: list[Answer], ranges: int) -> None:
    server.answers = list(answers)
    patient = Transfer(attempts=4, backoff=0.001, read_timeout=0.3)
    download(server.url, part, transfer=patient)
    assert part.read_bytes() == server.content
    assert sum("Range" in headers for headers in server.seen) == ranges


@pytest.mark.parametrize("etag", ['"one"', 'W/"weak"', None])
@pytest.mark.parametrize("modified", ["Sun, 28 Aug 2016 10:00:00 GMT", None])
def test_continues_where_an_earlier_run_stopped(
    server: FileServer, part: Path, etag: str | None, modified: str | None
) -> None:
    server.etag, server.modified = etag, modified
    server.answers = [Answer(cut=HALF)]
    with pytest.raises(DownloadError, match="connection"):
        download(server.url, part, transfer=Transfer(attempts=1))
    kept = part.stat().st_size
    assert 0 < kept <= HALF
    download(server.url, part, transfer=QUICK)
    assert part.read_bytes() == server.content
    assert server.seen[1]["Range"] == f"bytes={kept}-"
    assert server.seen[1].get("If-Range") == ('"one"' if etag == '"one"' else modified)


@pytest.mark.parametrize("answer", [Answer(), Answer(if_range=False)], ids=["honours If-Range", "ignores If-Range"])
@pytest.mark.parametrize("grown", [0, 1000])
def test_never_glues_two_versions(
    server: FileServer, part: Path, noise: Callable[[int], bytes], answer: Answer, grown: int
) -> None:
    server.answers = [Answer(cut=HALF), answer]
    with pytest.raises(DownloadError):
        download(server.url, part, transfer=Transfer(attempts=1))
    server.etag, server.content = '"two"', noise(len(server.content) + grown)
    download(server.url, part, transfer=QUICK)
    assert part.read_bytes() == server.content


def test_starts_anew_where_nothing_identifies_the_file(server: FileServer, part: Path) -> None:
    server.etag = None
    server.answers = [Answer(cut=HALF, chunked=True)]
    download(server.url, part, transfer=QUICK)
    assert "Range" not in server.seen[1]
    assert part.read_bytes() == server.content


def test_half_a_file_of_another_url_is_not_continued(server: FileServer, part: Path) -> None:
    server.answers = [Answer(cut=HALF)]
    with pytest.raises(DownloadError):
        download(server.url, part, transfer=Transfer(attempts=1))
    download(f"{server.root}/other/net.tar.gz", part, transfer=QUICK)
    assert "Range" not in server.seen[1]
    assert part.read_bytes() == server.content


def test_a_complete_file_needs_no_request(server: FileServer, part: Path) -> None:
    download(server.url, part)
    download(server.url, part)
    assert len(server.seen) == 1


def test_a_complete_file_of_another_size_is_not_taken(server: FileServer, part: Path) -> None:
    download(server.url, part)
    with pytest.raises(WrongSizeError):
        download(server.url, part, size=10, transfer=QUICK)


def test_an_unreadable_record_means_starting_anew(server: FileServer, part: Path) -> None:
    part.write_bytes(b"half of something")
    part.with_name(f"{part.name}.json").write_text("[]")
    download(server.url, part)
    assert part.read_bytes() == server.content


def test_asks_for_the_stored_bytes(server: FileServer, part: Path) -> None:
    download(server.url, part)
    assert server.seen[0]["Accept-Encoding"] == "identity"


REFUSALS = {
    "not found": ([Answer(status=404)], 1, "404 Not Found"),
    "forbidden": ([Answer(status=403)], 1, "403 Forbidden"),
    "unknown status": ([Answer(status=599)], 1, "599"),
    "always busy": ([Answer(status=503)] * 9, 3, r"503 Service Unavailable \(tried 3 times\)"),
    "always cut": ([Answer(cut=0)] * 9, 3, r"connection .*\(tried 3 times\)"),
    "always silent": ([Answer(stall=0)] * 9, 3, "no answer in time"),
}


@pytest.mark.parametrize(("answers", "requests", "reason"), REFUSALS.values(), ids=REFUSALS)
def test_gives_up(server: FileServer, part: Path, answers: list[Answer], requests: int, reason: str) -> None:
    server.answers = list(answers)
    with pytest.raises(DownloadError, match=reason):
        download(server.url, part, transfer=QUICK)
    assert len(server.seen) == requests


def test_a_connection_that_gets_on_is_not_counted_as_failing(
    server: FileServer, part: Path, noise: Callable[[int], bytes]
) -> None:
    server.content = noise(5 << 20)
    server.answers = [Answer(cut=3 << 19)] * 3
    download(server.url, part, transfer=Transfer(attempts=2, backoff=0.001))
    assert part.read_bytes() == server.content


def test_says_that_it_tries_again(server: FileServer, part: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers = [Answer(status=503), Answer(status=500)]
    download(server.url, part, transfer=QUICK)
    errors = capsys.readouterr().err.splitlines()
    assert errors == [
        f"{server.url}: the server answers 503 Service Unavailable; trying again in 0.001 s",
        f"{server.url}: the server answers 500 Internal Server Error; trying again in 0.002 s",
    ]


def test_refused_connection(part: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(DownloadError, match="connection was refused"):
            download(f"http://127.0.0.1:{unused.getsockname()[1]}/net.tar.gz", part, transfer=QUICK)


def test_unknown_host(part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_host(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_host)
    with pytest.raises(DownloadError, match="the host was not found"):
        download("http://no.example/net.tar.gz", part, transfer=QUICK)


def test_goes_through_the_proxy(server: FileServer, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.root)
    download("http://no.example/net.tar.gz", part, transfer=QUICK)
    assert server.paths == ["http://no.example/net.tar.gz"]
    assert part.read_bytes() == server.content


def test_a_proxy_that_is_not_there(part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(DownloadError, match="the proxy"):
            download("http://no.example/net.tar.gz", part, transfer=QUICK)


def test_no_encryption_where_it_was_asked_for(server: FileServer, part: Path) -> None:
    with pytest.raises(DownloadError, match="no encrypted connection"):
        download(server.url.replace("http:", "https:"), part, transfer=QUICK)


def test_an_untrusted_certificate(part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def untrusted(*_: object, **__: object) -> None:
        raise requests.exceptions.SSLError from ssl.SSLCertVerificationError("self-signed certificate")

    monkeypatch.setattr(requests.Session, "get", untrusted)
    with pytest.raises(DownloadError, match=r"certificate is not trusted.*REQUESTS_CA_BUNDLE"):
        download("https://no.example/net.tar.gz", part, transfer=QUICK)


def test_is_not_sent_on_to_an_unencrypted_address(
    server: FileServer, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = requests.Session.get
    monkeypatch.setattr(requests.Session, "get", lambda self, _, **options: get(self, server.url, **options))
    with pytest.raises(DownloadError, match=r"sends on to http://.*, which is not encrypted"):
        download("https://no.example/net.tar.gz", part, transfer=QUICK)
    assert not part.exists()


def test_no_such_protocol(part: Path) -> None:
    with pytest.raises(DownloadError, match="adapter"):
        download("gopher://no.example/net.tar.gz", part, transfer=QUICK)


def test_a_wrong_size_is_seen_before_the_download(server: FileServer, part: Path) -> None:
    with pytest.raises(WrongSizeError) as caught:
        download(server.url, part, size=10)
    assert caught.value.found == len(server.content)
    assert not part.exists()


def test_an_endless_file_is_cut_off(server: FileServer, part: Path) -> None:
    server.answers = [Answer(chunked=True)] * 2
    with pytest.raises(DownloadError, match="more than 1000 bytes"):
        download(server.url, part, size=1000)
    discard(part)
    with pytest.raises(DownloadError, match="more than 2000 bytes"):
        download(server.url, part, transfer=Transfer(limit=2000))
    discard(part)
    with pytest.raises(DownloadError, match="more than the limit of 2000"):
        download(server.url, part, transfer=Transfer(limit=2000))


def test_a_full_disk_is_seen_before_the_download(
    server: FileServer, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = int(1.5 * len(server.content))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": free}))
    with pytest.raises(MachineError, match=r"has 0\.0 GB left"):
        download(server.url, part)
    assert not part.exists()


def test_discard(server: FileServer, part: Path) -> None:
    download(server.url, part)
    assert len(list(part.parent.iterdir())) == 2
    discard(part)
    assert list(part.parent.iterdir()) == []
