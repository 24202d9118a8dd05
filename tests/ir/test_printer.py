"""Graphs as text, and back."""

from __future__ import annotations

import numpy as np
import pytest

from tf2torch.ir.printer import parse, text
from tf2torch.ir.types import Graph, Node, Ref, TensorType, Value
from tf2torch.ir.views import View
from tf2torch.ops.expr import Call, Constant

TENSORFLOW = """
input %x: float32[?, 8, 8, 3]
param %c/w: float32[3, 3, 3, 4] trainable
%k: float32[2] = Const(value=array("float32", [0.5, 1.0]))
%c/y: float32[?, 8, 8, 4] = Conv2D(%x, %c/w, strides=(1, 1, 1, 1), padding="SAME", flag=True, none=None)
%s:0: float32[?, 8, 8, 2], %s:1: float32[*] = Split(%c/y, axis=3, num=-2)
output %s:0
output %k
""".strip()

TORCH = """
input %x: float32[?, 8, 8]
param %w: float32[] buffer
%a: float32[] = Tensor.reshape(%x, (size(%x, 0), -1), dtype=torch.float32)
%b: float32[?] = operator.getitem(%a, (slice(None, 3, None), [%w, %w], {'k': operator.floordiv(size(%x, 1), 2)}))
output %b
""".strip()


@pytest.mark.parametrize("source", [TENSORFLOW, TORCH], ids=["tensorflow", "torch"])
def test_text_and_back(source: str) -> None:
    assert text(parse(source)) == source


def test_what_is_parsed() -> None:
    graph = parse(TORCH)
    reshape, index = graph.nodes
    assert reshape.inputs == graph.inputs
    assert reshape.attrs["kwargs"] == {"dtype": Constant("torch.float32")}
    assert isinstance(reshape.attrs["args"][1][0], Call)
    assert [value.name for value in index.inputs] == ["a", "w", "x"]
    assert parse(TENSORFLOW).nodes[1].scope == ("c",)


def test_views_and_long_arrays_are_printed() -> None:
    seen = Value("y", TensorType("float32", (2, 3)), Ref("y:0", View().permute((1, 0)).reshape((2, 3), (6,))))
    graph = Graph((), (), (Node("Const", (), (seen,), {"value": np.zeros((5, 7), "int32")}),), {})
    assert text(graph) == '%y: float32[2, 3] ~permute(1, 0) ~reshape(6) = Const(value=long_array("int32", [5, 7]))'


@pytest.mark.parametrize("line", ["nonsense", "%y: float32[] = 3"])
def test_what_is_no_graph_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        parse(line)
