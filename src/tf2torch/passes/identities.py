"""Nodes that change nothing when a network is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

from tf2torch.ir.types import Graph, Node, Value
from tf2torch.passes.rewrite import prune, substitute

# StopGradient is not among them: without it the gradients would differ from TensorFlow's.
_ALWAYS = frozenset({"Identity", "IdentityN", "Snapshot", "CheckNumerics", "PreventGradient", "PlaceholderWithDefault"})


def identities(graph: Graph) -> Graph:
    """Without the nodes that give back what they are given; two transposes in a row become one.

    Before:
        input %x: float32[?, 2, 3]
        %a: float32[?, 2, 3] = Identity(%x)
        %b: float32[?, 3, 2] = Transpose(%a, perm=(0, 2, 1))
        %c: float32[?, 2, 3] = Transpose(%b, perm=(0, 2, 1))
        %d: float32[?, 2, 3] = Relu(%c)
        %e: float32[?, 2, 3] = Reshape(%d, shape=(-1, 2, 3))
        output %e
    After:
        input %x: float32[?, 2, 3]
        %d: float32[?, 2, 3] = Relu(%x)
        output %d
    """
    producers: dict[Value, Node] = {}
    gone: dict[Value, Value] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        node = _without_double_transpose(
            replace(node, inputs=tuple(gone.get(value, value) for value in node.inputs)), producers
        )
        if _changes_nothing(node):
            gone.update(zip(node.outputs, node.inputs, strict=False))
        else:
            nodes.append(node)
            producers.update(dict.fromkeys(node.outputs, node))
    return prune(substitute(graph.with_nodes(nodes), gone))


def _changes_nothing(node: Node) -> bool:
    return node.op in _ALWAYS or (node.op in _WHERE and bool(node.inputs) and _WHERE[node.op](node))


def _without_double_transpose(node: Node, producers: dict[Value, Node]) -> Node:
    """A transpose of a transpose, as one transpose of what the first was given."""
    before = producers.get(node.inputs[0]) if node.inputs else None
    if node.op != "Transpose" or before is None or before.op != "Transpose":
        return node
    if "perm" not in node.attrs or "perm" not in before.attrs:
        return node
    perm = tuple(before.attrs["perm"][axis] for axis in node.attrs["perm"])
    attrs = MappingProxyType({**node.attrs, "perm": perm})
    return replace(node, inputs=before.inputs, attrs=attrs, origin=(*before.origin, *node.origin))


def _keeps_its_shape(node: Node) -> bool:
    """Same shape in and out, of which at most one size is unknown: a reshape then moves nothing."""
    before, after = node.inputs[0].type.shape, node.output.type.shape
    return before is not None and before == after and before.count(None) <= 1


def _keeps_its_rank(node: Node) -> bool:
    before, after = node.inputs[0].type.shape, node.output.type.shape
    return before is not None and after is not None and len(before) == len(after)


def _is_in_order(node: Node) -> bool:
    perm = node.attrs.get("perm")
    return perm is not None and tuple(perm) == tuple(range(len(perm)))


def _keeps_its_dtype(node: Node) -> bool:
    return node.inputs[0].type.dtype == node.output.type.dtype


def _pads_nothing(node: Node) -> bool:
    return "paddings" in node.attrs and not any(width for pair in node.attrs["paddings"] for width in pair)


def _repeats_once(node: Node) -> bool:
    multiples = node.attrs.get("multiples")
    return multiples is not None and all(isinstance(n, int) and n == 1 for n in multiples)


def _joins_one(node: Node) -> bool:
    return len(node.inputs) == 1 and "axis" in node.attrs


_WHERE: dict[str, Callable[[Node], bool]] = {
    "Reshape": _keeps_its_shape,
    "EnsureShape": _keeps_its_dtype,
    "Squeeze": _keeps_its_rank,
    "Transpose": _is_in_order,
    "Cast": _keeps_its_dtype,
    "Pad": _pads_nothing,
    "PadV2": _pads_nothing,
    "MirrorPad": _pads_nothing,
    "Tile": _repeats_once,
    "ConcatV2": _joins_one,
}
