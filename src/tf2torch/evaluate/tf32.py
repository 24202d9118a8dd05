"""TF32: ten bits of the mantissa instead of 23, in which GPUs multiply unless they are told not to.

The comparison is made without. What it would be with is a row beside it that judges nothing, and a way to be timed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from tf2torch.bundle import relative_error
from tf2torch.evaluate.network import Array, Network


@contextmanager
def allowed() -> Iterator[None]:
    """Within the block TF32 is on, which evaluate/device.py turns off."""
    settings: tuple[Any, ...] = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [setting.allow_tf32 for setting in settings]
    try:
        for setting in settings:
            setting.allow_tf32 = True
        yield
    finally:
        for setting, value in zip(settings, before, strict=True):
            setting.allow_tf32 = value


def compare(network: Network, inputs: Sequence[Array], theirs: Sequence[Array]) -> dict[str, Any] | None:
    """{"error", and for [n, classes] "same_top1", "count"} of the first output; None but on a GPU, and if it fails."""
    if network.device.type != "cuda" or not inputs:
        return None
    try:
        with allowed():
            ours = network.compute(inputs)[0]
    except RuntimeError:  # the comparison without TF32 says why
        return None
    return row(ours, theirs[0])


def row(ours: Array, theirs: Array) -> dict[str, Any] | None:
    """The figures; None for another shape, of which the comparison tells."""
    if ours.shape != theirs.shape:
        return None
    error = relative_error(ours, theirs)
    result: dict[str, Any] = {"error": error if np.isfinite(error) else None}
    if theirs.ndim == 2:
        result |= {"same_top1": int((ours.argmax(1) == theirs.argmax(1)).sum()), "count": len(theirs)}
    return result
