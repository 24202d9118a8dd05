"""Networks in two hands: as a conversion writes them, and as others would. Each pair is one network."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class ConvBn(nn.Module):
    def __init__(self, before: int, channels: int, kernel: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, channels, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class Ours(nn.Module):
    """Residual units whose shortcut runs first and has the shape of the last convolution; equal branches; a head."""

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.stem = ConvBn(3, 4, 3)
        self.shortcut = ConvBn(4, 4)
        self.first = ConvBn(4, 4)
        self.second = ConvBn(4, 4)
        self.again = nn.ModuleList(ConvBn(4, 4) for _ in range(2))
        self.straight = nn.Conv2d(4, 4, 1)  # these two differ in what comes after
        self.reduce = nn.Conv2d(4, 4, 1)
        self.wide = nn.Conv2d(4, 6, 3, padding=1)
        self.logits = nn.Conv2d(10, classes, 1)
        self.stem.bn.weight.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.stem(x))
        x = functional.relu(self.shortcut(x) + self.second(functional.relu(self.first(x))))
        x = functional.relu(x + self.again[1](functional.relu(self.again[0](x))))
        x = torch.cat(
            [functional.relu(self.straight(x)), functional.relu(self.wide(functional.relu(self.reduce(x))))], 1
        )
        return self.logits(x.mean((2, 3), keepdim=True)).squeeze((2, 3))


class Norm(nn.Module):
    """A batch norm of somebody's own, with names of its own."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("moving_mean", torch.zeros(channels))
        self.register_buffer("moving_variance", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        mean, variance = self.get_buffer("moving_mean"), self.get_buffer("moving_variance")
        return functional.batch_norm(x, mean, variance, self.gamma, self.beta, eps=0.001)


class Theirs(nn.Module):
    """The same with layers in another order of definition and of execution, a linear head, other names."""

    def __init__(self, classes: int = 5, eps: float = 0.001, norm: Any = None) -> None:
        super().__init__()
        norm = norm or (lambda channels: nn.BatchNorm2d(channels, eps=eps))
        self.fc = nn.Linear(10, classes)
        self.branch2 = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(), nn.Conv2d(4, 6, 3, padding=1))
        self.branch1 = nn.Conv2d(4, 4, 1)
        self.conv1 = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), norm(4))
        for unit in (1, 2):
            setattr(self, f"unit{unit}a", nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), norm(4)))
            setattr(self, f"unit{unit}b", nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), norm(4)))
        self.downsample = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), norm(4))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x).relu()
        x = (self.get_submodule("unit1b")(self.get_submodule("unit1a")(x).relu()) + self.downsample(x)).relu()
        x = (self.get_submodule("unit2b")(self.get_submodule("unit2a")(x).relu()) + x).relu()
        second = self.branch2(x).relu()
        return self.fc(torch.cat([self.branch1(x).relu(), second], 1).mean((2, 3)))


LAYERS = {  # theirs: ours
    "conv1": "stem",
    "unit1a": "first",
    "unit1b": "second",
    "downsample": "shortcut",
    "unit2a": "again.0",
    "unit2b": "again.1",
}
PARTS = {"branch1": "straight", "branch2.0": "reduce", "branch2.2": "wide", "fc": "logits"}


class Tied(nn.Module):
    """One table at both ends, under two keys or under one; a layer that runs twice."""

    def __init__(self, *, keys: int) -> None:
        super().__init__()
        self.table = nn.Linear(6, 4, bias=False)
        self.twice = nn.Linear(4, 4)
        if keys == 2:
            self.decoder = nn.Module()
            self.decoder.weight = self.table.weight

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(self.twice(self.twice(self.table(x))), self.table.weight.t())


def seeded(network: nn.Module) -> nn.Module:
    """Every number another one."""
    generator = torch.Generator().manual_seed(1)
    state = network.state_dict()
    for key, value in state.items():
        if value.is_floating_point():
            state[key] = (
                torch.rand(value.shape, generator=generator) + 0.1
                if value.dim() < 2
                else torch.randn(value.shape, generator=generator)
            )
    network.load_state_dict(state)
    return network.eval()


def images() -> Tensor:
    return torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))


def right() -> nn.Module:
    return Theirs()


class Several(nn.Module):
    """Gives something beside."""

    def __init__(self, network: nn.Module, factor: float) -> None:
        super().__init__()
        self.network, self.factor = network, factor

    def forward(self, x: Tensor) -> dict[str, Any]:
        y = self.network(x)
        return {"logits": y, "more": [None, (self.factor * y,)]}


def other_eps() -> nn.Module:
    return Theirs(eps=0.1)


def other_classes() -> nn.Module:
    return Theirs(classes=7)


def no_network() -> int:
    return 1


def raises() -> nn.Module:
    raise OSError("no such file")


def other_input() -> nn.Module:
    return nn.Conv2d(1, 1, 1)


class OnlyFloat32(Theirs):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(functional.conv2d(x, torch.eye(3)[:, :, None, None]))


def only_float32() -> nn.Module:
    return OnlyFloat32()


class Halved(Theirs):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) / 2


def halved() -> nn.Module:
    return Halved()
