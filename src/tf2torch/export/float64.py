"""The inference graph in float64: how far TensorFlow's own float32 is from the truth.

That distance is the yardstick of the comparison: a conversion cannot be held to more than TensorFlow itself keeps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tf2torch.export.checkpoint import OUTPUT, Loaded
from tf2torch.export.tensorflow import session, tf

_TYPE_ATTRIBUTES = ("T", "dtype", "DstT", "U")


def outputs(loaded: Loaded, batch: Any) -> Any:
    """What the network computes in float64 for a batch [n, H, W, 3] -> [n, classes]."""
    definition = tf.graph_util.extract_sub_graph(loaded.graph.as_graph_def(), [OUTPUT])
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(_in_float64(definition), name="")
    with session(graph) as running:
        feeds = {f"{name}:0": value.astype(np.float64) for name, value in loaded.variables.items()}
        known = {node.name for node in definition.node}
        feeds = {name: value for name, value in feeds.items() if name.removesuffix(":0") in known}
        return running.run(f"{OUTPUT}:0", {**feeds, f"{loaded.input_name}:0": batch.astype(np.float64)})


def _in_float64(definition: Any) -> Any:
    """The same graph with every float32 made float64. Variables become placeholders: a protobuf holds only 2 GB."""
    result = tf.GraphDef()
    result.versions.CopyFrom(definition.versions)
    for node in definition.node:
        if node.op.startswith("FusedBatchNorm"):  # has no float64 kernel
            result.node.extend(_batch_norm(node))
            continue
        copy = result.node.add()
        copy.CopyFrom(node)
        if node.op in ("Variable", "VariableV2"):
            copy.ClearField("attr")
            copy.op = "Placeholder"
            copy.attr["dtype"].type = tf.float64.as_datatype_enum
            copy.attr["shape"].shape.CopyFrom(node.attr["shape"].shape)
            continue
        _widen(copy)
    return result


def _widen(node: Any) -> None:
    is_float = any(
        node.attr[name].type == tf.float32.as_datatype_enum for name in _TYPE_ATTRIBUTES if name in node.attr
    )
    for name in _TYPE_ATTRIBUTES:
        if name in node.attr and node.attr[name].type == tf.float32.as_datatype_enum:
            node.attr[name].type = tf.float64.as_datatype_enum
    if node.op == "Const" and is_float:
        value = tf.make_ndarray(node.attr["value"].tensor)
        wide = np.vectorize(decimal, otypes=[np.float64])(value)
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(wide, shape=value.shape))


def _batch_norm(node: Any) -> list[Any]:
    """FusedBatchNorm at inference as (x - mean) * (scale * rsqrt(variance + epsilon)) + offset, in float64."""
    features, scale, offset, mean, variance = node.input[:5]
    prefix = f"{node.name}/float64"
    epsilon = _node(f"{prefix}/epsilon", "Const", [])
    epsilon.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(decimal(node.attr["epsilon"].f), tf.float64))
    del epsilon.attr["T"]
    epsilon.attr["dtype"].type = tf.float64.as_datatype_enum
    steps = [
        ("shifted", "AddV2", [variance, f"{prefix}/epsilon"]),
        ("inverse", "Rsqrt", [f"{prefix}/shifted"]),
        ("factor", "Mul", [scale, f"{prefix}/inverse"]),
        ("centred", "Sub", [features, mean]),
        ("scaled", "Mul", [f"{prefix}/centred", f"{prefix}/factor"]),
    ]
    return [
        epsilon,
        *(_node(f"{prefix}/{name}", operation, inputs) for name, operation, inputs in steps),
        _node(node.name, "AddV2", [f"{prefix}/scaled", offset]),
    ]


def _node(name: str, operation: str, inputs: list[str]) -> Any:
    node = tf.NodeDef(name=name, op=operation, input=inputs)
    node.attr["T"].type = tf.float64.as_datatype_enum
    return node


def decimal(value: float) -> float:
    """The shortest decimal that is this float32, as the author of the network wrote it: 0.001, not 0.0010000000475."""
    return float(str(np.float32(value)))
