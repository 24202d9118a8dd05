"""Which nodes of a graph are its weights, and of what kind. In a frozen graph the way they are read tells them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from tf2torch.export.definition import Definition, Tensor
from tf2torch.export.tensorflow import tf
from tf2torch.ir.types import Kind, Shape

Array = np.ndarray[Any, Any]

LARGE = 64  # elements: a constant with more is a buffer rather than text in the generated source

_VARIABLES = ("Variable", "VariableV2", "VarHandleOp")
_READ = re.compile(r"(^|/)(read|ReadVariableOp)(_\d+)?$")
_MOVING = re.compile(r"(^|/)(moving_\w+|running_\w+|\w*ExponentialMovingAverage)$")
# Inputs that are weights, for frozen graphs of which a tool has taken the reads.
_WEIGHT_INPUTS: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(("Conv2D", "Conv3D", "DepthwiseConv2dNative", "Dilation2D", "BiasAdd"), (1,)),
    **dict.fromkeys(("Conv2DBackpropInput", "Conv3DBackpropInputV2", "MatMul"), (1,)),
    **dict.fromkeys(("BatchMatMul", "BatchMatMulV2"), (1,)),
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), (1, 2, 3, 4)),
    **dict.fromkeys(("Gather", "GatherV2"), (0,)),
}
_ARITHMETIC = ("Add", "AddV2", "Sub", "Mul", "RealDiv")
_FLOATS = (tf.float16, tf.bfloat16, tf.float32, tf.float64)


def shapes(graph: Definition) -> dict[str, Shape | None]:
    """The variables in a graph, with the shapes that it gives them."""
    result: dict[str, Shape | None] = {}
    for name, node in graph.nodes.items():
        if node.op in _VARIABLES:
            shape = tf.TensorShape(node.attr["shape"].shape)
            result[name] = tuple(shape.as_list()) if shape.rank is not None else None
    return result


def dtypes(graph: Definition) -> dict[str, Any]:
    """The types of the variables in a graph, as numpy has them."""
    return {
        name: tf.as_dtype(node.attr["dtype"].type).as_numpy_dtype
        for name, node in graph.nodes.items()
        if node.op in _VARIABLES
    }


def normalize(graph: Definition, values: Mapping[str, Array]) -> dict[str, Array]:
    """Puts placeholders in the place of variables, or, where there are none, of constants that were variables.

    Returns their values by name. The users of a variable's reads use the variable: read twice, it is still one weight.
    """
    found = {name: values[name] for name in shapes(graph)} or {
        name: _value(graph.nodes[name]) for name in _frozen(graph)
    }
    for name, value in found.items():
        dtype = tf.as_dtype(value.dtype).as_datatype_enum
        graph.placeholder(name, dtype, tf.TensorShape(value.shape).as_proto())
    _resources(graph)
    _bypass_reads(graph, found)
    return found


def large_constants(graph: Definition) -> dict[str, Array]:
    """Puts placeholders in the place of constants that are too large to be written out. Returns their values."""
    found = {}
    for name, node in graph.nodes.items():
        if node.op == "Const" and _elements(node) > LARGE and not _uniform(value := _value(node)):
            found[name] = value
    for name, value in found.items():
        graph.placeholder(name, graph.nodes[name].attr["dtype"].type, tf.TensorShape(value.shape).as_proto())
    return found


def _resources(graph: Definition) -> None:
    """Reads of resources become reads of tensors."""
    for node in list(graph.nodes.values()):
        if node.op == "ReadVariableOp":
            dtype = node.attr["dtype"].type
            node.op = "Identity"
            node.ClearField("attr")
            node.attr["T"].type = dtype
        elif node.op == "ResourceGather":
            node.op = "GatherV2"
            node.attr["Tparams"].type = node.attr["dtype"].type
            node.attr["Taxis"].type = tf.int32.as_datatype_enum
            node.attr.pop("dtype")
            node.attr.pop("validate_indices", None)
            node.input.append(f"{node.name}/axis")
            graph.constant(f"{node.name}/axis", np.int32(0))


def _bypass_reads(graph: Definition, weights: Collection[str]) -> None:
    reads = {}
    for name, node in graph.nodes.items():
        if node.op == "Identity" and _READ.search(name) and graph.inputs(name)[0].node in weights:
            reads[Tensor(name)] = graph.inputs(name)[0]
    graph.redirect(reads)


def _frozen(graph: Definition) -> list[str]:
    """The constants that were variables: those that are read, or, where no tool left a read, that are used as such."""
    read: dict[str, None] = {}
    used: dict[str, None] = {}
    for name, node in graph.nodes.items():
        for index, source in enumerate(graph.inputs(name)):
            constant = graph.nodes[source.node]
            if constant.op != "Const" or tf.as_dtype(constant.attr["dtype"].type) not in _FLOATS:
                continue
            if node.op == "Identity" and _READ.search(name):
                read[source.node] = None
            elif index in _WEIGHT_INPUTS.get(node.op, ()) and not _uniform(_value(constant)):
                used[source.node] = None
    chosen = read or {**used, **_vectors(graph, used)}
    return [name for name in graph.nodes if name in chosen]


def _vectors(graph: Definition, kernels: Collection[str]) -> dict[str, None]:
    """The vectors beside the kernels, as long as one of these has channels: decomposed batch norms, and biases."""
    shapes = [_value(graph.nodes[name]).shape for name in kernels]
    lengths = {shape[-1] for shape in shapes if len(shape) > 1} | {int(np.prod(shape[2:])) for shape in shapes}
    found: dict[str, None] = {}
    for name, node in graph.nodes.items():
        for source in graph.inputs(name) if node.op in _ARITHMETIC else ():
            constant = graph.nodes[source.node]
            if constant.op == "Const" and tf.as_dtype(constant.attr["dtype"].type) in _FLOATS:
                value = _value(constant)
                if value.size in lengths and value.size == max(value.shape, default=0) and not _uniform(value):
                    found[source.node] = None
    return found


def _value(node: Any) -> Array:
    value: Array = tf.make_ndarray(node.attr["value"].tensor)
    return value


def _elements(node: Any) -> int:
    return int(np.prod([axis.size for axis in node.attr["value"].tensor.tensor_shape.dim]))


def _uniform(value: Array) -> bool:
    return value.size > 0 and bool((value == value.flat[0]).all())


def kinds(graph: Definition, weights: Mapping[str, Array], trainable: Collection[str] | None) -> dict[str, Kind]:
    """The kind of each weight. Where nobody knows what was trained, all but statistics and integers were."""
    statistics = _statistics(graph)

    def kind(name: str) -> Kind:
        if trainable is not None and name in trainable:
            return "trainable"
        if name in statistics or _MOVING.search(name) or not np.issubdtype(weights[name].dtype, np.floating):
            return "buffer"
        return "trainable" if trainable is None else "frozen"

    return {name: kind(name) for name in weights}


def _statistics(graph: Definition) -> set[str]:
    """The nodes that a batch norm takes for its mean and its variance, fused or decomposed."""
    users = graph.users()
    result: set[str] = set()
    for name, node in graph.nodes.items():
        if node.op.startswith("FusedBatchNorm"):
            result.update(source.node for source in graph.inputs(name)[3:5])
        elif node.op in ("Rsqrt", "Sqrt"):
            added = graph.inputs(name)[0].node
            if graph.nodes[added].op in ("Add", "AddV2"):
                result.update(source.node for source in graph.inputs(added) if _is_weight(graph, source))
                result.update(_means(graph, users, name))
    return {name for name in result if _is_weight(graph, Tensor(name))}


def _means(graph: Definition, users: Mapping[Tensor, list[tuple[str, int]]], root: str) -> set[str]:
    """The means beside a decomposed batch norm's rsqrt(variance + epsilon), which gamma may scale.

    (x - mean) * scale, and x * scale + (beta - mean * scale).
    """
    result: set[str] = set()
    scales = [root]
    for scale in scales:
        for user, index in users.get(Tensor(scale), []):
            if graph.nodes[user].op not in ("Mul", "RealDiv"):
                continue
            other = graph.inputs(user)[1 - index]
            if graph.nodes[other.node].op == "Sub":
                result.update(source.node for source in graph.inputs(other.node)[1:])
            elif _is_weight(graph, other):
                if any(graph.nodes[name].op == "Sub" and place == 1 for name, place in users.get(Tensor(user), [])):
                    result.add(other.node)
                elif scale == root:
                    scales.append(user)
    return result


def _is_weight(graph: Definition, item: Tensor) -> bool:
    return bool(graph.nodes[item.node].op == "Placeholder")
