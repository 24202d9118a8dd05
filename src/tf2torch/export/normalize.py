"""From any TensorFlow 1 graph to one inference graph: pruned to its outputs, nothing of the training left in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf2torch.export import variables as variables_
from tf2torch.export.definition import Definition, Tensor
from tf2torch.ir.types import Kind

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Inference:
    """An inference graph. Its inputs and its weights are placeholders: nothing is baked into it."""

    definition: Definition
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    weights: Mapping[str, Array]  # by the name of the variable, which is the name of its placeholder
    kinds: Mapping[str, Kind]


def infer(
    definition: Any,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    weights: Mapping[str, Array],
    trainable: Collection[str] | None,
) -> Inference:
    """The inference graph of a GraphDef between tensors.

    weights: the value of every variable that the outputs need; none for a frozen graph. trainable: the names of the
    trainable variables, None where nobody knows them.
    """
    graph = Definition(definition)
    graph.prune(outputs)
    found = variables_.normalize(graph, weights)
    variables_.bypass_reads(graph, found)
    graph.prune([*outputs, *inputs])
    found = {name: value for name, value in found.items() if name in graph.nodes}
    kinds = variables_.kinds(graph, found, trainable)
    return Inference(graph, tuple(inputs), tuple(outputs), found, kinds)
