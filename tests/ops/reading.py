"""Short ways to a tensor and to what a handler makes of it."""

from __future__ import annotations

from tf2torch.ir.types import Node, TensorType, Value
from tf2torch.ops import registry
from tf2torch.ops.expr import Expr


def value(*shape: int | None, name: str = "x") -> Value:
    """A tensor of float32."""
    return Value(name, TensorType("float32", shape), None)


def lowered(op: str, tensor: Value, **attrs: object) -> Expr:
    """What the handler of an op with one output gives. Static inputs stand among the attributes."""
    (result,) = registry.lower(Node(op, (tensor,), (), attrs))
    return result
