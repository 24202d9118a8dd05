"""The default engine in containers: what it leaves, and a source that is mounted from anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from checkout import SMALL_MODEL, Checkout

SAID = ("convert", "ENGINE=native", "TIMING=1")
PRODUCTS = {
    *(f"converted_pytorch.{suffix}" for suffix in ("py", "safetensors", "sketch.safetensors", "pth")),
    *("report.html", "report.json", "report.md", "manifest.json", "status.json"),
}


@pytest.fixture(scope="module")
def folder(built: Checkout) -> Path:
    """The results of a conversion."""
    assert f"PASS {SMALL_MODEL}  RANDOM WEIGHTS" in built.make(*SAID)
    return built.folder / "output" / SMALL_MODEL


def test_every_product_is_there_and_belongs_to_the_caller(folder: Path, built: Checkout) -> None:
    files = {path.name: path.stat() for path in folder.iterdir() if path.is_file()}
    assert set(files) >= PRODUCTS
    assert {found.st_uid for found in files.values()} == {built.uid}
    assert json.loads((folder / "status.json").read_text())["engine"] == "native"


def test_both_sides_are_timed(folder: Path) -> None:
    timing = json.loads((folder / "report.json").read_text())["timing"]
    assert {"TensorFlow", "eager"} <= {row["way"] for row in timing["rows"] if row["median_ms"]}
    assert all(row["ratio"] for row in timing["rows"] if row["batch"] == 1)


@pytest.mark.usefixtures("folder")
def test_a_second_run_skips_everything(built: Checkout) -> None:
    done = built.make(*SAID)
    assert len(re.findall(rf"^.* {SMALL_MODEL}: unchanged, skipped$", done.text, re.MULTILINE)) == 4


USE = """
import sys
sys.modules["mmdnn"] = sys.modules["tf2torch"] = None  # as where they are not installed
import torch
model = torch.load("converted_pytorch.pth", weights_only=False)
with torch.inference_mode():
    print(list(model(torch.ones(2, 3, 224, 224)).shape))
"""


def test_the_model_file_needs_nothing_but_torch(folder: Path, in_image: Callable[..., str]) -> None:
    mount = {str(folder / "converted_pytorch.pth"): {"bind": "/result/converted_pytorch.pth", "mode": "ro"}}
    assert json.loads(in_image("pytorch", USE, volumes=mount, working_dir="/result")) == [2, 1001]


def test_a_graph_of_the_user_comes_from_any_folder(converted: Checkout) -> None:
    exported = f"{converted.output()}/{SMALL_MODEL}.ckpt.meta"
    said = (f"SOURCE={exported}", "MODEL=own", "OUTPUT=MMdnn_Output", "WEIGHTS=pretrained")
    shown = json.loads(converted.make("inspect", *said, "JSON=1", "ENGINE=native").text)
    assert [item["name"] for item in shown["outputs"]] == ["MMdnn_Output:0"]
    assert "PASS own" in converted.make(*SAID, *said)


def test_both_engines_side_by_side(converted: Checkout) -> None:
    done = converted.make("compare")
    assert re.search(r"^verdict +PASS +PASS$", done.text, re.MULTILINE)
