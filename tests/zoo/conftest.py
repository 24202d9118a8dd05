from __future__ import annotations

import io
import os
import random
import tarfile
from collections.abc import Callable, Iterator

import pytest
from file_server import FileServer

Members = dict[str, bytes]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def noise() -> Callable[[int], bytes]:
    """Seeded bytes that no compressor makes smaller, as trained weights are."""
    return lambda size: random.Random(size).randbytes(size)


@pytest.fixture(scope="session")
def tar_gz() -> Callable[[Members], bytes]:
    def make(members: Members) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return buffer.getvalue()

    return make


@pytest.fixture
def server(noise: Callable[[int], bytes], tar_gz: Callable[[Members], bytes]) -> Iterator[FileServer]:
    """Serves an archive with the checkpoint net.ckpt of 300,000 bytes."""
    server = FileServer(tar_gz({"net.ckpt": noise(300_000)}))
    yield server
    server.close()
