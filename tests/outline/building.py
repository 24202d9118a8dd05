"""Small graphs in the torch dialect, written like a network, and what the engine makes of them.

    net = Building()
    x = net.input("images", 2, 3, 8, 8)
    x = net.conv("block/conv", x, 4)
    made = generate(net.graph(x), net, tmp_path)

Every call is computed at once, on seeded numbers, so that shapes need not be written down.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
import torch

from tf2torch import emit, recipe
from tf2torch.emit.package import SOURCE
from tf2torch.ir import interpret
from tf2torch.ir.correspondence import Correspondence
from tf2torch.ir.types import Graph, Kind, Node, Param, Ref, Slot, TensorType, Value
from tf2torch.ir.verify import check
from tf2torch.ops.expr import Call, F, Var
from tf2torch.ops.expr import torch as words

MODELS = Path(__file__).parents[2] / "models"
TOLERANCE = 1e-6


class Building:
    """A graph as it grows. A name such as block/conv1/Conv2D is a node's, and its scope is block/conv1."""

    def __init__(self) -> None:
        self.values: dict[Value, torch.Tensor] = {}
        self.params: dict[Value, Param] = {}
        self.inputs: list[Value] = []
        self.nodes: list[Node] = []
        self.random = torch.Generator().manual_seed(0)

    def input(self, name: str, *shape: int) -> Var:
        value = self._value(name, torch.randn(shape, generator=self.random), free=True)
        self.inputs.append(value)
        return Var(value)

    def param(self, name: str, *shape: int, kind: Kind = "trainable", positive: bool = False) -> Var:
        tensor = torch.randn(shape, generator=self.random) * 0.5
        return self.constant(name, tensor.abs() + 0.5 if positive else tensor, kind)

    def constant(self, name: str, tensor: torch.Tensor, kind: Kind = "buffer") -> Var:
        value = Value(name, _type(tensor), Ref(name))
        self.values[value] = tensor
        self.params[value] = Param(Ref(name), kind)
        return Var(value)

    def call(self, name: str, expression: Any) -> Var:
        """One call, whose arguments are values, numbers and arithmetic of sizes."""
        (result,) = self.calls(name, expression)
        return result

    def calls(self, name: str, expression: Any) -> tuple[Var, ...]:
        """The same of a call that gives several tensors."""
        assert isinstance(expression, Call)
        inputs: list[Value] = []
        args = tuple(_with_slots(argument, inputs) for argument in expression.args)
        kwargs = {key: _with_slots(value, inputs) for key, value in expression.kwargs}
        found = interpret.evaluate(expression, self.values)
        results = found if isinstance(found, (tuple, list)) else (found,)
        outputs = tuple(self._value(f"{name}:{i}" if i else name, one) for i, one in enumerate(results))
        attrs = MappingProxyType({"args": args, "kwargs": MappingProxyType(kwargs)})
        scope = tuple(name.split("/")[:-1])
        self.nodes.append(Node(expression.function, tuple(inputs), outputs, attrs, scope, (name,)))
        return tuple(map(Var, outputs))

    def conv(self, scope: str, x: Var, channels: int, kernel: int = 3, *, bias: bool = True, **options: Any) -> Var:
        """A convolution in a scope of its own; it keeps the size."""
        weight = self.param(f"{scope}/weights", channels, x.dims[1] // options.get("groups", 1), kernel, kernel)
        given = [self.param(f"{scope}/biases", channels)] if bias else []
        options = {"stride": 1, "padding": kernel // 2, **options}
        return self.call(f"{scope}/Conv2D", F.conv2d(x, weight, *given, **options))

    def norm(self, scope: str, x: Var, *, gamma: bool = True, beta: bool = True, decay: float = 0.9) -> Var:
        """A batch norm in a scope of its own."""
        channels = x.dims[1]
        mean = self.param(f"{scope}/moving_mean", channels, kind="buffer")
        variance = self.param(f"{scope}/moving_variance", channels, kind="buffer", positive=True)
        weight = self.param(f"{scope}/gamma", channels) if gamma else None
        bias = self.param(f"{scope}/beta", channels) if beta else None
        momentum = round(1 - decay, 6)
        expression = F.batch_norm(x, mean, variance, weight, bias, training=False, momentum=momentum, eps=0.001)
        return self.call(f"{scope}/FusedBatchNorm", expression)

    def conv_bn(self, scope: str, x: Var, channels: int, kernel: int = 3, **options: Any) -> Var:
        return self.norm(f"{scope}/BatchNorm", self.conv(scope, x, channels, kernel, bias=False, **options))

    def conv_bn_relu(self, scope: str, x: Var, channels: int, kernel: int = 3, **options: Any) -> Var:
        return self.relu(f"{scope}/Relu", self.conv_bn(scope, x, channels, kernel, **options))

    def linear(self, scope: str, x: Var, features: int) -> Var:
        weight = self.param(f"{scope}/weights", features, x.dims[-1])
        return self.call(f"{scope}/MatMul", F.linear(x, weight, self.param(f"{scope}/biases", features)))

    def relu(self, name: str, x: Var) -> Var:
        return self.call(name, F.relu(x))

    def concat(self, name: str, *xs: Var) -> Var:
        return self.call(name, words.cat(list(xs), 1))

    def graph(self, *outputs: Var) -> Graph:
        values = tuple(output.value for output in outputs)
        graph = Graph(tuple(self.inputs), values, tuple(self.nodes), MappingProxyType(self.params))
        check(graph, "the test")
        return graph

    @property
    def weights(self) -> dict[str, np.ndarray[Any, Any]]:
        """TensorFlow's arrays by name."""
        return {param.ref.tensor: self.values[value].numpy() for value, param in self.params.items()}

    def _value(self, name: str, tensor: torch.Tensor, *, free: bool = False) -> Value:
        shape = (None, *tensor.shape[1:]) if free else tuple(tensor.shape)
        value = Value(name, TensorType(_type(tensor).dtype, shape), Ref(f"{name}:0"))
        self.values[value] = tensor
        return value


def _type(tensor: torch.Tensor) -> TensorType:
    return TensorType(str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))


def _with_slots(argument: Any, inputs: list[Value]) -> Any:
    """The argument with a Slot for each value, which is put among the inputs."""
    match argument:
        case Var(value):
            if value not in inputs:
                inputs.append(value)
            return Slot(inputs.index(value))
        case Call(function, args, kwargs):
            return Call(function, tuple(_with_slots(item, inputs) for item in args), kwargs)
        case list() | tuple():
            return type(argument)(_with_slots(item, inputs) for item in argument)
    return argument


@dataclass(frozen=True, slots=True)
class Generated:
    source: str
    path: Path
    module: ModuleType
    network: Any  # loaded, as the module's `load` gives it
    written: Correspondence

    @property
    def forward(self) -> str:
        """The source of the network's own class, without its load and self-test."""
        return self.source[self.source.rindex("(nn.Module):") :].partition("\ndef load")[0]


def generate(graph: Graph, net: Building, folder: Path, name: str = "net") -> Generated:
    """Writes, imports and loads the network, and compares it with the graph: outputs, every module, what is trained."""
    title = emit.Title(recipe.of_source(MODELS, name), {}, "random, seed 0")
    written = emit.write(graph, net.weights, title, folder)
    module = imported(folder / SOURCE)
    made = Generated((folder / SOURCE).read_text(), folder / SOURCE, module, module.load(), written)
    compare(made, graph, net)
    return made


def imported(path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def compare(made: Generated, graph: Graph, net: Building) -> None:
    """Fails unless the generated network computes what the graph does, and trains what it trains."""
    feeds = {value: net.values[value] for value in graph.inputs}
    expected = interpret.run(graph, feeds, {value: net.values[value] for value in graph.params})
    by_tensor = {value.ref: tensor for value, tensor in expected.items() if value.ref}
    calls: dict[str, list[Any]] = {}
    parts = [(path, part) for path, part in made.network.named_modules() if not isinstance(part, torch.nn.Identity)]
    for path, part in parts:
        part.register_forward_hook(lambda _, __, y, path=path: calls.setdefault(path, []).append(y))
    with torch.inference_mode():
        made.network(*feeds.values())
    assert sorted(calls) == sorted(item.path for item in made.written.modules)
    for item in made.written.modules:
        ((*_, result),) = [calls[item.path]]
        for found, ref in zip(result if isinstance(result, tuple) else (result,), item.outputs, strict=True):
            if ref is not None:
                torch.testing.assert_close(found, by_tensor[ref], rtol=TOLERANCE, atol=TOLERANCE, msg=item.path)
    state = made.network.state_dict(keep_vars=True)
    trained = {key: value.numel() for key, value in state.items() if value.requires_grad}
    kinds = {key: parameter.kind for key, parameter in made.written.parameters.items()}
    assert sorted(trained) == sorted(key for key, kind in kinds.items() if kind == "trainable")
    buffers = dict(made.network.named_buffers())
    assert all((key in buffers) == (kind == "buffer") for key, kind in kinds.items())
    trainable = [net.values[value].numel() for value, param in graph.params.items() if param.kind == "trainable"]
    assert sum(trained.values()) == sum(trainable)
    counts = Counter(parameter.ref.tensor for parameter in made.written.parameters.values())
    assert set(counts) == {param.ref.tensor for param in graph.params.values()}
    assert set(counts.values()) <= {1}


def class_names(made: Generated) -> list[str]:
    """Of the file's own classes, in order, without what it carries of ours."""
    return [line.split()[1].partition("(")[0] for line in made.source.splitlines() if line.startswith("class ")]
