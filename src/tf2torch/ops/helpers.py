"""Functions that PyTorch lacks. Their source is printed into the generated file where it needs them."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import pad


def pad_same(
    x: Tensor,
    kernel: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    dilation: int | tuple[int, ...] = 1,
    value: float = 0.0,
) -> Tensor:
    """TensorFlow's SAME padding for the size at hand; an odd pixel goes to the right and to the bottom."""
    sizes = x.shape[2:]
    kernels, strides, dilations = ((n,) * len(sizes) if isinstance(n, int) else n for n in (kernel, stride, dilation))
    widths: list[int] = []
    for size, k, s, d in zip(reversed(sizes), reversed(kernels), reversed(strides), reversed(dilations), strict=True):
        missing = max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0)
        widths += [missing // 2, missing - missing // 2]
    return pad(x, widths, value=value)
