"""The two images: what is in them, when they are built again, and what `make clean` leaves of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from checkout import TEST_IMAGES, Checkout
from docker.errors import ImageNotFound

import docker

PACKAGES = {"TENSORFLOW_IMAGE": ("tensorflow", "torch"), "PYTORCH_IMAGE": ("torch", "tensorflow")}
InImage = Callable[..., str]
Copy = Callable[..., AbstractContextManager[Checkout]]


@pytest.mark.parametrize("image", PACKAGES)
def test_an_image_says_what_it_is(engine: docker.DockerClient, built: Checkout, in_image: InImage, image: str) -> None:
    labels = engine.images.get(TEST_IMAGES[image]).labels
    assert labels["org.opencontainers.image.title"] == "tf2torch"
    assert {"org.opencontainers.image.description", "org.opencontainers.image.revision"} <= labels.keys()
    assert len(labels["tf2torch.inputs"]) == 16
    record: dict[str, Any] = json.loads(in_image(image, "print(open('/etc/tf2torch/image.json').read())"))
    there, absent = PACKAGES[image]
    assert record["image"] == image.removesuffix("_IMAGE").lower()
    requirements = (built.folder / f"docker/{record['image']}.requirements.txt").read_text()
    assert f"{there}=={record['packages'][there].split('+')[0]}\n" in requirements
    assert absent not in record["packages"]


@pytest.mark.parametrize("image", PACKAGES)
def test_an_image_has_one_framework(in_image: InImage, image: str) -> None:
    find = "import importlib.util as u; print([n for n in ('tensorflow', 'torch', 'mmdnn') if u.find_spec(n)])"
    assert in_image(image, find).strip() == str([PACKAGES[image][0], "mmdnn"])


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
    (version, unmodified, files), other = (json.loads(in_image(image, COMPARE)) for image in TEST_IMAGES)
    assert (version, unmodified) == ("0.3.1", True)
    assert other == [version, unmodified, files]
    assert len(files) > 100


@pytest.fixture(scope="module")
def own_images(copy: Copy, engine: docker.DockerClient) -> Iterator[Checkout]:
    """A copy with images under the names that it chooses itself, as a user has them."""
    with copy(TENSORFLOW_IMAGE="", PYTORCH_IMAGE="") as checkout:
        yield checkout
        for name in image_names(checkout):
            if engine.images.list(name):
                engine.images.remove(name)


def test_an_image_is_built_only_if_something_in_it_has_changed(own_images: Checkout) -> None:
    building = [f"Building the image {name}" for name in image_names(own_images)]
    done = own_images.make("images")
    assert all(words in done for words in building)
    own_images.write("README.md", "not part of any image\n")
    (own_images.folder / "src/tf2torch/say.py").touch()
    assert not own_images.make("images").text
    source = (own_images.folder / "src/tf2torch/say.py").read_text()
    own_images.write("src/tf2torch/say.py", source + "# changed\n")
    done = own_images.make("images")
    assert all(words in done for words in building)
    assert not own_images.make("images").text


def test_clean_keeps_results_and_images_until_told_otherwise(own_images: Checkout, engine: docker.DockerClient) -> None:
    own_images.make("plan")  # which makes the volume
    volume = f"{own_images.project}_work"
    assert engine.volumes.get(volume)
    names = image_names(own_images)
    result = own_images.write("output/net/converted.py", "x")
    weights = own_images.write("models/net.ckpt", "x")
    own_images.make("clean")
    assert volume not in [found.name for found in engine.volumes.list()]
    assert result.exists()
    assert all(engine.images.get(name) for name in names)
    own_images.make("clean", "ALL=1")
    assert [path.name for path in (own_images.folder / "output").iterdir()] == [".gitkeep"]
    assert weights.exists()
    for name in names:
        with pytest.raises(ImageNotFound):
            engine.images.get(name)
    assert all(engine.images.get(name) for name in TEST_IMAGES.values())  # those of others stay


def image_names(checkout: Checkout) -> list[str]:
    checkout.make("env")
    return [f"{checkout.project}-tensorflow:cpu", f"{checkout.project}-pytorch:cpu"]
