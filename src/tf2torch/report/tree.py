"""The network as a tree of modules, with the shapes that come out of them and the elements of their parameters."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from tf2torch.errors import ParityError
from tf2torch.evaluate.network import Array, Network


def of(network: Network, inputs: Sequence[Array]) -> dict[str, Any]:
    """Runs the network once on TensorFlow's inputs, to see the shapes; a module that was not reached has none."""
    shapes: dict[nn.Module, list[int]] = {}

    def ended(module: nn.Module, args: object, output: object) -> None:  # noqa: ARG001  # torch's signature
        if (tensor := _first(output)) is not None:
            shapes.setdefault(module, list(tensor.shape))

    handles = [module.register_forward_hook(ended) for module in network.module.modules()]
    try:
        with contextlib.suppress(ParityError, RuntimeError):  # the comparisons say so; here its shapes are missing
            network.compute(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return {"input": [list(tensor.shape) for tensor in network.feed(inputs)], **_node("", network.module, shapes)}


def _node(name: str, module: nn.Module, shapes: Mapping[nn.Module, list[int]]) -> dict[str, Any]:
    return {
        "name": name,
        "class": type(module).__name__,
        "details": module.extra_repr().partition("\n")[0],
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "output": shapes.get(module),
        "parts": [_node(child, part, shapes) for child, part in module.named_children()],
    }


def _first(output: object) -> Tensor | None:
    """The first tensor within what a module returns."""
    if isinstance(output, Tensor):
        return output
    values = output.values() if isinstance(output, Mapping) else output if isinstance(output, (list, tuple)) else ()
    return next((tensor for value in values if (tensor := _first(value)) is not None), None)
