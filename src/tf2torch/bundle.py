"""The file boundary between the two sides: numpy arrays in safetensors. Neither framework is needed to read it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from tf2torch.attacks import Recorded
from tf2torch.details import Details, pack
from tf2torch.errors import InputError

FloatArray = np.ndarray[Any, np.dtype[np.float32]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]

FLOOR = 1e-6  # no float32 comparison is held to less
CEILING = 1e-3  # where TensorFlow's own float32 is worse than a third of that, no comparison in float32 says anything
MARGIN = 3.0  # times the error of TensorFlow's own float32
MARGIN_WITHIN = 5.0  # the same of a tensor within the network: of the zoo's 20,480 the worst was off by 3.6 times

WHOLE = 1000  # images of which every output is kept: of those after them the largest, so that any number fits
BEST = 5


@dataclass(frozen=True, slots=True)
class Reference:
    """TensorFlow's side of the comparison."""

    inputs: FloatArray  # [10, H, W, 3], seeded, as the network takes them
    outputs: FloatArray  # [10, classes], of all inputs at once
    single: FloatArray  # [1, classes], of the first input alone
    image_outputs: FloatArray  # [images, classes] of the first WHOLE; no rows if no images were given
    image_names: tuple[str, ...]
    labels: tuple[int, ...]  # in the numbering with the background at 0
    float32_errors: dict[str, float]  # of its float32 against its float64, by comparison: batch 1, batch 10, images
    tensorflow: str
    later_classes: IntArray = field(default_factory=lambda: np.zeros((0, BEST), np.int64))  # of the images after those
    later_outputs: FloatArray = field(default_factory=lambda: np.zeros((0, BEST), np.float32))  # in these classes
    attacks: Recorded | None = None  # None: the network has no gradient

    def best(self, start: int, stop: int) -> IntArray:
        """The classes of the largest outputs of some of the images, [stop - start, BEST]."""
        known = len(self.image_outputs)
        whole, later = self.image_outputs[start:stop], self.later_classes[max(start - known, 0) : max(stop - known, 0)]
        return np.concatenate([best(whole), later]) if len(later) else best(whole)

    def tolerance(self, comparison: str) -> float:
        """The relative error that counts as equal in a comparison."""
        return tolerance(self.float32_errors[comparison])


_ARRAYS = ("inputs", "outputs", "single", "image_outputs", "later_classes", "later_outputs")
_BESIDE = (*_ARRAYS, "attacks")  # what is not in the metadata
_ATTACKS = tuple(item.name for item in fields(Recorded))


def best(outputs: FloatArray) -> IntArray:
    """The classes of the largest outputs in order, [n, classes] -> [n, BEST], or as many as there are."""
    order: IntArray = np.argsort(-outputs, 1, kind="stable")[:, :BEST]
    return order


def save(reference: Reference | None, path: Path, details: Details | None = None) -> None:
    """`details` go into the same file. A network that is no classifier of images has nothing else."""
    metadata: dict[str, str] = {}
    arrays: dict[str, Any] = {}
    if reference:
        rest = {item.name: getattr(reference, item.name) for item in fields(reference) if item.name not in _BESIDE}
        metadata["reference"] = json.dumps(rest)
        arrays = {name: getattr(reference, name) for name in _ARRAYS}
        if reference.attacks:
            arrays.update({f"attacks.{name}": getattr(reference.attacks, name) for name in _ATTACKS})
    if details:
        more, metadata["details"] = pack(details)
        arrays.update(more)
    save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, path, metadata)


def load(path: Path) -> Reference | None:
    """None for a network that is no classifier of images. Raises InputError if the file is missing or broken."""
    try:
        with safe_open(path, "numpy") as file:
            metadata = file.metadata()
            if "reference" not in metadata and "details" in metadata:
                return None
            rest = json.loads(metadata["reference"])
            arrays = {name: file.get_tensor(name) for name in _ARRAYS}
            if "attacks.inputs" in file.keys():  # noqa: SIM118  # it is no dict
                rest["attacks"] = Recorded(**{name: file.get_tensor(f"attacks.{name}") for name in _ATTACKS})
        rest["image_names"], rest["labels"] = tuple(rest["image_names"]), tuple(rest["labels"])
        return Reference(**arrays, **rest)
    except (FileNotFoundError, SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise InputError(
            f"TensorFlow's reference {path.name} is missing or broken. `make export FORCE=1` records it again."
        ) from error


def tolerance(float32_error: float, margin: float = MARGIN) -> float:
    """The relative error that counts as equal where TensorFlow's own float32 has this one against its float64."""
    return min(max(FLOOR, margin * float32_error), CEILING)


def relative_error(values: Any, reference: Any) -> float:
    """The largest difference, relative to the largest magnitude of the reference. NaN anywhere gives infinity."""
    with np.errstate(invalid="ignore"):  # infinity less infinity
        difference = np.abs(np.asarray(values, np.float64) - np.asarray(reference, np.float64)).max()
    scale = np.abs(reference).max()
    error = float(difference / scale) if scale else float(difference)
    return error if np.isfinite(error) else float("inf")
