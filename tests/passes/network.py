"""A few lines of TensorFlow, converted and run on both sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tf2torch import passes
from tf2torch.export import graph as exported
from tf2torch.export.definition import tensor
from tf2torch.export.normalize import infer
from tf2torch.export.tensorflow import session, tf
from tf2torch.ir.interpret import run
from tf2torch.ir.types import Graph, Value

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Network:
    graph: Any  # TensorFlow's
    inputs: list[str]
    outputs: list[str]
    variables: dict[str, Array]
    source: Graph  # ours, as exported
    lowered: Graph
    weights: dict[str, Array]

    @property
    def parameters(self) -> dict[Value, torch.Tensor]:
        """The weights as the lowered graph has them."""
        return {
            value: torch.from_numpy(np.ascontiguousarray(param.ref.view.apply(self.weights[param.ref.tensor])))
            for value, param in self.lowered.params.items()
        }

    def expected(self, *arrays: Array) -> list[Array]:
        """What TensorFlow computes."""
        with session(self.graph) as running:
            for variable in self.graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES):
                variable.load(self.variables[variable.op.name], running)
            return list(running.run(self.outputs, dict(zip(self.inputs, arrays, strict=True))))

    def found(self, *arrays: Array) -> list[Array]:
        """What the lowered graph computes, in TensorFlow's order of axes."""
        feeds = {
            value: torch.from_numpy(np.ascontiguousarray(value.ref.view.apply(array)))
            for value, array in zip(self.lowered.inputs, arrays, strict=True)
            if value.ref
        }
        values = run(self.lowered, feeds, self.parameters)
        return [
            (value.ref.view.inverse().apply(values[value]) if value.ref else values[value]).detach().numpy()
            for value in self.lowered.outputs
        ]

    def check(self, *arrays: Array, tolerance: float = 1e-6) -> None:
        """Both sides compute the same."""
        for found, expected in zip(self.found(*arrays), self.expected(*arrays), strict=True):
            assert found.shape == expected.shape
            assert found.dtype == expected.dtype
            scale = max(1e-30, np.abs(expected.astype(np.float64)).max(initial=0.0))
            np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


def convert(build: Callable[..., Any], *shapes: tuple[int | None, ...], dtype: str = "float32") -> Network:
    """The network that `build` makes of placeholders of these shapes. Its variables get seeded values."""
    graph = tf.Graph()
    random = np.random.default_rng(0)
    with graph.as_default():
        inputs = [tf.placeholder(dtype, shape, name=f"input{i}") for i, shape in enumerate(shapes)]
        results = build(*inputs)
        results = list(results) if isinstance(results, (list, tuple)) else [results]
        outputs = [tf.identity(item, name=f"result{i}").name for i, item in enumerate(results)]
        variables = {
            item.op.name: random.uniform(0.2, 1.0, item.shape.as_list()).astype(item.dtype.base_dtype.name)
            for item in graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)
        }
    return converted(graph, [item.name for item in inputs], outputs, variables)


def converted(graph: Any, inputs: list[str], outputs: list[str], variables: dict[str, Array]) -> Network:
    """TensorFlow's graph and ours."""
    inference = infer(
        graph.as_graph_def(), [*map(tensor, inputs)], [*map(tensor, outputs)], lambda _: variables, {*variables}
    )
    source, weights = exported.read(inference, {"name": "tiny"})
    lowered, weights = passes.run(source, weights)
    return Network(graph, inputs, outputs, variables, source, lowered, weights)


def variable(name: str, *shape: int) -> Any:
    return tf.get_variable(name, shape, tf.float32)


def seeded(*shape: int) -> Array:
    return np.random.default_rng(shape).uniform(-1, 1, shape).astype(np.float32)
