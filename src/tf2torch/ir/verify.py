"""What must hold of every graph, before and after every pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tf2torch.errors import Tf2TorchError
from tf2torch.ir.printer import is_torch, node_text
from tf2torch.ir.types import Graph, Node, Slot, Value
from tf2torch.ir.views import Permute
from tf2torch.ops.expr import Call


class BrokenGraphError(Tf2TorchError):
    """A pass left a graph that is none: a fault of tf2torch, not of the user's model."""


def check(graph: Graph, after: str) -> None:
    """Raises BrokenGraphError, which names the pass `after` which this was found, if the graph is not a sound one."""
    for problem in _problems(graph):
        raise BrokenGraphError(f"The pass {after} broke the graph, which is a fault of tf2torch: {problem}.")


def check_weights(graph: Graph, weights: Mapping[str, np.ndarray[Any, Any]], after: str) -> None:
    """Raises BrokenGraphError if a weight, seen through its param's view, has not the shape of its value."""
    for value, param in graph.params.items():
        seen = param.ref.view.apply(np.broadcast_to(np.int8(0), weights[param.ref.tensor].shape)).shape
        if seen != value.type.shape:
            raise BrokenGraphError(
                f"The pass {after} broke the graph, which is a fault of tf2torch: "
                f"the weight {param.ref.tensor} is {list(seen)}, and {value!r}."
            )


def _problems(graph: Graph) -> Iterator[str]:
    defined: set[Value] = set()
    names: set[str] = set()

    def define(value: Value) -> Iterator[str]:
        if value in defined:
            yield f"{value!r} is computed twice"
        if value.name in names:
            yield f"two values are called {value.name}"
        defined.add(value)
        names.add(value.name)
        yield from _wrong_view(value)

    for value in (*graph.inputs, *graph.params):
        yield from define(value)
    for node in graph.nodes:
        for value in node.inputs:
            if value not in defined:
                yield f"{value!r} is read before it is computed, in {node_text(node)}"
        if not node.outputs:
            yield f"{node!r} computes nothing"
        if is_torch(node):
            yield from _wrong_slots(node)
        for value in node.outputs:
            yield from define(value)
    for value in graph.outputs:
        if value not in defined:
            yield f"the output {value!r} is computed nowhere"


def _wrong_view(value: Value) -> Iterator[str]:
    """A view ends in as many axes as its value has."""
    if value.ref is None or value.type.shape is None or not value.ref.view.steps:
        return
    last = value.ref.view.steps[-1]
    axes = last.axes if isinstance(last, Permute) else last.target
    if len(axes) != len(value.type.shape):
        yield f"{value!r} is seen through {last}, which has {len(axes)} axes"


def _wrong_slots(node: Node) -> Iterator[str]:
    if set(node.attrs) != {"args", "kwargs"}:
        yield f"{node!r} has no args and kwargs"
        return
    used = set(slots((node.attrs["args"], node.attrs["kwargs"])))
    if used != set(range(len(node.inputs))):
        yield f"{node!r} has {len(node.inputs)} inputs and uses {sorted(used)}"


def slots(argument: Any) -> Iterator[int]:
    """Which inputs the arguments of a node of the torch dialect stand for, in order, as often as they occur."""
    match argument:
        case Slot(index):
            yield index
        case Call(_, args, kwargs):
            yield from slots(args)
            yield from slots(tuple(value for _, value in kwargs))
        case slice():
            yield from slots((argument.start, argument.stop, argument.step))
        case tuple() | list():
            for item in argument:
                yield from slots(item)
        case Mapping():
            yield from slots(tuple(argument.values()))
