"""Rows put together by the segment that they belong to."""

from __future__ import annotations

from tf2torch.ops.expr import Call, Expr, Var, helpers
from tf2torch.ops.registry import Refuse, Static, lowers

_LARGEST = {"float32": 3.4028234663852886e38, "float64": 1.7976931348623157e308}
_LARGEST |= {"int32": 2**31 - 1, "int64": 2**63 - 1}


@lowers("SegmentSum")
def segment_sum(data: Var, segment_ids: Var) -> Expr:
    """The sum of the rows of each segment; 0 where there are none."""
    return helpers.segment_reduce(data, segment_ids, None, "sum")


@lowers("SegmentMean")
def segment_mean(data: Var, segment_ids: Var) -> Expr:
    """The mean of the rows of each segment; 0 where there are none."""
    return helpers.segment_reduce(data, segment_ids, None, "mean")


@lowers("SegmentProd")
def segment_product(data: Var, segment_ids: Var) -> Expr:
    """The product of the rows of each segment; 1 where there are none."""
    return helpers.segment_reduce(data, segment_ids, None, "prod", 1)


@lowers("SegmentMax")
def segment_max(data: Var, segment_ids: Var) -> Expr:
    """The largest of the rows of each segment; 0 where there are none."""
    return helpers.segment_reduce(data, segment_ids, None, "amax")


@lowers("SegmentMin")
def segment_min(data: Var, segment_ids: Var) -> Expr:
    """The smallest of the rows of each segment; 0 where there are none."""
    return helpers.segment_reduce(data, segment_ids, None, "amin")


@lowers("UnsortedSegmentSum")
def unsorted_segment_sum(data: Var, segment_ids: Var, num_segments: Static[int | Call]) -> Expr:
    """The sum of the rows of each segment; 0 where there are none."""
    return helpers.segment_reduce(data, segment_ids, num_segments, "sum")


@lowers("UnsortedSegmentProd")
def unsorted_segment_product(data: Var, segment_ids: Var, num_segments: Static[int | Call]) -> Expr:
    """The product of the rows of each segment; 1 where there are none."""
    return helpers.segment_reduce(data, segment_ids, num_segments, "prod", 1)


@lowers("UnsortedSegmentMax")
def unsorted_segment_max(data: Var, segment_ids: Var, num_segments: Static[int | Call]) -> Expr:
    """The largest of the rows of each segment; the least number of the type where there are none."""
    largest = _largest(data.dtype)
    least = -largest if "float" in data.dtype else -largest - 1
    return helpers.segment_reduce(data, segment_ids, num_segments, "amax", least)


@lowers("UnsortedSegmentMin")
def unsorted_segment_min(data: Var, segment_ids: Var, num_segments: Static[int | Call]) -> Expr:
    """The smallest of the rows of each segment; the largest number of the type where there are none."""
    return helpers.segment_reduce(data, segment_ids, num_segments, "amin", _largest(data.dtype))


def _largest(dtype: str) -> float:
    if dtype not in _LARGEST:
        raise Refuse(f"of {dtype}")
    return _LARGEST[dtype]


@lowers("SparseSegmentSum")
def sparse_segment_sum(data: Var, indices: Var, segment_ids: Var) -> Expr:
    """SegmentSum of some rows of data."""
    return helpers.segment_reduce(data[indices], segment_ids, None, "sum")


@lowers("SparseSegmentMean")
def sparse_segment_mean(data: Var, indices: Var, segment_ids: Var) -> Expr:
    """SegmentMean of some rows of data."""
    return helpers.segment_reduce(data[indices], segment_ids, None, "mean")
