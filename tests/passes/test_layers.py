"""Biases, padding and convolutions of several ops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.passes.documented import assert_shows, runs
from tf2torch.ir.printer import parse
from tf2torch.ir.types import Graph
from tf2torch.passes.bias import bias
from tf2torch.passes.convolutions import convolutions
from tf2torch.passes.padding import padding


@runs(bias, convolutions, padding)
def test_what_the_docstrings_show(function: Callable[[Graph], Graph], before: str, after: str) -> None:
    assert_shows(function, before, after)


CONV = """
input %x: float32[?, 9, 9, 4]
param %w: float32[3, 3, 4, 8] trainable
param %b: float32[{b}] trainable
%c: float32[?, 7, 7, 8] = Conv2D(%x, %w, padding="VALID", strides=(1, 1, 1, 1), data_format="{data_format}")
%y: float32[?, 7, 7, 8] = {addition}
output %y
{more}
"""


def ops(graph: Graph) -> list[str]:
    return [node.op for node in graph.nodes]


def conv(addition: str, b: str = "8", more: str = "", data_format: str = "NHWC") -> Graph:
    return bias(parse(CONV.format(addition=addition, b=b, more=more, data_format=data_format)))


@pytest.mark.parametrize("addition", ["BiasAdd(%c, %b)", "AddV2(%c, %b)", "Add(%b, %c)"])
def test_a_bias_is_the_third_input(addition: str) -> None:
    (node,) = conv(addition).nodes
    assert (node.op, [value.name for value in node.inputs], node.origin) == ("Conv2D", ["x", "w", "b"], ("c", "y"))


def test_a_bias_of_rank_4_becomes_a_vector() -> None:
    result = conv("AddV2(%c, %b)", b="1, 1, 1, 8")
    (node,) = result.nodes
    added = node.inputs[2]
    assert (ops(result), added.type.shape, list(result.params)[1]) == (["Conv2D"], (8,), added)
    assert added.ref is not None
    assert added.ref.view.apply(np.zeros((1, 1, 1, 8))).shape == (8,)
    assert result.params[added].ref == added.ref


def test_not_a_bias() -> None:
    assert ops(conv("AddV2(%c, %b)", b="7, 8")) == ["Conv2D", "AddV2"]
    assert ops(conv("AddV2(%c, %b)", b="1")) == ["Conv2D", "AddV2"]
    assert ops(conv("BiasAdd(%c, %b)", more="output %c")) == ["Conv2D", "BiasAdd"]
    assert ops(conv('BiasAdd(%c, %b, data_format="NCHW")')) == ["Conv2D", "BiasAdd"]
    assert ops(conv("AddV2(%c, %b)", data_format="NCHW")) == ["Conv2D", "AddV2"]  # of each column
    twice = conv("BiasAdd(%c, %b)", more="%z: float32[?, 7, 7, 8] = BiasAdd(%y, %b)\noutput %z")
    assert ops(twice) == ["Conv2D", "BiasAdd"]


PAD = """
input %x: float32[?, 9, 9, 4]
param %w: float32[3, 3, 4, 8] trainable
%zero: float32[] = Const(value=array("float32", 0.0))
%one: float32[] = Const(value=array("float32", 1.0))
%p: float32[?, 11, 12, 4] = {pad}
%y: float32[?, 9, 10, 8] = {op}(%p, %w, padding="{padding}", strides=(1, 1, 1, 1), explicit_paddings=({explicit}))
output %y
{more}
"""
WIDTHS = "paddings=((0, 0), (1, 1), (1, 2), (0, 0))"


def padded(
    pad: str = f"Pad(%x, {WIDTHS})",
    op: str = "Conv2D",
    padding_: str = "VALID",
    explicit: str = "",
    more: str = "",
) -> Graph:
    return padding(parse(PAD.format(pad=pad, op=op, padding=padding_, explicit=explicit, more=more)))


@pytest.mark.parametrize("op", ["Conv2D", "DepthwiseConv2dNative"])
@pytest.mark.parametrize("pad", [f"Pad(%x, {WIDTHS})", f"PadV2(%x, %zero, {WIDTHS})"])
def test_zeros_before_a_convolution(op: str, pad: str) -> None:
    node = padded(pad, op).nodes[-1]
    assert (node.attrs["padding"], node.attrs["explicit_paddings"]) == ("EXPLICIT", (0, 0, 1, 1, 1, 2, 0, 0))
    assert (node.inputs[0].name, node.origin) == ("x", ("p", "y"))


def test_paddings_add_up() -> None:
    node = padded(padding_="EXPLICIT", explicit="0, 0, 1, 0, 0, 0, 0, 0").nodes[-1]
    assert node.attrs["explicit_paddings"] == (0, 0, 2, 1, 1, 2, 0, 0)


@pytest.mark.parametrize(
    "given",
    [
        {"padding_": "SAME"},
        {"more": "output %p"},
        {"op": "MaxPool"},
        {"pad": f"PadV2(%x, %one, {WIDTHS})"},
        {"pad": f'MirrorPad(%x, {WIDTHS}, mode="REFLECT")'},
        {"pad": "Pad(%x, paddings=((0, 0), (1, 1), (1, 1), (0, 1)))"},
        {"pad": "Pad(%x, paddings=((1, 0), (1, 1), (1, 1), (0, 0)))"},
        {"pad": "Pad(%x, paddings=((0, 0), (1, 1), (1, size(%x, 1)), (0, 0)))"},
    ],
    ids=str,
)
def test_a_pad_that_stays(given: dict[str, str]) -> None:
    assert len([node for node in padded(**given).nodes if node.op != "Const"]) == 2


HOLES = """
input %x: float32[?, ?, 9, 4]
param %w: float32[3, 3, 4, 8] trainable
%a: float32[?, ?, ?, 4] = SpaceToBatchND(%x, block_shape=(2, 2), paddings={paddings})
%c: float32[?, ?, ?, 8] = {op}(%a, %w, padding="{padding}", strides=({stride}, 1, 1, 1))
%y: float32[?, ?, 9, 8] = BatchToSpaceND(%c, block_shape={block}, crops={crops})
output %y
"""


def holes(
    paddings: str, crops: str, padding_: str = "VALID", stride: int = 1, block: str = "(2, 2)", op: str = "Conv2D"
) -> Graph:
    source = HOLES.format(paddings=paddings, crops=crops, padding=padding_, stride=stride, block=block, op=op)
    return convolutions(parse(source))


REST = "operator.mod(size(%x, 1), 2)"


@pytest.mark.parametrize(
    ("paddings", "crops", "wanted"),
    [
        ("((2, 3), (2, 2))", "((0, 1), (0, 0))", ("SAME", ())),
        (f"((2, operator.add(2, {REST})), (2, 3))", f"((0, {REST}), (0, 1))", ("SAME", ())),
        (f"((0, {REST}), (0, 1))", f"((0, {REST}), (0, 1))", ("VALID", ())),
        ("((2, 2), (2, 3))", "((0, 0), (0, 0))", ("EXPLICIT", (0, 0, 2, 2, 2, 3, 0, 0))),
    ],
)
@pytest.mark.parametrize("op", ["Conv2D", "DepthwiseConv2dNative"])
def test_blocks_are_dilations(paddings: str, crops: str, wanted: tuple[str, tuple[int, ...]], op: str) -> None:
    (node,) = holes(paddings, crops, op=op).nodes
    assert (node.attrs["padding"], node.attrs.get("explicit_paddings", ())) == wanted
    assert (node.op, node.attrs["dilations"], node.origin) == (op, (1, 2, 2, 1), ("a", "c", "y"))


def test_blocks_that_stay() -> None:
    fine = "((2, 3), (2, 3))", "((0, 1), (0, 1))"
    assert len(holes(*fine).nodes) == 1
    assert len(holes(*fine, padding_="SAME").nodes) == 3
    assert len(holes(*fine, stride=2).nodes) == 3
    assert len(holes(*fine, block="(1, 2)").nodes) == 3
    assert len(holes("((0, 1), (2, 3))", "((1, 1), (0, 1))").nodes) == 3
    assert len(holes(f"((2, {REST}), (2, 3))", "((0, 1), (0, 1))").nodes) == 3


ONE_AXIS = """
input %x: float32[?, 4, 9]
param %w: float32[3, 4, 8] trainable
%a: float32[?, 4, 1, 9] = ExpandDims(%x, dim=-2)
%k: float32[1, 3, 4, 8] = ExpandDims(%w, dim=0)
%c: float32[?, 8, 1, 9] = Conv2D( \
    %a, %k, padding="SAME", strides=(1, 1, 1, 2), data_format="NCHW", dilations=(1, 1, 1, 3))
%y: float32[?, 8, 9] = Squeeze(%c, squeeze_dims=({axis},))
output %y
"""


def test_one_axis_channels_first() -> None:
    (node,) = convolutions(parse(ONE_AXIS.format(axis=-2))).nodes
    assert (node.op, node.attrs["strides"], node.attrs["dilations"]) == ("conv1d", (1, 1, 2), (1, 1, 3))
    assert node.attrs["data_format"] == "NCW"
    assert len(convolutions(parse(ONE_AXIS.format(axis=3))).nodes) == 4


BOTH = """
input %x: float32[?, 9, 4]
param %w: float32[3, 4, 8] trainable
param %b: float32[8] trainable
%s: float32[?, 7, 4] = SpaceToBatchND(%x, block_shape=(2,), paddings=((4, 1),))
%a: float32[?, 1, 7, 4] = ExpandDims(%s, dim=1)
%k: float32[1, 3, 4, 8] = ExpandDims(%w, dim=0)
%c: float32[?, 1, 5, 8] = Conv2D(%a, %k, padding="VALID", strides=(1, 1, 1, 1))
%q: float32[?, 5, 8] = Squeeze(%c, squeeze_dims=(1,))
%t: float32[?, 9, 8] = BatchToSpaceND(%q, block_shape=(2,), crops=((0, 1),))
%y: float32[?, 9, 8] = BiasAdd(%t, %b)
output %y
"""


def test_all_together() -> None:
    (node,) = bias(convolutions(parse(BOTH))).nodes
    assert (node.op, node.attrs["dilations"], node.attrs["padding"]) == ("conv1d", (1, 2, 1), "EXPLICIT")
    assert node.attrs["explicit_paddings"] == (0, 0, 4, 0, 0, 0)
    assert [value.name for value in node.inputs] == ["x", "w", "b"]
    assert node.origin == ("s", "a", "k", "c", "q", "t", "y")
