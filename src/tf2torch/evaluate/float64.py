"""The network in float64, where a right conversion agrees to many digits and a merely lucky one does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

AGREES = 1e-10  # relative error; a right conversion is at 1e-14


class _Wide(TorchFunctionMode):
    """What the source says of float32 (casts, constants) is meant of float64."""

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Calls func with every torch.float32 among its arguments replaced."""
        wide = {name: _widened(value) for name, value in (kwargs or {}).items()}
        if func is torch.Tensor.float:
            func = torch.Tensor.double
        return func(*map(_widened, args), **wide)


def _widened(argument: Any) -> Any:
    return torch.float64 if argument is torch.float32 else argument


@contextmanager
def widened(module: nn.Module) -> Iterator[nn.Module]:
    """The module, for good, and within the block also everything that it computes, in float64."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with _Wide():
            yield module.double()
    finally:
        torch.set_default_dtype(default)
