"""How a reshape reads where sizes are not known at conversion."""

from __future__ import annotations

import operator
from functools import reduce

import pytest

from tests.ops.reading import lowered, value
from tf2torch.ir.types import Ref, TensorType, Value
from tf2torch.ir.views import IDENTITY
from tf2torch.ops import registry
from tf2torch.ops.expr import Call, Var, size
from tf2torch.ops.table import text

OTHER = "other"


ROWS = [
    ((None, 7, 7, 64), (-1, 3136), "x.flatten(1)"),
    ((None, 7, 7, 64), ("x0", -1), "x.flatten(1)"),
    ((None, 7, 7, 64), ("y0", 3136), "x.flatten(1)"),
    ((None, None, None, 64), ("x0", -1), "x.flatten(1)"),
    ((None, None, None, 64), (-1, 64), "x.flatten(0, 2)"),
    ((None, None, None, 64), ("x0", "x1*x2", 64), "x.flatten(1, 2)"),
    ((None, 7, 7, 64), ("x0", "x1*x2", 64), "x.flatten(1, 2)"),
    ((None, 8, 8, 4), ("x0", "x1", -1), "x.flatten(2)"),
    ((None, 8, 8, 4), ("x0", -1, 8), "x.reshape(x.shape[0], -1, 8)"),
    ((None, None, 768), ("x0", "x1", 12, 64), "x.unflatten(2, (12, 64))"),
    ((None, None, 768), ("x0", -1, 12, 64), "x.unflatten(2, (12, 64))"),
    ((None, None, 12, 64), ("x0", "x1", 768), "x.flatten(2)"),
    ((None, None, 768), (-1, 768), "x.flatten(0, 1)"),
    ((None, 768), (-1, "y1", 768), "x.unflatten(0, (-1, other.shape[1]))"),
    ((None, 6), ("x0", 2, 3), "x.unflatten(1, (2, 3))"),
    ((None, 6), (-1, 3), "x.reshape(-1, 3)"),
    ((None, 6), (-1, 1, 6), "x.unsqueeze(1)"),
    ((None, 6), ("x0", 1, 1, 6), "x.reshape(-1, 1, 1, 6)"),
    ((None, 1, 1, 6), (-1, 6), "x.flatten(1)"),
    ((None, 6), (-1, 6), "x"),
    ((None, None), ("y0", "y1"), "x.reshape(other.shape[0], other.shape[1])"),
    ((None, 1), (-1,), "x.squeeze(1)"),
    ((None,), (-1, 1), "x.unsqueeze(1)"),
]


@pytest.mark.parametrize(("shape", "target", "wanted"), ROWS, ids=[row[2] for row in ROWS])
def test_a_reshape_keeps_sizes_dynamic(
    shape: tuple[int | None, ...], target: tuple[int | str, ...], wanted: str
) -> None:
    x, other = value(*shape), value(None, None, name=OTHER)

    def length(said: int | str) -> int | Call:
        if isinstance(said, int):
            return said
        return reduce(operator.mul, (size(Var(x if of == "x" else other), int(axis)) for of, axis in said.split("*")))

    assert text(lowered("Reshape", x, shape=tuple(map(length, target)))) == wanted


def test_sizes_of_the_same_tensor_in_another_order_are_its_own() -> None:
    type_of = TensorType("float32", (None, 4, None, None)), TensorType("float32", (None, None, None, 4))
    first = Var(Value("first", type_of[0], Ref("y:0", IDENTITY.permute((0, 3, 1, 2)))))
    last = Value("x", type_of[1], Ref("y:0"))
    shape = (size(first, 0), size(first, 2) * size(first, 3), 4)
    assert text(lowered("Reshape", last, shape=shape)) == "x.flatten(1, 2)"
    assert text(lowered("Reshape", last, shape=(size(first, 0), size(first, 2), -1))) == "x.flatten(2)"
    stranger = Value("x", type_of[1], Ref("z:0"))
    found = text(lowered("Reshape", stranger, shape=(size(first, 0), size(first, 2), -1)))
    assert found == "x.reshape(first.shape[0], first.shape[2], -1)"


def test_a_reshape_of_a_tensor_of_unknown_rank() -> None:
    x = Value("x", TensorType("float32", None), None)
    assert text(lowered("Reshape", x, shape=(-1, 3))) == "x.reshape(-1, 3)"


def test_a_squeeze_of_all_axes_keeps_a_batch_that_is_not_known() -> None:
    assert text(lowered("Squeeze", value(None, 1, 6))) == "x.squeeze(1)"
    with pytest.raises(registry.Refuse, match="rank of its input is not known"):
        lowered("Squeeze", Value("x", TensorType("float32", None), None))


def test_a_broadcast_to_the_shape_that_it_has_is_none() -> None:
    x = value(None, 6)
    assert text(lowered("BroadcastTo", x, shape=(size(Var(x), 0), 6))) == "x"
