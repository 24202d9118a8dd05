"""Blocks of pixels as batches, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.ops.case import Case, Static, seeded

X = seeded(2, 5, 4, 3)
BATCHES = seeded(12, 3, 2, 5)
Pairs = tuple[tuple[int, int], ...]


def static(numbers: Any) -> Static:
    return Static(np.array(numbers, "int32"))


def blocks(op: str, x: Any, shape: tuple[int, ...], pairs: Pairs) -> Case:
    name = "paddings" if op.startswith("Space") else "crops"
    inputs = {"input": x, "block_shape": static(shape), name: static(pairs)}
    return Case(op, inputs, note=f"{x.shape} by {shape} {pairs}")


CASES = (
    blocks("SpaceToBatchND", X, (2, 2), ((1, 0), (0, 0))),
    blocks("SpaceToBatchND", X, (3, 2), ((0, 1), (2, 2))),
    blocks("SpaceToBatchND", X, (5,), ((0, 0),)),
    blocks("SpaceToBatchND", X, (1, 4, 3), ((0, 0), (0, 0), (1, 2))),
    blocks("SpaceToBatchND", seeded(2, 6), (3,), ((2, 1),)),
    blocks("BatchToSpaceND", BATCHES, (2, 2), ((0, 0), (0, 0))),
    blocks("BatchToSpaceND", BATCHES, (2, 3), ((1, 0), (0, 2))),
    blocks("BatchToSpaceND", BATCHES, (4,), ((1, 2),)),
    blocks("BatchToSpaceND", seeded(6, 2), (3,), ((2, 1),)),
    Case("SpaceToBatch", {"input": X, "paddings": static(((1, 0), (2, 2)))}, {"block_size": 2}),
    Case("BatchToSpace", {"input": BATCHES, "crops": static(((1, 0), (0, 1)))}, {"block_size": 2}),
)
