"""Tensors put together, repeated, padded, and made."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.ops.case import Case, Static, seeded

X = seeded(2, 3, 4)
IMAGES = seeded(2, 3, 5, 4)
INDICES = np.array([[0, 2], [-1, 3]], "int32")


def integers(*numbers: Any) -> Static:
    return Static(np.array(numbers, "int32"))


def concat(op: str, axis: int, *values: Any) -> Case:
    name = "axis" if op == "ConcatV2" else "concat_dim"
    given: dict[str, Any] = {"values": list(values)}
    at = {name: Static(np.int32(axis))}
    return Case(op, given | at if op == "ConcatV2" else at | given, note=f"{len(values)} along {axis}")


def tile(x: Any, *multiples: int) -> Case:
    return Case("Tile", {"input": x, "multiples": integers(*multiples)}, note=f"{multiples}")


def pad(op: str, x: Any, *paddings: tuple[int, int], value: Any = None, mode: str | None = None) -> Case:
    inputs = {"input": x, "paddings": Static(np.array(paddings, "int32").reshape(-1, 2))}
    if op == "PadV2":
        inputs["constant_values"] = Static(value)
    note = f"{paddings} {mode or ''} {value if value is not None else ''} {x.dtype}"
    return Case(op, inputs, {"mode": mode} if mode else {}, note=note)


def numbers(start: Any, limit: Any, delta: Any) -> Case:
    inputs = {"start": Static(start), "limit": Static(limit), "delta": Static(delta)}
    return Case("Range", inputs, note=f"{start} {limit} {delta}")


def one_hot(indices: Any, on: Any, off: Any, axis: int | None = None) -> Case:
    inputs = {"indices": indices, "depth": Static(np.int32(3)), "on_value": Static(on), "off_value": Static(off)}
    attrs = {} if axis is None else {"axis": axis}
    return Case("OneHot", inputs, attrs, note=f"{indices.shape} {on} {off} {on.dtype} axis {axis}")


def cast(source: str, target: str, **attrs: Any) -> Case:
    x = seeded(3, 4, low=-4, high=4).astype(source)
    refuse = "rounds to the nearest" if attrs.get("Truncate") else None
    return Case("Cast", {"x": x}, {"DstT": target, **attrs}, note=f"{source} to {target} {attrs}", refuse=refuse)


CASES = (
    *(concat(op, 1, X, X, X) for op in ("ConcatV2", "Concat")),
    *(concat(op, axis, X, X) for op in ("ConcatV2", "Concat") for axis in (0, -1)),
    concat("ConcatV2", 1, seeded(2, 0), seeded(2, 3)),
    concat("ConcatV2", 0, *(seeded(2, dtype="int64", high=9) for _ in range(2))),
    Case("ParallelConcat", {"values": [seeded(1, 3), seeded(1, 3, seed=1)]}, {"shape": (2, 3)}),
    Case("Pack", {"values": [X, X]}),
    Case("Pack", {"values": [X]}, note="one"),
    *(Case("Pack", {"values": [X, X]}, {"axis": axis}) for axis in (1, -1, 3)),
    Case("Pack", {"values": [np.float32(1), np.float32(2)]}, note="scalars"),
    tile(X, 2, 1, 3),
    tile(X, 1, 1, 1),
    tile(X, 1, 0, 2),
    tile(np.float32(3)),
    pad("Pad", X, (0, 0), (1, 2), (3, 0)),
    pad("Pad", X, (1, 0), (0, 0), (0, 0)),
    pad("Pad", X, (0, 0), (0, 0), (0, 0)),
    pad("Pad", np.float32(3)),
    pad("Pad", seeded(3, dtype="int32", high=9), (1, 1)),
    pad("Pad", seeded(3) > 0, (1, 1)),
    pad("PadV2", X, (0, 0), (1, 2), (3, 0), value=np.float32(-1.5)),
    pad("PadV2", X, (0, 0), (0, 0), (0, 0), value=np.float32(1)),
    pad("PadV2", seeded(3, dtype="int32", high=9), (1, 1), value=np.int32(7)),
    *(
        pad("MirrorPad", x, *paddings, mode=mode)
        for mode in ("REFLECT", "SYMMETRIC")
        for x, paddings in (
            (IMAGES, ((0, 0), (0, 0), (1, 2), (3, 0))),
            (IMAGES, ((0, 0), (0, 2), (1, 4), (0, 0))),
            (IMAGES, ((1, 1), (0, 1), (0, 0), (0, 0))),
            (IMAGES, ((0, 0), (0, 0), (0, 0), (0, 0))),
            (X, ((0, 0), (0, 0), (0, 3))),
            (X, ((0, 0), (2, 2), (3, 3))),
            (seeded(5), ((2, 3),)),
            (seeded(5, dtype="int32", high=9), ((0, 2),)),
        )
    ),
    *(
        Case("Fill", {"dims": integers(*dims), "value": Static(value)}, note=f"{dims} {value.dtype}")
        for dims, value in (((2, 3), np.float32(0.5)), ((), np.int64(7)), ((0, 2), np.bool_(True)))
    ),
    *(Case(op, {"x": X}) for op in ("ZerosLike", "OnesLike")),
    *(
        Case(op, {"x": x}, note=f"{x.dtype}")
        for op in ("ZerosLike", "OnesLike")
        for x in (seeded(3, dtype="int64", high=9), np.array([True, False]), np.float64(3))
    ),
    numbers(np.int32(0), np.int32(5), np.int32(1)),
    numbers(np.int32(2), np.int32(9), np.int32(3)),
    numbers(np.int32(3), np.int32(-2), np.int32(-1)),
    numbers(np.int32(3), np.int32(3), np.int32(1)),
    numbers(np.float32(0), np.float32(1), np.float32(0.25)),
    numbers(np.float64(3), np.float64(-1), np.float64(-0.5)),
    numbers(np.int64(0), np.int64(5), np.int64(2)),
    Case("LinSpace", {"start": Static(np.float32(-1)), "stop": Static(np.float32(1)), "num": Static(np.int32(7))}),
    one_hot(INDICES, np.float32(1), np.float32(0)),
    one_hot(INDICES, np.float32(0.9), np.float32(0.1), 0),
    one_hot(INDICES, np.float32(1), np.float32(0), 1),
    one_hot(INDICES, np.int32(5), np.int32(-5), 2),
    one_hot(INDICES, np.int64(1), np.int64(0)),
    one_hot(INDICES, np.float64(0.9), np.float64(0.1)),
    one_hot(INDICES[0].astype("int64"), np.bool_(True), np.bool_(False)),
    one_hot(np.array(1, "uint8"), np.float64(1), np.float64(0), -1),
    *(
        cast(source, target)
        for source, target in (
            ("float32", "int32"),
            ("float32", "int64"),
            ("float32", "bool"),
            ("float32", "float16"),
            ("float32", "float64"),
            ("float32", "float32"),
            ("float64", "float32"),
            ("int32", "float32"),
            ("int64", "int32"),
            ("int32", "bool"),
            ("bool", "float32"),
            ("bool", "int64"),
            ("int32", "uint8"),
            ("complex64", "float32"),
            ("complex64", "int32"),
        )
    ),
    cast("float32", "int32", Truncate=False),
    cast("float64", "float32", Truncate=True),
)
