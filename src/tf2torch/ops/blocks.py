"""Blocks of pixels as batches, and back: TensorFlow's way to a dilated convolution."""

from __future__ import annotations

from tf2torch.ops.array import Length, Paddings, is_number, pad
from tf2torch.ops.expr import Call, Expr, Var, size
from tf2torch.ops.registry import Static, lowers
from tf2torch.ops.slicing import index


@lowers("SpaceToBatchND")
def space_to_batch(input: Var, block_shape: Static[tuple[int, ...]], paddings: Static[Paddings]) -> Expr:
    """Each place in a block has a batch of its own: [batch, h, w, c] -> [block * batch, h / block, w / block, c]."""
    count = len(block_shape)
    result: Expr = pad(input, ((0, 0), *paddings, *((0, 0),) * (input.rank - count - 1)))
    for axis, block in enumerate(block_shape):
        result = result.unflatten(2 * axis + 1, (-1, block))
    places = [2 * axis + 2 for axis in range(count)]
    kept = [2 * axis + 1 for axis in range(count)]
    return result.permute(*places, 0, *kept, *range(2 * count + 1, input.rank + count)).flatten(0, count)


@lowers("BatchToSpaceND")
def batch_to_space(input: Var, block_shape: Static[tuple[int, ...]], crops: Static[Paddings]) -> Expr:
    """The way back: [block * batch, h, w, c] -> [batch, h * block, w * block, c], without the crops at the ends."""
    count = len(block_shape)
    result: Expr = input.unflatten(0, (*block_shape, -1))
    pairs = [axis for place in range(count) for axis in (count + 1 + place, place)]
    result = result.permute(count, *pairs, *range(2 * count + 1, input.rank + count))
    for axis in range(1, count + 1):
        result = result.flatten(axis, axis + 1)
    ends = [
        _rest(before, after, size(input, axis) * block if isinstance(after, Call) else None)
        for axis, (block, (before, after)) in enumerate(zip(block_shape, crops, strict=True), 1)
    ]
    return index(result, [slice(None), *ends], input.rank)


def _rest(before: Length, after: Length, length: Call | None) -> slice:
    """What two crops leave. A number of elements that is not known, and may be 0, is not counted from the end."""
    start = None if is_number(before, 0) else before
    if length is not None:
        return slice(start, length - after)
    return slice(start, None if is_number(after, 0) else -after)


@lowers("SpaceToBatch")
def space_to_batch_of_squares(input: Var, paddings: Static[Paddings], *, block_size: int) -> Expr:
    """SpaceToBatchND with square blocks."""
    return space_to_batch(input, (block_size, block_size), paddings)


@lowers("BatchToSpace")
def batch_to_space_of_squares(input: Var, crops: Static[Paddings], *, block_size: int) -> Expr:
    """BatchToSpaceND with square blocks."""
    return batch_to_space(input, (block_size, block_size), crops)
