"""What scopes become: blocks, sequences, branches, units with a shortcut."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from torch import tensor

from tests.outline.building import MODELS, Building, class_names, generate
from tf2torch.ir.types import Kind
from tf2torch.ops.expr import NEGATIVE_INF, F, Var, helpers, size, torch


def test_a_chain_of_units(tmp_path: Path) -> None:
    net = Building()
    x = net.input("images", 2, 3, 8, 8)
    for index in range(4):
        x = net.conv_bn_relu(f"net/conv{index}", x, 4)
    made = generate(net.graph(net.linear("net/logits", net.call("net/mean", x.mean((2, 3))), 5)), net, tmp_path)
    assert class_names(made) == ["ConvBnRelu", "Net"]
    assert "num_classes: int = 5" in made.source
    assert list(made.network.state_dict())[-2:] == ["logits.weight", "logits.bias"]


def residual(net: Building, scope: str, x: Var, channels: int, stride: int = 1) -> Var:
    if x.dims[1] != channels:
        shortcut = net.conv_bn(f"{scope}/shortcut", x, channels, 1, stride=stride)
    elif stride > 1:
        shortcut = net.call(f"{scope}/shortcut/MaxPool", F.max_pool2d(x, 1, stride=stride))
    else:
        shortcut = x
    inner = net.conv_bn_relu(f"{scope}/conv1", x, channels // 2, 1)
    inner = net.conv_bn(f"{scope}/conv2", inner, channels, 3, stride=stride)
    return net.relu(f"{scope}/Relu", net.call(f"{scope}/add", shortcut + inner))


def test_residual_units_of_three_kinds_are_one_class(tmp_path: Path) -> None:
    net = Building()
    x = net.input("images", 2, 4, 8, 8)
    for index, (channels, stride) in enumerate([(8, 1), (8, 1), (8, 2), (16, 1), (16, 1)]):
        x = residual(net, f"net/block/unit_{index}/bottleneck", x, channels, stride)
    made = generate(net.graph(x), net, tmp_path)
    assert class_names(made) == ["ConvBn", "ConvBnRelu", "Bottleneck", "Net"]
    assert "shortcut: nn.Module | None = None" in made.source
    assert "shortcut=nn.MaxPool2d(1, 2)" in made.source


def test_branches_become_concat(tmp_path: Path) -> None:
    net = Building()
    x = net.conv_bn_relu("net/stem", net.input("images", 2, 3, 8, 8), 4)
    for index, channels in enumerate((2, 3, 4)):
        scope = f"net/mixed_{index}"
        first = net.conv_bn_relu(f"{scope}/branch_0/a", x, channels, 1)
        second = net.conv_bn_relu(f"{scope}/branch_1/b", net.conv_bn_relu(f"{scope}/branch_1/a", x, 2, 1), channels)
        pool = net.call(f"{scope}/branch_2/pool", F.max_pool2d(x, 3, stride=1, padding=1))
        x = net.concat(f"{scope}/concat", first, second, net.conv_bn_relu(f"{scope}/branch_2/a", pool, channels, 1))
    made = generate(net.graph(x), net, tmp_path)
    assert class_names(made) == ["Concat", "ConvBnRelu", "Inception", "Net"]
    assert "torch.cat" not in made.forward


def test_equal_siblings_become_a_comprehension(tmp_path: Path) -> None:
    net = Building()
    x = net.input("images", 2, 8, 8, 8)
    for index in range(5):
        x = residual(net, f"net/block/unit_{index}/unit", x, 8)
    x = net.conv("net/logits", x, 3)
    made = generate(net.graph(x), net, tmp_path)
    assert "for _ in range(5))" in made.source


def test_a_scope_that_is_no_unit_is_dissolved(tmp_path: Path) -> None:
    """What stands between its two layers is outside, so that it cannot be called."""
    net = Building()
    x = net.input("images", 2, 3, 8, 8)
    x = net.conv("net/torn/first", x, 4)
    x = net.conv("net/between", x, 4)
    x = net.conv("net/torn/second", x, 4)
    made = generate(net.graph(x), net, tmp_path)
    assert class_names(made) == ["Net"]
    assert {key.split(".")[0] for key in made.network.state_dict()} == {"first", "between", "second"}


def test_scopes_that_wait_for_each_other(tmp_path: Path) -> None:
    """Each can be called as a whole, but not both."""
    net = Building()
    x = net.input("images", 2, 4, 8, 8)
    a1 = net.conv_bn_relu("net/a/one", x, 4)
    b1 = net.conv_bn_relu("net/b/one", x, 4)
    a2 = net.conv_bn_relu("net/a/two", net.call("net/a/add", a1 + b1), 4)
    b2 = net.conv_bn_relu("net/b/two", net.call("net/b/add", b1 + a1), 4)
    generate(net.graph(net.call("net/sum", a2 + b2)), net, tmp_path)


def test_blocks_of_several_inputs_and_outputs(tmp_path: Path) -> None:
    net = Building()
    x, y = net.input("left", 2, 4, 8, 8), net.input("right", 2, 4, 8, 8)
    for index in range(2):
        scope = f"net/cross_{index}"
        first, second = net.conv_bn_relu(f"{scope}/a", x, 4), net.conv_bn_relu(f"{scope}/b", y, 4)
        x = net.call(f"{scope}/plus", first + second)
        y = net.call(f"{scope}/minus", first - second)
    made = generate(net.graph(x, y), net, tmp_path)
    assert "tuple[Tensor, Tensor]" in made.source
    assert "Cross" in class_names(made)


def test_several_outputs(tmp_path: Path) -> None:
    net = Building()
    x = net.conv_bn_relu("net/trunk", net.input("images", 2, 3, 8, 8), 4)
    boxes, classes = net.conv("net/boxes", x, 4), net.conv("net/classes", x, 7)
    made = generate(net.graph(boxes, classes, x), net, tmp_path)
    assert "-> tuple[Tensor, Tensor, Tensor]:" in made.source


def test_a_call_of_several_tensors(tmp_path: Path) -> None:
    net = Building()
    x = net.conv_bn_relu("net/trunk", net.input("images", 2, 3, 8, 8), 8)
    first, second, _ = net.calls("net/split", torch.split(x, [3, 4, 1], 1))
    net.nodes[-1].outputs[2]
    made = generate(net.graph(net.concat("net/concat", second, first)), net, tmp_path)
    assert "_ = torch.split(" in made.source


def test_a_network_of_matrices(tmp_path: Path) -> None:
    net = Building()
    x = net.input("x", 3, 6)
    for index, features in enumerate((8, 8, 8)):
        x = net.call(f"net/layer{index}/Tanh", torch.tanh(net.linear(f"net/layer{index}", x, features)))
    made = generate(net.graph(net.linear("net/logits", x, 2)), net, tmp_path)
    assert class_names(made) == ["LinearTanh", "Net"]


def test_params_of_functions(tmp_path: Path) -> None:
    """Parameters that belong to no layer, trainable, frozen and not learned at all."""
    net = Building()
    x = net.conv("net/conv", net.input("images", 2, 3, 8, 8), 4)
    x = net.call("net/mul", x * net.param("net/scale", 4, 1, 1))
    x = net.call("net/add", x + net.param("net/offset", 4, 1, 1, kind="frozen"))
    x = net.call("net/sub", x - net.param("net/mean", 4, 1, 1, kind="buffer"))
    made = generate(net.graph(x), net, tmp_path)
    assert "self.scale" in made.source
    assert "self.mean = nn.Buffer(torch.empty(4, 1, 1))" in made.source


def test_params_of_functions_in_units(tmp_path: Path) -> None:
    """Each unit has its own, of its own shape."""
    net = Building()
    x = net.input("images", 2, 4, 8, 8)
    for index, channels in enumerate((4, 6, 8)):
        scope = f"net/unit_{index}"
        x = net.conv(f"{scope}/conv", x, channels)
        x = net.call(f"{scope}/mul", x * net.param(f"{scope}/scale", channels, 1, 1))
        x = net.call(f"{scope}/sub", x - net.param(f"{scope}/mean", channels, 1, 1, kind="buffer"))
    made = generate(net.graph(x), net, tmp_path)
    assert class_names(made) == ["Unit", "Net"]


def test_params_of_other_types(tmp_path: Path) -> None:
    """Whole numbers stay whole, and a number alone is one."""
    net = Building()
    x = net.conv("net/conv", net.input("images", 2, 3, 8, 8), 4)
    x = net.call("net/gather", torch.index_select(x, 1, net.constant("net/order", tensor([3, 1, 0, 2]))))
    x = net.call("net/where", torch.where(net.constant("net/mask", tensor([True, False] * 4)), x, 0.5))
    made = generate(net.graph(net.call("net/mul", x * net.param("net/factor"))), net, tmp_path)
    assert "torch.empty(4, dtype=torch.int64)" in made.source
    assert "self.factor = nn.Parameter(torch.empty(()))" in made.source


def test_no_scopes_at_all(tmp_path: Path) -> None:
    """conv2d_17, batch_normalization_17, re_lu_17: layers that follow one another are gathered all the same."""
    net = Building()
    x = net.input("images", 2, 3, 8, 8)
    for index in range(5):
        suffix = f"_{index}" if index else ""
        weight = net.param(f"conv2d{suffix}/kernel", 4, x.dims[1], 3, 3)
        x = net.call(f"conv2d{suffix}", F.conv2d(x, weight, padding=1))
        mean, beta = (net.param(f"batch_normalization{suffix}/{n}", 4, kind=k) for n, k in MEAN_AND_BETA)
        variance = net.param(f"batch_normalization{suffix}/variance", 4, kind="buffer", positive=True)
        norm = F.batch_norm(x, mean, variance, None, beta, training=False, momentum=0.01, eps=0.001)
        x = net.relu(f"re_lu{suffix}", net.call(f"batch_normalization{suffix}", norm))
    made = generate(net.graph(x), net, tmp_path)
    assert class_names(made) == ["ConvBnRelu", "Net"]


MEAN_AND_BETA = (("mean", "buffer"), ("beta", "trainable"))


def test_nothing_is_computed_twice(tmp_path: Path) -> None:
    """A call that reads a value in two places, or its size too, reads a variable."""
    net = Building()
    x = net.conv_bn_relu("net/trunk", net.input("images", 2, 3, 8, 8), 4)
    x = net.call("net/square", x * x)
    x = net.conv_bn_relu("net/trunk_1", x, 4)
    x = net.call("net/reshape", x.reshape((size(x, 0), -1, size(x, 3))))
    made = generate(net.graph(x), net, tmp_path)
    assert made.forward.count("self.trunk(") == made.forward.count("self.trunk_1(") == 1


def test_padding_of_another_kind_is_no_part_of_a_layer(tmp_path: Path) -> None:
    """Pooling that takes zeros for what is missing differs from TensorFlow's own where all is negative."""
    net = Building()
    x = net.input("images", 2, 3, 8, 8)
    for index, fill in enumerate((0.0, NEGATIVE_INF)):
        padded = net.call(f"net/pool_{index}/pad", helpers.pad_same(x, 3, 2, value=fill))
        x = net.call(f"net/pool_{index}/pool", F.max_pool2d(net.call(f"net/minus{index}", padded - 5.0), 3, stride=2))
        padded = net.call(f"net/pool_{index}/pad2", helpers.pad_same(x, 3, 1, value=fill))
        x = net.conv(f"net/conv_{index}", net.call(f"net/pool_{index}/pool2", F.max_pool2d(padded, 3, stride=1)), 3)
    generate(net.graph(x), net, tmp_path)


def test_sources_are_typed_and_linted(tmp_path: Path, need: Callable[..., None]) -> None:
    """Of a network with parameters and buffers of its own."""
    need("mypy")
    net = Building()
    x = net.input("images", 2, 4, 8, 8)
    for index, kind in enumerate(KINDS):
        x = net.call(f"net/unit_{index}/mul", x * net.param(f"net/unit_{index}/v", 4, 1, 1, kind=kind))
        x = net.conv_bn(f"net/unit_{index}/conv", net.call(f"net/n{index}", -x), 4)
    made = generate(net.graph(x), net, tmp_path)
    kept = MODELS.parent / ".mypy_cache" / "snapshots"
    for command in (
        ["ruff", "check", "--isolated", "--no-cache", "--line-length=120", "--select=E,F,I,UP,B"],
        ["mypy", "--config-file=", f"--cache-dir={kept}"],
    ):
        command = [sys.executable, "-m", *command, str(made.path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


KINDS: tuple[Kind, ...] = ("trainable", "frozen", "buffer")
