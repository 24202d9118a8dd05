"""The table of ops in docs/."""

from __future__ import annotations

from tests.ops.write_table import PATH, table
from tf2torch.ir.types import TensorType, Value
from tf2torch.ops.expr import DTYPES, F, Var, helpers, size, torch
from tf2torch.ops.table import text

X = Var(Value("x", TensorType("float32", (2, 3)), None))


def test_table_is_up_to_date() -> None:
    assert PATH.read_text() == table(), "run: python -m tests.ops.write_table"


def test_expressions_as_text() -> None:
    assert text(F.relu(1 - X * 2)) == "F.relu(1 - (x * 2))"
    assert text(X + X + X) == "x + x + x"
    assert text(X - (X + X)) == "x - (x + x)"
    assert text(-(X**2).sum(dim=(0,), keepdim=True)) == "-(x ** 2).sum(dim=(0,), keepdim=True)"
    assert text(X[(slice(None), slice(1, None, 2), None, ...)]) == "x[:, 1::2, None, ...]"
    assert (
        text(torch.zeros([size(X, 0), 3], dtype=DTYPES["int64"])) == "torch.zeros([x.shape[0], 3], dtype=torch.int64)"
    )
    assert text(helpers.pad_same(X, kernel=3)) == "pad_same(x, kernel=3)"
