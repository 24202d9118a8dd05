"""Rearrangements that go away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tf2torch.ir.interpret import run
from tf2torch.ir.printer import parse, text
from tf2torch.ir.types import Graph
from tf2torch.ir.verify import check
from tf2torch.passes.permutes import permutes, residual_permutes

X = "input %x: float32[?, 3, 4, 5]\n"
ROWS = {
    "pairs": (
        """
        %a: float32[?, 4, 5, 3] = Tensor.permute(%x, 0, 2, 3, 1)
        %b: float32[?, 3, 4, 5] = Tensor.permute(%a, 0, 3, 1, 2)
        %y: float32[?, 3, 4, 5] = F.relu(%b)
        output %y
        """,
        ["F.relu"],
    ),
    "two become one": (
        """
        %a: float32[?, 4, 5, 3] = Tensor.permute(%x, 0, 2, 3, 1)
        %y: float32[?, 4, 3, 5] = Tensor.permute(%a, (0, 1, 3, 2))
        output %y
        """,
        ["Tensor.permute"],
    ),
    "a reshape that a permute follows": (
        """
        %f: float32[?, 60] = Tensor.flatten(%x, 1)
        %a: float32[?, 1, 1, 60] = Tensor.reshape(%f, -1, 1, 1, 60)
        %y: float32[?, 60, 1, 1] = Tensor.permute(%a, 0, 3, 1, 2)
        output %y
        """,
        ["Tensor.reshape"],
    ),
    "new axes that a permute follows": (
        """
        %m: float32[?, 3] = Tensor.mean(%x, (2, 3))
        %a: float32[?, 1, 3] = Tensor.unsqueeze(%m, 1)
        %b: float32[?, 1, 1, 3] = operator.getitem(%a, (slice(None, None, None), None))
        %y: float32[?, 3, 1, 1] = Tensor.permute(%b, 0, 3, 1, 2)
        output %y
        """,
        ["Tensor.mean", "Tensor.reshape"],
    ),
    "a reshape after a permute of ones": (
        """
        %m: float32[?, 3, 1, 1] = Tensor.mean(%x, (2, 3), keepdim=True)
        %a: float32[?, 1, 1, 3] = Tensor.permute(%m, 0, 2, 3, 1)
        %y: float32[?, 3] = Tensor.reshape(%a, -1, 3)
        output %y
        """,
        ["Tensor.mean", "Tensor.flatten"],
    ),
    "columns of two layers": (
        """
        param %v: float32[2, 60] trainable
        param %w: float32[4, 60] trainable
        %a: float32[?, 4, 5, 3] = Tensor.permute(%x, 0, 2, 3, 1)
        %f: float32[?, 60] = Tensor.flatten(%a, 1)
        %y: float32[?, 2] = F.linear(%f, %v)
        %z: float32[?, 4] = F.linear(%f, %w)
        output %y
        output %z
        """,
        ["Tensor.flatten", "F.linear", "F.linear"],
    ),
    "not where something else reads the columns": (
        """
        param %w: float32[4, 60] trainable
        %a: float32[?, 4, 5, 3] = Tensor.permute(%x, 0, 2, 3, 1)
        %f: float32[?, 60] = Tensor.flatten(%a, 1)
        %r: float32[?, 60] = torch.cumsum(%f, 1)
        %z: float32[?, 4] = F.linear(%f, %w)
        output %r
        output %z
        """,
        ["Tensor.permute", "Tensor.flatten", "torch.cumsum", "F.linear"],
    ),
    "a weight that is read in two ways": (
        """
        param %w: float32[60, 60] trainable
        %f: float32[?, 60] = Tensor.flatten(%x, 1)
        %t: float32[60, 60] = Tensor.permute(%w, 1, 0)
        %a: float32[?, 60] = F.linear(%f, %t)
        %y: float32[?, 60] = F.linear(%a, %w)
        output %y
        """,
        ["Tensor.flatten", "Tensor.permute", "F.linear", "F.linear"],
    ),
    "a weight that is rearranged in two steps": (
        """
        param %w: float32[4, 3, 20] trainable
        %t: float32[3, 20, 4] = Tensor.permute(%w, 1, 2, 0)
        %u: float32[60, 4] = Tensor.reshape(%t, -1, 4)
        %f: float32[?, 60] = Tensor.flatten(%x, 1)
        %y: float32[?, 4] = torch.matmul(%f, %u)
        output %y
        """,
        ["Tensor.flatten", "torch.matmul"],
    ),
}


def results(graph: Graph) -> list[torch.Tensor]:
    """The outputs, for seeded inputs and weights by the names of TensorFlow's."""
    random = np.random.default_rng(0)
    image = torch.from_numpy(random.uniform(-1, 1, (2, 3, 4, 5)))
    weights = {}
    for value, param in sorted(graph.params.items(), key=lambda item: item[0].name):
        shape = param.ref.view.inverse().apply(np.empty([n or 1 for n in value.type.shape or ()])).shape
        array = random.uniform(-1, 1, shape)
        weights[value] = torch.from_numpy(np.ascontiguousarray(param.ref.view.apply(array)))
    values = run(graph, {graph.inputs[0]: image}, weights)
    return [values[value] for value in graph.outputs]


@pytest.mark.parametrize("name", ROWS)
def test_what_is_left_computes_the_same(name: str) -> None:
    source, left = ROWS[name]
    before = parse(X + source)
    after = permutes(before)
    check(after, "permutes")
    assert [node.op for node in after.nodes] == left, text(after)
    for found, wanted in zip(results(after), results(before), strict=True):
        torch.testing.assert_close(found, wanted)


def test_what_becomes_one_reshape_stays_where_its_author_wrote_it() -> None:
    graph = parse(X + ROWS["new axes that a permute follows"][0])
    nodes = [replace(node, scope=(node.op,), origin=(node.op,)) for node in graph.nodes]
    _, reshape = permutes(graph.with_nodes(nodes)).nodes
    assert (reshape.op, reshape.scope, reshape.name) == ("Tensor.reshape", ("operator.getitem",), "operator.getitem")


def test_permutes_of_params_do_not_count() -> None:
    counts = {name: residual_permutes(permutes(parse(X + source))) for name, (source, _) in ROWS.items()}
    assert {name for name, count in counts.items() if count} == {
        "two become one",
        "not where something else reads the columns",
    }
