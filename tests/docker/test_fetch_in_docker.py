"""Downloads: in the one stage that has a network, with words for whoever has none."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
from collections.abc import Callable

import pytest
from checkout import SMALL_MODEL, Checkout, WebRoot

WEIGHTS = random.Random(0).randbytes(300_000)


@pytest.fixture
def recipe(converted: Checkout, web_root: WebRoot) -> Callable[[str, bytes], str]:
    """Publishes an archive, and writes the recipe of a model whose weights it is; gives its URL."""

    def publish(name: str, archive: bytes) -> str:
        (web_root.folder / f"{name}.tar.gz").write_bytes(archive)
        url = f"{web_root.url}/{name}.tar.gz"
        text, _ = (converted.folder / f"models/{SMALL_MODEL}.toml").read_text().split("[weights]")
        digest = hashlib.sha256(packed()).hexdigest()
        weights = f'[weights]\nurl = "{url}"\nfile = "net.ckpt"\nsha256 = "{digest}"\n'
        converted.write(f"models/{name}.toml", text + weights)
        return url

    return publish


def packed() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("net.ckpt")
        member.size = len(WEIGHTS)
        archive.addfile(member, io.BytesIO(WEIGHTS))
    return buffer.getvalue()


def test_fetch_downloads_checks_and_unpacks(converted: Checkout, recipe: Callable[[str, bytes], str]) -> None:
    recipe("fetched", packed())
    done = converted.make("fetch", "MODEL=fetched", "WEIGHTS=pretrained")
    assert "Fetching fetched: models/fetched.ckpt is there" in done
    checkpoint = converted.folder / "models/fetched.ckpt"
    assert checkpoint.read_bytes() == WEIGHTS
    assert checkpoint.stat().st_uid == converted.uid


def test_a_cut_archive_is_refused(converted: Checkout, recipe: Callable[[str, bytes], str]) -> None:
    url = recipe("cut", packed()[:200_000])
    done = converted.make("fetch", "MODEL=cut", "WEIGHTS=pretrained", status=3)
    assert f"{url} is not the file that models/cut.toml describes" in done
    assert not list((converted.folder / "models").glob("cut.ckpt*"))
    assert converted.record("status.json", "cut")["exit_code"] == 3


def test_without_a_network_it_says_which_file_to_put_where(
    converted: Checkout, recipe: Callable[[str, bytes], str]
) -> None:
    url = recipe("offline", packed())
    converted.write("offline.yaml", json.dumps({"services": {"fetch": {"network_mode": "none"}}}))
    said = ("MODEL=offline", "WEIGHTS=pretrained")
    done = converted.make("convert", *said, status=3, COMPOSE_FILE="compose.yaml:offline.yaml")
    assert f"You can put net.ckpt from the archive {url} at models/offline.ckpt yourself" in done
    assert "Exporting" not in done
