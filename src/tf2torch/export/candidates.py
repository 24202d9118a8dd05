"""Which tensors of a graph may be its output: what the network computes last, before losses and the like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tf2torch.errors import InputError
from tf2torch.export import constants, training
from tf2torch.export.definition import Definition, Tensor
from tf2torch.export.tensorflow import tf

_TRAINING_OPS = re.compile(
    r"\w*CrossEntropy\w*|Apply\w+|ResourceApply\w+|Assign\w*|\w+Grad(V\d)?|\w*Summary\w*|Save\w*|Restore\w*|InTopK\w*"
    r"|L2Loss|Print\w*|Assert|ScatterUpdate|Queue(Enqueue|Close|Size)\w*"
)
_TRAINING_SCOPES = re.compile(r"(^|/)(gradients|losses|save|report_uninitialized_variables)(_\d+)?/")
_FLOATS = (tf.float16, tf.float32, tf.float64)


@dataclass(frozen=True, slots=True)
class Candidate:
    tensor: Tensor
    shape: tuple[int | None, ...] | None
    distance: int  # nodes between it and the input, on the longest way


def best(definition: Any) -> Candidate:
    """The last one. Raises InputError if there is none."""
    found = find(Definition(definition))
    if not found:
        raise InputError(
            "No tensor of the graph looks like an output: floats that depend on an input and that nothing else reads. "
            "Name it: OUTPUT=."
        )
    return found[0]


def find(graph: Definition) -> list[Candidate]:
    """Float tensors with axes that depend on an input and that no other part of the network reads; the last first."""
    training.resolve_flags(graph, ())
    training.resolve_switches(graph)
    training.remove_dropout(graph)
    for name in graph.bypass():
        del graph.nodes[name]
    distances = _distances(graph)
    graph.prune([Tensor(name) for name in distances])
    training.cut_pipelines(graph)
    if not distances:
        return []
    imported = constants.load(graph)
    found = {name: _candidate(imported, Tensor(name), distances[name]) for name in distances}
    readers: dict[str, list[str]] = {}
    for name in found:
        for item in graph.inputs(name):
            readers.setdefault(item.node, []).append(name)
    # A way that ends in no float with axes leads to a loss that was not recognised, an accuracy, or a summary.
    ends: set[str] = set()
    sinks = []
    for name in reversed(graph.order()):
        if name in found and all(reader in ends for reader in readers.get(name, [])):
            candidate = found[name]
            if candidate is None or candidate.shape == ():
                ends.add(name)
            else:
                sinks.append(candidate)
    batched = [item for item in sinks if item.shape is None or item.shape[0] is None]  # the others are statistics
    return sorted(batched or sinks, key=lambda item: item.distance, reverse=True)


def _distances(graph: Definition) -> dict[str, int]:
    """The nodes of the network itself: those that depend on an input, but on no label and no loss."""
    starts = {name for name, node in graph.nodes.items() if _is_input(node)}
    if any(_is_float(graph.nodes[name]) for name in starts):  # integers beside images are labels
        starts = {name for name in starts if _is_float(graph.nodes[name])}
    labels = {name for name, node in graph.nodes.items() if _is_input(node)} - starts
    excluded: set[str] = set()
    result: dict[str, int] = {}
    for name in graph.order():
        node, sources = graph.nodes[name], graph.inputs(name)
        if name in starts:
            result[name] = 0
        elif name in labels or _is_training(node) or any(_is_excluded(graph, item, excluded) for item in sources):
            excluded.add(name)
        else:
            before = [result[source.node] for source in sources if source.node in result]
            if before:
                result[name] = max(before) + 1
    left = result.keys() - starts - _updates(graph)
    return {name: distance for name, distance in result.items() if name in left}


def _updates(graph: Definition) -> set[str]:
    """The nodes that compute nothing but what is assigned to variables, such as moving averages."""
    readers: dict[str, set[str]] = {}
    for name in graph.nodes:
        for item in graph.inputs(name):
            readers.setdefault(item.node, set()).add(name)
    result = {name for name, node in graph.nodes.items() if node.op.startswith("Assign")}
    for name in reversed(graph.order()):
        if readers.get(name) and readers[name] <= result:
            result.add(name)
    return result


def _is_training(node: Any) -> bool:
    return bool(_TRAINING_OPS.fullmatch(node.op) or _TRAINING_SCOPES.search(node.name))


def _is_input(node: Any) -> bool:
    return bool(node.op == "Placeholder" or node.op.startswith(("QueueDequeue", "IteratorGetNext")))


def _types(node: Any) -> list[int]:
    return [*node.attr["component_types"].list.type, *node.attr["output_types"].list.type] or [node.attr["dtype"].type]


def _is_float(node: Any) -> bool:
    return any(tf.as_dtype(dtype) in _FLOATS for dtype in _types(node))


def _is_excluded(graph: Definition, item: Tensor, excluded: set[str]) -> bool:
    """Of what is for training only, or the labels that come out of a pipeline beside the images."""
    node = graph.producer(item)
    if not _is_input(node) or node.op == "Placeholder":
        return item.node in excluded
    return _is_float(node) and tf.as_dtype(_types(node)[item.output]) not in _FLOATS


def _candidate(imported: Any, item: Tensor, distance: int) -> Candidate | None:
    operation = imported.get_operation_by_name(item.node)
    outputs = operation.outputs
    if not outputs or outputs[0].dtype not in _FLOATS or operation.type in ("Switch", "Merge", "Enter", "Exit"):
        return None
    shape = outputs[0].shape
    return Candidate(item, None if shape.rank is None else tuple(shape.as_list()), distance)
