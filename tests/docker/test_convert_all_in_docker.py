"""Many models at once in containers, and an engine that another context leads to."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest
from checkout import Checkout

import docker

MODELS = "lenet,dcgan_generator"  # the smallest


@pytest.fixture
def context(built: Checkout) -> Iterator[str]:
    """A second context, in the user's own settings, that leads to the same engine."""
    name = "tf2torch-second"
    made = built.run("docker", "context", "create", name, "--from", "default")
    assert made.code == 0, made.text
    yield name
    built.run("docker", "context", "rm", "--force", name)


def test_two_models_at_once_and_then_all_is_done(built: Checkout) -> None:
    options = {"ENGINE": "native", "JOBS": "2", "MODELS": MODELS}
    done = built.make("convert-all", "JSON=1", **options)
    assert "dcgan_generator: started" in done
    summary = json.loads(re.search(r"^\{.*^\}", done.text, re.MULTILINE | re.DOTALL)[0])  # type: ignore[index]
    assert {model["model"]: model["verdict"] for model in summary["models"]} == dict.fromkeys(MODELS.split(","), "PASS")
    built.make("convert-all", **options)
    log = (built.folder / "output" / "lenet" / "convert.log").read_text()
    assert log.count("unchanged, skipped") == 4


def test_ctrl_c_stops_all_of_them(built: Checkout, engine: docker.DockerClient) -> None:
    labels = [f"com.docker.compose.project={built.project}", "com.docker.compose.config-hash"]
    options = {"ENGINE": "native", "JOBS": "2", "MODELS": MODELS, "FORCE": "1"}
    with built.started("make", "convert-all", **options) as running:
        running.until("dcgan_generator: started")
        while len(engine.containers.list(filters={"label": labels})) < 2:
            time.sleep(0.2)
        running.interrupt()
        start = time.monotonic()
        done = running.end()
        assert time.monotonic() - start < 15
    assert "Error 130" in done
    assert "2 models: 2 stopped" in done
    assert not engine.containers.list(all=True, filters={"label": labels})


def test_another_context_leads_to_its_engine(built: Checkout, context: str) -> None:
    done = built.make("convert", MODEL="lenet", ENGINE="native", DOCKER_CONTEXT=context)
    assert "PASS lenet" in done
