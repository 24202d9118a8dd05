"""converted_pytorch.safetensors, which says which variable of TensorFlow each weight is, and seen how. Numpy only.

metadata["tensorflow"]: {key: {"variable": name, "view": steps}}, or {"constant": name} for a number of the graph's own.
A key that is not in it is PyTorch's alone: the gamma of a batch norm that has none.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from tf2torch.errors import InputError
from tf2torch.ir.types import Ref
from tf2torch.ir.views import View

Array = np.ndarray[Any, Any]
_KEY = "tensorflow"


@dataclass(frozen=True, slots=True)
class Weights:
    arrays: Mapping[str, Array]  # by the key in the state dict
    variables: Mapping[str, Ref]  # of those that are variables of TensorFlow
    metadata: Mapping[str, str]

    def shape(self, key: str) -> tuple[int, ...]:
        """That TensorFlow's variable has."""
        shape: tuple[int, ...] = self.variables[key].view.inverse().apply(self.arrays[key]).shape
        return shape


def save(arrays: Mapping[str, Array], metadata: Mapping[str, str], path: Path) -> None:
    save_file({key: np.asarray(array, order="C") for key, array in arrays.items()}, path, dict(metadata))


def metadata(refs: Mapping[str, Ref], constants: Collection[str]) -> dict[str, str]:
    """Of weights by their key. `constants`: the names of those that are no variables."""
    about: dict[str, Any] = {}
    for key, ref in refs.items():
        if ref.tensor in constants:
            about[key] = {"constant": ref.tensor}
        else:
            about[key] = {"variable": ref.tensor, "view": asdict(ref.view)["steps"]}
    return {_KEY: json.dumps(about)}


def load(path: Path) -> Weights:
    """Raises InputError if the file is missing, broken, or none of a conversion."""
    try:
        with safe_open(path, "numpy") as file:
            about = file.metadata() or {}
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # it is no dict
        known = json.loads(about[_KEY])
        refs = {key: Ref(item["variable"], View.of(item["view"])) for key, item in known.items() if "variable" in item}
        if not refs.keys() <= arrays.keys():
            raise ValueError("weights are missing")
    except FileNotFoundError as error:
        raise InputError(f"There is no {path}, the weights of a converted network. `make convert` makes it.") from error
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} does not say which variables its weights are ({error}): it is damaged, of an earlier version, or "
            "not of a conversion. `make convert FROM=codegen` makes it anew."
        ) from error
    return Weights(arrays, refs, about)
