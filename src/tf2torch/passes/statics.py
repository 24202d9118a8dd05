"""Inputs that PyTorch wants as Python numbers leave the graph: they become attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from tf2torch.ir.types import Attr, Graph, Node, Value
from tf2torch.numerals import shortest
from tf2torch.ops import registry
from tf2torch.ops.expr import Call
from tf2torch.passes import host
from tf2torch.passes.rewrite import arguments, prune

Array = np.ndarray[Any, Any]


def statics(graph: Graph) -> Graph:
    """What a handler declares Static and is known now becomes an attribute under TensorFlow's name of the input.

    Before:
        input %x: float32[?, 4]
        %axis: int32[1] = Const(value=array("int32", [1]))
        %y: float32[?] = Mean(%x, %axis, keep_dims=False)
        output %y
    After:
        input %x: float32[?, 4]
        %y: float32[?] = Mean(%x, keep_dims=False, reduction_indices=(1,))
        output %y
    """
    return _moved(graph, host.evaluate(graph), _is_number)


def sizes(graph: Graph) -> Graph:
    """So does what is arithmetic of sizes that are known only when the network runs. Runs once layouts are assigned.

    Before:
        input %x: float32[?, 2, 3]
        %shape: int32[3] = Shape(%x)
        %zero: int32[1] = Const(value=array("int32", [0]))
        %one: int32[1] = Const(value=array("int32", [1]))
        %batch: int32[] = StridedSlice(%shape, %zero, %one, %one, shrink_axis_mask=1)
        %rest: int32[] = Const(value=array("int32", 6))
        %target: int32[2] = Pack(%batch, %rest)
        %y: float32[?, 6] = Reshape(%x, %target)
        output %y
    After:
        input %x: float32[?, 2, 3]
        %y: float32[?, 6] = Reshape(%x, shape=(size(%x, 0), 6))
        output %y
    """
    known = host.evaluate(graph)
    graph = graph.with_nodes([_as_integers(node, known) for node in graph.nodes])
    return _moved(graph, known, lambda _: True)


def _moved(graph: Graph, known: Mapping[Value, Array], wanted: Callable[[Array], bool]) -> Graph:
    def moved(node: Node) -> Node:
        handler = registry.handlers().get(node.op)
        if handler is None or not handler.statics:
            return node
        given = arguments(node)
        found: dict[str, Attr] = {}
        for name in handler.statics:
            for value in given.get(name, ()):
                if value in known and wanted(known[value]):
                    found[name] = as_static(known[value])
        inputs = tuple(value for name, values in given.items() if name not in found for value in values)
        return replace(node, inputs=inputs, attrs=MappingProxyType({**node.attrs, **found})) if found else node

    return prune(graph.with_nodes([moved(node) for node in graph.nodes]))


def as_static(array: Any) -> Any:
    """A Python number or a size, or tuples of these. A float32 means its shortest decimal."""
    if isinstance(array, np.ndarray):
        return as_static(array[()]) if array.ndim == 0 else tuple(map(as_static, array))
    if isinstance(array, np.float32):
        return shortest(array)
    return array.item() if isinstance(array, np.generic) else array


def _is_number(array: Array) -> bool:
    return array.dtype != object or not any(isinstance(item, Call) for item in array.flat)


def _as_integers(node: Node, known: Mapping[Value, Array]) -> Node:
    """Sizes that are read as a tensor after all. Arithmetic of floats stays with the network."""
    if node.op == "Const" or len(node.outputs) != 1 or node.output not in known:
        return node
    values, dtype = known[node.output], node.output.type.dtype
    if not _is_number(values):
        attrs: Mapping[str, Attr] = {"values": as_static(values), "dtype": dtype}
        return replace(node, op="integers", inputs=(), attrs=MappingProxyType(attrs))
    if np.dtype(dtype).kind not in "iub":
        return node
    return replace(node, op="Const", inputs=(), attrs=MappingProxyType({"value": values.astype(dtype)}))
