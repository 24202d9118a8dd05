"""The same elements under another shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.ops.case import Case, Static, seeded

IMAGES = seeded(2, 3, 4, 5)


def reshape(source: tuple[int, ...], target: tuple[int, ...], note: str) -> Case:
    shape = Static(np.array(target, "int32"))
    return Case("Reshape", {"tensor": seeded(*source), "shape": shape}, note=f"{note}: {source} to {target}")


def squeeze(shape: tuple[int, ...], *axes: int) -> Case:
    attrs: dict[str, Any] = {"squeeze_dims": list(axes)} if axes else {}
    return Case("Squeeze", {"input": seeded(*shape)}, attrs, note=f"{shape} of {axes}")


def transpose(x: Any, *axes: int) -> Case:
    return Case("Transpose", {"x": x, "perm": Static(np.array(axes, "int32"))}, note=f"{axes}")


CASES = (
    reshape((2, 3, 4), (-1, 12), "flatten"),
    reshape((2, 3, 4), (6, 4), "flatten the first"),
    reshape((2, 3, 4, 5), (2, -1, 5), "flatten the middle"),
    reshape((2, 3, 4), (-1,), "flatten all"),
    reshape((2, 12), (2, 3, 4), "unflatten the last"),
    reshape((6, 4), (-1, 2, 4), "unflatten the first"),
    reshape((2, 12, 5), (2, -1, 2, 5), "unflatten the middle"),
    reshape((2, 3, 4), (2, 4, 3), "neither"),
    reshape((2, 3, 4), (4, -1), "across"),
    reshape((2, 3), (2, 3), "nothing"),
    reshape((2, 1, 1, 3), (2, 3), "of pooled images"),
    reshape((2, 1, 3), (2, 3), "squeeze"),
    reshape((2, 1, 1, 3, 4), (2, 3, 4), "squeeze two"),
    reshape((2, 3, 1, 1), (-1, 3), "squeeze the last two"),
    reshape((1, 1), (), "squeeze all"),
    reshape((2, 3), (2, 1, 3), "unsqueeze"),
    reshape((2, 3), (2, 1, 1, 3), "unsqueeze two"),
    reshape((), (1,), "of a scalar"),
    reshape((), (1, 1), "of a scalar"),
    reshape((1,), (), "to a scalar"),
    reshape((0, 3, 4), (-1, 12), "of nothing"),
    reshape((2, 0), (0, 7), "of nothing to nothing"),
    Case("Reshape", {"tensor": seeded(6, dtype="int64", high=9), "shape": Static(np.array([2, 3]))}, note="integers"),
    *(transpose(IMAGES, *axes) for axes in ((0, 3, 1, 2), (0, 1, 2, 3), (3, 2, 1, 0))),
    transpose(seeded(3, 4), 1, 0),
    transpose(np.float32(3)),
    *(squeeze((2, 1, 3, 1), *axes) for axes in ((), (1,), (3,), (-1,), (1, 3), (-3, -1))),
    *(squeeze(shape) for shape in ((2, 3), (1, 1), ())),
    *(
        Case("ExpandDims", {"input": seeded(2, 3), "dim": Static(np.int32(axis))}, note=f"axis {axis}")
        for axis in (0, 1, 2, -1, -2, -3)
    ),
    Case("ExpandDims", {"input": seeded(2, 3), "dim": Static(np.array([1], "int32"))}, note="axis in a list"),
    Case("ExpandDims", {"input": np.float32(3), "dim": Static(np.int32(0))}, note="of a scalar"),
    *(
        Case(
            "BroadcastTo",
            {"input": seeded(*shape), "shape": Static(np.array(target, "int32"))},
            note=f"{shape} to {target}",
        )
        for shape, target in (
            ((3, 1), (3, 4)),
            ((3,), (2, 3)),
            ((), (2, 2)),
            ((2, 3), (2, 3)),
            ((1, 3), (0, 3)),
            ((), ()),
        )
    ),
    *(Case(op, {"input": IMAGES}) for op in ("Shape", "Size", "Rank")),
    *(Case(op, {"input": np.float32(3)}, note="of a scalar") for op in ("Size", "Rank")),
    *(Case(op, {"input": IMAGES}, {"out_type": "int64"}) for op in ("Shape", "Size")),
    Case("ShapeN", {"input": [IMAGES, seeded(2, 3)]}),
    Case("ShapeN", {"input": [IMAGES, seeded(2, 3)]}, {"out_type": "int64"}),
)
