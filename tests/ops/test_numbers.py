"""A scalar constant may reach the handler of an element-wise op as a Python number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.ops.case import Case, Static
from tests.ops.cases import CASES
from tests.ops.compute import expected, prepare
from tf2torch.ir.interpret import evaluate
from tf2torch.ops.expr import Var
from tf2torch.ops.registry import ELEMENTWISE, handlers

ALL_OF_ONE_SHAPE = {("ClipByValue", "t"), ("ApproximateEqual", "x"), ("ApproximateEqual", "y")}  # TensorFlow insists


def _operands() -> Iterator[tuple[Case, str]]:
    """The first row of each element-wise op of several tensors, with the operand to replace."""
    rows: dict[str, Case] = {}
    for case in CASES:
        rows.setdefault(case.op, case)
    for op, case in rows.items():
        tensors = handlers()[op].tensors
        if handlers()[op].layout == ELEMENTWISE and len(tensors) > 1 and not case.attrs:
            names = (name for name in tensors if case.inputs[name].dtype != bool)
            yield from ((case, name) for name in names if (op, name) not in ALL_OF_ONE_SHAPE)


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize(("case", "name"), list(_operands()), ids=lambda part: getattr(part, "op", part))
def test_number_as_operand(case: Case, name: str, index: int) -> None:
    scalar = case.inputs[name].flat[min(index, case.inputs[name].size - 1)]
    (wanted,) = expected(replace(case, inputs={**case.inputs, name: Static(scalar)}))
    node, values = prepare(case)
    arguments: list[Any] = [Var(value) for value in node.inputs]
    arguments[handlers()[case.op].tensors.index(name)] = _number(scalar)
    found = np.asarray(evaluate(handlers()[case.op].function(*arguments), values))
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    np.testing.assert_allclose(found, wanted, rtol=4e-6, atol=4e-6)


def _number(scalar: Any) -> int | float:
    """A float32 means its shortest decimal."""
    return float(str(scalar)) if isinstance(scalar, np.floating) else int(scalar)
