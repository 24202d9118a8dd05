"""Functions that PyTorch lacks. Their source is printed into the generated file where it needs them."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # its usual name, which generated files have too
from torch import Tensor


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
    return F.pad(x, widths, value=value)


def avg_pool_same(x: Tensor, kernel: int | tuple[int, ...], stride: int | tuple[int, ...]) -> Tensor:
    """TensorFlow's SAME average pooling for the size at hand: the mean of the real elements of each window."""
    pool = {3: F.avg_pool1d, 4: F.avg_pool2d, 5: F.avg_pool3d}[x.dim()]
    real = torch.ones_like(x[:1, :1])
    return pool(pad_same(x, kernel, stride), kernel, stride) / pool(pad_same(real, kernel, stride), kernel, stride)


def reverse_sequence(x: Tensor, lengths: Tensor, axis: int, batch_axis: int) -> Tensor:
    """The first lengths[i] elements of sequence i along the axis the other way round, the others as they are."""
    places = torch.arange(x.shape[axis], device=x.device)
    ends = lengths.long().unsqueeze(1)
    order = torch.where(places < ends, ends - 1 - places, places)
    shape = [x.shape[i] if i in (axis, batch_axis) else 1 for i in range(x.dim())]
    return torch.take_along_dim(x, (order if batch_axis < axis else order.t()).reshape(shape), axis)


def crop_same(x: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Cuts off what SAME padding had added, an odd pixel at the end; zeros where x is too short."""
    widths: list[int] = []
    for size, wanted in zip(reversed(x.shape[2:]), reversed(sizes), strict=True):
        before = max(size - wanted, 0) // 2
        widths += [-before, wanted - size + before]
    return F.pad(x, widths)
