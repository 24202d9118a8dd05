"""From GPU=1 to a reservation on the right services, where the engine accepts reservations; and what if it does not."""

from __future__ import annotations

import json
import shutil

import pytest
from checkout import SMALL_MODEL, Checkout

REFUSE = """#!/bin/sh
# An engine that has no GPU to give.
case " $* " in *" --gpus "*) exit 125 ;; esac
exec {docker} "$@"
"""


@pytest.fixture
def no_gpu(converted: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first docker on PATH refuses --gpus, and what env.sh knows of the engine's GPU is forgotten."""
    docker = shutil.which("docker")
    converted.write("no-gpu/docker", REFUSE.format(docker=docker)).chmod(0o755)
    monkeypatch.setenv("PATH", str(converted.folder / "no-gpu"), prepend=":")
    forget(converted)


def forget(checkout: Checkout) -> None:
    (checkout.folder / ".cache" / "gpu").unlink(missing_ok=True)


@pytest.mark.usefixtures("gpu_accepted")
def test_gpu_1_reserves_it_for_the_evaluation_only(converted: Checkout) -> None:
    forget(converted)
    converted.make("env", "GPU=1")
    settings = converted.dotenv()
    assert (settings["COMPOSE_FILE"], settings["DEVICE"]) == ("compose.yaml:compose.gpu.yaml", "cuda")
    config = json.loads(converted.compose("config", "--format", "json").text)
    reserved = {
        name: service["deploy"]["resources"]["reservations"]
        for name, service in config["services"].items()
        if "deploy" in service
    }
    assert reserved == {"evaluate": {"devices": [{"capabilities": ["gpu"], "driver": "nvidia", "count": -1}]}}
    for name in ("codegen", "build", "evaluate", "report"):
        service = config["services"][name]
        assert service["image"].endswith("-pytorch:cuda")
        assert not service["build"]["args"]["TORCH_INDEX_URL"]  # pip's default index, whose wheels are for the GPU
    converted.make("env", "GPU=0")


@pytest.mark.usefixtures("gpu_accepted")
def test_an_evaluation_that_finds_no_gpu_says_so(converted: Checkout) -> None:
    converted.make("env", "GPU=0")
    config = json.loads(converted.compose("config", "--format", "json").text)
    cpu_wheels = config["services"]["evaluate"]["build"]["args"][
        "TORCH_INDEX_URL"
    ]  # which see no GPU where there is one
    before = converted.digests()
    done = converted.make("evaluate", "GPU=1", status=6, TORCH_INDEX_URL=cpu_wheels)
    assert "DEVICE=cuda was asked for, but PyTorch" in done
    assert "sees 0 GPUs. `make doctor` tells why; DEVICE=auto or DEVICE=cpu goes on without." in done
    assert converted.record("status.json")["exit_code"] == 6
    assert converted.digests() == before
    assert f"Evaluating {SMALL_MODEL}: unchanged, skipped" in converted.make("convert")


@pytest.mark.usefixtures("no_gpu")
def test_gpu_auto_goes_on_without_and_says_so(converted: Checkout) -> None:
    done = converted.make("env", "GPU=auto")
    assert "The evaluation runs on the CPU: the engine has no GPU to give." in done
    settings = converted.dotenv()
    assert (settings["COMPOSE_FILE"], settings["DEVICE"]) == ("compose.yaml", "auto")
    assert "GPU" not in converted.make("plan", "GPU=auto")


@pytest.mark.usefixtures("no_gpu")
def test_gpu_1_without_one_is_refused(converted: Checkout) -> None:
    done = converted.make("convert", "GPU=1", status=6)
    assert "GPU=1, but the Docker engine cannot give a container a GPU" in done
    assert "Exporting" not in done
