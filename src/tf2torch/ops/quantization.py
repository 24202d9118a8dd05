"""What training for quantization leaves in a graph."""

from __future__ import annotations

import math

from tf2torch.ops.expr import Expr, Var, helpers, torch
from tf2torch.ops.registry import lowers
from tf2torch.ops.windows import differing


def _steps(num_bits: int, narrow_range: bool) -> tuple[int, int]:
    return int(narrow_range), 2**num_bits - 1


@lowers("FakeQuantWithMinMaxArgs")
def fake_quantize_args(
    inputs: Var, *, min: float = -6.0, max: float = 6.0, num_bits: int = 8, narrow_range: bool = False
) -> Expr:
    """Rounds to one of the steps from min to max, which are moved so that 0 is one of them."""
    first, last = _steps(num_bits, narrow_range)
    scale = (max - min) / (last - first)
    zero = sorted((first, math.floor(first - min / scale + 0.5), last))[1]
    return torch.fake_quantize_per_tensor_affine(inputs, scale, zero, first, last)


@lowers("FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel")
def fake_quantize_vars(inputs: Var, min: Var, max: Var, *, num_bits: int = 8, narrow_range: bool = False) -> Expr:
    """The same with tensors for min and max: numbers, or one for each channel, which stands last."""
    first, last = _steps(num_bits, narrow_range)
    return helpers.fake_quantize(inputs, min, max, **differing({"first": 0, "last": 255}, first=first, last=last))
