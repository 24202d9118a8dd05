from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from file_server import Answer, FileServer

from tf2torch.errors import InputError, MachineError
from tf2torch.recipe import Recipe, Weights
from tf2torch.zoo import lock
from tf2torch.zoo.download import Transfer
from tf2torch.zoo.fetch import fetch, locate, provenance

QUICK = Transfer(attempts=2, backoff=0.001, read_timeout=1.0)
Members = dict[str, bytes]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def recipe(server: FileServer) -> Recipe:
    return Recipe("mine", "net", 10, 32, "inception", "logits", weights=Weights(server.url, "net.ckpt"))


def listing(folder: Path) -> set[str]:
    """Every file below `folder`, without the lock file."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"checksums.lock"}


def with_weights(recipe: Recipe, **changes: object) -> Recipe:
    assert recipe.weights
    return replace(recipe, weights=replace(recipe.weights, **changes))  # type: ignore[arg-type]


# ---- what lies there already

SHARDS = ["mine.ckpt.data-00000-of-00002", "mine.ckpt.data-00001-of-00002"]
FOLDERS = {
    "nothing": ([], False),
    "version 1": (["mine.ckpt"], True),
    "version 2": (["mine.ckpt.index", *SHARDS], True),
    "version 2 without meta": (["mine.ckpt.index", "mine.ckpt.data-00000-of-00001"], True),
    "a rest of another count": (["mine.ckpt.index", *SHARDS, "mine.ckpt.data-00001-of-00003"], True),
    "a shard is missing": (["mine.ckpt.index", SHARDS[1]], False),
    "no shard": (["mine.ckpt.index"], False),
    "an impossible count": (["mine.ckpt.index", "mine.ckpt.data-00000-of-00000"], False),
    "no index": (SHARDS, False),
    "only meta": (["mine.ckpt.meta"], False),
    "another model": (["mine.ckpt2.index", "other.ckpt"], False),
}


@pytest.mark.parametrize(("names", "whole"), FOLDERS.values(), ids=FOLDERS)
def test_locate(models: Path, names: list[str], whole: bool) -> None:
    models.mkdir()
    for name in names:
        (models / name).write_bytes(b"x")
    assert locate(models, "mine") == (models / "mine.ckpt" if whole else None)


def test_locate_without_a_folder(models: Path) -> None:
    assert locate(models, "mine") is None


def test_a_checkpoint_that_is_there_is_taken_as_it_is(server: FileServer, recipe: Recipe, models: Path) -> None:
    models.mkdir()
    (models / "mine.ckpt").write_bytes(b"my own")
    assert fetch(recipe, models) == models / "mine.ckpt"
    assert fetch(replace(recipe, weights=None), models, offline=True) == models / "mine.ckpt"
    assert server.seen == []
    assert listing(models) == {"mine.ckpt"}


def test_half_a_checkpoint_of_the_users_is_not_overwritten(server: FileServer, recipe: Recipe, models: Path) -> None:
    models.mkdir()
    (models / "mine.ckpt.index").write_bytes(b"my own")
    with pytest.raises(InputError, match=r"mine\.ckpt\.index is there, but not all of its mine\.ckpt\.data-\* files"):
        fetch(recipe, models)
    assert server.seen == []


# ---- the good road

ARCHIVES: dict[str, tuple[Members, set[str]]] = {
    "one file": ({"net.ckpt": b"values"}, {"mine.ckpt"}),
    "in a folder": ({"./nets/net.ckpt": b"values", "./nets/net.ckpt.meta": b"m"}, {"mine.ckpt", "mine.ckpt.meta"}),
    "version 2, and more": (
        {
            "net.ckpt.index": b"i",
            "net.ckpt.data-00000-of-00001": b"d",
            "net.ckpt.meta": b"m",
            "net.ckpt.toml": b"a recipe?",
            "net.ckpt.data-0-of-1": b"?",
            "net.ckpt2": b"?",
            "eval.graph": b"?",
        },
        {"mine.ckpt.index", "mine.ckpt.data-00000-of-00001", "mine.ckpt.meta"},
    ),
}


@pytest.mark.parametrize(("members", "expected"), ARCHIVES.values(), ids=ARCHIVES)
def test_fetch(
    server: FileServer,
    recipe: Recipe,
    models: Path,
    tar_gz: Callable[[Members], bytes],
    members: Members,
    expected: set[str],
) -> None:
    server.content = tar_gz(members)
    prefix = fetch(recipe, models)
    assert prefix == models / "mine.ckpt" == locate(models, "mine")
    assert listing(models) == expected
    assert {path.read_bytes() for path in models.glob("mine.*")} <= set(members.values())
    digest = hashlib.sha256(server.content).hexdigest()
    recorded = lock.read(models / "checksums.lock")[server.url]
    assert (recorded.sha256, recorded.size, recorded.files.keys()) == (digest, len(server.content), expected)
    fetch(recipe, models)
    assert len(server.seen) == 1
    source = provenance(recipe, models)
    assert (source["url"], source["archive_sha256"]) == (server.url, digest)
    assert source["files"].keys() == expected - {"mine.ckpt.meta"}


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "md5"])
@pytest.mark.parametrize("spelling", [str.lower, str.upper])
def test_fetch_with_a_checksum(
    server: FileServer, recipe: Recipe, models: Path, algorithm: str, spelling: Callable[[str], str]
) -> None:
    digest = spelling(hashlib.new(algorithm, server.content).hexdigest())
    fetch(with_weights(recipe, size=len(server.content), **{algorithm: digest}), models)
    assert listing(models) == {"mine.ckpt"}


def test_the_users_own_checkpoint_has_no_archive(recipe: Recipe, models: Path) -> None:
    assert provenance(recipe, models) == {"url": None, "archive_sha256": None, "files": {}}
    fetch(recipe, models)
    (models / "mine.ckpt").write_bytes(b"my own")
    digest = hashlib.sha256(b"my own").hexdigest()
    expected = {"url": None, "archive_sha256": None, "files": {"mine.ckpt": digest}}
    assert provenance(recipe, models) == expected
    assert provenance(replace(recipe, weights=None), models) == expected


def test_two_runs_at_once_download_once(
    server: FileServer, recipe: Recipe, models: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server.answers = [Answer(stall=1000)]
    first, second = (threading.Thread(target=fetch, args=(recipe, models)) for _ in range(2))
    first.start()
    wait_for(lambda: server.seen)
    second.start()
    wait_for(lambda: "Another run is downloading" in capfd.readouterr().err)
    server.go_on.set()
    first.join()
    second.join()
    assert len(server.seen) == 1
    assert listing(models) == {"mine.ckpt"}


def test_a_file_system_without_locks(recipe: Recipe, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr("fcntl.flock", unsupported)
    fetch(recipe, models)
    assert listing(models) == {"mine.ckpt"}


# ---- the bad roads: what is said, and what is left


def test_no_weights_were_published(recipe: Recipe, models: Path) -> None:
    with pytest.raises(InputError, match=r"Nobody published.*models/mine\.ckpt.*WEIGHTS=random"):
        fetch(replace(recipe, weights=None), models)


def test_offline(server: FileServer, recipe: Recipe, models: Path) -> None:
    with pytest.raises(InputError, match=r"OFFLINE=1") as caught:
        fetch(recipe, models, offline=True)
    assert server.seen == []
    assert not models.exists()
    for hint in (server.url, "net.ckpt from the archive", f"at {models}/mine.ckpt", "make demo"):
        assert hint in str(caught.value)


@pytest.mark.parametrize(("status", "words"), [(404, "404 Not Found"), (503, "503 Service Unavailable")])
def test_the_server_refuses(server: FileServer, recipe: Recipe, models: Path, status: int, words: str) -> None:
    server.answers = [Answer(status=status)] * 2
    with pytest.raises(InputError, match=f"Cannot download {server.url}: the server answers {words}") as caught:
        fetch(recipe, models, transfer=QUICK)
    assert f"at {models}/mine.ckpt" in str(caught.value)
    assert "make demo" in str(caught.value)
    assert listing(models) == set()


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "md5"])
def test_not_what_the_recipe_says(server: FileServer, recipe: Recipe, models: Path, algorithm: str) -> None:
    with pytest.raises(
        InputError, match=rf"models/mine\.toml describes: its {algorithm} is .*, expected was 00"
    ) as caught:
        fetch(with_weights(recipe, **{algorithm: "00"}), models)
    assert hashlib.new(algorithm, server.content).hexdigest() in str(caught.value)
    assert "correct the figures in" in str(caught.value)
    assert listing(models) == set()
    assert lock.read(models / "checksums.lock") == {}


def test_not_the_size_that_the_recipe_says(recipe: Recipe, models: Path) -> None:
    with pytest.raises(InputError, match=r"models/mine\.toml describes: its size is \d+, expected was 5\."):
        fetch(with_weights(recipe, size=5), models)
    assert listing(models) == set()


@pytest.mark.parametrize("size", [299_999, 300_000], ids=["other size", "same size"])
def test_a_file_that_changed_upstream(
    server: FileServer,
    recipe: Recipe,
    models: Path,
    noise: Callable[[int], bytes],
    tar_gz: Callable[[Members], bytes],
    size: int,
) -> None:
    fetch(recipe, models)
    (models / "mine.ckpt").unlink()
    server.content, server.etag = tar_gz({"net.ckpt": noise(size)[::-1]}), '"two"'
    with pytest.raises(InputError, match=r"checksums\.lock describes.*delete its entry in .*checksums\.lock first"):
        fetch(recipe, models)
    assert listing(models) == set()
    (models / "checksums.lock").unlink()
    fetch(recipe, models)
    assert (models / "mine.ckpt").read_bytes() == noise(size)[::-1]


def test_the_recipes_checksum_outranks_the_lock_file(server: FileServer, recipe: Recipe, models: Path) -> None:
    lock.record(models / "checksums.lock", server.url, lock.Entry("0" * 64, 1))
    digest = hashlib.sha256(server.content).hexdigest()
    fetch(with_weights(recipe, sha256=digest), models)
    assert lock.read(models / "checksums.lock")[server.url].sha256 == digest


BAD_ARCHIVES: dict[str, tuple[Members | bytes, str]] = {
    "a page": (b"<!doctype html>", "is damaged, or is no tar"),
    "nothing wanted": ({"readme": b"x"}, r"holds no whole checkpoint net\.ckpt"),
    "no shards": ({"net.ckpt.index": b"x"}, "holds no whole checkpoint"),
    "hostile": ({"net.ckpt": b"x", "../../escaped": b"x"}, "is refused"),
}


@pytest.mark.parametrize(("content", "words"), BAD_ARCHIVES.values(), ids=BAD_ARCHIVES)
def test_a_bad_archive_leaves_nothing(
    server: FileServer,
    recipe: Recipe,
    models: Path,
    tar_gz: Callable[[Members], bytes],
    content: Members | bytes,
    words: str,
) -> None:
    server.content = content if isinstance(content, bytes) else tar_gz(content)
    with pytest.raises(InputError, match=words):
        fetch(recipe, models)
    assert listing(models.parent) == set()
    assert [path.name for path in models.iterdir()] == [".downloads"]
    assert lock.read(models / "checksums.lock") == {}


@pytest.mark.parametrize("url", ["https://example.org/", "https://example.org/a%2f..", "https://example.org"])
def test_a_url_without_a_file_name(recipe: Recipe, models: Path, url: str) -> None:
    with pytest.raises(InputError, match="names no archive"):
        fetch(with_weights(recipe, url=url), models)


def test_a_disk_that_fills_up_while_unpacking(
    server: FileServer, recipe: Recipe, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "net.ckpt")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", full)
        with pytest.raises(MachineError, match="No space left"):
            fetch(recipe, models)
    assert listing(models) == {".downloads/net_2016.tar.gz.part", ".downloads/net_2016.tar.gz.part.json"}
    fetch(recipe, models)
    assert len(server.seen) == 1


# ---- interrupted

KEPT = {".downloads/net_2016.tar.gz.part", ".downloads/net_2016.tar.gz.part.json"}
VERSION_2 = {"net.ckpt.index": b"i", "net.ckpt.data-00000-of-00001": b"d", "net.ckpt.meta": b"m"}


@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize("after", [False, True])
def test_interrupted_while_moving_into_place(
    server: FileServer,
    recipe: Recipe,
    models: Path,
    tar_gz: Callable[[Members], bytes],
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    after: bool,
) -> None:
    """A kill at any step leaves no whole checkpoint; an interrupt cleans up besides."""
    server.content = tar_gz(VERSION_2)
    steps: list[Path] = []
    move = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        if not target.name.startswith("mine.ckpt"):  # the record of the download
            return move(self, target)
        assert locate(models, "mine") is None
        steps.append(target)
        last = len(steps) == step + 1
        if last and not after:
            raise KeyboardInterrupt
        result = move(self, target)
        if last:
            raise KeyboardInterrupt
        return result

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch(recipe, models)
    assert listing(models) == KEPT
    fetch(recipe, models)
    assert locate(models, "mine")
    assert len(server.seen) == 1


def test_what_a_killed_run_left_is_cleared(recipe: Recipe, models: Path) -> None:
    left = models / ".downloads" / "net_2016.tar.gz.unpacked"
    left.mkdir(parents=True)
    (left / "mine.ckpt").write_bytes(b"half")
    fetch(recipe, models)
    assert listing(models) == {"mine.ckpt"}
    assert not left.exists()


CHILD = """
import sys
from pathlib import Path
from tf2torch.recipe import Recipe, Weights
from tf2torch.zoo.fetch import fetch
assert not {"tensorflow", "torch"} & sys.modules.keys()
weights = Weights(sys.argv[1], "net.ckpt")
try:
    fetch(Recipe("mine", "net", 10, 32, "inception", "logits", weights=weights), Path(sys.argv[2]))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize(("kill", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_killed_child_is_resumed(
    server: FileServer, recipe: Recipe, models: Path, kill: signal.Signals, status: int, noise: Callable[[int], bytes]
) -> None:
    server.answers = [Answer(stall=200_000)]
    part = models / ".downloads" / "net_2016.tar.gz.part"
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", CHILD, server.url, str(models)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
    )
    wait_for(lambda: part.exists() and part.stat().st_size > 0)
    child.send_signal(kill)
    _, errors = child.communicate()
    assert (child.returncode, errors) == (status, b"")
    assert listing(models) == KEPT
    kept = part.stat().st_size
    server.go_on.set()
    fetch(recipe, models)
    assert server.seen[1]["Range"] == f"bytes={kept}-"
    assert (models / "mine.ckpt").read_bytes() == noise(300_000)
    assert listing(models) == {"mine.ckpt"}


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this never happened"
        time.sleep(0.01)
