"""resnet_v2_50, converted from TensorFlow with random weights (seed 0); 25,570,409 trainable parameters.

input   input [N, 3, H, W] float32 (299 x 299 when converted), RGB scaled to [-1, 1]
output  SpatialSqueeze [N, 1001] float32, class 0 is the background
"""

import math
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WEIGHTS = Path(__file__).with_name("converted_pytorch.safetensors")


def pad_same(x: Tensor, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """TensorFlow's SAME padding for the size at hand; an odd pixel goes to the right and to the bottom."""
    h, w = (max((size - 1) // stride * stride + kernel - size, 0) for size in x.shape[2:])
    return F.pad(x, (w // 2, w - w // 2, h // 2, h - h // 2), value=value)


class BnRelu(nn.Module):
    """preact, postnorm (17 uses)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, eps=1e-05, momentum=0.003)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(x))


class ConvBnRelu(nn.Module):
    """conv1, conv2 (32 uses)."""

    def __init__(self, in_channels: int, channels: int, kernel: int = 1, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=1e-05, momentum=0.003)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class BottleneckA(nn.Module):
    """bottleneck_v2 (4 uses)."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.preact = BnRelu(in_channels)
        self.shortcut = nn.Conv2d(in_channels, channels, 1)
        self.conv1 = ConvBnRelu(in_channels, channels // 4)
        self.conv2 = ConvBnRelu(channels // 4, channels // 4, 3, padding=1)
        self.conv3 = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.preact(x)
        return self.shortcut(x) + self.conv3(self.conv2(self.conv1(x)))


class BottleneckB(nn.Module):
    """bottleneck_v2 (12 uses)."""

    def __init__(self, channels: int, shortcut: nn.Module | None = None, stride: int = 1) -> None:
        super().__init__()
        self.shortcut = shortcut or nn.Identity()
        self.preact = BnRelu(channels)
        self.conv1 = ConvBnRelu(channels, channels // 4)
        self.conv2 = ConvBnRelu(channels // 4, channels // 4, 3, stride=stride, padding=1)
        self.conv3 = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.conv3(self.conv2(self.conv1(self.preact(x))))


class ResnetV2_50(nn.Module):
    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3)
        self.block1 = nn.Sequential(
            BottleneckA(64, 256), BottleneckB(256), BottleneckB(256, shortcut=nn.MaxPool2d(1, 2), stride=2)
        )
        self.block2 = nn.Sequential(
            BottleneckA(256, 512),
            *(BottleneckB(512) for _ in range(2)),
            BottleneckB(512, shortcut=nn.MaxPool2d(1, 2), stride=2),
        )
        self.block3 = nn.Sequential(
            BottleneckA(512, 1024),
            *(BottleneckB(1024) for _ in range(4)),
            BottleneckB(1024, shortcut=nn.MaxPool2d(1, 2), stride=2),
        )
        self.block4 = nn.Sequential(BottleneckA(1024, 2048), BottleneckB(2048), BottleneckB(2048))
        self.postnorm = BnRelu(2048)
        self.logits = nn.Conv2d(2048, num_classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(F.max_pool2d(pad_same(self.conv1(images), 3, 2, value=-math.inf), 3, stride=2))
        x = self.logits(self.postnorm(self.block4(self.block3(self.block2(x)))).mean(dim=(2, 3), keepdim=True))
        return x.squeeze((2, 3))


def resize(image: Tensor, axis: int, size: int) -> Tensor:
    """Bilinear along one axis as in TensorFlow 1: the corner stays where it is, and nothing is smoothed."""
    position = torch.arange(size, dtype=torch.float32, device=image.device) * (image.shape[axis] / size)
    low = position.long()
    first, second = (image.index_select(axis, at.clamp(max=image.shape[axis] - 1)) for at in (low, low + 1))
    return first + (second - first) * (position - low).reshape(-1, *[1] * (2 - axis))


def preprocess(image: Tensor) -> Tensor:
    """An image, uint8 [3, H, W] RGB of any size, as the network takes it: the middle 7/8, resized, in -1..1."""
    image = image / 255
    if image.shape[1:] != (299, 299):
        for axis in (1, 2):
            border = image.shape[axis] // 16
            image = resize(image.narrow(axis, border, image.shape[axis] - 2 * border), axis, 299)
    return image * 2 - 1


def load(weights: str | Path = WEIGHTS, num_classes: int = 1001, features: bool = False) -> ResnetV2_50:
    """Ready to evaluate. Other num_classes: a fresh head. With features: a dictionary of what each part gives."""
    import numpy
    from safetensors.torch import load_file

    state = load_file(weights) if str(weights)[-4:] != ".npy" else numpy.load(weights, allow_pickle=True).item()
    network = ResnetV2_50(num_classes)
    state |= {k: v for k, v in network.state_dict().items() if num_classes != 1001 and k.startswith("logits.")}
    network.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
    found: dict[str, Tensor] = {}  # "features" is what the last part, the head, is given
    for name, part in network.named_children() if features else ():
        part.register_forward_hook(lambda _, x, y, name=name: found.update({"features": x[0], name: y}))
    if features:
        network.register_forward_hook(lambda *_: dict(found))
    return network.eval()


KitModel = load  # MMdnn's name for it

if __name__ == "__main__":  # --check: compares with what TensorFlow computed
    from safetensors.torch import load_file

    sketch = load_file(WEIGHTS.with_suffix(".sketch.safetensors"))
    error = float((load()(sketch["input"]).detach() - sketch["output"]).abs().max() / sketch["output"].abs().max())
    print(f"relative error {error:.1e}, tolerance {float(sketch['tolerance']):.1e}")
    raise SystemExit(not error <= float(sketch["tolerance"]))
