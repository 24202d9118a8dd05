"""Reductions and running sums."""

from __future__ import annotations

import numpy as np

from tests.ops.case import Case, Static, seeded

X = seeded(2, 3, 4, low=-2, high=2)
INTEGERS = seeded(2, 3, 4, low=-9, high=9, dtype="int32")
MASK = seeded(2, 3, 4, seed=1, low=-0.3, high=1) > 0
TIES = np.array([[1, 3, 3], [2, 2, 0]], np.float32)

OF_NUMBERS = ("Sum", "Mean", "Max", "Min", "Prod")
OF_FLOATS = (*OF_NUMBERS, "EuclideanNorm")
AXES = (0, -1, (1, 2), (-1, 0), (0, 1, 2), (2, 1))
NONE = Static(np.array([], np.int32))

CASES = (
    *(
        Case(op, {"input": X, "reduction_indices": Static(np.int32(axes))}, note=f"over {axes}")
        for op in OF_FLOATS
        for axes in AXES
    ),
    *(
        Case(op, {"input": X, "reduction_indices": Static(np.int32(axes))}, {"keep_dims": True}, note=f"keeps {axes}")
        for op in OF_FLOATS
        for axes in AXES
    ),
    *(
        Case(op, {"input": INTEGERS, "reduction_indices": Static(np.int32(axes))}, note=f"integers over {axes}")
        for op in OF_NUMBERS
        for axes in (1, (0, 2), (0, 1, 2))
    ),
    *(
        Case(op, {"input": MASK, "reduction_indices": Static(np.int32(axes))}, note=f"over {axes}")
        for op in ("All", "Any")
        for axes in AXES
    ),
    *(Case(op, {"input": X, "reduction_indices": NONE}, note="over none") for op in OF_FLOATS),
    *(Case(op, {"input": MASK, "reduction_indices": NONE}, note="over none") for op in ("All", "Any")),
    Case("Any", {"input": MASK, "reduction_indices": Static(np.int32([1, 2]))}, {"keep_dims": True}),
    Case("Sum", {"input": INTEGERS.astype(np.int64), "reduction_indices": Static(np.int32(1))}, note="int64"),
    Case(
        "EuclideanNorm",
        {"input": INTEGERS, "reduction_indices": Static(np.int32(1))},
        refuse="no norm of integers",
    ),
    Case("L2Loss", {"t": X}),
    *(Case(op, {"input": X, "dimension": Static(np.int32(1))}) for op in ("ArgMax", "ArgMin")),
    *(Case(op, {"input": TIES, "dimension": Static(np.int32(-1))}, note="the first") for op in ("ArgMax", "ArgMin")),
    *(
        Case(op, {"input": INTEGERS, "dimension": Static(np.int32(2))}, {"output_type": "int32"})
        for op in ("ArgMax", "ArgMin")
    ),
    *(
        Case(op, {"x": array, "axis": Static(np.int32(1))}, attrs, note=f"{array.dtype} {' '.join(attrs)}")
        for op in ("Cumsum", "Cumprod")
        for array in (X, INTEGERS)
        for attrs in ({}, {"exclusive": True}, {"reverse": True}, {"exclusive": True, "reverse": True})
    ),
)
