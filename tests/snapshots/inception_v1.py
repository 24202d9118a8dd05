"""inception_v1, converted from TensorFlow with random weights (seed 0); 6,618,649 trainable parameters.

input   input [N, 3, H, W] float32 (224 x 224 when converted), RGB scaled to [-1, 1]
output  SpatialSqueeze [N, 1001] float32, class 0 is the background
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WEIGHTS = Path(__file__).with_name("converted_pytorch.safetensors")


def pad_same(x: Tensor, kernel: Any, stride: Any, dilation: Any = 1, value: float = 0.0) -> Tensor:
    """TensorFlow's SAME padding for the size at hand; an odd pixel goes to the right and to the bottom."""
    sizes = (n if isinstance(n, tuple) else (n,) * (x.dim() - 2) for n in (kernel, stride, dilation))
    gaps = [max((n - 1) // s * s + (k - 1) * d + 1 - n, 0) for n, k, s, d in zip(x.shape[2:], *sizes, strict=True)]
    return F.pad(x, [side for n in reversed(gaps) for side in (n // 2, n - n // 2)], value=value)


class Conv2dSame(nn.Conv2d):
    """Pads as TensorFlow's SAME does, for the size at hand; padding is "same" where the stride is 1."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if self.padding == "same" else pad_same(x, self.kernel_size, self.stride))


class Concat(nn.Sequential):
    """Branches side by side, joined along the channels."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self], 1)


class MaxPool2dSame(nn.MaxPool2d):
    """Pads as TensorFlow's SAME does."""

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(pad_same(x, self.kernel_size, self.stride, value=-torch.inf), self.kernel_size, self.stride)


class ConvBnRelu(nn.Module):
    """Conv2d_1a_7x7, Conv2d_2b_1x1, Conv2d_2c_3x3, ... (57 uses)."""

    def __init__(self, in_channels: int, channels: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = Conv2dSame(in_channels, channels, kernel, stride, padding="same" if stride == 1 else 0, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=0.001, momentum=0.0003)
        self.bn.weight.requires_grad_(False)  # TensorFlow's layer has no gamma

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class Inception(Concat):
    """Mixed_3b, Mixed_3c, Mixed_4b, ... (9 uses)."""

    def __init__(
        self, in_channels: int, branch_0: int, branch_1: tuple[int, int], branch_2: tuple[int, int], branch_3: int
    ) -> None:
        super().__init__(
            ConvBnRelu(in_channels, branch_0),
            nn.Sequential(ConvBnRelu(in_channels, branch_1[0]), ConvBnRelu(branch_1[0], branch_1[1], 3)),
            nn.Sequential(ConvBnRelu(in_channels, branch_2[0]), ConvBnRelu(branch_2[0], branch_2[1], 3)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), ConvBnRelu(in_channels, branch_3)),
        )


class InceptionV1(nn.Module):
    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            ConvBnRelu(3, 64, 7, stride=2),
            MaxPool2dSame(3, 2),
            ConvBnRelu(64, 64),
            ConvBnRelu(64, 192, 3),
            MaxPool2dSame(3, 2),
        )
        self.mixed_3 = nn.Sequential(
            Inception(192, 64, (96, 128), (16, 32), 32),
            Inception(256, 128, (128, 192), (32, 96), 64),
            MaxPool2dSame(3, 2),
        )
        self.mixed_4 = nn.Sequential(
            Inception(480, 192, (96, 208), (16, 48), 64),
            Inception(512, 160, (112, 224), (24, 64), 64),
            Inception(512, 128, (128, 256), (24, 64), 64),
            Inception(512, 112, (144, 288), (32, 64), 64),
            Inception(528, 256, (160, 320), (32, 128), 128),
            nn.MaxPool2d(2, ceil_mode=True),
        )
        self.mixed_5 = nn.Sequential(
            Inception(832, 256, (160, 320), (32, 128), 128), Inception(832, 384, (192, 384), (48, 128), 128)
        )
        self.logits = nn.Conv2d(1024, num_classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        x = self.logits(F.avg_pool2d(self.mixed_5(self.mixed_4(self.mixed_3(self.stem(images)))), 7, stride=1))
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
    if image.shape[1:] != (224, 224):
        for axis in (1, 2):
            border = image.shape[axis] // 16
            image = resize(image.narrow(axis, border, image.shape[axis] - 2 * border), axis, 224)
    return image * 2 - 1


def load(weights: str | Path = WEIGHTS, num_classes: int = 1001, features: bool = False) -> InceptionV1:
    """Ready to evaluate. Other num_classes: a fresh head. With features: a dictionary of what each part gives."""
    import numpy
    from safetensors.torch import load_file

    state = load_file(weights) if str(weights)[-4:] != ".npy" else numpy.load(weights, allow_pickle=True).item()
    network = InceptionV1(num_classes)
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
