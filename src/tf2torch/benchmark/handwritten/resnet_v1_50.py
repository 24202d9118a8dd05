"""ResNet-v1-50, written by hand from TensorFlow's graph as the target of the emitter; nothing has generated it.

input   images [N, 3, H, W] float32, RGB 0..255 minus (123.68, 116.78, 103.94)
output  logits [N, 1000] float32
"""

from math import inf

from torch import Tensor, nn
from torch.nn.functional import max_pool2d, pad, relu


def pad_same(x: Tensor, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """TensorFlow's SAME padding for the size at hand; an odd pixel goes to the right and to the bottom."""
    h, w = (max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in x.shape[2:])
    return pad(x, (w // 2, w - w // 2, h // 2, h - h // 2), value=value)


class ConvBn(nn.Module):
    """Convolution and batch norm (53 uses)."""

    def __init__(self, in_channels: int, channels: int, kernel: int = 1, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=1.001e-5, momentum=0.003)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))  # type: ignore[no-any-return]  # what a module gives is not typed


class Bottleneck(nn.Module):
    """block*/unit_*/bottleneck_v1 (16 uses)."""

    def __init__(self, in_channels: int, channels: int, shortcut: nn.Module, stride: int = 1) -> None:
        super().__init__()
        self.shortcut = shortcut
        self.conv1 = ConvBn(in_channels, channels)
        self.conv2 = ConvBn(channels, channels, kernel=3, stride=stride, padding=1)
        self.conv3 = ConvBn(channels, 4 * channels)

    def forward(self, x: Tensor) -> Tensor:
        y = relu(self.conv2(relu(self.conv1(x))))
        return relu(self.shortcut(x) + self.conv3(y))


class Block(nn.Sequential):
    """block*: the first unit widens, the last one may halve the resolution (4 uses)."""

    def __init__(self, in_channels: int, channels: int, units: int, stride: int = 2) -> None:
        width = 4 * channels
        super().__init__(
            Bottleneck(in_channels, channels, shortcut=ConvBn(in_channels, width)),
            *(Bottleneck(width, channels, shortcut=nn.Identity()) for _ in range(units - 2)),
            Bottleneck(width, channels, shortcut=nn.MaxPool2d(1, stride), stride=stride),
        )


class ResNetV1(nn.Module):
    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = ConvBn(3, 64, kernel=7, stride=2, padding=3)
        self.block1 = Block(64, 64, units=3)
        self.block2 = Block(256, 128, units=4)
        self.block3 = Block(512, 256, units=6)
        self.block4 = Block(1024, 512, units=3, stride=1)
        self.logits = nn.Conv2d(2048, num_classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        x = relu(self.conv1(images))
        x = max_pool2d(pad_same(x, kernel=3, stride=2, value=-inf), 3, 2)
        x = self.block4(self.block3(self.block2(self.block1(x))))
        return self.logits(x.mean((2, 3), keepdim=True)).flatten(1)  # type: ignore[no-any-return]  # as above
