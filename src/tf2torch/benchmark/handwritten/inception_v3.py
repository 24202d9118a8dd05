"""Inception-v3, written by hand from TensorFlow's graph as the target of the emitter; nothing has generated it.

input   images [N, 3, H, W] float32, RGB scaled to [-1, 1]
output  logits [N, 1001] float32, class 0 is the background
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, relu


class ConvBnRelu(nn.Module):
    """Convolution, batch norm without gamma, ReLU (94 uses)."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel: int | tuple[int, int] = 1,
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=0.001, momentum=0.0003)
        self.bn.weight.requires_grad = False  # TensorFlow's layer has no gamma

    def forward(self, x: Tensor) -> Tensor:
        return relu(self.bn(self.conv(x)))


class Conv1x7(ConvBnRelu):
    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__(in_channels, channels, kernel=(1, 7), padding=(0, 3))


class Conv7x1(ConvBnRelu):
    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__(in_channels, channels, kernel=(7, 1), padding=(3, 0))


class Concat(nn.Module):
    """Branches side by side, joined along the channels."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        for i, branch in enumerate(branches):
            self.add_module(f"branch_{i}", branch)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.children()], 1)


def pool(in_channels: int, channels: int) -> nn.Sequential:
    """3x3 average pooling that leaves the padding out of the mean, then a 1x1 convolution."""
    return nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), ConvBnRelu(in_channels, channels))


class InceptionA(Concat):
    """Mixed_5b, Mixed_5c, Mixed_5d."""

    def __init__(self, in_channels: int, pool_channels: int) -> None:
        super().__init__(
            ConvBnRelu(in_channels, 64),
            nn.Sequential(ConvBnRelu(in_channels, 48), ConvBnRelu(48, 64, 5, padding=2)),
            nn.Sequential(
                ConvBnRelu(in_channels, 64), ConvBnRelu(64, 96, 3, padding=1), ConvBnRelu(96, 96, 3, padding=1)
            ),
            pool(in_channels, pool_channels),
        )


class ReductionA(Concat):
    """Mixed_6a."""

    def __init__(self) -> None:
        super().__init__(
            ConvBnRelu(288, 384, 3, stride=2),
            nn.Sequential(ConvBnRelu(288, 64), ConvBnRelu(64, 96, 3, padding=1), ConvBnRelu(96, 96, 3, stride=2)),
            nn.MaxPool2d(3, 2),
        )


class InceptionB(Concat):
    """Mixed_6b, Mixed_6c, Mixed_6d, Mixed_6e."""

    def __init__(self, mid: int) -> None:
        super().__init__(
            ConvBnRelu(768, 192),
            nn.Sequential(ConvBnRelu(768, mid), Conv1x7(mid, mid), Conv7x1(mid, 192)),
            nn.Sequential(
                ConvBnRelu(768, mid), Conv7x1(mid, mid), Conv1x7(mid, mid), Conv7x1(mid, mid), Conv1x7(mid, 192)
            ),
            pool(768, 192),
        )


class ReductionB(Concat):
    """Mixed_7a."""

    def __init__(self) -> None:
        super().__init__(
            nn.Sequential(ConvBnRelu(768, 192), ConvBnRelu(192, 320, 3, stride=2)),
            nn.Sequential(
                ConvBnRelu(768, 192), Conv1x7(192, 192), Conv7x1(192, 192), ConvBnRelu(192, 192, 3, stride=2)
            ),
            nn.MaxPool2d(3, 2),
        )


class Fork(Concat):
    """1x3 beside 3x1 (4 uses)."""

    def __init__(self) -> None:
        super().__init__(
            ConvBnRelu(384, 384, (1, 3), padding=(0, 1)),
            ConvBnRelu(384, 384, (3, 1), padding=(1, 0)),
        )


class InceptionC(Concat):
    """Mixed_7b, Mixed_7c."""

    def __init__(self, in_channels: int) -> None:
        super().__init__(
            ConvBnRelu(in_channels, 320),
            nn.Sequential(ConvBnRelu(in_channels, 384), Fork()),
            nn.Sequential(ConvBnRelu(in_channels, 448), ConvBnRelu(448, 384, 3, padding=1), Fork()),
            pool(in_channels, 192),
        )


class InceptionV3(nn.Module):
    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            ConvBnRelu(3, 32, 3, stride=2),
            ConvBnRelu(32, 32, 3),
            ConvBnRelu(32, 64, 3, padding=1),
            nn.MaxPool2d(3, 2),
            ConvBnRelu(64, 80),
            ConvBnRelu(80, 192, 3),
            nn.MaxPool2d(3, 2),
        )
        self.mixed_5 = nn.Sequential(InceptionA(192, 32), InceptionA(256, 64), InceptionA(288, 64))
        self.mixed_6 = nn.Sequential(ReductionA(), *(InceptionB(mid) for mid in (128, 160, 160, 192)))
        self.mixed_7 = nn.Sequential(ReductionB(), InceptionC(1280), InceptionC(2048))
        self.logits = nn.Conv2d(2048, num_classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        x = self.mixed_7(self.mixed_6(self.mixed_5(self.stem(images))))
        return self.logits(avg_pool2d(x, 8, 2)).flatten(1)  # type: ignore[no-any-return]  # what a module gives is not typed
