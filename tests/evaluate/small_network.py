"""A network as an engine would print it, with its correspondence, and what TensorFlow would have recorded of it."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors.torch import save_file

from tf2torch import details
from tf2torch.details import Details, Exact, Gradients, Size, Sketch
from tf2torch.evaluate.proof import Proof
from tf2torch.ir.correspondence import Correspondence, Module, Parameter
from tf2torch.ir.types import Ref
from tf2torch.ir.views import IDENTITY, View

SOURCE = """
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad, relu


class Conv2dSame(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(pad(x, (0, 1, 0, 1)))


class Stem(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = Conv2dSame(3, 8, 3, 2, bias=False)
        self.bn = nn.BatchNorm2d(8, eps=0.001)
        self.bn.weight.requires_grad_(False)  # TensorFlow's layer has no gamma

    def forward(self, x: Tensor) -> Tensor:
        return relu(self.bn(self.conv(x)))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return leaky_relu(self.conv(x), 0.2)


class WithRelu(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return relu(super().forward(x))


class WithoutBias(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.weight, None)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = Stem()
        self.block = Block()
        self.pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)
        self.hidden = nn.Linear(72, 72)
        self.logits = nn.Linear(72, 11)
        self.softmax = nn.Softmax(1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.block(self.block(self.stem(x))))
        x = relu(self.hidden(x[:, :, :3, :3].permute(0, 2, 3, 1).flatten(1)))
        return self.softmax(self.logits(x))


def load(weights: str) -> Net:
    model = Net()
    model.load_state_dict(load_file(weights))
    return model.eval()


KitModel = load
"""

NCHW = View().permute((0, 3, 1, 2))
OIHW = View().permute((3, 2, 0, 1))
TRANSPOSED = View().permute((1, 0))
SIZE = 12  # even, so that SAME with stride 2 pads on one side


def module(path: str, class_name: str, tensor: str, view: View, ops: str, nodes: str) -> Module:
    return Module(path, class_name, (Ref(tensor, view),), tuple(ops.split()), tuple(nodes.split()))


def block(number: int) -> list[Module]:
    name = f"block_{number}"
    conv = ("Conv2D BiasAdd", f"{name}/Conv2D {name}/BiasAdd")
    return [
        module("block.conv", "Conv2d", f"{name}/BiasAdd:0", NCHW, *conv),
        module("block", "Block", f"{name}/LeakyRelu:0", NCHW, f"{conv[0]} LeakyRelu", f"{conv[1]} {name}/LeakyRelu"),
    ]


STEM = "stem/Conv2D stem/BatchNorm/FusedBatchNormV3 stem/Relu"
MODULES = (
    module("stem.conv", "Conv2dSame", "stem/Conv2D:0", NCHW, "Conv2D", "stem/Conv2D"),
    module("stem.bn", "BatchNorm2d", "stem/BatchNorm/FusedBatchNormV3:0", NCHW, "FusedBatchNormV3", STEM.split()[1]),
    module("stem", "Stem", "stem/Relu:0", NCHW, "Conv2D FusedBatchNormV3 Relu", STEM),
    *block(1),
    *block(2),
    module("pool", "AvgPool2d", "AvgPool:0", NCHW, "AvgPool", "AvgPool"),
    module("hidden", "Linear", "hidden/BiasAdd:0", IDENTITY, "MatMul BiasAdd", "hidden/MatMul hidden/BiasAdd"),
    module("logits", "Linear", "logits/BiasAdd:0", IDENTITY, "MatMul BiasAdd", "logits/MatMul logits/BiasAdd"),
    module("softmax", "Softmax", "Softmax:0", IDENTITY, "Softmax", "Softmax"),
    module("", "Net", "Softmax:0", IDENTITY, "Conv2D MatMul Softmax", "stem/Conv2D logits/MatMul Softmax"),
)
PARAMETERS = {
    "stem.conv.weight": Parameter(Ref("stem/weights", OIHW), "trainable"),
    "stem.bn.bias": Parameter(Ref("stem/BatchNorm/beta"), "trainable"),
    "stem.bn.running_mean": Parameter(Ref("stem/BatchNorm/moving_mean"), "buffer"),
    "stem.bn.running_var": Parameter(Ref("stem/BatchNorm/moving_variance"), "buffer"),
    "block.conv.weight": Parameter(Ref("block/weights", OIHW), "trainable"),
    "block.conv.bias": Parameter(Ref("block/biases"), "trainable"),
    "hidden.weight": Parameter(Ref("hidden/weights", TRANSPOSED), "trainable"),
    "hidden.bias": Parameter(Ref("hidden/biases"), "trainable"),
    "logits.weight": Parameter(Ref("logits/weights", TRANSPOSED), "trainable"),
    "logits.bias": Parameter(Ref("logits/biases"), "trainable"),
}
OPS = {node: op for called in MODULES[:-1] for node, op in zip(called.origin, called.ops, strict=True)}
CORRESPONDENCE = Correspondence((Ref("input:0", NCHW),), (Ref("Softmax:0"),), MODULES, PARAMETERS)


def imported(source: str) -> ModuleType:
    """The same module for the same source, where pickle finds its classes again."""
    name = f"small_network_{zlib.crc32(source.encode())}"
    if name not in sys.modules:
        sys.modules[name] = ModuleType(name)
        exec(source, sys.modules[name].__dict__)
    return sys.modules[name]


def state() -> dict[str, torch.Tensor]:
    """Seeded weights under which no part of the network is without effect."""
    torch.manual_seed(0)
    net = imported(SOURCE).Net()
    for parameter in net.parameters():
        parameter.data = torch.randn(parameter.shape) * 0.2
    net.stem.bn.weight.data = torch.ones(8)
    net.stem.bn.running_mean, net.stem.bn.running_var = torch.randn(8) * 0.1, torch.rand(8) * 0.1 + 0.02
    return dict(net.state_dict())


def network(changes: Mapping[str, str] | None = None, weights: dict[str, torch.Tensor] | None = None) -> Any:
    """The network, with pieces of its source replaced, and with these weights."""
    source = SOURCE
    for before, after in (changes or {}).items():
        assert before in source
        source = source.replace(before, after)
    net = imported(source).Net()
    net.load_state_dict(state() if weights is None else weights)
    return net.eval()


def write(folder: Path) -> Path:
    """The source and its weights, as files of a conversion."""
    path = folder / "converted_pytorch.py"
    path.write_text(SOURCE)
    save_file(state(), path.with_suffix(".safetensors"))
    torch.save(network(), path.with_suffix(".pth"))
    return path


@dataclass(frozen=True)
class Recorded:
    """What a run of the right network has computed, in TensorFlow's order of axes."""

    outputs: Any
    tensors: dict[str, Any]
    inputs_gradient: Any
    variables: dict[str, Any]


def run(inputs: Any, projection: Any, dtype: torch.dtype) -> Recorded:
    net = network().to(dtype)
    calls = [(net.get_submodule(called.path), called.outputs[0]) for called in MODULES]
    tensors = {}

    def record(inner: Any, args: Any, output: Any) -> None:  # noqa: ARG001  # torch's signature
        place = next(index for index, (module, _) in enumerate(calls) if module is inner)
        ref = calls.pop(place)[1]
        assert ref is not None
        tensors[ref.tensor] = ref.view.inverse().apply(output).detach().numpy()

    for inner in {inner for inner, _ in calls}:
        inner.register_forward_hook(record)
    x = torch.from_numpy(inputs.transpose(0, 3, 1, 2)).to(dtype).requires_grad_()
    output = net(x)
    assert not calls
    (output * torch.from_numpy(projection).to(dtype)).sum().backward()
    variables = {
        item.ref.tensor: item.ref.view.inverse().apply(net.get_parameter(key).grad).numpy()
        for key, item in PARAMETERS.items()
        if item.kind == "trainable"
    }
    return Recorded(output.detach().numpy(), tensors, x.grad.permute(0, 2, 3, 1).numpy(), variables)


def sketch(name: str, value: Any, *, batched: bool) -> Sketch:
    chosen = details.indices(name, value.shape, batched=batched, limit=200)
    return Sketch(value.shape, chosen, value.ravel()[chosen], 1e-6)


def gradients(recorded: Recorded) -> Gradients:
    variables = {name: sketch(name, value, batched=False) for name, value in recorded.variables.items()}
    return Gradients((recorded.inputs_gradient,), variables)


@cache
def record() -> Details:
    inputs, larger = (details.seeded("input:0", (2, size, size, 3), "float32", 1) for size in (SIZE, SIZE + 2))
    projection = details.seeded("Softmax:0", (2, 11), "float32", 2)
    narrow, wide = (run(inputs, projection, dtype) for dtype in (torch.float32, torch.float64))
    return Details(
        inputs=(inputs,),
        outputs=(narrow.outputs,),
        tolerance=1e-6,
        projections=(projection,),
        tensors={name: sketch(name, value, batched=True) for name, value in narrow.tensors.items()},
        gradients=gradients(narrow),
        size=Size((larger,), (run(larger, projection, torch.float32).outputs,), 1e-6),
        exact=Exact((wide.outputs,), gradients(wide)),
        single=(narrow.outputs[:1],),
    )


def proof(recorded: Details) -> Proof:
    sizes = {key: value.numel() for key, value in state().items()}
    trained = {item.ref.tensor: sizes[key] for key, item in PARAMETERS.items() if item.kind == "trainable"}
    return Proof(CORRESPONDENCE, recorded, trained, OPS)
