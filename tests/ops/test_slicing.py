"""How parts of a tensor read."""

from __future__ import annotations

import pytest

from tests.ops.reading import lowered, value
from tf2torch.ops.expr import Var, size
from tf2torch.ops.table import text

SLICES = [
    ((0, 0), (0, 1), (1, 1), {"begin_mask": 1, "end_mask": 1, "shrink_axis_mask": 2}, "x[:, 0]"),
    ((0,), (-1,), (1,), {"shrink_axis_mask": 1}, "x[0]"),
    ((0, 0, 0), (0, 0, 3), (1, 1, 1), {"begin_mask": 3, "end_mask": 3}, "x[..., :3]"),
    ((0, 1, 0), (0, 0, 0), (1, 1, 1), {"begin_mask": 5, "end_mask": 7}, "x[:, 1:]"),
    ((0, 0), (0, 2), (1, 1), {"ellipsis_mask": 1}, "x[..., :2]"),
    ((1, 0), (3, 0), (1, 1), {"ellipsis_mask": 2}, "x[1:3]"),
    (
        (0, 0, 0),
        (0, 1, 0),
        (1, 1, 1),
        {"ellipsis_mask": 1, "shrink_axis_mask": 2, "begin_mask": 4, "end_mask": 4},
        "x[..., 0, :]",
    ),
    ((0, 0), (0, 0), (1, 1), {"begin_mask": 1, "end_mask": 1, "new_axis_mask": 2}, "x[:, None]"),
    ((0, 0), (0, 0), (1, -1), {"begin_mask": 3, "end_mask": 3}, "x.flip(1)"),
    ((5,), (1,), (-2,), {}, "x.flip(0)[-6:-2:2]"),
    ((0,), (0,), (1,), {"begin_mask": 1, "end_mask": 1}, "x"),
]


@pytest.mark.parametrize(("begin", "end", "strides", "masks", "wanted"), SLICES, ids=[row[4] for row in SLICES])
def test_a_slice_is_as_short_as_it_can_be(
    begin: tuple[int, ...], end: tuple[int, ...], strides: tuple[int, ...], masks: dict[str, int], wanted: str
) -> None:
    found = lowered("StridedSlice", value(None, 7, 5), begin=begin, end=end, strides=strides, **masks)
    assert text(found) == wanted


def test_the_ends_of_a_slice_may_be_sizes() -> None:
    x, other = value(None, None, 5), Var(value(None, name="other"))
    length = size(other, 0)
    ends = {"begin": (0, length), "end": (0, length + 1), "strides": (1, 1), "begin_mask": 1, "end_mask": 1}
    assert text(lowered("StridedSlice", x, **ends)) == "x[:, other.shape[0]:other.shape[0] + 1]"
    assert text(lowered("Slice", x, begin=(0, 1, 0), size=(-1, length, 5))) == "x[:, 1:1 + other.shape[0]]"
    back = {"begin": (length,), "end": (0,), "strides": (-1,), "end_mask": 1}
    assert text(lowered("StridedSlice", x, **back)) == "x.flip(0)[~other.shape[0]:]"


def test_crops_that_are_computed_are_not_counted_from_the_end() -> None:
    crop = size(Var(value(None, name="other")), 0)
    found = text(lowered("BatchToSpaceND", value(None, 6, 5), block_shape=(2,), crops=((0, crop),)))
    assert found.endswith("[:, :(x.shape[1] * 2) - other.shape[0]]")
