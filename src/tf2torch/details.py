"""What TensorFlow computes on the way: every float tensor in outline, gradients, other sizes, float64. Numpy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Sketch:
    """Some elements of a tensor, or all of them."""

    shape: tuple[int, ...]  # of the whole tensor
    indices: np.ndarray[Any, np.dtype[np.int64]]  # of its elements, flat
    values: Array  # those elements
    tolerance: float  # relative to `scale`

    @property
    def scale(self) -> float:
        """The largest magnitude that was recorded, by which errors are measured; 1 where all is 0."""
        return float(np.abs(self.values).max(initial=0)) or 1.0


@dataclass(frozen=True, slots=True)
class Gradients:
    """Of sum(output * projection), summed over the outputs."""

    inputs: tuple[Array, ...]
    variables: Mapping[str, Sketch]  # by the name of the variable; of those that are trained


@dataclass(frozen=True, slots=True)
class Size:
    """The network on inputs of another size."""

    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]
    tolerance: float


@dataclass(frozen=True, slots=True)
class Exact:
    """The same network on the same inputs in float64."""

    outputs: tuple[Array, ...]
    gradients: Gradients


@dataclass(frozen=True, slots=True)
class Details:
    """All on the first two of the seeded inputs, but for `size`. The order of inputs and outputs is the graph's."""

    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]
    tolerance: float  # of the outputs
    projections: tuple[Array, ...]  # each of the shape of an output
    tensors: Mapping[str, Sketch]  # by TensorFlow's name, node:0
    gradients: Gradients | None  # None: the network has none
    size: Size | None = None  # None: TensorFlow itself does not take another size
    exact: Exact | None = None  # None: was not asked for
