"""Names of a graph are not to be trusted: none reaches the source as it is, and none hides what the source needs."""

from __future__ import annotations

import ast
import builtins
import keyword
from pathlib import Path

import pytest
from torch import nn

from tests.outline.building import Building, generate
from tf2torch.emit import support
from tf2torch.ops.expr import F, helpers
from tf2torch.ops.expr import torch as words
from tf2torch.outline import names

HOSTILE = [
    *("class", "__init__", "self", "forward", "load", "x", "super", "None", "__class__", "print", "lambda", "_"),
    *(
        'import os; os.system("x")',
        'a"""b',
        "a'''b",
        "back\\slash",
        "new\nline",
        "nul\0",
        "{name}",
        "%s",
        "#",
        "\u202e",
    ),
    *("3net-v1.0", "7", "9_9", "", " ", "-", "é", "名前", "x" * 300, "1" * 300, "a_" * 150),
    *("train", "parameters", "modules", "register_buffer", "bn", "half", "training", "conv", "type", "_modules", "T"),
    *("torch", "nn", "F", "Tensor", "math", "pad_same", "Concat", "Path", "WEIGHTS", "KitModel", "numpy", "sys"),
    *("alpha", "kernel", "stride", "channels", "in_channels", "shortcut", "dim", "num_classes", "images", "branch_0"),
]


def every_place(name: str) -> tuple[Building, list]:
    """A network in which all is called alike: inputs, scopes, layers, params, values, and the network's units."""
    net = Building()
    x, y = net.input(name, 2, 4, 8, 8), net.input(f"{name}/{name}", 2, 4, 8, 8)
    padded = net.call(f"{name}/1", helpers.pad_same(x, 3, 2))
    x = net.relu(f"{name}/{name}/a", net.call(f"{name}/2", F.max_pool2d(padded, 3, stride=2)))
    y = net.call(f"{name}/3", F.max_pool2d(y, 2))
    for index, channels in enumerate((6, 8, 10)):
        scope = f"{name}/{index}{name}/{name}"
        inner = net.conv_bn_relu(f"{scope}/{name}", x, channels)
        inner = net.call(f"{scope}/scaled/{name}", inner * net.param(f"{scope}/{name}", channels, 1, 1))
        inner = net.call(f"{scope}/power/{name}", F.elu(inner, alpha=0.5 + index))
        inner = net.call(f"{scope}/mean/{name}", inner - net.param(f"{scope}/0/{name}", channels, 1, 1, kind="buffer"))
        first, second = net.conv(f"{scope}/{name}1", inner, channels), net.conv(f"{scope}/{name}2", inner, channels)
        both = net.call(f"{scope}/{name}3", first * second)
        x = net.concat(f"{scope}/{name}4", both, first, inner)
    maximum = net.call(f"{name}/4", words.amax(x, (2, 3), keepdim=True))
    return net, [net.conv(f"{name}/5{name}", net.call(f"{name}/6", x - maximum), 3), y]


TAKEN = {*dir(builtins), *keyword.kwlist, "torch", "nn", "F", "math", "Tensor", "pad_same", "self"}


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_names(name: str, tmp_path: Path) -> None:
    net, outputs = every_place(name)
    made = generate(net.graph(*outputs), net, tmp_path, name="3net-v1.0")
    assert made.network.__class__.__name__ == "Net3netV1_0"
    assert made.source.isascii()
    assert all(line.isprintable() for line in made.source.splitlines())
    assert max(map(len, made.source.splitlines())) <= 120
    assert not any(text in made.source for text in ("os.system(", "{name}"))
    assigned = {node.id for node in ast.walk(ast.parse(made.source)) if is_stored(node)}
    assert assigned & TAKEN == set()


def is_stored(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def test_names_that_differ_in_case_and_punctuation(tmp_path: Path) -> None:
    net = Building()
    x = net.input("images", 2, 3, 8, 8)
    parts = [net.conv(f"net/{name}", x, 4) for name in ("conv_1", "Conv_1", "conv-1", "conv.1", "conv__1", "conv1_")]
    total = parts[0]
    for index, part in enumerate(parts[1:]):
        total = net.call(f"net/add{index}", total + part)
    made = generate(net.graph(total), net, tmp_path)
    assert len({key.split(".")[0] for key in made.network.state_dict()}) == 6


def test_params_that_differ_in_case_and_punctuation(tmp_path: Path) -> None:
    net = Building()
    x = net.input("images", 2, 4, 8, 8)
    for index, name in enumerate(("v", "V", "v_", "-v", "v_2", "other/v", "conv")):
        x = net.call(f"net/mul{index}", x * net.param(f"net/{name}", 4, 1, 1))
    x = net.call("net/add", net.conv("net/conv", x, 4) + net.conv("net/v", x, 4))
    generate(net.graph(x), net, tmp_path)


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("resnet_v1_50", "ResnetV1_50"),
        ("inception_v3", "InceptionV3"),
        ("3net-v1.0", "Net3netV1_0"),
        ("tensor", "NetTensor"),
        ("concat", "NetConcat"),
        ("none", "NetNone"),
        ("...", "Net"),
        ("é", "Net"),
    ],
)
def test_networks(name: str, called: str) -> None:
    assert names.network(name) == called


def test_a_network_that_is_called_like_a_class_of_torch(tmp_path: Path) -> None:
    net = Building()
    x = net.conv_bn_relu("tensor/tensor", net.input("images", 2, 3, 8, 8), 4)
    made = generate(net.graph(net.conv_bn_relu("tensor/tensor_1", x, 4)), net, tmp_path, name="tensor")
    assert made.network.__class__.__name__ == "NetTensor"


def test_what_a_source_may_carry_is_reserved() -> None:
    carried = {name for name, item in vars(support).items() if isinstance(item, type) and issubclass(item, nn.Module)}
    assert carried <= names.RESERVED_CLASSES
