"""What the author repeats or counts: parts of a layer, units under one name, layers with arithmetic."""

from __future__ import annotations

from pathlib import Path

from tests.outline.building import Building, Generated, class_names, generate
from tf2torch.ops.expr import F, Var


def separable(net: Building, scope: str, x: Var, channels: int) -> Var:
    x = net.conv_bn_relu(f"{scope}_depthwise", x, x.dims[1], groups=x.dims[1])
    return net.conv_bn_relu(f"{scope}_pointwise", x, channels, 1)


def test_parts_of_a_numbered_layer_are_one(tmp_path: Path) -> None:
    net = Building()
    x = net.conv_bn_relu("net/Conv2d_0", net.input("images", 2, 3, 8, 8), 4)
    for index, channels in enumerate((4, 4, 6, 8, 8), start=1):
        x = separable(net, f"net/Conv2d_{index}", x, channels)
    made = generate(net.graph(net.conv("net/logits", x, 3)), net, tmp_path)
    assert class_names(made) == ["ConvBnRelu", "DepthwisePointwise", "Net"]
    assert [name for name, _ in made.network.named_children()] == ["conv2d_0", "conv2d", "logits"]


def test_parts_that_something_else_reads_stay_apart(tmp_path: Path) -> None:
    net = Building()
    x = net.input("images", 2, 4, 8, 8)
    for index in range(3):
        inner = net.conv_bn_relu(f"net/layer_{index}_first", x, 4)
        x = net.call(f"net/add_{index}", inner + net.conv_bn_relu(f"net/layer_{index}_second", inner, 4))
    made = generate(net.graph(x), net, tmp_path)
    assert class_names(made) == ["ConvBnRelu", "Net"]


def inverted_residuals(
    folder: Path, gate_at: float | None = None, widths: tuple[int, ...] = (4, 6, 6, 8, 8, 10, 12, 14)
) -> Generated:
    """Units that TensorFlow calls unit, unit_1, ..., some with a sum and some without."""
    net = Building()
    x = net.conv_bn_relu("net/Conv", net.input("images", 2, 3, 8, 8), 4)
    for index, channels in enumerate(widths):
        scope = f"net/unit_{index}" if index else "net/unit"
        y = net.conv_bn_relu(f"{scope}/depthwise", x, x.dims[1], groups=x.dims[1])
        if gate_at is not None:
            gate = net.conv(f"{scope}/gate/Conv", net.call(f"{scope}/gate/mean", y.mean((2, 3), keepdim=True)), 4)
            gate = net.relu(f"{scope}/gate/Conv/Relu", gate)
            gate = net.conv(f"{scope}/gate/Conv_1", gate, x.dims[1])
            gate = net.call(f"{scope}/gate/Conv_1/Relu6", F.relu6(net.call(f"{scope}/gate/Conv_1/add", gate + gate_at)))
            y = net.call(f"{scope}/gate/mul", y * gate)
        y = net.conv_bn(f"{scope}/project", y, channels, 1)
        x = net.call(f"{scope}/add", x + y) if channels == x.dims[1] else y
    return generate(net.graph(net.conv("net/logits", x, 3)), net, folder)


def test_what_tensorflow_counts_is_one_sequence(tmp_path: Path) -> None:
    made = inverted_residuals(tmp_path)
    assert [name for name, _ in made.network.named_children()] == ["conv", "unit", "logits"]
    assert len(made.network.unit) == 8
    assert made.source.count("groups=") == 3  # in the class of one layer, and in those of both kinds of unit


def test_a_derived_class_of_depthwise_layers_has_the_attributes_of_its_base(tmp_path: Path) -> None:
    """ConvBn is never depthwise here, ConvBnRelu is at first."""
    made = inverted_residuals(tmp_path)
    assert "class ConvBnRelu(ConvBn)" in made.source
    assert {key.split(".")[-2] for key in made.network.state_dict() if key.startswith("unit")} == {"conv", "bn"}


def test_arithmetic_in_a_small_block_is_no_class(tmp_path: Path) -> None:
    made = inverted_residuals(tmp_path, gate_at=3.0)
    assert "F.relu6(self.conv_1(self.conv(" in made.source
    assert not any("Relu6" in name for name in class_names(made))


def test_a_residual_unit_of_which_there_are_few_is_no_class(tmp_path: Path) -> None:
    made = inverted_residuals(tmp_path, widths=(4, 4, 6, 8, 10))
    assert class_names(made) == ["Residual", "ConvBn", "ConvBnRelu", "Net"]
    assert made.source.count("Residual(ConvBnRelu(") == 1  # of both, in a comprehension
