"""Reductions and running sums.

`reduction_indices` is TensorFlow's name for the axes; where there are none, nothing is reduced.
"""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any

from tf2torch.ops.expr import DTYPES, Expr, Var, call, size, torch
from tf2torch.ops.registry import Refuse, Static, axes, lowers

Axes = int | tuple[int, ...]
REDUCES = axes("reduction_indices")
ACCUMULATES = axes("axis")


def _axes(reduction_indices: Axes) -> tuple[int, ...]:
    return tuple(sorted(reduction_indices)) if isinstance(reduction_indices, tuple) else (reduction_indices,)


def _dims(input: Var, reduction_indices: Axes, keep_dims: bool) -> dict[str, Any]:
    """What a person would give to torch: no axes for all of them, and a number for one."""
    dims = _axes(reduction_indices)
    if keep_dims:
        return {"dim": dims[0] if len(dims) == 1 else dims, "keepdim": True}
    if input.type.shape is not None and len(dims) == input.rank:
        return {}
    return {"dim": dims[0] if len(dims) == 1 else dims}


def _own_type(input: Var) -> dict[str, Any]:
    """Torch adds and multiplies integers in int64, TensorFlow in their own type."""
    return {"dtype": DTYPES[input.dtype]} if "int" in input.dtype and input.dtype != "int64" else {}


def _reduce(method: str, input: Var, reduction_indices: Axes, keep_dims: bool, **keywords: Any) -> Expr:
    """A method of the tensor over these axes; the tensor itself where there are none."""
    if reduction_indices == ():
        return input
    return call(f"Tensor.{method}", input, **_dims(input, reduction_indices, keep_dims), **keywords)


@lowers("Sum", layout=REDUCES)
def sum_(input: Var, reduction_indices: Static[Axes], *, keep_dims: bool = False) -> Expr:
    return _reduce("sum", input, reduction_indices, keep_dims, **_own_type(input))


@lowers("Mean", layout=REDUCES)
def mean(input: Var, reduction_indices: Static[Axes], *, keep_dims: bool = False) -> Expr:
    """Of integers, rounded towards zero."""
    if "int" not in input.dtype or reduction_indices == ():
        return _reduce("mean", input, reduction_indices, keep_dims)
    count = reduce(operator.mul, (size(input, axis) for axis in _axes(reduction_indices)))
    total = _reduce("sum", input, reduction_indices, keep_dims, **_own_type(input))
    return torch.div(total, count, rounding_mode="trunc")


@lowers("Max", layout=REDUCES)
def maximum(input: Var, reduction_indices: Static[Axes], *, keep_dims: bool = False) -> Expr:
    """Equal elements share the gradient, in both frameworks."""
    return _reduce("amax", input, reduction_indices, keep_dims)


@lowers("Min", layout=REDUCES)
def minimum(input: Var, reduction_indices: Static[Axes], *, keep_dims: bool = False) -> Expr:
    """As Max."""
    return _reduce("amin", input, reduction_indices, keep_dims)


@lowers("All", layout=REDUCES)
def all_(input: Var, reduction_indices: Static[Axes], *, keep_dims: bool = False) -> Expr:
    return _reduce("all", input, reduction_indices, keep_dims)


@lowers("Any", layout=REDUCES)
def any_(input: Var, reduction_indices: Static[Axes], *, keep_dims: bool = False) -> Expr:
    return _reduce("any", input, reduction_indices, keep_dims)


@lowers("Prod", layout=REDUCES)
def prod(input: Var, reduction_indices: Static[Axes], *, keep_dims: bool = False) -> Expr:
    """Torch takes one axis at a time: the last comes first, so that the others keep their numbers."""
    dims = _axes(reduction_indices)
    if len(dims) < 2 or (len(dims) == input.rank and not keep_dims):
        return _reduce("prod", input, reduction_indices, keep_dims, **_own_type(input))
    result: Expr = input
    keywords = {"keepdim": True} if keep_dims else {}
    for axis in sorted((axis % input.rank for axis in dims), reverse=True):
        result = result.prod(dim=axis, **keywords, **_own_type(input))
    return result


@lowers("EuclideanNorm", layout=REDUCES)
def euclidean_norm(input: Var, reduction_indices: Static[Axes], *, keep_dims: bool = False) -> Expr:
    """The root of the sum of squares."""
    if "int" in input.dtype:
        raise Refuse("torch has no norm of integers")
    if reduction_indices == ():
        return input.abs()
    return call("torch.linalg.vector_norm", input, **_dims(input, reduction_indices, keep_dims))


@lowers("L2Loss")
def l2_loss(t: Var) -> Expr:
    """Half the sum of squares."""
    return t.square().sum() / 2


@lowers("ArgMax", layout=axes("dimension"))
def arg_max(input: Var, dimension: Static[int], *, output_type: str = "int64") -> Expr:
    """The first of several. Torch knows int64 only."""
    return _index(input.argmax(dimension), output_type)


@lowers("ArgMin", layout=axes("dimension"))
def arg_min(input: Var, dimension: Static[int], *, output_type: str = "int64") -> Expr:
    """As ArgMax."""
    return _index(input.argmin(dimension), output_type)


def _index(index: Expr, output_type: str) -> Expr:
    return index if output_type == "int64" else index.to(DTYPES[output_type])


@lowers("Cumsum", layout=ACCUMULATES)
def cumsum(x: Var, axis: Static[int], *, exclusive: bool = False, reverse: bool = False) -> Expr:
    """Exclusive: without the element itself. Reverse: from the end."""
    total = x.flip(axis) if reverse else x
    total = total.cumsum(axis, **_own_type(x))
    total = total.flip(axis) if reverse else total
    return total - x if exclusive else total


@lowers("Cumprod", layout=ACCUMULATES)
def cumprod(x: Var, axis: Static[int], *, exclusive: bool = False, reverse: bool = False) -> Expr:
    """Exclusive: a 1 comes first and the last element goes."""
    factors = x.flip(axis) if reverse else x
    if exclusive:
        first, others = factors.narrow(axis, 0, 1), factors.narrow(axis, 0, size(x, axis) - 1)
        factors = torch.cat([torch.ones_like(first), others], axis)
    product = factors.cumprod(axis, **_own_type(x))
    return product.flip(axis) if reverse else product
