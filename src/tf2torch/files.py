"""Files that are either whole or absent: written under a temporary name, then renamed."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tf2torch.errors import MachineError

PARTIAL = ".partial"
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def machine_errors(path: Path) -> Iterator[None]:
    """Turns the operating system's refusals to write at `path` into a MachineError that says what to do."""
    try:
        yield
    except OSError as error:
        where = error.filename2 or error.filename or path  # of a copy, the second is what was written
        if error.errno in _NO_SPACE:
            raise MachineError(
                f"No space left to write {where}. Free some, then run the same command again."
            ) from error
        if error.errno in _NOT_WRITABLE:
            raise MachineError(
                f"Cannot write {where} as user {os.getuid()}: {os.strerror(error.errno)}. "
                "Make the folder writable for that user, or run `make env` so that the containers run as you."
            ) from error
        raise


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; renames it to `path` if the block succeeds, deletes it if not."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{PARTIAL}")
    with machine_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def alone(folder: Path, activity: str) -> Iterator[None]:
    """One run at a time per folder, or two would write the same files. The lock ends with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another run is {activity} in {folder}; waiting for it.", file=sys.stderr, flush=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:
            pass  # some network file systems have no locks
        yield
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any) -> None:
    write_text(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """The content of a JSON file of ours; None where it is missing or broken, which both mean "not done yet"."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None


def copy(source: Path, target: Path) -> None:
    with atomic(target) as temporary:
        shutil.copyfile(source, temporary)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
