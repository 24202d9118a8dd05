"""Blocks of the same layers whose numbers are all different: one class for each name that the author gave."""

from __future__ import annotations

from pathlib import Path

from tests.outline.building import Building, class_names, generate
from tf2torch.ops.expr import F, Var, torch


def wide(net: Building, scope: str, x: Var, sizes: tuple[int, int, int], kernel: int, scale: float) -> Var:
    """Two branches, brought to the channels of x, scaled and added to it."""
    first, second, third = sizes
    straight = net.conv_bn_relu(f"{scope}/branch_0/conv", x, first, 1)
    inner = net.conv_bn_relu(f"{scope}/branch_1/conv1", x, second, 1)
    inner = net.conv_bn_relu(f"{scope}/branch_1/conv2", inner, third, kernel)
    up = net.conv(f"{scope}/up", net.concat(f"{scope}/concat", straight, inner), x.dims[1], 1)
    return net.call(f"{scope}/add", x + net.call(f"{scope}/mul", torch.mul(scale, up)))


def test_two_kinds_of_one_shape(tmp_path: Path) -> None:
    net = Building()
    x = net.conv_bn_relu("net/stem", net.input("images", 2, 3, 8, 8), 8)
    for index in range(3):
        scope = f"net/repeat/block17_{index}"
        x = net.relu(f"{scope}/Relu", wide(net, scope, x, (2, 3, 5), 3, 0.1))
    x = net.conv_bn_relu("net/middle", x, 12)
    for index in range(3):
        scope = f"net/repeat_1/block8_{index}"
        x = net.relu(f"{scope}/Relu", wide(net, scope, x, (4, 6, 7), 5, 0.2))
    x = wide(net, "net/Block8", x, (4, 6, 7), 5, 0.5)
    made = generate(net.graph(x), net, tmp_path)
    assert class_names(made) == ["ConvBnRelu", "Block17", "Block8", "Block8Relu", "Net"]
    assert "Block17() for _ in range(3)" in made.source
    assert "class Block8Relu(Block8)" in made.source
    assert "self.scale = scale" in made.source


def test_names_that_only_count_make_no_kinds(tmp_path: Path) -> None:
    net = Building()
    x = net.conv_bn_relu("net/stem", net.input("images", 2, 3, 8, 8), 8)
    for index in range(4):
        scope = f"net/block{index}"
        sizes = 2 + index, 4 + index % 2, 5 - index % 3
        x = net.relu(f"{scope}/Relu", wide(net, scope, x, sizes, (3, 5)[index % 2], 0.1 * index))
    made = generate(net.graph(x), net, tmp_path)
    assert class_names(made) == ["ConvBnRelu", "Block", "Net"]


def test_a_sequence_that_differs_in_all_its_numbers_is_written_out(tmp_path: Path) -> None:
    net = Building()
    x = net.conv_bn_relu("net/stem", net.input("images", 2, 3, 8, 8), 8)
    for index in range(5):
        scope = f"net/mixed_{'abcde'[index]}"
        inner = net.conv_bn_relu(f"{scope}/branch_1/conv1", x, 2 + index, (1, 1, 3, 5, 3)[index])
        inner = net.conv_bn_relu(f"{scope}/branch_1/conv2", inner, 3 + index % 3, (1, 3, 5)[index % 3])
        inner = net.conv_bn_relu(f"{scope}/branch_1/conv3", inner, 4 + index % 2, (1, 3)[index % 2])
        x = net.concat(f"{scope}/concat", net.conv_bn_relu(f"{scope}/branch_0/conv", x, 3, 1), inner)
        x = net.call(f"{scope}/pool", F.max_pool2d(x, 3, stride=1, padding=1)) if index % 2 else x
    made = generate(net.graph(x), net, tmp_path)
    assert class_names(made) == ["Concat", "ConvBnRelu", "Net"]
