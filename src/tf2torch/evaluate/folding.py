"""A copy of a network whose batch norms are part of the convolutions before them: fewer steps, the same numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

CLOSE = 1e-4  # relative to the largest output: the same numbers, otherwise rounded
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
Run = Callable[[nn.Module], Tensor]


def folded(module: nn.Module, run: Run) -> nn.Module | None:
    """The copy, or None where there is nothing to fold, or where that changes what `run` gives of it."""
    with torch.no_grad():
        result = copy.deepcopy(module)
        pairs = _pairs(result, run)
        if not pairs:
            return None
        for convolution, norm in pairs.items():
            fused = fuse_conv_bn_eval(result.get_submodule(convolution), result.get_submodule(norm))  # type: ignore[type-var, arg-type]  # _pairs gives names of both kinds
            result.set_submodule(convolution, fused)
            result.set_submodule(norm, nn.Identity())
        try:
            wanted, found = run(module), run(result)
        except (AttributeError, RuntimeError):  # whatever else the network does with its batch norms
            return None
    if wanted.shape != found.shape:
        return None
    return result if (wanted - found).abs().max() <= CLOSE * wanted.abs().max() else None


def _pairs(module: nn.Module, run: Run) -> dict[str, str]:
    """The convolutions whose output goes to a batch norm as it is, by name, and that batch norm.

    Those that are called more than once, or with more than one partner, are left alone.
    """
    names = {inner: name for name, inner in module.named_modules()}
    made: dict[int, tuple[str, Tensor]] = {}  # tensors are kept, or another one might get the same id
    found: list[tuple[str, str]] = []
    calls: list[str] = []

    def ended(inner: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        calls.append(names[inner])
        if isinstance(inner, _CONVOLUTIONS):
            made[id(output)] = names[inner], output
        elif inputs and id(inputs[0]) in made:
            found.append((made[id(inputs[0])][0], names[inner]))

    kinds = (*_CONVOLUTIONS, *_NORMS)
    handles = [inner.register_forward_hook(ended) for inner in names if isinstance(inner, kinds)]
    try:
        run(module)
    finally:
        for handle in handles:
            handle.remove()
    return {one: other for one, other in found if calls.count(one) == calls.count(other) == 1}
