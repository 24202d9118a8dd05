"""Elements picked and placed by indices, the largest ones, and places in sorted rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.ops.case import Case, Static, seeded

TABLE = seeded(5, 4)
X = seeded(4, 5, 3)


def indices(*shape: int, below: int = 4, dtype: str = "int32") -> Any:
    return seeded(*shape, low=0, high=below, dtype=dtype)


def gather(params: Any, picked: Any, axis: int = 0, batch: int = 0) -> Case:
    inputs = {"params": params, "indices": picked, "axis": Static(np.int32(axis))}
    note = f"{picked.dtype}{picked.shape} of {params.dtype}{params.shape}, axis {axis}, batch {batch}"
    return Case("GatherV2", inputs, {"batch_dims": batch} if batch else {}, note=note)


def scatter(op: str, shape: tuple[int, ...], picked: Any, **attrs: Any) -> Case:
    picked = np.array(picked, "int32")
    updates = seeded(*picked.shape[:-1], *shape[picked.shape[-1] :])
    refuse = None
    if picked.shape[-1] == 0:
        refuse = "has no length"
    elif attrs.get("bad_indices_policy") == "IGNORE":
        refuse = "no indices out of range"
    if op == "ScatterNd":
        inputs = {"indices": picked, "updates": updates, "shape": Static(np.array(shape, "int32"))}
    elif op == "GatherNd":
        inputs = {"params": seeded(*shape), "indices": picked}
    else:
        inputs = {"tensor": seeded(*shape, seed=1), "indices": picked, "updates": updates}
    return Case(op, inputs, attrs, note=f"{shape} {picked.tolist()} {attrs}", refuse=refuse)


SORTED = np.sort(seeded(2, 6, dtype="int32", low=0, high=9), axis=1)
VALUES = np.arange(-1, 11, dtype="int32").reshape(2, 6)

CASES = (
    Case("Gather", {"params": TABLE, "indices": indices(2, 3)}),
    Case("Gather", {"params": X, "indices": indices(3, dtype="int64")}, note="rows of images"),
    gather(TABLE, indices(2, 3)),
    gather(TABLE, indices(2, 3, dtype="int64")),
    gather(TABLE, indices(2, 3, dtype="int16")),
    gather(TABLE, np.array(2, "int32")),
    gather(seeded(5, 4, dtype="int64", high=9), indices(3)),
    gather(seeded(5), indices(2, 3)),
    gather(X, indices(2, 3)),
    gather(X, indices(2, 3), 1),
    gather(X, indices(2, below=3), -1),
    gather(X, np.array(2, "int32"), 1),
    gather(X, indices(0), 1),
    gather(X, indices(4, 2), 1, 1),
    gather(X, indices(4, 2, below=3), 2, 1),
    gather(X, indices(4, 2, 3), 1, 1),
    gather(X, indices(4), 1, 1),
    gather(X, indices(4, 5, 2, below=3), -1, 2),
    gather(X, indices(4, 5, below=3), -1, -1),
    gather(seeded(4, 5), indices(4, 2, dtype="int64"), 1, 1),
    *(
        scatter(op, (4, 5, 3), picked)
        for op in ("GatherNd", "ScatterNd", "TensorScatterUpdate", "TensorScatterAdd", "TensorScatterSub")
        for picked in ([[1], [3]], [[0, 1], [3, 4], [2, 0]], [[[0, 1, 2]], [[3, 4, 0]]])
    ),
    *(scatter(op, (4, 3), [[1], [1], [2]]) for op in ("GatherNd", "ScatterNd", "TensorScatterAdd", "TensorScatterSub")),
    scatter("GatherNd", (4, 3), [[], []]),
    scatter("GatherNd", (4, 3), [[1], [2]], bad_indices_policy="IGNORE"),
    *(Case("InvertPermutation", {"x": np.array([3, 0, 2, 1], dtype)}, note=dtype) for dtype in ("int32", "int64")),
    Case("TopKV2", {"input": X, "k": Static(np.int32(2))}),
    Case("TopKV2", {"input": seeded(6), "k": Static(np.int32(1))}, note="of a vector"),
    Case("TopKV2", {"input": X, "k": Static(np.int32(2))}, {"index_type": "int64"}),
    Case("TopKV2", {"input": X, "k": Static(np.int32(3))}, {"sorted": True}),
    Case("TopKV2", {"input": seeded(6), "k": Static(np.int32(1))}, {"sorted": False}),
    *(
        Case(op, {"sorted_inputs": SORTED, "values": VALUES}, attrs)
        for op in ("LowerBound", "UpperBound")
        for attrs in ({}, {"out_type": "int64"})
    ),
    Case("Unique", {"x": np.array([7, 1, 7, 3, 1, 0], "int32")}),
    Case("Unique", {"x": np.array([0.5, -1, 0.5], "float32")}, {"out_idx": "int64"}),
    Case("Unique", {"x": np.zeros(0, "int64")}, note="of nothing"),
    *(
        Case("UniqueV2", {"x": np.array([7, 1, 7], "int64"), "axis": Static(np.array(axis, "int64"))}, note=f"{axis}")
        for axis in ([], [0])
    ),
    Case("UniqueV2", {"x": TABLE, "axis": Static(np.array([0]))}, refuse="one axis", note="rows"),
)
