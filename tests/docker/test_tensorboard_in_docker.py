"""The exported graph in TensorBoard, in its container."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from checkout import SMALL_MODEL, Checkout
from docker.models.containers import Container

Services = Callable[[Checkout], dict[str, Container]]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def get(port: int) -> Callable[[str], str]:
    def get(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    return get


@pytest.fixture
def stopped(converted: Checkout) -> Iterator[Checkout]:
    yield converted
    converted.make("tensorboard", "STOP=1")


def test_it_shows_the_graph_on_this_machine_until_it_is_stopped(
    stopped: Checkout, services: Services, port: int, get: Callable[[str], str]
) -> None:
    done = stopped.make("tensorboard", "DETACH=1", f"TENSORBOARD_PORT={port}")
    assert "TensorBoard" in get("/")  # at once: it says that it is up only when it is
    assert f"TensorBoard shows {SMALL_MODEL} at http://127.0.0.1:{port}/ until `make tensorboard STOP=1`." in done
    (run,) = json.loads(get("/data/plugin/graphs/info"))
    assert "MMdnn_Output" in get(f"/data/plugin/graphs/graph?run={run}&conceptual=false")
    published = services(stopped)["tensorboard"].attrs["NetworkSettings"]["Ports"]
    assert published == {"6006/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
    stopped.make("tensorboard", "STOP=1")
    assert "tensorboard" not in services(stopped)
    with pytest.raises(OSError, match="refused"):
        get("/")


def test_ctrl_c_stops_it(stopped: Checkout, services: Services, port: int) -> None:
    with stopped.started("make", "tensorboard", f"TENSORBOARD_PORT={port}") as running:
        running.until("Ctrl-C stops it.")
        running.interrupt()
        assert running.end().code != 0
    assert "tensorboard" not in services(stopped)


def test_a_port_that_is_taken_is_said_in_words(stopped: Checkout, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        done = stopped.make("tensorboard", f"TENSORBOARD_PORT={port}", status=6)
    assert f"Port {port} is taken. Choose another with TENSORBOARD_PORT=." in done
