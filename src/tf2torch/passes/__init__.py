"""From a graph of TensorFlow's ops to one of PyTorch's calls. `PIPELINE` says in which order, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tf2torch.ir.types import Graph
from tf2torch.ir.verify import check, check_weights
from tf2torch.passes.activations import activations
from tf2torch.passes.bias import bias
from tf2torch.passes.convolutions import convolutions
from tf2torch.passes.identities import identities
from tf2torch.passes.layout import layout
from tf2torch.passes.lower import lower
from tf2torch.passes.norms import norms
from tf2torch.passes.padding import padding
from tf2torch.passes.permutes import permutes
from tf2torch.passes.statics import sizes, statics

Pass = Callable[[Graph], Graph]
Array = np.ndarray[Any, Any]

PIPELINE: tuple[Pass, ...] = (
    statics,  # first: all that follows asks for axes, shapes and paddings as Python numbers
    identities,  # before patterns are looked for, which nothing may then interrupt
    norms,  # before bias, which would take the offset of a batch norm for its own
    activations,  # here or later: nothing that follows asks for them
    convolutions,  # before padding and bias, which then see one node where TensorFlow has three or five
    padding,
    bias,
    layout,  # once the ops are what they are going to be: its words belong to ops
    sizes,  # after layout, since a size is that of an axis in memory
    lower,
    permutes,  # last: handlers permute weights, and layout the rest
)


def run(graph: Graph, weights: Mapping[str, Array]) -> tuple[Graph, dict[str, Array]]:
    """The graph in the torch dialect, and its weights by tensor: those it still has, and constants that became buffers.

    Raises UnsupportedError for what cannot be converted, and BrokenGraphError if a pass has a fault.
    """
    check(graph, "export")
    arrays = dict(weights)
    for a_pass in PIPELINE:
        arrays.update({node.name: np.asarray(node.attrs["value"]) for node in graph.nodes if node.op == "Const"})
        graph = a_pass(graph)
        check(graph, a_pass.__name__)
    read = {param.ref.tensor: arrays[param.ref.tensor] for param in graph.params.values()}
    check_weights(graph, read, PIPELINE[-1].__name__)
    return graph, read
