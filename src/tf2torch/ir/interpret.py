"""Runs what PyTorch would: expressions, and graphs of the torch dialect. PyTorch side."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch

from tf2torch.ir.types import Graph, Slot, Value
from tf2torch.ops import helpers
from tf2torch.ops.expr import Call, Constant, Expr, Var

_SPECIAL: dict[str, Callable[..., Any]] = {"size": lambda tensor, axis: tensor.shape[axis]}


def function(name: str) -> Callable[..., Any]:
    """The callable that a call names; see `tf2torch.ops.expr`."""
    if name in _SPECIAL:
        return _SPECIAL[name]
    module, _, rest = name.partition(".")
    modules = {
        "torch": torch,
        "F": torch.nn.functional,
        "Tensor": torch.Tensor,
        "operator": operator,
        "helpers": helpers,
    }
    result: Any = modules[module]
    for part in rest.split("."):
        result = getattr(result, part)
    return result  # type: ignore[no-any-return]  # it is what the name says


def evaluate(argument: Any, values: Mapping[Value, Any]) -> Any:
    """An expression, or any structure of arguments around expressions, with the tensors of `values`."""
    if isinstance(argument, Var):
        return values[argument.value]
    if isinstance(argument, Call):
        kwargs = {name: evaluate(value, values) for name, value in argument.kwargs}
        return function(argument.function)(*(evaluate(value, values) for value in argument.args), **kwargs)
    if isinstance(argument, Expr):
        raise TypeError(f"cannot evaluate {argument!r}")
    return _structure(argument, lambda item: evaluate(item, values))


def run(graph: Graph, feeds: Mapping[Value, Any], weights: Mapping[Value, Any]) -> dict[Value, Any]:
    """Every value of a graph in the torch dialect, from the tensors of its inputs and params."""
    values: dict[Value, Any] = {**weights, **feeds}
    for node in graph.nodes:
        tensors = [values[value] for value in node.inputs]
        args = fill(node.attrs["args"], tensors)
        result = function(node.op)(*args, **fill(node.attrs["kwargs"], tensors))
        results = result if len(node.outputs) > 1 else (result,)
        values.update(zip(node.outputs, results, strict=True))
    return values


def fill(argument: Any, tensors: list[Any]) -> Any:
    """Arguments of a node of the torch dialect with its inputs in the slots."""
    if isinstance(argument, Slot):
        return tensors[argument.index]
    if isinstance(argument, Call):  # a size, or arithmetic of sizes
        kwargs = {name: fill(value, tensors) for name, value in argument.kwargs}
        return function(argument.function)(*(fill(value, tensors) for value in argument.args), **kwargs)
    return _structure(argument, lambda item: fill(item, tensors))


def _structure(argument: Any, inner: Callable[[Any], Any]) -> Any:
    if isinstance(argument, (list, tuple)):
        return type(argument)(map(inner, argument))
    if isinstance(argument, Mapping):
        return {name: inner(value) for name, value in argument.items()}
    if isinstance(argument, slice):
        return slice(inner(argument.start), inner(argument.stop), inner(argument.step))
    if isinstance(argument, Constant):
        module, _, name = argument.name.removeprefix("-").partition(".")
        value = getattr({"torch": torch, "math": math}[module], name)
        return -value if argument.name.startswith("-") else value
    return argument
