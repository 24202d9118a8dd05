from __future__ import annotations

from typing import Any

import numpy as np

from tf2torch import bundle, images
from tf2torch.bundle import relative_error


def test_without_images(observed: Any) -> None:
    reference = bundle.load(observed.folder / "without.safetensors")
    assert np.array_equal(reference.inputs, images.network_input(images.seeded(6, 10, 20), "inception"))
    assert reference.outputs.shape == (10, 11)
    assert reference.single.shape == (1, 11)
    assert relative_error(reference.single, reference.outputs[:1]) < 1e-5
    assert reference.image_outputs.shape[0] == len(reference.image_names) == len(reference.labels) == 0
    assert set(reference.float32_errors) == {"batch 1", "batch 10"}
    assert all(1e-9 < error < 1e-5 for error in reference.float32_errors.values())
    assert reference.tensorflow[0].isdecimal()


def test_with_images(observed: Any) -> None:
    """Eleven of them: a batch, and a single one."""
    reference = bundle.load(observed.folder / "with images.safetensors")
    assert np.array_equal(reference.inputs, images.network_input(images.seeded(1, 10, 20), "inception"))
    assert reference.image_outputs.shape == (11, 11)
    assert reference.image_names == tuple(f"a/{number}.png" for number in range(11))
    assert reference.labels == tuple(number % 3 for number in range(11))
    assert len({row.tobytes() for row in reference.image_outputs}) == 11
    assert 1e-9 < reference.float32_errors["images"] < 1e-5


def test_weights_that_are_no_numbers_are_no_reference(observed: Any) -> None:
    """The comparison would have no scale, and no tolerance."""
    fact = observed.facts["not finite"]
    assert fact["error"] == "InputError"
    assert "no finite numbers" in fact["words"]
