"""Random tensors whose sizes are only known while the network runs."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tf2torch.ir.interpret import evaluate
from tf2torch.ir.types import Node, TensorType, Value
from tf2torch.ops import registry
from tf2torch.ops.expr import Var, size

X = Value("x", TensorType("float32", (None, 3)), None)


@pytest.mark.parametrize(
    ("op", "attrs"),
    [
        ("RandomUniform", {"dtype": "float32"}),
        ("RandomStandardNormal", {"dtype": "float64"}),
        ("TruncatedNormal", {"dtype": "float32"}),
        ("RandomUniformInt", {"Tout": "int32", "minval": -2, "maxval": 5}),
    ],
)
def test_on_the_device_of_the_tensor_whose_size_it_has(op: str, attrs: dict[str, Any]) -> None:
    (expression,) = registry.lower(Node(op, (), (), {"shape": (2 * size(Var(X), 0), 7), **attrs}))
    drawn = evaluate(expression, {X: torch.zeros(4, 3, device="meta")})
    assert drawn.shape == (8, 7)
    assert drawn.device.type == "meta"
    assert str(drawn.dtype) == f"torch.{attrs.get('dtype', attrs.get('Tout'))}"
