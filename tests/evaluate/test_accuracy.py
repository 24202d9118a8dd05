"""Any number of images, compared in memory that does not grow with them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tf2torch import bundle
from tf2torch.bundle import Reference, best
from tf2torch.job import Job

torch = pytest.importorskip("torch")
from tf2torch.evaluate import evaluation  # noqa: E402  # torch may be absent
from tf2torch.evaluate.accuracy import Tally  # noqa: E402  # torch may be absent
from tf2torch.evaluate.network import Network  # noqa: E402  # torch may be absent

CLASSES, COUNT, KEPT = 12, 20, 8


def outputs(count: int = COUNT) -> Any:
    return np.random.default_rng(3).standard_normal((count, CLASSES), np.float32)


def reference(kept: int = KEPT, labels: tuple[int, ...] = (5,) * COUNT) -> Reference:
    """Of twenty images, of the last of which TensorFlow's five largest outputs are known."""
    whole = outputs(len(labels))
    later = best(whole[kept:])
    nothing = np.zeros((10, CLASSES), np.float32)
    names = tuple(f"{number}.png" for number in range(len(labels)))
    made = Reference(nothing, nothing, nothing[:1], whole[:kept], names, labels, {"images": 1e-7}, "2.21.0")
    return replace(made, later_classes=later, later_outputs=np.take_along_axis(whole[kept:], later, 1))


def tally(ours: Any, batch: int = 3, **changes: Any) -> Tally:
    made = Tally(reference(**changes), 0)
    for start in range(0, len(ours), batch):
        made.add(ours[start : start + batch], start)
    return made


@pytest.mark.parametrize("batch", [1, 3, 7, 20])
@pytest.mark.parametrize("kept", [0, KEPT, COUNT])
def test_the_batches_make_no_difference(batch: int, kept: int) -> None:
    found = tally(outputs() * np.float32(1 + 1e-4), batch, kept=kept)
    row = found.row(1e-3)
    assert row == {"passed": True, "error": pytest.approx(1e-4, rel=0.01), "same_top1": COUNT, "count": COUNT}
    hits = {"top1": int((outputs().argmax(1) == 5).sum()), "top5": int((best(outputs()) == 5).any(1).sum())}
    assert 0 < hits["top1"] < hits["top5"] < COUNT
    assert found.accuracy() == {"images": COUNT, "tensorflow": hits, "pytorch": hits}


@pytest.mark.parametrize("image", [0, KEPT - 1, KEPT, COUNT - 1])
def test_one_image_that_differs(image: int) -> None:
    ours = outputs()
    ours[image, ours[image].argmax()] += 0.1
    assert not tally(ours).row(1e-6)["passed"]
    ours[image] = np.nan
    row = tally(ours).row(1e-6)
    assert (row["passed"], row["error"], row["count"]) == (False, None, COUNT)


def test_another_top_1_is_counted() -> None:
    ours = outputs()
    ours[[2, 15]] *= -1
    assert tally(ours).row(10)["same_top1"] == COUNT - 2
    assert not tally(ours).row(10)["passed"]


def test_images_that_are_missing() -> None:
    found = tally(outputs()[:-1])
    assert found.row(1e-3)["shape"] == [COUNT - 1, CLASSES]
    assert found.accuracy() is None


# ---- the whole way: from files to the comparison

SIZE, MANY = 64, 1000


class Small(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = torch.nn.Conv2d(3, CLASSES, 7, 8)

    def forward(self, x: Any) -> Any:
        return self.conv(x).mean((2, 3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A thousand images in folders for two classes."""
    folder = tmp_path_factory.mktemp("thousand")
    random = np.random.default_rng(0)
    for label in (2, 10):
        (folder / f"{label}").mkdir()
        for number in range(MANY // 2):
            pixels = random.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{label}" / f"{number:03}.bmp")
    return folder


@pytest.mark.parametrize("count", [60, MANY])
def test_a_thousand_images_take_no_more_memory_than_a_few(
    new_job: Callable[..., Job], folder: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """All inputs together are 49 MB, a batch of them is half a megabyte."""
    from tf2torch import images

    chosen = images.labelled(folder)[:: MANY // count][:count]
    monkeypatch.setattr(images, "labelled", lambda _: chosen)
    job = new_job(input_size=SIZE, classes=1001, images=folder)
    labels, names = (tuple(item.label for item in chosen), tuple(item.path.name for item in chosen))
    made = replace(reference(), labels=labels, image_names=names)
    network = Network.of(Small().eval(), torch.device("cpu"), None)
    ours = np.concatenate([network.compute([batch])[0] for _, batch in images.batches(folder, job.recipe, 10)])
    later = best(ours[KEPT:])
    made = replace(
        made,
        image_outputs=ours[:KEPT],
        later_classes=later,
        later_outputs=np.take_along_axis(ours[KEPT:], later, 1),
    )
    tracemalloc.start()
    row, accuracy = evaluation._on_images(lambda batch: network.compute([batch])[0], made, job)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (row["passed"], row["same_top1"], row["count"]) == (True, count, count)
    assert accuracy is not None
    assert accuracy["tensorflow"] == accuracy["pytorch"]
    assert peak < 6e6


def test_the_largest_are_kept_beyond_the_first_images(tmp_path: Path) -> None:
    path = tmp_path / "reference.safetensors"
    bundle.save(reference(), path)
    loaded = bundle.load(path)
    assert loaded is not None
    assert np.array_equal(loaded.best(3, 15), best(outputs()[3:15]))
    assert np.array_equal(loaded.best(9, 20), best(outputs()[9:20]))
    assert np.array_equal(loaded.best(0, 2), best(outputs()[:2]))
