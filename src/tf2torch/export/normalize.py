"""From any TensorFlow 1 graph to one inference graph: pruned to its outputs, nothing of the training left in it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf2torch.errors import InputError
from tf2torch.export import constants, training, variables
from tf2torch.export.definition import Definition, Tensor
from tf2torch.ir.types import Kind, Shape

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Inference:
    """An inference graph. Its inputs and its weights are placeholders: nothing is baked into it."""

    definition: Definition
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    weights: Mapping[str, Array]  # by the name of the variable, which is the name of its placeholder
    kinds: Mapping[str, Kind]
    decays: Mapping[str, float]  # of moving averages, where the graph is one for training


def infer(
    definition: Any,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    values: Callable[[Mapping[str, Shape | None]], Mapping[str, Array]],
    trainable: Collection[str] | None,
) -> Inference:
    """The inference graph of a GraphDef between tensors.

    inputs: none are the placeholders and pipelines that the outputs need. values: gives the variables of these names
    and shapes. trainable: the names of the trainable variables, None where nobody knows them.
    Raises InputError for tensors that are not in the graph, and for variables without a value.
    """
    graph = Definition(definition)
    check_names(graph, [*inputs, *outputs])
    averages = training.Averages(graph)
    roots = [*outputs, *(Tensor(name) for name in averages.decays)]
    graph.prune(roots)
    training.resolve_flags(graph, inputs)
    training.resolve_switches(graph)
    for item in outputs:
        if item.node not in graph.nodes:
            raise InputError(f"{item.name} is computed in training only.")
    graph.bypass()
    graph.prune(roots)
    averages.use(graph)
    training.remove_dropout(graph)
    graph.bypass()
    graph.prune(outputs)
    inputs = cut(graph, inputs)
    graph.prune(outputs)
    training.cut_pipelines(graph)
    graph.prune(outputs)
    needed = variables.shapes(graph)
    weights = variables.normalize(graph, values(needed) if needed else {})
    graph.prune(outputs)
    weights = {name: value for name, value in weights.items() if name in graph.nodes}
    found = [Tensor(name) for name, node in graph.nodes.items() if node.op == "Placeholder" and name not in weights]
    for item in inputs:
        if item not in found:
            raise InputError(f"The output does not depend on the input {item.name}.")
    return Inference(
        graph,
        tuple(dict.fromkeys([*inputs, *found])),
        tuple(outputs),
        weights,
        variables.kinds(graph, weights, trainable),
        {name: decay for name, decay in averages.decays.items() if name in weights},
    )


def check_names(graph: Definition, items: Sequence[Tensor]) -> None:
    """Raises InputError for a tensor whose node is not in the graph, with the nearest name."""
    for item in items:
        if item.node not in graph.nodes:
            near = difflib.get_close_matches(item.node, graph.nodes, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise InputError(f"There is no {item.node} in the graph.{hint} `tf2torch inspect` lists what there is.")


def cut(graph: Definition, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Puts placeholders in the place of any tensors. Returns them, in the same order."""
    if all(graph.nodes[item.node].op == "Placeholder" for item in inputs if item.node in graph.nodes):
        return [*inputs]
    imported = constants.load(graph)
    result, replacements = [], {}
    for item in inputs:
        given = imported.get_tensor_by_name(item.name)
        if len(given.op.outputs) == 1:
            placeholder = item
        else:
            placeholder = replacements[item] = Tensor(f"{item.node}/output_{item.output}")
        graph.placeholder(placeholder.node, given.dtype.as_datatype_enum, given.shape.as_proto())
        result.append(placeholder)
    graph.redirect(replacements)
    return result
