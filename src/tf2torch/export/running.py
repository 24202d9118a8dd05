"""Runs an inference graph on given inputs, in float32 or in float64: outputs, sketches of its tensors, gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf2torch.details import Indices, seeded
from tf2torch.export import constants, float64
from tf2torch.export.decompositions import let_one_win
from tf2torch.export.definition import Definition, Tensor
from tf2torch.export.normalize import Array, Inference
from tf2torch.export.tensorflow import session, tf

Choice = Callable[[str, tuple[int, ...]], Indices]  # which elements of a tensor are kept, by its name and shape


@dataclass(frozen=True, slots=True)
class Picked:
    """Some elements of a tensor."""

    shape: tuple[int, ...]
    indices: Indices
    values: Array


class Running:
    """The graph at the shapes of these inputs. Raises what TensorFlow raises if it does not take them."""

    def __init__(self, inference: Inference, inputs: Sequence[Array], *, wide: bool = False) -> None:
        definition = Definition(inference.definition.graph_def())
        for item, array in zip(inference.inputs, inputs, strict=True):
            dtype = definition.producer(item).attr["dtype"].type
            definition.placeholder(item.node, dtype, tf.TensorShape(array.shape).as_proto())
        let_one_win(definition)
        self.inference, self.wide = inference, wide
        self.graph = constants.load(definition)
        self.tensors = {
            Tensor(operation.name, index): output
            for operation in self.graph.get_operations()
            for index, output in enumerate(operation.outputs)
        }
        if wide:
            narrow, self.graph = self.graph, tf.Graph()
            with self.graph.as_default():
                self.tensors = float64.widen(definition, narrow)
        fed = dict(zip(inference.inputs, inputs, strict=True))
        fed.update({Tensor(name): value for name, value in inference.weights.items()})
        self.feeds = {self.tensors[item]: self._as(array, wide) for item, array in fed.items()}

    @staticmethod
    def _as(array: Array, wide: bool) -> Array:
        return array.astype(np.float64) if wide and array.dtype == np.float32 else array

    def outputs(self, inputs: Sequence[Array] = ()) -> list[Array]:
        """What the graph computes of its inputs, or of others of the same shapes."""
        for item, array in zip(self.inference.inputs, inputs, strict=False):
            self.feeds[self.tensors[item]] = self._as(array, self.wide)
        return list(self._run([self.tensors[item] for item in self.inference.outputs]))

    def projections(self, seed: int) -> list[Array]:
        """A seeded array of the shape of each output; zeros for one of integers."""
        tensors = [self.tensors[item] for item in self.inference.outputs]
        shapes = [tensor.shape for tensor in tensors]
        if not all(shape.is_fully_defined() for shape in shapes):
            shapes = [array.shape for array in self.outputs()]
        return [
            seeded(item.name, tuple(shape), "float32", seed)
            if tensor.dtype.is_floating
            else np.zeros(tuple(shape), np.float32)
            for item, tensor, shape in zip(self.inference.outputs, tensors, shapes, strict=True)
        ]

    def sketched(self, names: Sequence[Tensor], choice: Choice) -> tuple[list[Array], dict[str, Picked]]:
        """The outputs, and of each named tensor some elements, taken within one run of the graph."""
        outputs = [self.tensors[item] for item in self.inference.outputs]
        given = {item.name: self.tensors[item] for item in names if item in self.tensors}
        picks = self._picks(given, choice)
        results, picked = self._run([outputs, {name: pick for name, (_, pick) in picks.items()}])
        return results, {
            name: _picked(name, tensor, chosen, picked[name], choice)
            for (name, (chosen, _)), tensor in zip(picks.items(), given.values(), strict=True)
        }

    def gradients(
        self, projections: Sequence[Array], variables: Sequence[str], choice: Choice
    ) -> tuple[list[Array], dict[str, Picked]]:
        """Of sum(output * projection): with respect to the inputs, and some elements of those of variables.

        Raises LookupError if an op has no gradient.
        """
        outputs = [self.tensors[item] for item in self.inference.outputs]
        inputs = [self.tensors[item] for item in self.inference.inputs]
        weights = [self.tensors[Tensor(name)] for name in variables]
        with self.graph.as_default():
            terms = [
                tf.reduce_sum(output * tf.constant(weight, output.dtype))
                for output, weight in zip(outputs, projections, strict=True)
                if output.dtype.is_floating
            ]
            if not terms:
                raise LookupError("no output is of floating point")
            found = tf.gradients(tf.add_n(terms), [*inputs, *weights], unconnected_gradients="zero")
            found = [tf.convert_to_tensor(gradient) for gradient in found]  # those of embeddings are sparse
        of_inputs, of_weights = found[: len(inputs)], dict(zip(variables, found[len(inputs) :], strict=True))
        for name, gradient in of_weights.items():
            gradient.set_shape(self.tensors[Tensor(name)].shape)
        picks = self._picks(of_weights, choice)
        results, picked = self._run([of_inputs, {name: pick for name, (_, pick) in picks.items()}])
        return results, {
            name: _picked(name, of_weights[name], chosen, picked[name], choice) for name, (chosen, _) in picks.items()
        }

    def _picks(self, tensors: Mapping[str, Any], choice: Choice) -> dict[str, tuple[Indices | None, Any]]:
        """What to fetch for each tensor: the chosen elements, or all of it if its shape is known only afterwards."""
        result: dict[str, tuple[Indices | None, Any]] = {}
        with self.graph.as_default():
            for name, tensor in tensors.items():
                if tensor.shape.is_fully_defined():
                    chosen = choice(name, tuple(tensor.shape.as_list()))
                    result[name] = chosen, tf.gather(tf.reshape(tensor, [-1]), chosen)
                else:
                    result[name] = None, tensor
        return result

    def _run(self, fetches: Any) -> Any:
        with session(self.graph) as running:
            return _arrays(running.run(fetches, self.feeds))


def _arrays(results: Any) -> Any:
    """The same structure of arrays: a session gives a scalar as a number."""
    if isinstance(results, Mapping):
        return {name: _arrays(item) for name, item in results.items()}
    return [_arrays(item) for item in results] if isinstance(results, list) else np.asarray(results)


def _picked(name: str, tensor: Any, chosen: Indices | None, values: Array, choice: Choice) -> Picked:
    if chosen is not None:
        return Picked(tuple(tensor.shape.as_list()), chosen, values)
    chosen = choice(name, values.shape)
    return Picked(values.shape, chosen, values.ravel()[chosen])
