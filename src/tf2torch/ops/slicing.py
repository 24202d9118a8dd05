"""Parts of a tensor, and its elements the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType

from tf2torch.ops.array import is_number
from tf2torch.ops.expr import Call, Expr, Var, helpers, size
from tf2torch.ops.registry import Refuse, Static, axes, lowers

_Index = int | Call | slice | EllipsisType | None
_ALL = slice(None)


def index(tensor: Expr, entries: Sequence[_Index], rank: int | None) -> Expr:
    """tensor[entries], as short as it can be said: x[:, 1:], x[..., 1:]; the tensor where they take all of it."""
    after = list(entries)
    while after and after[-1] == _ALL:
        after.pop()
    if after and after[-1] is Ellipsis:
        after.pop()
    elif Ellipsis in after:
        after = list(entries)  # what follows an ellipsis is counted from the end
    if not after:
        return tensor
    if (
        len(after) == rank
        and rank > 2
        and Ellipsis not in after
        and None not in after
        and after[:-1] == [_ALL] * (rank - 1)
    ):
        after = [Ellipsis, after[-1]]
    return tensor[after[0] if len(after) == 1 else tuple(after)]


def _rank(tensor: Var) -> int | None:
    return None if tensor.type.shape is None else tensor.rank


@lowers("Slice", layout=axes(per_axis=("begin", "size")))
def take_slice(input: Var, begin: Static[tuple[int | Call, ...]], size: Static[tuple[int | Call, ...]]) -> Expr:
    """A block of a tensor. The size -1 reaches to the end."""
    lengths = input.type.shape or (None,) * len(begin)
    entries = [
        _ALL if is_number(start, 0) and count == length else _block(start, count)
        for start, count, length in zip(begin, size, lengths, strict=True)
    ]
    return index(input, entries, _rank(input))


def _block(start: int | Call, count: int | Call) -> slice:
    if isinstance(count, int) and count == -1:
        return slice(None if is_number(start, 0) else start, None)
    return slice(None, count) if is_number(start, 0) else slice(start, start + count)


@lowers("StridedSlice")
def strided_slice(
    input: Var,
    begin: Static[tuple[int | Call, ...]],
    end: Static[tuple[int | Call, ...]],
    strides: Static[tuple[int, ...]],
    *,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
) -> Expr:
    """x[begin:end:stride, ...]. PyTorch has no negative strides: it flips the axis, and counts from its other end."""
    count = len(begin)
    new = [not _bit(ellipsis_mask, place) and _bit(new_axis_mask, place) for place in range(count)]
    entries: list[_Index] = []
    flips: list[int] = []
    for place, (start, stop, stride) in enumerate(zip(begin, end, strides, strict=True)):
        if _bit(ellipsis_mask, place):
            entries.append(Ellipsis)
        elif new[place]:
            entries.append(None)
        elif _bit(shrink_axis_mask, place):
            entries.append(start)
        else:
            first = None if _bit(begin_mask, place) else start
            last = None if _bit(end_mask, place) else stop
            if stride < 0:
                flips.append(_axis(place, count, ellipsis_mask, new))
                first, last = (None if edge is None else ~edge for edge in (first, last))
            entries.append(_slice(first, last, abs(stride)))
    return index(input.flip(*flips) if flips else input, entries, _rank(input))


def _bit(mask: int, place: int) -> bool:
    return bool(mask >> place & 1)


def _axis(place: int, count: int, ellipsis_mask: int, new: Sequence[bool]) -> int:
    """The axis of the input that an entry is about, counted from the end if it follows an ellipsis."""
    if ellipsis_mask & ((1 << place) - 1):
        return -(count - place - sum(new[place:]))
    return place - sum(new[:place])


def _slice(first: int | Call | None, last: int | Call | None, stride: int) -> slice:
    start = None if first is None or is_number(first, 0) else first
    return slice(start, last, None if stride == 1 else stride)


@lowers("Split", layout=axes("split_dim"))
def split(split_dim: Static[int], value: Var, *, num_split: int) -> tuple[Expr, ...]:
    """So many parts of one length."""
    return _parts(value, value.chunk(num_split, split_dim), num_split)


@lowers("SplitV", layout=axes("split_dim"))
def split_sizes(value: Var, size_splits: Static[tuple[int | Call, ...]], split_dim: Static[int]) -> tuple[Expr, ...]:
    """Parts of these lengths. One of them may be -1: what the others leave."""
    lengths = list(size_splits)
    if -1 in lengths:
        others = sum(length for length in lengths if length != -1)
        whole = value.dims[split_dim] if value.type.shape else None
        lengths[lengths.index(-1)] = (size(value, split_dim) if whole is None else whole) - others
    return _parts(value, value.split(lengths, split_dim), len(lengths))


@lowers("Unpack")
def unpack(value: Var, *, num: int, axis: int = 0) -> tuple[Expr, ...]:
    """The parts along an axis, without the axis."""
    if num == 1:
        return (value.squeeze(axis),)
    parts = value.unbind(axis)
    return tuple(parts[place] for place in range(num))


def _parts(value: Var, parts: Expr, count: int) -> tuple[Expr, ...]:
    return (value,) if count == 1 else tuple(parts[place] for place in range(count))


@lowers("ReverseV2", layout=axes("axis"))
def reverse(tensor: Var, axis: Static[tuple[int, ...]]) -> Expr:
    """The elements along these axes the other way round."""
    return tensor.flip(*axis) if axis else tensor


@lowers("Reverse", layout=axes(per_axis=("dims",)))
def reverse_where(tensor: Var, dims: Static[tuple[bool, ...]]) -> Expr:
    """The elements along the axes for which dims is true the other way round."""
    flips = [axis for axis, flip in enumerate(dims) if flip]
    return tensor.flip(*flips) if flips else tensor


@lowers("ReverseSequence")
def reverse_sequence(input: Var, seq_lengths: Var, *, seq_dim: int, batch_dim: int = 0) -> Expr:
    """The first seq_lengths[i] elements of sequence i the other way round, the others as they are."""
    if batch_dim < 0 or seq_dim < 0:
        raise Refuse("its axes are counted from the end")
    return helpers.reverse_sequence(input, seq_lengths, seq_dim, batch_dim)


@lowers("Roll", layout=axes("axis"))
def roll(input: Var, shift: Static[int | tuple[int, ...]], axis: Static[int | tuple[int, ...]]) -> Expr:
    """The elements moved along the axes; what leaves at one end comes in at the other."""
    return input.roll(shift, axis)
