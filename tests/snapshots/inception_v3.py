"""inception_v3, converted from TensorFlow with random weights (seed 0); 23,819,401 trainable parameters.

input   input [N, 3, H, W] float32 (299 x 299 when converted), RGB scaled to [-1, 1]
output  SpatialSqueeze [N, 1001] float32, class 0 is the background
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WEIGHTS = Path(__file__).with_name("converted_pytorch.safetensors")


class Concat(nn.Sequential):
    """Branches side by side, joined along the channels."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self], 1)


class ConvBnRelu(nn.Module):
    """Conv2d_1a_3x3, Conv2d_2a_3x3, Conv2d_2b_3x3, ... (94 uses)."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=0.001, momentum=0.0003)
        self.bn.weight.requires_grad_(False)  # TensorFlow's layer has no gamma

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class InceptionA(Concat):
    """Mixed_5b, Mixed_5c, Mixed_5d (3 uses)."""

    def __init__(self, in_channels: int, branch_3: int) -> None:
        super().__init__(
            ConvBnRelu(in_channels, 64, 1),
            nn.Sequential(ConvBnRelu(in_channels, 48, 1), ConvBnRelu(48, 64, 5, padding=2)),
            nn.Sequential(
                ConvBnRelu(in_channels, 64, 1), ConvBnRelu(64, 96, 3, padding=1), ConvBnRelu(96, 96, 3, padding=1)
            ),
            nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), ConvBnRelu(in_channels, branch_3, 1)),
        )


class InceptionB(Concat):
    """Mixed_6b, Mixed_6c, Mixed_6d, Mixed_6e (4 uses)."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            ConvBnRelu(768, 192, 1),
            nn.Sequential(
                ConvBnRelu(768, channels, 1),
                ConvBnRelu(channels, channels, (1, 7), padding=(0, 3)),
                ConvBnRelu(channels, 192, (7, 1), padding=(3, 0)),
            ),
            nn.Sequential(
                ConvBnRelu(768, channels, 1),
                ConvBnRelu(channels, channels, (7, 1), padding=(3, 0)),
                ConvBnRelu(channels, channels, (1, 7), padding=(0, 3)),
                ConvBnRelu(channels, channels, (7, 1), padding=(3, 0)),
                ConvBnRelu(channels, 192, (1, 7), padding=(0, 3)),
            ),
            nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), ConvBnRelu(768, 192, 1)),
        )


class InceptionC(Concat):
    """Mixed_7b, Mixed_7c (2 uses)."""

    def __init__(self, in_channels: int) -> None:
        super().__init__(
            ConvBnRelu(in_channels, 320, 1),
            nn.Sequential(
                ConvBnRelu(in_channels, 384, 1),
                Concat(ConvBnRelu(384, 384, (1, 3), padding=(0, 1)), ConvBnRelu(384, 384, (3, 1), padding=(1, 0))),
            ),
            nn.Sequential(
                ConvBnRelu(in_channels, 448, 1),
                ConvBnRelu(448, 384, 3, padding=1),
                Concat(ConvBnRelu(384, 384, (1, 3), padding=(0, 1)), ConvBnRelu(384, 384, (3, 1), padding=(1, 0))),
            ),
            nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), ConvBnRelu(in_channels, 192, 1)),
        )


class InceptionV3(nn.Module):
    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            ConvBnRelu(3, 32, 3, 2),
            ConvBnRelu(32, 32, 3),
            ConvBnRelu(32, 64, 3, padding=1),
            nn.MaxPool2d(3, 2),
            ConvBnRelu(64, 80, 1),
            ConvBnRelu(80, 192, 3),
            nn.MaxPool2d(3, 2),
        )
        self.mixed_5 = nn.Sequential(InceptionA(192, 32), InceptionA(256, 64), InceptionA(288, 64))
        self.mixed_6 = nn.Sequential(
            Concat(
                ConvBnRelu(288, 384, 3, 2),
                nn.Sequential(ConvBnRelu(288, 64, 1), ConvBnRelu(64, 96, 3, padding=1), ConvBnRelu(96, 96, 3, 2)),
                nn.MaxPool2d(3, 2),
            ),
            *(InceptionB(channels) for channels in (128, 160, 160, 192)),
        )
        self.mixed_7 = nn.Sequential(
            Concat(
                nn.Sequential(ConvBnRelu(768, 192, 1), ConvBnRelu(192, 320, 3, 2)),
                nn.Sequential(
                    ConvBnRelu(768, 192, 1),
                    ConvBnRelu(192, 192, (1, 7), padding=(0, 3)),
                    ConvBnRelu(192, 192, (7, 1), padding=(3, 0)),
                    ConvBnRelu(192, 192, 3, 2),
                ),
                nn.MaxPool2d(3, 2),
            ),
            InceptionC(1280),
            InceptionC(2048),
        )
        self.logits = nn.Conv2d(2048, num_classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        x = self.logits(F.avg_pool2d(self.mixed_7(self.mixed_6(self.mixed_5(self.stem(images)))), 8, stride=2))
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


def load(weights: str | Path = WEIGHTS, num_classes: int = 1001, features: bool = False) -> InceptionV3:
    """Ready to evaluate. Other num_classes: a fresh head. With features: a dictionary of what each part gives."""
    import numpy
    from safetensors.torch import load_file

    state = load_file(weights) if str(weights)[-4:] != ".npy" else numpy.load(weights, allow_pickle=True).item()
    network = InceptionV3(num_classes)
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
