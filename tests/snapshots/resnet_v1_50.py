"""resnet_v1_50, converted from TensorFlow with random weights (seed 0); 25,557,032 trainable parameters.

input   input [N, 3, H, W] float32 (224 x 224 when converted), RGB 0..255 minus (123.68, 116.78, 103.94)
output  SpatialSqueeze [N, 1000] float32
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


class ConvBn(nn.Module):
    """shortcut, conv3 (20 uses)."""

    def __init__(self, in_channels: int, channels: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, kernel, stride, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=1e-05, momentum=0.003)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class ConvBnRelu(ConvBn):
    """conv1, conv2 (33 uses)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(super().forward(x))


class Bottleneck(nn.Module):
    """bottleneck_v1 (16 uses)."""

    def __init__(self, in_channels: int, channels: int, shortcut: nn.Module | None = None, stride: int = 1) -> None:
        super().__init__()
        self.shortcut = shortcut or nn.Identity()
        self.conv1 = ConvBnRelu(in_channels, channels)
        self.conv2 = ConvBnRelu(channels, channels, 3, stride=stride)
        self.conv3 = ConvBn(channels, 4 * channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.shortcut(x) + self.conv3(self.conv2(self.conv1(x))))


class ResnetV1_50(nn.Module):
    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = ConvBnRelu(3, 64, 7, stride=2)
        self.block1 = nn.Sequential(
            Bottleneck(64, 64, shortcut=ConvBn(64, 256)),
            Bottleneck(256, 64),
            Bottleneck(256, 64, shortcut=nn.MaxPool2d(1, 2), stride=2),
        )
        self.block2 = nn.Sequential(
            Bottleneck(256, 128, shortcut=ConvBn(256, 512)),
            *(Bottleneck(512, 128) for _ in range(2)),
            Bottleneck(512, 128, shortcut=nn.MaxPool2d(1, 2), stride=2),
        )
        self.block3 = nn.Sequential(
            Bottleneck(512, 256, shortcut=ConvBn(512, 1024)),
            *(Bottleneck(1024, 256) for _ in range(4)),
            Bottleneck(1024, 256, shortcut=nn.MaxPool2d(1, 2), stride=2),
        )
        self.block4 = nn.Sequential(
            Bottleneck(1024, 512, shortcut=ConvBn(1024, 2048)), Bottleneck(2048, 512), Bottleneck(2048, 512)
        )
        self.logits = nn.Conv2d(2048, num_classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(F.max_pool2d(pad_same(self.conv1(images), 3, 2, value=-math.inf), 3, stride=2))
        return self.logits(self.block4(self.block3(self.block2(x))).mean(dim=(2, 3), keepdim=True)).squeeze((2, 3))


def resize(image: Tensor, axis: int, size: int) -> Tensor:
    """Bilinear along one axis as in TensorFlow 1: the corner stays where it is, and nothing is smoothed."""
    position = torch.arange(size, dtype=torch.float32, device=image.device) * (image.shape[axis] / size)
    low = position.long()
    first, second = (image.index_select(axis, at.clamp(max=image.shape[axis] - 1)) for at in (low, low + 1))
    return first + (second - first) * (position - low).reshape(-1, *[1] * (2 - axis))


def preprocess(image: Tensor) -> Tensor:
    """An image, uint8 [3, H, W] RGB of any size, as the network takes it: resized, its middle, less the mean colour."""
    image = image / 255
    if image.shape[1:] != (224, 224):
        scale = 256 / min(image.shape[1:])
        for axis in (1, 2):
            wanted = round(image.shape[axis] * scale)
            image = resize(image, axis, wanted).narrow(axis, (wanted - 224) // 2, 224)
    return image * 255 - torch.tensor([123.68, 116.78, 103.94], device=image.device)[:, None, None]


def load(weights: str | Path = WEIGHTS, num_classes: int = 1000, features: bool = False) -> ResnetV1_50:
    """Ready to evaluate. Other num_classes: a fresh head. With features: a dictionary of what each part gives."""
    import numpy
    from safetensors.torch import load_file

    state = load_file(weights) if str(weights)[-4:] != ".npy" else numpy.load(weights, allow_pickle=True).item()
    network = ResnetV1_50(num_classes)
    state |= {k: v for k, v in network.state_dict().items() if num_classes != 1000 and k.startswith("logits.")}
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
