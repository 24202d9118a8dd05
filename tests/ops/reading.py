"""What a handler returns, as text that is easy to compare."""

from __future__ import annotations

from tf2torch.ir.types import Node, TensorType, Value
from tf2torch.ops import registry
from tf2torch.ops.expr import Call, Constant, Expr, Var


def text(argument: object) -> str:
    """An expression: x[:, 1:] is x[:, 1:], and a call of a method is method(x, ...)."""
    match argument:
        case Var(value):
            return value.name
        case Call("operator.getitem", (tensor, index)):
            entries = index if isinstance(index, tuple) else (index,)
            return f"{text(tensor)}[{', '.join(map(text, entries))}]"
        case Call(function, args, kwargs):
            said = [*map(text, args), *(f"{name}={text(item)}" for name, item in kwargs)]
            return f"{function.removeprefix('Tensor.').removeprefix('operator.')}({', '.join(said)})"
        case slice():
            parts = [argument.start, argument.stop, *([] if argument.step is None else [argument.step])]
            return ":".join("" if part is None else text(part) for part in parts)
        case tuple() | list():
            return f"({', '.join(map(text, argument))})"
        case Constant(name):
            return name
    return "..." if argument is Ellipsis else repr(argument)


def value(*shape: int | None, name: str = "x") -> Value:
    """A tensor of float32."""
    return Value(name, TensorType("float32", shape), None)


def lowered(op: str, tensor: Value, **attrs: object) -> Expr:
    """What the handler of an op with one output gives. Static inputs stand among the attributes."""
    (result,) = registry.lower(Node(op, (tensor,), (), attrs))
    return result
