"""Calls whose weights are parameters become modules: F.conv2d(x, weight, bias) a nn.Conv2d."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tf2torch.ir.types import Graph, Kind, Node, Slot, Value
from tf2torch.ops.expr import NEGATIVE_INF
from tf2torch.outline.structure import Leaf, Step

_Promotion = Callable[[Node, dict[str, Any]], Leaf | None]
_POOLS = {f"F.max_pool{n}d": f"MaxPool{n}dSame" for n in (1, 2, 3)}
SAME_POOLS = frozenset(_POOLS.values())  # modules of ours: pooling that pads for the size at hand


def promote(graph: Graph) -> list[Step]:
    """A step for each node, in order; padding that belongs to a convolution or a pooling is part of its step."""
    users = graph.users()
    producers = graph.producers()
    private = {value: param.kind for value, param in graph.params.items() if len(users.get(value, ())) == 1}
    steps: dict[Node, Step] = {}
    for node in graph.nodes:
        padding = _own_padding(node, producers, users, graph.outputs)
        leaf = _leaf(node, padding, private)
        if leaf is None:
            steps[node] = Step(node, node.inputs, node.outputs, _name(node), (node,))
            continue
        source = padding or node
        nodes = (padding, node) if padding else (node,)
        if padding:
            del steps[padding]
        steps[node] = Step(leaf, (source.inputs[0],), node.outputs, _name(node), nodes)
    return list(steps.values())


def _name(node: Node) -> str:
    """What the author called the operation."""
    return node.name.rsplit("/", 1)[-1]


def _own_padding(
    node: Node, producers: dict[Value, Node], users: dict[Value, list[Node]], outputs: tuple[Value, ...]
) -> Node | None:
    """The dynamic SAME padding that only this convolution or pooling reads."""
    if not node.inputs or not (node.op.startswith("F.conv") or node.op in _POOLS):
        return None
    padding = producers.get(node.inputs[0])
    if padding is None or padding.op != "helpers.pad_same" or padding.output in outputs:
        return None
    filled = padding.attrs["kwargs"].get("value", 0.0) == (NEGATIVE_INF if node.op in _POOLS else 0.0)
    return padding if filled and len(users[padding.output]) == 1 else None


def _leaf(node: Node, padding: Node | None, private: Mapping[Value, Kind]) -> Leaf | None:
    """The module that a call is, if its weights are params that nobody else reads."""
    if padding is not None and node.op in _POOLS:
        given = arguments(node, ("input", "kernel_size", "stride"))
        kernel = given["kernel_size"]
        return Leaf(_POOLS[node.op], {"kernel_size": kernel, "stride": given.get("stride", kernel)})
    promotion = _PROMOTIONS.get(node.op)
    if promotion is None or not all(value in private for value in node.inputs[1:]):
        return None
    leaf = promotion(node, arguments(node, _SIGNATURES[node.op]))
    if leaf is not None:
        if not all(_may_be(name, private[value]) for name, value in leaf.weights.items()):
            return None
        kept = tuple(name for name, value in leaf.weights.items() if private[value] == "frozen")
        leaf.args["fixed"] = (*leaf.args.get("fixed", ()), *kept)
    if leaf is not None and padding is not None:
        if leaf.args["padding"] != 0:
            return None
        leaf.args["padding"] = "same"
        leaf.class_name = f"{leaf.class_name.removeprefix('nn.')}Same"
    return leaf


def _may_be(name: str, kind: Kind) -> bool:
    """Whether a layer can have a param in this place: only statistics are buffers, and they are not trained."""
    return kind != ("trainable" if name.startswith("running_") else "buffer")


_CONVOLUTION = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_TRANSPOSED = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
_SIGNATURES = {
    **{f"F.conv{n}d": _CONVOLUTION for n in (1, 2, 3)},
    **{f"F.conv_transpose{n}d": _TRANSPOSED for n in (1, 2, 3)},
    "F.linear": ("input", "weight", "bias"),
    "F.batch_norm": ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"),
    "F.instance_norm": ("input",),
}


def arguments(node: Node, names: tuple[str, ...]) -> dict[str, Any]:
    """The arguments of a node by name; a Slot stands for an input."""
    return {**dict(zip(names, node.attrs["args"], strict=False)), **node.attrs["kwargs"]}


def _value(node: Node, argument: Any) -> Value | None:
    return node.inputs[argument.index] if isinstance(argument, Slot) else None


def _weights(node: Node, given: dict[str, Any], names: tuple[str, ...]) -> dict[str, Value]:
    return {name: value for name in names if (value := _value(node, given.get(name))) is not None}


def _same_axes(numbers: tuple[int, ...]) -> int | tuple[int, ...]:
    """One number where all axes have the same, as one would write it."""
    return numbers[0] if len(set(numbers)) == 1 else numbers


def _convolution(node: Node, given: dict[str, Any]) -> Leaf | None:
    weights = _weights(node, given, ("weight", "bias"))
    if "weight" not in weights:
        return None
    shape, groups = _dims(weights["weight"]), given.get("groups", 1)
    args = {
        "in_channels": shape[1] * groups,
        "out_channels": shape[0],
        "kernel_size": _same_axes(shape[2:]),
        "stride": given.get("stride", 1),
        "padding": given.get("padding", 0),
        "dilation": given.get("dilation", 1),
        "groups": groups,
        "bias": "bias" in weights,
    }
    return Leaf(f"nn.Conv{len(shape) - 2}d", args, weights)


def _transposed(node: Node, given: dict[str, Any]) -> Leaf | None:
    weights = _weights(node, given, ("weight", "bias"))
    if "weight" not in weights or not _plain([given.get(name) for name in _TRANSPOSED[3:]]):
        return None
    shape, groups = _dims(weights["weight"]), given.get("groups", 1)
    args = {
        "in_channels": shape[0],
        "out_channels": shape[1] * groups,
        "kernel_size": _same_axes(shape[2:]),
        "stride": given.get("stride", 1),
        "padding": given.get("padding", 0),
        "output_padding": given.get("output_padding", 0),
        "groups": groups,
        "bias": "bias" in weights,
        "dilation": given.get("dilation", 1),
    }
    return Leaf(f"nn.ConvTranspose{len(shape) - 2}d", args, weights)


def _plain(arguments_: list[Any]) -> bool:
    """Whether all are numbers known at conversion, as a constructor needs them."""
    return all(
        argument is None or isinstance(argument, int) or (isinstance(argument, tuple) and _plain(list(argument)))
        for argument in arguments_
    )


def _linear(node: Node, given: dict[str, Any]) -> Leaf | None:
    weights = _weights(node, given, ("weight", "bias"))
    if "weight" not in weights:
        return None
    shape = _dims(weights["weight"])
    return Leaf("nn.Linear", {"in_features": shape[1], "out_features": shape[0], "bias": "bias" in weights}, weights)


def _batch_norm(node: Node, given: dict[str, Any]) -> Leaf | None:
    """A batch norm without gamma (or beta) has it all the same, at 1 (or 0), and does not train it."""
    weights = _weights(node, given, ("weight", "bias", "running_mean", "running_var"))
    if given.get("training") or not {"running_mean", "running_var"} <= set(weights):
        return None
    shape = node.inputs[0].type.shape
    rank = 4 if shape is None else len(shape)
    args = {
        "num_features": _dims(weights["running_mean"])[0],
        "eps": given.get("eps", 1e-5),
        "momentum": given.get("momentum", 0.1),
        "affine": "weight" in weights or "bias" in weights,
    }
    fixed = tuple(name for name in ("weight", "bias") if args["affine"] and name not in weights)
    return Leaf(f"nn.BatchNorm{max(rank - 2, 1)}d", {**args, "fixed": fixed}, weights)


def _instance_norm(node: Node, given: dict[str, Any]) -> Leaf | None:
    """PyTorch's has both gamma and beta, or neither, which a function says as well."""
    weights = _weights(node, given, ("weight", "bias"))
    shape = node.inputs[0].type.shape
    if len(weights) < 2 or shape is None or not 3 <= len(shape) <= 5 or set(given) - {"input", *weights, "eps"}:
        return None
    args = {"num_features": _dims(weights["weight"])[0], "eps": given.get("eps", 1e-5), "affine": True}
    return Leaf(f"nn.InstanceNorm{len(shape) - 2}d", args, weights)


def _dims(value: Value) -> tuple[int, ...]:
    assert value.type.shape is not None
    return tuple(n for n in value.type.shape if n is not None)


_PROMOTIONS: dict[str, _Promotion] = {
    **{f"F.conv{n}d": _convolution for n in (1, 2, 3)},
    **{f"F.conv_transpose{n}d": _transposed for n in (1, 2, 3)},
    "F.linear": _linear,
    "F.batch_norm": _batch_norm,
    "F.instance_norm": _instance_norm,
}
