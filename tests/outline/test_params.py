"""What is learned: shared weights, those that are not trained, batch norms without gamma."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.outline.building import Building, class_names, generate
from tf2torch.ops.expr import F, helpers
from tf2torch.ops.expr import torch as words


def test_a_kernel_of_two_convolutions_is_one_parameter(tmp_path: Path) -> None:
    net = Building()
    x, y = net.input("left", 2, 3, 8, 8), net.input("right", 2, 3, 8, 8)
    kernel, bias = net.param("net/shared/weights", 4, 3, 3, 3), net.param("net/shared/biases", 4)
    x = net.call("net/shared/Conv2D", F.conv2d(x, kernel, bias))
    y = net.call("net/shared_1/Conv2D", F.conv2d(y, kernel, bias))
    made = generate(net.graph(net.call("net/sub", x - y)), net, tmp_path)
    assert [key for key, _ in made.network.named_parameters()] == ["weights", "biases"]


def test_a_kernel_shared_by_units_is_handed_to_them(tmp_path: Path) -> None:
    """It belongs to what holds them all; they have layers of their own beside it."""
    net = Building()
    x = net.input("images", 2, 4, 8, 8)
    kernel = net.param("net/kernel", 4, 4, 3, 3)
    for index in range(3):
        x = net.conv_bn_relu(f"net/unit_{index}/own", x, 4)
        x = net.call(f"net/unit_{index}/shared/Conv2D", F.conv2d(x, kernel, padding=1))
        x = net.call(f"net/unit_{index}/scaled", x * net.param(f"net/unit_{index}/scale", 4, 1, 1))
    made = generate(net.graph(x), net, tmp_path)
    assert "kernel" in dict(made.network.named_parameters())
    assert class_names(made) == ["ConvBnRelu", "Unit", "Net"]
    assert "def forward(self, x: Tensor, kernel: Tensor)" in made.source or "kernel: Tensor" in made.source


def test_one_unit_called_twice(tmp_path: Path) -> None:
    """A siamese network: all weights of one scope are read by two."""
    net = Building()
    inputs = [net.input("left", 2, 3, 8, 8), net.input("right", 2, 3, 8, 8)]
    kernels = [net.param(f"net/tower/{name}/weights", 4, n, 3, 3) for name, n in (("a", 3), ("b", 4))]
    mean, variance = (net.param(f"net/tower/{n}", 4, kind="buffer", positive=True) for n in ("mean", "variance"))
    results = []
    for scope, x in zip(("tower", "tower_1"), inputs, strict=True):
        for name, kernel in zip("ab", kernels, strict=True):
            x = net.call(f"net/{scope}/{name}/Conv2D", F.conv2d(x, kernel, padding=1))
            norm = F.batch_norm(x, mean, variance, None, None, training=False, momentum=0.1, eps=0.001)
            x = net.call(f"net/{scope}/{name}/norm", norm)
            x = net.relu(f"net/{scope}/{name}/Relu", x)
        results.append(x)
    made = generate(net.graph(net.call("net/sub", results[0] - results[1])), net, tmp_path)
    assert len(list(made.network.parameters())) == 2


def test_an_embedding_tied_to_the_output(tmp_path: Path) -> None:
    net = Building()
    x = net.input("x", 5, 4)
    table = net.param("net/embedding", 7, 4)
    scores = net.call("net/scores/MatMul", F.linear(net.linear("net/dense", x, 4), table))
    made = generate(net.graph(net.call("net/back/MatMul", words.matmul(scores, table))), net, tmp_path)
    assert "embedding" in dict(made.network.named_parameters())


@pytest.mark.parametrize(("gamma", "beta"), [(True, True), (True, False), (False, True), (False, False)])
def test_batch_norms_without_gamma_or_beta(gamma: bool, beta: bool, tmp_path: Path) -> None:
    net = Building()
    x = net.input("images", 2, 3, 8, 8)
    for index in range(2):
        x = net.norm(f"net/unit_{index}/norm", net.conv(f"net/unit_{index}/conv", x, 4), gamma=gamma, beta=beta)
    made = generate(net.graph(x), net, tmp_path)
    norm = next(part for part in made.network.modules() if "BatchNorm" in type(part).__name__)
    assert norm.affine == (gamma or beta)
    if norm.affine:
        assert (norm.weight.requires_grad, norm.bias.requires_grad) == (gamma, beta)


def test_a_kernel_of_an_even_size_pads_without_a_warning(tmp_path: Path) -> None:
    net = Building()
    x = net.call("net/conv/pad", helpers.pad_same(net.input("images", 2, 3, 8, 8), 4, 1))
    made = generate(net.graph(net.call("net/conv/Conv2D", F.conv2d(x, net.param("w", 4, 3, 4, 4)))), net, tmp_path)
    assert "Conv2dSame(3, 4, 4, bias=False)" in made.source


def test_instance_norms(tmp_path: Path) -> None:
    """With gamma and beta a layer; with one of them a function, since PyTorch's layer has both or neither."""
    net = Building()
    x = net.input("images", 2, 3, 8, 8)
    for index, names in enumerate((("weight", "bias"), ("weight", "bias"), ("weight",))):
        scope = f"net/unit_{index}"
        x = net.conv(f"{scope}/conv", x, 4, bias=False)
        given = {name: net.param(f"{scope}/norm/{name}", 4) for name in names}
        x = net.call(f"{scope}/norm/norm", F.instance_norm(x, **given, eps=0.001))
    made = generate(net.graph(x), net, tmp_path)
    assert "self.norm = nn.InstanceNorm2d(4, eps=0.001, affine=True)" in made.source
    assert class_names(made)[0] == "ConvNorm"
    assert made.source.count("F.instance_norm") == 1


def test_layers_that_are_not_trained(tmp_path: Path) -> None:
    """Frozen ones are parameters, which a user can train after all; statistics are none."""
    net = Building()
    x = net.input("images", 2, 3, 8, 8)
    for index in range(4):
        kind = "frozen" if index < 2 else "trainable"
        weight = net.param(f"net/conv{index}/weights", 4, x.dims[1], 3, 3, kind=kind)
        bias = net.param(f"net/conv{index}/biases", 4)
        x = net.relu(f"net/conv{index}/Relu", net.call(f"net/conv{index}/Conv2D", F.conv2d(x, weight, bias, padding=1)))
    made = generate(net.graph(x), net, tmp_path)
    assert [key for key, value in made.network.named_parameters() if not value.requires_grad] == [
        "conv0.conv.weight",
        "conv1.conv.weight",
    ]


def test_a_kernel_that_is_a_constant(tmp_path: Path) -> None:
    """A blur, say: no layer is made of what is not learned at all, or it would be trained."""
    net = Building()
    x = net.conv("net/conv", net.input("images", 2, 3, 8, 8), 4)
    x = net.call("net/blur/Conv2D", F.conv2d(x, net.param("net/blur/kernel", 4, 1, 3, 3, kind="buffer"), groups=4))
    made = generate(net.graph(x), net, tmp_path)
    assert "kernel" in dict(made.network.named_buffers())


def test_statistics_that_are_trained_or_shared(tmp_path: Path) -> None:
    """A batch norm whose mean is a parameter is no nn.BatchNorm2d."""
    net = Building()
    x = net.conv("net/conv", net.input("images", 2, 3, 8, 8), 4)
    mean, variance = net.param("net/norm/mean", 4), net.param("net/norm/variance", 4, positive=True)
    norm = F.batch_norm(x, mean, variance, None, None, training=False, momentum=0.1, eps=0.001)
    generate(net.graph(net.call("net/norm/norm", norm)), net, tmp_path)
