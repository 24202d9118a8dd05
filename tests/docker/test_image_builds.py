"""The two images: what is in them, when they are built again, and what `make clean` leaves of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from checkout import Checkout
from docker.errors import ImageNotFound

import docker

PACKAGES = {"tensorflow": ("tensorflow", "torch"), "pytorch": ("torch", "tensorflow")}  # there, and absent
InImage = Callable[..., str]
Copy = Callable[[], AbstractContextManager[Checkout]]


@pytest.mark.parametrize("side", PACKAGES)
def test_an_image_says_what_it_is(engine: docker.DockerClient, built: Checkout, in_image: InImage, side: str) -> None:
    labels = engine.images.get(built.image(side)).labels
    assert labels["org.opencontainers.image.title"] == "tf2torch"
    assert {"org.opencontainers.image.description", "org.opencontainers.image.revision"} <= labels.keys()
    assert len(labels["tf2torch.inputs"]) == 16
    record: dict[str, Any] = json.loads(in_image(side, "print(open('/etc/tf2torch/image.json').read())"))
    there, absent = PACKAGES[side]
    assert record["image"] == side
    requirements = (built.folder / f"docker/{record['image']}.requirements.txt").read_text()
    assert f"{there}=={record['packages'][there].split('+')[0]}\n" in requirements
    assert absent not in record["packages"]


@pytest.mark.parametrize("side", PACKAGES)
def test_an_image_has_one_framework(in_image: InImage, side: str) -> None:
    find = "import importlib.util as u; print([n for n in ('tensorflow', 'torch', 'mmdnn') if u.find_spec(n)])"
    assert in_image(side, find).strip() == str([PACKAGES[side][0], "mmdnn"])


COMPARE = """
import base64, hashlib, json
from importlib import metadata
from pathlib import Path
mmdnn = metadata.distribution("mmdnn")
recorded = {str(file): file.hash.value for file in mmdnn.files if file.hash and file.parts[0] == "mmdnn"}
root = Path(mmdnn.locate_file("."))
found = {
    str(path.relative_to(root)): base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()[:-1]
    for path in (root / "mmdnn").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}
print(json.dumps([mmdnn.version, recorded == found, found]))
"""


def test_mmdnn_is_as_its_wheel_has_it(in_image: InImage) -> None:
    (version, unmodified, files), other = (json.loads(in_image(side, COMPARE)) for side in PACKAGES)
    assert (version, unmodified) == ("0.3.1", True)
    assert other == [version, unmodified, files]
    assert len(files) > 100


@pytest.fixture(scope="module")
def fresh(copy: Copy) -> Iterator[Checkout]:
    with copy() as checkout:
        yield checkout


def test_an_image_is_built_only_if_something_in_it_has_changed(fresh: Checkout) -> None:
    building = [f"Building the image {name}" for name in names_of_images(fresh)]
    done = fresh.make("images")
    assert all(words in done for words in building)
    fresh.write("README.md", "not part of any image\n")
    (fresh.folder / "src/tf2torch/say.py").touch()
    assert not fresh.make("images").text
    source = (fresh.folder / "src/tf2torch/say.py").read_text()
    fresh.write("src/tf2torch/say.py", source + "# changed\n")
    done = fresh.make("images")
    assert all(words in done for words in building)
    assert not fresh.make("images").text
    path = next((fresh.folder / "src/tf2torch/report/templates").iterdir())
    fresh.write(path.relative_to(fresh.folder).as_posix(), path.read_text() + "\n")
    done = fresh.make("images")
    assert all(words in done for words in building)


def test_clean_keeps_results_and_images_until_told_otherwise(
    fresh: Checkout, built: Checkout, engine: docker.DockerClient
) -> None:
    fresh.make("plan")  # which makes the volume
    volume = f"{fresh.project}_work"
    assert engine.volumes.get(volume)
    result = fresh.write("output/net/converted.py", "x")
    weights = fresh.write("models/net.ckpt", "x")
    fresh.make("clean")
    assert volume not in [found.name for found in engine.volumes.list()]
    assert result.exists()
    assert all(engine.images.get(name) for name in names_of_images(fresh))
    fresh.make("clean", "ALL=1")
    assert [path.name for path in (fresh.folder / "output").iterdir()] == [".gitkeep"]
    assert weights.exists()
    for name in names_of_images(fresh):
        with pytest.raises(ImageNotFound):
            engine.images.get(name)
    assert all(engine.images.get(name) for name in names_of_images(built))  # those of others stay


def names_of_images(checkout: Checkout) -> list[str]:
    return [checkout.image(side) for side in PACKAGES]
