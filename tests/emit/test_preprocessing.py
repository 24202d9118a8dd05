"""The preprocessing that generated files carry, against that of both sides of a conversion, which is numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tf2torch import images
from tf2torch.ir.types import Graph, Ref, TensorType, Value
from tf2torch.recipe import Preprocessing, Recipe, of_source

torch = pytest.importorskip("torch")
from tf2torch.emit import preprocessing  # noqa: E402  # torch may be absent

SIZES = [  # (height, width) of the image, input size of the network
    ((299, 300), 299),
    ((299, 299), 299),
    ((37, 50), 29),
    ((51, 36), 32),
    ((333, 500), 224),
    ((375, 499), 231),
    ((1000, 257), 299),
    ((20, 23), 64),
    ((15, 15), 31),
    ((16, 250), 300),
]
STYLES: tuple[Preprocessing, ...] = ("inception", "vgg")


def recipe(size: int, style: Preprocessing) -> Recipe:
    return Recipe("net", "net", 1001, size, style, "net/logits")


def value(name: str, *shape: int | None) -> Value:
    return Value(name, TensorType("float32", shape), Ref(name))


def graph(
    given: tuple[int | None, ...] = (None, 3, None, None), result: tuple[int | None, ...] = (None, 1001)
) -> Graph:
    return Graph((value("images:0", *given),), (value("logits:0", *result),), (), {})


def preprocess(size: int, style: Preprocessing) -> Any:
    """The function as a generated file has it."""
    names: dict[str, Any] = {"torch": torch, "Tensor": torch.Tensor}
    exec(preprocessing.source(recipe(size, style), graph()), names)
    return names["preprocess"]


@pytest.mark.parametrize(("size", "wanted"), SIZES)
@pytest.mark.parametrize("style", STYLES)
def test_the_same_as_in_numpy(tmp_path: Path, size: tuple[int, int], wanted: int, style: Preprocessing) -> None:
    pixels = np.random.default_rng(size).integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    theirs = images.network_input(images.read(tmp_path / "image.png", recipe(wanted, style)), style)
    ours = preprocess(wanted, style)(torch.from_numpy(pixels).permute(2, 0, 1))
    assert (ours.dtype, tuple(ours.shape)) == (torch.float32, (3, wanted, wanted))
    assert np.abs(ours.permute(1, 2, 0).numpy() - theirs).max() <= 1e-6


def test_only_classifiers_of_images_whose_training_is_known_have_one(tmp_path: Path) -> None:
    known = recipe(224, "vgg")
    assert "256 / min(" in preprocessing.source(known, graph())
    assert "300 / min(" in preprocessing.source(recipe(300, "vgg"), graph())
    assert preprocessing.source(known, graph(result=(None, 8, 8, 21))) == ""
    assert preprocessing.source(known, graph(given=(None, 1, 28, 28))) == ""
    assert preprocessing.source(known, graph(given=(None, 128))) == ""
    assert preprocessing.source(known, Graph(graph().inputs * 2, graph().outputs, (), {})) == ""
    assert preprocessing.source(of_source(tmp_path, "net"), graph()) == ""
