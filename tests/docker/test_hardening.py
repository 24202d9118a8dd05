"""What every container may do: asked of the compose files, of the engine, and of a process inside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from checkout import Checkout
from docker.models.containers import Container

SERVICES = ["fetch", "export", "codegen", "build", "evaluate", "report", "tensorboard"]
SERVICES += ["shell-tensorflow", "shell-pytorch"]
ONLINE = ["fetch", "tensorboard"]
WITH_SOURCE = ["export", "tensorboard", "shell-tensorflow"]


@pytest.fixture(scope="module")
def config(built: Checkout) -> dict[str, Any]:
    services: dict[str, Any] = json.loads(built.compose("--profile", "tools", "config", "--format", "json").text)
    return services["services"]


@pytest.fixture(scope="module")
def probed(built: Checkout, services: Callable[[Checkout], dict[str, Container]]) -> Iterator[dict[str, Container]]:
    """Every container of the compose files, in which a probe has run instead of its own command."""
    probe = Path(__file__).with_name("probe.py").read_text()
    built.write(
        "probe.yaml", json.dumps({"services": {name: {"entrypoint": ["python", "-c", probe]} for name in SERVICES}})
    )
    built.compose("-f", "compose.yaml", "-f", "probe.yaml", "--profile", "tools", "up", TENSORBOARD_PORT="0")
    yield services(built)
    built.compose("--profile", "tools", "down")


def test_there_is_no_service_that_these_tests_do_not_know(config: dict[str, Any]) -> None:
    assert sorted(config) == sorted(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_asks_for_no_more_than_it_needs(config: dict[str, Any], built: Checkout, name: str) -> None:
    service = config[name]
    assert service["user"] == f"{built.uid}:{built.dotenv()['HOST_GID']}"
    assert service["read_only"] is True
    assert service["init"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["network_mode"] == ("bridge" if name in ONLINE else "none")
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "networks", "volumes_from"} & service.keys()
    read_only = {mount["target"]: mount.get("read_only", False) for mount in service["volumes"]}
    mounts = {"/tf2torch/models": name != "fetch", "/tf2torch/output": False, "/images": True, "/work": False}
    if name in WITH_SOURCE:
        mounts["/source"] = True
    assert read_only == mounts


def test_the_port_of_tensorboard_is_for_this_machine_only(config: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in config.items() if "ports" in service}
    assert [(port["host_ip"], port["target"]) for port in published.pop("tensorboard")] == [("127.0.0.1", 6006)]
    assert not published


@pytest.mark.parametrize("name", SERVICES)
def test_a_process_inside_can_do_no_more_than_it_needs(
    probed: dict[str, Container], built: Checkout, name: str
) -> None:
    host = probed[name].attrs["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["Privileged"]) == (True, ["ALL"], False)
    found = json.loads(probed[name].logs())
    assert set(found["user"]) == {built.uid, int(built.dotenv()["HOST_GID"])}
    assert not any(found["capabilities"].values())
    assert found["no_new_privileges"]
    assert found["init"] in ("docker-init", "tini")
    assert found["home"]
    assert len(found["network"]) == (2 if name in ONLINE else 1)
    assert "lo" in found["network"]
    assert found["writable"] == [*(["models"] if name == "fetch" else []), "output", "/work", "/tmp"]
