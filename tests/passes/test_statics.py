"""Arithmetic of sizes: with numbers, and with sizes that are known only when the network runs."""

from __future__ import annotations

import pytest

from tf2torch.ir.printer import parse, text
from tf2torch.passes.statics import sizes, statics

START = """
input %x: float32[?, 8, 9, 3]
input %t: float32[?, 7, ?]
param %w: float32[5, 6] trainable
%s: int32[4] = Shape(%x)
%u: int32[3] = Shape(%t)
%v: int32[2] = Shape(%w)
%zero: int32[1] = Const(value=array("int32", [0]))
%one: int32[1] = Const(value=array("int32", [1]))
%two: int32[1] = Const(value=array("int32", [2]))
%three: int32[1] = Const(value=array("int32", [3]))
%n: int32[] = Const(value=array("int32", 2))
%half: float32[] = Const(value=array("float32", 2.0))
%batch: int32[] = StridedSlice(%s, %zero, %one, %one, shrink_axis_mask=1)
%space: int32[2] = StridedSlice(%s, %one, %three, %one)
%channels: int32[1] = StridedSlice(%s, %three, %zero, %one, end_mask=1)
"""
SIZE = "size(%x, {})".format
ROWS = {
    "batch": ("%r: int32[1] = Pack(%batch)", f"({SIZE(0)},)"),
    "space": ("%r: int32[2] = Mul(%space, %n)", f"(operator.mul({SIZE(1)}, 2), operator.mul({SIZE(2)}, 2))"),
    "channels": ("%r: int32[1] = Add(%channels, %n)", "(5,)"),
    "rest": ("%r: int32[1] = Pack(%n)", "(2,)"),
    "nothing added": ("%a: int32[2] = Add(%space, %zero)\n%r: int32[2] = Mul(%one, %a)", f"({SIZE(1)}, {SIZE(2)})"),
    "sequence": ("%r: int32[3] = Identity(%u)", "(size(%t, 0), 7, size(%t, 2))"),
    "weights": ("%r: int32[1] = Prod(%v, %zero, keep_dims=True)", "(30,)"),
    "product": (
        "%r: int32[1] = Prod(%s, %zero, keep_dims=True)",
        f"(operator.mul(operator.mul(operator.mul({SIZE(0)}, {SIZE(1)}), {SIZE(2)}), 3),)",
    ),
    "joined": (
        "%a: int32[1] = ExpandDims(%batch, %zero)\n%r: int32[3] = ConcatV2(%a, %space, %zero)",
        f"({SIZE(0)}, {SIZE(1)}, {SIZE(2)})",
    ),
    "floats": (
        "%a: float32[2] = Cast(%space)\n%b: float32[2] = Mul(%a, %half)\n%r: int32[2] = Cast(%b)",
        f"(operator.mul({SIZE(1)}, 2), operator.mul({SIZE(2)}, 2))",
    ),
    "gathered": ("%r: int32[1] = GatherV2(%s, %two, %n)".replace("%n", "%zero"), f"({SIZE(2)},)"),
    "sliced": ("%r: int32[2] = Slice(%s, %one, %two)", f"({SIZE(1)}, {SIZE(2)})"),
    "divided": (
        "%r: int32[2] = FloorDiv(%space, %n)",
        f"(operator.floordiv({SIZE(1)}, 2), operator.floordiv({SIZE(2)}, 2))",
    ),
    "range": ("%a: int32[] = Squeeze(%zero)\n%b: int32[] = Squeeze(%one)\n%r: int32[2] = Range(%a, %n, %b)", "(0, 1)"),
}


@pytest.mark.parametrize("name", ROWS)
def test_sizes(name: str) -> None:
    lines, shape = ROWS[name]
    graph = sizes(statics(parse(f"{START}{lines}\n%y: float32[*] = Reshape(%x, %r)\noutput %y")))
    assert text(graph).splitlines()[-2] == f"%y: float32[*] = Reshape(%x, shape={shape})"
    assert [node.op for node in graph.nodes] == ["Reshape"]


def test_sizes_that_are_read_as_a_tensor() -> None:
    graph = sizes(
        parse(f"{START}%y: float32[2] = Cast(%space)\n%z: int32[1] = Add(%channels, %n)\noutput %y\noutput %z")
    )
    assert text(graph).splitlines()[2:] == [
        '%y: float32[2] = integers(values=(size(%x, 1), size(%x, 2)), dtype="float32")',
        '%z: int32[1] = Const(value=array("int32", [5]))',
        "output %y",
        "output %z",
    ]


def test_a_number_that_depends_on_what_is_computed_stays_an_input() -> None:
    source = "input %x: float32[?, 4]\ninput %a: int32[1]\n%y: float32[?] = Mean(%x, %a, keep_dims=False)\noutput %y"
    assert text(sizes(statics(parse(source)))) == source


def test_a_float_means_its_shortest_decimal() -> None:
    source = """
        input %x: float32[?, 4]
        %v: float32[] = Const(value=array("float32", 0.1))
        %p: int32[2, 2] = Const(value=array("int32", [[0, 0], [1, 1]]))
        %y: float32[?, 6] = PadV2(%x, %p, %v)
        output %y
    """
    assert "constant_values=0.1)" in text(statics(parse(source)))
