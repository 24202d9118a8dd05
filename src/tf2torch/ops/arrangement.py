"""Ops of our own that passes insert: they move or spell out elements and compute nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tf2torch.ops.expr import DTYPES, Expr, Var, torch
from tf2torch.ops.registry import lowers


@lowers("permute")
def permute(x: Var, *, axes: Sequence[int]) -> Expr:
    """Axis i of the result is axis axes[i] of x."""
    return x.permute(*axes)


@lowers("reshape")
def reshape(x: Var, *, shape: Sequence[Any]) -> Expr:
    """The same elements in another shape."""
    return x.reshape(*shape)


@lowers("unflatten")
def unflatten(x: Var, *, axis: int, sizes: Sequence[int]) -> Expr:
    """One axis becomes several."""
    return x.unflatten(axis, tuple(sizes))


@lowers("flatten")
def flatten(x: Var, *, start: int, end: int) -> Expr:
    """Several axes become one; the last of them is `end`."""
    return x.flatten(start, end)


@lowers("integers")
def integers(*, values: Any, dtype: str) -> Expr:
    """Python numbers and sizes that something reads as a tensor."""
    return torch.tensor(values, dtype=DTYPES[dtype])
