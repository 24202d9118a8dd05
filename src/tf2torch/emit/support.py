"""Classes that generated files carry. Each is printed, as it stands here, into the files that use it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # its usual name, which generated files have too

from tf2torch.ops.helpers import pad_same


class Concat(nn.Sequential):
    """Branches side by side, joined along the channels."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self], 1)


class Residual(nn.Sequential):
    """What the modules make of x, added to it."""

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for module in self:
            y = module(y)
        return x + y


class Cells(nn.ModuleList):
    """One after another, each on the outputs of the last two."""

    def forward(self, x: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
        for cell in self:
            x, previous = cell(x, previous), x
        return x, previous


class Conv1dSame(nn.Conv1d):
    """Pads as TensorFlow's SAME does, for the size at hand; padding is "same" where the stride is 1."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if self.padding == "same" else pad_same(x, self.kernel_size, self.stride))


class PaddedConv1d(nn.Conv1d):
    """Also takes padding="same" where there is a stride, and pads as TensorFlow does."""

    def __init__(self, channels: int, out: int, kernel: Any, stride: Any = 1, padding: Any = 0, **options: Any) -> None:
        self.same = padding == "same" and stride != 1
        super().__init__(channels, out, kernel, stride, 0 if self.same else padding, **options)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(pad_same(x, self.kernel_size, self.stride, self.dilation) if self.same else x)


class Conv2dSame(nn.Conv2d):
    """Pads as TensorFlow's SAME does, for the size at hand; padding is "same" where the stride is 1."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if self.padding == "same" else pad_same(x, self.kernel_size, self.stride))


class PaddedConv2d(nn.Conv2d):
    """Also takes padding="same" where there is a stride, and pads as TensorFlow does."""

    def __init__(self, channels: int, out: int, kernel: Any, stride: Any = 1, padding: Any = 0, **options: Any) -> None:
        self.same = padding == "same" and stride != 1
        super().__init__(channels, out, kernel, stride, 0 if self.same else padding, **options)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(pad_same(x, self.kernel_size, self.stride, self.dilation) if self.same else x)


class Conv3dSame(nn.Conv3d):
    """Pads as TensorFlow's SAME does, for the size at hand; padding is "same" where the stride is 1."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if self.padding == "same" else pad_same(x, self.kernel_size, self.stride))


class PaddedConv3d(nn.Conv3d):
    """Also takes padding="same" where there is a stride, and pads as TensorFlow does."""

    def __init__(self, channels: int, out: int, kernel: Any, stride: Any = 1, padding: Any = 0, **options: Any) -> None:
        self.same = padding == "same" and stride != 1
        super().__init__(channels, out, kernel, stride, 0 if self.same else padding, **options)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(pad_same(x, self.kernel_size, self.stride, self.dilation) if self.same else x)


class MaxPool1dSame(nn.MaxPool1d):
    """Pads as TensorFlow's SAME does."""

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool1d(pad_same(x, self.kernel_size, self.stride, value=-torch.inf), self.kernel_size, self.stride)


class MaxPool2dSame(nn.MaxPool2d):
    """Pads as TensorFlow's SAME does."""

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(pad_same(x, self.kernel_size, self.stride, value=-torch.inf), self.kernel_size, self.stride)


class MaxPool3dSame(nn.MaxPool3d):
    """Pads as TensorFlow's SAME does."""

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool3d(pad_same(x, self.kernel_size, self.stride, value=-torch.inf), self.kernel_size, self.stride)


def pad_same_square(x: Tensor, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """TensorFlow's SAME padding for the size at hand; an odd pixel goes to the right and to the bottom."""
    h, w = (max((size - 1) // stride * stride + kernel - size, 0) for size in x.shape[2:])
    return F.pad(x, (w // 2, w - w // 2, h // 2, h - h // 2), value=value)
