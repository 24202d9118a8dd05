"""The engine, and the copies of the repository that the tests convert in. All is removed at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NoReturn

import pytest
from checkout import REPOSITORY, SMALL_MODEL, Checkout, WebRoot, copied, wait_for_words
from docker.errors import DockerException
from docker.models.containers import Container
from docker.types import DeviceRequest

import docker

PROJECT = "com.docker.compose.project"  # images that compose has built have this label too, and so whatever runs them
OF_COMPOSE = "com.docker.compose.config-hash"  # a container that compose has made


def missing(what: str) -> NoReturn:
    """Skips the test; in CI, where nothing may be missing, fails it."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}, but CI has to run this test")
    pytest.skip(what)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.docker)


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The engine that the docker command talks to; asked for by that command, as the scripts do."""
    for words in (["info"], ["compose", "version"], ["buildx", "version"]):
        try:
            subprocess.run(["docker", *words], check=True, capture_output=True)
        except (FileNotFoundError, subprocess.CalledProcessError):
            missing(f"`docker {' '.join(words)}` does not answer")
    wanted = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    host = subprocess.run(wanted, check=True, capture_output=True, text=True).stdout.strip()
    client = docker.DockerClient(base_url=host)
    yield client
    client.close()


@pytest.fixture(scope="session")
def remove(engine: docker.DockerClient) -> Callable[[str], None]:
    """Removes the containers, volumes and images of a project. The builder keeps the layers for the next time."""

    def remove(project: str) -> None:
        for container in engine.containers.list(all=True, filters={"label": [f"{PROJECT}={project}", OF_COMPOSE]}):
            container.remove(force=True, v=True)
        for volume in engine.volumes.list(filters={"label": f"{PROJECT}={project}"}):
            volume.remove(force=True)
        for image in engine.images.list(filters={"reference": f"{project}-*"}):
            for name in image.tags:
                if name.startswith(f"{project}-"):
                    engine.images.remove(name)
        engine.images.prune(filters={"dangling": True, "label": f"{PROJECT}={project}"})

    return remove


@pytest.fixture(scope="session")
def copy(remove: Callable[[str], None]) -> Callable[[], AbstractContextManager[Checkout]]:
    """Makes a copy of the repository for which a small model with random weights is the default, and the engine mmdnn.

    How stages are run, stopped and recorded is the same for both; test_native_in_docker.py is about the other.
    """
    return lambda: copied(remove, GPU="0", WEIGHTS="random", MODEL=SMALL_MODEL, ENGINE="mmdnn", TIMING="0")


@pytest.fixture(scope="session")
def built(copy: Callable[[], AbstractContextManager[Checkout]]) -> Iterator[Checkout]:
    """The copy that most tests share, with both images. IMAGES is a folder with one photograph, to save time."""
    with copy() as checkout:
        photographs = REPOSITORY / "models" / "photographs"
        header, first, *_ = (photographs / "labels.csv").read_text().splitlines()
        labels = checkout.write("photographs/labels.csv", f"{header}\n{first}\n")
        shutil.copy(photographs / first.split(",")[0], labels.parent)
        labels.parent.chmod(0o755)
        checkout.variables["IMAGES"] = "./photographs"
        checkout.make("images")
        yield checkout


@pytest.fixture(scope="session")
def converted(built: Checkout) -> Checkout:
    """The shared copy, with the small model converted. Whoever spoils that converts it again."""
    built.make("convert")
    return built


@pytest.fixture(scope="session")
def gpu_accepted(engine: docker.DockerClient, built: Checkout) -> None:
    """The engine accepts GPU reservations; tests/docker/engine-up.sh can have it do so without a GPU."""
    everything = [DeviceRequest(driver="nvidia", count=-1, capabilities=[["gpu"]])]
    try:
        engine.containers.run(built.image("pytorch"), entrypoint="true", device_requests=everything, remove=True)
    except DockerException:
        missing("the engine accepts no GPU reservation (ENGINE_FAKE_GPU=1 tests/docker/engine-up.sh)")


@pytest.fixture(scope="session")
def in_image(engine: docker.DockerClient, built: Checkout) -> Callable[..., str]:
    """Runs Python code in the image of tensorflow or pytorch without a network, and returns what it prints."""

    def run(side: str, code: str, **options: object) -> str:
        output: bytes = engine.containers.run(
            built.image(side), ["-c", code], entrypoint="python", network_mode="none", remove=True, **options
        )
        return output.decode()

    return run


@pytest.fixture(scope="session")
def services(engine: docker.DockerClient) -> Callable[[Checkout], dict[str, Container]]:
    """The containers of `docker compose up`, by service."""

    def find(checkout: Checkout) -> dict[str, Container]:
        labels = [f"{PROJECT}={checkout.project}", OF_COMPOSE, "com.docker.compose.oneoff=False"]
        found = engine.containers.list(all=True, filters={"label": labels})
        return {container.labels["com.docker.compose.service"]: container for container in found}

    return find


@pytest.fixture(scope="session")
def web_root(engine: docker.DockerClient, converted: Checkout) -> Iterator[WebRoot]:
    """A folder that a web server in a container shows to other containers of the engine."""
    folder = converted.folder / "published"
    folder.mkdir()
    server = engine.containers.run(
        converted.image("tensorflow"),
        ["-m", "http.server", "--directory", "/published", "80"],
        entrypoint="python",
        user=str(converted.uid),
        sysctls={"net.ipv4.ip_unprivileged_port_start": "0"},
        volumes=[f"{folder}:/published:ro"],
        network_mode="bridge",
        init=True,
        detach=True,
    )
    try:
        wait_for_words(server, "Serving HTTP")
        server.reload()
        address = server.attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
        yield WebRoot(folder, f"http://{address}")
    finally:
        server.remove(force=True)
