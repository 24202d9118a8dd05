"""From an inference graph in TensorFlow to our own, in the TensorFlow dialect."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from tf2torch.export import constants, variables
from tf2torch.export.definition import Definition, Tensor
from tf2torch.export.normalize import Array, Inference
from tf2torch.export.tensorflow import tf
from tf2torch.ir.types import Attr, Graph, Kind, Node, Param, Ref, TensorType, Value
from tf2torch.numerals import shortest


def read(inference: Inference, info: Mapping[str, Attr]) -> tuple[Graph, dict[str, Array]]:
    """The graph, and the value of each of its params by the name of the variable or constant."""
    graph = Definition(inference.definition.graph_def())
    constants.fold(graph, {item.node for item in inference.inputs})
    graph.prune([*inference.outputs, *inference.inputs])
    weights = {name: value for name, value in inference.weights.items() if name in graph.nodes}
    kinds: dict[str, Kind] = {name: inference.kinds[name] for name in weights}
    constant = variables.large_constants(graph)
    for name, value in constant.items():
        weights[name], kinds[name] = value, "buffer"
    imported = constants.load(graph)
    values: dict[Tensor, Value] = {}
    params: dict[Value, Param] = {}
    nodes = []
    for name in graph.order():
        operation = imported.get_operation_by_name(name)
        for index, output in enumerate(operation.outputs):
            item = Tensor(name, index)
            ref = name if name in weights else item.name
            values[item] = Value(item.name if index else name, _type(output), Ref(ref))
        if name in weights:
            params[values[Tensor(name)]] = Param(Ref(name), kinds[name])
        elif Tensor(name) not in inference.inputs:
            nodes.append(_node(graph, operation, values, inference.decays))
    result = Graph(
        tuple(values[item] for item in inference.inputs),
        tuple(values[item] for item in inference.outputs),
        tuple(nodes),
        params,
        MappingProxyType({**info, **({"constants": tuple(constant)} if constant else {})}),
    )
    return result, weights


def _type(output: Any) -> TensorType:
    shape = output.shape
    return TensorType(_dtype(output.dtype.base_dtype), None if shape.rank is None else tuple(shape.as_list()))


def _node(graph: Definition, operation: Any, values: Mapping[Tensor, Value], decays: Mapping[str, float]) -> Node:
    definition = operation.node_def
    attrs = {name: attribute(value) for name, value in definition.attr.items() if not name.startswith("_")}
    if operation.type.startswith("FusedBatchNorm"):
        decay = decays.get(graph.inputs(operation.name)[3].node)
        attrs.update({} if decay is None else {"decay": decay})
    return Node(
        operation.type,
        tuple(values[item] for item in graph.inputs(operation.name)),
        tuple(values[Tensor(operation.name, index)] for index in range(len(operation.outputs))),
        MappingProxyType(dict(sorted(attrs.items()))),
        tuple(operation.name.split("/")[:-1]),
        (operation.name,),
    )


def attribute(proto: Any) -> Attr:
    """The Python value of an AttrValue. A float32 is its shortest decimal, a dtype numpy's name of it."""
    kind = proto.WhichOneof("value")
    if kind == "list":
        lists = {field.name: items for field, items in proto.list.ListFields()}
        return tuple(_scalar(name, item) for name, items in lists.items() for item in items)
    return None if kind is None else _scalar(kind, getattr(proto, kind))


def _scalar(kind: str, value: Any) -> Attr:
    match kind:
        case "s":
            return value.decode("utf-8", "replace")
        case "f":
            return shortest(value)
        case "type":
            return _dtype(tf.as_dtype(value))
        case "shape":
            return None if value.unknown_rank else tuple(None if d.size < 0 else d.size for d in value.dim)
        case "tensor":
            array = tf.make_ndarray(value)
            return _texts(array) if array.dtype == object else array
        case "func":
            return value.name
    return value


def _texts(array: Any) -> Any:
    return np.vectorize(lambda item: item.decode("utf-8", "replace"), otypes=[str])(array)


def _dtype(dtype: Any) -> str:
    return str(dtype.name)
