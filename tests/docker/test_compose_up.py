"""`docker compose up` by itself: every service, and a failure of any step is a failure of the whole."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from checkout import SMALL_MODEL, Checkout, WebRoot
from docker.models.containers import Container

ROAD = ["fetch", "export", "codegen", "build", "evaluate", "report"]
Services = Callable[[Checkout], dict[str, Container]]


@pytest.fixture
def up(converted: Checkout, services: Services) -> Iterator[Callable[..., tuple[int, dict[str, int]]]]:
    """Runs `docker compose up`; gives its exit code, and those of the services that have run."""
    converted.make("env")

    def run(*files: str, **variables: str) -> tuple[int, dict[str, int]]:
        done = converted.compose(*files, "up", status=None, **variables)
        ended = {name: container.attrs["State"] for name, container in services(converted).items()}
        return done.code, {name: ended[name]["ExitCode"] for name in ROAD if ended[name]["Status"] == "exited"}

    yield run
    converted.compose("down")


def test_up_takes_a_published_checkpoint_all_the_way(
    converted: Checkout, web_root: WebRoot, up: Callable[..., tuple[int, dict[str, int]]]
) -> None:
    with tarfile.open(web_root.folder / "published.tar.gz", "w:gz", compresslevel=1) as archive:
        for path in converted.output().glob(f"{SMALL_MODEL}.ckpt.*"):
            archive.add(path, path.name.replace(SMALL_MODEL, "trained"))
    recipe, _ = (converted.folder / f"models/{SMALL_MODEL}.toml").read_text().split("[weights]")
    weights = f'[weights]\nurl = "{web_root.url}/published.tar.gz"\nfile = "trained.ckpt"\n'
    converted.write("models/published.toml", recipe + weights)
    code, ended = up(MODEL="published", WEIGHTS="pretrained")
    assert (code, ended) == (0, dict.fromkeys(ROAD, 0))
    assert converted.record("report.json", "published")["verdict"] == "PASS"
    manifest = converted.record("manifest.json", "published")
    assert (manifest["weights"], manifest["command"]) == ("pretrained", "docker compose up")
    assert manifest["source"]["url"] == f"{web_root.url}/published.tar.gz"


def test_up_fails_at_an_unknown_model(up: Callable[..., tuple[int, dict[str, int]]]) -> None:
    code, ended = up(MODEL="nonsense")
    assert code != 0
    assert ended == {"fetch": 2}


def test_up_fails_at_a_broken_checkpoint(converted: Checkout, up: Callable[..., tuple[int, dict[str, int]]]) -> None:
    recipe = (converted.folder / f"models/{SMALL_MODEL}.toml").read_text()
    converted.write("models/broken.toml", recipe)
    for suffix in ("index", "data-00000-of-00001"):
        whole = (converted.output() / f"{SMALL_MODEL}.ckpt.{suffix}").read_bytes()
        (converted.folder / f"models/broken.ckpt.{suffix}").write_bytes(whole[: len(whole) // 2])
    code, ended = up(MODEL="broken", WEIGHTS="pretrained")
    assert code != 0
    assert ended == {"fetch": 0, "export": 3}


SPOIL = f"""
import numpy
path = "output/{SMALL_MODEL}/mmdnn/converted_pytorch.npy"
weights = numpy.load(path, allow_pickle=True).item()
layer = next(iter(weights.values()))
layer["weights"] = layer["weights"] * 1.01
numpy.save(path, weights)
"""


def test_up_fails_when_the_result_does_not_compute_the_same(
    converted: Checkout, up: Callable[..., tuple[int, dict[str, int]]]
) -> None:
    command = ["bash", "-c", 'python -m tf2torch.cli build && python -c "$$SPOIL"']
    spoiling = {"services": {"build": {"entrypoint": command, "environment": {"SPOIL": SPOIL}}}}
    converted.write("spoil.yaml", json.dumps(spoiling))
    code, ended = up("-f", "compose.yaml", "-f", "spoil.yaml")
    assert code != 0
    assert ended == {"fetch": 0, "export": 0, "codegen": 0, "build": 0, "evaluate": 5}
    assert converted.record("report.json")["verdict"] == "FAIL"
    done = converted.make("convert")  # notices that a product is not what was written
    assert f"Generating code for {SMALL_MODEL} (converted_pytorch.npy is not what was written)" in done
    assert converted.record("report.json")["verdict"] == "PASS"


def test_plain_defaults_ask_for_nothing_of_cuda(copy: Callable[[], AbstractContextManager[Checkout]]) -> None:
    with copy() as checkout:
        (checkout.folder / ".env").unlink()
        config = json.loads(checkout.compose("--profile", "tools", "config", "--format", "json").text)
    for service in config["services"].values():
        assert service["image"].endswith(":cpu")
        assert not {"deploy", "gpus", "runtime"} & service.keys()
        arguments = service["build"]["args"]
        assert arguments.get("TORCH_INDEX_URL", "/cpu").endswith("/cpu")
        assert arguments.get("TENSORFLOW_SPEC", "tensorflow") == "tensorflow"
