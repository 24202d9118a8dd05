"""Activations."""

from __future__ import annotations

from tests.ops.case import Case, seeded

X = seeded(2, 3, 4, low=-8, high=8)

CASES = (
    *(Case(op, {"features": X}) for op in ("Relu", "Relu6", "LeakyRelu")),
    *(Case(op, {"x": X}) for op in ("Tanh", "Sigmoid")),
    Case("LeakyRelu", {"features": X}, {"alpha": 0.1}),
)
