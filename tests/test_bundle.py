from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from tf2torch import bundle
from tf2torch.bundle import Reference, relative_error
from tf2torch.errors import InputError

random = np.random.default_rng(0)


def noise(*shape: int) -> Any:
    return random.standard_normal(shape, np.float32)


REFERENCE = Reference(
    inputs=noise(10, 4, 4, 3),
    outputs=noise(10, 5),
    single=noise(1, 5),
    image_outputs=noise(2, 5),
    image_names=("a/ä.png", "b.png"),
    labels=(7, 0),
    float32_errors={"batch 1": 1e-7, "batch 10": 1.5e-6, "images": 0.0},
    tensorflow="2.21.0",
)


@pytest.mark.parametrize(
    "reference",
    [
        REFERENCE,
        replace(REFERENCE, image_outputs=np.zeros((0, 5), np.float32), image_names=(), labels=()),
        replace(REFERENCE, outputs=REFERENCE.outputs[:, ::-1]),  # not contiguous
        replace(REFERENCE, later_classes=bundle.best(noise(3, 9)), later_outputs=noise(3, 5)),
    ],
    ids=["images", "no images", "strided", "later images"],
)
def test_what_is_saved_is_loaded(tmp_path: Path, reference: Reference) -> None:
    bundle.save(reference, tmp_path / "reference.safetensors")
    loaded = bundle.load(tmp_path / "reference.safetensors")
    for field in fields(Reference):
        value, expected = getattr(loaded, field.name), getattr(reference, field.name)
        if isinstance(expected, np.ndarray):
            assert value.dtype == expected.dtype
            assert np.array_equal(value, expected)
        else:
            assert value == expected
            assert type(value) is type(expected)


def rewrite(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    names = ("inputs", "outputs", "single", "image_outputs", "later_classes", "later_outputs")
    arrays = {name: getattr(REFERENCE, name) for name in names}
    rest = {"image_names": [], "labels": [], "tensorflow": "2.21.0", "float32_errors": {}}
    change(arrays, rest)
    save_file(arrays, path, {"reference": json.dumps(rest)})


BROKEN: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("<html>not found</html>"),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "header only": lambda path: path.write_bytes(path.read_bytes()[:500]),
    "no metadata": lambda path: save_file({"inputs": REFERENCE.inputs}, path),
    "other metadata": lambda path: save_file({"inputs": REFERENCE.inputs}, path, {"format": "pt"}),
    "metadata of text": lambda path: save_file({"inputs": REFERENCE.inputs}, path, {"reference": "{"}),
    "metadata of a list": lambda path: save_file({"inputs": REFERENCE.inputs}, path, {"reference": "[]"}),
    "an array too few": lambda path: rewrite(path, lambda arrays, _: arrays.pop("single")),
    "a field too few": lambda path: rewrite(path, lambda _, rest: rest.pop("tensorflow")),
    "no names": lambda path: rewrite(path, lambda _, rest: rest.pop("image_names")),
    "a field of another version": lambda path: rewrite(path, lambda _, rest: rest.update(float32_error=1e-7)),
}


@pytest.mark.parametrize("damage", BROKEN.values(), ids=BROKEN)
def test_a_broken_file(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    path = tmp_path / "reference.safetensors"
    bundle.save(REFERENCE, path)
    damage(path)
    with pytest.raises(InputError, match=r"reference\.safetensors is missing or broken.*make export FORCE=1"):
        bundle.load(path)


def test_the_broken_files_differ_from_whole_ones_by_their_damage_alone(tmp_path: Path) -> None:
    rewrite(tmp_path / "whole", lambda *_: None)
    whole = bundle.load(tmp_path / "whole")
    assert whole is not None
    assert whole.labels == ()


@pytest.mark.parametrize(
    ("values", "reference", "error"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, -4.0], [1.0, -2.0], 1.0),
        ([1600.0, 1600.8], [1600.0, 1600.0], 0.0005),
        ([0.0, 1e-3], [0.0, 0.0], 1e-3),  # without a scale the error is absolute
        ([[1.0], [3.0]], [[1.0], [4.0]], 0.25),
        ([1.0, np.nan], [1.0, 2.0], np.inf),
        ([1.0, 2.0], [1.0, np.nan], np.inf),
        ([1.0, np.inf], [1.0, 2.0], np.inf),
        ([1.0, np.inf], [1.0, np.inf], np.inf),
        ([np.nan], [np.nan], np.inf),
    ],
)
def test_the_relative_error(values: list[float], reference: list[float], error: float) -> None:
    found = relative_error(np.array(values, np.float32), np.array(reference, np.float32))
    assert found == pytest.approx(error, rel=1e-3)
    assert isinstance(found, float)


def test_the_error_is_relative_to_the_largest_and_not_to_each() -> None:
    assert relative_error([100.0, 0.002], [100.0, 0.001]) == pytest.approx(1e-5)


def test_float64_is_not_rounded() -> None:
    assert relative_error(np.array([1 + 1e-13]), np.array([1.0])) == pytest.approx(1e-13, rel=0.01)


@pytest.mark.parametrize(
    ("error", "tolerance"),
    [(0.0, 1e-6), (1e-7, 1e-6), (1 / 3 * 1e-6, 1e-6), (1e-6, 3e-6), (5e-5, 1.5e-4), (1e-3, 1e-3)],
)
def test_the_tolerance_has_a_floor_and_a_margin(error: float, tolerance: float) -> None:
    reference = replace(REFERENCE, float32_errors={"batch 1": error, "batch 10": 1.0})
    assert reference.tolerance("batch 1") == pytest.approx(tolerance)
    assert reference.tolerance("batch 10") == 1e-3
