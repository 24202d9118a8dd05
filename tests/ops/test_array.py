"""How tensors that are made read."""

from __future__ import annotations

from tests.ops.reading import value
from tf2torch.ir.types import Node
from tf2torch.ops import registry
from tf2torch.ops.expr import Expr, Var, size
from tf2torch.ops.table import text

BATCH = size(Var(value(None, 4)), 0)


def made(op: str, **attrs: object) -> Expr:
    (result,) = registry.lower(Node(op, (), (), attrs))
    return result


def test_a_tensor_of_one_number_joins_the_tensor_that_it_has_a_size_of() -> None:
    assert text(made("Fill", dims=(BATCH, 3), value=0.0, T="float32")) == "x.new_zeros((x.shape[0], 3))"
    assert text(made("Fill", dims=(BATCH * 2,), value=1.5, T="float32")) == "x.new_full((x.shape[0] * 2,), 1.5)"
    assert text(made("Fill", dims=(BATCH,), value=7, T="int32")) == "x.new_full((x.shape[0],), 7, dtype=torch.int32)"
    assert text(made("Fill", dims=(2, 3), value=0.5, T="float32")) == "torch.full((2, 3), 0.5, dtype=torch.float32)"


def test_a_range_starts_from_0_without_saying_so() -> None:
    assert text(made("Range", start=0, limit=5, delta=1, Tidx="int32")) == "torch.arange(5, dtype=torch.int32)"
    found = made("Range", start=0, limit=BATCH, delta=1, Tidx="int32")
    assert text(found) == "arange_like(x, x.shape[0], dtype=torch.int32)"
