"""alexnet_v2, converted from TensorFlow with random weights (seed 0); 50,303,912 trainable parameters.

input   input [N, 3, H, W] float32 (224 x 224 when converted), RGB 0..255 minus (123.68, 116.78, 103.94)
output  squeezed [N, 1000] float32
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WEIGHTS = Path(__file__).with_name("converted_pytorch.safetensors")


class ConvRelu(nn.Module):
    """conv1, conv2, conv3, ... (7 uses)."""

    def __init__(self, in_channels: int, channels: int, kernel: int, padding: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, kernel, stride, padding)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv(x))


class AlexnetV2(nn.Module):
    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = ConvRelu(3, 64, 11, 0, 4)
        self.conv2 = ConvRelu(64, 192, 5, 2)
        self.conv3 = ConvRelu(192, 384, 3, 1)
        self.conv4 = ConvRelu(384, 384, 3, 1)
        self.conv5 = ConvRelu(384, 256, 3, 1)
        self.fc6 = ConvRelu(256, 4096, 5, 0)
        self.fc7 = ConvRelu(4096, 4096, 1, 0)
        self.fc8 = nn.Conv2d(4096, num_classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        x = self.conv3(F.max_pool2d(self.conv2(F.max_pool2d(self.conv1(images), 3, stride=2)), 3, stride=2))
        return self.fc8(self.fc7(self.fc6(F.max_pool2d(self.conv5(self.conv4(x)), 3, stride=2)))).squeeze((2, 3))


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


def load(weights: str | Path = WEIGHTS, num_classes: int = 1000, features: bool = False) -> AlexnetV2:
    """Ready to evaluate. Other num_classes: a fresh head. With features: a dictionary of what each part gives."""
    import numpy
    from safetensors.torch import load_file

    state = load_file(weights) if str(weights)[-4:] != ".npy" else numpy.load(weights, allow_pickle=True).item()
    network = AlexnetV2(num_classes)
    state |= {k: v for k, v in network.state_dict().items() if num_classes != 1000 and k.startswith("fc8.")}
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
