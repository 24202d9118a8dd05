"""Element-wise arithmetic.

Where both operands are annotated Var, either may also be a Python number: passes.lower writes scalar constants so.
Integers stay integers, and division and remainder have TensorFlow's signs.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce
from typing import Any

from tf2torch.ops.expr import Expr, Var, call, equal, torch
from tf2torch.ops.registry import ELEMENTWISE, lowers, lowers_all

lowers_all(
    ELEMENTWISE,
    Abs=torch.abs,
    Acos=torch.acos,
    Acosh=torch.acosh,
    Asin=torch.asin,
    Asinh=torch.asinh,
    Atan=torch.atan,
    Atanh=torch.atanh,
    BesselI0e=lambda x: call("torch.special.i0e", x),
    BesselI1e=lambda x: call("torch.special.i1e", x),
    Ceil=torch.ceil,
    Cos=torch.cos,
    Cosh=torch.cosh,
    Digamma=torch.digamma,
    Erf=torch.erf,
    Erfc=torch.erfc,
    Erfinv=torch.erfinv,
    Exp=torch.exp,
    Expm1=torch.expm1,
    Floor=torch.floor,
    Inv=lambda x: 1 / x,
    Invert=lambda x: ~x,
    Lgamma=torch.lgamma,
    Log=torch.log,
    Log1p=torch.log1p,
    Ndtri=lambda x: call("torch.special.ndtri", x),
    Neg=lambda x: -x,
    Reciprocal=lambda x: 1 / x,
    Rint=torch.round,
    Round=torch.round,  # both round halves to even
    Rsqrt=torch.rsqrt,
    Sign=torch.sign,
    Sin=torch.sin,
    Sinh=torch.sinh,
    Sqrt=torch.sqrt,
    Square=lambda x: x.square(),
    Tan=torch.tan,
)


def is_number(operand: Any) -> bool:
    return not isinstance(operand, Expr)


def _tensors(x: Var, y: Var) -> tuple[Expr, Expr]:
    """The operands for a function that takes no numbers."""
    if is_number(x):
        return torch.full_like(y, x), y
    return x, torch.full_like(x, y) if is_number(y) else y


def _is_integer(x: Var, y: Var) -> bool:
    """Of which type both operands are."""
    tensor = y if is_number(x) else x
    return "int" in tensor.dtype


@lowers("Add", "AddV2", layout=ELEMENTWISE)
def add(x: Var, y: Var) -> Expr:
    return x + y


@lowers("Sub", layout=ELEMENTWISE)
def sub(x: Var, y: Var) -> Expr:
    return x - y


@lowers("Mul", layout=ELEMENTWISE)
def mul(x: Var, y: Var) -> Expr:
    return x * y


@lowers("AddN", "AccumulateNV2", layout=ELEMENTWISE)
def add_n(inputs: Sequence[Var]) -> Expr:
    """A sum of tensors; of one it is that one."""
    terms: Sequence[Expr] = inputs
    return reduce(operator.add, terms)


@lowers("RealDiv", layout=ELEMENTWISE)
def real_div(x: Var, y: Var) -> Expr:
    return x / y


@lowers("Div", layout=ELEMENTWISE)
def div(x: Var, y: Var) -> Expr:
    """Of integers, TruncateDiv."""
    return truncate_div(x, y) if _is_integer(x, y) else x / y


@lowers("TruncateDiv", layout=ELEMENTWISE)
def truncate_div(x: Var, y: Var) -> Expr:
    """Rounds towards zero."""
    x_tensor, _ = _tensors(x, y)
    return torch.div(x_tensor, y, rounding_mode="trunc")


@lowers("FloorDiv", layout=ELEMENTWISE)
def floor_div(x: Var, y: Var) -> Expr:
    """Of floats, TensorFlow rounds the quotient down; Python's (and torch's) 1.0 // 0.1 is 9."""
    return x // y if _is_integer(x, y) else torch.floor(x / y)


@lowers("FloorMod", layout=ELEMENTWISE)
def floor_mod(x: Var, y: Var) -> Expr:
    """With the sign of y, as in Python."""
    return x % y


@lowers("Mod", "TruncateMod", layout=ELEMENTWISE)
def truncate_mod(x: Var, y: Var) -> Expr:
    """With the sign of x, as in C."""
    x_tensor, _ = _tensors(x, y)
    return torch.fmod(x_tensor, y)


@lowers("DivNoNan", layout=ELEMENTWISE)
def div_no_nan(x: Var, y: Var) -> Expr:
    """Where y is 0, so is the result. y is replaced there, else the gradient would be no number."""
    if is_number(y):
        return x / y if y else torch.zeros_like(x)
    return torch.where(equal(y, 0), 0.0, x / y.masked_fill(equal(y, 0), 1.0))


@lowers("MulNoNan", layout=ELEMENTWISE)
def mul_no_nan(x: Var, y: Var) -> Expr:
    """Where y is 0, so is the result, even of an infinite x."""
    if is_number(y):
        return x * y if y else torch.zeros_like(x)
    return torch.where(equal(y, 0), 0.0, x * y)


@lowers("Xdivy", layout=ELEMENTWISE)
def xdivy(x: Var, y: Var) -> Expr:
    """Where x is 0, so is the result, even of 0 / 0."""
    if is_number(x):
        return x / y if x else torch.zeros_like(y)
    return torch.where(equal(x, 0), 0.0, x / y)


@lowers("Xlogy", layout=ELEMENTWISE)
def xlogy(x: Var, y: Var) -> Expr:
    """Where x is 0, so is the result, even of 0 * log(0)."""
    return torch.xlogy(x, y)


@lowers("Xlog1py", layout=ELEMENTWISE)
def xlog1py(x: Var, y: Var) -> Expr:
    """As Xlogy, of 1 + y."""
    return call("torch.special.xlog1py", x, y)


@lowers("Pow", layout=ELEMENTWISE)
def power(x: Var, y: Var) -> Expr:
    return x**y


@lowers("Maximum", layout=ELEMENTWISE)
def maximum(x: Var, y: Var) -> Expr:
    if is_number(x):
        return y.clamp(min=x)
    return x.clamp(min=y) if is_number(y) else torch.maximum(x, y)


@lowers("Minimum", layout=ELEMENTWISE)
def minimum(x: Var, y: Var) -> Expr:
    if is_number(x):
        return y.clamp(max=x)
    return x.clamp(max=y) if is_number(y) else torch.minimum(x, y)


@lowers("ClipByValue", layout=ELEMENTWISE)
def clip_by_value(t: Var, clip_value_min: Var, clip_value_max: Var) -> Expr:
    """Torch takes two numbers or two tensors, but not one of each."""
    if is_number(clip_value_min) == is_number(clip_value_max):
        return t.clamp(clip_value_min, clip_value_max)
    return t.clamp(min=clip_value_min).clamp(max=clip_value_max)


@lowers("SquaredDifference", layout=ELEMENTWISE)
def squared_difference(x: Var, y: Var) -> Expr:
    return (x - y).square()


@lowers("Atan2", layout=ELEMENTWISE)
def atan2(y: Var, x: Var) -> Expr:
    return torch.atan2(*_tensors(y, x))


@lowers("NextAfter", layout=ELEMENTWISE)
def next_after(x1: Var, x2: Var) -> Expr:
    """The floating-point number after x1, on the way to x2."""
    return torch.nextafter(*_tensors(x1, x2))


@lowers("Igamma", layout=ELEMENTWISE)
def igamma(a: Var, x: Var) -> Expr:
    return torch.igamma(*_tensors(a, x))


@lowers("Igammac", layout=ELEMENTWISE)
def igammac(a: Var, x: Var) -> Expr:
    return torch.igammac(*_tensors(a, x))


@lowers("Zeta", layout=ELEMENTWISE)
def zeta(x: Var, q: Var) -> Expr:
    return call("torch.special.zeta", x, q)


@lowers("BitwiseAnd", layout=ELEMENTWISE)
def bitwise_and(x: Var, y: Var) -> Expr:
    return x & y


@lowers("BitwiseOr", layout=ELEMENTWISE)
def bitwise_or(x: Var, y: Var) -> Expr:
    return x | y


@lowers("BitwiseXor", layout=ELEMENTWISE)
def bitwise_xor(x: Var, y: Var) -> Expr:
    return x ^ y


@lowers("LeftShift", layout=ELEMENTWISE)
def left_shift(x: Var, y: Var) -> Expr:
    return x << y


@lowers("RightShift", layout=ELEMENTWISE)
def right_shift(x: Var, y: Var) -> Expr:
    """Keeps the sign."""
    return x >> y
