"""The same elements under another shape. A size that is not known at conversion stays dynamic: x.flatten(1)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tf2torch.ir.types import Value
from tf2torch.ops.expr import DTYPES, Call, Expr, Var, size, torch
from tf2torch.ops.registry import Refuse, Static, axes, lowers


@dataclass(frozen=True, slots=True)
class _Axis:
    """The length of an axis of the tensor, which is not known at conversion."""

    index: int


_Length = int | _Axis | Call  # a Call: the length of an axis of some other tensor


@lowers("Reshape")
def reshape(tensor: Var, shape: Static[tuple[int | Call, ...]]) -> Expr:
    """The same elements in the same order: whichever of flatten, unflatten, squeeze, unsqueeze says it, or reshape."""
    if tensor.type.shape is None or 0 in tensor.dims:
        return _reshape(tensor, shape)
    given = _own_axes(tensor, shape)
    source = tuple(
        _Axis(axis) if length is None or _Axis(axis) in given else length for axis, length in enumerate(tensor.dims)
    )
    target = _infer(source, given)
    before = _common(source, target)
    after = _common(source[before:][::-1], target[before:][::-1])
    old, new = source[before : len(source) - after], target[before : len(target) - after]
    if old == new:
        return tensor
    if not new and all(length == 1 for length in old):
        return _drop(tensor, before, after, len(old))
    if not old and new == (1,):
        return tensor.unsqueeze(before)
    if len(new) == 1 and len(old) > 1:
        return _flatten(tensor, before, after)
    if len(old) == 1 and len(new) > 1:
        return tensor.unflatten(before, _lengths(tensor, given[before : before + len(new)]))
    return _reshape(tensor, given)


def _own_axes(tensor: Var, shape: Sequence[int | Call]) -> list[_Length]:
    """The shape with axes for sizes of this very tensor. The only size that is another's becomes -1, as it may."""
    given: list[_Length] = [_own_axis(tensor, length) for length in shape]
    foreign = [place for place, length in enumerate(given) if isinstance(length, Call)]
    if len(foreign) == 1 and -1 not in given and 0 not in given:
        given[foreign[0]] = -1
    return given


def _own_axis(tensor: Var, length: int | Call) -> _Length:
    """An axis for a size of this tensor, or of the same one with its axes in another order."""
    if not isinstance(length, Call) or length.function != "size" or not isinstance(length.args[0], Var):
        return length
    other, axis = length.args[0].value, length.args[1]
    if other is tensor.value:
        return _Axis(axis % tensor.rank)
    ours, theirs = _order(tensor.value), _order(other)
    if not ours or not theirs or ours[0] != theirs[0] or len(ours[1]) != len(theirs[1]):
        return length
    return _Axis(ours[1].index(theirs[1][axis]))


def _order(value: Value) -> tuple[str, tuple[int, ...]] | None:
    """The TensorFlow tensor that a value is, and which of its axes each axis is."""
    if value.ref is None or value.type.shape is None or len(value.ref.view.steps) > bool(value.ref.view.axes):
        return None
    return value.ref.tensor, value.ref.view.axes or tuple(range(len(value.type.shape)))


def _infer(source: Sequence[_Length], given: Sequence[_Length]) -> tuple[_Length, ...]:
    """The shape with the length that -1 stands for, if that can be told."""
    left = [length for length in source if isinstance(length, _Axis)]
    for length in given:
        if isinstance(length, Call) or length == 0 or (isinstance(length, _Axis) and length not in left):
            return tuple(given)
        if isinstance(length, _Axis):
            left.remove(length)
    count, rest = divmod(_product(source), _product(length for length in given if length != -1))
    if rest or len(left) > 1 or (left and count != 1):
        return tuple(given)
    return tuple((left[0] if left else count) if length == -1 else length for length in given)


def _product(lengths: Iterable[_Length]) -> int:
    return math.prod(length for length in lengths if isinstance(length, int))


def _common(first: Sequence[_Length], second: Sequence[_Length]) -> int:
    """How many entries are equal, from the start."""
    for index, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return index
    return min(len(first), len(second))


def _drop(tensor: Var, before: int, after: int, count: int) -> Expr:
    """Without `count` axes of length 1 that follow `before` others."""
    if count == 1:
        return tensor.squeeze(before)
    if after == 1:
        return _flatten(tensor, before, 0)
    if not after and before:
        return _flatten(tensor, before - 1, 0)
    return tensor.squeeze(tuple(range(before, before + count)))


def _flatten(tensor: Var, before: int, after: int) -> Expr:
    if after:
        return tensor.flatten(before, tensor.rank - after - 1)
    return tensor.flatten(before) if before else tensor.flatten()


def _reshape(tensor: Var, shape: Sequence[_Length]) -> Expr:
    lengths = _lengths(tensor, shape)
    return tensor.reshape(*lengths) if lengths else tensor.reshape(())


def _lengths(tensor: Var, shape: Sequence[_Length]) -> tuple[int | Call, ...]:
    """Arguments of reshape. The only length that is not a number is -1, if it can be."""
    unknown = sum(not isinstance(length, int) for length in shape)
    infer = unknown == 1 and -1 not in shape and 0 not in shape
    return tuple(length if isinstance(length, int) else -1 if infer else _size(tensor, length) for length in shape)


def _size(tensor: Var, length: _Axis | Call) -> Call:
    return length if isinstance(length, Call) else size(tensor, length.index)


@lowers("Transpose")
def transpose(x: Var, perm: Static[tuple[int, ...]]) -> Expr:
    """Axis i of the result is axis perm[i] of x."""
    order = [axis % len(perm) for axis in perm]
    return x if order == sorted(order) else x.permute(*order)


@lowers("Squeeze", layout=axes("squeeze_dims"))
def squeeze(input: Var, *, squeeze_dims: tuple[int, ...] = ()) -> Expr:
    """Without axes of length 1. If none is named: without all that are known to be 1, which a batch is not."""
    if input.type.shape is None and not squeeze_dims:
        raise Refuse("it names no axes, and the rank of its input is not known")
    gone = squeeze_dims or tuple(axis for axis, length in enumerate(input.dims) if length == 1)
    if not gone:
        return input
    return input.squeeze(gone[0] if len(gone) == 1 else gone)


@lowers("ExpandDims")
def expand_dims(input: Var, dim: Static[int]) -> Expr:
    """One more axis, of length 1. TensorFlow also takes the axis as a list of one."""
    return input.unsqueeze(dim[0] if isinstance(dim, tuple) else dim)


@lowers("BroadcastTo")
def broadcast_to(input: Var, shape: Static[tuple[int | Call, ...]]) -> Expr:
    """A view in which axes of length 1 are repeated."""
    if not shape or (input.type.shape is not None and _is_own(input, shape)):
        return input
    return input.expand(*shape)


def _is_own(tensor: Var, shape: Sequence[int | Call]) -> bool:
    """Whether this is the tensor's own shape."""
    lengths = [_own_axis(tensor, length) for length in shape]
    return len(lengths) == tensor.rank and all(
        length in (_Axis(axis), tensor.dims[axis]) for axis, length in enumerate(lengths)
    )


@lowers("Shape")
def shape(input: Var, *, out_type: str = "int32") -> Expr:
    """The shape as a tensor: only where it is no host integer, such as where it is an output of the network."""
    return _integers(_sizes(input), out_type)


@lowers("ShapeN")
def shape_n(input: Sequence[Var], *, out_type: str = "int32") -> tuple[Expr, ...]:
    """Shape of each of several tensors."""
    return tuple(_integers(_sizes(item), out_type) for item in input)


@lowers("Size")
def number_of_elements(input: Var, *, out_type: str = "int32") -> Expr:
    """How many elements there are."""
    return _integers(math.prod(_sizes(input)), out_type)


@lowers("Rank")
def rank(input: Var) -> Expr:
    """How many axes there are."""
    return _integers(len(_sizes(input)), "int32")


def _sizes(tensor: Var) -> list[Call]:
    if tensor.type.shape is None:
        raise Refuse("the rank of its input is not known")
    return [size(tensor, axis) for axis in range(tensor.rank)]


def _integers(value: Any, dtype: str) -> Expr:
    return torch.tensor(value, dtype=DTYPES[dtype])
