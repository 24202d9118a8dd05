"""Ops that give back what they get: they matter to training, to checks or to TensorFlow's own machinery."""

from __future__ import annotations

from collections.abc import Sequence

from tf2torch.ops.expr import Expr, Var
from tf2torch.ops.registry import ELEMENTWISE, lowers


@lowers("Identity", "PreventGradient", "Snapshot", "PlaceholderWithDefault", "EnsureShape", layout=ELEMENTWISE)
def identity(input: Var) -> Expr:
    """The same tensor."""
    return input


@lowers("CheckNumerics", "CheckNumericsV2", layout=ELEMENTWISE)
def check_numerics(tensor: Var) -> Expr:
    """The same tensor. TensorFlow stops where it is not finite; a PyTorch network does not look."""
    return tensor


@lowers("DeepCopy", layout=ELEMENTWISE)
def deep_copy(x: Var) -> Expr:
    """A copy that nothing writes to is the tensor itself."""
    return x


@lowers("IdentityN")
def identities(input: Sequence[Var]) -> tuple[Expr, ...]:
    """The same tensors."""
    return tuple(input)


@lowers("StopGradient", layout=ELEMENTWISE)
def stop_gradient(input: Var) -> Expr:
    """The same numbers, through which no gradient goes."""
    return input.detach()


@lowers("Print")
def without_print(input: Var, data: Sequence[Var]) -> Expr:  # noqa: ARG001  # what it would print
    """The same tensor; nothing is printed."""
    return input
