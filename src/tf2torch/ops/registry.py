"""Which handler lowers which TensorFlow op, and how a node's inputs and attributes become its arguments."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import tf2torch.ops
from tf2torch.ir.types import Node, Value
from tf2torch.ops.expr import Expr, Var

T = TypeVar("T")
_STATIC = "static"
Static = Annotated[T, _STATIC]  # an input of the op that must be known at conversion: a number, a tuple, an array
Result = Expr | tuple[Expr, ...]  # a tuple: one for each output of the op
Function = TypeVar("Function", bound=Callable[..., Result])


class Refuse(Exception):  # noqa: N818  # it is said like a sentence: raise Refuse("...")
    """Why this node cannot be expressed. The reason reaches the user and docs/ops.md."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What an op wants of the order of the axes in memory.

    kind: "channels" (wants the tensors named in `images` channels first, and gives its outputs so), "elementwise"
    (joins any order), "axes" (follows its first tensor, once the named attributes are remapped), "opaque" (wants
    TensorFlow's own order).
    axes: attributes or static inputs that are an axis or several. per_axis: those with one entry for each axis.
    """

    kind: Literal["channels", "elementwise", "axes", "opaque"]
    images: tuple[str, ...] = ()  # empty: the first tensor
    axes: tuple[str, ...] = ()
    per_axis: tuple[str, ...] = ()


CHANNELS = Layout("channels")
ELEMENTWISE = Layout("elementwise")
OPAQUE = Layout("opaque")


def channels(*images: str) -> Layout:
    return Layout("channels", images)


def axes(*names: str, per_axis: Sequence[str] = ()) -> Layout:
    return Layout("axes", (), names, tuple(per_axis))


@dataclass(frozen=True, slots=True)
class Handler:
    op: str
    function: Callable[..., Result]
    layout: Layout
    tensors: tuple[str, ...]  # parameters that are tensors, in TensorFlow's order; *name where it is a list of them
    statics: tuple[str, ...]  # inputs that must be known at conversion
    attrs: Mapping[str, Any]  # attribute -> default; inspect.Parameter.empty where there is none
    family: str  # the module it stands in


_handlers: dict[str, Handler] = {}


def lowers(*ops: str, layout: Layout = OPAQUE) -> Callable[[Function], Function]:
    """Registers a function as the handler of TensorFlow ops.

    Its positional parameters are the op's inputs under TensorFlow's names: tensors (annotated Var), lists of tensors
    (Sequence[Var]) and Static[...] ones. Keyword-only parameters are attributes with TensorFlow's defaults; those
    that do not matter are left out. Ops of our own, which only passes make, have lower-case names; a tensor
    parameter with the default None, such as a bias, is one that passes add.
    It returns an expression, or a tuple with one for each output; it raises Refuse(reason) for a combination that
    PyTorch cannot express.
    """

    def register(function: Function) -> Function:
        for op in ops:
            _register(op, function, layout)
        return function

    return register


def lowers_all(layout: Layout = OPAQUE, /, **functions: Callable[..., Expr]) -> None:
    """Registers ops of one tensor that PyTorch has a function for: Relu=F.relu."""
    for op, function in functions.items():
        _register(op, _unary(function), layout)


def _unary(function: Callable[..., Expr]) -> Callable[..., Result]:
    def handler(x: Var) -> Expr:
        return function(x)

    return handler


def _register(op: str, function: Callable[..., Result], layout: Layout) -> None:
    if op in _handlers:
        raise ValueError(f"{op} has two handlers: {_handlers[op].function.__name__} and {function.__name__}")
    hints = get_type_hints(function, include_extras=True)
    tensors, statics, attrs = [], [], {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            attrs[name] = parameter.default
        elif get_origin(hints[name]) is Annotated and _STATIC in get_args(hints[name]):
            statics.append(name)
        else:
            tensors.append(
                f"*{name}" if get_origin(hints[name]) is not None and "Sequence" in str(hints[name]) else name
            )
    family = inspect.getmodule(function).__name__.rpartition(".")[2]  # type: ignore[union-attr]  # it has one
    family = _caller_family() if family == "registry" else family
    _handlers[op] = Handler(op, function, layout, tuple(tensors), tuple(statics), attrs, family)


def _caller_family() -> str:
    """The module that called lowers_all."""
    frame = inspect.currentframe()
    while frame and frame.f_globals["__name__"] == __name__:
        frame = frame.f_back
    return str(frame.f_globals["__name__"]).rpartition(".")[2] if frame else ""


def handlers() -> Mapping[str, Handler]:
    """Every handler by op. The modules of this package are imported on the first call."""
    _import_families()
    return _handlers


@cache
def _import_families() -> None:
    for module in pkgutil.iter_modules(tf2torch.ops.__path__):
        if module.name != "helpers":  # these import torch, which only the PyTorch side has
            importlib.import_module(f"tf2torch.ops.{module.name}")


def lower(node: Node, numbers: Mapping[Value, int | float] = MappingProxyType({})) -> tuple[Expr, ...]:
    """The expressions of a node's outputs. Statics stand in its attrs, as passes.statics leaves them.

    numbers: inputs that the handler gets as Python numbers; those of element-wise ops take them.
    Raises KeyError for an op without a handler, Refuse where the handler refuses.
    """
    handler = handlers()[node.op]
    inputs = [numbers.get(value, Var(value)) for value in node.inputs]
    spare = len(inputs) - sum(not name.startswith("*") for name in handler.tensors)  # what the list of tensors takes
    arguments: dict[str, Any] = {}
    for name in handler.tensors:
        if name.startswith("*"):
            arguments[name[1:]], inputs = inputs[:spare], inputs[spare:]
        elif inputs:  # an optional one, such as a bias, is absent
            arguments[name] = inputs.pop(0)
    for name in handler.statics:
        if name not in node.attrs:
            raise Refuse(f"its input {name} is computed while the network runs, and must be known before")
        arguments[name] = node.attrs[name]
    arguments.update({name: node.attrs[name] for name in handler.attrs if name in node.attrs})
    result = handler.function(**arguments)
    return result if isinstance(result, tuple) else (result,)
