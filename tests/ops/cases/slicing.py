"""Parts of a tensor, and its elements the other way round."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.ops.case import Case, Static, seeded

X = seeded(4, 5, 6)
LENGTHS = np.array([2, 0, 5, 1], "int64")


def static(*numbers: int) -> Static:
    return Static(np.array(numbers, "int32"))


def block(begin: tuple[int, ...], size: tuple[int, ...], x: Any = X) -> Case:
    return Case("Slice", {"input": x, "begin": static(*begin), "size": static(*size)}, note=f"{begin} {size}")


def strided(begin: tuple[int, ...], end: tuple[int, ...], strides: tuple[int, ...], x: Any = X, **masks: int) -> Case:
    inputs = {"input": x, "begin": static(*begin), "end": static(*end), "strides": static(*strides)}
    return Case("StridedSlice", inputs, masks, note=f"{begin} {end} {strides} {masks}")


def split(axis: int, count: int, x: Any = X) -> Case:
    inputs = {"split_dim": Static(np.int32(axis)), "value": x}
    return Case("Split", inputs, {"num_split": count}, note=f"{x.shape[axis]} by {count}, axis {axis}")


def split_sizes(axis: int, *sizes: int) -> Case:
    inputs = {"value": X, "size_splits": static(*sizes), "split_dim": Static(np.int32(axis))}
    return Case("SplitV", inputs, {"num_split": len(sizes)}, note=f"{sizes}, axis {axis}")


def roll(shift: int | tuple[int, ...], axis: int | tuple[int, ...]) -> Case:
    inputs = {"input": X, "shift": Static(np.array(shift, "int32")), "axis": Static(np.array(axis, "int32"))}
    return Case("Roll", inputs, note=f"{shift} along {axis}")


CASES = (
    block((0, 0, 0), (4, 5, 6)),
    block((0, 0, 0), (-1, -1, -1)),
    block((1, 0, 2), (2, 5, -1)),
    block((0, 0, 1), (-1, -1, 3)),
    block((2, 1, 0), (0, 2, 6)),
    block((), (), np.float32(3)),
    strided((1, 0), (3, 4), (1, 1)),
    strided((0,), (1,), (1,), shrink_axis_mask=1),
    strided((-1,), (0,), (1,), shrink_axis_mask=1),
    strided((0, 0), (0, 1), (1, 1), begin_mask=1, end_mask=1, shrink_axis_mask=2),
    strided((0, 0), (0, 0), (1, 1), begin_mask=3, end_mask=3),
    strided((1, 2), (0, 0), (2, 1), end_mask=3),
    strided((1, 2), (3, 4), (1, 2), begin_mask=2, end_mask=1),
    strided((-3, -2), (-1, 9), (1, 1)),
    strided((3, 2), (1, 9), (1, 1)),
    strided((0, 1), (0, 3), (1, 1), ellipsis_mask=1),
    strided((0, 0, 2), (0, 0, 3), (1, 1, 1), ellipsis_mask=2, shrink_axis_mask=5),
    strided((0, 1, 0), (0, 3, 0), (1, 1, 1), begin_mask=4, end_mask=4, ellipsis_mask=1),
    strided((1, 0), (2, 0), (1, 1), ellipsis_mask=2),
    strided((0, 1), (0, 2), (1, 1), new_axis_mask=1),
    strided((0, 0), (0, 0), (1, 1), begin_mask=1, end_mask=1, new_axis_mask=2),
    strided((0, 0, 1), (0, 0, 3), (1, 1, 2), new_axis_mask=2, shrink_axis_mask=1),
    strided((0, 0), (0, 0), (1, 1), ellipsis_mask=1, new_axis_mask=2),
    strided((0, 0), (0, 0), (1, 1), ellipsis_mask=3 & 1, new_axis_mask=3),
    strided((1, 0), (3, 0), (1, 1), begin_mask=1, shrink_axis_mask=1),
    strided((0,), (0,), (-1,), begin_mask=1, end_mask=1),
    strided((0, 0), (0, 0), (1, -2), begin_mask=3, end_mask=3),
    strided((3, -1), (0, 1), (-1, -2)),
    strided((9, -2), (-9, -4), (-1, -1)),
    strided((1, 1), (3, 9), (-1, -1)),
    strided((2,), (0,), (-2,), end_mask=1),
    strided((2,), (-1,), (-1,)),
    strided((0, 0, 4), (0, 0, 1), (1, 1, -1), ellipsis_mask=1, new_axis_mask=2),
    strided((0, 0, 4), (0, 0, 1), (1, -1, -1), begin_mask=2, end_mask=2, ellipsis_mask=1),
    strided((0, 5), (1, 1), (1, -3), new_axis_mask=1),
    strided((), (), ()),
    split(0, 2),
    split(-1, 3),
    split(1, 1),
    split(1, 3, seeded(2, 0)),
    split_sizes(0, 1, 3),
    split_sizes(-1, 2, -1, 1),
    split_sizes(1, 5),
    split_sizes(1, 0, 5),
    Case("Unpack", {"value": X}, {"num": 4}),
    *(Case("Unpack", {"value": X}, {"num": num, "axis": axis}) for num, axis in ((6, -1), (5, 1))),
    Case("Unpack", {"value": seeded(3, 1)}, {"num": 1, "axis": 1}),
    *(Case("ReverseV2", {"tensor": X, "axis": static(*axes)}, note=f"{axes}") for axes in ((0,), (-1, 1), ())),
    *(
        Case("Reverse", {"tensor": X, "dims": Static(np.array(dims))}, note=f"{dims}")
        for dims in ((True, False, True), (False, False, False))
    ),
    *(
        Case("ReverseSequence", {"input": X, "seq_lengths": LENGTHS.astype(dtype)}, {"seq_dim": 1}, note=dtype)
        for dtype in ("int32", "int64")
    ),
    Case("ReverseSequence", {"input": X.swapaxes(0, 2), "seq_lengths": LENGTHS}, {"seq_dim": 1, "batch_dim": 2}),
    Case("ReverseSequence", {"input": X.swapaxes(0, 1), "seq_lengths": LENGTHS}, {"seq_dim": 0, "batch_dim": 1}),
    roll(2, 0),
    roll(-3, -1),
    roll((1, -1), (0, 2)),
    roll((1, 1), (1, 1)),
)
