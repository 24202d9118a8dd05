"""The issue's own command, with the real images: what it leaves, and that the result is of use."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

import pytest
from checkout import REPOSITORY, Checkout

import docker

MODEL = "inception_v3"
SAID = ("convert", f"MODEL={MODEL}", "ENGINE=mmdnn", "WEIGHTS=random")
PRODUCTS = {
    *(f"{MODEL}.ckpt.{suffix}" for suffix in ("meta", "index", "data-00000-of-00001")),
    *("converted.json", "converted.pb", "converted.npy"),
    *("converted_pytorch.py", "converted_pytorch.npy", "converted_pytorch.pth"),
    *("report.html", "report.json", "report.md"),
}


@pytest.fixture(scope="module")
def inception_v3(built: Checkout) -> Checkout:
    done = built.make(*SAID, IMAGES="")  # the photographs of the repository
    assert f"PASS {MODEL}  RANDOM WEIGHTS" in done
    return built


def test_both_ways_to_load_agree_with_tensorflow(inception_v3: Checkout) -> None:
    report = inception_v3.record("report.json", MODEL)
    assert report["verdict"] == "PASS"
    assert set(report["loaded"]) == {"converted_pytorch.pth", "KitModel(converted_pytorch.npy)"}
    for loaded in report["loaded"].values():
        one, ten = loaded["comparisons"]["batch 1"], loaded["comparisons"]["batch 10"]
        assert one["error"] < 1e-5
        assert ten["error"] < 1e-5
        assert (ten["same_top1"], ten["count"]) == (10, 10)
        assert loaded["comparisons"]["images"]["passed"]


def test_every_product_is_there(inception_v3: Checkout) -> None:
    sizes = {path.name: path.stat().st_size for path in inception_v3.output(MODEL).iterdir()}
    assert set(sizes) == PRODUCTS | {"manifest.json", "status.json"}
    assert all(sizes.values())
    assert inception_v3.record("status.json", MODEL)["exit_code"] == 0


def test_the_manifest_tells_what_was_made_from_what(inception_v3: Checkout, engine: docker.DockerClient) -> None:
    manifest = inception_v3.record("manifest.json", MODEL)
    assert {name: product["sha256"] for name, product in manifest["products"].items()} == inception_v3.digests(MODEL)
    assert {product["weights"] for product in manifest["products"].values()} == {"random, seed 0"}
    assert manifest["weights"] == "random, seed 0"
    assert manifest["command"] == " ".join(("make", *SAID))
    sides = {stage: "tensorflow" if stage == "export" else "pytorch" for stage in manifest["images"]}
    assert list(sides) == ["export", "codegen", "build", "evaluate"]
    for stage, side in sides.items():
        assert manifest["images"][stage]["id"] == engine.images.get(inception_v3.image(side)).id
        assert manifest["images"][stage]["packages"]["mmdnn"] == "0.3.1"


def test_everything_belongs_to_the_caller(inception_v3: Checkout) -> None:
    owners = {path.stat().st_uid for path in inception_v3.output(MODEL).rglob("*")}
    assert owners == {inception_v3.uid}
    assert inception_v3.output(MODEL).stat().st_uid == inception_v3.uid


def test_a_second_run_skips_everything_at_once(inception_v3: Checkout) -> None:
    start = time.monotonic()
    done = inception_v3.make(*SAID, IMAGES="")
    seconds = time.monotonic() - start
    assert len(re.findall(rf"^.* {MODEL}: unchanged, skipped$", done.text, re.MULTILINE)) == 4
    assert f"PASS {MODEL}" in done
    assert seconds < 5


USE = """
import sys
sys.modules["mmdnn"] = sys.modules["tf2torch"] = None  # as where they are not installed
{snippet}
import json
with torch.inference_mode():
    results = [network(torch.ones(2, 3, 299, 299)) for network in (model, again)]
print(json.dumps([list(results[0].shape), torch.equal(*results)]))
"""


def test_a_script_of_the_user_loads_the_result(inception_v3: Checkout, in_image: Callable[..., str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs" / "mmdnn.md").read_text(), re.DOTALL)
    (snippet,) = [block for block in blocks if "converted_pytorch.pth" in block]
    folder = {str(inception_v3.output(MODEL)): {"bind": "/result", "mode": "ro"}}
    printed = in_image("pytorch", USE.format(snippet=snippet), volumes=folder, working_dir="/result")
    assert json.loads(printed) == [[2, 1001], True]
