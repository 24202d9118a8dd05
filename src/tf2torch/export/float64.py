"""The inference graph in float64: how far TensorFlow's own float32 is from the truth.

That distance is the yardstick of the comparison: a conversion cannot be held to more than TensorFlow itself keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tf2torch.export.decompositions import DECOMPOSITIONS
from tf2torch.export.definition import Definition, Tensor
from tf2torch.export.tensorflow import tf
from tf2torch.export.variables import LARGE
from tf2torch.numerals import shortest


class Unwidened(Exception):  # noqa: N818  # it is said like a sentence: raise Unwidened("...")
    """Why there is no such graph in float64."""


def widen(graph: Definition, imported: Any) -> dict[Tensor, Any]:
    """Builds the graph again in the current tf.Graph, every float32 as a float64. Returns its tensors.

    imported: the graph as it is, as a tf.Graph. Raises Unwidened for a loop.
    """
    values: dict[Tensor, Any] = {}
    order = graph.order()
    if len(order) < len(graph.nodes) or any(graph.nodes[name].op == "NextIteration" for name in order):
        raise Unwidened("the graph has a loop")
    for name in order:
        operation = imported.get_operation_by_name(name)
        results = _widened(operation, [values[item] for item in graph.inputs(name)])
        values.update({Tensor(name, index): result for index, result in enumerate(results)})
    return values


def _widened(operation: Any, inputs: Sequence[Any]) -> Sequence[Any]:
    decompose = DECOMPOSITIONS.get(operation.type)
    if decompose is not None:
        result = decompose(operation, inputs)
        if result is not None:
            return [result]
    attrs = {name: _copy(value) for name, value in operation.node_def.attr.items() if not name.startswith("_")}
    wide = _wide_attrs(operation)
    for name in wide:
        _widen_type(attrs[name])
    if operation.type == "Const" and "dtype" in wide:
        attrs["value"].tensor.CopyFrom(_wide_constant(attrs["value"].tensor))
    needed = [
        _as(value, _needed(given.dtype, argument, wide))
        for value, given, argument in zip(inputs, operation.inputs, _arguments(operation), strict=True)
    ]
    graph = tf.get_default_graph()
    made = graph.create_op(operation.type, needed, None, name=operation.name, attrs=attrs)
    return [_as(output, tf.float64) if output.dtype.base_dtype == tf.float32 else output for output in made.outputs]


def _wide_attrs(operation: Any) -> set[str]:
    """The attributes that name the type float32, and may as well name float64."""
    result = set()
    for attr in operation.op_def.attr:
        allowed = attr.allowed_values.list.type
        given = operation.node_def.attr[attr.name]
        types = [*given.list.type] if attr.type == "list(type)" else [given.type] if attr.type == "type" else []
        if tf.float32.as_datatype_enum in types and (not allowed or tf.float64.as_datatype_enum in allowed):
            result.add(attr.name)
    return result


def _arguments(operation: Any) -> list[Any]:
    """The argument in the op's definition that each input belongs to."""
    result = []
    attrs = operation.node_def.attr
    for argument in operation.op_def.input_arg:
        count = attrs[argument.number_attr].i if argument.number_attr else 1
        if argument.type_list_attr:
            count = len(attrs[argument.type_list_attr].list.type)
        result.extend([argument] * count)
    return result


def _needed(dtype: Any, argument: Any, wide: set[str]) -> Any:
    """The type of an input of the wide op."""
    is_wide = argument.type_attr in wide or argument.type_list_attr in wide
    return tf.float64 if is_wide and dtype.base_dtype == tf.float32 else dtype.base_dtype


def _as(value: Any, dtype: Any) -> Any:
    return value if value.dtype.base_dtype == dtype else tf.cast(value, dtype)


def _copy(attr: Any) -> Any:
    result = tf.AttrValue()
    result.CopyFrom(attr)
    return result


def _widen_type(attr: Any) -> None:
    narrow, wide = tf.float32.as_datatype_enum, tf.float64.as_datatype_enum
    if attr.WhichOneof("value") == "list":
        types = [wide if item == narrow else item for item in attr.list.type]
        attr.list.type[:] = types
    elif attr.type == narrow:
        attr.type = wide


def _wide_constant(proto: Any) -> Any:
    """A number is what its author meant; a large constant, which no source spells out, what it is."""
    value = tf.make_ndarray(proto)
    same = value.size > 0 and bool((value == value.flat[0]).all())
    if same:
        wide = np.full(value.shape, shortest(value.flat[0]))
    elif value.size <= LARGE:
        wide = np.vectorize(shortest, otypes=[np.float64])(value)
    else:
        wide = value.astype(np.float64)
    return tf.make_tensor_proto(wide, shape=value.shape)
