"""Attacks on a small classifier with PyTorch, against what the right network would have recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tf2torch import attacks as shared
from tf2torch import bundle, files, images
from tf2torch.attacks import ATTACKS, Recorded
from tf2torch.bundle import Reference
from tf2torch.job import Job

torch = pytest.importorskip("torch")
from tf2torch.evaluate import attack_report, attacks, evaluation, report  # noqa: E402  # torch may be absent
from tf2torch.evaluate.network import Network  # noqa: E402  # torch may be absent

SIZE, CLASSES = 16, 6
COUNTS = np.array([4, 4, 2, 2])


class Small(torch.nn.Module):
    def __init__(self, change: Callable[[Any], Any] = lambda x: x) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.conv, self.logits = torch.nn.Conv2d(3, 8, 5, 2), torch.nn.Linear(8, CLASSES)
        self.change = change

    def forward(self, x: Any) -> Any:
        return 30 * self.logits(torch.relu(self.conv(self.change(x))).mean((2, 3)))


def network(change: Callable[[Any], Any] = lambda x: x) -> Network:
    return Network.of(Small(change).eval(), torch.device("cpu"), None)


@pytest.fixture
def job(new_job: Callable[..., Job]) -> Job:
    return new_job(input_size=SIZE, classes=CLASSES)


def recorded(job: Job) -> Recorded:
    """Of the right network, which is what another side would make of the same images."""
    inputs = images.network_input(images.seeded(1, 4, SIZE), job.recipe.preprocessing)
    labels = network().compute([inputs])[0].argmax(1)
    nothing = Recorded(inputs, labels, COUNTS, inputs, np.zeros((4, 1), np.uint8), np.zeros((4, 4), np.uint8))
    return attacks._run(network(), nothing, job)


def test_the_same_network_is_attacked_the_same(job: Job) -> None:
    result = attacks.compare(network(), recorded(job), job)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert (result["passed"], result["images"]) == (True, 4)
    assert result["gradient"]["cosine"] == pytest.approx(1)
    assert [(row["attack"], row["steps"], row["epsilon"]) for row in result["rows"]] == [
        *(("FGSM", 1, 8), ("FGSM", 1, 16), ("PGD", 10, 8), ("PGD", 10, 16))
    ]
    assert all(row["same_sign"] == 1 for row in result["rows"])
    assert all(row["tensorflow"] == row["pytorch"] for row in result["rows"])
    assert any(row["pytorch"]["success"] > 0 for row in result["rows"])
    assert attack_report.line(result)[1].startswith("grad cos 1.000000  FGSM 8/255 ")
    rows = [line for line in attack_report.markdown(result) if line.startswith("| PGD | 10 | 16/255 | 2 |")]
    assert len(rows) == 1
    assert rows[0].endswith("100.00 % |")


def test_a_network_with_another_way_back_fails(job: Job) -> None:
    """The values are right, the gradients are not: each image's is turned upside down."""
    result = attacks.compare(network(lambda x: x.detach() + x.flip(2) - x.flip(2).detach()), recorded(job), job)
    assert not result["passed"]
    assert result["gradient"]["cosine"] < 0.99
    assert result["rows"][0]["same_sign"] < 0.9


def test_a_network_without_gradients_fails(job: Job) -> None:
    result = attacks.compare(network(lambda x: x.detach()), recorded(job), job)
    assert not result["passed"]
    assert attack_report.line(result)[1:] == (attack_report.line(result)[1], False)


def refuse(x: Any) -> Any:
    raise RuntimeError(f"no images of {x.shape[2]} pixels\nin C++")


def test_a_network_that_cannot_be_run_is_a_verdict(job: Job) -> None:
    result = attacks.compare(network(refuse), recorded(job), job)
    assert result == {"passed": False, "images": 4, "problem": "no images of 16 pixels"}
    assert attack_report.line(result) == ("attacks", "no images of 16 pixels", False)
    assert "no images of 16 pixels" in attack_report.markdown(result)


def test_outputs_of_another_shape(job: Job) -> None:
    wrong = network()
    wrong.module.logits = torch.nn.Sequential(wrong.module.logits, torch.nn.Flatten(0))
    assert attacks.compare(wrong, recorded(job), job)["problem"] == "The output has the shape [24], not [4, classes]."


@pytest.mark.parametrize("style", ["inception", "vgg"])
def test_perturbations_stay_within_their_bounds(style: Any) -> None:
    """And are as large as they may be, but where the range of the images ends."""
    pixels = images.seeded(1, 4, SIZE)
    inputs = images.network_input(pixels, style)
    seen = []

    def classes(batch: Any) -> Any:
        seen.append(
            (batch - images.network_input(np.zeros(3, np.float32), style)) / (2 if style == "inception" else 255)
        )
        return np.array([0, 1, 1, 1])[: len(batch)]

    def gradient(batch: Any) -> Any:
        return np.random.default_rng(0).standard_normal(batch.shape)

    found = shared.run(gradient, classes, inputs, np.array([0, 0, 1, 2]), COUNTS, style, 0)
    assert found.fooled.tolist() == [[0, 1, 0, 1]] * 2 + [[0, 1, 0, 0]] * 2
    assert shared.successes(found) == [0.5] * 4
    assert all(batch.min() >= -1e-6 and batch.max() <= 1 + 1e-6 for batch in seen)
    for attack, batch in zip(ATTACKS, seen, strict=True):
        moved = np.abs(batch - pixels[: len(batch)])
        assert moved.max() == pytest.approx(attack.eps / 255, abs=1e-5)
        inner = (pixels[: len(batch)] > 0.1) & (pixels[: len(batch)] < 0.9)
        assert (moved[inner] > attack.eps / 256).mean() > 0.99


def test_the_start_depends_on_the_seed() -> None:
    def raised(seed: int) -> Any:
        inputs = np.zeros((1, 4, 4, 3), np.float32)
        zero = lambda batch: np.zeros_like(batch)  # noqa: E731  # as short as it can be
        return shared.run(
            zero, lambda batch: np.zeros(len(batch)), inputs, np.zeros(1), np.ones(4, int), "inception", seed
        ).raised  # type: ignore[arg-type, return-value]  # kinds of integers

    assert np.array_equal(raised(3), raised(3))
    assert not np.array_equal(raised(3), raised(4))


def test_what_is_recorded_survives_the_disk_and_is_reported(job: Job, tmp_path: Path) -> None:
    inputs = images.network_input(images.seeded(1, 10, SIZE), job.recipe.preprocessing)
    outputs = network().compute([inputs])[0]
    errors = {"batch 1": 1e-6, "batch 10": 1e-6}
    reference = Reference(inputs, outputs, outputs[:1], outputs[:0], (), (), errors, "2.21.0", attacks=recorded(job))
    path = job.intermediate("export", "reference.safetensors")
    path.parent.mkdir(parents=True)
    bundle.save(reference, path)
    loaded = bundle.load(path)
    assert loaded is not None
    assert loaded.attacks is not None
    assert reference.attacks is not None
    for name in Recorded.__slots__:
        assert np.array_equal(getattr(loaded.attacks, name), getattr(reference.attacks, name))
    evaluation.run(job, {"way": Small}, tmp_path)
    result = files.read_json(tmp_path / "report.json")
    assert result["verdict"] == "PASS"
    assert result["attacks"]["passed"]
    assert "## Attacks: PASS" in (tmp_path / "report.md").read_text()
    assert report.comparison_lines(result)[-1].split()[:2] == ["way", "attacks"]
    assert "attack" not in report.verdict_line(result, 3, "there")
    bundle.save(replace(reference, attacks=None), path)
    evaluation.run(job, {"way": Small}, tmp_path)
    assert files.read_json(tmp_path / "report.json")["attacks"] is None
