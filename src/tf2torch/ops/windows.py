"""What ops on images share: the spatial part of their attributes, their padding, sizes that follow from others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tf2torch.ops.expr import Call, Expr, F, Var, helpers
from tf2torch.ops.registry import Refuse

Sizes = tuple[int, ...]  # one entry for each spatial axis


def spatial(values: Sequence[Any], data_format: str, what: str = "") -> tuple[Any, ...]:
    """The entries of the spatial axes of a list that has one for each axis, in the order of data_format.

    Raises Refuse where `what` names the list and an entry for the batch or for the channels is not 1.
    """
    inner, others = (
        (values[1:-1], (values[0], values[-1])) if data_format.endswith("C") else (values[2:], (values[0], values[1]))
    )
    if what and any(value != 1 for value in others):
        raise Refuse(f"{what}={list(values)} goes over the batch or the channels")
    return tuple(inner)


def short(values: Sequence[int]) -> int | tuple[int, ...]:
    """One number where all are equal, as a person would write it."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def explicit(paddings: Sequence[int], data_format: str) -> tuple[tuple[int, int], ...]:
    """explicit_paddings as (before, after) of each spatial axis; none where there are none."""
    return spatial(tuple(zip(paddings[::2], paddings[1::2], strict=True)), data_format) if paddings else ()


def symmetric_same(kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Sizes | None:
    """SAME padding of each axis, where it is the same on both sides whatever the size; None where it is not."""
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    if all(r == 0 or (s == 1 and r % 2 == 0) for r, s in zip(reach, stride, strict=True)):
        return tuple(r // 2 for r in reach)
    return None


def padded(
    x: Expr,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    padding: str,
    paddings: Sequence[tuple[int, int]],
    value: Any = 0.0,
) -> tuple[Expr, Sizes]:
    """The tensor, padded where that takes a step of its own, and what is left to the operation's own `padding`."""
    nothing = (0,) * len(kernel)
    if padding == "VALID":
        return x, nothing
    fill = {} if value == 0.0 else {"value": value}
    if padding == "EXPLICIT":
        if all(before == after for before, after in paddings):
            return x, tuple(before for before, _ in paddings)
        return F.pad(x, tuple(width for pair in reversed(paddings) for width in pair), **fill), nothing
    symmetric = symmetric_same(kernel, stride, dilation)
    if symmetric is not None:
        return x, symmetric
    if math.prod(dilation) != 1:
        fill = {"dilation": short(dilation), **fill}
    return helpers.pad_same(x, short(kernel), short(stride), **fill), nothing


def differing(defaults: dict[str, Any], **given: Any) -> dict[str, Any]:
    """The keywords that say something: those that are not torch's default."""
    return {name: value for name, value in given.items() if value != defaults[name]}


def multiple(wanted: Any, x: Var, axis: int) -> tuple[int, int] | None:
    """(factor, rest) where a size is factor * x.shape[axis] + rest, read off its arithmetic; None where it is not."""
    if not isinstance(wanted, Call):
        return (0, wanted) if isinstance(wanted, int) else None
    if wanted.function == "size":
        tensor, which = wanted.args
        return (1, 0) if isinstance(tensor, Var) and tensor.value is x.value and which == axis else None
    if wanted.function not in ("operator.add", "operator.sub", "operator.mul"):
        return None
    left, right = (multiple(arg, x, axis) for arg in wanted.args)
    if left is None or right is None:
        return None
    if wanted.function == "operator.mul":
        (factor, rest), (zero, number) = (right, left) if left[0] == 0 else (left, right)
        return (factor * number, rest * number) if zero == 0 else None
    sign = 1 if wanted.function == "operator.add" else -1
    return left[0] + sign * right[0], left[1] + sign * right[1]
