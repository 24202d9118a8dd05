"""What TensorFlow computes for a case, and what the handler's expression computes."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from tests.ops.case import Case, Static
from tf2torch.export.tensorflow import session, tf
from tf2torch.ir.interpret import evaluate
from tf2torch.ir.types import Node, Ref, TensorType, Value
from tf2torch.ops import registry

# After tf2torch.export.tensorflow, which decides how TensorFlow behaves.
op_def_library: Any = importlib.import_module("tensorflow.python.framework.op_def_library")
op_def_registry: Any = importlib.import_module("tensorflow.python.framework.op_def_registry")


def definition(op: str) -> Any:
    """TensorFlow's own definition of an op: its inputs, attributes and defaults. None: there is no such op."""
    return op_def_registry.get(op)


def expected(case: Case) -> list[Any]:
    """The outputs of the op in TensorFlow."""
    if str(case.attrs.get("data_format", "")).startswith("NC"):
        return [np.moveaxis(array, -1, 1) if array.ndim > 2 else array for array in expected(_channels_last(case))]
    graph, feeds, outputs = build(case)
    with session(graph) as running:
        return list(running.run(outputs, feeds))


def build(case: Case) -> tuple[Any, dict[Any, Any], list[Any]]:
    """A TensorFlow graph with the op in it, what to feed, and its outputs."""
    graph = tf.Graph()
    feeds: dict[Any, Any] = {}

    def tensor(value: Any) -> Any:
        if isinstance(value, Static):
            return tf.constant(value.value)
        if isinstance(value, list):
            return [tensor(item) for item in value]
        placeholder = tf.placeholder(value.dtype, value.shape)
        feeds[placeholder] = value
        return placeholder

    with graph.as_default():
        inputs = {name: tensor(value) for name, value in case.inputs.items()}
        attrs = {**dict.fromkeys(_optional(case.op)), **case.attrs}  # None: TensorFlow's default
        result = op_def_library.apply_op(case.op, **inputs, **attrs)  # tf.raw_ops has names of its own
    return graph, feeds, [result] if isinstance(result, tf.Tensor) else list(result)


def _channels_last(case: Case) -> Case:
    """The same case in the order that TensorFlow's CPU kernels have."""
    images = _images(registry.handlers()[case.op])

    def last(values: list[Any]) -> list[Any]:
        return [values[0], *values[2:], values[1]]

    def attr(name: str, value: Any) -> Any:
        if name in ("strides", "ksize", "dilations"):
            return last(value)
        if name == "explicit_paddings":
            return [*value[:2], *value[4:], *value[2:4]]
        return str(value).replace("C", "") + "C" if name == "data_format" else value

    inputs = {name: np.moveaxis(given, 1, -1) if name in images else given for name, given in case.inputs.items()}
    if "input_sizes" in inputs:
        inputs["input_sizes"] = Static(last(inputs["input_sizes"].value))
    return replace(case, inputs=inputs, attrs={name: attr(name, value) for name, value in case.attrs.items()})


def _images(handler: registry.Handler) -> tuple[str, ...]:
    """The inputs that the handler wants channels first."""
    first = handler.tensors[0].removeprefix("*") if handler.tensors else ""
    return (handler.layout.images or (first,)) if handler.layout.kind == "channels" else ()


def actual(case: Case) -> list[Any]:
    """The outputs of our expressions, in TensorFlow's order of axes. Raises Refuse where the handler refuses."""
    node, values = prepare(case)
    results = [evaluate(expression, values) for expression in registry.lower(node)]
    arrays = [np.asarray(result.numpy() if isinstance(result, torch.Tensor) else result) for result in results]
    if moved(case):
        arrays = [np.moveaxis(array, 1, -1) if array.ndim > 2 else array for array in arrays]
    return arrays


def prepare(case: Case) -> tuple[Node, dict[Value, Any]]:
    """A node such as the passes leave for the handler, and the tensors of its inputs."""
    handler = registry.handlers()[case.op]
    images = moved(case)
    values: dict[Value, Any] = {}

    def value(name: str, array: Any) -> Value:
        if name in images and array.ndim > 2:
            array = np.moveaxis(array, -1, 1)
        made = Value(name, TensorType(array.dtype.name, array.shape), Ref(name))
        values[made] = torch.from_numpy(np.array(array, order="C"))
        return made

    inputs: list[Value] = []
    statics: dict[str, Any] = {}
    tensors = [given for name, given in case.inputs.items() if name not in handler.statics]
    for parameter, given in zip(handler.tensors, tensors, strict=False):  # what passes add is absent
        for index, item in enumerate(given if isinstance(given, list) else [given]):
            array = np.asarray(item.value if isinstance(item, Static) else item)
            inputs.append(value(f"{parameter[1:]}_{index}" if parameter.startswith("*") else parameter, array))
    for name in handler.statics:
        given = case.inputs[name]
        assert isinstance(given, Static), f"{name} is a static input: write Static(...)"
        statics[name] = as_static(given.value)
    attrs = {**_types(case), **{name: _attr(given) for name, given in case.attrs.items()}, **statics}
    return Node(case.op, tuple(inputs), (), attrs, (), (case.op,)), values


def moved(case: Case) -> tuple[str, ...]:
    """The inputs whose channels `prepare` puts first. If there are any, those of the outputs come first too."""
    in_tensorflow_order = "data_format" not in case.attrs or str(case.attrs["data_format"]).endswith("C")
    return _images(registry.handlers()[case.op]) if in_tensorflow_order else ()


def _types(case: Case) -> dict[str, str]:
    """The attributes that name the types of inputs."""
    given = {name: value.value if isinstance(value, Static) else value for name, value in case.inputs.items()}
    args = [arg for arg in definition(case.op).input_arg if arg.type_attr and not arg.number_attr]
    return {arg.type_attr: np.asarray(given[arg.name]).dtype.name for arg in args if arg.name in given}


def _types(case: Case) -> dict[str, str]:
    """The types that the inputs tell: the nodes of a graph have them as attributes."""
    result: dict[str, str] = {}
    for arg in definition(case.op).input_arg:
        given = case.inputs.get(arg.name)
        first = given[0] if isinstance(given, list) else given
        if arg.type_attr and first is not None:
            result[arg.type_attr] = np.asarray(first.value if isinstance(first, Static) else first).dtype.name
    return result


def required(op: str) -> set[str]:
    """Attributes that a call must give: they have no default, and the inputs do not tell."""
    return {attr.name for attr in op_def_registry.get(op).attr if not attr.HasField("default_value")} - _told(op)


def _optional(op: str) -> set[str]:
    return {attr.name for attr in op_def_registry.get(op).attr if attr.HasField("default_value")} - _told(op)


def _told(op: str) -> set[str]:
    """Attributes that follow from the inputs."""
    args = op_def_registry.get(op).input_arg
    return {name for arg in args for name in (arg.type_attr, arg.type_list_attr, arg.number_attr)}


def as_static(value: Any) -> Any:
    """A constant as passes.statics hands it over: Python numbers, and tuples of these."""
    value = np.asarray(value)
    if value.ndim == 0:
        return value.item()
    return tuple(as_static(item) for item in value)


def _attr(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(map(_attr, value))
    return value.as_numpy_dtype.__name__ if isinstance(value, tf.DType) else value
