"""Networks that nobody would write: whatever the graph and its scopes, the source computes the same."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.outline.building import Building, generate
from tf2torch.ops.expr import NEGATIVE_INF, F, Var, helpers, size
from tf2torch.ops.expr import torch as words

SCOPES = ["a", "a/b", "a/b/c", "a/b_1", "b", "b/a", "b/a/conv", "unit_1/a", "unit_2/a", "unit_3/a", "unit_1", "unit_2"]
LENGTH = 24
KINDS = ["layer", "same", "layer", "same", "unit", "sum", "concat", "function", "param", "pool", "size", "split"]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")  # it is meant so
@pytest.mark.parametrize("seed", range(12))
def test_random_graphs(seed: int, tmp_path: Path) -> None:
    """Of any order of layers and functions, in any order of scopes."""
    net, outputs = drawn(random.Random(seed))
    generate(net.graph(*outputs), net, tmp_path)


def drawn(draw: random.Random) -> tuple[Building, list[Var]]:
    net = Building()
    values = [net.input("left", 2, 3, 8, 8), net.input("right", 2, 4, 8, 8)][: draw.randint(1, 2)]
    shared = net.param("shared", 1) if draw.random() < 0.5 else None
    for index in range(LENGTH):
        scope = f"{draw.choice(SCOPES)}/{draw.choice(['n', 'n_1', f'n{index}'])}"
        x = draw.choice(values[-4:])
        like = [value for value in values if value.dims[1:] == x.dims[1:]]
        y = draw.choice(like)
        channels = draw.choice([3, 4, x.dims[1] or 1])
        match draw.choice(
            ["layer", "layer", "same", "same", "unit", "sum", "concat", "function", "param", "pool", "size", "split"]
        ):
            case "layer":
                x = draw.choice([net.conv, net.conv_bn, net.conv_bn_relu])(f"{scope}_{index}", x, channels)
            case "unit":
                x = net.conv_bn_relu(f"{scope}_{index}/conv1", x, channels, draw.choice([1, 3]))
                x = net.conv_bn(f"{scope}_{index}/conv2", x, channels)
            case "same":
                kernel, stride = draw.choice([1, 2, 3, 4]), draw.choice([1, 1, 2]) if (x.dims[2] or 0) > 4 else 1
                padded = net.call(f"{scope}_{index}/pad", helpers.pad_same(x, kernel, stride))
                options = {"stride": stride, "padding": 0, "groups": draw.choice([1, x.dims[1] or 1])}
                channels = options["groups"] * draw.choice([1, 2]) if options["groups"] > 1 else channels
                x = net.conv(f"{scope}_{index}", padded, channels, kernel, bias=draw.random() < 0.5, **options)
            case "sum":
                x = net.call(f"{scope}_{index}", draw.choice([x + y, x - y, y * x, x - y * 1 if x is y else y - x]))
            case "concat":
                x = net.concat(f"{scope}_{index}", x, *draw.sample(like, k=draw.randint(1, len(like))))
            case "function":
                x = net.call(
                    f"{scope}_{index}", draw.choice([F.relu(x), -x, x * 0.5, words.tanh(x), F.elu(x, alpha=2.0)])
                )
            case "param":
                own = net.param(f"{scope}_{index}/v", x.dims[1] or 1, 1, 1, kind=draw.choice(["trainable", "buffer"]))
                x = net.call(f"{scope}_{index}", x * (shared if shared is not None and draw.random() < 0.3 else own))
            case "pool":
                fill = draw.choice([0.0, NEGATIVE_INF])
                padded = net.call(f"{scope}_{index}/pad", helpers.pad_same(x, 3, 1, value=fill))
                x = net.call(f"{scope}_{index}", F.max_pool2d(padded, 3, stride=1))
            case "size":
                x = net.call(f"{scope}_{index}", x.reshape((size(x, 0), -1, size(x, 2), size(x, 3))))
            case "split":
                parts = net.calls(f"{scope}_{index}", words.split(x, [1, (x.dims[1] or 1) - 1], 1))
                x = parts[draw.randint(0, 1)] if (x.dims[1] or 1) > 1 else x
        values.append(x)
    outputs = [values[-1], *draw.sample(values[4:-1], k=draw.randint(0, 2))]
    prune(net, outputs)
    return net, outputs


def prune(net: Building, outputs: list[Var]) -> None:
    """Takes out what the outputs do not need, as the export does."""
    needed = {output.value for output in outputs}
    kept = []
    for node in reversed(net.nodes):
        if needed & set(node.outputs):
            needed.update(node.inputs)
            kept.append(node)
    net.nodes = kept[::-1]
    net.inputs = [value for value in net.inputs if value in needed]
    net.params = {value: param for value, param in net.params.items() if value in needed}
