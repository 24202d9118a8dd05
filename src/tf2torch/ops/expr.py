"""Expressions: what a handler returns. They are built with the words of PyTorch, and then evaluated or printed.

    F.leaky_relu(features, negative_slope=0.2)   torch.cat([a, b], 1)   x.permute(0, 3, 1, 2)   x * scale + 1.0

A `Call`'s function is one of
    torch.<name>, F.<name>    F is torch.nn.functional
    Tensor.<method>           the first argument is the tensor
    operator.<name>           of Python's module operator; operator.getitem is x[...]
    helpers.<name>            a function of tf2torch.ops.helpers, whose source is printed into the generated file
    size                      size(x, axis): x.shape[axis], a Python int and no tensor
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tf2torch.ir.types import TensorType, Value


class Expr:
    """Something to compute. Operators and tensor methods on it build larger expressions."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Callable[..., Call]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args, **kwargs: call(f"Tensor.{name}", self, *args, **kwargs)

    def __add__(self, other: Any) -> Call:
        return call("operator.add", self, other)

    def __radd__(self, other: Any) -> Call:
        return call("operator.add", other, self)

    def __sub__(self, other: Any) -> Call:
        return call("operator.sub", self, other)

    def __rsub__(self, other: Any) -> Call:
        return call("operator.sub", other, self)

    def __mul__(self, other: Any) -> Call:
        return call("operator.mul", self, other)

    def __rmul__(self, other: Any) -> Call:
        return call("operator.mul", other, self)

    def __truediv__(self, other: Any) -> Call:
        return call("operator.truediv", self, other)

    def __rtruediv__(self, other: Any) -> Call:
        return call("operator.truediv", other, self)

    def __floordiv__(self, other: Any) -> Call:
        return call("operator.floordiv", self, other)

    def __rfloordiv__(self, other: Any) -> Call:
        return call("operator.floordiv", other, self)

    def __mod__(self, other: Any) -> Call:
        return call("operator.mod", self, other)

    def __rmod__(self, other: Any) -> Call:
        return call("operator.mod", other, self)

    def __pow__(self, other: Any) -> Call:
        return call("operator.pow", self, other)

    def __rpow__(self, other: Any) -> Call:
        return call("operator.pow", other, self)

    def __matmul__(self, other: Any) -> Call:
        return call("operator.matmul", self, other)

    def __and__(self, other: Any) -> Call:
        return call("operator.and_", self, other)

    def __rand__(self, other: Any) -> Call:
        return call("operator.and_", other, self)

    def __or__(self, other: Any) -> Call:
        return call("operator.or_", self, other)

    def __ror__(self, other: Any) -> Call:
        return call("operator.or_", other, self)

    def __xor__(self, other: Any) -> Call:
        return call("operator.xor", self, other)

    def __rxor__(self, other: Any) -> Call:
        return call("operator.xor", other, self)

    def __lshift__(self, other: Any) -> Call:
        return call("operator.lshift", self, other)

    def __rlshift__(self, other: Any) -> Call:
        return call("operator.lshift", other, self)

    def __rshift__(self, other: Any) -> Call:
        return call("operator.rshift", self, other)

    def __rrshift__(self, other: Any) -> Call:
        return call("operator.rshift", other, self)

    def __invert__(self) -> Call:
        return call("operator.invert", self)

    def __neg__(self) -> Call:
        return call("operator.neg", self)

    def __lt__(self, other: Any) -> Call:
        return call("operator.lt", self, other)

    def __le__(self, other: Any) -> Call:
        return call("operator.le", self, other)

    def __gt__(self, other: Any) -> Call:
        return call("operator.gt", self, other)

    def __ge__(self, other: Any) -> Call:
        return call("operator.ge", self, other)

    def __getitem__(self, index: Any) -> Call:
        return call("operator.getitem", self, index)

    def __bool__(self) -> bool:
        raise TypeError("an expression has no truth value: it is computed when the network runs")

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("an expression cannot be iterated over: index it")


@dataclass(frozen=True, eq=False, slots=True)
class Var(Expr):
    """A tensor of the graph."""

    value: Value

    @property
    def type(self) -> TensorType:
        return self.value.type

    @property
    def dtype(self) -> str:
        return self.value.type.dtype

    @property
    def dims(self) -> tuple[int | None, ...]:
        """The shape in memory; None where an axis is not known at conversion. `shape` would be a method call."""
        if self.value.type.shape is None:
            raise ValueError(f"the rank of {self.value.name} is not known")
        return self.value.type.shape

    @property
    def rank(self) -> int:
        return len(self.dims)


@dataclass(frozen=True, eq=False, slots=True)
class Call(Expr):
    """function(*args, **kwargs). Arguments are expressions, Python values, and lists, tuples and slices of these."""

    function: str
    args: tuple[Any, ...]
    kwargs: tuple[tuple[str, Any], ...] = ()

    @property
    def is_host(self) -> bool:
        """Whether this is a Python int: a size, or arithmetic of sizes and numbers."""
        if self.function == "size":
            return True
        return self.function.startswith("operator.") and all(
            isinstance(arg, int) or (isinstance(arg, Call) and arg.is_host) for arg in self.args
        )


def call(function: str, *args: Any, **kwargs: Any) -> Call:
    return Call(function, tuple(map(_frozen, args)), tuple((name, _frozen(value)) for name, value in kwargs.items()))


def size(tensor: Expr, axis: int) -> Call:
    """tensor.shape[axis], a Python int of the running network."""
    return call("size", tensor, axis)


def length(tensor: Var, axis: int) -> int | Call:
    """The size of an axis: a number where it is known."""
    known = tensor.dims[axis]
    return size(tensor, axis) if known is None else known


def tensor_of(sizes: Any) -> Var | None:
    """A tensor that a size, arithmetic of sizes or a shape is of. None: all is known."""
    match sizes:
        case Var():
            return sizes
        case Call():
            return tensor_of(sizes.args)
        case tuple() | list():
            return next((found for found in map(tensor_of, sizes) if found is not None), None)
    return None


def equal(x: Any, y: Any) -> Call:
    """Whether elements are equal. The operator == would compare the expressions themselves."""
    return call("operator.eq", x, y)


def _frozen(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(map(_frozen, value))
    return value


class _Module:
    """torch and torch.nn.functional, so that handlers read like PyTorch: `torch.cat([a, b], 1)` builds a Call."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Callable[..., Call]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: call(f"{self._name}.{name}", *args, **kwargs)


@dataclass(frozen=True, slots=True)
class Constant:
    """A name that stands for itself in printed source, such as torch.float32 or math.inf."""

    name: str


_DTYPES = (
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
DTYPES = {name: Constant(f"torch.{name}") for name in _DTYPES}  # by TensorFlow's (and numpy's) name
NEGATIVE_INF = Constant("-math.inf")
torch = _Module("torch")
F = _Module("F")
helpers = _Module("helpers")
