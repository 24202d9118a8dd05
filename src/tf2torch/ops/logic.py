"""Comparisons, logic, and choices by a condition. Operands may be Python numbers, as in arithmetic."""

from __future__ import annotations

from tf2torch.ops.arithmetic import is_number
from tf2torch.ops.expr import Expr, Var, call, equal, torch
from tf2torch.ops.registry import ELEMENTWISE, axes, lowers, lowers_all

lowers_all(
    ELEMENTWISE,
    IsFinite=torch.isfinite,
    IsInf=torch.isinf,
    IsNan=torch.isnan,
    LogicalNot=lambda x: ~x,
)


@lowers("Equal", layout=ELEMENTWISE)
def equal_to(x: Var, y: Var) -> Expr:
    return equal(x, y)


@lowers("NotEqual", layout=ELEMENTWISE)
def not_equal(x: Var, y: Var) -> Expr:
    return call("operator.ne", x, y)


@lowers("Less", layout=ELEMENTWISE)
def less(x: Var, y: Var) -> Expr:
    return x < y


@lowers("LessEqual", layout=ELEMENTWISE)
def less_equal(x: Var, y: Var) -> Expr:
    return x <= y


@lowers("Greater", layout=ELEMENTWISE)
def greater(x: Var, y: Var) -> Expr:
    return x > y


@lowers("GreaterEqual", layout=ELEMENTWISE)
def greater_equal(x: Var, y: Var) -> Expr:
    return x >= y


@lowers("ApproximateEqual", layout=ELEMENTWISE)
def approximate_equal(x: Var, y: Var, *, tolerance: float = 1e-5) -> Expr:
    """Nearer than an absolute tolerance."""
    return (x - y).abs() < tolerance


@lowers("LogicalAnd", layout=ELEMENTWISE)
def logical_and(x: Var, y: Var) -> Expr:
    return x & y


@lowers("LogicalOr", layout=ELEMENTWISE)
def logical_or(x: Var, y: Var) -> Expr:
    return x | y


@lowers("Select", layout=axes())
def select(condition: Var, t: Var, e: Var) -> Expr:
    """TensorFlow 1's: a vector as condition chooses whole rows. It follows the layout of the condition."""
    rank = (e if is_number(t) else t).rank
    if condition.rank == 1 < rank:
        return torch.where(condition[(slice(None), *[None] * (rank - 1))], t, e)
    return torch.where(condition, t, e)


@lowers("SelectV2", layout=ELEMENTWISE)
def select_v2(condition: Var, t: Var, e: Var) -> Expr:
    """All three broadcast."""
    return torch.where(condition, t, e)


@lowers("Where")
def where(input: Var) -> Expr:
    """The indices of what is not zero, a row each."""
    return input.nonzero()
