from __future__ import annotations

import errno
import os
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tf2torch import files
from tf2torch.errors import MachineError

HOLD = """
import sys, time
from pathlib import Path
from tf2torch import files
with files.alone(Path(sys.argv[1]), "converting"):
    print("held", flush=True)
    time.sleep(60)
"""
ENTER = """
import sys
from pathlib import Path
from tf2torch import files
with files.alone(Path(sys.argv[1]), "converting"):
    print("entered", flush=True)
"""
Start = Callable[..., AbstractContextManager[subprocess.Popen[str]]]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "product"
    path.write_text("old")
    return path


def write_half(path: Path, error: BaseException) -> None:
    with files.atomic(path) as temporary:
        temporary.write_text("half")
        raise error


def test_success_replaces_the_file(target: Path) -> None:
    with files.atomic(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
        assert temporary.parent == target.parent
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt, MemoryError, SystemExit])
def test_a_stop_in_the_middle_leaves_the_old_file(target: Path, stop: type[BaseException]) -> None:
    with pytest.raises(stop):
        write_half(target, stop())
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_folders_are_made(tmp_path: Path) -> None:
    files.write_text(tmp_path / "a" / "b" / "text", "ä")
    assert (tmp_path / "a" / "b" / "text").read_bytes() == "ä".encode()


def test_two_writers_do_not_share_a_temporary(target: Path) -> None:
    with files.atomic(target) as one, files.atomic(target) as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert target.read_text() == "one"


def test_copy(target: Path, tmp_path: Path) -> None:
    files.copy(target, tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "old"


MAPPED = {
    errno.ENOSPC: "No space left to write .*here",
    errno.EDQUOT: "No space left to write .*here",
    errno.EACCES: "Cannot write .*here as user .*Permission denied.*make env",
    errno.EPERM: "Cannot write .*here as user",
    errno.EROFS: "Cannot write .*here as user .*Read-only",
}


@pytest.mark.parametrize("number", MAPPED, ids=errno.errorcode.get)
@pytest.mark.parametrize("filename", [None, "somewhere/here"])
def test_what_the_machine_refuses_is_its_error(number: int, filename: str | None) -> None:
    with pytest.raises(MachineError, match=MAPPED[number]) as caught, files.machine_errors(Path("here")):
        raise OSError(number, os.strerror(number), filename)
    assert caught.value.exit_code == 6
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize(
    "error", [FileNotFoundError(errno.ENOENT, "gone"), OSError(errno.EIO, "disk"), ValueError("ours")]
)
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, files.machine_errors(Path("here")):
        raise error
    assert caught.value is error


def test_a_full_disk_is_said_and_leaves_nothing(target: Path) -> None:
    with pytest.raises(MachineError, match=str(target)):
        write_half(target, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe{}", b'{"a": 1} more'])
def test_missing_and_broken_json_is_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "file.json"
    if content is not None:
        path.write_bytes(content)
    assert files.read_json(path) is None


def test_json_round_trip(tmp_path: Path) -> None:
    data = {"name": "Zürich", "list": [1, 2.5, None, True]}
    files.write_json(tmp_path / "file.json", data)
    assert files.read_json(tmp_path / "file.json") == data
    assert (tmp_path / "file.json").read_text(encoding="utf-8").endswith("}\n")
    assert "Zürich" in (tmp_path / "file.json").read_text(encoding="utf-8")


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert files.sha256(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_second_run_waits_for_the_first(start_python: Start, tmp_path: Path) -> None:
    with start_python(HOLD, tmp_path, cwd=tmp_path) as first:
        assert first.stdout.readline() == "held\n"
        with start_python(ENTER, tmp_path, cwd=tmp_path) as second:
            assert "Another run is converting" in second.stderr.readline()
            time.sleep(0.2)
            assert second.poll() is None
            first.kill()
            assert second.stdout.readline() == "entered\n"
            assert second.wait(10) == 0


def test_the_lock_of_a_killed_process_is_gone(start_python: Start, tmp_path: Path) -> None:
    with start_python(HOLD, tmp_path, cwd=tmp_path) as killed:
        assert killed.stdout.readline() == "held\n"
        killed.kill()
        killed.wait(10)
    with start_python(ENTER, tmp_path, cwd=tmp_path) as second:
        out, err = second.communicate(timeout=10)
    assert (out, err) == ("entered\n", "")


def test_the_lock_ends_with_the_block_and_leaves_no_file(start_python: Start, tmp_path: Path) -> None:
    folder = tmp_path / "work" / "net"
    with pytest.raises(KeyError), files.alone(folder, "converting"):
        raise KeyError
    with start_python(ENTER, folder, cwd=tmp_path) as second:
        assert second.communicate(timeout=10) == ("entered\n", "")
    assert list(folder.iterdir()) == []


def test_a_file_system_without_locks_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("fcntl.flock", refuse)
    with files.alone(tmp_path, "converting"):
        pass
