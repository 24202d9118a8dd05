"""Rows put together by the segment that they belong to."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.ops.case import Case, Static, seeded

X = seeded(6, 2, 3)
SORTED = np.array([0, 0, 1, 3, 3, 3], "int32")
UNSORTED = np.array([3, 0, -1, 1, 3, 0], "int32")
INTEGERS = seeded(6, 2, dtype="int32", low=-9, high=9)
KINDS = ("Sum", "Prod", "Max", "Min")


def unsorted(op: str, x: Any, segments: Any, refuse: str | None = None) -> Case:
    inputs = {"data": x, "segment_ids": segments, "num_segments": Static(np.int32(5))}
    return Case(op, inputs, note=f"{x.dtype}{x.shape} by {segments.dtype}{segments.shape}", refuse=refuse)


CASES = (
    *(
        Case(f"Segment{kind}", {"data": x, "segment_ids": SORTED.astype(dtype)}, note=f"{x.dtype} by {dtype}")
        for kind in (*KINDS, "Mean")
        for x, dtype in ((X, "int32"), (X[:, 0, 0], "int64"), *(((INTEGERS, "int32"),) if kind != "Mean" else ()))
    ),
    *(
        unsorted(f"UnsortedSegment{kind}", x, segments)
        for kind in KINDS
        for x, segments in (
            (X, UNSORTED),
            (X.astype("float64"), UNSORTED.astype("int64")),
            (X, UNSORTED.repeat(2).reshape(6, 2)),
            (INTEGERS, UNSORTED),
            (INTEGERS.astype("int64"), UNSORTED),
            (X[:0], UNSORTED[:0]),
        )
    ),
    *(unsorted(f"UnsortedSegment{kind}", X.astype("float16"), UNSORTED, refuse="float16") for kind in ("Max", "Min")),
    *(
        Case(
            op,
            {"data": X, "indices": np.array([5, 0, 0, 2], dtype), "segment_ids": np.array([0, 0, 1, 1], "int32")},
            note=dtype,
        )
        for op in ("SparseSegmentSum", "SparseSegmentMean")
        for dtype in ("int32", "int64")
    ),
)
