"""What passes share: who reads what, and graphs without what nobody reads."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from tf2torch.ir.match import mentioned, without_dead
from tf2torch.ir.types import Graph, Node, Ref, TensorType, Value
from tf2torch.ops import registry


def substitute(graph: Graph, new: Mapping[Value, Value]) -> Graph:
    """The graph with other values read in the place of some; chains of replacements are followed."""

    def latest(value: Value) -> Value:
        while value in new:
            value = new[value]
        return value

    nodes = (replace(node, inputs=tuple(map(latest, node.inputs))) for node in graph.nodes)
    return replace(graph, nodes=tuple(nodes), outputs=tuple(map(latest, graph.outputs)))


def prune(graph: Graph) -> Graph:
    """Without the nodes and the params that no output depends on."""
    graph = without_dead(graph)
    read = set(graph.outputs).union(*((*node.inputs, *mentioned(node.attrs)) for node in graph.nodes))
    return replace(graph, params={value: param for value, param in graph.params.items() if value in read})


def as_vector(value: Value) -> Value:
    """A param of shape [1, 1, 1, C], seen as a vector."""
    shape = tuple(n or 1 for n in value.type.shape or ())
    length = (math.prod(shape),)
    ref = value.ref and Ref(value.ref.tensor, value.ref.view.reshape(shape, length))
    return Value(value.name, TensorType(value.type.dtype, length), ref)


def with_params(graph: Graph, new: Mapping[Value, Value]) -> Graph:
    """The graph with other values as params in the place of some, of the same kind and with a view of their own."""
    params = {}
    for value, param in graph.params.items():
        made = new.get(value, value)
        params[made] = param if made is value else replace(param, ref=made.ref or param.ref)
    return replace(graph, params=params)


def arguments(node: Node) -> dict[str, tuple[Value, ...]]:
    """The inputs of a node by the names of its handler's parameters; statics that moved into attrs are no inputs.

    Raises KeyError for an op without a handler.
    """
    names = [name for name in positional(node.op) if name.removeprefix("*") not in node.attrs]
    inputs = list(node.inputs)
    spare = len(inputs) - sum(not name.startswith("*") for name in names)
    result: dict[str, tuple[Value, ...]] = {}
    for name in names:
        count = max(spare, 0) if name.startswith("*") else 1
        result[name.removeprefix("*")], inputs = tuple(inputs[:count]), inputs[count:]
    return result


@cache
def positional(op: str) -> tuple[str, ...]:
    """The names of the handler's inputs, in TensorFlow's order; *name where it is a list of tensors."""
    handler = registry.handlers()[op]
    parameters = inspect.signature(handler.function).parameters.values()
    names = (parameter.name for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY)
    return tuple(f"*{name}" if f"*{name}" in handler.tensors else name for name in names)
