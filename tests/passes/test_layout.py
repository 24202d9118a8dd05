"""Where permutes come in, and where they do not. The numbers are compared in test_pipeline."""

from __future__ import annotations

import pytest

from tf2torch.ir.printer import parse, text
from tf2torch.ir.types import Graph
from tf2torch.ir.verify import check
from tf2torch.passes.layout import layout

CONV = 'Conv2D(%x, %w, strides=(1, 1, 1, 1), padding="VALID")'
HEAD = """
input %x: float32[?, 8, 9, 3]
param %w: float32[1, 1, 3, 4] trainable
param %v: float32[4] trainable
%c: float32[?, 8, 9, 4] = Conv2D(%x, %w, strides=(1, 1, 1, 1), padding="VALID")
"""


def laid_out(source: str) -> Graph:
    graph = layout(parse(source))
    check(graph, "layout")
    return graph


def permutes(graph: Graph) -> list[tuple[int, ...]]:
    return [node.attrs["axes"] for node in graph.nodes if node.op == "permute"]


FOLLOWED = r"""
%y: float32[?, 8, 9, 1] = Sum(%c, reduction_indices=-1, keep_dims=True)
%y: float32[?, 1, 8, 9] ~permute(0, 3, 1, 2) = Sum(%c, reduction_indices=1, keep_dims=True)

%y: float32[?, 4] = Mean(%c, reduction_indices=(1, 2))
%y: float32[?, 4] = Mean(%c, reduction_indices=(2, 3))

%y: float32[?, 8, 9] = Max(%c, reduction_indices=(3,))
%y: float32[?, 8, 9] = Max(%c, reduction_indices=(1,))

%y: float32[?, 9, 4] = Max(%c, reduction_indices=(1,))
%y: float32[?, 4, 9] ~permute(0, 2, 1) = Max(%c, reduction_indices=(2,))

%y: float32[?, 8, 9, 8] = ConcatV2(%c, %c, axis=3)
%y: float32[?, 8, 8, 9] ~permute(0, 3, 1, 2) = ConcatV2(%c, %c, axis=1)

%y: float32[?, 9, 9, 4] = Pad(%c, paddings=((0, 0), (1, 0), (0, 0), (0, 0)))
%y: float32[?, 4, 9, 9] ~permute(0, 3, 1, 2) = Pad(%c, paddings=((0, 0), (0, 0), (1, 0), (0, 0)))

%y: float32[?, 8, 9, 4] = Roll(%c, shift=(5, 6), axis=(3, 1))
%y: float32[?, 4, 8, 9] ~permute(0, 3, 1, 2) = Roll(%c, shift=(5, 6), axis=(1, 2))

%y: float32[?, 8, 9, 4] = Softmax(%c)
%y: float32[?, 4, 8, 9] ~permute(0, 3, 1, 2) = Softmax(%c, axis=1)

%y: float32[8, 9, 4] = Squeeze(%c, squeeze_dims=(0,))
%y: float32[4, 8, 9] ~permute(2, 0, 1) = Squeeze(%c, squeeze_dims=(0,))

%y: float32[?, 6, 9, 4] = StridedSlice(%c, begin=(0, 1), end=(0, -1), strides=(1, 1), begin_mask=1, end_mask=1)
%y: float32[?, 4, 6, 9] ~permute(0, 3, 1, 2) = StridedSlice(%c, begin=(0, 0, 1, 0), end=(0, 0, -1, 0), \
    strides=(1, 1, 1, 1), begin_mask=11, end_mask=11, shrink_axis_mask=0, ellipsis_mask=0)

%y: float32[?, 8, 9] = StridedSlice(%c, begin=(0, 2), end=(0, 3), strides=(1, 1), ellipsis_mask=1, shrink_axis_mask=2)
%y: float32[?, 8, 9] = StridedSlice(%c, begin=(0, 2, 0, 0), end=(0, 3, 0, 0), \
    strides=(1, 1, 1, 1), ellipsis_mask=0, shrink_axis_mask=2, begin_mask=13, end_mask=13)

%y: int32[4] = Shape(%c)
%y: int32[4] = Shape(%c, order=((0, 3, 1, 2),))
"""


@pytest.mark.parametrize("pair", FOLLOWED.strip().split("\n\n"))
def test_attributes_follow_the_axes(pair: str) -> None:
    line, becomes = pair.replace("\\\n    ", "").splitlines()
    graph = laid_out(f"{HEAD}{line}\noutput %y")
    assert permutes(graph) == []
    assert becomes in text(graph).splitlines()


@pytest.mark.parametrize(
    ("lines", "inserted"),
    [
        ("%y: float32[?, 288] = Reshape(%c, shape=(-1, 288))", 1),
        ("%a: float32[?, 288] = Reshape(%c, shape=(-1, 288))\n%y: float32[*] = Reshape(%c, shape=(72, -1))", 1),
        ("%y: float32[?, 1, 8, 9, 4] = ExpandDims(%c, dim=1)", 1),
        ("%y: float32[?, 8, 9, 4] = MadeUpByTheUser(%c)", 1),
        ("%y: float32[?, 8, 9, 4] = Mul(%c, %v)", 0),
        ("%a: float32[?, 4, 8, 9] = Transpose(%c, perm=(0, 3, 1, 2))\n%y: float32[?, 4, 8, 9] = Relu(%a)", 0),
    ],
)  # fmt: skip
def test_what_wants_tensorflows_order_gets_it_once(lines: str, inserted: int) -> None:
    assert permutes(laid_out(f"{HEAD}{lines}\noutput %y")) == [(0, 2, 3, 1)] * inserted


@pytest.mark.parametrize(
    ("readers", "channels_first"),
    [
        (f"%y: float32[?, 8, 9, 4] = {CONV}", True),
        (f"%a: float32[?, 8, 9, 3] = Relu(%x)\n%y: float32[?, 8, 9, 4] = {CONV.replace('%x', '%a')}", True),
        (f"%y: float32[?, 8, 9, 4] = {CONV}\n%z: float32[?, 216] = Reshape(%x, shape=(-1, 216))", False),
        (f"%y: float32[?, 8, 9, 4] = {CONV}\n%z: int32[4] = Shape(%x)", True),
        ("%y: float32[?, 3] = Mean(%x, reduction_indices=(1, 2))", False),
        ("%y: float32[?, 8, 9, 3] = Relu(%x)", False),
        ("%y: float32[?, 3, 8, 9] = Transpose(%x, perm=(0, 3, 1, 2))", True),
    ],
)
def test_how_an_input_starts(readers: str, channels_first: bool) -> None:
    graph = laid_out(f"{HEAD.split('%c')[0]}{readers}\noutput %y")
    (image,) = graph.inputs
    assert (image.type.shape == (None, 3, 8, 9)) == channels_first


def test_channels_first_in_tensorflow_stays() -> None:
    source = """
        input %x: float32[?, 3, 8, 9]
        param %w: float32[1, 1, 3, 4] trainable
        %y: float32[?, 4, 8, 9] = Conv2D(%x, %w, strides=(1, 1, 1, 1), padding="VALID", data_format="NCHW")
        %z: float32[?, 4] = Mean(%y, reduction_indices=(2, 3))
        output %z
    """
    assert text(laid_out(source)) == text(parse(source))


def test_operands_of_lower_rank_are_reshaped() -> None:
    graph = laid_out(f"{HEAD}%y: float32[?, 8, 9, 4] = Mul(%c, %v)\noutput %y")
    assert "%v.0312: float32[4, 1, 1] ~reshape(4, 1, 1) = reshape(%v, shape=(4, 1, 1))" in text(graph)
