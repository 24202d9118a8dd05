"""Cells that read the last two values become a loop, as far as nothing else looks into it; what things are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.outline.building import Building, class_names, generate
from tf2torch.ir.types import TensorType, Value
from tf2torch.ops.expr import Var
from tf2torch.outline import names


def cell(net: Building, scope: str, x: Var, previous: Var) -> Var:
    left = net.conv_bn(f"{scope}/left", x, 4)
    right = net.conv_bn(f"{scope}/right", net.relu(f"{scope}/Relu", previous), 4)
    return net.call(f"{scope}/add", left + right)


def cells(net: Building, count: int) -> list[Var]:
    made = [net.conv(f"net/stem{index}", net.input(f"images_{index}", 2, 4, 8, 8), 4) for index in range(2)]
    for index in range(count):
        made.append(cell(net, f"net/cell_{index}", made[-1], made[-2]))
    return made


def test_many_cells_are_a_loop(tmp_path: Path) -> None:
    net = Building()
    made = generate(net.graph(net.relu("net/Relu", cells(net, 5)[-1])), net, tmp_path)
    assert class_names(made) == ["Cells", "ConvBn", "Cell", "Net"]
    assert "Cells([*(Cell() for _ in range(5))])" in made.source
    assert "x, _ = self.cells(" in made.forward
    assert "def forward(self, x: Tensor, previous: Tensor) -> Tensor:" in made.source


def test_what_is_read_elsewhere_comes_out_of_the_loop(tmp_path: Path) -> None:
    """The last two values do; of a third the loop ends before it is the third."""
    net = Building()
    made = cells(net, 6)
    kept = made[-3]
    source = generate(net.graph(net.call("net/add", made[-1] + kept)), net, tmp_path)
    assert "x, previous = self.cells(" in source.forward
    assert "self.cell_5(x, previous)" in source.forward


def test_what_follows_a_loop_is_called_with_what_comes_out_of_it(tmp_path: Path) -> None:
    """The last cell skips the one before it, so that it cannot be in the loop, and neither can that."""
    net = Building()
    made = cells(net, 4)
    reduced = net.relu("net/reduction/Relu_1", cell(net, "net/reduction", made[-1], made[-2]))
    source = generate(net.graph(cell(net, "net/cell_4", reduced, made[-2])), net, tmp_path)
    assert "self.cell_4(self.reduction(x, previous), previous)" in source.forward
    assert source.source.count("def forward(self, x: Tensor, previous: Tensor) -> Tensor:") == 2


def test_two_cells_are_called_one_by_one(tmp_path: Path) -> None:
    net = Building()
    assert "cells" not in generate(net.graph(cells(net, 2)[-1]), net, tmp_path).source


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("cell_1/prev_bn/FusedBatchNormV3:0", "prev_bn"),
        ("cell_1/comb_iter_0/combine/add_3", "combine"),
        ("cell_1/output/concat", "output"),
        ("block/gate", "gate"),
        ("Relu", "Relu"),
    ],
)
def test_an_operation_that_only_says_what_it_does_is_called_after_its_scope(name: str, called: str) -> None:
    assert names.called(Value(name, TensorType("float32", ()), None)) == called


@pytest.mark.parametrize(
    ("called", "agreed"),
    [
        (["separable_3x3_1", "separable_5x5_1"], "separable_1"),
        (["separable_3x3_1", "separable_3x3_1"], "separable_3x3_1"),
        (["separable_3x3_1", "separable_3x3_2"], "separable_3x3_1"),
        (["1x1", "3x3"], "1x1"),
    ],
)
def test_a_size_is_no_name_where_instances_differ_in_it(called: list[str], agreed: str) -> None:
    assert names.agreed(called) == agreed
