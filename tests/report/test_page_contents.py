"""What the page shows beside the comparisons: images, the network as a tree, what it was made from."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tf2torch.bundle import Reference
from tf2torch.errors import ParityError
from tf2torch.job import Job
from tf2torch.report import examples, provenance

SIZE, CLASSES = 4, 11


@pytest.fixture
def job(new_job: Callable[..., Job], tmp_path: Path) -> Job:
    """Of a network for images of four pixels, with fourteen photographs of any size."""
    folder = tmp_path / "images" / "deeper"
    folder.mkdir(parents=True)
    lines = ["filename,label"]
    for number in range(14):
        pixels = np.random.default_rng(number).integers(0, 256, (40 + number, 300, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        lines.append(f"deeper/{number}.png,{number % CLASSES}")
    (folder.parent / "labels.csv").write_text("\n".join(lines))
    return new_job(input_size=SIZE, classes=CLASSES, images=folder.parent)


def reference(outputs: Any) -> Reference:
    inputs = np.zeros((10, SIZE, SIZE, 3), np.float32)
    seen = np.zeros((10, outputs.shape[1]), np.float32)
    errors = {"batch 1": 1e-7, "batch 10": 1e-7, "images": 1e-7}
    return Reference(inputs, seen, seen[:1], outputs, tuple("abc"), tuple(range(14)), errors, "2.21.0")


def test_examples(job: Job) -> None:
    # The label 0, the background, is none of a thousand classes, however many the recipe has.
    logits = np.random.default_rng(0).standard_normal((14, 1000)).astype(np.float32)
    given: list[Any] = []

    def compute(batch: Any) -> Any:
        given.append(batch)
        return logits[: len(batch)] + np.float32(1e-6)

    found = examples.collect(compute, reference(logits), job)
    assert [batch.shape for batch in given] == [(examples.SHOWN, SIZE, SIZE, 3)]
    assert [item["name"] for item in found] == [f"deeper/{number}.png" for number in range(examples.SHOWN)]
    assert [item["label"] for item in found[:3]] == [-1, 0, 1]
    for item, row in zip(found, logits, strict=False):
        assert [index for index, _ in item["tensorflow"]] == list(np.argsort(-row)[:5])
        assert [index for index, _ in item["pytorch"]] == [index for index, _ in item["tensorflow"]]
        chances = np.exp(row) / np.exp(row).sum()
        assert [chance for _, chance in item["tensorflow"]] == pytest.approx(np.sort(chances)[::-1][:5].tolist())


def test_no_examples(job: Job) -> None:
    logits = np.zeros((14, CLASSES), np.float32)
    assert examples.collect(lambda batch: logits[: len(batch), :5], reference(logits), job) == []
    assert examples.collect(lambda batch: logits[: len(batch)], reference(logits), replace(job, images=None)) == []


def test_probabilities_are_taken_as_they_are() -> None:
    found = examples.best(np.array([0.1, 0.7, 0.2], np.float32))
    assert [index for index, _ in found] == [1, 2, 0]
    assert [chance for _, chance in found] == pytest.approx([0.7, 0.2, 0.1])
    assert examples.best(np.array([1000.0, 0.0], np.float32)) == [(0, 1.0), (1, 0.0)]
    assert [chance for _, chance in examples.best(np.array([np.nan, 0.0], np.float32))] == [None, None]


def test_a_thumbnail_is_small_and_says_nothing_of_its_photographer(tmp_path: Path) -> None:
    about = Image.Exif()
    about[0x013B] = "a name"
    Image.new("RGBA", (900, 300), (255, 0, 0, 128)).save(tmp_path / "photograph.png", exif=about)
    uri = examples.thumbnail(tmp_path / "photograph.png")
    kind, _, content = uri.partition(",")
    assert kind == "data:image/jpeg;base64"
    assert len(content) < 20_000
    small = Image.open(io.BytesIO(base64.b64decode(content)))
    assert small.size == (examples.SIZE, examples.SIZE)
    assert not small.getexif()


# ---- the tree


def test_the_tree(new_job: Callable[..., Job]) -> None:
    torch = pytest.importorskip("torch")
    from tf2torch.evaluate.network import Network
    from tf2torch.report import shown, tree

    nn = torch.nn
    inner = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
    module = nn.Sequential(inner, nn.Flatten(), nn.Linear(8 * 16, 5)).eval()
    module.add_module("unused", nn.Linear(2, 2))
    module.forward = lambda x: module[2](module[1](module[0](x)))
    network = Network(module, torch.device("cpu"))
    found = tree.of(network, [np.zeros((2, 4, 4, 3), np.float32)])
    assert found["input"] == [[2, 3, 4, 4]]
    assert (found["name"], found["class"], found["output"]) == ("", "Sequential", [2, 5])
    assert found["parameters"] == sum(parameter.numel() for parameter in module.parameters())
    first, _, linear, unused = found["parts"]
    assert first["parts"][0]["details"].startswith("3, 8, kernel_size=(3, 3)")
    assert [part["output"] for part in first["parts"]] == [[2, 8, 4, 4], [2, 8, 4, 4]]
    assert (linear["class"], linear["parameters"], linear["output"]) == ("Linear", 8 * 16 * 5 + 5, [2, 5])
    assert unused["output"] is None
    assert not any(part._forward_hooks for part in module.modules())

    def refuse(x: Any) -> Any:  # noqa: ARG001  # what a network takes
        raise RuntimeError("no")

    module.forward = refuse
    logits = np.zeros((0, 5), np.float32)
    found = shown.of(network, reference(logits), (), new_job())
    assert found["network"]["output"] is None
    assert found["examples"] == []


def test_a_network_that_gives_something_else(job: Job) -> None:
    torch = pytest.importorskip("torch")
    from tf2torch.evaluate.network import Network
    from tf2torch.report import shown

    class Odd(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return {"features": x}

    network = Network(Odd(), torch.device("cpu"))
    with pytest.raises(ParityError):
        network.compute([np.zeros((1, 4, 4, 3), np.float32)])
    found = shown.of(network, reference(np.zeros((14, CLASSES), np.float32)), (), job)
    assert found["network"]["output"] == [1, 3, SIZE, SIZE]
    assert found["examples"] == []


# ---- where it comes from


@pytest.mark.parametrize(
    ("changes", "given", "command"),
    [
        ({"engine": "native"}, "", "make convert MODEL=net"),
        ({}, "make demo", "make convert MODEL=net ENGINE=mmdnn"),
        (
            {"engine": "native", "weights": "random", "seed": 3, "proof": True, "formats": ("npy", "pt2")},
            "tf2torch evaluate",
            "make convert MODEL=net WEIGHTS=random SEED=3 FORMATS=npy,pt2 PROOF=1",
        ),
        (
            {"engine": "native", "source": Path("/source/frozen.pb"), "output_names": ("a:0", "b")},
            "make convert SOURCE=../graphs/frozen.pb IMAGES='my photographs'",
            "make convert MODEL=net SOURCE=../graphs/frozen.pb OUTPUT=a:0,b IMAGES='my photographs'",
        ),
        (
            {"engine": "native", "source": Path("/source/it's.pb")},
            "make convert SOURCE=it's.pb",
            "make convert MODEL=net SOURCE='it'\"'\"'s.pb'",
        ),
        (
            {
                "engine": "native",
                "checkpoint": Path("/source/own.ckpt"),
                "said": {"NETWORK": "inception_v3", "SCOPE_MAP": "a=b,=c", "EMA": "1", "AUX_LOGITS": "1"},
                "output_names": ("a", "b"),
            },
            "make convert SOURCE=runs/own.ckpt NETWORK=inception_v3",
            "make convert MODEL=net SOURCE=runs/own.ckpt NETWORK=inception_v3 SCOPE_MAP=a=b,=c EMA=1 AUX_LOGITS=1",
        ),
    ],
)
def test_the_command(new_job: Callable[..., Job], changes: dict[str, Any], given: str, command: str) -> None:
    assert provenance.command(replace(new_job(), **changes), given) == command


def test_provenance_is_of_the_stages_before(new_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"sha256": "0" * 64, "weights": "pretrained"}
    known = {
        "source": {"random_seed": 0},
        "products": {"a.py": {**made, "stage": "codegen"}, "report.md": {**made, "stage": "evaluate"}},
        "versions": {"codegen": {"torch": "2"}, "evaluate": {"torch": "2"}},
        "seconds": {"codegen": 1.0, "evaluate": 2.0},
    }
    monkeypatch.setattr(provenance.ledger, "manifest", lambda job: known)  # noqa: ARG005  # of any job
    found = provenance.of(new_job())
    assert list(found["products"]) == ["a.py"]
    assert list(found["versions"]) == list(found["seconds"]) == ["codegen"]
    assert found["source"] == {"random_seed": 0}
