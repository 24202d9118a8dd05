"""A loaded network, as TensorFlow's tensors go in and come out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tf2torch.errors import ParityError
from tf2torch.ir.correspondence import Correspondence
from tf2torch.ir.views import IDENTITY, View

Array = np.ndarray[Any, Any]
IMAGES = View().permute((0, 3, 1, 2))  # of TensorFlow's [N, H, W, C]


@dataclass(frozen=True, slots=True)
class Network:
    module: nn.Module
    device: torch.device
    inputs: tuple[View, ...] = (IMAGES,)
    outputs: tuple[View, ...] = (IDENTITY,)

    @classmethod
    def of(cls, module: nn.Module, device: torch.device, correspondence: Correspondence | None) -> Network:
        """Without a correspondence a network takes images [N, 3, H, W] and gives what TensorFlow gives."""
        if correspondence is None:
            return cls(module, device)
        views = [tuple(ref.view for ref in refs) for refs in (correspondence.inputs, correspondence.outputs)]
        return cls(module, device, *views)

    def feed(self, arrays: Sequence[Array]) -> list[Tensor]:
        """What the module takes, of TensorFlow's arrays."""
        return [
            torch.from_numpy(np.asarray(view.apply(array), order="C")).to(self.device)
            for view, array in zip(self.inputs, arrays, strict=True)
        ]

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """What the module gives, in TensorFlow's order of axes, or as it is where it cannot be seen so."""
        with memory_errors():
            result = self.module(*tensors)
        results = [result] if isinstance(result, Tensor) else result
        if not isinstance(results, (list, tuple)) or len(results) != len(self.outputs):
            wanted = "a tensor of logits" if len(self.outputs) == 1 else f"{len(self.outputs)} tensors"
            raise ParityError(f"The model gives a {type(result).__name__}, not {wanted}.")
        return [_seen_by_tensorflow(tensor, view) for tensor, view in zip(results, self.outputs, strict=True)]

    def compute(self, arrays: Sequence[Array]) -> list[Array]:
        """TensorFlow's outputs of TensorFlow's inputs, without gradients."""
        with torch.inference_mode():
            return [tensor.cpu().numpy() for tensor in self.run(self.feed(arrays))]


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turns a full GPU into the MemoryError that the command line knows."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise MemoryError(str(error)) from error


def _seen_by_tensorflow(tensor: Tensor, view: View) -> Tensor:
    try:
        return view.inverse().apply(tensor)  # type: ignore[no-any-return]  # a tensor of a tensor
    except RuntimeError:  # another rank or size: its shape will not be TensorFlow's
        return tensor


def first_line(error: Exception) -> str:
    """What torch, or the comparison, says of a network that cannot be run: the rest is where in C++."""
    return (str(error) or type(error).__name__).splitlines()[0]
