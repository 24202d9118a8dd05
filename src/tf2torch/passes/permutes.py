"""Rearrangements that need not be computed when the network runs. Works on the torch dialect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from tf2torch.ir.types import Graph, Node, Param, Ref, Slot, TensorType, Value
from tf2torch.ir.views import View
from tf2torch.passes.rewrite import prune, substitute

_PERMUTE, _RESHAPE, _FLATTEN, _LINEAR = "Tensor.permute", "Tensor.reshape", "Tensor.flatten", "F.linear"


def permutes(graph: Graph) -> Graph:
    """Rearranges weights once instead of each time; drops and absorbs permutes of what the network computes.

    Before:
        input %x: float32[?, 3, 4, 5]
        param %w: float32[60, 2] trainable
        %a: float32[?, 4, 5, 3] = Tensor.permute(%x, 0, 2, 3, 1)
        %b: float32[?, 60] = Tensor.reshape(%a, -1, 60)
        %t: float32[2, 60] = Tensor.permute(%w, 1, 0)
        %y: float32[?, 2] = F.linear(%b, %t)
        output %y
    After:
        input %x: float32[?, 3, 4, 5]
        param %w: float32[2, 60] ~permute(1, 0) ~reshape(2, 4, 5, 3) ~permute(0, 3, 1, 2) ~reshape(2, 60) trainable
        %b: float32[?, 60] = Tensor.flatten(%x, 1)
        %y: float32[?, 2] = F.linear(%b, %w)
        output %y
    """
    for step in (_weights, _pairs, _reshaped, _columns):
        graph = prune(step(graph))
    return graph


def residual_permutes(graph: Graph) -> int:
    """How many permutes of computed values are left, each of which a reader has to think about."""
    return sum(node.op == _PERMUTE and node.inputs[0] not in graph.params for node in graph.nodes)


def _numbers(node: Node) -> tuple[int, ...] | None:
    """The axes or the shape that a method is given after its tensor, written one by one or as one tuple."""
    args = node.attrs["args"][1:]
    args = args[0] if len(args) == 1 and isinstance(args[0], (tuple, list)) else args
    return tuple(args) if all(isinstance(item, int) for item in args) and not node.attrs["kwargs"] else None


def _rearrangement(node: Node, value: Value) -> tuple[View, tuple[int | None, ...]] | None:
    """The view that a node is of a value, and the shape of its result; None if it is not one that is known."""
    numbers, shape = _numbers(node) if node.op in (_PERMUTE, _RESHAPE) else None, value.type.shape
    if numbers is None or shape is None or node.inputs != (value,) or node.attrs["args"][0] != Slot(0):
        return None
    view = value.ref.view if value.ref else View()
    if node.op == _PERMUTE:
        axes = tuple(axis % len(shape) for axis in numbers)
        return view.permute(axes), tuple(shape[axis] for axis in axes)
    if None in shape:
        return None
    known = [n for n in shape if n is not None]
    rest = math.prod(known) // max(1, math.prod(n for n in numbers if n != -1))
    target = tuple(rest if n == -1 else n for n in numbers)
    return view.reshape(known, target), target


def _weights(graph: Graph) -> Graph:
    """Folds what every reader of a param does with it into the param's view."""
    changed = True
    while changed:
        changed = False
        users = graph.users()
        params: dict[Value, Param] = {}
        new: dict[Value, Value] = {}
        for value, param in graph.params.items():
            readers = users.get(value, [])
            views = [_rearrangement(node, value) for node in readers]
            if not views or value in graph.outputs or any(view is None or view != views[0] for view in views):
                params[value] = param
                continue
            view, shape = views[0] or (View(), ())
            ref = Ref(param.ref.tensor, view)
            folded = Value(value.name, TensorType(value.type.dtype, shape), ref)
            params[folded] = replace(param, ref=ref)
            new.update({node.output: folded for node in readers})
            changed = True
        nodes = [node for node in graph.nodes if node.outputs[0] not in new]
        graph = substitute(replace(graph, nodes=tuple(nodes), params=params), new)
    return graph


def _pairs(graph: Graph) -> Graph:
    """A permute of a permute is one permute, and one that moves nothing is none."""
    producers: dict[Value, Node] = {}
    gone: dict[Value, Value] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        node = replace(node, inputs=tuple(gone.get(value, value) for value in node.inputs))
        axes = _numbers(node) if node.op == _PERMUTE else None
        before = producers.get(node.inputs[0]) if axes else None
        first = _numbers(before) if before is not None and before.op == _PERMUTE else None
        if axes and before is not None and first is not None:
            axes = tuple(first[axis] for axis in axes)
            node = replace(node, inputs=before.inputs, attrs=_attrs(Slot(0), *axes))
        if axes and axes == tuple(range(len(axes))):
            gone[node.output] = node.inputs[0]
            continue
        nodes.append(node)
        producers.update(dict.fromkeys(node.outputs, node))
    return substitute(graph.with_nodes(nodes), gone)


def _reshaped(graph: Graph) -> Graph:
    """A permute that passes only axes of length one changes nothing for a reshape after it, and is one before it.

    x.permute(0, 2, 3, 1).reshape(-1, 8) of [N, 8, 1, 1] is x.flatten(1), and so is every reshape to [N, all the rest];
    x.reshape(-1, 1, 1, 8).permute(0, 3, 1, 2) is x.reshape(-1, 8, 1, 1).
    """
    producers: dict[Value, Node] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        before = producers.get(node.inputs[0]) if node.inputs else None
        if before is not None and _keeps_order(before) and _takes_any_axes(node, before):
            node = replace(node, inputs=(before.inputs[0], *node.inputs[1:]))
        elif before is not None and _keeps_order(node):
            node = _as_one_reshape(before, node, producers) or node
        if node.op == _RESHAPE and _is_flatten(node):
            node = replace(node, op=_FLATTEN, inputs=node.inputs[:1], attrs=_attrs(Slot(0), 1))
        nodes.append(node)
        producers.update(dict.fromkeys(node.outputs, node))
    return graph.with_nodes(nodes)


def _as_one_reshape(before: Node, permute: Node, producers: dict[Value, Node]) -> Node | None:
    """What only adds, drops, splits or joins axes, and a permute that keeps the order, as one reshape."""
    axes, shape = _permutation(permute)
    if axes is None or shape.count(None) > 1 or not _is_reshape(before):
        return None
    last = before  # of those that the author wrote, which says where in the network they belong
    while _is_reshape(before) and before.inputs[0] in producers and _is_reshape(producers[before.inputs[0]]):
        before = producers[before.inputs[0]]
    target = tuple(-1 if n is None else n for n in shape)
    return Node(_RESHAPE, before.inputs[:1], permute.outputs, _attrs(Slot(0), *target), last.scope, last.origin)


def _is_reshape(node: Node) -> bool:
    if node.op == "operator.getitem":
        index = node.attrs["args"][1]
        return isinstance(index, tuple) and all(item is None or item in (..., slice(None)) for item in index)
    return node.op in (_RESHAPE, _FLATTEN, "Tensor.unflatten", "Tensor.unsqueeze", "Tensor.squeeze")


def _columns(graph: Graph) -> Graph:
    """permute, flatten, linear: the weight's columns are permuted instead."""
    producers, users = graph.producers(), graph.users()
    replaced: dict[Node, Node] = {}
    new: dict[Value, Value] = {}
    for flat in graph.nodes:
        before = producers.get(flat.inputs[0]) if _is_flatten_from_1(flat) else None
        axes, shape = _permutation(before)
        if before is None or axes is None or axes[0] != 0 or flat.output in graph.outputs:
            continue
        sizes = [n for n in shape[1:] if n is not None]
        weights = [_only_weight(node, flat.output, graph, users) for node in users.get(flat.output, [])]
        found = [weight for weight in weights if weight is not None]
        if len(sizes) < len(shape) - 1 or not found or len(found) < len(weights):
            continue
        new.update({weight: _with_columns(weight, graph.params[weight], sizes, axes) for weight in found})
        replaced[flat] = replace(flat, inputs=before.inputs)
    params = {
        new.get(value, value): replace(param, ref=new[value].ref or param.ref) if value in new else param
        for value, param in graph.params.items()
    }
    nodes = [replaced.get(node, node) for node in graph.nodes]
    return substitute(replace(graph, nodes=tuple(nodes), params=params), new)


def _only_weight(node: Node, flat: Value, graph: Graph, users: dict[Value, list[Node]]) -> Value | None:
    """The weight of a linear layer that nobody else reads."""
    if node.op != _LINEAR or len(node.inputs) < 2 or node.inputs[0] is not flat:
        return None
    if node.attrs["args"][:2] != (Slot(0), Slot(1)):
        return None
    weight = node.inputs[1]
    return weight if weight in graph.params and users[weight] == [node] and weight not in graph.outputs else None


def _with_columns(weight: Value, param: Param, sizes: Sequence[int], axes: tuple[int, ...]) -> Value:
    """A weight [out, in] whose columns run over the axes as they were before the permute."""
    rows, columns = weight.type.shape or (None, None)
    assert rows is not None
    assert columns == math.prod(sizes), "the weight of a linear layer fits its input"
    inverse = tuple(axes.index(axis) for axis in range(len(axes)))
    view = param.ref.view.reshape((rows, columns), (rows, *sizes)).permute(inverse)
    view = view.reshape((rows, *((0, *sizes)[axis] for axis in inverse[1:])), (rows, columns))
    return Value(weight.name, weight.type, Ref(param.ref.tensor, view))


def _permutation(node: Node | None) -> tuple[tuple[int, ...] | None, tuple[int | None, ...]]:
    """The axes of a permute and the shape of its result; None and nothing if it is none."""
    axes = _numbers(node) if node is not None and node.op == _PERMUTE else None
    shape = node.inputs[0].type.shape if node is not None and axes is not None else None
    return (None, ()) if shape is None or axes is None else (axes, tuple(shape[axis] for axis in axes))


def _keeps_order(node: Node) -> bool:
    """Whether a permute only passes axes of length one, so that the elements stay in order."""
    axes, shape = _numbers(node) if node.op == _PERMUTE else None, node.inputs[0].type.shape if node.inputs else None
    if axes is None or shape is None:
        return False
    moved = [axis for axis in axes if shape[axis] != 1]
    return moved == sorted(moved)


def _takes_any_axes(node: Node, before: Node) -> bool:
    """Whether only the order of the elements that a permute gives matters: not, say, for x.flatten(1, 2)."""
    if node.op == _RESHAPE:
        return _numbers(node) is not None
    return _is_flatten_from_1(node) and (_numbers(before) or (1,))[0] == 0


def _is_flatten_from_1(node: Node) -> bool:
    return node.op == _FLATTEN and node.attrs["args"] == (Slot(0), 1) and not node.attrs["kwargs"]


def _is_flatten(node: Node) -> bool:
    """A reshape of [N, a, b, ...] to [N, a * b * ...]."""
    before, after = node.inputs[0].type.shape, node.output.type.shape
    if before is None or after is None or len(after) != 2 or len(before) < 3 or None in before[1:]:
        return False
    return after[1] == math.prod(n for n in before[1:] if n is not None) and before[0] in (None, after[0])


def _attrs(*args: Any) -> MappingProxyType[str, Any]:
    return MappingProxyType({"args": args, "kwargs": MappingProxyType({})})
