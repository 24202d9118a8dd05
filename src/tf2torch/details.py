"""What TensorFlow computes on the way: every float tensor in outline, gradients, other sizes, float64. Numpy only."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from tf2torch.errors import InputError

Array = np.ndarray[Any, Any]
Indices = np.ndarray[Any, np.dtype[np.int64]]

SKETCHED = 256  # elements of a tensor, for each image where its first axis is the batch


@dataclass(frozen=True, slots=True)
class Sketch:
    """Some elements of a tensor, or all of them."""

    shape: tuple[int, ...]  # of the whole tensor
    indices: Indices  # of its elements, flat
    values: Array  # those elements
    tolerance: float  # relative to `scale`

    @property
    def is_whole(self) -> bool:
        return self.values.size == int(np.prod(self.shape, dtype=np.int64))

    @property
    def scale(self) -> float:
        """The largest magnitude that was recorded, by which errors are measured; 1 where all is 0."""
        return float(np.abs(self.values).max(initial=0)) or 1.0


@dataclass(frozen=True, slots=True)
class Gradients:
    """Of sum(output * projection), summed over the outputs."""

    inputs: tuple[Array, ...]  # zeros for an input of integers
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
    single: tuple[Array, ...] = ()  # the outputs of the first input alone; none if the graph wants more than one
    notes: tuple[str, ...] = ()  # why something is not there, in TensorFlow's words


def indices(name: str, shape: Sequence[int], *, batched: bool, limit: int | None = SKETCHED) -> Indices:
    """Which elements of a tensor make its sketch, flat and in order: the same for the same name and shape.

    batched: whether the first axis is the batch, so that each image gives as many. limit: None takes all.
    """
    total = int(np.prod(shape, dtype=np.int64))
    images = shape[0] if batched and shape and total else 1
    each = total // images
    if limit is None or each <= limit:
        return np.arange(total, dtype=np.int64)
    random = np.random.default_rng(zlib.crc32(name.encode()))
    chosen = np.sort(random.choice(each, limit, replace=False, shuffle=False))
    return (np.arange(images)[:, None] * each + chosen).ravel()


def indices_of_whole(name: str, shape: Sequence[int]) -> Indices:
    """Of a tensor that has no axis for the batch."""
    return indices(name, shape, batched=False)


def seeded(name: str, shape: Sequence[int], dtype: str, seed: int) -> Array:
    """An input or a projection of seeded numbers: normal ones; integers are 0 or 1, which index any table."""
    random = np.random.default_rng([seed, zlib.crc32(name.encode())])
    if np.issubdtype(np.dtype(dtype), np.floating):
        return random.standard_normal(shape).astype(dtype)
    return random.integers(0, 2, shape).astype(dtype)


def pack(details: Details) -> tuple[dict[str, Array], str]:
    """Arrays by name and a text, from which `unpack` makes the same again."""
    arrays: dict[str, Array] = {}
    return arrays, json.dumps(_put(details, "details", arrays))


def _put(value: Any, name: str, arrays: dict[str, Array]) -> Any:
    """The JSON form of a value; each array in it goes to `arrays`, under where it stands."""
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {"array": name}
    if isinstance(value, Sketch):
        arrays[name] = value.values
        if value.indices.size < np.prod(value.shape):
            arrays[f"{name}#"] = value.indices
        return {"shape": value.shape, "tolerance": value.tolerance, "array": name}
    if isinstance(value, (Gradients, Size, Exact, Details)):
        return {field: _put(getattr(value, field), f"{name}.{field}", arrays) for field in value.__slots__}
    if isinstance(value, Mapping):
        return {key: _put(item, f"{name}.{key}", arrays) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_put(item, f"{name}.{index}", arrays) for index, item in enumerate(value)]
    return value


def unpack(text: str, arrays: Mapping[str, Array]) -> Details:
    """Raises KeyError, TypeError or ValueError if they are not what `pack` gave."""
    data = json.loads(text)
    size, exact = data["size"], data["exact"]
    return Details(
        inputs=_arrays(data["inputs"], arrays),
        outputs=_arrays(data["outputs"], arrays),
        tolerance=data["tolerance"],
        projections=_arrays(data["projections"], arrays),
        tensors={name: _sketch(item, arrays) for name, item in data["tensors"].items()},
        gradients=data["gradients"] and _gradients(data["gradients"], arrays),
        size=size and Size(_arrays(size["inputs"], arrays), _arrays(size["outputs"], arrays), size["tolerance"]),
        exact=exact and Exact(_arrays(exact["outputs"], arrays), _gradients(exact["gradients"], arrays)),
        single=_arrays(data["single"], arrays),
        notes=tuple(data["notes"]),
    )


def _arrays(items: list[dict[str, str]], arrays: Mapping[str, Array]) -> tuple[Array, ...]:
    return tuple(arrays[item["array"]] for item in items)


def _gradients(data: dict[str, Any], arrays: Mapping[str, Array]) -> Gradients:
    variables = {name: _sketch(item, arrays) for name, item in data["variables"].items()}
    return Gradients(_arrays(data["inputs"], arrays), variables)


def _sketch(data: dict[str, Any], arrays: Mapping[str, Array]) -> Sketch:
    values, shape = arrays[data["array"]], tuple(data["shape"])
    chosen = arrays.get(f"{data['array']}#")
    return Sketch(shape, np.arange(values.size) if chosen is None else chosen, values, data["tolerance"])


def load(path: Path) -> Details | None:
    """The details in a reference file; None if it has none. Raises InputError if it is missing or broken."""
    try:
        with safe_open(path, "numpy") as file:
            text = file.metadata().get("details")
            if text is None:
                return None
            return unpack(text, {name: file.get_tensor(name) for name in file.keys() if name.startswith("details.")})  # noqa: SIM118  # it is no dict
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"TensorFlow's reference {path.name} is missing or broken. `make export FORCE=1` records it again."
        ) from error
