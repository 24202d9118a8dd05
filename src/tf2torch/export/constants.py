"""Folds integers and truth values that are known before the network runs. Float arithmetic on weights stays."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf2torch.export.definition import Definition, Tensor
from tf2torch.export.tensorflow import session, tf

_MEASURES = ("Shape", "ShapeN", "Size", "Rank")
_LARGEST = 1 << 20  # elements of a constant that is computed with


def fold(graph: Definition, dynamic: set[str]) -> None:
    """Puts constants in the place of nodes that compute integers from constants alone.

    dynamic: the inputs. The size of what depends on them is left to be computed, even where the graph fixes it; the
    number of its axes is not.
    """
    imported = load(graph)
    known: set[str] = set()
    feeds: dict[str, Any] = {}
    moving = set(dynamic)
    for name in graph.order():
        operation = imported.get_operation_by_name(name)
        sources = {item.node for item in graph.inputs(name)}
        if sources & moving:
            moving.add(name)
        measured = _measure(operation, fixed=name not in moving)
        if measured is not None:
            feeds[f"{name}:0"] = measured
            known.add(name)
        elif _computable(operation) and sources <= known:
            known.add(name)
    wanted = _border(graph, imported, known)
    if wanted:
        with session(imported) as running:
            values = running.run([item.name for item in wanted], feeds)
        for item, value in zip(wanted, values, strict=True):
            if item.output == 0:
                graph.constant(item.node, value)
        graph.redirect({})


def load(graph: Definition) -> Any:
    """The definition as a tf.Graph, with TensorFlow's shape inference."""
    result = tf.Graph()
    with result.as_default():
        tf.import_graph_def(graph.graph_def(), name="")
    return result


def _measure(operation: Any, *, fixed: bool) -> Any:
    """What a Shape, Size or Rank is, if that is known."""
    if operation.type not in _MEASURES or operation.type == "ShapeN":
        return None
    shape = operation.inputs[0].shape
    dtype = operation.outputs[0].dtype.as_numpy_dtype
    if operation.type == "Rank":
        return None if shape.rank is None else np.asarray(shape.rank, dtype)
    if not fixed or not shape.is_fully_defined():
        return None
    return np.asarray(shape.as_list() if operation.type == "Shape" else shape.num_elements(), dtype)


def _computable(operation: Any) -> bool:
    """Whether an op gives the same small values each time that it runs."""
    if operation.type in ("Placeholder", *_MEASURES) or operation.op_def.is_stateful or not operation.outputs:
        return False
    if any(item.dtype in (tf.resource, tf.variant) or item.dtype._is_ref_dtype for item in operation.outputs):
        return False
    if operation.type == "Const":
        return all((item.shape.num_elements() or 0) <= _LARGEST for item in operation.outputs)
    return operation.type not in ("Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond")


def _border(graph: Definition, imported: Any, known: set[str]) -> list[Tensor]:
    """The known integers that nodes read which are not known themselves."""
    result: dict[Tensor, None] = {}
    for name in graph.nodes:
        if name in known:
            continue
        for item in graph.inputs(name):
            operation = imported.get_operation_by_name(item.node)
            single = len(operation.outputs) == 1 and operation.type != "Const"
            if item.node in known and single and not operation.outputs[0].dtype.is_floating:
                result[item] = None
    return list(result)
