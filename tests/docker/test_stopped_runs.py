"""Runs that are stopped, killed, or refused something: what was finished stays, and the same command goes on."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from checkout import SMALL_MODEL, Checkout, wait_for_words
from docker.models.containers import Container

import docker

VERBS = {
    "export": "Exporting",
    "codegen": "Generating code for",
    "build": "Building the model",
    "evaluate": "Evaluating",
}


def begins(stage: str, reason: str = "asked for") -> str:
    return f"{VERBS[stage]} {SMALL_MODEL} ({reason})"


def skipped(stage: str) -> str:
    return f"{VERBS[stage]} {SMALL_MODEL}: unchanged, skipped"


@contextmanager
def intact(checkout: Checkout) -> Iterator[None]:
    """What was there before the block is there after it, byte for byte, and nothing that is half written."""
    before = checkout.digests()
    yield
    assert checkout.digests() == before
    assert not list((checkout.folder / "output").rglob("*.partial"))


@pytest.fixture
def containers(engine: docker.DockerClient, converted: Checkout) -> Callable[[], list[Container]]:
    """Those of the copy, running or not."""
    labels = [f"com.docker.compose.project={converted.project}", "com.docker.compose.config-hash"]
    return lambda: engine.containers.list(all=True, filters={"label": labels})


@pytest.mark.parametrize(
    ("stage", "terminal"),
    [("export", False), ("build", False), ("evaluate", False), ("build", True)],
    ids=["export", "build", "evaluate", "build in a terminal"],
)
def test_ctrl_c_stops_at_once_and_loses_nothing(
    converted: Checkout, containers: Callable[[], list[Container]], stage: str, terminal: bool
) -> None:
    with intact(converted):
        with converted.started("make", "convert", f"FROM={stage}", terminal=terminal) as running:
            running.until(begins(stage))
            if stage == "evaluate":
                running.until("comparing converted_pytorch.pth")
            running.interrupt()
            start = time.monotonic()
            done = running.end()
            assert time.monotonic() - start < 5
        assert done.code != 0
        assert "Error 130" in done
        assert "Stopped. What was finished is kept; the same command goes on from there." in done
        assert not containers()
        status = converted.record("status.json")
        assert (status["stage"], status["exit_code"]) == (stage, 130)
    done = converted.make("convert")
    assert all(skipped(stage) in done for stage in VERBS)
    assert converted.record("status.json")["exit_code"] == 0


def test_ctrl_c_before_there_is_a_container_counts(
    converted: Checkout, containers: Callable[[], list[Container]]
) -> None:
    with intact(converted), converted.started("make", "convert", "FROM=build") as running:
        running.until(skipped("codegen"))
        running.interrupt()
        done = running.end()
        assert done.code != 0
        assert begins("evaluate") not in done
    assert not containers()
    converted.make("convert")


def test_a_killed_run_goes_on_from_the_last_finished_stage(
    converted: Checkout, containers: Callable[[], list[Container]], in_image: Callable[..., str]
) -> None:
    (converted.output() / "converted_pytorch.pth").unlink()
    with intact(converted), converted.started("make", "convert") as running:
        running.until(begins("build", "converted_pytorch.pth is missing"))
        (container,) = containers()
        container.kill("KILL")
        done = running.end()
        assert "Error 137" in done
        assert not containers()
        assert converted.record("status.json")["exit_code"] == 137
    done = converted.make("convert")
    assert skipped("export") in done
    assert skipped("codegen") in done
    assert begins("build", "converted_pytorch.pth is missing") in done
    listed = f"import os; print(os.listdir('/work/{SMALL_MODEL}/mmdnn'))"
    assert ".build.partial" not in in_image("pytorch", listed, volumes=[f"{converted.project}_work:/work"])


def test_too_little_memory_is_said_in_words(converted: Checkout) -> None:
    with intact(converted):
        done = converted.make("export", "FORCE=1", status=137, MEMORY_LIMIT="200m")
    assert "The stage export was killed, most likely because it ran out of memory." in done
    status = converted.record("status.json")
    assert (status["stage"], status["exit_code"]) == ("export", 137)
    assert status["error"] in done
    assert all(skipped(stage) in converted.make("convert") for stage in ("export", "evaluate"))


def test_a_folder_that_is_read_only_is_said_in_words(converted: Checkout) -> None:
    output = converted.folder / "output"
    output.chmod(0o555)
    try:
        done = converted.make("convert", "MODEL=alexnet_v2", status=6)
    finally:
        output.chmod(0o755)
    assert (
        f"Cannot write output/alexnet_v2 as user {converted.uid}: Permission denied. Make the folder writable" in done
    )


def test_a_folder_of_another_user_is_said_in_words(converted: Checkout) -> None:
    done = converted.make("convert", "MODEL=overfeat", status=6, HOST_UID="23456", HOST_GID="23456")
    assert "Cannot write output/overfeat as user 23456: Permission denied. Make the folder writable" in done


LOOK = """
import hashlib, json, pathlib
files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in pathlib.Path("/output").rglob("*.*")}
print(json.dumps(files))
"""


@pytest.fixture
def little_space(converted: Checkout, engine: docker.DockerClient) -> Iterator[Callable[[], dict[str, str]]]:
    """Mounts a small disk as output/, with all of the converted model on it but the .pth; gives what is on it."""
    first, *_ = converted.output().glob("*.pth")
    there = [path for path in (converted.folder / "output" / SMALL_MODEL).rglob("*") if path.suffix != ".pth"]
    needed = sum(path.stat().st_size + 4096 for path in there)  # a file fills whole pages
    spare = first.stat().st_size // 2
    converted.make("env")
    options = {"type": "tmpfs", "device": "tmpfs", "o": f"size={needed + spare},mode=1777"}
    name = f"{converted.project}_little"
    fill = f"cd /converted && tar c --exclude='*.pth' {SMALL_MODEL} | tar x -C /output && echo filled && sleep 600"
    with ExitStack() as stack:
        volume = engine.volumes.create(name, driver_opts=options)
        stack.callback(volume.remove, force=True)
        keeper = engine.containers.run(  # as long as it runs, the disk keeps what is on it
            converted.image("pytorch"),
            ["-c", fill],
            entrypoint="bash",
            user=str(converted.uid),
            volumes=[f"{name}:/output", f"{converted.folder}/output:/converted:ro"],
            network_mode="none",
            init=True,
            detach=True,
        )
        stack.callback(keeper.remove, force=True)
        wait_for_words(keeper, "filled")
        mount = {"type": "volume", "source": "little", "target": "/tf2torch/output"}
        services = {stage: {"volumes": [mount]} for stage in VERBS}
        volumes = {"little": {"external": True, "name": name}}
        converted.write("little.yaml", json.dumps({"services": services, "volumes": volumes}))
        yield lambda: json.loads(keeper.exec_run(["python", "-c", LOOK]).output)


def test_a_full_disk_is_said_in_words(converted: Checkout, little_space: Callable[[], dict[str, str]]) -> None:
    before = little_space()
    done = converted.make("convert", status=6, COMPOSE_FILE="compose.yaml:little.yaml")
    assert skipped("codegen") in done
    assert re.search(r"No space left to write \S*converted_pytorch.pth.*\. Free some, then run the same", done.text)
    after = little_space()
    for name in ("status.json", "manifest.json"):  # which tell of the failure
        assert before.pop(name) != after.pop(name)
    assert after == before
    converted.make("convert")
